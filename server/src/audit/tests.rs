//! Each statement leaves exactly one Started and one Finished line, whatever becomes of it, and nothing else waits for them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{self, Write};
use std::sync::{Condvar, Mutex};
use std::time::Instant;

use serde_json::Value;

use super::*;

mod files;

/// What a [`Memory`] does with what it is given.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Disk {
    #[default]
    Works,
    /// Takes half of a line, and then nothing.
    IsFull,
    Hangs,
}

/// A writer that can be read afterwards, and whose disk can be broken.
#[derive(Clone, Default)]
struct Memory {
    bytes: Arc<Mutex<Vec<u8>>>,
    disk: Arc<(Mutex<Disk>, Condvar)>,
}

impl Write for Memory {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let (disk, changed) = &*self.disk;
        let disk = changed.wait_while(disk.lock().unwrap(), |disk| *disk == Disk::Hangs).unwrap();
        let mut bytes = self.bytes.lock().unwrap();
        let is_begun = bytes.last().is_some_and(|last| *last != b'\n');
        let kept = match *disk {
            Disk::IsFull if is_begun => return Err(io::Error::from(io::ErrorKind::StorageFull)),
            Disk::IsFull => line.len() / 2,
            _ => line.len(),
        };
        bytes.extend_from_slice(&line[..kept]);
        Ok(kept)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Memory {
    fn is(&self, disk: Disk) {
        *self.disk.0.lock().unwrap() = disk;
        self.disk.1.notify_all();
    }

    fn text(&self) -> String {
        String::from_utf8(self.bytes.lock().unwrap().clone()).unwrap()
    }
}

struct Trial {
    trail: AuditTrail,
    memory: Memory,
    metrics: Arc<Metrics>,
}

impl Trial {
    fn new(log_statements: bool) -> Self {
        let (memory, metrics) = (Memory::default(), Arc::<Metrics>::default());
        let writer = memory.clone();
        let writer = Writer::start(move || Ok(Sink::new(Box::new(writer))), Arc::clone(&metrics)).unwrap();
        Self { trail: AuditTrail::with(writer, log_statements), memory, metrics }
    }

    fn start(&self, statement: &str) -> QueryAudit {
        start(&self.trail, statement).unwrap()
    }

    fn text(&self) -> String {
        self.trail.flush();
        self.memory.text()
    }

    fn records(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn failures(&self) -> u64 {
        let page = self.metrics.render();
        let value = page.lines().find_map(|line| line.strip_prefix("lakegate_audit_failures_total "));
        value.unwrap().parse().unwrap()
    }
}

fn context() -> RequestContext {
    RequestContext::begin(None, "test client", None)
}

fn start(trail: &AuditTrail, statement: &str) -> Result<QueryAudit, Error> {
    trail.start(&query(&context(), statement))
}

fn query<'a>(context: &'a RequestContext, statement: &'a str) -> QueryStart<'a> {
    QueryStart {
        context,
        user: "ann",
        role: "arn:aws:iam::123456789012:role/lakegate/ann",
        command: None,
        statement,
        statement_bytes: statement.len(),
    }
}

fn employees() -> TableAudit {
    let columns = ReadColumns::default();
    columns.add(["name", "id", "name"].into_iter());
    TableAudit {
        name: TableName::new("hr", "employees"),
        columns: Arc::new(columns),
        row_filter: true,
        policy: PolicyFingerprint::from_digest([7; 32]),
        as_of_version: None,
        as_of_timestamp: None,
    }
}

fn authorised(tables: Vec<TableAudit>) -> Authorised {
    Authorised { tables, ..Authorised::default() }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[tokio::test]
async fn a_statement_that_ends_well_leaves_a_started_and_a_finished_record() {
    let trial = Trial::new(true);
    let mut audit = trial.start("select 1");
    audit.queued();
    audit.admitted();
    audit.authorised(authorised(vec![employees()]));
    audit.written(soon()).await.unwrap();
    audit.planned();
    audit.sent(10, 400);
    audit.sent(5, 200);
    audit.finish(Ok(()));

    let records = trial.records();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0]["event"], "query.started");
    assert_eq!(records[0]["statement"], "select 1");
    assert_eq!(records[1]["event"], "query.finished");
    assert_eq!(records[1]["query_id"], records[0]["query_id"]);
    assert_eq!(records[1]["execution_id"], records[0]["execution_id"]);
    assert_eq!(records[1]["outcome"], "ok");
    assert_eq!((&records[1]["rows"], &records[1]["bytes"]), (&15.into(), &600.into()));
    let table = serde_json::json!({
        "name": "hr.employees", "columns": ["id", "name"], "row_filter": true, "policy": "0707070707070707"
    });
    assert_eq!(records[1]["tables"], Value::Array(vec![table]));
}

#[test]
fn runs_of_one_ticket_have_one_query_id_and_each_its_own_execution() {
    let trial = Trial::new(true);
    let context = context();
    for _ in 0..2 {
        trial.trail.start(&query(&context, "select 1")).unwrap().finish(Ok(()));
    }
    let records = trial.records();
    assert!(records.iter().all(|record| record["query_id"] == context.query_id.to_string()));
    assert_ne!(records[0]["execution_id"], records[2]["execution_id"]);
}

#[test]
fn the_version_of_a_table_is_recorded_as_it_was_asked_for() {
    let trial = Trial::new(true);
    let mut audit = trial.start("select 1");
    let by_number = TableAudit { as_of_version: Some(3), ..employees() };
    let by_time = TableAudit { as_of_timestamp: DateTime::from_timestamp_micros(1_500_000), ..employees() };
    audit.authorised(authorised(vec![by_number, by_time]));
    audit.finish(Ok(()));
    let tables = &trial.records()[1]["tables"];
    assert_eq!((&tables[0]["as_of_version"], &tables[0]["as_of_timestamp"]), (&3.into(), &Value::Null));
    assert_eq!(tables[1]["as_of_timestamp"], "1970-01-01T00:00:01.500Z");
}

#[test]
fn a_statement_whose_client_vanishes_is_recorded_as_cancelled_with_what_was_sent() {
    let trial = Trial::new(true);
    let mut audit = trial.start("select 1");
    audit.sent(3, 30);
    drop(audit);
    let records = trial.records();
    assert_eq!(records.len(), 2);
    assert_eq!(records[1]["outcome"], "cancelled");
    assert_eq!(records[1]["rows"], 3);
}

#[test]
fn what_the_end_of_the_server_cuts_short_says_so() {
    let trial = Trial::new(true);
    let audit = trial.start("select 1");
    trial.trail.stopping();
    drop(audit);
    trial.start("select 2").finish(Ok(()));
    let records = trial.records();
    assert_eq!((&records[1]["outcome"], &records[3]["outcome"]), (&"shutdown".into(), &"ok".into()));
}

#[test]
fn a_statement_that_fails_is_recorded_with_the_kind_of_its_error_only() {
    let trial = Trial::new(true);
    trial.start("select 1").finish(Err(ErrorKind::PermissionDenied));
    assert_eq!(trial.records()[1]["outcome"], "permission_denied");
}

#[test]
fn times_of_planning_are_part_of_the_whole_and_no_time_in_the_queue() {
    let trial = Trial::new(true);
    let mut audit = trial.start("select 1");
    audit.planned_before(Duration::from_secs(70), Duration::from_secs(60));
    audit.queued();
    audit.admitted();
    audit.finish(Ok(()));
    let context = RequestContext { started: Instant::now() - Duration::from_secs(5), ..context() };
    let mut refused = trial.trail.start(&query(&context, "select 2")).unwrap();
    refused.only_planned();
    refused.finish(Err(ErrorKind::NotFound));
    let records = trial.records();
    let number = |record: usize, name: &str| records[record][name].as_u64().unwrap();
    assert_eq!((number(1, "planning_ms"), number(1, "aws_ms")), (70_000, 60_000));
    assert!(number(1, "total_ms") >= 70_000 && number(1, "queue_ms") < 5_000);
    assert!(number(3, "planning_ms") >= 5_000 && number(3, "total_ms") == number(3, "planning_ms"));
    assert_eq!((number(3, "queue_ms"), number(3, "execute_ms")), (0, 0));
}

#[tokio::test]
async fn a_statement_does_not_run_when_its_record_cannot_be_written() {
    let trial = Trial::new(true);
    trial.memory.is(Disk::IsFull);
    let mut audit = trial.start("select 1");
    assert_eq!(audit.written(soon()).await.unwrap_err().kind(), ErrorKind::Unavailable);
    audit.finish(Err(ErrorKind::Unavailable));
    assert!(trial.trail.is_failing() && trial.failures() > 0);

    trial.memory.is(Disk::Works);
    until("the disk works again", || !trial.trail.is_failing());
    let mut audit = trial.start("select 2");
    audit.written(soon()).await.unwrap();
    audit.finish(Ok(()));
    let text = trial.text();
    let whole: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let events: Vec<&str> = whole.iter().map(|record| record["event"].as_str().unwrap()).collect();
    let expected = ["audit.interrupted", "query.started", "query.finished"];
    assert_eq!(events, expected, "the torn record must not take the next one with it: {text}");
    assert_eq!(whole[1]["statement"], "select 2", "what did not run has no record");
}

#[tokio::test]
async fn an_end_that_cannot_be_written_is_kept_until_it_can() {
    let trial = Trial::new(true);
    let mut audit = trial.start("select 1");
    audit.written(soon()).await.unwrap();
    trial.memory.is(Disk::IsFull);
    audit.finish(Ok(()));
    until("the failure is noticed", || trial.trail.is_failing());
    assert_eq!(trial.failures(), 1);
    assert!(trial.trail.logged_in(&context(), "ann", "role", LoginWay::Password).is_err());

    trial.memory.is(Disk::Works);
    until("the trail goes on", || !trial.trail.is_failing());
    let text = trial.text();
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(last["event"], "query.finished", "{text}");
}

#[tokio::test]
async fn a_disk_that_hangs_refuses_the_statement_and_holds_nobody() {
    let trial = Trial::new(true);
    trial.memory.is(Disk::Hangs);
    let mut audit = trial.start("select 1");
    let refused = audit.written(Instant::now() + Duration::from_millis(50)).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unavailable);
    drop(audit);
    until("the trail counts as failing", || trial.trail.is_failing());
    assert_eq!(start(&trial.trail, "select 2").err().unwrap().kind(), ErrorKind::Unavailable);

    trial.memory.is(Disk::Works);
    until("the disk goes on", || !trial.trail.is_failing());
    let events: Vec<Value> = trial.records().iter().map(|record| record["event"].clone()).collect();
    assert_eq!(events, ["query.started", "query.finished"], "what began late has its end too");
}

#[test]
fn no_statement_can_forge_a_record_or_command_a_terminal() {
    let trial = Trial::new(true);
    let statement =
        "select '\n{\"event\":\"query.started\"}\r\u{85}\u{2028}\u{2029}\u{1b}[2J\u{9b}31m\u{202e}\u{7f}ü'";
    trial.start(statement).finish(Ok(()));
    let text = trial.text();
    assert_eq!(text.matches('\n').count(), 2);
    let is_plain = |letter: char| letter == '\n' || letter == 'ü' || (' '..='~').contains(&letter);
    assert!(text.chars().all(is_plain), "{text:?}");
    assert_eq!(trial.records()[0]["statement"], statement);
}

#[test]
fn a_long_statement_is_cut_between_characters_and_its_length_kept() {
    let trial = Trial::new(true);
    let statement = format!("x{}", "ü".repeat(STATEMENT_LIMIT));
    trial.start(&statement).finish(Ok(()));
    let record = &trial.records()[0];
    assert_eq!(record["statement"].as_str().unwrap().len(), STATEMENT_LIMIT - 1);
    assert_eq!(record["statement_bytes"], statement.len());
}

#[test]
fn statements_and_values_of_options_are_left_out_when_the_settings_say_so() {
    for is_logged in [true, false] {
        let trial = Trial::new(is_logged);
        trial.start("select 'canary'").finish(Ok(()));
        let change = OptionChange { name: "schema", value: Some("canary") };
        trial.trail.session_changed(&context(), "ann", "role", [change].into_iter()).unwrap();
        trial.trail.planned(&query(&context(), "select 'canary'"), &Authorised::default()).unwrap();
        assert_eq!(trial.text().matches("canary").count(), if is_logged { 3 } else { 0 });
        assert!(trial.text().contains("\"schema\""));
    }
}

#[test]
fn logins_and_cancellations_are_recorded() {
    let trial = Trial::new(true);
    let (context, query) = (context(), QueryId::new());
    trial.trail.logged_in(&context, "ann", "role", LoginWay::Password).unwrap();
    trial.trail.login_refused(&context, None, LoginWay::Password, ErrorKind::Unauthenticated);
    trial.trail.token_refused(&context, "the token has expired");
    trial.trail.cancelled(&context, "ann", "role", &[query]);
    let records = trial.records();
    let events: Vec<&str> = records.iter().map(|record| record["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["login.succeeded", "login.refused", "token.refused", "query.cancelled"]);
    assert_eq!((&records[0]["user"], &records[0]["how"]), (&"ann".into(), &"password".into()));
    assert_eq!((&records[1]["user"], &records[1]["reason"]), (&Value::Null, &"unauthenticated".into()));
    assert_eq!(records[3]["cancelled"], Value::Array(vec![query.to_string().into()]));
}
