//! Statements: GetFlightInfo plans one and hands out a ticket, DoGet executes it. Both authorise.

use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{Schema, SchemaRef};
use arrow_flight::{FlightDescriptor, FlightInfo, Ticket};
use bytes::Bytes;
use futures::{FutureExt, stream};

use super::authenticate::Caller;
use super::front_door::FrontDoor;
use super::handles::{OpenedTicket, PlannedAs};
use super::stream::{Delivery, ResultBody};
use super::{handles, schema, sealing};
use crate::error::{Error, ErrorKind};
use crate::identity::{Principal, Sealer};
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
            return self.announce(caller, vec![request.clone()], nothing, Duration::ZERO, descriptor).await;
        }
        let description = self.describe(caller, request).await?;
        if request.parameters.is_none() && !description.parameters.fields().is_empty() {
            let text = "the statement has parameters: prepare it, bind them, and use the handle that binding returns";
            return Err(Error::new(ErrorKind::InvalidRequest, text));
        }
        let announced = schema::announced(&description.schema, request.options.view_types);
        let parts = parts(request, &description, self.pipeline.most_at_once());
        let info = self.announce(caller, parts, announced, description.aws, descriptor).await?;
        Ok(FlightInfo { ordered: description.is_ordered, ..info })
    }

    /// The answer of planning, with an endpoint for each request. An endpoint without a location is the only form that every
    /// client follows.
    async fn announce(
        &self,
        caller: &Caller,
        requests: Vec<QueryRequest>,
        wire_schema: SchemaRef,
        aws: Duration,
        descriptor: FlightDescriptor,
    ) -> Result<FlightInfo, Error> {
        let time = PlanningTime { total: caller.context.started.elapsed(), aws };
        let planned_as = PlannedAs { query_id: caller.context.query_id, time };
        let schema = schema::encapsulated(&wire_schema)?;
        let tickets = self.tickets(caller, planned_as, requests, wire_schema).await?;
        Ok(FlightInfo {
            schema,
            flight_descriptor: Some(descriptor),
            endpoint: tickets.into_iter().map(|ticket| self.endpoint(caller, ticket)).collect(),
            total_records: UNKNOWN,
            total_bytes: UNKNOWN,
            ordered: false,
            app_metadata: planned_as.query_id.to_string().into(),
        })
    }

    /// A ticket for each of these statements, whose results have this wire schema.
    ///
    /// # Errors
    /// Only a defect.
    pub(super) async fn tickets(
        &self,
        caller: &Caller,
        planned_as: PlannedAs,
        requests: Vec<QueryRequest>,
        wire_schema: SchemaRef,
    ) -> Result<Vec<Ticket>, Error> {
        let lifetime = self.options.ticket_ttl;
        let size = requests.iter().map(sealing::size).sum();
        let seal = move |sealer: &Sealer, owner: &Principal| {
            let seal =
                |request| handles::seal_ticket(sealer, owner, lifetime, planned_as, request, &wire_schema);
            requests.iter().map(seal).collect()
        };
        self.sealing(caller, size, seal).await
    }

    /// What a sealed ticket asks for.
    ///
    /// # Errors
    /// What opening it answers.
    pub(super) async fn open_ticket(&self, caller: &Caller, sealed: Bytes) -> Result<OpenedTicket, Error> {
        let size = sealed.len();
        let open = move |sealer: &Sealer, owner: &Principal| handles::open_ticket(sealer, owner, &sealed);
        self.sealing(caller, size, open).await
    }

    /// Executes what a ticket asks for. From here on the call is known by the query id that the client was told when the
    /// statement was planned.
    ///
    /// # Errors
    /// What opening the ticket and the pipeline answer, and [`ErrorKind::Expired`] if the result has other columns by
    /// now than were announced.
    pub(super) async fn run_ticket(&self, caller: &mut Caller, sealed: Bytes) -> Result<ResultBody, Error> {
        let ticket = self.open_ticket(caller, sealed).await?;
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
        let delivery = Delivery { compression, view_types, ended: Some(result.ended().boxed()) };
        Ok(self.stream(caller, result, wire_schema, delivery).await)
    }
}

/// Bytes of statements and parameters in all tickets of one answer: each ticket holds them all. Many clients take no message
/// of more.
const MAX_TICKETS_BYTES: usize = 4 * 1024 * 1024;

/// The requests whose results are together that of a request: one unless the client asks for more and it can be divided, and
/// no more than may run at once, since clients fetch them together.
fn parts(request: &QueryRequest, description: &Description, most: usize) -> Vec<QueryRequest> {
    let most = most.min(MAX_TICKETS_BYTES / sealing::size(request).max(1));
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    match (request.options.endpoints.map(|asked| asked.min(most)), description.pin) {
        (Some(of), Some(pin)) if of > 1 => {
            let part = |index| QueryRequest { part: Some(Part { index, of, pin }), ..request.clone() };
            (0..of).map(part).collect()
        }
        _ => vec![request.clone()],
    }
}
