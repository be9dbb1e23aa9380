//! A running query's result: pulled by the client, computed ahead by a few batches, ended when nobody wants it.
//!
//! The plan runs on the CPU runtime and hands batches over a short channel. When the client reads slowly the channel
//! fills and the plan waits, so the server's memory does not grow with the result.
//!
//! A query ends when the grants on its tables no longer hold, whatever it is at: reading, sorting what it has read, or
//! waiting for its client.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::physical_plan::execute_stream;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, Stream, StreamExt, TryStreamExt, stream};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{Sleep, sleep_until};
use tokio_util::task::AbortOnDropHandle;

use super::result_limits::ResultAccount;
use super::timed_out;
use crate::access::GrantWatch;
use crate::error::Error;
use crate::guard::{Ended, SealedPlan, from_datafusion};

/// Batches computed ahead of the client.
const AHEAD: usize = 2;

/// What ends a query before its own end.
pub(super) struct Limits {
    pub(super) deadline: Instant,
    /// `None` for a query without tables.
    pub(super) watch: Option<GrantWatch>,
    /// Is told when the query has ended, for calls of functions, which cannot be aborted.
    pub(super) ended: Ended,
}

/// The batches of one statement. Dropping it cancels the query.
pub(crate) struct QueryStream {
    schema: SchemaRef,
    batches: mpsc::Receiver<Result<RecordBatch, Error>>,
    limits: Limits,
    /// Made where it is polled: the threads for CPU work may end before.
    timer: Option<Pin<Box<Sleep>>>,
    broken: Option<BoxFuture<'static, Error>>,
    task: AbortOnDropHandle<()>,
    is_over: bool,
}

impl QueryStream {
    pub(super) fn start(
        cpu: &Handle,
        plans: impl Stream<Item = Result<SealedPlan, Error>> + Send + 'static,
        schema: SchemaRef,
        limits: Limits,
        mut account: ResultAccount,
    ) -> Self {
        let (sender, batches) = mpsc::channel(AHEAD);
        let task = cpu.spawn(async move {
            let mut results = pin!(plans.map(run).flatten());
            while let Some(batch) = results.next().await {
                let (rows, end) = match batch {
                    Ok(batch) => account.take(batch),
                    Err(error) => (None, Err(error)),
                };
                for part in [rows.map(Ok), end.err().map(Err)].into_iter().flatten() {
                    let is_last = part.is_err();
                    // Nobody listens any more if this fails.
                    if sender.send(part).await.is_err() || is_last {
                        return;
                    }
                }
            }
        });
        let broken = limits.watch.as_ref().map(|watch| watch.broken().boxed());
        let task = AbortOnDropHandle::new(task);
        Self { schema, batches, limits, timer: None, broken, task, is_over: false }
    }

    /// The result's columns, as the logical plan declares them.
    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Whether the grants on the query's tables still hold; `None` if it has none.
    pub(crate) fn watch(&self) -> Option<&GrantWatch> {
        self.limits.watch.as_ref()
    }

    /// Why the query must end before its own end, as far as that is known without waiting.
    fn ended_by(&mut self, context: &mut Context<'_>) -> Option<Error> {
        if let Some(Err(error)) = self.limits.watch.as_ref().map(GrantWatch::check) {
            return Some(error);
        }
        let deadline = self.limits.deadline;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline.into())));
        timer.poll_unpin(context).is_ready().then(timed_out)
    }

    /// While there is no batch: wakes the task also when the grants no longer hold.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<RecordBatch, Error>>> {
        match self.broken.as_mut().map(|broken| broken.poll_unpin(context)) {
            Some(Poll::Ready(error)) => self.end(Some(error)),
            _ => Poll::Pending,
        }
    }

    fn end(&mut self, last: Option<Error>) -> Poll<Option<Result<RecordBatch, Error>>> {
        self.is_over = true;
        self.limits.ended.set();
        self.task.abort();
        Poll::Ready(last.map(Err))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that runs a plan, and only a sealed one"
)]
fn run(plan: Result<SealedPlan, Error>) -> BoxStream<'static, Result<RecordBatch, Error>> {
    let started = plan.and_then(|plan| {
        let (plan, context) = plan.into_parts();
        execute_stream(plan, context).map_err(from_datafusion)
    });
    match started {
        Ok(batches) => batches.map_err(from_datafusion).boxed(),
        Err(error) => stream::once(async { Err(error) }).boxed(),
    }
}

impl Drop for QueryStream {
    fn drop(&mut self) {
        self.limits.ended.set();
    }
}

impl Stream for QueryStream {
    type Item = Result<RecordBatch, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        if let Some(error) = self.ended_by(context) {
            return self.end(Some(error));
        }
        let Poll::Ready(next) = self.batches.poll_recv(context) else {
            return self.wait(context);
        };
        match next {
            Some(Ok(batch)) => Poll::Ready(Some(Ok(batch))),
            Some(Err(error)) => self.end(Some(error)),
            None => {
                // The channel closes when the task ends: in good order, or by a panic, which must not look like the end.
                match ready!(self.task.poll_unpin(context)) {
                    Ok(()) => self.end(None),
                    Err(error) => {
                        // A panic's message may quote what the statement says, so it is not repeated.
                        let text = format!("execution ended abnormally, panic: {}", error.is_panic());
                        self.end(Some(Error::internal(text)))
                    }
                }
            }
        }
    }
}
