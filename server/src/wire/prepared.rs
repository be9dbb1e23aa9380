//! Prepared statements: the path on which JDBC and ADBC send every query.
//!
//! The server keeps nothing. A handle holds the text and the options that it was prepared with, and after a bind
//! the parameters as well: binding answers with a new handle and leaves the old one as it was. Clients differ in which
//! of the two they close and use again, so both are good until they expire, and closing always succeeds.

use arrow_flight::sql::{DoPutPreparedStatementResult, DoPutUpdateResult};
use arrow_flight::{FlightData, PutResult};
use bytes::Bytes;
use futures::Stream;
use lakegate_proto::flight::ActionCreatePreparedStatementResult;
use prost::Message;
use tonic::Status;

use super::authenticate::Caller;
use super::commands::read_only;
use super::front_door::FrontDoor;
use super::stream::ResultBody;
use super::{handles, parameters, schema, sealing};
use crate::error::Error;
use crate::identity::{Principal, Sealer};
use crate::pipeline::{PlanningTime, QueryRequest};
use crate::sql::Source;

impl FrontDoor {
    /// Plans a statement and hands out a handle for it.
    ///
    /// # Errors
    /// What planning answers.
    pub(super) async fn prepare(
        &self,
        caller: &Caller,
        source: Source,
    ) -> Result<ActionCreatePreparedStatementResult, Error> {
        let request = self.statement(caller, source)?;
        if self.session_change(&request.source)?.is_some() {
            // Without schemas: older drivers take that for an update, and then ask for it to be done.
            let handle = self.seal_prepared(caller, request).await?;
            return Ok(ActionCreatePreparedStatementResult {
                prepared_statement_handle: handle.into(),
                is_update: Some(true),
                ..ActionCreatePreparedStatementResult::default()
            });
        }
        let description = self.describe(caller, &request).await?;
        // Sealed last: what is too long was refused by then.
        let view_types = request.options.view_types;
        let handle = self.seal_prepared(caller, request).await?;
        let dataset_schema = schema::announced(&description.schema, view_types);
        Ok(ActionCreatePreparedStatementResult {
            prepared_statement_handle: handle.into(),
            dataset_schema: schema::encapsulated(&dataset_schema)?.into(),
            parameter_schema: schema::encapsulated(&schema::wire_schema(&description.parameters))?.into(),
            is_update: Some(false),
        })
    }

    /// The request that a handle stands for.
    ///
    /// # Errors
    /// What opening the handle answers.
    pub(super) async fn open_prepared(&self, caller: &Caller, handle: Bytes) -> Result<QueryRequest, Error> {
        let size = handle.len();
        let open = move |sealer: &Sealer, owner: &Principal| handles::open_prepared(sealer, owner, &handle);
        self.sealing(caller, size, open).await
    }

    async fn seal_prepared(&self, caller: &Caller, request: QueryRequest) -> Result<Bytes, Error> {
        let (size, lifetime) = (sealing::size(&request), self.options.prepared_ttl);
        let seal = move |sealer: &Sealer, owner: &Principal| {
            handles::seal_prepared(sealer, owner, lifetime, &request)
        };
        self.sealing(caller, size, seal).await
    }

    /// Executes a handle that was presented as a ticket.
    ///
    /// # Errors
    /// What opening the handle and running the statement answer.
    pub(super) async fn run_prepared(&self, caller: &Caller, handle: Bytes) -> Result<ResultBody, Error> {
        let request = self.open_prepared(caller, handle).await?;
        // No schema was announced with the handle as a ticket, so there is none to keep to.
        self.run(caller, &request, PlanningTime::default(), |_| Ok(())).await
    }

    /// Does an update: a change of the session is one, and there is no other.
    ///
    /// # Errors
    /// [`read_only`] for every other statement, and what changing the session answers.
    pub(super) fn update(&self, caller: &Caller, source: &Source) -> Result<PutResult, Error> {
        let change = self.session_change(source)?.ok_or_else(read_only)?;
        self.change_session(caller, &[change])?;
        let answer = DoPutUpdateResult { record_count: 0 };
        Ok(PutResult { app_metadata: answer.encode_to_vec().into() })
    }

    /// Binds rows of parameters and answers with the handle that holds them.
    ///
    /// # Errors
    /// What opening the handle answers, and [`InvalidRequest`](crate::error::ErrorKind::InvalidRequest) for anything but rows of plain values.
    pub(super) async fn bind<S>(
        &self,
        caller: &Caller,
        handle: Bytes,
        first: FlightData,
        rest: S,
    ) -> Result<PutResult, Error>
    where
        S: Stream<Item = Result<FlightData, Status>>,
    {
        let mut request = self.open_prepared(caller, handle).await?;
        let received = parameters::receive(first, rest).await?;
        request.parameters = Some(self.in_turn(caller, move || received.decode()).await?);
        let bound = self.seal_prepared(caller, request).await?;
        // The Java client uses the handle without looking whether there is one.
        let answer = DoPutPreparedStatementResult { prepared_statement_handle: Some(bound) };
        Ok(PutResult { app_metadata: answer.encode_to_vec().into() })
    }
}
