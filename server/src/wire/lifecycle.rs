//! The life of a query beside its rows: how its client polls for it, cancels it, and renews its ticket.
//!
//! A query runs where its ticket is redeemed, and only that server can end it. What is not running here may run on another
//! replica or not at all; that is answered as unknown. Dropping the stream of a result ends its query everywhere.

use std::time::Duration;

use arrow_flight::sql::{ActionCancelQueryRequest, ActionCancelQueryResult};
use arrow_flight::{
    CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, FlightDescriptor, FlightEndpoint,
    FlightInfo, PollInfo, RenewFlightEndpointRequest, Ticket,
};
use prost::Message;

use super::authenticate::Caller;
use super::commands::{Question, malformed_action, question};
use super::fields;
use super::front_door::FrontDoor;
use super::handles::PlannedAs;
use crate::error::{Error, ErrorKind};
use crate::ids::QueryId;
use crate::pipeline::PlanningTime;

/// How long a poll waits for the server to have room. Well below what load balancers allow an idle call.
const POLL_PATIENCE: Duration = Duration::from_secs(2);

/// A request holds a FlightInfo, which holds endpoints, which hold locations.
const INFO_DEPTH: u32 = 2;

impl FrontDoor {
    /// The action CancelFlightInfo: ends the caller's query that a FlightInfo announced.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for a malformed body, [`ErrorKind::NotFound`] if nothing in it is the caller's.
    pub(super) async fn cancel_flight_info(&self, caller: &Caller, body: &[u8]) -> Result<Vec<u8>, Error> {
        fields::check(body, INFO_DEPTH)?;
        let request = CancelFlightInfoRequest::decode(body).map_err(|_| malformed_action())?;
        let status = self.cancel(caller, request.info.ok_or_else(malformed_action)?).await?;
        Ok(CancelFlightInfoResult { status: status.into() }.encode_to_vec())
    }

    /// The older action CancelQuery, which means the same.
    ///
    /// # Errors
    /// As [`cancel_flight_info`](Self::cancel_flight_info).
    pub(super) async fn cancel_query(
        &self,
        caller: &Caller,
        request: &ActionCancelQueryRequest,
    ) -> Result<ActionCancelQueryResult, Error> {
        fields::check(&request.info, INFO_DEPTH - 1)?;
        let info = FlightInfo::decode(request.info.as_ref()).map_err(|_| malformed_action())?;
        // The numbers of the two enumerations are the same.
        Ok(ActionCancelQueryResult { result: self.cancel(caller, info).await?.into() })
    }

    async fn cancel(&self, caller: &Caller, info: FlightInfo) -> Result<CancelStatus, Error> {
        let mut is_own = false;
        let mut ids: Vec<QueryId> =
            std::str::from_utf8(&info.app_metadata).ok().and_then(QueryId::parse).into_iter().collect();
        for ticket in info.endpoint.into_iter().filter_map(|endpoint| endpoint.ticket) {
            match question(&ticket.ticket) {
                Ok(Question::Ticket(sealed)) => {
                    if let Ok(opened) = self.open_ticket(caller, sealed).await {
                        is_own = true;
                        ids.extend(opened.planned_as.map(|planned| planned.query_id));
                    }
                }
                Ok(Question::Metadata(_)) => return Ok(CancelStatus::NotCancellable),
                _ => {}
            }
        }
        ids.sort_unstable_by_key(ToString::to_string);
        ids.dedup();
        let running = self.pipeline.sessions.running();
        ids.retain(|id| running.cancel(&caller.principal, *id));
        if !ids.is_empty() {
            let (user, role) = caller.named();
            self.pipeline.audit.cancelled(&caller.context, user, role, &ids);
            return Ok(CancelStatus::Cancelled);
        }
        if is_own {
            return Ok(CancelStatus::Unspecified);
        }
        Err(Error::new(ErrorKind::NotFound, "no such query of yours is running"))
    }

    /// The action RenewFlightEndpoint: a fresh ticket for the same statement, which is authorised again.
    ///
    /// # Errors
    /// What opening the ticket and planning answer, and [`ErrorKind::Expired`] if the columns have changed.
    pub(super) async fn renew(&self, caller: &Caller, body: &[u8]) -> Result<FlightEndpoint, Error> {
        fields::check(body, INFO_DEPTH - 1)?;
        let request = RenewFlightEndpointRequest::decode(body).map_err(|_| malformed_action())?;
        let endpoint = request.endpoint.ok_or_else(malformed_action)?;
        let ticket = endpoint.ticket.as_ref().ok_or_else(malformed_action)?;
        let sealed = match question(&ticket.ticket)? {
            Question::Ticket(sealed) => sealed,
            // Such a ticket does not expire.
            Question::Metadata(_) => return Ok(endpoint),
            _ => return Err(Error::new(ErrorKind::InvalidRequest, "this is no ticket of GetFlightInfo")),
        };
        let opened = self.open_ticket(caller, sealed).await?;
        let wire_schema = self.result_schema(caller, &opened.request).await?;
        opened.check_schema(&wire_schema)?;
        let own = PlannedAs { query_id: caller.context.query_id, time: PlanningTime::default() };
        let planned_as = opened.planned_as.unwrap_or(own);
        let tickets = self.tickets(caller, planned_as, vec![opened.request], wire_schema).await?;
        let ticket = tickets.into_iter().next().ok_or_else(|| Error::internal("a ticket was not sealed"))?;
        Ok(self.endpoint(caller, ticket))
    }

    /// An endpoint for a ticket of a statement that is sealed now.
    pub(super) fn endpoint(&self, caller: &Caller, ticket: Ticket) -> FlightEndpoint {
        let mut endpoint = FlightEndpoint::new().with_ticket(ticket);
        // Telling when the ticket expires tells that until then it may be used again.
        let expires_at = (caller.context.received_at + self.options.ticket_ttl).timestamp();
        endpoint.expiration_time.get_or_insert_default().seconds = expires_at;
        endpoint
    }

    /// PollFlightInfo: complete as soon as the statement is planned and the server has room to run it, since rows are
    /// computed while they are fetched. Until then the answer has no endpoint, and the place in the queue.
    ///
    /// # Errors
    /// Those of GetFlightInfo.
    pub(super) async fn poll(
        &self,
        caller: &Caller,
        descriptor: FlightDescriptor,
    ) -> Result<(PollInfo, Option<usize>), Error> {
        let mut info = self.flight_info(caller, descriptor.clone()).await?;
        let is_metadata = matches!(question(&descriptor.cmd)?, Question::Metadata(_));
        let place =
            if is_metadata { None } else { self.pipeline.sessions.place_in_queue(POLL_PATIENCE).await };
        let expiration_time = info.endpoint.first().and_then(|endpoint| endpoint.expiration_time);
        let is_complete = place.is_none();
        if !is_complete {
            info.endpoint.clear();
        }
        let answer = PollInfo {
            info: Some(info),
            flight_descriptor: (!is_complete).then_some(descriptor),
            progress: Some(if is_complete { 1.0 } else { 0.0 }),
            expiration_time,
        };
        Ok((answer, place))
    }
}
