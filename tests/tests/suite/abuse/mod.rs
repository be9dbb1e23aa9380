//! What somebody with a login can send to harm a server that many share, as tables of cases.
//!
//! ```text
//!   case: name, who sends, what is sent, what must be answered
//!     │
//!     ▼
//!   a server under an address-space limit  ◀──── beside it a well-behaved client that asks a small query again and again,
//!     │                                           and a probe of /healthz
//!     ▼
//!   every answer is one that the case allows · the process lives · the others' answers are right · gauges are zero again, and
//!   resident memory is below a bound
//! ```
//! Invariants
//! - A case is data: whoever finds a new input adds a line. Cases that must be answered with a value stand among those that must be
//!   refused, so that a bound which refuses everything is noticed.
//! - What a case is answered with is a value, or an error that blames the statement or a limit. `Internal`, `Unavailable` and
//!   a connection that breaks off are never right.
//! - A case that ends the server or makes it deaf is reported, and the next one gets a new server: one run finds all.
//! - `make test` runs one of three cases, `make abuse` all of them.
//! - No duration is asserted. [`PATIENCE`](run::PATIENCE) is what a call may take on a busy machine before it counts as hung.
//!
//! Bound parameters, connections, logins and hostile files have tests of their own. How long the well-behaved client waits
//! is printed by `make bench`, section `hostile`.

mod bounded;
mod cases;
mod neighbour;
mod run;
mod send;

use lakegate_tests::stack;

use self::bounded::Bounded;
use self::cases::{Answer, Case, Who};
use self::run::assert_harmless;
use crate::support::run as run_async;

/// Runs the cases of a table that is of the sample lake.
fn assert_harmless_on_the_sample_lake(cases: Vec<Case>) {
    run_async(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        assert_harmless(&sandbox.endpoint(), cases).await;
    });
}

#[test]
fn text_that_is_hard_to_parse_harms_nobody() {
    assert_harmless_on_the_sample_lake(cases::parsing::cases());
}

#[test]
fn text_that_is_hard_to_plan_harms_nobody() {
    assert_harmless_on_the_sample_lake(cases::planning::cases());
}

#[test]
fn functions_that_make_much_of_little_harm_nobody() {
    assert_harmless_on_the_sample_lake(cases::functions::cases());
}

#[test]
fn numbers_and_times_at_their_ends_harm_nobody() {
    assert_harmless_on_the_sample_lake(cases::extremes::cases());
}

#[test]
fn operators_that_keep_or_multiply_rows_harm_nobody() {
    assert_harmless_on_the_sample_lake(cases::operators::cases());
}

#[test]
fn storms_of_calls_harm_nobody() {
    assert_harmless_on_the_sample_lake(cases::storms::cases());
}

#[test]
fn describing_many_versions_of_a_large_table_harms_nobody() {
    run_async(async {
        let lake = crate::delta::lake::Lake::start(&[]).await;
        cases::versions::bring(&lake).await;
        assert_harmless(&lake.sandbox.endpoint(), cases::versions::cases()).await;
    });
}

/// Otherwise the limit would be none, and a case that takes all memory would take that of the machine.
#[test]
fn a_server_of_these_tests_has_the_limit_that_they_mean() {
    run_async(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = Bounded::start(&sandbox.endpoint()).await;
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.process_id())).unwrap();
        let line = limits.lines().find(|line| line.starts_with("Max address space")).unwrap();
        assert!(line.contains(&bounded::ADDRESS_SPACE.to_string()), "{line}");
    });
}

/// A bound that refuses everything would pass cases that must be refused.
#[test]
fn everyone_sends_cases_and_some_of_them_must_be_answered() {
    use self::cases::{extremes, functions, operators, parsing, planning, storms, versions};
    let tables = [
        parsing::cases(),
        planning::cases(),
        functions::cases(),
        extremes::cases(),
        operators::cases(),
        storms::cases(),
        versions::cases(),
    ];
    let all: Vec<&Case> = tables.iter().flatten().collect();
    for who in Who::ALL {
        let sent = all.iter().filter(|case| case.who == who).count();
        assert!(sent >= 10, "{who:?} sends only {sent} cases");
    }
    let answered = all.iter().filter(|case| matches!(case.answer, Answer::Value(_))).count();
    assert!(answered >= 20, "only {answered} of {} cases must be answered", all.len());
    let names: std::collections::BTreeSet<&str> = all.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), all.len(), "two cases have one name");
}
