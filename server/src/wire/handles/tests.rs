//! That tickets and handles carry what they were given, to their owner and for their purpose only.

#![expect(clippy::unwrap_used, reason = "a test that cannot build its input should stop")]

use std::iter;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field};

use super::*;
use crate::identity::Identity;
use crate::ids::RoleArn;
use crate::settings::Settings;
use crate::sql::{Moment, SessionOptions};

const LIFETIME: Duration = Duration::from_secs(60);
const SQL: &str = "SELECT name FROM hr.employees WHERE ssn = 'canary-ssn'";

fn identity() -> Identity {
    Identity::new(&Settings::from_toml("", iter::empty()).unwrap()).unwrap()
}

fn principal(user: &str) -> Principal {
    Principal::for_test(
        user,
        RoleArn::parse(&format!("arn:aws:iam::123456789012:role/lakegate/{user}")).unwrap(),
    )
}

fn seal(identity: &Identity, owner: &Principal, lifetime: Duration, request: &QueryRequest) -> Ticket {
    let schema = schema_of("name");
    let planned_as = PlannedAs { query_id: QueryId::new(), time: PlanningTime::default() };
    seal_ticket(identity.sealer(), owner, lifetime, planned_as, request, &schema).unwrap()
}

fn request() -> QueryRequest {
    let row = RecordBatch::try_from_iter([("0", Arc::new(Int64Array::from(vec![7])) as _)]).unwrap();
    QueryRequest { parameters: Some(row), ..unbound() }
}

fn unbound() -> QueryRequest {
    QueryRequest {
        source: Source::Sql(SQL.to_owned()),
        parameters: None,
        options: SessionOptions::default(),
        part: None,
    }
}

fn schema_of(name: &str) -> Schema {
    Schema::new(vec![Field::new(name, DataType::Utf8, true)])
}

fn body_of(ticket: &Ticket) -> Bytes {
    let super::super::commands::Question::Ticket(sealed) =
        super::super::commands::question(&ticket.ticket).unwrap()
    else {
        unreachable!("a ticket is recognised as a ticket")
    };
    sealed
}

#[test]
fn a_ticket_brings_back_what_was_asked_and_does_not_show_it() {
    let identity = identity();
    let owner = principal("analyst");
    let time = PlanningTime { total: Duration::from_millis(7), aws: Duration::from_millis(5) };
    let planned_as = PlannedAs { query_id: QueryId::new(), time };
    let ticket =
        seal_ticket(identity.sealer(), &owner, LIFETIME, planned_as, &request(), &schema_of("name")).unwrap();
    assert!(!ticket.ticket.windows(6).any(|window| window == b"canary"));

    let opened = open_ticket(identity.sealer(), &owner, &body_of(&ticket)).unwrap();
    assert_eq!(opened.request.source, Source::Sql(SQL.to_owned()));
    assert_eq!(opened.request.parameters, request().parameters);
    assert_eq!(opened.planned_as, Some(planned_as));
    assert!(opened.check_schema(&schema_of("name")).is_ok());
    assert_eq!(opened.check_schema(&schema_of("other")).unwrap_err().kind(), ErrorKind::Expired);
}

#[test]
fn a_ticket_keeps_its_part_of_the_result() {
    let identity = identity();
    let owner = principal("analyst");
    let part = Some(Part { index: 1, of: 3, pin: [7; 32] });
    let ticket = seal(&identity, &owner, LIFETIME, &QueryRequest { part, ..request() });
    let opened = open_ticket(identity.sealer(), &owner, &body_of(&ticket)).unwrap();
    assert_eq!(opened.request.part, part);
}

#[test]
fn another_users_ticket_and_a_damaged_one_have_the_same_answer() {
    let identity = identity();
    let owner = principal("analyst");
    let ticket = seal(&identity, &owner, LIFETIME, &request());
    let sealed = body_of(&ticket);
    let mut damaged = sealed.to_vec();
    *damaged.last_mut().unwrap() ^= 1;

    let foreign = open_ticket(identity.sealer(), &principal("stranger"), &sealed).err().unwrap();
    let corrupt = open_ticket(identity.sealer(), &owner, &damaged).err().unwrap();
    assert_eq!(foreign.kind(), ErrorKind::PermissionDenied);
    assert_eq!(corrupt.kind(), foreign.kind());
    assert_eq!(corrupt.public_text(), foreign.public_text());
}

#[test]
fn an_expired_ticket_says_so() {
    let identity = identity();
    let owner = principal("analyst");
    let ticket = seal(&identity, &owner, Duration::ZERO, &request());
    let error = open_ticket(identity.sealer(), &owner, &body_of(&ticket)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Expired);
}

#[test]
fn a_ticket_is_no_handle_and_a_handle_is_no_ticket() {
    let identity = identity();
    let owner = principal("analyst");
    let ticket = seal(&identity, &owner, LIFETIME, &request());
    let handle = seal_prepared(identity.sealer(), &owner, LIFETIME, &unbound()).unwrap();
    assert!(open_prepared(identity.sealer(), &owner, &body_of(&ticket)).is_err());
    assert!(open_ticket(identity.sealer(), &owner, &handle).is_err());
}

#[test]
fn binding_gives_a_new_handle_and_leaves_the_old_one_valid() {
    let identity = identity();
    let owner = principal("analyst");
    let unbound = seal_prepared(identity.sealer(), &owner, LIFETIME, &unbound()).unwrap();
    let bound = seal_prepared(identity.sealer(), &owner, LIFETIME, &request()).unwrap();
    assert_eq!(open_prepared(identity.sealer(), &owner, &unbound).unwrap().parameters, None);
    assert_eq!(open_prepared(identity.sealer(), &owner, &bound).unwrap().parameters, request().parameters);
}

#[test]
fn tickets_and_handles_keep_the_options_that_were_asked_for() {
    let identity = identity();
    let owner = principal("analyst");
    let options = SessionOptions {
        schema: Some("hr".to_owned()),
        as_of: Some(Moment::Timestamp(-1)),
        ..Default::default()
    };
    let request = QueryRequest { options: options.clone(), ..request() };
    let ticket = seal(&identity, &owner, LIFETIME, &request);
    let handle = seal_prepared(identity.sealer(), &owner, LIFETIME, &request).unwrap();
    let opened = open_ticket(identity.sealer(), &owner, &body_of(&ticket)).unwrap();
    assert_eq!(opened.request.options, options);
    assert_eq!(open_prepared(identity.sealer(), &owner, &handle).unwrap().options, options);
}
