//! The library against a real server on a real socket.
#![expect(clippy::unwrap_used, reason = "a failed call fails the test")]

use std::sync::atomic::Ordering;
use std::time::Duration;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use futures::TryStreamExt;
use lakegate_client::{
    ClientError, ConnectOptions, Connection, Credentials, ErrorKind, Parameters, RowStream, TableFilter,
};
use lakegate_client_testing::{NOBODY_LISTENS, PASSWORD, TOKEN, TestServer, USER, numbers};
use tonic::Code;

fn options(server: &TestServer) -> ConnectOptions {
    let credentials = Credentials::password(USER, PASSWORD).unwrap();
    ConnectOptions::new(server.url().parse().unwrap(), credentials)
}

async fn connect(server: &TestServer) -> Connection {
    Connection::connect(&options(server)).await.unwrap()
}

async fn ids(rows: RowStream) -> Vec<i64> {
    let batches: Vec<RecordBatch> = rows.try_collect().await.unwrap();
    let columns = batches.iter().map(|batch| batch.column(0));
    columns.flat_map(|column| column.as_primitive::<Int64Type>().values().to_vec()).collect()
}

/// Waits until the server has noticed that a client went away.
async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn all_endpoints_are_read_in_the_order_of_the_server() {
    let server = TestServer::start();
    let rows = connect(&server).await.query("select parts").await.unwrap();
    assert_eq!(rows.schema(), numbers(1).schema());
    assert_eq!(ids(rows).await, [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[tokio::test]
async fn a_result_without_rows_has_its_schema() {
    let server = TestServer::start();
    let connection = connect(&server).await;
    for sql in ["select empty", "select nothing sent"] {
        let rows = connection.query(sql).await.unwrap();
        assert_eq!(rows.schema().fields(), numbers(1).schema().fields());
        assert_eq!(ids(rows).await, [0_i64; 0]);
    }
}

#[tokio::test]
async fn a_row_larger_than_the_usual_message_limit_arrives() {
    let server = TestServer::start();
    let rows = connect(&server).await.query("select large").await.unwrap();
    let batches: Vec<RecordBatch> = rows.try_collect().await.unwrap();
    let text = batches[0].column(0).as_string::<i32>();
    assert_eq!(text.value(0).len(), 6 << 20);
}

#[tokio::test]
async fn an_error_in_the_middle_comes_after_the_rows_before_it_and_ends_the_stream() {
    let server = TestServer::start();
    let connection = connect(&server).await;
    let mut rows = connection.query("select broken").await.unwrap();
    let mut received = 0;
    let error = loop {
        match rows.try_next().await {
            Ok(Some(batch)) => received += batch.num_rows(),
            Ok(None) => unreachable!("the result looked complete"),
            Err(error) => break error,
        }
    };
    assert_eq!(received, 6);
    assert_eq!(error.kind(), ErrorKind::Query);
    assert_eq!(error.to_string(), "disk read failed");
    assert!(rows.try_next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_server_that_crashes_in_the_middle_is_an_error() {
    let server = TestServer::start();
    let connection = connect(&server).await;
    let mut rows = connection.query("select crash").await.unwrap();
    assert!(rows.try_next().await.unwrap().is_some());
    assert!(rows.try_next().await.is_err());
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_middle_is_unavailable() {
    let server = TestServer::start();
    let connection = connect(&server).await;
    let mut rows = connection.query("select slow").await.unwrap();
    assert!(rows.try_next().await.unwrap().is_some());
    drop(server);
    let error = rows.try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
}

#[tokio::test]
async fn columns_that_change_between_endpoints_are_an_error() {
    let server = TestServer::start();
    let rows = connect(&server).await.query("select mixed").await.unwrap();
    let error = rows.try_collect::<Vec<_>>().await.unwrap_err();
    assert!(matches!(error, ClientError::SchemaChanged), "{error:?}");
}

#[tokio::test]
async fn the_token_is_never_taken_to_another_server() {
    let server = TestServer::start();
    let connection = connect(&server).await;
    let error = connection.query("select elsewhere").await.unwrap_err();
    assert!(matches!(error, ClientError::ForeignLocation), "{error:?}");
    let rows = connection.query("select reuse").await.unwrap();
    assert_eq!(ids(rows).await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn an_endpoint_without_a_ticket_is_an_error() {
    let server = TestServer::start();
    let error = connect(&server).await.query("select no ticket").await.unwrap_err();
    assert!(matches!(error, ClientError::MissingTicket), "{error:?}");
}

#[tokio::test]
async fn refusals_of_the_server_keep_their_kind_and_text() {
    let server = TestServer::start();
    let connection = connect(&server).await;
    for (sql, kind, text) in [
        ("select forbidden", ErrorKind::Denied, "access denied"),
        ("select busy", ErrorKind::Unavailable, "draining"),
        ("selekt", ErrorKind::Query, "unknown statement"),
    ] {
        let error = connection.query(sql).await.unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (kind, text));
    }
}

#[tokio::test]
async fn a_wrong_password_keeps_its_grpc_code() {
    let server = TestServer::start();
    let wrong = Credentials::password(USER, "guess").unwrap();
    let options = ConnectOptions::new(server.url().parse().unwrap(), wrong);
    let error = Connection::connect(&options).await.unwrap_err();
    match error {
        ClientError::Status(status) => assert_eq!(status.code(), Code::Unauthenticated),
        other => unreachable!("{other:?}"),
    }
}

#[tokio::test]
async fn a_token_is_used_without_a_login_and_its_session_is_left_open() {
    let server = TestServer::start();
    let token = Credentials::token(TOKEN).unwrap();
    let options = ConnectOptions::new(server.url().parse().unwrap(), token);
    let connection = Connection::connect(&options).await.unwrap();
    let rows = connection.query("select parts").await.unwrap();
    assert_eq!(ids(rows).await.len(), 8);
    connection.close().await.unwrap();
    assert_eq!(server.seen.handshakes.load(Ordering::SeqCst), 0);
    assert_eq!(server.seen.closed_sessions.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn closing_ends_the_session_of_the_login() {
    let server = TestServer::start();
    connect(&server).await.close().await.unwrap();
    assert_eq!(server.seen.handshakes.load(Ordering::SeqCst), 1);
    assert_eq!(server.seen.closed_sessions.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let credentials = Credentials::password(USER, PASSWORD).unwrap();
    let options = ConnectOptions::new(NOBODY_LISTENS.parse().unwrap(), credentials);
    let error = Connection::connect(&options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    let text = error.to_string();
    assert!(text.starts_with("cannot reach grpc://127.0.0.1:1: "), "{text}");
}

#[tokio::test]
async fn a_server_that_accepts_but_never_answers_is_given_up() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("grpc://{}", silent.local_addr().unwrap());
    let credentials = Credentials::password(USER, PASSWORD).unwrap();
    let options = ConnectOptions::new(url.parse().unwrap(), credentials)
        .with_connect_timeout(Duration::from_millis(50));
    let error = Connection::connect(&options).await.unwrap_err();
    assert!(matches!(error, ClientError::ConnectTimeout(_)), "{error:?}");
}

#[tokio::test]
async fn the_query_timeout_covers_the_rows_and_is_told_to_the_server() {
    let server = TestServer::start();
    let limit = Duration::from_millis(200);
    let options = options(&server).with_query_timeout(limit);
    let connection = Connection::connect(&options).await.unwrap();
    let rows = connection.query("select slow").await.unwrap();
    let error = rows.try_collect::<Vec<_>>().await.unwrap_err();
    assert!(matches!(error, ClientError::QueryTimeout(found) if found == limit));
    let told = server.seen.grpc_timeouts.lock().unwrap().clone();
    assert_eq!(told.len(), 2, "one for GetFlightInfo and one for DoGet");
    until(|| server.seen.dropped_streams.load(Ordering::SeqCst) == 1).await;
}

#[tokio::test]
async fn dropping_the_rows_cancels_the_query_on_the_server() {
    let server = TestServer::start();
    let connection = connect(&server).await;
    let mut rows = connection.query("select slow").await.unwrap();
    assert!(rows.try_next().await.unwrap().is_some());
    drop(rows);
    until(|| server.seen.dropped_streams.load(Ordering::SeqCst) == 1).await;
}

#[tokio::test]
async fn cancelling_ends_the_rows_with_an_error_and_tells_the_server() {
    let server = TestServer::start();
    let connection = connect(&server).await;
    let mut rows = connection.query("select slow").await.unwrap();
    assert!(rows.try_next().await.unwrap().is_some());
    let canceller = rows.canceller();
    let reader = tokio::spawn(async move { rows.try_next().await });
    canceller.cancel().await.unwrap();
    let ended = reader.await.unwrap();
    assert!(matches!(ended, Err(ClientError::Cancelled)), "{ended:?}");
    assert_eq!(server.seen.cancelled_queries.load(Ordering::SeqCst), 1);
    until(|| server.seen.dropped_streams.load(Ordering::SeqCst) == 1).await;
}

#[tokio::test]
async fn a_query_that_has_ended_stays_complete_when_it_is_cancelled_afterwards() {
    let server = TestServer::start();
    let mut rows = connect(&server).await.query("select parts").await.unwrap();
    while rows.try_next().await.unwrap().is_some() {}
    rows.canceller().cancel().await.unwrap();
    assert!(rows.try_next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_prepared_statement_runs_with_other_values_each_time() {
    let server = TestServer::start();
    let connection = connect(&server).await;
    let statement = connection.prepare("select numbers from $1").await.unwrap();
    assert_eq!(statement.schema().fields(), numbers(1).schema().fields());
    assert_eq!(statement.parameter_schema().field(0).data_type(), &DataType::Int64);
    let (first, second) = futures::join!(statement.query([3_i64]), statement.query([5_i64]));
    assert_eq!(ids(second.unwrap()).await, [5, 6]);
    assert_eq!(ids(first.unwrap()).await, [3, 4]);
    let null = statement.query(Parameters::new().bind(None::<i64>)).await.unwrap();
    assert_eq!(ids(null).await, [0_i64; 0]);
    statement.close().await.unwrap();
    assert_eq!(server.seen.closed_statements.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_the_server_says_about_a_prepared_statement_is_told() {
    let server = TestServer::start();
    let connection = connect(&server).await;
    let refused = connection.prepare("select 1").await.unwrap_err();
    assert_eq!(refused.to_string(), "only statements that end with $1 can be prepared");
    let statement = connection.prepare("select numbers from $1").await.unwrap();
    assert_eq!(statement.query(["x"]).await.unwrap_err().to_string(), "$1 is a BIGINT");
    assert_eq!(statement.query(()).await.unwrap_err().to_string(), "$1 has no value");
}

#[tokio::test]
async fn queries_run_side_by_side_on_one_connection() {
    let server = TestServer::start();
    let connection = connect(&server).await;
    let (first, second) = futures::join!(connection.query("select parts"), connection.query("select parts"));
    let (first, second) = futures::join!(ids(first.unwrap()), ids(second.unwrap()));
    assert_eq!(first, second);
}

#[tokio::test]
async fn the_catalog_can_be_browsed() {
    let server = TestServer::start();
    let connection = connect(&server).await;
    let names = async |rows: RowStream, column: &str| -> Vec<String> {
        let batches: Vec<RecordBatch> = rows.try_collect().await.unwrap();
        batches
            .iter()
            .flat_map(|batch| batch.column_by_name(column).unwrap().as_string::<i32>())
            .map(|name| name.unwrap().to_owned())
            .collect()
    };
    let catalogs = connection.catalogs().await.unwrap();
    assert_eq!(names(catalogs, "catalog_name").await, ["lake"]);
    let schemas = connection.schemas(Some("s%")).await.unwrap();
    assert_eq!(names(schemas, "db_schema_name").await, ["sales"]);
    let filter = TableFilter { schema_pattern: Some("hr".into()), ..TableFilter::default() };
    let tables = connection.tables(filter).await.unwrap();
    assert_eq!(names(tables, "table_name").await, ["employees"]);
}

#[tokio::test]
async fn the_columns_of_a_table_are_those_of_exactly_that_name() {
    let server = TestServer::start();
    let connection = connect(&server).await;
    let found = connection.table_schema("sales", "line_item").await.unwrap();
    assert_eq!(found.unwrap().fields(), numbers(1).schema().fields());
    let missing = connection.table_schema("sales", "line%").await.unwrap();
    assert!(missing.is_none());
}

#[tokio::test]
async fn tables_are_listed_with_or_without_their_columns() {
    let server = TestServer::start();
    let connection = connect(&server).await;
    let names_only = connection.list_tables(TableFilter::default()).await.unwrap();
    assert!(names_only.iter().all(|table| table.schema.is_none()));
    let filter = TableFilter {
        table_pattern: Some("employees".into()),
        include_schema: true,
        ..TableFilter::default()
    };
    let found = connection.list_tables(filter).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].database.as_str(), found[0].kind.as_str()), ("hr", "TABLE"));
    assert_eq!(found[0].schema.as_ref().unwrap().fields(), numbers(1).schema().fields());
}

#[tokio::test]
async fn the_server_tells_its_name_and_version() {
    let server = TestServer::start();
    let info = connect(&server).await.server_info().await.unwrap();
    assert_eq!((info.name.as_str(), info.version.as_str()), ("Test", "9.8.7"));
}

#[tokio::test]
async fn what_a_statement_changes_in_the_session_is_brought_back_also_by_the_first_one() {
    let server = TestServer::start();
    let connection = connect(&server).await;
    let other = connect(&server).await;
    assert_eq!(ids(connection.query("use sales").await.unwrap()).await, [0_i64; 0]);
    connection.close().await.unwrap();
    other.close().await.unwrap();
    let seen = server.seen.sessions.lock().unwrap().clone();
    let seen: Vec<Option<&str>> = seen.iter().map(Option::as_deref).collect();
    assert_eq!(seen, [None, None, Some("sales"), Some("default")]);
}

#[tokio::test]
async fn debug_output_of_a_connection_does_not_show_the_token() {
    let server = TestServer::start();
    let connection = connect(&server).await;
    assert!(!format!("{connection:?}").contains(TOKEN));
}

#[tokio::test]
async fn tls_is_verified_against_the_given_certificates() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = certified.cert.pem();
    let server = TestServer::start_tls(&certificate, &certified.signing_key.serialize_pem());
    let url = format!("grpc+tls://localhost:{}", server.address.port());
    let credentials = Credentials::password(USER, PASSWORD).unwrap();
    let untrusted = ConnectOptions::new(url.parse().unwrap(), credentials);

    let error = Connection::connect(&untrusted).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert_eq!(server.seen.handshakes.load(Ordering::SeqCst), 0);

    let trusted = untrusted.with_ca_certificates(certificate.into_bytes());
    let connection = Connection::connect(&trusted).await.unwrap();
    let rows = connection.query("select parts").await.unwrap();
    assert_eq!(ids(rows).await.len(), 8);
}

#[tokio::test]
async fn a_client_and_a_server_that_disagree_on_tls_do_not_talk() {
    let plain = TestServer::start();
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = certified.signing_key.serialize_pem();
    let encrypted = TestServer::start_tls(&certified.cert.pem(), &key);
    for (scheme, server) in [("grpc+tls", &plain), ("grpc", &encrypted)] {
        let url = format!("{scheme}://localhost:{}", server.address.port());
        let credentials = Credentials::password(USER, PASSWORD).unwrap();
        let options = ConnectOptions::new(url.parse().unwrap(), credentials);
        let error = Connection::connect(&options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{scheme}: {error:?}");
        assert_eq!(server.seen.handshakes.load(Ordering::SeqCst), 0);
    }
}
