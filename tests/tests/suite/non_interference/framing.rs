//! Where messages and batches end, and what of the engine's own arithmetic follows from that.
//!
//! Lengths stand around the powers of two at which the engine and the wire cut. Sorts of many lengths are tried because an
//! engine decides by bytes of memory how to sort, which may show in the order of ties: bytes that a reader allocated for
//! hidden rows must not count.

use super::difference::Findings;
use super::grants::RESTRICTED;
use super::pair::Pair;
use super::tables::LONG;
use crate::support::run;

/// Lengths at which something is cut.
const LENGTHS: [i64; 17] =
    [0, 1, 7, 8, 9, 1023, 1024, 1025, 2047, 2048, 2049, 8191, 8192, 8193, 16_383, 16_384, 16_385];

/// Lengths of sorts: from one batch to all rows.
const SORTED: std::ops::RangeInclusive<i64> = 8000..=LONG;
const STEP: usize = 250;

/// Columns that make a row so wide that a message takes few of them.
const WIDE: i64 = 40;

pub(super) fn statements() -> Vec<String> {
    let mut statements = vec![
        "select * from brought.long_list".to_owned(),
        "select id from brought.long_list".to_owned(),
        "select flag from brought.long_list".to_owned(),
        "select body from brought.long_list where code is null".to_owned(),
        "select body, body, body, body from brought.long_list".to_owned(),
        "select id, make_array(code, code), named_struct('flag', flag) from brought.long_list".to_owned(),
        format!("select {} from brought.long_list", wide_columns()),
        format!("select {} from brought.long_list where id % 3 = 1", wide_columns()),
    ];
    for length in LENGTHS {
        statements.push(format!("select id, body, code, flag from brought.long_list where id < {length}"));
        statements.push(format!("select {} from brought.long_list limit {length}", wide_columns()));
    }
    for length in SORTED.step_by(STEP) {
        statements
            .push(format!("select id, word, code from brought.long_list where id < {length} order by code"));
    }
    statements
}

fn wide_columns() -> String {
    let columns: Vec<String> = (0..WIDE).map(|number| format!("id + {number} as c{number}")).collect();
    columns.join(", ")
}

#[test]
fn messages_and_ties_are_where_the_visible_rows_put_them() {
    run(async {
        let pair = Pair::shared().await;
        let restricted = pair.log_in(RESTRICTED).await;
        let mut findings = Findings::default();
        for sql in statements() {
            findings.compare(&sql, &restricted.ask(async |caller| caller.rows(&sql).await).await);
        }
        findings.assert_none();
    });
}

/// Without several messages nothing would be said about their borders.
#[test]
fn the_long_list_takes_several_messages() {
    run(async {
        let pair = Pair::shared().await;
        let restricted = pair.log_in(RESTRICTED).await;
        for columns in ["*".to_owned(), wide_columns()] {
            let sql = format!("select {columns} from brought.long_list");
            for answer in restricted.ask(async |caller| caller.rows(&sql).await).await {
                assert!(answer.message_count() > 2, "{sql}: {} messages", answer.message_count());
            }
        }
    });
}
