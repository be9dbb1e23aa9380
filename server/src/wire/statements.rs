//! Statements: GetFlightInfo plans one and hands out a ticket, DoGet executes it. Both authorise.

use arrow::datatypes::SchemaRef;
use arrow_flight::{FlightDescriptor, FlightEndpoint, FlightInfo};

use super::authenticate::Caller;
use super::front_door::FrontDoor;
use super::stream::ResultBody;
use super::{handles, schema};
use crate::error::{Error, ErrorKind};
use crate::pipeline::{Description, QueryRequest};

/// For FlightInfo: how many rows and bytes a result will have is never told, since it could count hidden rows.
const UNKNOWN: i64 = -1;

impl Caller {
    /// The request for a text that this call brings.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] if the headers ask for a malformed moment.
    pub(super) fn statement(&self, sql: String) -> Result<QueryRequest, Error> {
        Ok(QueryRequest { sql, parameters: None, as_of: self.as_of.clone()? })
    }
}

impl FrontDoor {
    /// Plans a statement without running it.
    ///
    /// # Errors
    /// What the pipeline answers.
    pub(super) async fn describe(
        &self,
        caller: &Caller,
        request: &QueryRequest,
    ) -> Result<Description, Error> {
        let session = self.pipeline.session(&caller.principal);
        self.pipeline.describe(&caller.context, &session, request).await
    }

    /// The wire schema of a statement's result.
    ///
    /// # Errors
    /// As [`describe`](Self::describe).
    pub(super) async fn result_schema(
        &self,
        caller: &Caller,
        request: &QueryRequest,
    ) -> Result<SchemaRef, Error> {
        Ok(schema::wire_schema(&self.describe(caller, request).await?.schema))
    }

    /// Plans a statement and hands out the ticket for its result.
    ///
    /// # Errors
    /// As [`describe`](Self::describe), and [`ErrorKind::InvalidRequest`] if it has parameters that are not bound.
    pub(super) async fn plan(
        &self,
        caller: &Caller,
        request: &QueryRequest,
        descriptor: FlightDescriptor,
    ) -> Result<FlightInfo, Error> {
        let description = self.describe(caller, request).await?;
        if request.parameters.is_none() && !description.parameters.fields().is_empty() {
            let text = "the statement has parameters: prepare it, bind them, and use the handle that binding returns";
            return Err(Error::new(ErrorKind::InvalidRequest, text));
        }
        let wire_schema = schema::wire_schema(&description.schema);
        let ticket = handles::seal_ticket(
            self.identity.sealer(),
            &caller.principal,
            self.options.ticket_ttl,
            &caller.context,
            request,
            &wire_schema,
        )?;
        let mut endpoint = FlightEndpoint::new().with_ticket(ticket);
        // Telling when the ticket expires tells that until then it may be used again.
        let expires_at = (caller.context.received_at + self.options.ticket_ttl).timestamp();
        endpoint.expiration_time.get_or_insert_default().seconds = expires_at;
        Ok(FlightInfo {
            schema: schema::encapsulated(&wire_schema)?,
            flight_descriptor: Some(descriptor),
            // One endpoint without a location: the only form that every client follows, and in order.
            endpoint: vec![endpoint],
            total_records: UNKNOWN,
            total_bytes: UNKNOWN,
            ordered: false,
            app_metadata: caller.context.query_id.to_string().into(),
        })
    }

    /// Executes what a ticket asks for.
    ///
    /// # Errors
    /// What opening the ticket and the pipeline answer, and [`ErrorKind::Expired`] if the result has other columns by
    /// now than were announced.
    pub(super) async fn run_ticket(&self, caller: &Caller, sealed: &[u8]) -> Result<ResultBody, Error> {
        let ticket = handles::open_ticket(self.identity.sealer(), &caller.principal, sealed)?;
        tracing::debug!(query_id = %caller.context.query_id, planned_as = ticket.planned_as, "ticket redeemed");
        self.run(caller, &ticket.request, |wire_schema| ticket.check_schema(wire_schema)).await
    }

    /// Executes a statement. `check` may refuse its wire schema before the first row.
    ///
    /// # Errors
    /// What the pipeline and `check` answer.
    pub(super) async fn run(
        &self,
        caller: &Caller,
        request: &QueryRequest,
        check: impl FnOnce(&SchemaRef) -> Result<(), Error>,
    ) -> Result<ResultBody, Error> {
        let session = self.pipeline.session(&caller.principal);
        let result = self.pipeline.run(&caller.context, &session, request).await?;
        let wire_schema = schema::wire_schema(&result.schema());
        check(&wire_schema)?;
        Ok(self.stream(caller, result, wire_schema))
    }
}
