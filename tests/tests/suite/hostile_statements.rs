//! Short texts that make much work of reading or planning, sent by users without any grant: each ends with a clear error, the
//! server lives, and meanwhile health and other users' queries are answered.

use std::time::Duration;

use futures::future::join_all;
use lakegate_client::{ClientError, Connection};
use lakegate_tests::stack;
use lakegate_tests::stack::Server;
use tokio::time::timeout;
use tonic::Code;

use crate::support::{flight_client, login, rows, run, start_server, value};

const SMALL: &str = "select count(*) from hr.employees where id between 10 and 900";

/// What must come soon comes within this time, also on a machine that does something else as well. A hostile text of this
/// file would take longer than anybody waits.
const PATIENCE: Duration = Duration::from_secs(60);

/// Texts whose reading was without a bound, in steps or in its recursion.
fn texts() -> Vec<String> {
    let nested = |before: &str, levels: usize, inner: &str, behind: &str| {
        format!("{}{inner}{}", before.repeat(levels), behind.repeat(levels))
    };
    vec![
        // Two readings of each parenthesis: twice as many with each level.
        format!("select * from {}t", "((select * from ".repeat(28)),
        format!("select * from {}t", "((from ".repeat(31)),
        format!("select * from {}t", "((select from ".repeat(31)),
        format!("select {}", nested("cast(", 60, "1 1", " as int)")),
        format!("select {}a", "substring(".repeat(60)),
        format!("select {}a", "f(a := trim(both ".repeat(30)),
        format!("select 1 where {}", nested("position((", 31, "a", ")) = 1")),
        // One within the other, which the parser follows without a limit.
        format!("select cast(null as {})", nested("array<", 330, "int", ">")),
        format!("select cast(null as {})", nested("array<", 2_900, "int", ">")),
        format!("select cast(null as {})", nested("struct<a ", 2_900, "int", ">")),
        format!("select {} '1' day", "interval ".repeat(220)),
        format!("select {} '1' day", "interval ".repeat(100_000)),
        format!("{} select 1", "explain ".repeat(250)),
        format!("{} select 1", "explain ".repeat(100_000)),
        // As deep as the parser's own limit lets it go.
        format!("select * from {}t", "t join (".repeat(57)),
        format!("select {}1", "nullable(".repeat(64)),
        format!("select {}a", "not ".repeat(500)),
        // Long words that are looked at again with each reading.
        format!("select {}'{}' 1", "cast(".repeat(40), "x".repeat(900_000)),
        format!("select * from {}\"{}\"", "((select * from ".repeat(28), "x".repeat(900_000)),
        format!("select {}1 1", format!("cast({}", "/**/ ".repeat(2_000)).repeat(40)),
    ]
}

/// The code and text of a refusal; a panic for a call that nobody answered.
async fn refused(connection: &Connection, sql: &str) -> (Code, String) {
    let beginning = sql.chars().take(60).collect::<String>();
    match timeout(PATIENCE, rows(connection, sql)).await {
        Ok(Err(ClientError::Status(status))) => (status.code(), status.message().to_owned()),
        Ok(Ok(_)) => panic!("answered: {beginning}"),
        Ok(Err(other)) => panic!("no status: {other}: {beginning}"),
        Err(_) => panic!("never answered: {beginning}"),
    }
}

/// What others do while something goes on: ask for health, log in, and read.
async fn others_are_served(server: &Server, expected: &str) {
    for _ in 0..5 {
        let served = async {
            server.admin("/healthz").await.unwrap();
            let partner = login(server, "hr_partner").await;
            assert_eq!(value(&partner, SMALL).await, expected);
        };
        timeout(PATIENCE, served).await.unwrap();
    }
}

#[test]
fn texts_that_are_hard_to_read_are_refused_and_nobody_waits_for_them() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let mut server = start_server(&sandbox, &[]).await;
        let expected = value(&login(&server, "hr_partner").await, SMALL).await;
        let stranger = login(&server, "stranger").await;
        let texts = texts();
        for at_once in texts.chunks(4) {
            let attacks = join_all(at_once.iter().map(|sql| refused(&stranger, sql)));
            let (refusals, ()) = tokio::join!(attacks, others_are_served(&server, &expected));
            for ((code, text), sql) in refusals.into_iter().zip(at_once) {
                let beginning = sql.chars().take(60).collect::<String>();
                assert!([Code::InvalidArgument, Code::NotFound].contains(&code), "{text}: {beginning}");
            }
        }
        assert!(server.is_running());
    });
}

#[test]
fn they_are_refused_by_every_way_in() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let mut server = start_server(&sandbox, &[]).await;
        let mut client = flight_client(&server, "stranger").await;
        for sql in texts().into_iter().filter(|sql| sql.len() < 4_000) {
            let beginning = sql.chars().take(60).collect::<String>();
            let described = timeout(PATIENCE, client.execute(sql.clone(), None)).await.unwrap();
            assert!(described.is_err(), "{beginning}");
            let prepared = timeout(PATIENCE, client.prepare(sql.clone(), None)).await.unwrap();
            assert!(prepared.is_err(), "{beginning}");
            // As an update, and as what changes the session.
            let changed = format!("set schema = {}", sql.trim_start_matches("select"));
            for text in [sql, changed] {
                assert!(timeout(PATIENCE, client.execute_update(text, None)).await.unwrap().is_err());
            }
        }
        assert!(server.is_running());
        assert_eq!(value(&login(&server, "analyst").await, "select 1").await, "1");
    });
}
