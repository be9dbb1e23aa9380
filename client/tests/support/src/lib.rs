//! A small, real Flight SQL server on a loopback port, for the tests and the examples of the client.
//!
//! It shares no code with the client beyond `arrow-flight`, and has one user (`ann`, `secret`).
//! The SQL text names the behaviour that a test wants; see `Service::endpoints`. It lives on a
//! runtime of its own, so that stopping it cuts every connection as a crash would.
//!
//! It is a crate and not a module of the tests, because the examples in the documentation run against it too.
#![expect(clippy::unwrap_used, reason = "a failed call fails the test")]

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use arrow::ipc::writer::IpcWriteOptions;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_server::{FlightService, FlightServiceServer};
use arrow_flight::sql::metadata::SqlInfoDataBuilder;
use arrow_flight::sql::server::{FlightSqlService, PeekableFlightDataStream};
use arrow_flight::sql::{
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest,
    ActionCreatePreparedStatementResult, CommandGetCatalogs, CommandGetDbSchemas, CommandGetSqlInfo,
    CommandGetTables, CommandPreparedStatementQuery, CommandStatementQuery, DoPutPreparedStatementResult,
    ProstMessageExt, SqlInfo, TicketStatementQuery,
};
use arrow_flight::{
    Action, CancelFlightInfoRequest, FlightDescriptor, FlightEndpoint, FlightInfo, HandshakeRequest,
    HandshakeResponse, IpcMessage, SchemaAsIpc, Ticket,
};
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use prost::Message;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status, Streaming};

/// The only user.
pub const USER: &str = "ann";
/// The password of [`USER`].
pub const PASSWORD: &str = "secret";
/// The bearer token of every session.
pub const TOKEN: &str = "token-of-ann";

/// A port below 1024 that no server takes today.
pub const NOBODY_LISTENS: &str = "grpc://127.0.0.1:1";

type FlightStream = Response<<Service as FlightService>::DoGetStream>;

/// What the server saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// Logins, refused ones too.
    pub handshakes: AtomicUsize,
    /// Sessions that were closed by their owner.
    pub closed_sessions: AtomicUsize,
    /// Prepared statements that were closed.
    pub closed_statements: AtomicUsize,
    /// Queries that were cancelled with CancelFlightInfo.
    pub cancelled_queries: AtomicUsize,
    /// Results that were dropped before their end.
    pub dropped_streams: AtomicUsize,
    /// Statements in the order of their arrival.
    pub statements: Mutex<Vec<String>>,
    /// The session cookie of each action on a session, if it had one.
    pub sessions: Mutex<Vec<Option<String>>>,
    /// Time limits that clients told.
    pub grpc_timeouts: Mutex<Vec<String>>,
}

/// A running server. Dropping it cuts all connections.
#[derive(Debug)]
pub struct TestServer {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it saw.
    pub seen: Arc<Seen>,
    runtime: Option<Runtime>,
}

impl TestServer {
    /// Serves without TLS.
    pub fn start() -> Self {
        Self::start_with(None)
    }

    /// Serves TLS with this certificate and key (PEM).
    pub fn start_tls(certificate: &str, key: &str) -> Self {
        // The server's side chooses as the client's does; whichever comes second finds the choice made.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self::start_with(Some(Identity::from_pem(certificate, key)))
    }

    fn start_with(identity: Option<Identity>) -> Self {
        let runtime = Runtime::new().unwrap();
        // Bound without the runtime, so that a test may itself be on one.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let service = FlightServiceServer::new(Service { seen: Arc::clone(&seen) });
        runtime.spawn(async move {
            let mut server = Server::builder();
            if let Some(identity) = identity {
                let tls = ServerTlsConfig::new().identity(identity);
                server = server.tls_config(tls).unwrap();
            }
            let listener = TcpListener::from_std(listener).unwrap();
            let incoming = TcpListenerStream::new(listener);
            server.add_service(service).serve_with_incoming(incoming).await.unwrap();
        });
        Self { address, seen, runtime: Some(runtime) }
    }

    /// Its address as a client wants it.
    pub fn url(&self) -> String {
        format!("grpc://{}", self.address)
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[derive(Clone)]
struct Service {
    seen: Arc<Seen>,
}

impl Service {
    fn authorize<T>(&self, request: &Request<T>) -> Result<(), Status> {
        let metadata = request.metadata();
        if let Some(timeout) = metadata.get("grpc-timeout") {
            let timeout = timeout.to_str().unwrap().to_owned();
            self.seen.grpc_timeouts.lock().unwrap().push(timeout);
        }
        match metadata.get("authorization") {
            Some(value) if value == format!("Bearer {TOKEN}").as_str() => Ok(()),
            _ => Err(Status::unauthenticated("login required")),
        }
    }

    /// The statements of this server, each with the parts of its result.
    fn endpoints(sql: &str) -> Result<Vec<FlightEndpoint>, Status> {
        let parts: &[&str] = match sql.trim() {
            "select parts" | "select id, name from sales.nation" => &["rows 1", "rows 2", "rows 3"],
            "select empty" => &["empty"],
            "select nothing sent" => &[],
            "select large" => &["large"],
            "select wide" => &["wide"],
            "select many" => &["many"],
            "use sales" => &["empty"],
            "select broken" => &["rows 1", "broken"],
            "select crash" => &["crash"],
            "select mixed" => &["rows 1", "other columns"],
            "select slow" => &["slow"],
            "select endless" => &["endless"],
            "select elsewhere" => {
                let endpoint = endpoint("rows 1").with_location("grpc://203.0.113.1:1");
                return Ok(vec![endpoint]);
            }
            "select reuse" => {
                let location = "arrow-flight-reuse-connection://?";
                return Ok(vec![endpoint("rows 1").with_location(location)]);
            }
            "select no ticket" => return Ok(vec![FlightEndpoint::new()]),
            "select forbidden" => return Err(Status::permission_denied("access denied")),
            "select busy" => return Err(Status::unavailable("draining")),
            _ => return Err(Status::invalid_argument("unknown\nstatement")),
        };
        Ok(parts.iter().map(|part| endpoint(part)).collect())
    }

    fn part(&self, name: &str) -> FlightStream {
        let rows = |first| stream::iter([Ok(numbers(first))]);
        match name {
            "rows 1" => encode(rows(1).chain(rows(3))),
            "rows 2" => encode(rows(5)),
            "rows 3" => encode(rows(7)),
            "empty" => encode(stream::empty()),
            "large" => encode_one(one_large_row()),
            "wide" => encode_one(one_wide_row()),
            "many" => encode(stream::iter((0..40).map(|part| Ok(numbers(2 * part + 1))))),
            "other columns" => encode_one(one_large_row().slice(0, 0)),
            "broken" => encode(rows(5).chain(stream::iter([Err(disk_error())]))),
            "crash" => encode(rows(1).chain(stream::once(async {
                // The rows before it are sent only while the stream has to wait.
                tokio::time::sleep(Duration::from_millis(20)).await;
                unreachable!("a crash inside the server, on purpose")
            }))),
            "slow" => {
                let guard = CountDrop(Arc::clone(&self.seen));
                encode(rows(1).chain(stream::once(async move {
                    let _guard = guard;
                    std::future::pending().await
                })))
            }
            "endless" => encode(stream::repeat_with(|| Ok(numbers(1)))),
            other => unreachable!("{other}"),
        }
    }
}

/// What a client brings back of what [`session_cookie`] gave it.
fn session<T>(request: &Request<T>) -> Option<String> {
    let cookie = request.metadata().get("cookie")?.to_str().unwrap();
    Some(cookie.strip_prefix("session=").unwrap().to_owned())
}

fn session_cookie(value: &str) -> MetadataValue<Ascii> {
    format!("session={value}; Max-Age=60; Path=/; HttpOnly").parse().unwrap()
}

/// Counts a result stream that was dropped, which is how a query is cancelled.
struct CountDrop(Arc<Seen>);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.dropped_streams.fetch_add(1, Ordering::SeqCst);
    }
}

fn disk_error() -> FlightError {
    Status::internal("disk read failed").into()
}

fn endpoint(part: &str) -> FlightEndpoint {
    let ticket = TicketStatementQuery { statement_handle: part.to_owned().into() };
    FlightEndpoint::new().with_ticket(Ticket::new(ticket.as_any().encode_to_vec()))
}

/// Two rows: `first` and the number after it.
pub fn numbers(first: i64) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![first, first + 1]));
    let names: ArrayRef = Arc::new(StringArray::from(vec![Some("x"), None]));
    RecordBatch::try_from_iter_with_nullable([("id", ids, false), ("name", names, true)]).unwrap()
}

/// One row of 6 MiB, which no server can split into smaller messages.
fn one_large_row() -> RecordBatch {
    let text: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(6 << 20)]));
    RecordBatch::try_from_iter([("text", text)]).unwrap()
}

/// One row of 40 columns.
fn one_wide_row() -> RecordBatch {
    let text: ArrayRef = Arc::new(StringArray::from(vec!["a value of some length"]));
    let columns = (1..=40).map(|number| (format!("column_{number}"), Arc::clone(&text)));
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Encodes batches with the columns of [`numbers`].
fn encode(batches: impl Stream<Item = Result<RecordBatch, FlightError>> + Send + 'static) -> FlightStream {
    encode_as(numbers(1).schema(), batches)
}

fn encode_one(batch: RecordBatch) -> FlightStream {
    encode_as(batch.schema(), stream::iter([Ok(batch)]))
}

fn encode_as(
    schema: SchemaRef,
    batches: impl Stream<Item = Result<RecordBatch, FlightError>> + Send + 'static,
) -> FlightStream {
    let messages = FlightDataEncoderBuilder::new()
        .with_schema(schema)
        .build(batches)
        .map(|message| message.map_err(Status::from));
    Response::new(Box::pin(messages))
}

/// A schema as the replies of Flight SQL carry it.
fn encode_schema(schema: &Schema) -> Bytes {
    let IpcMessage(bytes) = SchemaAsIpc::new(schema, &IpcWriteOptions::default()).try_into().unwrap();
    bytes
}

/// Answers a catalog command with itself as the ticket, as Flight SQL servers do.
fn command_info(command: &impl ProstMessageExt) -> Result<Response<FlightInfo>, Status> {
    let ticket = Ticket::new(command.as_any().encode_to_vec());
    let endpoint = FlightEndpoint::new().with_ticket(ticket);
    Ok(Response::new(FlightInfo::new().with_endpoint(endpoint)))
}

#[tonic::async_trait]
impl FlightSqlService for Service {
    type FlightService = Self;

    async fn do_handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Pin<Box<dyn Stream<Item = Result<HandshakeResponse, Status>> + Send>>>, Status> {
        self.seen.handshakes.fetch_add(1, Ordering::SeqCst);
        // base64 of "ann:secret"
        let is_ann =
            request.metadata().get("authorization").is_some_and(|value| value == "Basic YW5uOnNlY3JldA==");
        if !is_ann {
            return Err(Status::unauthenticated("wrong user or password"));
        }
        let answer: Pin<Box<dyn Stream<Item = _> + Send>> =
            Box::pin(stream::iter([Ok(HandshakeResponse::default())]));
        let mut response = Response::new(answer);
        let bearer = format!("Bearer {TOKEN}").parse().unwrap();
        response.metadata_mut().insert("authorization", bearer);
        Ok(response)
    }

    async fn get_flight_info_statement(
        &self,
        query: CommandStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.authorize(&request)?;
        self.seen.statements.lock().unwrap().push(query.query.clone());
        let session = session(&request);
        if query.query == "use sales" && session.is_none() {
            return Err(Status::invalid_argument("this client keeps no cookie"));
        }
        let info = FlightInfo::new()
            .try_with_schema(&numbers(1).schema())
            .unwrap()
            .with_endpoints(Self::endpoints(&query.query)?);
        let mut response = Response::new(info);
        if query.query == "use sales" {
            response.metadata_mut().insert("set-cookie", session_cookie("sales"));
        }
        Ok(response)
    }

    async fn do_get_statement(
        &self,
        ticket: TicketStatementQuery,
        request: Request<Ticket>,
    ) -> Result<FlightStream, Status> {
        self.authorize(&request)?;
        let part = String::from_utf8(ticket.statement_handle.to_vec()).unwrap();
        Ok(self.part(&part))
    }

    async fn get_flight_info_catalogs(
        &self,
        query: CommandGetCatalogs,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.authorize(&request)?;
        command_info(&query)
    }

    async fn do_get_catalogs(
        &self,
        query: CommandGetCatalogs,
        request: Request<Ticket>,
    ) -> Result<FlightStream, Status> {
        self.authorize(&request)?;
        let mut builder = query.into_builder();
        builder.append("lake");
        Ok(encode_one(builder.build().unwrap()))
    }

    async fn get_flight_info_schemas(
        &self,
        query: CommandGetDbSchemas,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.authorize(&request)?;
        command_info(&query)
    }

    async fn do_get_schemas(
        &self,
        query: CommandGetDbSchemas,
        request: Request<Ticket>,
    ) -> Result<FlightStream, Status> {
        self.authorize(&request)?;
        let mut builder = query.into_builder();
        builder.append("lake", "hr");
        builder.append("lake", "sales");
        Ok(encode_one(builder.build().unwrap()))
    }

    async fn get_flight_info_tables(
        &self,
        query: CommandGetTables,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.authorize(&request)?;
        command_info(&query)
    }

    async fn do_get_tables(
        &self,
        query: CommandGetTables,
        request: Request<Ticket>,
    ) -> Result<FlightStream, Status> {
        self.authorize(&request)?;
        let mut builder = query.into_builder();
        let lookalike = Schema::new(vec![Field::new("wrong", DataType::Utf8, true)]);
        let columns = numbers(1).schema();
        // Matches the LIKE pattern `line_item` although it is another table.
        let tables = [
            ("sales", "lineXitem", &lookalike),
            ("sales", "line_item", columns.as_ref()),
            ("hr", "employees", columns.as_ref()),
        ];
        for (database, table, schema) in tables {
            builder.append("lake", database, table, "TABLE", schema).unwrap();
        }
        Ok(encode_one(builder.build().unwrap()))
    }

    async fn get_flight_info_sql_info(
        &self,
        query: CommandGetSqlInfo,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.authorize(&request)?;
        command_info(&query)
    }

    async fn do_get_sql_info(
        &self,
        query: CommandGetSqlInfo,
        request: Request<Ticket>,
    ) -> Result<FlightStream, Status> {
        self.authorize(&request)?;
        let mut builder = SqlInfoDataBuilder::new();
        builder.append(SqlInfo::FlightSqlServerName, "Test");
        builder.append(SqlInfo::FlightSqlServerVersion, "9.8.7");
        let infos = builder.build().unwrap();
        let batch = query.into_builder(&infos).build().unwrap();
        Ok(encode_one(batch))
    }

    async fn do_action_create_prepared_statement(
        &self,
        command: ActionCreatePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<ActionCreatePreparedStatementResult, Status> {
        self.authorize(&request)?;
        if !command.query.ends_with("$1") {
            return Err(Status::invalid_argument("only statements that end with $1 can be prepared"));
        }
        let number = Schema::new(vec![Field::new("$1", DataType::Int64, true)]);
        Ok(ActionCreatePreparedStatementResult {
            prepared_statement_handle: "unbound".into(),
            dataset_schema: encode_schema(&numbers(1).schema()),
            parameter_schema: encode_schema(&number),
        })
    }

    /// The bound handle is the text of the value.
    async fn do_put_prepared_statement_query(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<DoPutPreparedStatementResult, Status> {
        self.authorize(&request)?;
        assert_eq!(query.prepared_statement_handle, "unbound");
        let messages = request.into_inner().map_err(FlightError::from);
        let rows: Vec<RecordBatch> =
            FlightRecordBatchStream::new_from_flight_data(messages).try_collect().await?;
        let Some(values) = rows[0].column(0).as_primitive_opt::<Int64Type>() else {
            return Err(Status::invalid_argument("$1 is a BIGINT"));
        };
        let handle = values.iter().next().flatten().map_or("null".to_owned(), |value| value.to_string());
        Ok(DoPutPreparedStatementResult { prepared_statement_handle: Some(handle.into()) })
    }

    async fn get_flight_info_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.authorize(&request)?;
        command_info(&query)
    }

    /// Two rows from the bound value on, none for NULL.
    async fn do_get_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<Ticket>,
    ) -> Result<FlightStream, Status> {
        self.authorize(&request)?;
        match str::from_utf8(&query.prepared_statement_handle).unwrap() {
            "unbound" => Err(Status::invalid_argument("$1 has no value")),
            "null" => Ok(encode(stream::empty())),
            value => Ok(encode_one(numbers(value.parse().unwrap()))),
        }
    }

    async fn do_action_close_prepared_statement(
        &self,
        _command: ActionClosePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<(), Status> {
        self.authorize(&request)?;
        self.seen.closed_statements.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn do_action_fallback(
        &self,
        request: Request<Action>,
    ) -> Result<Response<<Self as FlightService>::DoActionStream>, Status> {
        self.authorize(&request)?;
        self.seen.sessions.lock().unwrap().push(session(&request));
        let count = match request.get_ref().r#type.as_str() {
            "GetSessionOptions" => {
                let answer: <Self as FlightService>::DoActionStream = Box::pin(stream::empty());
                let mut response = Response::new(answer);
                response.metadata_mut().insert("set-cookie", session_cookie("default"));
                return Ok(response);
            }
            "CloseSession" => &self.seen.closed_sessions,
            "CancelFlightInfo" => {
                let wanted = CancelFlightInfoRequest::decode(request.get_ref().body.clone()).unwrap();
                assert!(!wanted.info.unwrap().endpoint.is_empty());
                &self.seen.cancelled_queries
            }
            _ => return Err(Status::unimplemented("unknown action")),
        };
        count.fetch_add(1, Ordering::SeqCst);
        Ok(Response::new(Box::pin(stream::empty())))
    }

    async fn register_sql_info(&self, _id: i32, _info: &SqlInfo) {}
}
