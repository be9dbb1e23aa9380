//! What every call to the server carries: the bearer token, cookies, and what is left of the time limit.

use std::time::Duration;

use arrow_flight::sql::ProstMessageExt;
use arrow_flight::sql::client::FlightSqlServiceClient;
use arrow_flight::{FlightDescriptor, FlightInfo};
use prost::Message;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::{Code, Request};

use crate::cookies::CookieChannel;
use crate::deadline::Deadline;
use crate::error::ClientError;

type AsciiValue = MetadataValue<Ascii>;

/// A logged-in client, from which calls are made. Clones share one connection.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) client: FlightSqlServiceClient<CookieChannel>,
    pub(crate) query_timeout: Option<Duration>,
}

impl Caller {
    /// The calls of one query, with the clock of that query started.
    pub(crate) fn begin(&self) -> Call {
        let deadline = Deadline::start(self.query_timeout);
        let mut call = Call { client: self.client.clone(), deadline, caller: self.clone() };
        call.tell_deadline();
        call
    }
}

/// The calls of one query.
pub(crate) struct Call {
    pub(crate) client: FlightSqlServiceClient<CookieChannel>,
    pub(crate) deadline: Deadline,
    /// Without the deadline of this query.
    pub(crate) caller: Caller,
}

impl Call {
    /// Tells the server with the next call what is left of the limit.
    pub(crate) fn tell_deadline(&mut self) {
        if let Some(timeout) = self.deadline.header() {
            self.client.set_header("grpc-timeout", timeout);
        }
    }

    /// GetFlightInfo for a command that the client of arrow-flight has no method for.
    pub(crate) async fn flight_info(
        &mut self,
        command: &impl ProstMessageExt,
    ) -> Result<FlightInfo, ClientError> {
        let descriptor = FlightDescriptor::new_cmd(command.as_any().encode_to_vec());
        let mut request = Request::new(descriptor);
        if let Some(token) = self.client.token() {
            let bearer: AsciiValue = format!("Bearer {token}").parse().map_err(|_| ClientError::Token)?;
            request.metadata_mut().insert("authorization", bearer);
        }
        // Digits and a unit, which are always text of a header.
        if let Some(Ok(timeout)) = self.deadline.header().map(|timeout| timeout.parse::<AsciiValue>()) {
            request.metadata_mut().insert("grpc-timeout", timeout);
        }
        let response = self.deadline.wait(self.client.inner_mut().get_flight_info(request)).await?;
        Ok(response.into_inner())
    }
}

/// Success also if the server answered that it does not have the action.
pub(crate) fn unless_unknown(result: Result<(), ClientError>) -> Result<(), ClientError> {
    match result {
        Err(ClientError::Status(status))
            if matches!(status.code(), Code::Unimplemented | Code::InvalidArgument) =>
        {
            Ok(())
        }
        other => other,
    }
}
