//! Each statement leaves exactly one Started and one Finished line, whatever becomes of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::*;

/// A writer that can be read afterwards, and that fails while `fails` is set, after half of what it was given.
#[derive(Clone, Default)]
struct Memory {
    bytes: Arc<Mutex<Vec<u8>>>,
    fails: Arc<Mutex<bool>>,
}

impl Write for Memory {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let fails = *self.fails.lock().unwrap();
        let kept = if fails { line.len() / 2 } else { line.len() };
        self.bytes.lock().unwrap().extend_from_slice(&line[..kept]);
        if fails { Err(io::Error::from(io::ErrorKind::StorageFull)) } else { Ok(kept) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Memory {
    fn text(&self) -> String {
        String::from_utf8(self.bytes.lock().unwrap().clone()).unwrap()
    }

    fn records(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn trail(log_statements: bool) -> (AuditTrail, Memory) {
    let memory = Memory::default();
    let sink = Arc::new(Sink::new(Box::new(memory.clone())));
    (AuditTrail { sink, log_statements }, memory)
}

fn start(trail: &AuditTrail, statement: &str) -> Result<QueryAudit, Error> {
    let context = RequestContext::begin(None, "test client", None);
    trail.start(&QueryStart {
        context: &context,
        user: "ann",
        role: "arn:aws:iam::123456789012:role/lakegate/ann",
        statement,
        statement_bytes: statement.len(),
    })
}

fn employees() -> TableAudit {
    TableAudit {
        name: TableName::new("hr", "employees"),
        columns: vec!["id".to_owned(), "name".to_owned()],
        row_filter: true,
        policy: PolicyFingerprint::from_digest([7; 32]),
        as_of_version: None,
        as_of_timestamp: None,
    }
}

#[test]
fn a_statement_that_ends_well_leaves_a_started_and_a_finished_record() {
    let (trail, memory) = trail(true);
    let mut audit = start(&trail, "select 1").unwrap();
    audit.admitted();
    audit.authorised(vec![employees()]);
    audit.planned();
    audit.sent(10, 400);
    audit.sent(5, 200);
    audit.finish(Ok(()));

    let records = memory.records();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0]["event"], "query.started");
    assert_eq!(records[0]["statement"], "select 1");
    assert_eq!(records[1]["event"], "query.finished");
    assert_eq!(records[1]["query_id"], records[0]["query_id"]);
    assert_eq!(records[1]["outcome"], "ok");
    assert_eq!((&records[1]["rows"], &records[1]["bytes"]), (&15.into(), &600.into()));
    let table = serde_json::json!({
        "name": "hr.employees", "columns": ["id", "name"], "row_filter": true, "policy": "0707070707070707"
    });
    assert_eq!(records[1]["tables"], Value::Array(vec![table]));
}

#[test]
fn the_version_of_a_table_is_recorded_as_it_was_asked_for() {
    let (trail, memory) = trail(true);
    let mut audit = start(&trail, "select 1").unwrap();
    let by_number = TableAudit { as_of_version: Some(3), ..employees() };
    let by_time = TableAudit { as_of_timestamp: DateTime::from_timestamp_micros(1_500_000), ..employees() };
    audit.authorised(vec![by_number, by_time]);
    audit.finish(Ok(()));
    let tables = &memory.records()[1]["tables"];
    assert_eq!((&tables[0]["as_of_version"], &tables[0]["as_of_timestamp"]), (&3.into(), &Value::Null));
    assert_eq!(tables[1]["as_of_timestamp"], "1970-01-01T00:00:01.500Z");
}

#[test]
fn a_statement_whose_client_vanishes_is_recorded_as_cancelled_with_what_was_sent() {
    let (trail, memory) = trail(true);
    let mut audit = start(&trail, "select 1").unwrap();
    audit.sent(3, 30);
    drop(audit);
    let records = memory.records();
    assert_eq!(records.len(), 2);
    assert_eq!(records[1]["outcome"], "cancelled");
    assert_eq!(records[1]["rows"], 3);
}

#[test]
fn a_statement_that_fails_is_recorded_with_the_kind_of_its_error_only() {
    let (trail, memory) = trail(true);
    start(&trail, "select 1").unwrap().finish(Err(ErrorKind::PermissionDenied));
    assert_eq!(memory.records()[1]["outcome"], "permission_denied");
}

#[test]
fn a_statement_does_not_run_when_its_record_cannot_be_written() {
    let (trail, memory) = trail(true);
    *memory.fails.lock().unwrap() = true;
    assert_eq!(start(&trail, "select 1").err().unwrap().kind(), ErrorKind::Unavailable);

    *memory.fails.lock().unwrap() = false;
    start(&trail, "select 2").unwrap().finish(Ok(()));
    let text = memory.text();
    let whole: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert_eq!(whole.len(), 2, "the torn record must not take the next one with it: {text}");
}

#[test]
fn no_statement_can_forge_a_record_or_command_a_terminal() {
    let (trail, memory) = trail(true);
    let statement =
        "select '\n{\"event\":\"query.started\"}\r\u{85}\u{2028}\u{2029}\u{1b}[2J\u{9b}31m\u{202e}\u{7f}ü'";
    start(&trail, statement).unwrap().finish(Ok(()));
    let text = memory.text();
    assert_eq!(text.matches('\n').count(), 2);
    let is_plain = |letter: char| letter == '\n' || letter == 'ü' || (' '..='~').contains(&letter);
    assert!(text.chars().all(is_plain), "{text:?}");
    assert_eq!(memory.records()[0]["statement"], statement);
}

#[test]
fn a_long_statement_is_cut_between_characters_and_its_length_kept() {
    let (trail, memory) = trail(true);
    let statement = format!("x{}", "ü".repeat(STATEMENT_LIMIT));
    start(&trail, &statement).unwrap().finish(Ok(()));
    let record = &memory.records()[0];
    assert_eq!(record["statement"].as_str().unwrap().len(), STATEMENT_LIMIT - 1);
    assert_eq!(record["statement_bytes"], statement.len());
}

#[test]
fn statements_are_left_out_when_the_settings_say_so() {
    let (trail, memory) = trail(false);
    start(&trail, "select 'canary'").unwrap().finish(Ok(()));
    assert!(!memory.text().contains("canary"));
}

#[test]
fn the_trail_is_a_private_file_that_grows() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let settings = AuditSettings { path: Some(path.clone()), log_statements: true };
    for _ in 0..2 {
        let trail = AuditTrail::new(&settings).unwrap();
        start(&trail, "select 1").unwrap().finish(Ok(()));
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 4);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_trail_that_cannot_be_opened_stops_the_start() {
    let settings = AuditSettings { path: Some("/nonexistent/audit.jsonl".into()), log_statements: true };
    assert_eq!(AuditTrail::new(&settings).err().unwrap().kind(), ErrorKind::Unavailable);
}
