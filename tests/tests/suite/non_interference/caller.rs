//! [`Caller`]: a Flight client that keeps every byte it receives.
//!
//! Ready-made clients decode, retry and drop what they do not need, so this one speaks the generated gRPC stub.

use arrow::array::RecordBatch;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::client::FlightSqlServiceClient;
use arrow_flight::sql::{
    ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult, Any,
    CommandPreparedStatementQuery, CommandStatementQuery, DoPutPreparedStatementResult, ProstMessageExt,
};
use arrow_flight::utils::batches_to_flight_data;
use arrow_flight::{Action, Criteria, Empty, FlightData, FlightDescriptor, Ticket};
use bytes::Bytes;
use futures::stream;
use lakegate_tests::stack::Server;
use prost::Message;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status, Streaming};

use super::transcript::Transcript;

/// A row of the unrestricted user may have several megabytes.
const MAX_MESSAGE_BYTES: usize = 64 * 1024 * 1024;

/// One logged-in user of one server.
pub(crate) struct Caller {
    client: FlightServiceClient<Channel>,
    authorization: MetadataValue<Ascii>,
}

impl Caller {
    /// Logs a demo user in: the password is the name.
    pub(crate) async fn log_in(server: &Server, user: &str) -> Self {
        let address = server.url().replace("grpc://", "http://");
        let channel = Endpoint::from_shared(address).unwrap().connect().await.unwrap();
        let client = FlightServiceClient::new(channel).max_decoding_message_size(MAX_MESSAGE_BYTES);
        let mut login = FlightSqlServiceClient::new_from_inner(client.clone());
        login.handshake(user, user).await.unwrap();
        let authorization = format!("Bearer {}", login.token().unwrap()).parse().unwrap();
        Self { client, authorization }
    }

    /// All that can be asked about a statement: its schema, a handle for it, a ticket, its rows.
    pub(crate) async fn statement(&self, sql: &str) -> Transcript {
        let mut transcript = Transcript::default();
        self.schema(&text_command(sql), &mut transcript).await;
        self.prepare(sql, &mut transcript).await;
        self.fetch(&text_command(sql), &mut transcript).await;
        transcript
    }

    /// A ticket for a statement and its rows.
    pub(crate) async fn rows(&self, sql: &str) -> Transcript {
        let mut transcript = Transcript::default();
        self.fetch(&text_command(sql), &mut transcript).await;
        transcript
    }

    /// A statement that is prepared, bound to one row of parameters, and run.
    pub(crate) async fn bound(&self, sql: &str, parameters: &RecordBatch) -> Transcript {
        let mut transcript = Transcript::default();
        let Some(handle) = self.prepare(sql, &mut transcript).await else {
            return transcript;
        };
        if let Some(handle) = self.bind(&handle, parameters, &mut transcript).await {
            let command = CommandPreparedStatementQuery { prepared_statement_handle: handle };
            self.fetch(&command.as_any().encode_to_vec(), &mut transcript).await;
        }
        transcript
    }

    /// A command about what there is: its schema, its ticket, its rows.
    pub(crate) async fn command(&self, command: &[u8]) -> Transcript {
        let mut transcript = Transcript::default();
        self.schema(command, &mut transcript).await;
        self.fetch(command, &mut transcript).await;
        transcript
    }

    /// An action and its results.
    pub(crate) async fn action(&self, name: &str, body: Bytes) -> Transcript {
        let mut transcript = Transcript::default();
        let answer = self.client.clone().do_action(self.request(Action::new(name, body))).await;
        for result in drained("DoAction", answer, &mut transcript).await {
            transcript.received("DoAction, result", result.body);
        }
        transcript
    }

    /// The calls of Flight that take no statement.
    pub(crate) async fn discovery(&self) -> Transcript {
        let mut transcript = Transcript::default();
        let actions = self.client.clone().list_actions(self.request(Empty {})).await;
        for action in drained("ListActions", actions, &mut transcript).await {
            transcript.received("ListActions, action", action.encode_to_vec());
        }
        let flights = self.client.clone().list_flights(self.request(Criteria::default())).await;
        for flight in drained("ListFlights", flights, &mut transcript).await {
            transcript.received("ListFlights, flight", flight.encode_to_vec());
        }
        let command = FlightDescriptor::new_cmd(text_command("select * from brought.ledger"));
        match self.client.clone().poll_flight_info(self.request(command.clone())).await {
            Ok(answer) => {
                transcript.headers("PollFlightInfo", answer.metadata());
                let polled = answer.into_inner();
                let state = (polled.progress, polled.flight_descriptor, polled.expiration_time.is_some());
                transcript.received("PollFlightInfo, state", format!("{state:?}"));
                transcript.flight_info(&polled.info.unwrap_or_default(), &command);
            }
            Err(status) => transcript.refused("PollFlightInfo", &status),
        }
        transcript
    }

    /// A command that arrives by DoPut, without data.
    pub(crate) async fn put(&self, command: &[u8]) -> Transcript {
        let mut transcript = Transcript::default();
        let message = FlightData {
            flight_descriptor: Some(FlightDescriptor::new_cmd(command.to_vec())),
            ..FlightData::default()
        };
        let answer = self.client.clone().do_put(self.request(stream::iter([message]))).await;
        for result in drained("DoPut", answer, &mut transcript).await {
            transcript.received("DoPut, result", result.app_metadata);
        }
        transcript
    }

    /// Only the schema of a command's answer.
    pub(crate) async fn schema_of(&self, command: &[u8]) -> Transcript {
        let mut transcript = Transcript::default();
        self.schema(command, &mut transcript).await;
        transcript
    }

    /// A statement that is prepared and not run.
    pub(crate) async fn prepared(&self, sql: &str) -> Transcript {
        let mut transcript = Transcript::default();
        self.prepare(sql, &mut transcript).await;
        transcript
    }

    /// The actions that the server says it has.
    pub(crate) async fn actions(&self) -> Vec<String> {
        let listed = self.client.clone().list_actions(self.request(Empty {})).await;
        let listed = drained("ListActions", listed, &mut Transcript::default()).await;
        listed.into_iter().map(|action| action.r#type).collect()
    }

    /// The call of Flight in which both sides send.
    pub(crate) async fn exchange(&self) -> Transcript {
        let mut transcript = Transcript::default();
        let messages = stream::iter([FlightData::default()]);
        let answer = self.client.clone().do_exchange(self.request(messages)).await;
        drained("DoExchange", answer, &mut transcript).await;
        transcript
    }

    async fn schema(&self, command: &[u8], transcript: &mut Transcript) {
        let descriptor = FlightDescriptor::new_cmd(command.to_vec());
        match self.client.clone().get_schema(self.request(descriptor)).await {
            Ok(answer) => {
                transcript.headers("GetSchema", answer.metadata());
                transcript.received("GetSchema, schema", answer.into_inner().schema);
            }
            Err(status) => transcript.refused("GetSchema", &status),
        }
    }

    /// Prepares a statement and gives its handle.
    async fn prepare(&self, sql: &str, transcript: &mut Transcript) -> Option<Bytes> {
        let request = ActionCreatePreparedStatementRequest { query: sql.to_owned(), transaction_id: None };
        let action = Action::new("CreatePreparedStatement", request.as_any().encode_to_vec());
        let answer = self.client.clone().do_action(self.request(action)).await;
        let results = drained("CreatePreparedStatement", answer, transcript).await;
        let any = Any::decode(&*results.first()?.body).unwrap();
        let created: ActionCreatePreparedStatementResult = any.unpack().unwrap().unwrap();
        let handle = created.prepared_statement_handle;
        transcript.received("CreatePreparedStatement, results", results.len().to_string());
        transcript.received("CreatePreparedStatement, type", any.type_url);
        transcript.sealed("CreatePreparedStatement, handle", &handle);
        // As bytes, for the message has a field that the crate's type does not know.
        transcript.received("CreatePreparedStatement, all but the handle", without(&any.value, &handle));
        Some(handle)
    }

    /// Binds parameters to a handle and gives the handle that holds them.
    async fn bind(&self, handle: &Bytes, row: &RecordBatch, transcript: &mut Transcript) -> Option<Bytes> {
        let command = CommandPreparedStatementQuery { prepared_statement_handle: handle.clone() };
        let mut messages = batches_to_flight_data(row.schema().as_ref(), vec![row.clone()]).unwrap();
        messages[0].flight_descriptor = Some(FlightDescriptor::new_cmd(command.as_any().encode_to_vec()));
        let answer = self.client.clone().do_put(self.request(stream::iter(messages))).await;
        let results = drained("DoPut", answer, transcript).await;
        let bound = DoPutPreparedStatementResult::decode(&*results.first()?.app_metadata).unwrap();
        let handle = bound.prepared_statement_handle?;
        transcript.sealed("DoPut, handle", &handle);
        Some(handle)
    }

    /// GetFlightInfo, and DoGet for each of its endpoints.
    async fn fetch(&self, command: &[u8], transcript: &mut Transcript) {
        let descriptor = FlightDescriptor::new_cmd(command.to_vec());
        let answer = match self.client.clone().get_flight_info(self.request(descriptor.clone())).await {
            Ok(answer) => answer,
            Err(status) => return transcript.refused("GetFlightInfo", &status),
        };
        transcript.headers("GetFlightInfo", answer.metadata());
        let info = answer.into_inner();
        transcript.flight_info(&info, &descriptor);
        for endpoint in info.endpoint {
            let ticket: Ticket = endpoint.ticket.unwrap_or_default();
            let answer = self.client.clone().do_get(self.request(ticket)).await;
            let messages = drained("DoGet", answer, transcript).await;
            transcript.data(messages);
        }
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", self.authorization.clone());
        request
    }
}

/// Reads a stream to its end; headers, trailers and refusals go into the transcript.
async fn drained<T>(
    call: &str,
    answer: Result<Response<Streaming<T>>, Status>,
    transcript: &mut Transcript,
) -> Vec<T> {
    let mut items = Vec::new();
    let answer = match answer {
        Ok(answer) => answer,
        Err(status) => {
            transcript.refused(call, &status);
            return items;
        }
    };
    transcript.headers(call, answer.metadata());
    let mut stream = answer.into_inner();
    loop {
        match stream.message().await {
            Ok(Some(item)) => items.push(item),
            Ok(None) => break,
            Err(status) => {
                transcript.refused(&format!("{call}, after {} messages", items.len()), &status);
                return items;
            }
        }
    }
    if let Ok(Some(trailers)) = stream.trailers().await {
        transcript.headers(&format!("{call}, trailers"), &trailers);
    }
    items
}

/// A statement as GetFlightInfo and GetSchema take it.
pub(crate) fn text_command(sql: &str) -> Vec<u8> {
    CommandStatementQuery { query: sql.to_owned(), transaction_id: None }.as_any().encode_to_vec()
}

/// Bytes without the first occurrence of a part of them.
fn without(bytes: &[u8], part: &[u8]) -> Vec<u8> {
    match bytes.windows(part.len().max(1)).position(|window| window == part) {
        Some(start) => [&bytes[..start], &bytes[start + part.len()..]].concat(),
        None => bytes.to_vec(),
    }
}
