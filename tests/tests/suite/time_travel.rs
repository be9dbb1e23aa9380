//! Who may ask for earlier versions of a table, and by which ways.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use arrow_flight::sql::client::FlightSqlServiceClient;
use futures::TryStreamExt;
use lakegate_tests::stack;
use lakegate_tests::stack::Server;
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

use crate::support::{login, refusal, rows, run, server, start_server};

const REFUSED: &str = "time travel on this table is not allowed for you: rows or columns of it are hidden from you: hr.employees";

const HEADER: &str = "x-lakegate-timestamp-as-of";

/// Statements that ask for an earlier version of `hr.employees`.
const QUERIES: [&str; 4] = [
    "select count(*) from hr.employees version as of 0",
    "select count(*) from hr.employees timestamp as of '2026-01-31 00:00:00'",
    "select count(*) from hr.employees for system_time as of timestamp '2026-01-31 00:00:00'",
    "select (select count(*) from hr.employees) - (select count(*) from hr.employees version as of 0)",
];

/// A client of the arrow crates, which can send headers.
async fn stock_client(server: &Server, user: &str) -> FlightSqlServiceClient<Channel> {
    let address = server.url().replace("grpc://", "http://");
    let channel = Endpoint::from_shared(address).unwrap().connect().await.unwrap();
    let mut client = FlightSqlServiceClient::new(channel);
    client.handshake(user, user).await.unwrap();
    client
}

async fn with_header(server: &Server, user: &str, value: &str) -> FlightSqlServiceClient<Channel> {
    let mut client = stock_client(server, user).await;
    client.set_header(HEADER, value);
    client
}

#[test]
fn who_does_not_see_all_of_a_table_does_not_see_its_past() {
    run(async {
        let server = server().await;
        // A row filter, hidden columns, both.
        for user in ["eu_analyst", "support", "hr_partner"] {
            let connection = login(&server, user).await;
            for sql in QUERIES {
                let (code, text) = refusal(&connection, sql).await;
                assert_eq!((code, text.as_str()), (Code::PermissionDenied, REFUSED), "{user}: {sql}");
            }
            let mut client = with_header(&server, user, "2026-01-31").await;
            let text =
                client.execute("select 1 from hr.employees".to_owned(), None).await.unwrap_err().to_string();
            assert!(text.contains(REFUSED), "{user}: {text}");
            let error = client.prepare("select 1 from hr.employees".to_owned(), None).await.err();
            assert!(error.unwrap().to_string().contains(REFUSED), "{user}");
        }
    });
}

#[test]
fn a_hidden_table_is_as_unknown_in_the_past_as_now() {
    run(async {
        let server = server().await;
        let stranger = login(&server, "stranger").await;
        let now = refusal(&stranger, "select * from hr.employees").await;
        assert_eq!(refusal(&stranger, "select * from hr.employees version as of 0").await, now);
    });
}

#[test]
fn who_sees_all_of_a_table_may_ask_for_its_past() {
    run(async {
        let server = server().await;
        let analyst = login(&server, "analyst").await;
        let now = rows(&analyst, "select count(*) from hr.employees").await.unwrap();
        // The sample lake makes a table in one commit and fills it in the next.
        let filled = rows(&analyst, "select count(*) from hr.employees version as of 1").await.unwrap();
        assert_eq!(filled[0].column(0), now[0].column(0));
        let both = "select (select count(*) from hr.employees version as of 0) as made, \
                    (select count(*) from hr.employees for system_time as of timestamp '2100-01-01') as now";
        let both = rows(&analyst, both).await.unwrap();
        assert_eq!(both[0].column(0).as_primitive::<Int64Type>().value(0), 0);
        assert_eq!(both[0].column(1), now[0].column(0));
        let late = "select count(*) from hr.employees timestamp as of '2100-01-01'";
        assert_eq!(rows(&analyst, late).await.unwrap()[0].column(0), now[0].column(0));
        let none = "select count(*) from hr.employees version as of 7";
        assert_eq!(refusal(&analyst, none).await.0, Code::InvalidArgument);
        let mut client = with_header(&server, "analyst", "2001-01-31T00:00:00Z").await;
        let text =
            client.execute("select 1 from hr.employees".to_owned(), None).await.unwrap_err().to_string();
        assert!(text.contains("no such version"), "{text}");
    });
}

#[test]
fn aws_is_asked_once_for_a_table_that_is_named_at_several_moments() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[("LAKEGATE__ACCESS__POLICY_TTL", "0s")]).await;
        let analyst = login(&server, "analyst").await;
        let asked = async |sql| {
            let count =
                || sandbox.counters().get("glue:GetUnfilteredTableMetadata").copied().unwrap_or_default();
            let before = count();
            rows(&analyst, sql).await.unwrap();
            count() - before
        };
        let once = asked("select max(id) from hr.employees version as of 0").await;
        let several = "select (select max(id) from hr.employees version as of 0) as a, \
                       (select max(id) from hr.employees timestamp as of '2100-01-31') as b, \
                       (select max(id) from hr.employees) as c";
        assert!(once > 0);
        assert_eq!(asked(several).await, once);
    });
}

#[test]
fn the_operator_may_open_the_past_to_restricted_users() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server =
            start_server(&sandbox, &[("LAKEGATE__ACCESS__TIME_TRAVEL_FOR_RESTRICTED", "true")]).await;
        let partner = login(&server, "hr_partner").await;
        let now = rows(&partner, "select count(*) from hr.employees").await.unwrap();
        let past = rows(&partner, "select count(*) from hr.employees version as of 1").await.unwrap();
        assert_eq!(past[0].column(0), now[0].column(0));
    });
}

#[test]
fn a_malformed_moment_is_refused_where_a_statement_is_planned() {
    run(async {
        let server = server().await;
        let analyst = login(&server, "analyst").await;
        let (code, text) = refusal(&analyst, "select * from hr.employees timestamp as of now()").await;
        assert_eq!(code, Code::InvalidArgument);
        assert!(text.starts_with("a moment is written 'YYYY-MM-DD'"), "{text}");

        let mut client = with_header(&server, "analyst", "last week").await;
        let text = client.execute("select 1".to_owned(), None).await.unwrap_err().to_string();
        assert!(text.contains("a moment is written 'YYYY-MM-DD'"), "{text}");
        assert!(client.get_catalogs().await.is_ok());
    });
}

#[test]
fn a_ticket_is_not_moved_in_time_by_the_headers_of_the_call_that_redeems_it() {
    run(async {
        let server = server().await;
        let sql = "select count(*) from hr.employees";
        let analyst = login(&server, "analyst").await;
        let expected = rows(&analyst, sql).await.unwrap();
        let mut planner = stock_client(&server, "analyst").await;
        let mut runner = with_header(&server, "analyst", "2026-01-31").await;
        let info = planner.execute(sql.to_owned(), None).await.unwrap();
        let ticket = info.endpoint[0].ticket.clone().unwrap();
        let batches: Vec<_> = runner.do_get(ticket).await.unwrap().try_collect().await.unwrap();
        assert_eq!(batches[0].column(0), expected[0].column(0));
    });
}
