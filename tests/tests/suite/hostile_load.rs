//! 64 clients at once, half of them hostile: queries that want all memory, products of whole tables, SQL without an end,
//! clients that stop reading and clients that go away. The other half gets right answers, and when the hostile ones have
//! left nothing of them stays.
//!
//! How long a small query takes meanwhile is not asserted here; `make bench` prints it (section `hostile`).

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use lakegate_client::{ClientError, Connection};
use lakegate_tests::stack::{self, Server};
use tonic::Code;

use crate::support::{login, rows, run, start_server, value};

/// Clients of each kind.
const CLIENTS: usize = 32;

/// Users whose clients mean well, and users whose clients do not. Two of each, because a user has at most sixteen
/// statements at a time unless told otherwise.
const WELL_BEHAVED: [&str; 2] = ["hr_partner", "support"];
const HOSTILE: [&str; 2] = ["analyst", "eu_analyst"];

/// Statements that each well-behaved client asks while the others do what they do.
const ASKED: usize = 3;

const SMALL: &str = "select count(*) from hr.employees where id between 10 and 900";

/// Less than a hostile query wants, and so much together that one user cannot take it all.
const SETTINGS: [(&str, &str); 5] = [
    ("LAKEGATE__ENGINE__QUERY_MEMORY_LIMIT", "32MiB"),
    ("LAKEGATE__ENGINE__MEMORY_LIMIT", "2GiB"),
    ("LAKEGATE__ENGINE__SPILL_LIMIT", "64MiB"),
    // A place is given back a moment after the client has read the end.
    ("LAKEGATE__SESSION__MAX_CONCURRENT_QUERIES_PER_USER", "24"),
    ("LAKEGATE__SESSION__MAX_CONCURRENT_QUERIES", "96"),
];

/// Longest wait for what must come soon on a machine that does something else as well.
const PATIENCE: Duration = Duration::from_secs(60);
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// After what time hostile clients lose interest; a server gives statements minutes.
const IMPATIENCE: Duration = Duration::from_secs(8);

/// How long a client stops to read.
const STOPPED: Duration = Duration::from_secs(4);

/// Gauges that are zero where nothing is going on.
const GAUGES: [&str; 3] =
    ["lakegate_running_statements", "lakegate_waiting_statements", "lakegate_open_streams"];

/// Statements that must fail: memory, then time, then the limits on SQL.
fn attacks() -> Vec<String> {
    let deep = format!("select {}1{}", "(".repeat(3000), ")".repeat(3000));
    let long = format!("select 1 where 1 in ({})", vec!["1"; 200_000].join(","));
    let nested = format!("select 1 where {}true{}", "not (".repeat(2000), ")".repeat(2000));
    [
        "select array_agg(a.o_comment || b.o_comment) from sales.orders a cross join sales.orders b",
        "select a.o_comment || b.o_comment as c, count(*) from sales.orders a cross join sales.orders b group by 1 \
         order by 2 desc, 1",
        "select count(*) from sales.orders a, sales.orders b, sales.orders c where a.o_comment < b.o_comment || \
         c.o_comment",
        "select sum(a.o_totalprice * b.o_totalprice * c.o_totalprice) from sales.orders a, sales.orders b, sales.orders c",
        "select max(n) from (select row_number() over (order by a.o_comment || b.o_comment) as n from sales.orders a \
         cross join sales.orders b) t",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain([deep, long, nested])
    .collect()
}

/// What is more than a client can take in one breath.
const MUCH: &str = "select a.* from sales.orders a cross join sales.orders b";

/// Asks one thing that must fail, and gives the code.
async fn attack(connection: &Connection, sql: &str) -> Option<Code> {
    match rows(connection, sql).await {
        Ok(_) => None,
        Err(ClientError::Status(status)) => Some(status.code()),
        Err(ClientError::QueryTimeout(_)) => Some(Code::DeadlineExceeded),
        Err(other) => panic!("no status: {other}"),
    }
}

async fn hostile(connection: Connection, number: usize, attacks: &[String]) -> Option<Code> {
    match number % 4 {
        // Reads one batch and no more, then goes away.
        0 => {
            if let Ok(mut rows) = connection.query(MUCH).await {
                let _first = rows.next().await;
                tokio::time::sleep(STOPPED).await;
            }
            None
        }
        // Goes away at once, again and again.
        1 => {
            for _ in 0..4 {
                drop(connection.query(MUCH).await);
            }
            None
        }
        _ => attack(&connection, &attacks[(number / 4 * 2 + number % 4 - 2) % attacks.len()]).await,
    }
}

async fn well_behaved(connection: Connection, expected: &str) {
    for _ in 0..ASKED {
        assert_eq!(value(&connection, SMALL).await, expected);
    }
}

/// The gauges that are not zero.
async fn busy(server: &Server) -> Vec<String> {
    let page = server.admin("/metrics").await.unwrap();
    let value = |gauge: &str| page.lines().find_map(|line| line.strip_prefix(gauge)?.strip_prefix(' '));
    let found = GAUGES.map(|gauge| (gauge, value(gauge).unwrap_or("absent")));
    found.iter().filter(|(_, value)| *value != "0").map(|(gauge, value)| format!("{gauge} {value}")).collect()
}

async fn connections(server: &Server, users: [&str; 2], limit: Duration) -> Vec<Connection> {
    let logins = (0..CLIENTS).map(|number| server.connect_with_limit(users[number % users.len()], limit));
    join_all(logins).await.into_iter().map(|login| login.unwrap()).collect()
}

#[test]
fn hostile_clients_change_no_answer_of_the_others_and_leave_nothing_behind() {
    run(async {
        let sandbox = stack::sandbox(stack::SCALE_FACTOR).await.unwrap();
        let mut server = start_server(&sandbox, &SETTINGS).await;
        let mut expected = Vec::new();
        for user in WELL_BEHAVED {
            expected.push(value(&login(&server, user).await, SMALL).await);
        }
        let attacks = attacks();
        let clients = connections(&server, WELL_BEHAVED, PATIENCE).await.into_iter().enumerate();
        let clients =
            clients.map(|(number, client)| well_behaved(client, &expected[number % expected.len()]));
        let enemies = connections(&server, HOSTILE, IMPATIENCE).await.into_iter().enumerate();
        let enemies = enemies.map(|(number, enemy)| hostile(enemy, number, &attacks));
        let (_, codes) = futures::future::join(join_all(clients), join_all(enemies)).await;

        let codes: BTreeSet<String> = codes.into_iter().flatten().map(|code| format!("{code:?}")).collect();
        let limits = ["ResourceExhausted", "DeadlineExceeded", "InvalidArgument"];
        // The transport's own word for a call without a stream whose time is over.
        let is_allowed = |code: &String| limits.contains(&code.as_str()) || code == "Cancelled";
        assert!(codes.iter().all(is_allowed), "{codes:?}");
        assert!(limits.iter().all(|limit| codes.contains(*limit)), "not every limit was met: {codes:?}");
        assert!(server.is_running());

        let idle = async {
            while !busy(&server).await.is_empty() {
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
        };
        if tokio::time::timeout(PATIENCE, idle).await.is_err() {
            panic!("still there after all have left: {:?}", busy(&server).await);
        }
        for (user, expected) in WELL_BEHAVED.iter().zip(&expected) {
            assert_eq!(value(&login(&server, user).await, SMALL).await, *expected);
        }
        // A query that needs a good part of one query's memory: what the hostile ones held was given back.
        let sorted = "select count(*) from (select distinct l_orderkey, l_linenumber, l_comment from sales.lineitem) t";
        let all = "select count(*) from sales.lineitem";
        let analyst = login(&server, "analyst").await;
        assert_eq!(value(&analyst, sorted).await, value(&analyst, all).await);
    });
}
