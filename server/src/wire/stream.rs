//! A running query as a Flight stream.
//!
//! ```text
//! ResultStream ─▶ coerce ─▶ rechunk ─▶ encode ─▶ channel of 2 ─▶ ResultBody ─▶ tonic ─▶ client
//! └────────────── one task, the pump ───────────┘                └─ polled by the connection ─┘
//! ```
//!
//! The pump runs ahead of the connection by two messages, so encoding overlaps sending and a slow client costs a few
//! megabytes at most. Invariants:
//! - Dropping the body aborts the pump, which drops the query. A client that goes away stops its work.
//! - A stream ends well only if the pump said so. Its errors travel in its join handle, which always has room, so a
//!   result that was cut short can never look complete, whatever the state of the channel.
//! - A stream that is broken off gives its waiting messages back at once, and holds no more than HTTP/2 itself does.
//! - A stream ends at the client's deadline, when the query's owner cancels it, when the grants on its tables no longer hold,
//!   at the end of the drain, and when the client takes nothing for `server.stall_timeout`: HTTP/2 itself lets a stalled stream
//!   hold its query forever.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow_flight::FlightData;
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions};
use futures::future::BoxFuture;
use futures::{Stream, StreamExt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tonic::Status;

use super::rechunk::Rechunker;
use super::{report, schema};
use crate::context::RequestContext;
use crate::error::{Error, ErrorKind};
use crate::sql::Compression;
use crate::telemetry::metrics::{Entered, RpcMethod};

/// Encoded messages that wait for the connection.
const PREFETCHED_MESSAGES: usize = 2;

/// Messages that wait for the connection, also within reach of the pump: the body of a stalled stream is not polled, so it
/// cannot let go of them itself.
type Waiting = Arc<Mutex<mpsc::Receiver<FlightData>>>;

/// How one result is sent.
#[derive(Default)]
pub(super) struct Delivery {
    /// Absent unless the client asked: the Java driver cannot read compressed results.
    pub(super) compression: Option<Compression>,
    /// Whether texts and binaries travel as views.
    pub(super) view_types: bool,
    /// Ends the stream; absent if nothing does from outside.
    pub(super) ended: Option<BoxFuture<'static, Error>>,
}

/// What a DoGet answers with.
pub(super) struct ResultBody {
    messages: Waiting,
    /// Taken when the pump has ended and was asked how.
    pump: Option<AbortOnDropHandle<Result<(), Error>>>,
    context: RequestContext,
    _open: Entered,
}

impl ResultBody {
    /// Starts to send batches whose columns are those of `wire_schema`, up to their representation. `open` counts the
    /// stream as long as it lives.
    pub(super) fn start<S>(
        batches: S,
        wire_schema: SchemaRef,
        context: RequestContext,
        limits: StreamLimits,
        delivery: Delivery,
        open: Entered,
    ) -> Self
    where
        S: Stream<Item = Result<RecordBatch, Error>> + Send + 'static,
    {
        let (sender, messages) = mpsc::channel(PREFETCHED_MESSAGES);
        let messages = Arc::new(Mutex::new(messages));
        let waiting = Arc::clone(&messages);
        let deadline = context.client_timeout.map(|timeout| context.started + timeout);
        let pump = tokio::spawn(async move {
            let outlet = Outlet { sender, stall: limits.stall };
            let Delivery { compression, view_types, ended } = delivery;
            let work = async {
                let announced =
                    if view_types { schema::with_views(&wire_schema) } else { Arc::clone(&wire_schema) };
                let encoder = Encoder::new(announced, compression)?;
                pump(batches, wire_schema, encoder, &outlet).await
            };
            let (outcome, is_broken_off) = limits.apply(deadline, ended, work).await;
            // An error of the query itself is told behind what was sent before it, as always.
            if is_broken_off {
                discard(&waiting);
            }
            outcome
        });
        Self { messages, pump: Some(AbortOnDropHandle::new(pump)), context, _open: open }
    }
}

fn discard(waiting: &Waiting) {
    let mut messages = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    while messages.try_recv().is_ok() {}
}

impl Stream for ResultBody {
    type Item = Result<FlightData, Status>;

    fn poll_next(mut self: Pin<&mut Self>, waker: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.messages.lock().unwrap_or_else(PoisonError::into_inner).poll_recv(waker);
        if let Some(message) = ready!(next) {
            return Poll::Ready(Some(Ok(message)));
        }
        let Some(pump) = self.pump.as_mut() else {
            return Poll::Ready(None);
        };
        let outcome = ready!(Pin::new(pump).poll(waker));
        self.pump = None;
        let error = match outcome {
            Ok(Ok(())) => return Poll::Ready(None),
            Ok(Err(error)) => error,
            // A panic's message may quote data, so it is not repeated.
            Err(join_error) => {
                Error::internal(format!("a result stream broke off, panic: {}", join_error.is_panic()))
            }
        };
        Poll::Ready(Some(Err(report::status(&self.context, RpcMethod::DoGet, &error))))
    }
}

/// What ends a stream before its own end.
#[derive(Clone)]
pub(super) struct StreamLimits {
    draining_ended: CancellationToken,
    stall: Duration,
}

impl StreamLimits {
    /// Streams that end when `draining_ended` is cancelled, and when their client takes nothing for `stall`.
    pub(super) fn new(draining_ended: CancellationToken, stall: Duration) -> Self {
        Self { draining_ended, stall }
    }

    /// Does the work until it is done or must end. Gives its outcome, and whether it was ended from outside: the client may
    /// then never take what waits.
    async fn apply(
        &self,
        deadline: Option<Instant>,
        ended: Option<BoxFuture<'static, Error>>,
        work: impl Future<Output = Result<(), Error>>,
    ) -> (Result<(), Error>, bool) {
        use ErrorKind::{Cancelled, DeadlineExceeded};
        let deadline = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        let ended = async {
            match ended {
                Some(ended) => ended.await,
                None => std::future::pending().await,
            }
        };
        // What must end is told first: the work may learn of it at the same time, and what waits must not be sent then.
        let outcome = tokio::select! {
            biased;
            error = ended => return (Err(error), true),
            () = self.draining_ended.cancelled() => {
                Err(Error::new(ErrorKind::Unavailable, "the server is shutting down: ask again"))
            }
            () = deadline => Err(Error::new(ErrorKind::DeadlineExceeded, "the client's deadline has passed")),
            outcome = work => outcome,
        };
        let kind = outcome.as_ref().err().map(Error::kind);
        let is_broken_off = matches!(kind, Some(Cancelled | DeadlineExceeded))
            || (kind.is_some() && self.draining_ended.is_cancelled());
        (outcome, is_broken_off)
    }
}

async fn pump<S>(
    batches: S,
    wire_schema: SchemaRef,
    mut encoder: Encoder,
    outlet: &Outlet,
) -> Result<(), Error>
where
    S: Stream<Item = Result<RecordBatch, Error>>,
{
    let mut batches = std::pin::pin!(batches);
    let mut rechunker = Rechunker::new(Arc::clone(&wire_schema));
    outlet.send(encoder.schema()).await?;
    let mut end = Ok(());
    while let Some(batch) = batches.next().await {
        match batch {
            Ok(batch) => rechunker.push(schema::coerce(batch, &wire_schema)?),
            // A limit was met behind these rows, which may be all that the client wants.
            Err(error) if error.kind() == ErrorKind::ResourceExhausted => end = Err(error),
            Err(error) => return Err(error),
        }
        while let Some(message) = rechunker.next_full()? {
            outlet.send(encoder.batch(message)?).await?;
        }
    }
    while let Some(message) = rechunker.next_rest()? {
        outlet.send(encoder.batch(message)?).await?;
    }
    end
}

/// The pump's end of the channel.
struct Outlet {
    sender: mpsc::Sender<FlightData>,
    stall: Duration,
}

impl Outlet {
    async fn send(&self, message: FlightData) -> Result<(), Error> {
        match tokio::time::timeout(self.stall, self.sender.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_closed)) => Err(Error::new(ErrorKind::Cancelled, "the client has closed the stream")),
            Err(_elapsed) => {
                Err(Error::new(ErrorKind::Cancelled, "the client has taken nothing for too long"))
            }
        }
    }
}

/// Arrow IPC without dictionaries, which the wire schema does not have.
struct Encoder {
    announced: SchemaRef,
    generator: IpcDataGenerator,
    options: IpcWriteOptions,
    buffers: Option<IpcWriteContext>,
}

impl Encoder {
    fn new(announced: SchemaRef, compression: Option<Compression>) -> Result<Self, Error> {
        let codec = compression.map(|compression| match compression {
            Compression::Lz4 => CompressionType::LZ4_FRAME,
            Compression::Zstd => CompressionType::ZSTD,
        });
        let options = IpcWriteOptions::default()
            .try_with_compression(codec)
            .map_err(|error| Error::internal(format!("a result cannot be compressed: {error}")))?;
        Ok(Self { announced, generator: IpcDataGenerator::default(), options, buffers: None })
    }

    fn schema(&self) -> FlightData {
        let mut no_dictionaries = DictionaryTracker::new(true);
        self.generator
            .schema_to_bytes_with_dictionary_tracker(&self.announced, &mut no_dictionaries, &self.options)
            .into()
    }

    fn batch(&mut self, batch: RecordBatch) -> Result<FlightData, Error> {
        let batch = schema::as_announced(batch, &self.announced)?;
        let buffers = self.buffers.get_or_insert_with(|| {
            let mut buffers = IpcWriteContext::default();
            // Messages are of one size: allocating the size of the last one saves growing step by step.
            buffers.set_reserve_scratch(true);
            buffers
        });
        let mut no_dictionaries = DictionaryTracker::new(true);
        let (_, message) = self
            .generator
            .encode(&batch, &mut no_dictionaries, &self.options, buffers)
            .map_err(|error| Error::internal(format!("a result batch cannot be encoded: {error}")))?;
        Ok(message.into())
    }
}

#[cfg(test)]
mod tests;
