//! [`Transcript`]: everything that a client receives while it asks one thing, as named pieces of bytes.
//!
//! Two transcripts are compared piece by piece, so whatever is random in one of them must go. It goes here and nowhere else,
//! knowing nothing of any lake. What is random by design, and what is left of it:
//!
//! | what | why it is random | what is compared |
//! |---|---|---|
//! | ticket of a statement, handle of a prepared one | sealed with a fresh nonce and a key of one process | kind and length |
//! | `expiration_time` of an endpoint | the clock | that there is one, and its nanoseconds |
//! | `app_metadata` of a statement's FlightInfo, trailer `x-lakegate-query-id` | a UUID for each call | that it is one |
//! | header `set-cookie`, the session's options | sealed like a ticket | its length |
//! | header `date`, which HTTP servers add | the clock | that there is one |
//! | the descriptor that FlightInfo repeats | holds the handle of a prepared statement | that it is the one which was sent |
//!
//! A ticket of a metadata command is the command itself and is compared as it is. Everything else is: schemas, totals, flags,
//! locations, the number of messages, each message's header, body and metadata, the status with its details, all other headers
//! and trailers.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow_flight::sql::{Any, TicketStatementQuery};
use arrow_flight::utils::flight_data_to_batches;
use arrow_flight::{FlightData, FlightDescriptor, FlightEndpoint, FlightInfo};
use bytes::Bytes;
use prost::Message;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

/// The trailer that names a query.
const QUERY_ID: &str = "x-lakegate-query-id";

/// Bytes of a UUID as text.
const UUID_LENGTH: usize = 36;

/// One piece of what was received.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// The call, the message and the field.
    pub(crate) place: String,
    pub(crate) content: Bytes,
}

/// See the file's head.
#[derive(Default)]
pub(crate) struct Transcript {
    pub(crate) parts: Vec<Part>,
    messages: Vec<FlightData>,
    refusal: Option<(Code, String)>,
}

impl Transcript {
    /// Adds bytes as they were received.
    pub(super) fn received(&mut self, place: &str, content: impl Into<Bytes>) {
        self.parts.push(Part { place: place.to_owned(), content: content.into() });
    }

    /// Adds the length of bytes that are sealed.
    pub(super) fn sealed(&mut self, place: &str, content: &[u8]) {
        self.received(place, format!("{} sealed bytes", content.len()));
    }

    /// Adds headers or trailers. Their order is the transport's affair.
    pub(super) fn headers(&mut self, place: &str, metadata: &MetadataMap) {
        let mut headers: Vec<(String, Bytes)> = metadata
            .clone()
            .into_headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), header_value(name.as_str(), value.as_bytes())))
            .collect();
        headers.sort();
        for (name, value) in headers {
            self.received(&format!("{place}, header {name}"), value);
        }
    }

    /// Adds a refusal. The last one counts as the answer.
    pub(super) fn refused(&mut self, call: &str, status: &Status) {
        self.received(&format!("{call}, code"), format!("{:?}", status.code()));
        self.received(&format!("{call}, text"), status.message().to_owned());
        self.received(&format!("{call}, details"), Bytes::copy_from_slice(status.details()));
        self.headers(call, status.metadata());
        self.refusal = Some((status.code(), status.message().to_owned()));
    }

    /// Adds what GetFlightInfo answered to `sent`.
    pub(super) fn flight_info(&mut self, info: &FlightInfo, sent: &FlightDescriptor) {
        let field = |name: &str| format!("FlightInfo, {name}");
        self.received(&field("schema"), info.schema.clone());
        let repeats = info.flight_descriptor.as_ref() == Some(sent);
        self.received(&field("repeats the descriptor"), repeats.to_string());
        self.received(&field("total_records"), info.total_records.to_string());
        self.received(&field("total_bytes"), info.total_bytes.to_string());
        self.received(&field("ordered"), info.ordered.to_string());
        self.received(&field("app_metadata"), query_id_or(&info.app_metadata));
        self.received(&field("endpoints"), info.endpoint.len().to_string());
        for (number, endpoint) in info.endpoint.iter().enumerate() {
            self.endpoint(&field(&format!("endpoint {number}")), endpoint);
        }
        // Catches a field that a later version of the protocol adds.
        self.received(&field("length"), info.encoded_len().to_string());
    }

    fn endpoint(&mut self, place: &str, endpoint: &FlightEndpoint) {
        let ticket = endpoint.ticket.clone().unwrap_or_default().ticket;
        let any = Any::decode(&*ticket).unwrap_or_default();
        if any.is::<TicketStatementQuery>() {
            self.sealed(&format!("{place}, ticket of a statement"), &ticket);
        } else {
            self.received(&format!("{place}, ticket"), ticket);
        }
        let expiry = endpoint.expiration_time.as_ref().map(|time| format!("a time and {} ns", time.nanos));
        self.received(&format!("{place}, expiration_time"), expiry.unwrap_or_default());
        self.received(&format!("{place}, app_metadata"), endpoint.app_metadata.clone());
        for location in &endpoint.location {
            self.received(&format!("{place}, location"), location.uri.clone());
        }
    }

    /// Adds the messages of a DoGet.
    pub(super) fn data(&mut self, messages: Vec<FlightData>) {
        self.received("DoGet, number of messages", messages.len().to_string());
        for (number, message) in messages.iter().enumerate() {
            let field = |name: &str| format!("DoGet, message {number}, {name}");
            self.received(&field("data_header"), message.data_header.clone());
            self.received(&field("app_metadata"), message.app_metadata.clone());
            self.received(&field("data_body"), message.data_body.clone());
            let descriptor = message.flight_descriptor.as_ref().map(Message::encode_to_vec);
            self.received(&field("flight_descriptor"), descriptor.unwrap_or_default());
        }
        self.messages = messages;
    }

    /// The code and text with which the request ended; `None` if it was answered.
    pub(crate) fn refusal(&self) -> Option<&(Code, String)> {
        self.refusal.as_ref()
    }

    /// The number of messages with which a DoGet answered, that of the schema included.
    pub(super) fn message_count(&self) -> usize {
        self.messages.len()
    }

    /// The rows with which a DoGet answered.
    ///
    /// # Errors
    /// If the messages are no Arrow stream.
    pub(crate) fn batches(&self) -> Result<Vec<RecordBatch>, ArrowError> {
        if self.messages.is_empty() { Ok(Vec::new()) } else { flight_data_to_batches(&self.messages) }
    }
}

fn header_value(name: &str, value: &[u8]) -> Bytes {
    match name {
        "date" => Bytes::from_static(b"a date"),
        QUERY_ID => query_id_or(value),
        "set-cookie" => format!("a cookie of {} bytes", value.len()).into(),
        _ => Bytes::copy_from_slice(value),
    }
}

/// A constant in the place of a query's id; other bytes as they are.
fn query_id_or(value: &[u8]) -> Bytes {
    let is_query_id =
        value.len() == UUID_LENGTH && value.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-');
    if is_query_id { Bytes::from_static(b"a query's id") } else { Bytes::copy_from_slice(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of two answers must not hide that one of them differs.
    #[test]
    fn only_what_is_random_by_design_is_taken_out_of_a_transcript() {
        let sent = FlightDescriptor::new_cmd("command");
        let info =
            FlightInfo { total_records: -1, flight_descriptor: Some(sent.clone()), ..FlightInfo::default() };
        let recorded = |info: &FlightInfo| {
            let mut transcript = Transcript::default();
            transcript.flight_info(info, &sent);
            transcript.parts
        };
        let named = |id: &'static str| FlightInfo { app_metadata: id.into(), ..info.clone() };
        let (one, other) = ("0190a1b2-0000-7000-8000-000000000001", "0190a1b2-0000-7000-8000-000000000002");
        assert!(recorded(&named(one)) == recorded(&named(other)));
        assert!(recorded(&named("rows: 1")) != recorded(&named("rows: 2")));
        let counting = FlightInfo { total_records: 7, ..info.clone() };
        assert!(recorded(&info) != recorded(&counting));
        let foreign =
            FlightInfo { flight_descriptor: Some(FlightDescriptor::new_cmd("other")), ..info.clone() };
        assert!(recorded(&info) != recorded(&foreign));
    }

    #[test]
    fn headers_are_compared_by_value_but_for_the_clock_and_the_querys_id() {
        let recorded = |pairs: [(&'static str, &'static str); 2]| {
            let mut metadata = MetadataMap::new();
            for (name, value) in pairs {
                metadata.insert(name, value.parse().unwrap());
            }
            let mut transcript = Transcript::default();
            transcript.headers("call", &metadata);
            transcript.parts
        };
        let base = recorded([("date", "Mon"), ("x-rows", "1")]);
        assert!(base == recorded([("x-rows", "1"), ("date", "Tue")]));
        assert!(base != recorded([("date", "Mon"), ("x-rows", "2")]));
        assert!(base != recorded([("x-other", "Mon"), ("x-rows", "1")]));
    }
}
