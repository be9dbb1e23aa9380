//! What a join compares with rows of its other side, in pieces that take a bounded time.
//!
//! A join compares one batch with every row of the other side that may match before it looks up, also when no pair is found.
//! Thousands of rows with millions are minutes, in which its thread serves nobody and cannot be told to stop. In pieces of
//! few rows, with a pause after each, the same work lets others run in between.
//!
//! A nested-loop join compares with all rows, and its order depends on the pieces: how many rows one has follows from the
//! planner's count of the other side, and from nothing that changes from run to run. A hash join with a further condition
//! compares with those of one key, which are mostly few, and keeps its order whatever the pieces are: they begin small and
//! grow as long as they are quick.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use datafusion::common::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{Stream, StreamExt};

use super::passing::PassingExec;

/// Pairs of rows that are compared between two pauses: about a tenth of a second.
const PAIRS: usize = 8 * 1024 * 1024;

/// Rows of a piece where the planner does not know how many rows the other side has.
const UNKNOWN: usize = 64;

/// A piece after which the next ones are smaller, and one after which they are larger.
const SLOW: Duration = Duration::from_millis(100);
const QUICK: Duration = Duration::from_millis(20);

/// `input` in pieces that suit what each of its rows is compared with.
pub(super) fn in_pieces(
    input: Arc<dyn ExecutionPlan>,
    compared_with: &dyn ExecutionPlan,
) -> Arc<dyn ExecutionPlan> {
    let statistics = StatisticsContext::new().compute(compared_with, &StatisticsArgs::new());
    let count = statistics.ok().and_then(|statistics| statistics.num_rows.get_value().copied());
    cut(input, count.map_or(UNKNOWN, |count| (PAIRS / count.max(1)).max(1)), None)
}

/// `input` in pieces that grow as long as they are quick.
pub(super) fn in_growing_pieces(input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    cut(input, UNKNOWN, Some(UNKNOWN))
}

fn cut(input: Arc<dyn ExecutionPlan>, rows: usize, fewest: Option<usize>) -> Arc<dyn ExecutionPlan> {
    PassingExec::over("PiecesExec", input, move |batches, _| {
        let schema = batches.schema();
        Box::pin(RecordBatchStreamAdapter::new(schema, Pieces::of(batches, rows, fewest)))
    })
}

struct Pieces {
    batches: SendableRecordBatchStream,
    rows: usize,
    /// Fewest rows, if their number changes.
    fewest: Option<usize>,
    rest: Option<RecordBatch>,
    /// When a piece was handed out, after which there was no pause yet.
    handed_out: Option<Instant>,
}

impl Pieces {
    fn of(batches: SendableRecordBatchStream, rows: usize, fewest: Option<usize>) -> Self {
        Self { batches, rows, fewest, rest: None, handed_out: None }
    }

    fn adapt(&mut self, taken: Duration) {
        if let Some(fewest) = self.fewest {
            if taken > SLOW {
                self.rows = (self.rows / 2).max(fewest);
            } else if taken < QUICK {
                self.rows = self.rows.saturating_mul(2);
            }
        }
    }
}

impl Stream for Pieces {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(handed_out) = self.handed_out.take() {
            self.adapt(handed_out.elapsed());
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let batch = match self.rest.take() {
            Some(rest) => rest,
            None => match ready!(self.batches.poll_next_unpin(context)) {
                Some(Ok(batch)) => batch,
                end => return Poll::Ready(end),
            },
        };
        self.handed_out = Some(Instant::now());
        if batch.num_rows() <= self.rows {
            return Poll::Ready(Some(Ok(batch)));
        }
        self.rest = Some(batch.slice(self.rows, batch.num_rows() - self.rows));
        Poll::Ready(Some(Ok(batch.slice(0, self.rows))))
    }
}

#[cfg(test)]
mod tests;
