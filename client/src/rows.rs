//! A query result as one stream of record batches.
//!
//! Flight SQL hands out a result as a list of endpoints. They are read one after the other, in the
//! order of the list: that is the only order a server can promise, and it keeps one stream open at
//! a time. The schema is the one that the data carries; all endpoints must carry the same columns.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::sql::client::FlightSqlServiceClient;
use arrow_flight::{FlightEndpoint, FlightInfo, Ticket};
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt, TryStreamExt};
use tonic::transport::Channel;

use crate::deadline::Deadline;
use crate::error::ClientError;

/// "Fetch it where you asked for it": the one location that sends the token nowhere else
/// (Flight.proto, `FlightEndpoint.location`).
const REUSE_CONNECTION: &str = "arrow-flight-reuse-connection://";

/// The rows of one query, with their schema. Dropping it cancels the query.
pub struct RowStream {
    schema: SchemaRef,
    batches: BoxStream<'static, Result<RecordBatch, ClientError>>,
}

impl RowStream {
    /// Columns of every batch of this stream; known also when there are no rows.
    pub fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    /// Starts reading, and returns as soon as the schema is known.
    pub(crate) async fn open(
        client: FlightSqlServiceClient<Channel>,
        info: FlightInfo,
        deadline: Deadline,
    ) -> Result<Self, ClientError> {
        let mut reader =
            EndpointReader { client, tickets: tickets(&info)?, current: None, schema: None, deadline };
        let first = reader.next_batch().await?;
        let schema = match &reader.schema {
            Some(schema) => SchemaRef::clone(schema),
            None => SchemaRef::new(info.try_decode_schema()?),
        };
        let rest = stream::try_unfold(reader, |mut reader| async move {
            let batch = reader.next_batch().await?;
            Ok(batch.map(|batch| (batch, reader)))
        });
        let batches = stream::iter(first.map(Ok)).chain(rest).boxed();
        Ok(Self { schema, batches })
    }
}

impl Stream for RowStream {
    type Item = Result<RecordBatch, ClientError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.batches.poll_next_unpin(context)
    }
}

impl fmt::Debug for RowStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowStream").field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// Reads endpoint after endpoint.
struct EndpointReader {
    client: FlightSqlServiceClient<Channel>,
    tickets: VecDeque<Ticket>,
    current: Option<FlightRecordBatchStream>,
    schema: Option<SchemaRef>,
    deadline: Deadline,
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
            let batch = self.deadline.wait(current.try_next()).await?;
            let schema = current.schema().cloned();
            self.check_schema(schema)?;
            if batch.is_some() {
                return Ok(batch);
            }
            self.current = None;
        }
    }

    async fn fetch(&mut self, ticket: Ticket) -> Result<FlightRecordBatchStream, ClientError> {
        if let Some(timeout) = self.deadline.header() {
            self.client.set_header("grpc-timeout", timeout);
        }
        self.deadline.wait(self.client.do_get(ticket)).await
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
