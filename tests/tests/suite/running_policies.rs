//! Rights that change while statements run: they end, whatever they are at, and those whose rights stay as they are go on.
//!
//! All bytes that these statements read are in the server's cache before they begin: nothing asks AWS for their sake but the
//! watch over their grants.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow_flight::error::FlightError;
use aws_sdk_lakeformation::Client;
use aws_sdk_lakeformation::types::{
    ColumnWildcard, DataCellsFilter, DataLakePrincipal, Permission, Resource, RowFilter, TableResource,
    TableWildcard,
};
use futures::StreamExt;
use lakegate_sandbox::Sandbox;
use lakegate_tests::stack::{self, Server};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::{Code, Status};

use crate::raw::{Raw, ticket_of};
use crate::support::{
    admin, broken_off, flight_client, open_result, rows, run, start_server, until, until_idle, value,
};

const TTL: (&str, &str) = ("LAKEGATE__ACCESS__POLICY_TTL", "1s");

const CHANGED: &str = "the permissions on a table changed while the statement ran; run it again";

/// More rows than any client takes.
const ENDLESS: &str = "select a.l_orderkey, a.l_comment from sales.lineitem a, sales.lineitem b";

/// Has read everything soon, and is at work for long before its first row.
const AGGREGATES: &str =
    "select count(*) from sales.lineitem a, sales.lineitem b where a.l_comment < b.l_comment";
const SORTS: &str = "select a.l_orderkey from sales.lineitem a, sales.lineitem b
    order by a.l_comment, b.l_comment, a.l_linenumber limit 3";

/// Short, and run once for each row of values.
const BOUND: &str =
    "select count(*) from sales.lineitem a, sales.supplier b where a.l_quantity < b.s_acctbal + ?";

/// Reads a result that must break off.
fn read(server: &Server, user: &'static str, sql: String) -> JoinHandle<Status> {
    let url = server.url().to_owned();
    tokio::spawn(async move {
        let mut client = client(&url, user).await;
        broken_off(open_result(&mut client, &sql).await).await
    })
}

async fn client(
    url: &str,
    user: &str,
) -> arrow_flight::sql::client::FlightSqlServiceClient<tonic::transport::Channel> {
    let address = url.replace("grpc://", "http://");
    let channel = tonic::transport::Endpoint::from_shared(address).unwrap().connect().await.unwrap();
    let mut client = arrow_flight::sql::client::FlightSqlServiceClient::new(channel);
    client.handshake(user, user).await.unwrap();
    client
}

/// Runs a prepared statement with many rows of values.
fn read_bound(server: &Server, user: &'static str) -> JoinHandle<Status> {
    let url = server.url().to_owned();
    tokio::spawn(async move {
        let mut client = client(&url, user).await;
        let mut prepared = client.prepare(BOUND.to_owned(), None).await.unwrap();
        let values: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1000));
        prepared.set_parameters(RecordBatch::try_from_iter([("value", values)]).unwrap()).unwrap();
        let info = prepared.execute().await.unwrap();
        let mut result = client.do_get(info.endpoint[0].ticket.clone().unwrap()).await.unwrap();
        loop {
            match result.next().await {
                Some(Ok(_)) => {}
                Some(Err(FlightError::Tonic(status))) => return *status,
                other => panic!("it did not break off: {other:?}"),
            }
        }
    })
}

async fn running(server: &Server) -> u64 {
    server.metric("lakegate_running_statements").await.unwrap()
}

async fn until_running(server: &Server, count: u64) {
    until(&format!("{count} statements run"), async || running(server).await == count).await;
}

fn asked(sandbox: &Sandbox) -> u64 {
    sandbox.counters().get("glue:GetUnfilteredTableMetadata").copied().unwrap_or_default()
}

/// Lets some times to live pass.
async fn several_ttls() {
    tokio::time::sleep(Duration::from_millis(3500)).await;
}

/// Takes all tables of `sales` away from `analyst`.
async fn revoke_sales(sandbox: &Sandbox) {
    let all_tables = TableResource::builder()
        .database_name("sales")
        .table_wildcard(TableWildcard::builder().build())
        .build()
        .unwrap();
    let analyst = DataLakePrincipal::builder()
        .data_lake_principal_identifier("arn:aws:iam::123456789012:role/lakegate/analyst")
        .build();
    Client::new(&admin(sandbox).await)
        .revoke_permissions()
        .principal(analyst)
        .resource(Resource::builder().table(all_tables).build())
        .permissions(Permission::Select)
        .send()
        .await
        .unwrap();
}

/// Changes the customers that `eu_analyst` sees.
async fn filter_customers(sandbox: &Sandbox, rows: &str) {
    let filter = DataCellsFilter::builder()
        .table_catalog_id("123456789012")
        .database_name("sales")
        .table_name("customer")
        .name("eu_analyst")
        .row_filter(RowFilter::builder().filter_expression(rows).build())
        .column_wildcard(ColumnWildcard::builder().build())
        .build()
        .unwrap();
    Client::new(&admin(sandbox).await).update_data_cells_filter().table_data(filter).send().await.unwrap();
}

async fn fill_the_cache(server: &Server, user: &str, table: &str) {
    let connection = server.connect(user, user).await.unwrap();
    drop(rows(&connection, &format!("select * from sales.{table}")).await.unwrap());
}

fn assert_changed(status: &Status) {
    assert_eq!((status.code(), status.message()), (Code::PermissionDenied, CHANGED));
}

#[test]
fn statements_run_through_many_times_to_live_and_all_end_when_a_right_is_lost() {
    run(async {
        let sandbox = stack::sandbox(0.01).await.unwrap();
        let server = start_server(&sandbox, &[TTL]).await;
        fill_the_cache(&server, "analyst", "lineitem").await;
        fill_the_cache(&server, "analyst", "supplier").await;
        let explains = format!("explain analyze {AGGREGATES}");
        let statements = [ENDLESS, AGGREGATES, SORTS, &explains];
        let mut all: Vec<JoinHandle<Status>> =
            statements.iter().map(|sql| read(&server, "analyst", (*sql).to_owned())).collect();
        all.push(read_bound(&server, "analyst"));
        // Reads one batch and no more.
        let mut stalled = open_result(&mut flight_client(&server, "analyst").await, ENDLESS).await;
        assert!(stalled.next().await.unwrap().is_ok());
        let count = all.len() as u64 + 1;
        until_running(&server, count).await;

        let (began, before) = (std::time::Instant::now(), asked(&sandbox));
        several_ttls().await;
        let ttls = began.elapsed().as_secs() + 2;
        let questions = asked(&sandbox) - before;
        assert_eq!(running(&server).await, count, "a statement whose rights stayed has ended");
        assert!(questions >= 2, "nobody asks");
        assert!(questions <= 2 * ttls, "{questions} questions about two tables in {ttls} times to live");

        revoke_sales(&sandbox).await;
        for one in all {
            assert_changed(&one.await.unwrap());
        }
        // The client that does not read holds nothing of the server either.
        until_idle(&server).await;
        assert_changed(&broken_off(stalled).await);
        let ends = server.audit().matches("\"permission_denied\"").count();
        assert!(ends as u64 >= count, "{ends} of {count} in the audit trail:\n{}", server.audit());
        let analyst = server.connect("analyst", "analyst").await.unwrap();
        assert!(rows(&analyst, "select 1 from sales.region").await.is_err());
        assert_eq!(value(&analyst, "select count(*) > 0 from hr.departments").await, "true");

        // Nobody asks for those who have ended.
        let after = asked(&sandbox);
        several_ttls().await;
        assert_eq!(asked(&sandbox), after);
    });
}

#[test]
fn another_row_filter_ends_the_statements_that_it_filters_and_no_others() {
    run(async {
        let sandbox = stack::sandbox(0.01).await.unwrap();
        for ttl in [TTL, ("LAKEGATE__ACCESS__POLICY_TTL", "0s")] {
            let server = start_server(&sandbox, &[ttl]).await;
            filter_customers(&sandbox, "c_nationkey = 7").await;
            for user in ["analyst", "eu_analyst"] {
                fill_the_cache(&server, user, "customer").await;
            }
            let four = |what: &str| {
                format!(
                    "select {what} from sales.customer a, sales.customer b, sales.customer c, sales.customer d"
                )
            };
            let counts = four("sum(a.c_acctbal * b.c_acctbal + c.c_acctbal - d.c_acctbal)")
                + ", sales.customer e, sales.customer f";
            let ended = [
                read(&server, "eu_analyst", four("a.c_custkey") + ", sales.customer e"),
                read(&server, "eu_analyst", counts),
            ];
            let mut other = open_result(&mut flight_client(&server, "analyst").await, ENDLESS).await;
            let of_customers = read(&server, "analyst", four("a.c_custkey"));
            until_running(&server, 4).await;
            assert!(other.next().await.unwrap().is_ok());

            filter_customers(&sandbox, "c_nationkey = 8").await;
            for one in ended {
                assert_changed(&one.await.unwrap());
            }
            several_ttls().await;
            assert_eq!(running(&server).await, 2, "statements of another user have ended");
            of_customers.abort();
            assert!(other.next().await.unwrap().is_ok());
        }
    });
}

#[test]
fn each_part_of_a_divided_result_and_each_old_handle_is_authorised_again() {
    run(async {
        let sandbox = stack::sandbox(0.01).await.unwrap();
        let server = start_server(&sandbox, &[TTL]).await;
        fill_the_cache(&server, "analyst", "lineitem").await;
        let analyst = Raw::login(&server, "analyst").await;
        let mut parted = analyst.without_cookies().with_header("x-lakegate-endpoints", "3");
        let parts = parted.info("select * from sales.lineitem").await.unwrap().endpoint;
        assert_eq!(parts.len(), 3);
        let mut tickets = parts.into_iter().map(|part| part.ticket.unwrap());
        let first = tickets.next().unwrap();
        assert!(!parted.redeem(first).await.unwrap().is_empty());

        let mut plain = analyst.without_cookies();
        let ticket = ticket_of(&plain.info("select l_orderkey from sales.lineitem").await.unwrap());
        let polled = plain.poll("select l_orderkey from sales.lineitem").await.unwrap().0;
        let polled = ticket_of(&polled.info.unwrap());
        let mut stock = flight_client(&server, "analyst").await;
        let mut prepared =
            stock.prepare("select l_orderkey from sales.lineitem".to_owned(), None).await.unwrap();

        revoke_sales(&sandbox).await;
        several_ttls().await;
        for ticket in tickets.chain([ticket, polled]) {
            assert_eq!(plain.redeem(ticket).await.unwrap_err().code(), Code::NotFound);
        }
        assert!(prepared.execute().await.is_err());
        assert!(plain.poll("select l_orderkey from sales.lineitem").await.is_err());
        assert!(plain.info("explain analyze select l_orderkey from sales.lineitem").await.is_err());
    });
}

/// A wire to the sandbox that can be cut.
struct Wire {
    address: SocketAddr,
    is_whole: watch::Sender<bool>,
}

impl Wire {
    async fn to(sandbox: &Sandbox) -> Self {
        let there = sandbox.endpoint().trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (is_whole, whole) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (there, mut whole) = (there.clone(), whole.clone());
                tokio::spawn(async move {
                    if !*whole.borrow() {
                        return;
                    }
                    let mut far = TcpStream::connect(there).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = whole.wait_for(|is_whole| !is_whole) => {}
                    }
                });
            }
        });
        Self { address, is_whole }
    }

    fn cut(&self) {
        self.is_whole.send_replace(false);
    }

    fn mend(&self) {
        self.is_whole.send_replace(true);
    }
}

#[test]
fn without_an_answer_of_aws_statements_go_on_for_the_grace_and_then_end_as_unavailable() {
    run(async {
        let sandbox = stack::sandbox(0.01).await.unwrap();
        let wire = Wire::to(&sandbox).await;
        let (aws, s3) = (format!("http://{}", wire.address), sandbox.endpoint());
        let settings = [
            TTL,
            ("LAKEGATE__ACCESS__POLICY_GRACE", "10s"),
            ("LAKEGATE__AWS__ENDPOINT_URL", aws.as_str()),
            ("LAKEGATE__AWS__S3_ENDPOINT_URL", s3.as_str()),
            ("LAKEGATE__AWS__CALL_TIMEOUT", "2s"),
            ("LAKEGATE__AWS__MAX_ATTEMPTS", "1"),
        ];
        let server = start_server(&sandbox, &settings).await;
        fill_the_cache(&server, "analyst", "lineitem").await;
        let statements = [ENDLESS, AGGREGATES].map(|sql| read(&server, "analyst", sql.to_owned()));
        until_running(&server, 2).await;

        wire.cut();
        tokio::time::sleep(Duration::from_secs(3)).await;
        let analyst = server.connect("analyst", "analyst").await.unwrap();
        assert!(rows(&analyst, "select 1 from sales.region").await.is_err(), "the wire is not cut");
        assert_eq!(running(&server).await, 2, "ended before the grace has passed");
        wire.mend();
        several_ttls().await;
        assert_eq!(running(&server).await, 2, "ended although AWS answers again");

        wire.cut();
        for statement in statements {
            let status = statement.await.unwrap();
            assert_eq!(status.code(), Code::Unavailable);
            assert!(status.message().starts_with("AWS could not be asked for too long"), "{status}");
        }
        until_idle(&server).await;
        wire.mend();
        assert_eq!(value(&analyst, "select count(*) from sales.region").await, "5");
    });
}

/// What one user has read decides nothing of another's plan: the second user's rows come in the order in which they come when
/// nobody has read anything.
#[test]
fn what_one_user_has_read_does_not_show_in_the_order_of_anothers_rows() {
    use crate::delta::grants::{Columns, Rows, Shown};
    use crate::delta::lake::Lake;
    use crate::delta::writer::{TableWriter, batch, field, longs, metadata, plain_protocol};
    use serde_json::json;

    run(async {
        let lake = Lake::start(&[]).await;
        for (name, count) in [("many", 20_000_i64), ("few", 40)] {
            let mut table =
                TableWriter::new(&[plain_protocol(), metadata(&[field("id", "long")], &[], json!({}))]);
            let ids: Vec<i64> = (0..count).map(|id| id * 7 % count).collect();
            let file = table.data("a.parquet", &batch(&[("id", longs(&ids))]));
            table.commit(&[file]);
            lake.add(name, &table.finish()).await;
            for user in ["support", "hr_partner"] {
                let shown = Shown { rows: Rows::Where("id >= 0".to_owned()), columns: Columns::All };
                lake.grant(user, name, shown).await;
            }
        }
        let join = "select m.id from brought.many m join brought.few f on m.id = f.id";
        // On one thread: two would hand on their rows in whatever order they are ready.
        let one_thread = [("LAKEGATE__ENGINE__THREADS", "1")];
        let alone = start_server(&lake.sandbox, &one_thread).await;
        let after_another = start_server(&lake.sandbox, &one_thread).await;
        let order = async |server: &Server, user: &str| {
            let batches = rows(&server.connect(user, user).await.unwrap(), join).await.unwrap();
            crate::delta::rows::Rows::of(&batches).cells
        };
        let read_all = async |server: &Server, user: &str| {
            let connection = server.connect(user, user).await.unwrap();
            for table in ["many", "few"] {
                drop(rows(&connection, &format!("select id from brought.{table}")).await.unwrap());
            }
        };
        let first = order(&alone, "support").await;
        read_all(&after_another, "hr_partner").await;
        assert_eq!(order(&after_another, "support").await, first);
        // Otherwise this test would notice nothing: one's own reading does change the plan.
        read_all(&after_another, "support").await;
        assert_ne!(order(&after_another, "support").await, first);
    });
}
