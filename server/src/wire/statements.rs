//! Statements: GetFlightInfo plans one and hands out a ticket, DoGet executes it. Both authorise.

use std::slice::from_ref;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{Schema, SchemaRef};
use arrow_flight::{FlightDescriptor, FlightEndpoint, FlightInfo, Ticket};
use futures::stream;

use super::authenticate::Caller;
use super::front_door::FrontDoor;
use super::handles::PlannedAs;
use super::stream::{Delivery, ResultBody};
use super::{handles, schema};
use crate::error::{Error, ErrorKind};
use crate::pipeline::{Description, Part, PlanningTime, QueryRequest};

/// For FlightInfo: how many rows and bytes a result will have is never told, since it could count hidden rows.
const UNKNOWN: i64 = -1;

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

    /// The wire schema of a statement's result; that of one that changes the session has no columns.
    ///
    /// # Errors
    /// As [`describe`](Self::describe).
    pub(super) async fn result_schema(
        &self,
        caller: &Caller,
        request: &QueryRequest,
    ) -> Result<SchemaRef, Error> {
        if self.session_change(&request.source)?.is_some() {
            return Ok(Arc::new(Schema::empty()));
        }
        Ok(schema::announced(&self.describe(caller, request).await?.schema, request.options.view_types))
    }

    /// Plans a statement and hands out the ticket for its result. One that changes the session is done here already, and its
    /// ticket gives an empty result: that is how drivers without a call for updates send it.
    ///
    /// # Errors
    /// As [`describe`](Self::describe), and [`ErrorKind::InvalidRequest`] if it has parameters that are not bound.
    pub(super) async fn plan(
        &self,
        caller: &Caller,
        request: &QueryRequest,
        descriptor: FlightDescriptor,
    ) -> Result<FlightInfo, Error> {
        if let Some(change) = self.session_change(&request.source)? {
            self.change_session(caller, &[change])?;
            let nothing = Arc::new(Schema::empty());
            return self.announce(caller, from_ref(request), &nothing, Duration::ZERO, descriptor);
        }
        let description = self.describe(caller, request).await?;
        if request.parameters.is_none() && !description.parameters.fields().is_empty() {
            let text = "the statement has parameters: prepare it, bind them, and use the handle that binding returns";
            return Err(Error::new(ErrorKind::InvalidRequest, text));
        }
        let announced = schema::announced(&description.schema, request.options.view_types);
        let parts = parts(request, &description, self.pipeline.most_at_once());
        let info = self.announce(caller, &parts, &announced, description.aws, descriptor)?;
        Ok(FlightInfo { ordered: description.is_ordered, ..info })
    }

    /// The answer of planning, with an endpoint for each request. An endpoint without a location is the only form that every
    /// client follows.
    fn announce(
        &self,
        caller: &Caller,
        requests: &[QueryRequest],
        wire_schema: &SchemaRef,
        aws: Duration,
        descriptor: FlightDescriptor,
    ) -> Result<FlightInfo, Error> {
        let query_id = caller.context.query_id;
        let time = PlanningTime { total: caller.context.started.elapsed(), aws };
        let endpoint = |request: &QueryRequest| -> Result<FlightEndpoint, Error> {
            let ticket = self.ticket(caller, PlannedAs { query_id, time }, request, wire_schema)?;
            Ok(self.endpoint(caller, ticket))
        };
        Ok(FlightInfo {
            schema: schema::encapsulated(wire_schema)?,
            flight_descriptor: Some(descriptor),
            endpoint: requests.iter().map(endpoint).collect::<Result<_, Error>>()?,
            total_records: UNKNOWN,
            total_bytes: UNKNOWN,
            ordered: false,
            app_metadata: query_id.to_string().into(),
        })
    }

    /// A ticket for a statement whose result has this wire schema.
    ///
    /// # Errors
    /// Only a defect.
    pub(super) fn ticket(
        &self,
        caller: &Caller,
        planned_as: PlannedAs,
        request: &QueryRequest,
        wire_schema: &SchemaRef,
    ) -> Result<Ticket, Error> {
        let (sealer, lifetime) = (self.identity.sealer(), self.options.ticket_ttl);
        handles::seal_ticket(sealer, &caller.principal, lifetime, planned_as, request, wire_schema)
    }

    /// Executes what a ticket asks for. From here on the call is known by the query id that the client was told when the
    /// statement was planned.
    ///
    /// # Errors
    /// What opening the ticket and the pipeline answer, and [`ErrorKind::Expired`] if the result has other columns by
    /// now than were announced.
    pub(super) async fn run_ticket(&self, caller: &mut Caller, sealed: &[u8]) -> Result<ResultBody, Error> {
        let ticket = handles::open_ticket(self.identity.sealer(), &caller.principal, sealed)?;
        let planned_as = ticket.planned_as;
        caller.context.query_id = planned_as.map_or(caller.context.query_id, |planned| planned.query_id);
        let check = |wire_schema: &SchemaRef| ticket.check_schema(wire_schema);
        let time = planned_as.map(|planned| planned.time).unwrap_or_default();
        self.run(caller, &ticket.request, time, check).await
    }

    /// Executes a statement.
    ///
    /// # Arguments
    /// * `planning` - what the call took that has planned it.
    /// * `check` - may refuse the wire schema before the first row.
    ///
    /// # Errors
    /// What the pipeline and `check` answer.
    pub(super) async fn run(
        &self,
        caller: &Caller,
        request: &QueryRequest,
        planning: PlanningTime,
        check: impl FnOnce(&SchemaRef) -> Result<(), Error>,
    ) -> Result<ResultBody, Error> {
        if self.session_change(&request.source)?.is_some() {
            // It was done when the client asked for this ticket.
            let nothing = Arc::new(Schema::empty());
            return Ok(self.stream(caller, stream::empty(), nothing, Delivery::default()).await);
        }
        let session = self.pipeline.session(&caller.principal);
        let result = self.pipeline.run(&caller.context, &session, request, planning).await?;
        let wire_schema = schema::wire_schema(&result.schema());
        let (compression, view_types) = (request.options.compression, request.options.view_types);
        check(&schema::announced(&result.schema(), view_types))?;
        let delivery = Delivery { compression, view_types, cancelled: result.cancelled() };
        Ok(self.stream(caller, result, wire_schema, delivery).await)
    }
}

/// The requests whose results are together that of a request: one unless the client asks for more and it can be divided, and
/// no more than may run at once, since clients fetch them together.
fn parts(request: &QueryRequest, description: &Description, most: usize) -> Vec<QueryRequest> {
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    match (request.options.endpoints.map(|asked| asked.min(most)), description.pin) {
        (Some(of), Some(pin)) if of > 1 => {
            let part = |index| QueryRequest { part: Some(Part { index, of, pin }), ..request.clone() };
            (0..of).map(part).collect()
        }
        _ => vec![request.clone()],
    }
}
