//! A query result as one stream of record batches.
//!
//! Flight SQL hands out a result as a list of endpoints. They are read one after the other, in the
//! order of the list: that is the only order a server can promise, and it keeps one stream open at
//! a time. The schema is the one that the data carries; all endpoints must carry the same columns.
//!
//! A result is cancelled by dropping it: that resets its HTTP/2 stream, which the server notices within one batch. A
//! [`Canceller`] does it from elsewhere, and also tells the server about the endpoints that nobody has read yet.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::{Action, CancelFlightInfoRequest, FlightEndpoint, FlightInfo, Ticket};
use futures::stream::{self, AbortHandle, Abortable, BoxStream};
use futures::{Stream, StreamExt, TryStreamExt};
use prost::Message;

use crate::call::{Call, Caller, unless_unknown};
use crate::error::ClientError;

/// "Fetch it where you asked for it": the one location that sends the token nowhere else
/// (Flight.proto, `FlightEndpoint.location`).
const REUSE_CONNECTION: &str = "arrow-flight-reuse-connection://";

/// Action that ends a query and everything that the server keeps for it (Flight.proto, `CancelFlightInfo`).
const CANCEL: &str = "CancelFlightInfo";

type Batches = BoxStream<'static, Result<RecordBatch, ClientError>>;

/// The rows of one query, with their schema. Dropping it cancels the query.
pub struct RowStream {
    schema: SchemaRef,
    /// `None` after the end.
    batches: Option<Abortable<Batches>>,
    canceller: Canceller,
}

impl RowStream {
    /// Columns of every batch of this stream; known also when there are no rows.
    pub fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    /// A handle that cancels this query from elsewhere, while somebody reads the rows.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// Starts reading, and returns as soon as the schema is known.
    pub(crate) async fn open(call: Call, info: FlightInfo) -> Result<Self, ClientError> {
        let (abort, registration) = AbortHandle::new_pair();
        let canceller = Canceller { abort, caller: call.caller.clone(), info: Arc::new(info) };
        let info = &canceller.info;
        let mut reader = EndpointReader { call, tickets: tickets(info)?, current: None, schema: None };
        let first = reader.next_batch().await?;
        let schema = match &reader.schema {
            Some(schema) => SchemaRef::clone(schema),
            None => SchemaRef::new(FlightInfo::clone(info).try_decode_schema()?),
        };
        let rest = stream::try_unfold(reader, |mut reader| async move {
            let batch = reader.next_batch().await?;
            Ok(batch.map(|batch| (batch, reader)))
        });
        let batches = stream::iter(first.map(Ok)).chain(rest).boxed();
        Ok(Self { schema, batches: Some(Abortable::new(batches, registration)), canceller })
    }
}

impl Stream for RowStream {
    type Item = Result<RecordBatch, ClientError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(batches) = &mut self.batches else {
            return Poll::Ready(None);
        };
        let next = ready!(batches.poll_next_unpin(context));
        let was_cancelled = next.is_none() && batches.is_aborted();
        if next.is_none() {
            self.batches = None;
        }
        // Rows that end because of a cancellation must not look complete.
        Poll::Ready(if was_cancelled { Some(Err(ClientError::Cancelled)) } else { next })
    }
}

impl fmt::Debug for RowStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowStream").field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// Cancels one query. Made by [`RowStream::canceller`]; clones cancel the same query.
#[derive(Clone)]
pub struct Canceller {
    abort: AbortHandle,
    caller: Caller,
    info: Arc<FlightInfo>,
}

impl Canceller {
    /// Ends the query: its [`RowStream`] fails with [`ClientError::Cancelled`] from now on, and the server is told.
    /// A query that has ended already stays as it ended.
    ///
    /// # Errors
    /// [`ClientError::Status`] if the server could not be told; the rows have ended all the same. A server that does
    /// not know the action is no error: it notices that its stream was reset.
    pub async fn cancel(&self) -> Result<(), ClientError> {
        self.abort.abort();
        let request = CancelFlightInfoRequest::new(FlightInfo::clone(&self.info));
        let action = Action::new(CANCEL, request.encode_to_vec());
        let mut client = self.caller.client.clone();
        let told = async {
            let replies = client.do_action(action).await?;
            replies.try_for_each(async |_| Ok(())).await?;
            Ok(())
        };
        unless_unknown(told.await)
    }
}

impl fmt::Debug for Canceller {
    /// Written by hand: the tickets are capabilities.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canceller").finish_non_exhaustive()
    }
}

/// Reads endpoint after endpoint.
struct EndpointReader {
    call: Call,
    tickets: VecDeque<Ticket>,
    current: Option<FlightRecordBatchStream>,
    schema: Option<SchemaRef>,
}

impl EndpointReader {
    /// The next batch, or `None` after the last endpoint ended with status OK.
    async fn next_batch(&mut self) -> Result<Option<RecordBatch>, ClientError> {
        loop {
            let Some(current) = &mut self.current else {
                let Some(ticket) = self.tickets.pop_front() else {
                    return Ok(None);
                };
                self.current = Some(self.fetch(ticket).await?);
                continue;
            };
            let batch = self.call.deadline.wait(current.try_next()).await?;
            let schema = current.schema().cloned();
            self.check_schema(schema)?;
            if batch.is_some() {
                return Ok(batch);
            }
            self.current = None;
        }
    }

    async fn fetch(&mut self, ticket: Ticket) -> Result<FlightRecordBatchStream, ClientError> {
        self.call.tell_deadline();
        self.call.deadline.wait(self.call.client.do_get(ticket)).await
    }

    fn check_schema(&mut self, seen: Option<SchemaRef>) -> Result<(), ClientError> {
        let Some(seen) = seen else {
            return Ok(());
        };
        match &self.schema {
            None => self.schema = Some(seen),
            Some(known) if known.fields() != seen.fields() => {
                return Err(ClientError::SchemaChanged);
            }
            Some(_) => {}
        }
        Ok(())
    }
}

fn tickets(info: &FlightInfo) -> Result<VecDeque<Ticket>, ClientError> {
    info.endpoint.iter().map(ticket).collect()
}

/// The ticket of an endpoint that this connection serves.
fn ticket(endpoint: &FlightEndpoint) -> Result<Ticket, ClientError> {
    let served_here = endpoint.location.is_empty()
        || endpoint.location.iter().any(|location| location.uri.starts_with(REUSE_CONNECTION));
    if !served_here {
        return Err(ClientError::ForeignLocation);
    }
    endpoint.ticket.clone().ok_or(ClientError::MissingTicket)
}
