//! Non-interference: what a user may not see changes no byte of what the user gets.
//!
//! ```text
//!                 ┌─▶ first lake ──▶ server ──▶ transcript ─┐
//!   one request ──┤                                         ├─▶ equal, but for what is random by design
//!                 └─▶ second lake ─▶ server ──▶ transcript ─┘
//! ```
//!
//! Two lakes have the same tables under the same names. Whatever the user `support` may see is the same in both; whatever is
//! hidden differs: values, numbers and places of rows, files, row groups, deletion vectors, statistics, versions; values,
//! types, widths, names and presence of columns; a whole table (`tables`). Both are asked the same, and everything that comes
//! back is kept (`caller`) and compared (`difference`) after the few things that are random by design were taken out
//! (`transcript`).
//!
//! A test of this kind proves nothing if the lakes do not differ, if all questions are refused, or if the comparison is blind.
//! So the unrestricted user must be able to tell the lakes apart, most probes must be answered, and the comparison is tested
//! on differences of one byte.
//!
//! What is not compared: how long an answer takes, and how HTTP/2 cuts messages into frames, which follows from the
//! client's windows.

mod caller;
mod commands;
mod difference;
mod faults;
mod framing;
mod grants;
mod pair;
mod probes;
mod random;
mod resources;
mod tables;
mod transcript;

use arrow::array::{ArrayRef, RecordBatch};
use bytes::Bytes;

pub(crate) use self::caller::{Caller, text_command};
use self::difference::{Findings, difference};
pub(crate) use self::faults::{PairedServers, paired_lakes, probes};
use self::grants::{RESTRICTED, UNRESTRICTED};
use self::pair::ONE_THREAD;
pub(crate) use self::pair::Pair;
use self::probes::{CHANNELS, OF_RESTRICTED_HISTORY};
use self::tables::TABLES;
pub(crate) use self::transcript::Transcript;
use crate::delta::writer::{batch, longs, strings};
use crate::support::run;

/// Random statements of a run.
const RANDOM_STATEMENTS: usize = 300;

/// Opens the past to users from whom something is hidden.
const WITH_THE_PAST: (&str, &str) = ("LAKEGATE__ACCESS__TIME_TRAVEL_FOR_RESTRICTED", "true");

#[test]
fn the_lakes_differ_where_something_is_hidden() {
    run(async {
        let pair = Pair::shared().await;
        let unrestricted = pair.log_in(UNRESTRICTED).await;
        let mut problems = Vec::new();
        for table in &TABLES {
            let sql = format!("select * from brought.{}", table.name);
            let answers = unrestricted.ask(async |caller| caller.rows(&sql).await).await;
            if difference(&answers).is_some() != table.hides_something() {
                problems.push(format!("{}: {:?}", table.name, answers[0].refusal()));
            }
        }
        assert!(problems.is_empty(), "{problems:#?}");
    });
}

#[test]
fn no_byte_of_an_answer_depends_on_what_is_hidden() {
    run(async {
        let pair = Pair::shared().await;
        let restricted = pair.log_in(RESTRICTED).await;
        let mut findings = Findings::default();
        let (mut answered, mut asked) = (0, 0);
        for channel in &CHANNELS {
            for (name, sql) in channel.of_rows.iter().chain(channel.of_order) {
                let answers = restricted.ask(async |caller| caller.statement(sql).await).await;
                findings.compare(&format!("{}: {name}: {sql}", channel.name), &answers);
                answered += usize::from(answers[0].refusal().is_none());
                asked += 1;
            }
        }
        findings.assert_none();
        assert!(answered > asked / 2, "{answered} of {asked} probes are answered");
    });
}

#[test]
fn no_random_statement_tells_the_lakes_apart() {
    run(async {
        let pair = Pair::shared().await;
        let restricted = pair.log_in(RESTRICTED).await;
        let mut findings = Findings::default();
        let (seed, statements) = random::statements(RANDOM_STATEMENTS);
        println!("seed={seed}");
        for sql in &statements {
            let answers = restricted.ask(async |caller| caller.rows(sql).await).await;
            findings.compare(&format!("seed {seed}: {sql}"), &answers);
        }
        findings.assert_none();
    });
}

#[test]
fn no_answer_about_the_catalog_or_the_server_depends_on_what_is_hidden() {
    run(async {
        let pair = Pair::shared().await;
        let restricted = pair.log_in(RESTRICTED).await;
        let mut findings = Findings::default();
        for (name, command) in commands::commands() {
            findings.compare(&name, &restricted.ask(async |caller| caller.command(&command).await).await);
        }
        for action in
            ["GetSessionOptions", "SetSessionOptions", "CloseSession", "CancelFlightInfo", "Nothing"]
        {
            let answers = restricted.ask(async |caller| caller.action(action, Bytes::new()).await).await;
            findings.compare(action, &answers);
        }
        findings.compare("discovery", &restricted.ask(async |caller| caller.discovery().await).await);
        findings.assert_none();
    });
}

/// Text, and the parameters that are bound to it.
fn bound_statements() -> [(&'static str, RecordBatch); 6] {
    let one = |value: ArrayRef| batch(&[("0", value)]);
    [
        ("select id, note from brought.ledger where divisor = ?", one(longs(&[7]))),
        ("select count(*) from brought.ledger where divisor = ?", one(longs(&[5]))),
        ("select 100 / (divisor - ?) from brought.ledger", one(longs(&[5]))),
        ("select count(*) from brought.ledger where kind = ?", one(strings(&["zz canary"]))),
        ("select id from brought.staff where salary > ?", one(longs(&[1]))),
        (
            "select count(*), max(id) from brought.long_list where id between $1 and $2",
            batch(&[("0", longs(&[10])), ("1", longs(&[10_000]))]),
        ),
    ]
}

#[test]
fn no_answer_to_a_bound_statement_depends_on_what_is_hidden() {
    run(async {
        let pair = Pair::shared().await;
        let restricted = pair.log_in(RESTRICTED).await;
        let mut findings = Findings::default();
        for (sql, parameters) in bound_statements() {
            let answers = restricted.ask(async |caller| caller.bound(sql, &parameters).await).await;
            findings.compare(sql, &answers);
        }
        findings.assert_none();
    });
}

#[test]
fn no_byte_of_the_past_depends_on_what_is_hidden() {
    run(async {
        let pair = Pair::shared().await;
        let servers = pair.servers(&[ONE_THREAD, WITH_THE_PAST]).await;
        let restricted = servers.log_in(RESTRICTED).await;
        let mut findings = Findings::default();
        for (name, sql) in OF_RESTRICTED_HISTORY {
            let answers = restricted.ask(async |caller| caller.statement(sql).await).await;
            findings.compare(&format!("{name}: {sql}"), &answers);
        }
        findings.assert_none();
    });
}
