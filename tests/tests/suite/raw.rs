//! A Flight client with nothing of its own: the headers, cookies and messages that a test gives it, and the server's as
//! they come.

use std::collections::HashMap;

use arrow::array::RecordBatch;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::{CommandGetSqlInfo, CommandStatementQuery, ProstMessageExt};
use arrow_flight::{
    Action, FlightData, FlightDescriptor, FlightInfo, HandshakeRequest, PollInfo, PutResult, Ticket,
};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures::{TryStreamExt, stream};
use lakegate_proto::flight::session_option_value::OptionValue;
use lakegate_proto::flight::{
    GetSessionOptionsResult, SessionOptionValue, SetSessionOptionsRequest, SetSessionOptionsResult,
};
use lakegate_tests::stack::Server;
use prost::Message;
use tonic::metadata::{AsciiMetadataKey, MetadataMap};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status, Streaming};

/// See the file's head.
pub(crate) struct Raw {
    client: FlightServiceClient<Channel>,
    headers: Vec<(&'static str, String)>,
    keeps_cookies: bool,
    pub(crate) cookie: Option<String>,
    pub(crate) token: String,
}

impl Raw {
    /// Logs a demo user in, with a client that keeps cookies.
    pub(crate) async fn login(server: &Server, user: &str) -> Self {
        Self::login_as(server, user, user).await.unwrap()
    }

    /// Logs in with user and password.
    pub(crate) async fn login_as(server: &Server, user: &str, password: &str) -> Result<Self, Status> {
        let address = server.url().replace("grpc://", "http://");
        let channel = Endpoint::from_shared(address).unwrap().connect().await.unwrap();
        let mut raw = Self {
            client: FlightServiceClient::new(channel).max_decoding_message_size(1 << 28),
            headers: Vec::new(),
            keeps_cookies: true,
            cookie: None,
            token: String::new(),
        };
        let mut request = Request::new(stream::iter([HandshakeRequest::default()]));
        let pair = BASE64_STANDARD.encode(format!("{user}:{password}"));
        request.metadata_mut().insert("authorization", format!("Basic {pair}").parse().unwrap());
        let response = raw.client.handshake(request).await?;
        raw.token = response.metadata().get("authorization").unwrap().to_str().unwrap().to_owned();
        // As drivers do at first, which ask what the server can do.
        raw.info_of(&CommandGetSqlInfo { info: Vec::new() }).await?;
        Ok(raw)
    }

    /// A client of the same login that brings no cookie back.
    pub(crate) fn without_cookies(&self) -> Self {
        Self {
            client: self.client.clone(),
            headers: self.headers.clone(),
            keeps_cookies: false,
            cookie: None,
            token: self.token.clone(),
        }
    }

    /// Sends a header with each call.
    pub(crate) fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let metadata = request.metadata_mut();
        metadata.insert("authorization", self.token.parse().unwrap());
        if let Some(cookie) = &self.cookie {
            metadata.insert("cookie", cookie.parse().unwrap());
        }
        for (name, value) in &self.headers {
            metadata.append(AsciiMetadataKey::from_static(name), value.parse().unwrap());
        }
        request
    }

    fn keep(&mut self, headers: &MetadataMap) {
        let Some(cookie) = headers.get("set-cookie").filter(|_| self.keeps_cookies) else { return };
        let pair = cookie.to_str().unwrap().split(';').next().unwrap();
        self.cookie = (!pair.ends_with('=')).then(|| pair.to_owned());
    }

    fn taken<T>(&mut self, response: Response<T>) -> T {
        self.keep(response.metadata());
        response.into_inner()
    }

    /// GetFlightInfo of a command.
    pub(crate) async fn info_of(&mut self, command: &impl ProstMessageExt) -> Result<FlightInfo, Status> {
        let request = self.request(descriptor(command));
        let response = self.client.get_flight_info(request).await?;
        Ok(self.taken(response))
    }

    /// GetFlightInfo of a statement.
    pub(crate) async fn info(&mut self, sql: &str) -> Result<FlightInfo, Status> {
        self.info_of(&statement(sql)).await
    }

    /// PollFlightInfo of a statement, with the headers of the answer.
    pub(crate) async fn poll(&mut self, sql: &str) -> Result<(PollInfo, MetadataMap), Status> {
        let response = self.client.poll_flight_info(self.request(descriptor(&statement(sql)))).await?;
        Ok((response.get_ref().clone(), response.metadata().clone()))
    }

    /// DoGet, its messages as they come.
    pub(crate) async fn messages(&mut self, ticket: Ticket) -> Result<Streaming<FlightData>, Status> {
        Ok(self.client.do_get(self.request(ticket)).await?.into_inner())
    }

    /// DoGet to its end.
    pub(crate) async fn redeem(&mut self, ticket: Ticket) -> Result<Vec<RecordBatch>, Status> {
        decoded(self.messages(ticket).await?).await
    }

    /// A statement from its text to its rows.
    pub(crate) async fn rows(&mut self, sql: &str) -> Result<Vec<RecordBatch>, Status> {
        let info = self.info(sql).await?;
        self.redeem(ticket_of(&info)).await
    }

    /// The only value of a statement with one row and one column, as text.
    pub(crate) async fn value(&mut self, sql: &str) -> String {
        let batches = self.rows(sql).await.unwrap_or_else(|status| panic!("{sql}: {status}"));
        let batch = batches.iter().find(|batch| batch.num_rows() == 1).unwrap();
        arrow::util::display::array_value_to_string(batch.column(0), 0).unwrap()
    }

    /// DoAction, the bodies of its results.
    pub(crate) async fn action(&mut self, name: &str, body: impl Into<Bytes>) -> Result<Vec<Bytes>, Status> {
        let response = self.client.do_action(self.request(Action::new(name, body))).await?;
        let results: Vec<arrow_flight::Result> = self.taken(response).try_collect().await?;
        Ok(results.into_iter().map(|result| result.body).collect())
    }

    /// DoPut of a command and nothing else.
    pub(crate) async fn put(&mut self, command: &impl ProstMessageExt) -> Result<Vec<PutResult>, Status> {
        let message = FlightData { flight_descriptor: Some(descriptor(command)), ..FlightData::default() };
        self.put_messages(vec![message]).await
    }

    /// DoPut.
    pub(crate) async fn put_messages(&mut self, messages: Vec<FlightData>) -> Result<Vec<PutResult>, Status> {
        let response = self.client.do_put(self.request(stream::iter(messages))).await?;
        self.taken(response).try_collect().await
    }

    /// Names of the actions that the server lists.
    pub(crate) async fn actions(&mut self) -> Vec<String> {
        let listed = self.client.list_actions(self.request(arrow_flight::Empty {})).await.unwrap();
        listed.into_inner().map_ok(|action| action.r#type).try_collect().await.unwrap()
    }

    /// SetSessionOptions with texts: names and reasons of those that were refused.
    pub(crate) async fn set_options(
        &mut self,
        options: &[(&str, &str)],
    ) -> Result<HashMap<String, i32>, Status> {
        let value =
            |text: &str| SessionOptionValue { option_value: Some(OptionValue::StringValue(text.to_owned())) };
        let session_options = options.iter().map(|(name, text)| ((*name).to_owned(), value(text))).collect();
        let body = SetSessionOptionsRequest { session_options }.encode_to_vec();
        let results = self.action("SetSessionOptions", body).await?;
        let result = SetSessionOptionsResult::decode(results[0].clone()).unwrap();
        Ok(result.errors.into_iter().map(|(name, error)| (name, error.value)).collect())
    }

    /// GetSessionOptions, those that are texts.
    pub(crate) async fn options(&mut self) -> HashMap<String, String> {
        let results = self.action("GetSessionOptions", Bytes::new()).await.unwrap();
        let result = GetSessionOptionsResult::decode(results[0].clone()).unwrap();
        let texts = result.session_options.into_iter().filter_map(|(name, value)| match value.option_value {
            Some(OptionValue::StringValue(text)) => Some((name, text)),
            _ => None,
        });
        texts.collect()
    }
}

/// The only ticket of an answer.
pub(crate) fn ticket_of(info: &FlightInfo) -> Ticket {
    assert_eq!(info.endpoint.len(), 1);
    info.endpoint[0].ticket.clone().unwrap()
}

/// The rows of messages.
pub(crate) async fn decoded(messages: Streaming<FlightData>) -> Result<Vec<RecordBatch>, Status> {
    let decoding = FlightRecordBatchStream::new_from_flight_data(messages.map_err(FlightError::from));
    decoding.try_collect().await.map_err(|error| match error {
        FlightError::Tonic(status) => *status,
        other => panic!("{other}"),
    })
}

fn descriptor(command: &impl ProstMessageExt) -> FlightDescriptor {
    FlightDescriptor::new_cmd(command.as_any().encode_to_vec())
}

fn statement(sql: &str) -> CommandStatementQuery {
    CommandStatementQuery { query: sql.to_owned(), transaction_id: None }
}
