//! The stack that tests share, and how a query's answer is taken.

use std::future::Future;
use std::ops::Deref;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::util::pretty::pretty_format_batches;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::error::FlightError;
use arrow_flight::sql::client::FlightSqlServiceClient;
use futures::{StreamExt, TryStreamExt};
use lakegate_client::{ClientError, Connection};
use lakegate_sandbox::Sandbox;
use lakegate_tests::stack::{self, Server};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;
use tonic::transport::{Channel, Endpoint};

/// Drives the sandbox and all clients. Lives as long as the process, because the shared stack runs on it.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// The stack that tests share. Its server ends with this process.
static SHARED: OnceCell<(Server, Sandbox)> = OnceCell::const_new();

/// The server of a sandbox with the sample lake, with the demo's configuration, which no test may change.
pub(crate) struct Shared(&'static Server);

impl Deref for Shared {
    type Target = Server;

    fn deref(&self) -> &Server {
        self.0
    }
}

/// The shared server.
pub(crate) async fn server() -> Shared {
    let start = async || {
        let sandbox = stack::sandbox(stack::SCALE_FACTOR).await.unwrap();
        let mut server = start_server(&sandbox, &[]).await;
        server.end_with_this_process().unwrap();
        (server, sandbox)
    };
    let (server, _) = SHARED.get_or_init(start).await;
    Shared(server)
}

/// A server in front of a sandbox.
pub(crate) async fn start_server(sandbox: &Sandbox, overrides: &[(&str, &str)]) -> Server {
    let program = Path::new(env!("CARGO_BIN_EXE_lakegate-test-server"));
    Server::start(program, &sandbox.endpoint(), overrides).await.unwrap()
}

/// Runs a test's asynchronous body.
pub(crate) fn run<T>(body: impl Future<Output = T>) -> T {
    RUNTIME.block_on(body)
}

/// Logs a demo user in: the password is the name.
pub(crate) async fn login(server: &Server, user: &str) -> Connection {
    server.connect(user, user).await.unwrap()
}

/// All rows of a query.
pub(crate) async fn rows(connection: &Connection, sql: &str) -> Result<Vec<RecordBatch>, ClientError> {
    let stream = connection.query(sql).await?;
    let schema = stream.schema();
    let mut batches: Vec<RecordBatch> = stream.try_collect().await?;
    if batches.is_empty() {
        batches.push(RecordBatch::new_empty(schema));
    }
    Ok(batches)
}

/// A query's answer as a table, or its error as one line.
pub(crate) async fn answer(connection: &Connection, sql: &str) -> String {
    match rows(connection, sql).await {
        Ok(batches) => pretty_format_batches(&batches).unwrap().to_string(),
        Err(error) => format!("error: {error}"),
    }
}

/// The gRPC code and text of a query that must fail.
pub(crate) async fn refusal(connection: &Connection, sql: &str) -> (tonic::Code, String) {
    match rows(connection, sql).await {
        Ok(_) => panic!("not refused: {sql}"),
        Err(ClientError::Status(status)) => (status.code(), status.message().to_owned()),
        Err(other) => panic!("not a status: {other}"),
    }
}

/// Compares what a test found with what is kept of it in `tests/golden`, for a person to read where it changes.
/// `LAKEGATE_GOLDEN=write` keeps what was found.
pub(crate) fn assert_golden(file: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(file);
    if std::env::var_os("LAKEGATE_GOLDEN").is_some_and(|mode| mode == "write") {
        std::fs::write(&path, found).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    let mut lines = golden.lines().zip(found.lines());
    let first = lines.find(|(golden, now)| golden != now);
    assert!(
        golden == found,
        "golden/{file} has {} lines, {} were found; the first that differs (golden, now): {first:#?}\n\
         if that is right, LAKEGATE_GOLDEN=write keeps it",
        golden.lines().count(),
        found.lines().count()
    );
}

/// One value of a query with one row and one column, as text.
pub(crate) async fn value(connection: &Connection, sql: &str) -> String {
    let batches = rows(connection, sql).await.unwrap();
    let batch = batches.iter().find(|batch| batch.num_rows() == 1).unwrap();
    arrow::util::display::array_value_to_string(batch.column(0), 0).unwrap()
}

/// SDK configuration of the sandbox's administrator.
pub(crate) async fn admin(sandbox: &Sandbox) -> aws_config::SdkConfig {
    let credentials = aws_credential_types::Credentials::new(
        lakegate_sandbox::ADMIN_ACCESS_KEY,
        lakegate_sandbox::ADMIN_SECRET_KEY,
        None,
        None,
        "test",
    );
    aws_config::defaults(aws_config::BehaviorVersion::latest())
        .region("us-east-1")
        .endpoint_url(sandbox.endpoint())
        .credentials_provider(credentials)
        .load()
        .await
}

/// Makes all temporary sessions of the account invalid now.
pub(crate) async fn expire_sessions(sandbox: &Sandbox) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = sandbox.endpoint().trim_start_matches("http://").to_owned();
    let mut connection = tokio::net::TcpStream::connect(&address).await.unwrap();
    let request = format!(
        "POST /_sandbox/expire-sessions HTTP/1.1\r\nHost: {address}\r\nx-lakegate-sandbox: 1\r\nContent-Length: 0\r\n\
         Connection: close\r\n\r\n"
    );
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
}

/// The stock Flight SQL client of the arrow crates, logged in. It takes no more than it is asked to.
pub(crate) async fn flight_client(server: &Server, user: &str) -> FlightSqlServiceClient<Channel> {
    let address = server.url().replace("grpc://", "http://");
    let channel = Endpoint::from_shared(address).unwrap().connect().await.unwrap();
    let mut client = FlightSqlServiceClient::new(channel);
    client.handshake(user, user).await.unwrap();
    client
}

/// Plans a statement and opens its result.
pub(crate) async fn open_result(
    client: &mut FlightSqlServiceClient<Channel>,
    sql: &str,
) -> FlightRecordBatchStream {
    let info = client.execute(sql.to_owned(), None).await.unwrap();
    client.do_get(info.endpoint[0].ticket.clone().unwrap()).await.unwrap()
}

/// The status with which a result breaks off.
pub(crate) async fn broken_off(mut result: FlightRecordBatchStream) -> tonic::Status {
    loop {
        match result.next().await {
            Some(Ok(_)) => {}
            Some(Err(FlightError::Tonic(status))) => return *status,
            Some(Err(other)) => panic!("not a status: {other}"),
            None => panic!("it did not break off"),
        }
    }
}

/// Waits until something holds, and fails if it never does.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..600 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("in a minute not: {what}");
}

/// Waits until the server runs no statement.
pub(crate) async fn until_idle(server: &Server) {
    until("no statement runs", async || server.metric("lakegate_running_statements").await.unwrap() == 0)
        .await;
}
