//! Threads and memory: both are dealt out by size, and no size that counts hidden data may show in an answer.

use arrow::array::AsArray;
use arrow::datatypes::Float64Type;

use super::difference::Findings;
use super::grants::RESTRICTED;
use super::pair::{Callers, ONE_THREAD, Pair};
use super::probes::CHANNELS;
use super::tables::LONG;
use super::transcript::Transcript;
use crate::support::run;

/// Two, and no more: a sum of two numbers does not depend on which of them comes first.
const TWO_THREADS: (&str, &str) = ("LAKEGATE__ENGINE__THREADS", "2");

/// Less than the huge hidden text, and enough for a part of the long list.
const LITTLE_MEMORY: [(&str, &str); 3] =
    [ONE_THREAD, ("LAKEGATE__ENGINE__QUERY_MEMORY_LIMIT", "2MiB"), ("LAKEGATE__ENGINE__SPILL_LIMIT", "0")];

/// Sums that say how batches were dealt to threads.
const SUMS: [&str; 3] = [
    "select sum(value) from brought.weights",
    "select sum(value) from brought.weights_among",
    "select sum(value) from brought.weights_beside",
];

/// Queries that hold the ledger's visible texts in memory, and would not have room for the hidden one.
const OF_TEXTS: [&str; 5] = [
    "select id, note from brought.ledger",
    "select count(*) from brought.ledger a join brought.ledger b on a.note = b.note",
    "select note, count(*) from brought.ledger group by note order by note limit 3",
    "select max(note), min(note), max(octet_length(note)) from brought.ledger",
    "select octet_length(string_agg(note, ',' order by id)) from brought.ledger",
];

/// Lengths of the part of the long list that a join keeps in memory.
const KEPT: std::ops::RangeInclusive<i64> = 1000..=LONG;
const STEP: usize = 500;

async fn findings(callers: &Callers, statements: &[String]) -> (Findings, Vec<[Transcript; 2]>) {
    let mut findings = Findings::default();
    let mut answers = Vec::new();
    for sql in statements {
        let answer = callers.ask(async |caller| caller.rows(sql).await).await;
        findings.compare(sql, &answer);
        answers.push(answer);
    }
    (findings, answers)
}

#[test]
fn the_number_of_threads_follows_from_nothing_hidden() {
    run(async {
        let pair = Pair::shared().await;
        let servers = pair.servers(&[TWO_THREADS]).await;
        let restricted = servers.log_in(RESTRICTED).await;
        let (findings, answers) = findings(&restricted, &SUMS.map(str::to_owned)).await;
        for transcript in answers.iter().flatten() {
            assert!(matches!(sum(transcript), Some(0.0 | 1.0)), "not a sum of the three numbers");
        }
        findings.assert_none();
    });
}

/// The one number of an answer.
fn sum(answer: &Transcript) -> Option<f64> {
    let batches = answer.batches().ok()?;
    let column = batches.first()?.column(0).as_primitive_opt::<Float64Type>()?;
    Some(column.value(0))
}

#[test]
fn several_threads_give_the_same_rows_whatever_is_hidden() {
    run(async {
        let pair = Pair::shared().await;
        let servers = pair.servers(&[TWO_THREADS]).await;
        let restricted = servers.log_in(RESTRICTED).await;
        let mut findings = Findings::default();
        for channel in &CHANNELS {
            for (name, sql) in channel.of_rows {
                let answers = restricted.ask(async |caller| caller.rows(sql).await).await;
                findings.compare_rows(&format!("{}: {name}: {sql}", channel.name), &answers);
            }
        }
        findings.assert_none();
    });
}

/// A limit that counted hidden rows or columns would be met sooner where there are more of them.
#[test]
fn the_limit_of_scanned_bytes_is_met_at_the_same_visible_row_whatever_is_hidden() {
    run(async {
        let pair = Pair::shared().await;
        let servers = pair.servers(&[ONE_THREAD, ("LAKEGATE__ENGINE__MAX_SCANNED_BYTES", "200KiB")]).await;
        let restricted = servers.log_in(RESTRICTED).await;
        let mut statements: Vec<String> = (0..=LONG)
            .step_by(STEP / 2)
            .map(|length| format!("select count(body) from brought.long_list where id < {length}"))
            .collect();
        let limited = statements.len();
        statements.extend(["level", "name", "started"].map(|column| {
            format!(
                "select {column}, count(*) from brought.staff where id < 500 group by {column} order by 1"
            )
        }));
        let (findings, answers) = findings(&restricted, &statements).await;
        let refused = answers[..limited].iter().filter(|[first, _]| first.refusal().is_some()).count();
        assert!(0 < refused && refused < limited, "the limit is not among the lengths: {refused}");
        findings.assert_none();
    });
}

#[test]
fn a_huge_hidden_row_takes_no_memory_from_a_small_query() {
    run(async {
        let pair = Pair::shared().await;
        let servers = pair.servers(&LITTLE_MEMORY).await;
        let restricted = servers.log_in(RESTRICTED).await;
        let (findings, answers) = findings(&restricted, &OF_TEXTS.map(str::to_owned)).await;
        findings.assert_none();
        let answered = answers.iter().flatten().filter(|answer| answer.refusal().is_none()).count();
        assert!(answered > 0, "no query has room, so none could have lost it");
    });
}

#[test]
fn memory_runs_out_at_the_same_visible_row_whatever_is_hidden() {
    run(async {
        let pair = Pair::shared().await;
        let servers = pair.servers(&LITTLE_MEMORY).await;
        let restricted = servers.log_in(RESTRICTED).await;
        let statements: Vec<String> = KEPT
            .step_by(STEP)
            .map(|length| {
                format!(
                    "select count(*) from brought.long_list a join brought.long_list b on a.body = b.body \
                     where a.id < {length}"
                )
            })
            .collect();
        let (findings, answers) = findings(&restricted, &statements).await;
        let refused = answers.iter().filter(|[first, _]| first.refusal().is_some()).count();
        assert!(0 < refused && refused < statements.len(), "the limit is not among the lengths: {refused}");
        findings.assert_none();
    });
}
