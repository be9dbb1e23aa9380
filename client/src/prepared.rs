//! Prepared statements: planned once by the server, run any number of times with other values.
//!
//! Binding answers with a new handle that holds the values, so that runs of one statement do not see each other's.
//! A server that keeps the values under the first handle answers with none; its runs must follow one another.

use std::fmt;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::sql::{
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest,
    ActionCreatePreparedStatementResult, Any, CommandPreparedStatementQuery, DoPutPreparedStatementResult,
    ProstMessageExt,
};
use arrow_flight::{Action, FlightData, FlightDescriptor, IpcMessage};
use bytes::Bytes;
use futures::{TryStreamExt, stream};
use prost::Message;

use crate::call::{Call, Caller};
use crate::error::ClientError;
use crate::parameters::Parameters;
use crate::rows::RowStream;

const CREATE: &str = "CreatePreparedStatement";
const CLOSE: &str = "ClosePreparedStatement";

/// A statement that the server has planned. Made by [`Connection::prepare`](crate::Connection::prepare).
pub struct PreparedStatement {
    caller: Caller,
    handle: Bytes,
    schema: SchemaRef,
    parameter_schema: SchemaRef,
}

impl PreparedStatement {
    pub(crate) async fn create(caller: Caller, sql: &str) -> Result<Self, ClientError> {
        const UNEXPECTED: ClientError = ClientError::UnexpectedReply(CREATE);
        let command = ActionCreatePreparedStatementRequest { query: sql.to_owned(), transaction_id: None };
        let replies = perform(caller.begin(), CREATE, &command).await?;
        let reply = replies.first().ok_or(UNEXPECTED)?;
        let any = Any::decode(reply.clone()).map_err(|_| UNEXPECTED)?;
        let created: ActionCreatePreparedStatementResult = any.unpack()?.ok_or(UNEXPECTED)?;
        Ok(Self {
            caller,
            handle: created.prepared_statement_handle,
            schema: decode_schema(created.dataset_schema)?,
            parameter_schema: decode_schema(created.parameter_schema)?,
        })
    }

    /// Columns of the result.
    pub fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    /// One field for each placeholder, with the type that the server expects there.
    pub fn parameter_schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.parameter_schema)
    }

    /// Runs the statement with these values, and returns its rows as they arrive.
    ///
    /// # Errors
    /// As [`Connection::query`](crate::Connection::query).
    pub async fn query(&self, parameters: impl Into<Parameters>) -> Result<RowStream, ClientError> {
        let parameters = parameters.into();
        let mut call = self.caller.begin();
        let prepared_statement_handle = if parameters.is_empty() {
            self.handle.clone()
        } else {
            self.bind(&mut call, parameters.into_row()?).await?
        };
        let info = call.flight_info(&CommandPreparedStatementQuery { prepared_statement_handle }).await?;
        RowStream::open(call, info).await
    }

    /// Lets the server forget the statement. Without it the server does so in its own time.
    ///
    /// # Errors
    /// [`ClientError::Status`] if the server could not be told.
    pub async fn close(self) -> Result<(), ClientError> {
        let command = ActionClosePreparedStatementRequest { prepared_statement_handle: self.handle.clone() };
        perform(self.caller.begin(), CLOSE, &command).await?;
        Ok(())
    }

    /// Sends the values, and returns the handle that stands for the statement with them.
    async fn bind(&self, call: &mut Call, row: RecordBatch) -> Result<Bytes, ClientError> {
        let command = CommandPreparedStatementQuery { prepared_statement_handle: self.handle.clone() };
        let descriptor = FlightDescriptor::new_cmd(command.as_any().encode_to_vec());
        let messages: Vec<FlightData> = FlightDataEncoderBuilder::new()
            .with_flight_descriptor(Some(descriptor))
            .with_schema(row.schema())
            .build(stream::iter([Ok(row)]))
            .try_collect()
            .await?;
        let deadline = call.deadline;
        let mut replies = deadline.wait(call.client.do_put(stream::iter(messages))).await?;
        let first = deadline.wait(replies.try_next()).await?;
        // The bind counts only once the server has ended it with status OK.
        while deadline.wait(replies.try_next()).await?.is_some() {}
        let Some(reply) = first else {
            return Ok(self.handle.clone());
        };
        let bound = DoPutPreparedStatementResult::decode(reply.app_metadata)
            .map_err(|_| ClientError::UnexpectedReply("DoPut"))?;
        Ok(bound.prepared_statement_handle.unwrap_or_else(|| self.handle.clone()))
    }
}

impl fmt::Debug for PreparedStatement {
    /// Written by hand: the handle is a capability.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedStatement")
            .field("schema", &self.schema)
            .field("parameter_schema", &self.parameter_schema)
            .finish_non_exhaustive()
    }
}

/// Performs an action of Flight SQL and returns the bodies of its replies.
async fn perform(
    mut call: Call,
    name: &str,
    command: &impl ProstMessageExt,
) -> Result<Vec<Bytes>, ClientError> {
    let action = Action::new(name, command.as_any().encode_to_vec());
    let deadline = call.deadline;
    let replies = deadline.wait(call.client.do_action(action)).await?;
    deadline.wait(replies.map_ok(|reply| reply.body).try_collect()).await
}

/// A schema that is left out has no fields.
fn decode_schema(encoded: Bytes) -> Result<SchemaRef, ClientError> {
    let schema = if encoded.is_empty() { Schema::empty() } else { Schema::try_from(IpcMessage(encoded))? };
    Ok(SchemaRef::new(schema))
}
