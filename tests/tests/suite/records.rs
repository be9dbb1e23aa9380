//! What is written down: every way in leaves its record, under one query id, and none is lost when the file is exchanged.

use std::path::Path;
use std::time::Duration;

use arrow_flight::sql::{CommandGetCatalogs, CommandGetDbSchemas, CommandGetTables, CommandStatementUpdate};
use arrow_flight::{CancelFlightInfoRequest, FlightInfo};
use lakegate_tests::stack::{self, Server};
use prost::Message;
use serde_json::Value;
use tonic::Code;

use crate::raw::{Raw, ticket_of};
use crate::support::{answer, login, rows, run, server, start_server, until, until_idle};

/// What the password field was meant for.
const CANARY: &str = "canary-4711";

const OFF: (&str, &str) = ("LAKEGATE__AUDIT__LOG_STATEMENTS", "false");

fn records_of(text: &str) -> Vec<Value> {
    // The last line may not be whole yet.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
}

/// The records of an event, once there are as many as that.
async fn recorded(server: &Server, event: &str, count: usize) -> Vec<Value> {
    let mut found = Vec::new();
    until(event, async || {
        found = records_of(&server.audit());
        found.retain(|record| record["event"] == event);
        found.len() >= count
    })
    .await;
    found
}

#[test]
fn logins_and_refused_ones_are_recorded_and_a_name_only_if_it_is_a_users() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[]).await;
        let mut analyst = Raw::login(&server, "analyst").await;
        for name in ["analyst", CANARY] {
            assert!(Raw::login_as(&server, name, "wrong").await.is_err());
        }
        analyst.token = "Bearer nonsense".to_owned();
        assert_eq!(analyst.info("select 1").await.unwrap_err().code(), Code::Unauthenticated);

        let succeeded = recorded(&server, "login.succeeded", 1).await;
        assert_eq!((&succeeded[0]["user"], &succeeded[0]["how"]), (&"analyst".into(), &"password".into()));
        assert!(succeeded[0]["peer"].as_str().unwrap().starts_with("127.0.0.1:"));
        let refused = recorded(&server, "login.refused", 2).await;
        assert_eq!((&refused[0]["user"], &refused[1]["user"]), (&"analyst".into(), &Value::Null));
        recorded(&server, "token.refused", 1).await;
        let written = server.audit() + &server.log();
        assert!(!written.contains(CANARY), "what is no user's name may be a password");
        until("the log names the peer", async || {
            server.log().lines().any(|line| line.contains("call failed") && line.contains("peer=127.0.0.1:"))
        })
        .await;
        for (outcome, count) in [("succeeded", 1), ("wrong", 2), ("busy", 0)] {
            let name = format!("lakegate_logins_total{{outcome=\"{outcome}\"}}");
            assert_eq!(server.metric(&name).await.unwrap(), count, "{outcome}");
        }
    });
}

#[test]
fn names_that_a_user_learns_are_recorded_whatever_way_they_come() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[]).await;
        let mut analyst = Raw::login(&server, "analyst").await;
        let info = analyst.info_of(&CommandGetCatalogs {}).await.unwrap();
        analyst.redeem(ticket_of(&info)).await.unwrap();
        let schemas = CommandGetDbSchemas::default();
        let info = analyst.info_of(&schemas).await.unwrap();
        analyst.redeem(ticket_of(&info)).await.unwrap();
        let tables = CommandGetTables {
            db_schema_filter_pattern: Some("hr".to_owned()),
            ..CommandGetTables::default()
        };
        let info = analyst.info_of(&tables).await.unwrap();
        analyst.redeem(ticket_of(&info)).await.unwrap();

        let finished = recorded(&server, "query.finished", 3).await;
        let names: Vec<&Value> = finished.iter().map(|record| &record["names"]).collect();
        assert_eq!(names[0][0], "awsdatacatalog");
        assert!(names[1].as_array().unwrap().contains(&"hr".into()), "{names:?}");
        assert!(names[2].as_array().unwrap().contains(&"hr.employees".into()), "{names:?}");
        let started = recorded(&server, "query.started", 3).await;
        assert_eq!(started[2]["command"], "GetTables");
        assert!(started[2]["statement"].as_str().unwrap().contains("\"hr\""));

        for sql in [
            "show schemas",
            "show tables from hr",
            "describe hr.employees",
            "select table_name from information_schema.tables where table_schema = 'hr'",
        ] {
            analyst.rows(sql).await.unwrap_or_else(|status| panic!("{sql}: {status}"));
            let last = recorded(&server, "query.finished", 4).await.pop().unwrap();
            let shown = last["names_total"].as_u64().unwrap_or_default() > 0
                || last["tables"][0]["name"] == "hr.employees";
            assert!(shown, "{sql}: {last}");
        }
    });
}

#[test]
fn columns_are_those_that_a_statement_reads() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[]).await;
        let partner = login(&server, "hr_partner").await;
        for (sql, columns) in [
            ("select count(*) from hr.employees", serde_json::json!([])),
            ("select max(id) from hr.employees where name > 'B'", serde_json::json!(["id", "name"])),
        ] {
            let count = records_of(&server.audit()).len();
            rows(&partner, sql).await.unwrap();
            let mut last = Value::Null;
            until("it is recorded", async || {
                last = records_of(&server.audit()).pop().unwrap();
                records_of(&server.audit()).len() > count && last["event"] == "query.finished"
            })
            .await;
            assert_eq!(last["tables"][0]["columns"], columns, "{sql}");
            assert_eq!(last["tables"][0]["row_filter"], true);
        }
    });
}

#[test]
fn one_query_id_names_a_statement_in_every_call_and_record() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[]).await;
        let mut analyst = Raw::login(&server, "analyst").await;
        let info = analyst.info("select n_name from sales.nation").await.unwrap();
        let told = String::from_utf8(info.app_metadata.to_vec()).unwrap();
        for _ in 0..2 {
            analyst.redeem(ticket_of(&info)).await.unwrap();
        }
        let finished = recorded(&server, "query.finished", 2).await;
        let planned = recorded(&server, "query.planned", 1).await;
        let ids = finished.iter().chain(&planned).map(|record| &record["query_id"]);
        assert!(ids.into_iter().all(|id| *id == *told), "{told}: {finished:?} {planned:?}");
        assert_ne!(finished[0]["execution_id"], finished[1]["execution_id"]);
        assert_eq!(planned[0]["tables"][0]["name"], "sales.nation");
        assert!(finished[0]["total_ms"].as_u64() >= finished[0]["planning_ms"].as_u64());

        let failing = analyst.info("select 1 / (n_nationkey - n_nationkey) from sales.nation").await.unwrap();
        let status = analyst.redeem(ticket_of(&failing)).await.unwrap_err();
        let told = String::from_utf8(failing.app_metadata.to_vec()).unwrap();
        assert_eq!(status.metadata().get("x-lakegate-query-id").unwrap().to_str().unwrap(), told);
        let line = format!("query_id={told} user=\"analyst\"");
        until("the log names query and user", async || server.log().contains(&line)).await;
    });
}

#[test]
fn a_cancellation_and_a_change_of_the_session_are_recorded() {
    run(async {
        let sandbox = stack::sandbox(stack::SCALE_FACTOR).await.unwrap();
        let server = start_server(&sandbox, &[]).await;
        let mut analyst = Raw::login(&server, "analyst").await;
        let change = CommandStatementUpdate { query: "use sales".to_owned(), transaction_id: None };
        analyst.put(&change).await.unwrap();
        let changed = recorded(&server, "session.changed", 1).await;
        assert_eq!(changed[0]["options"][0]["name"], "schema");

        let info = analyst.info("select a.l_orderkey from lineitem a, lineitem b").await.unwrap();
        let mut running = analyst.messages(ticket_of(&info)).await.unwrap();
        assert!(running.message().await.unwrap().is_some());
        let told = String::from_utf8(info.app_metadata.to_vec()).unwrap();
        let by_id = FlightInfo { app_metadata: info.app_metadata, ..FlightInfo::default() };
        let body = CancelFlightInfoRequest { info: Some(by_id) }.encode_to_vec();
        analyst.action("CancelFlightInfo", body).await.unwrap();
        let cancelled = recorded(&server, "query.cancelled", 1).await;
        assert_eq!((&cancelled[0]["user"], &cancelled[0]["cancelled"][0]), (&"analyst".into(), &told.into()));
    });
}

#[test]
fn what_fails_while_it_is_planned_is_counted_and_did_not_wait_in_the_queue() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[]).await;
        let analyst = login(&server, "analyst").await;
        for sql in ["select * from hr.nothing", "select nothing", "no sql"] {
            assert!(rows(&analyst, sql).await.is_err());
        }
        for (outcome, count) in [("not_found", 1), ("invalid_request", 2), ("ok", 0)] {
            let name = format!("lakegate_statements_total{{outcome=\"{outcome}\"}}");
            assert_eq!(server.metric(&name).await.unwrap(), count, "{outcome}");
        }
        assert_eq!(server.metric("lakegate_statement_seconds_count").await.unwrap(), 3);
        for record in recorded(&server, "query.finished", 3).await {
            assert_eq!((&record["queue_ms"], &record["plan_ms"]), (&0.into(), &0.into()), "{record}");
        }
        let denied =
            "lakegate_aws_calls_total{service=\"glue\",operation=\"GetUnfilteredTableMetadata\",outcome=";
        let refused = ["denied", "not_found"].map(|outcome| format!("{denied}\"{outcome}\"}}"));
        let mut count = 0;
        for name in &refused {
            count += server.metric(name).await.unwrap();
        }
        assert_eq!(count, 1);
        let answer = "aws_operation=\"glue:GetUnfilteredTableMetadata\"";
        until("the log has AWS's answer", async || server.log().contains(answer)).await;
        assert!(!server.log().contains("ServiceError"), "{}", server.log());
    });
}

#[test]
fn no_literal_reaches_log_or_trail_unless_statements_may_be_recorded() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[OFF, ("LAKEGATE__LOG__LEVEL", "trace")]).await;
        let analyst = login(&server, "analyst").await;
        for sql in [
            "select n_name from sales.nation where n_name = 'canary-4711'",
            "select cast('canary-4711' as int)",
            "select cast('canary-4711' as date) from sales.nation",
            "select 'canary-4711' +",
            "select 'canary-4711' from from",
            "select nothing from sales.nation where n_name = 'canary-4711'",
            "select no_such_function('canary-4711')",
            "select sum('canary-4711')",
            "select n_name + interval 'canary-4711' from sales.nation",
            "select * from sales.nation order by 'canary-4711' collate x",
            "select \"canary-4711\" from sales.nation",
            "delete from sales.nation where n_name = 'canary-4711'",
            "set schema = 'canary-4711' 'canary-4711'",
            "explain select * from sales.nation where n_name like '%canary-4711'",
            "select n_name from sales.nation where n_name in (select 'canary-4711' from sales.lineitem group by grouping sets (1))",
            "select regexp_replace(n_name, '(canary-4711', '') from sales.nation",
            "select to_timestamp('canary-4711')",
            "select array_element(['canary-4711'], 'canary-4711')",
            "select table_name from information_schema.tables where table_schema = 'canary-4711'",
        ] {
            let _ = answer(&analyst, sql).await;
        }
        let _ = analyst.table_schema(CANARY, CANARY).await;
        until_idle(&server).await;
        let log = server.log();
        assert!(log.contains("call failed"), "{log}");
        let found: Vec<&str> = log.lines().filter(|line| line.contains(CANARY)).collect();
        assert!(found.is_empty(), "{found:#?}");
        let audit = server.audit();
        assert!(audit.lines().all(|line| !line.contains(CANARY)), "{audit}");
    });
}

#[test]
fn a_file_that_is_renamed_or_deleted_takes_no_record_with_it() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[]).await;
        let analyst = login(&server, "analyst").await;
        let path = server.audit_path();
        let moved = path.with_extension("1");
        let lines = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
        rows(&analyst, "select 1").await.unwrap();
        std::fs::rename(&path, &moved).unwrap();
        server.signal("HUP").unwrap();
        until("a new file is there", async || path.exists()).await;
        rows(&analyst, "select 2").await.unwrap();
        until("it is written", async || lines(&path).contains("query.finished")).await;
        assert!(lines(&moved).contains("select 1") && lines(&path).contains("select 2"));

        std::fs::remove_file(&path).unwrap();
        rows(&analyst, "select 3").await.unwrap();
        until("it is written", async || lines(&path).contains("query.finished")).await;
        assert!(lines(&path).contains("select 3"));
    });
}

#[test]
fn a_process_that_is_killed_leaves_no_end_without_its_beginning() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let mut server = start_server(&sandbox, &[]).await;
        let analyst = std::sync::Arc::new(login(&server, "analyst").await);
        let load: Vec<_> = (0..8)
            .map(|_| {
                let analyst = std::sync::Arc::clone(&analyst);
                tokio::spawn(async move { while rows(&analyst, "select 1").await.is_ok() {} })
            })
            .collect();
        until("statements run", async || server.audit().lines().count() > 200).await;
        server.signal("KILL").unwrap();
        server.ended().await.unwrap();
        for task in load {
            tokio::time::timeout(Duration::from_secs(60), task).await.unwrap().unwrap();
        }
        let records: Vec<Value> =
            server.audit().lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let ids = |event: &str| -> Vec<String> {
            let of_event = records.iter().filter(|record| record["event"] == event);
            of_event.map(|record| record["execution_id"].to_string()).collect()
        };
        let started = ids("query.started");
        assert!(ids("query.finished").iter().all(|id| started.contains(id)));
    });
}

#[test]
fn metrics_begin_with_zeros_and_tell_of_build_process_and_memory() {
    run(async {
        let server = server().await;
        let page = server.admin("/metrics").await.unwrap();
        for line in [
            "lakegate_rpcs_total{method=\"DoExchange\",outcome=\"internal\"} 0",
            "lakegate_statements_total{outcome=\"internal\"} 0",
            "lakegate_aws_calls_total{service=\"sts\",operation=\"AssumeRole\",outcome=\"throttled\"} 0",
            "lakegate_audit_failures_total 0",
            "lakegate_log_lines_dropped_total 0",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} not in {page}");
        }
        for name in [
            "lakegate_build_info{version=",
            "process_cpu_seconds_total ",
            "process_resident_memory_bytes ",
            "process_open_fds ",
            "lakegate_memory_limit_bytes ",
            "lakegate_memory_used_bytes ",
            "lakegate_spill_limit_bytes ",
            "lakegate_spill_used_bytes ",
            "lakegate_scanned_bytes_total ",
        ] {
            assert!(page.lines().any(|found| found.starts_with(name)), "{name} not in {page}");
        }
        assert!(!page.contains("lakegate_sessions"), "nobody keeps it");
    });
}
