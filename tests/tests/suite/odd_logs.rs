//! Logs and files as other writers leave them: no row is lost because a bound was rounded, a name is written in another case, or a
//! partition value with fewer digits; and what readers would read differently is refused in words.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, Decimal128Array, StructArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Fields};
use serde_json::{Value, json};

use crate::delta::lake::Lake;
use crate::delta::writer::{
    TableWriter, batch, field, longs, metadata, plain_protocol, protocol, strings, structure,
};
use crate::support::run;

fn with_bounds(mut action: Value, rows: usize, min: &Value, max: &Value) -> Value {
    let statistics = json!({
        "numRecords": rows, "minValues": {"v": min}, "maxValues": {"v": max}, "nullCount": {"v": 0},
    });
    action["add"]["stats"] = json!(statistics.to_string());
    action
}

#[test]
fn bounds_that_went_through_doubles_are_no_values() {
    run(async {
        let mut table =
            TableWriter::new(&[plain_protocol(), metadata(&[field("v", "decimal(20,4)")], &[], json!({}))]);
        let value = 1_234_567_890_123_456_789_i128;
        let column: ArrayRef =
            Arc::new(Decimal128Array::from(vec![value, value + 1]).with_precision_and_scale(20, 4).unwrap());
        let action = table.data("a.parquet", &batch(&[("v", column)]));
        // As a double prints it: above the smallest value, and below the largest.
        let action = with_bounds(action, 2, &json!(123_456_789_012_345.69), &json!(123_456_789_012_345.67));
        table.commit(&[action]);
        let lake = Lake::shared().await;
        lake.add("rounded_bounds", &table.finish()).await;
        lake.assert_answers(
            "analyst",
            "rounded_bounds",
            &[
                ("select count(*) from {} where v = cast('123456789012345.6789' as decimal(20,4))", &["1"]),
                ("select count(*) from {} where v = cast('123456789012345.6790' as decimal(20,4))", &["1"]),
                (
                    "select cast(min(v) as varchar), cast(max(v) as varchar) from {}",
                    &["\"123456789012345.6789\" | \"123456789012345.6790\""],
                ),
            ],
        )
        .await;
    });
}

#[test]
fn bounds_whose_offset_lost_its_seconds_exclude_no_row() {
    run(async {
        let mut table =
            TableWriter::new(&[plain_protocol(), metadata(&[field("v", "timestamp")], &[], json!({}))]);
        // 1880-01-01T00:00:00Z, which a clock in New York shows with an offset of -04:56:02.
        let moment = -2_840_140_800_000_000_i64;
        let column: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![moment]).with_timezone("UTC"));
        let action = table.data("a.parquet", &batch(&[("v", column)]));
        let bound = json!("1879-12-31T19:03:58.000-04:56");
        table.commit(&[with_bounds(action, 1, &bound, &bound)]);
        let lake = Lake::shared().await;
        lake.add("cut_offsets", &table.finish()).await;
        lake.assert_answers(
            "analyst",
            "cut_offsets",
            &[("select count(*) from {} where v = timestamptz '1880-01-01 00:00:00+00'", &["1"])],
        )
        .await;
    });
}

#[test]
fn a_column_is_found_whose_name_differs_in_case_alone() {
    run(async {
        let columns =
            [field("id", "long"), field("Name", "string"), field("s", structure(&[field("Inner", "long")]))];
        let mut table = TableWriter::new(&[plain_protocol(), metadata(&columns, &[], json!({}))]);
        let inner =
            StructArray::from(vec![(Arc::new(Field::new("inner", DataType::Int64, true)), longs(&[7]))]);
        let rows =
            batch(&[("ID", longs(&[1])), ("name", strings(&["x"])), ("S", Arc::new(inner) as ArrayRef)]);
        let action = table.data("a.parquet", &rows);
        table.commit(&[action]);
        let lake = Lake::shared().await;
        lake.add("other_case", &table.finish()).await;
        lake.assert_answers(
            "analyst",
            "other_case",
            &[
                ("select id, name, s['Inner'] from {}", &["1 | \"x\" | 7"]),
                ("select id from {} where name = 'x' and id = 1", &["1"]),
            ],
        )
        .await;
    });
}

#[test]
fn two_columns_whose_names_differ_in_case_alone_are_no_column() {
    run(async {
        let mut table =
            TableWriter::new(&[plain_protocol(), metadata(&[field("id", "long")], &[], json!({}))]);
        let action = table.data("a.parquet", &batch(&[("ID", longs(&[1])), ("Id", longs(&[2]))]));
        table.commit(&[action]);
        let lake = Lake::shared().await;
        lake.add("two_cases", &table.finish()).await;
        lake.assert_refused("two_cases", "select * from {}").await;
    });
}

#[test]
fn partition_values_are_read_with_as_many_digits_as_were_written() {
    run(async {
        let columns = [
            field("id", "long"),
            field("d", "decimal(10,2)"),
            field("b", "binary"),
            field("day", "date"),
            field("seen", "timestamp"),
        ];
        let partitions = ["d", "b", "day", "seen"];
        let mut table = TableWriter::new(&[plain_protocol(), metadata(&columns, &partitions, json!({}))]);
        let values = [
            json!({"d": "1.1", "b": "x", "day": "2024-02-29", "seen": "2024-02-29 10:00:00"}),
            json!({"d": "-2", "b": "", "day": "", "seen": ""}),
            json!({"d": "", "b": null, "day": null, "seen": null}),
            json!({"d": "3.4500", "b": "y", "day": "1969-12-31", "seen": "1969-12-31 23:59:59.5"}),
        ];
        let mut actions = Vec::new();
        for (id, values) in (1..).zip(values) {
            let mut action = table.data(&format!("part-{id}.parquet"), &batch(&[("id", longs(&[id]))]));
            action["add"]["partitionValues"] = values;
            actions.push(action);
        }
        table.commit(&actions);
        let lake = Lake::shared().await;
        lake.add("short_decimals", &table.finish()).await;
        lake.assert_answers(
            "analyst",
            "short_decimals",
            &[
                (
                    "select id, cast(d as varchar), b is null, day from {} order by id",
                    &[
                        "1 | \"1.10\" | false | 2024-02-29",
                        "2 | \"-2.00\" | true | NULL",
                        "3 | NULL | true | NULL",
                        "4 | \"3.45\" | false | 1969-12-31",
                    ],
                ),
                ("select id from {} where d = 1.1", &["1"]),
                ("select id from {} where seen = timestamptz '2024-02-29 10:00:00+00'", &["1"]),
            ],
        )
        .await;
    });
}

#[test]
fn a_file_that_one_commit_adds_and_removes_is_refused() {
    run(async {
        let mut table =
            TableWriter::new(&[plain_protocol(), metadata(&[field("id", "long")], &[], json!({}))]);
        let first = table.data("a.parquet", &batch(&[("id", longs(&[1]))]));
        table.commit(std::slice::from_ref(&first));
        let remove = json!({"remove": {"path": "a.parquet", "deletionTimestamp": 1_700_000_000_000_u64, "dataChange": true}});
        table.commit(&[remove, first]);
        let lake = Lake::shared().await;
        lake.add("added_and_removed", &table.finish()).await;
        let text = lake.assert_refused("added_and_removed", "select * from {}").await;
        assert!(text.contains("adds and removes the same file"), "{text}");
    });
}

#[test]
fn a_checkpoint_that_is_missing_is_named() {
    run(async {
        let mut table =
            TableWriter::new(&[plain_protocol(), metadata(&[field("id", "long")], &[], json!({}))]);
        let action = table.data("a.parquet", &batch(&[("id", longs(&[1]))]));
        table.commit(&[action]);
        table.put("_delta_log/_last_checkpoint", br#"{"version":1,"size":3}"#.to_vec());
        let lake = Lake::shared().await;
        lake.add("no_checkpoint", &table.finish()).await;
        let text = lake.assert_refused("no_checkpoint", "select * from {}").await;
        assert!(text.contains("names a checkpoint that is missing"), "{text}");
    });
}

#[test]
fn shredded_variants_are_refused_by_name() {
    run(async {
        let columns = [field("id", "long"), field("v", "variant")];
        let features = protocol(&["variantType"]);
        let mut table = TableWriter::new(&[features, metadata(&columns, &[], json!({}))]);
        let part = |name: &str, data_type: DataType| Arc::new(Field::new(name, data_type, true));
        let bytes = || Arc::new(BinaryArray::from(vec![&b"\x01\x00\x00"[..]])) as ArrayRef;
        let fields: Fields = vec![
            part("metadata", DataType::Binary),
            part("value", DataType::Binary),
            part("typed_value", DataType::Int64),
        ]
        .into();
        let shredded = StructArray::new(fields, vec![bytes(), bytes(), longs(&[7])], None);
        let action =
            table.data("a.parquet", &batch(&[("id", longs(&[1])), ("v", Arc::new(shredded) as ArrayRef)]));
        table.commit(&[action]);
        let lake = Lake::shared().await;
        lake.add("shredded", &table.finish()).await;
        let text = lake.assert_refused("shredded", "select * from {}").await;
        assert!(text.contains("variantShredding"), "{text}");
    });
}
