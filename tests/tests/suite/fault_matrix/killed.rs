//! A server that is killed under load, and the one that comes after it.

use std::collections::BTreeSet;

use futures::StreamExt;
use lakegate_tests::stack;
use serde_json::Value;

use super::spill::{LITTLE_MEMORY, SPILLING, spilled};
use crate::raw::{Raw, ticket_of};
use crate::support::{run, start_server, until};

/// More than any test reads.
const ENDLESS: &str = "select a.*, b.l_comment c from sales.lineitem a, sales.lineitem b";

const CLIENTS: usize = 6;

#[test]
fn a_server_killed_under_load_leaves_nothing_that_keeps_the_next_one_from_serving() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (audit, spill) = (folder.path().join("audit.jsonl"), folder.path().join("spill"));
        let settings = [
            ("LAKEGATE__AUDIT__PATH", audit.to_str().unwrap()),
            ("LAKEGATE__ENGINE__SPILL_DIRECTORY", spill.to_str().unwrap()),
            LITTLE_MEMORY,
        ];
        let mut killed = start_server(&sandbox, &settings).await;
        let mut results = Vec::new();
        for number in 0..CLIENTS {
            let mut client = Raw::login(&killed, "analyst").await;
            let sql = if number == 0 { SPILLING } else { ENDLESS };
            let ticket = ticket_of(&client.info(sql).await.unwrap());
            let mut messages = client.messages(ticket).await.unwrap();
            // The sorted one has no rows yet; of the others the first message is taken, and the server waits for their readers.
            if number > 0 {
                assert!(messages.next().await.unwrap().is_ok());
            }
            results.push(messages);
        }
        until("a statement has spilled", async || spilled(&spill) > 0).await;
        killed.signal("KILL").unwrap();
        assert!(!killed.ended().await.unwrap().success());
        for mut messages in results {
            let last = async {
                while messages.next().await.ok_or("complete")?.is_ok() {}
                Ok::<_, &str>(())
            };
            assert_eq!(last.await, Ok(()), "a result looks complete although its server was killed");
        }
        assert!(spilled(&spill) > 0, "the killed server cleaned up");

        let server = start_server(&sandbox, &settings).await;
        let mut client = Raw::login(&server, "analyst").await;
        assert_eq!(client.value("select count(*) from sales.region").await, "5");
        assert_eq!(spilled(&spill), 0, "what the killed server spilled is still there");
        assert_every_end_has_its_start(&std::fs::read_to_string(&audit).unwrap());
    });
}

fn assert_every_end_has_its_start(trail: &str) {
    let mut started = BTreeSet::new();
    let (mut starts, mut ends) = (0, 0);
    for line in trail.lines() {
        let record: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let id = record["query_id"].as_str().unwrap_or_default().to_owned();
        match record["event"].as_str() {
            Some("query.started") => {
                starts += 1;
                started.insert(id);
            }
            Some("query.finished") => {
                ends += 1;
                assert!(started.remove(&id), "{line} has no start");
            }
            _ => {}
        }
    }
    assert!(starts > CLIENTS, "{starts} statements are recorded");
    assert!(ends > 0 && started.len() >= CLIENTS, "{ends} ends, {} starts without one", started.len());
}
