//! That each code's value sits in the child from which drivers read it.

#![expect(clippy::unwrap_used, reason = "a test that cannot build its input should stop")]

use arrow::array::Array;

use super::*;

const TEXT: i8 = 0;
const TRUTH: i8 = 1;
const INT64: i8 = 2;
const INT32: i8 = 3;
const TEXT_LIST: i8 = 4;
const MAP: i8 = 5;

fn table() -> SqlInfoTable {
    let function_names = ["abs", "btrim", "now", "coalesce", "secret_udf"].map(str::to_owned).to_vec();
    let capabilities =
        Capabilities { prepared_ttl: Duration::from_secs(43_200), max_sql_bytes: 1 << 20, function_names };
    SqlInfoTable::new(&capabilities).unwrap()
}

fn children(batch: &RecordBatch) -> BTreeMap<u32, i8> {
    let codes = batch.column(0).as_primitive::<UInt32Type>().values().iter().copied();
    codes.zip(batch.column(1).as_union().type_ids().iter().copied()).collect()
}

/// The child of each code, by the drivers' reading and the protocol's text.
fn expected_child(code: u32) -> i8 {
    match code {
        0..=2 | 6 | 7 | 504 | 513 | 514 | 529..=531 => TEXT,
        3..=5
        | 9..=11
        | 500..=502
        | 506
        | 515
        | 516
        | 518..=521
        | 523
        | 524
        | 527
        | 532
        | 536
        | 537
        | 539
        | 556 => TRUTH,
        563 | 565 | 566 | 572..=576 => TRUTH,
        541..=555 | 557..=562 => INT64,
        8 | 100 | 101 | 503 | 505 | 507 | 522 | 525 | 526 | 528 | 533..=535 | 538 | 540 | 564 | 567..=571 => {
            INT32
        }
        508..=512 => TEXT_LIST,
        517 => MAP,
        other => unreachable!("no driver asks for {other}"),
    }
}

#[test]
fn every_code_is_present_and_in_the_child_that_drivers_read() {
    let children = children(&table().select(&[]).unwrap());
    for (code, child) in &children {
        assert_eq!(*child, expected_child(*code), "code {code}");
    }
    for code in (0..=11).chain([100, 101]).chain(500..=576) {
        assert!(children.contains_key(&code), "code {code} is missing");
    }
}

/// Arrow's Java finds them by name, and nothing without.
#[test]
fn what_is_inside_of_the_map_is_called_key_and_value() {
    let batch = table().select(&[517]).unwrap();
    assert_eq!(batch.schema(), *SCHEMA);
    let conversions = batch.column(1).as_union().value(0);
    let entries = conversions.as_map().entries();
    assert_eq!(entries.column_names(), ["key", "value"]);
    assert_eq!(entries.column_by_name("key").unwrap().len(), 15);
}

#[test]
fn only_the_codes_asked_for_are_answered_and_unknown_ones_are_ignored() {
    let table = table();
    assert_eq!(children(&table.select(&[8]).unwrap()), BTreeMap::from([(8, INT32)]));
    assert_eq!(
        children(&table.select(&[504, 0, 99_999, 504]).unwrap()),
        BTreeMap::from([(0, TEXT), (504, TEXT)])
    );
    assert_eq!(table.select(&[99_999]).unwrap().num_rows(), 0);
}

#[test]
fn functions_are_listed_only_if_the_registry_has_them() {
    let listed = |code| {
        let batch = table().select(&[code]).unwrap();
        let lists = batch.column(1).as_union().value(0);
        lists
            .as_list::<i32>()
            .value(0)
            .as_string::<i32>()
            .iter()
            .flatten()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(509), ["abs"]);
    assert_eq!(listed(510), ["btrim"]);
    assert_eq!(listed(511), ["coalesce"]);
    assert_eq!(listed(512), ["now"]);
}

#[test]
fn a_lifetime_beyond_32_bits_of_milliseconds_is_the_longest_there_is() {
    let capabilities = Capabilities { prepared_ttl: Duration::from_secs(1 << 40), ..Capabilities::default() };
    assert!(SqlInfoTable::new(&capabilities).is_ok());
}

#[test]
fn a_union_row_survives_a_slice_of_the_table() {
    let batch = table().select(&[504]).unwrap();
    assert_eq!(batch.column(1).len(), 1);
    assert_eq!(batch.column(1).as_union().value(0).as_string::<i32>().value(0), "\"");
}
