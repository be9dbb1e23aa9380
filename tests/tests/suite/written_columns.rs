//! Tables whose files differ from the table's schema, as Delta allows: widened types, other names, missing and reordered columns.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array, Int16Array,
    Int32Array, Int64Array, ListArray, MapArray, StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields};
use serde_json::{Value, json};

use crate::delta::lake::Lake;
use crate::delta::schema::TableSchema;
use crate::delta::writer::{
    TableWriter, array, batch, batch_with_ids, field, field_with, identified, map, metadata, plain_protocol,
    protocol, structure,
};
use crate::support::run;

fn ints(values: &[i32]) -> ArrayRef {
    Arc::new(Int32Array::from(values.to_vec()))
}

fn longs(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn strings(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn decimals(values: &[i128], precision: u8, scale: i8) -> ArrayRef {
    Arc::new(Decimal128Array::from(values.to_vec()).with_precision_and_scale(precision, scale).unwrap())
}

/// Column, its first type and its present one.
const WIDENED: [(&str, &str, &str); 9] = [
    ("byte_to_int", "byte", "integer"),
    ("short_to_long", "short", "long"),
    ("int_to_long", "integer", "long"),
    ("float_to_double", "float", "double"),
    ("date_to_ntz", "date", "timestamp_ntz"),
    ("precision", "decimal(5,2)", "decimal(12,2)"),
    ("scale", "decimal(5,2)", "decimal(20,6)"),
    ("int_to_decimal", "integer", "decimal(12,2)"),
    ("int_to_double", "integer", "double"),
];

fn widened(column: &(&str, &str, &str)) -> Value {
    let (name, from, to) = column;
    let change = json!({"fromType": from, "toType": to});
    field_with(name, *to, json!({"delta.typeChanges": [change]}))
}

#[test]
fn files_from_before_a_column_was_widened_are_read_as_the_wider_type() {
    run(async {
        let version = protocol(&["typeWidening", "timestampNtz"]);
        let configuration = json!({"delta.enableTypeWidening": "true"});
        let narrow: Vec<Value> = WIDENED.iter().map(|(name, from, _)| field(name, *from)).collect();
        let wide: Vec<Value> = WIDENED.iter().map(widened).collect();
        let mut table = TableWriter::new(&[version, metadata(&narrow, &[], configuration.clone())]);
        let old: [ArrayRef; 9] = [
            Arc::new(Int8Array::from(vec![-128])),
            Arc::new(Int16Array::from(vec![32767])),
            ints(&[-2_147_483_648]),
            Arc::new(Float32Array::from(vec![1.5])),
            Arc::new(Date32Array::from(vec![-1])),
            decimals(&[-99_999], 5, 2),
            decimals(&[12_345], 5, 2),
            ints(&[7]),
            ints(&[-3]),
        ];
        let new: [ArrayRef; 9] = [
            ints(&[300]),
            longs(&[40_000]),
            longs(&[3_000_000_000]),
            Arc::new(Float64Array::from(vec![0.1])),
            Arc::new(TimestampMicrosecondArray::from(vec![86_400_000_000 + 1])),
            decimals(&[999_999_999_999], 12, 2),
            decimals(&[1], 20, 6),
            decimals(&[123_456_789_012], 12, 2),
            Arc::new(Float64Array::from(vec![2.25])),
        ];
        for (values, path, columns) in [(old, "old.parquet", None), (new, "new.parquet", Some(wide))] {
            let named: Vec<(&str, ArrayRef)> = WIDENED.iter().map(|(name, ..)| *name).zip(values).collect();
            let file = table.data(path, &batch(&named));
            let change = columns.map(|columns| metadata(&columns, &[], configuration.clone()));
            table.commit(&change.into_iter().chain([file]).collect::<Vec<_>>());
        }
        let files = table.finish();
        let lake = Lake::shared().await;
        lake.add("widened", &files).await;
        let answer = lake.rows("analyst", "widened", "select * from {}").await;
        assert_eq!(answer.columns, TableSchema::of(&files).unwrap().columns);
        assert_eq!(
            answer.texts(),
            [
                "-128 | 32767 | -2147483648 | 1.5 | 1969-12-31 00:00:00 | -999.99 | 123.450000 | 7.00 | -3.0",
                "300 | 40000 | 3000000000 | 0.1 | 1970-01-02 00:00:00.000001 | 9999999999.99 | 0.000001 | 1234567890.12 | 2.25",
            ]
        );

        for (predicate, expected) in [
            ("int_to_long = -2147483648", ["-128"]),
            ("int_to_long > 2999999999", ["300"]),
            ("float_to_double < 1.0", ["300"]),
            ("date_to_ntz < timestamp '1970-01-01 00:00:00'", ["-128"]),
            ("precision = -999.99", ["-128"]),
            ("scale < 0.00001", ["300"]),
            ("int_to_decimal = 7", ["-128"]),
        ] {
            let sql = format!("select byte_to_int from {{}} where {predicate}");
            assert_eq!(lake.texts("widened", &sql).await, expected, "{predicate}");
        }
    });
}

/// A column of a table with column mapping.
fn mapped(name: &str, id: i32, data_type: impl Into<Value>) -> Value {
    let physical = format!("col-{id}");
    field_with(
        name,
        data_type,
        json!({"delta.columnMapping.id": id, "delta.columnMapping.physicalName": physical}),
    )
}

/// In id mode the name in the Parquet file says nothing, not even if it is another column's.
#[test]
fn with_column_mapping_by_id_columns_are_found_by_their_field_id_alone() {
    run(async {
        let point = structure(&[mapped("x", 4, "integer"), mapped("y", 5, "integer")]);
        let columns = [
            mapped("id", 1, "long"),
            mapped("name", 2, "string"),
            mapped("point", 3, point),
            mapped("later", 6, "string"),
        ];
        let configuration = json!({"delta.columnMapping.mode": "id", "delta.columnMapping.maxColumnId": "6"});
        let version = json!({"protocol": {"minReaderVersion": 2, "minWriterVersion": 5}});
        let mut table = TableWriter::new(&[version, metadata(&columns, &[], configuration)]);

        let nested = |names: [&str; 2], x: i32, y: i32| -> ArrayRef {
            let fields = Fields::from(vec![
                identified(names[0], 4, DataType::Int32),
                identified(names[1], 5, DataType::Int32),
            ]);
            Arc::new(StructArray::new(fields, vec![ints(&[x]), ints(&[y])], None))
        };
        // As a writer that names files' columns by the physical names.
        let usual = batch_with_ids(&[
            ("col-1", 1, longs(&[1])),
            ("col-2", 2, strings(&["usual"])),
            ("col-3", 3, nested(["col-4", "col-5"], 10, 11)),
        ]);
        let others = batch_with_ids(&[
            ("whatever", 3, nested(["p", "q"], 20, 21)),
            ("b", 2, strings(&["others"])),
            ("a", 1, longs(&[2])),
        ]);
        let swapped = batch_with_ids(&[
            ("col-6", 2, strings(&["swapped"])),
            ("col-2", 6, strings(&["later"])),
            ("col-3", 3, nested(["col-5", "col-4"], 30, 31)),
            ("col-1", 1, longs(&[3])),
        ]);
        let actions = [("usual", usual), ("others", others), ("swapped", swapped)]
            .map(|(name, rows)| table.data(&format!("{name}.parquet"), &rows));
        table.commit(&actions);
        let lake = Lake::shared().await;
        lake.add("mapped_by_id", &table.finish()).await;
        assert_eq!(
            lake.texts("mapped_by_id", "select * from {}").await,
            [
                "1 | \"usual\" | {x: 10, y: 11} | NULL",
                "2 | \"others\" | {x: 20, y: 21} | NULL",
                "3 | \"swapped\" | {x: 30, y: 31} | \"later\"",
            ]
        );
        assert_eq!(lake.texts("mapped_by_id", "select id from {} where name = 'others'").await, ["2"]);
        assert_eq!(
            lake.texts("mapped_by_id", "select name from {} where later is not null").await,
            ["\"swapped\""]
        );

        lake.grant_all_but("support", "mapped_by_id", "name").await;
        let visible = lake.rows("support", "mapped_by_id", "select * from {}").await.texts();
        assert_eq!(
            visible,
            ["1 | {x: 10, y: 11} | NULL", "2 | {x: 20, y: 21} | NULL", "3 | {x: 30, y: 31} | \"later\""]
        );
    });
}

#[test]
fn a_column_that_a_file_does_not_have_is_null_in_its_rows() {
    run(async {
        let mut table =
            TableWriter::new(&[plain_protocol(), metadata(&[field("id", "long")], &[], json!({}))]);
        let old = table.data("old.parquet", &batch(&[("id", longs(&[1, 2]))]));
        table.commit(&[old]);
        let columns = [field("id", "long"), field("added", "string"), field("count", "integer")];
        let new = table.data(
            "new.parquet",
            &batch(&[("count", ints(&[5, 6])), ("id", longs(&[3, 4])), ("added", strings(&["x", "y"]))]),
        );
        table.commit(&[metadata(&columns, &[], json!({})), new]);
        let lake = Lake::shared().await;
        lake.add("column_added", &table.finish()).await;
        let all = ["1 | NULL | NULL", "2 | NULL | NULL", "3 | \"x\" | 5", "4 | \"y\" | 6"];
        assert_eq!(lake.texts("column_added", "select * from {}").await, all);
        for (sql, expected) in [
            ("select id from {} where added is null", vec!["1", "2"]),
            ("select id from {} where added = 'x'", vec!["3"]),
            ("select id from {} where added is distinct from 'x'", vec!["1", "2", "4"]),
            ("select id from {} where coalesce(count, 0) < 6", vec!["1", "2", "3"]),
            ("select added from {} where id < 4", vec!["\"x\"", "NULL", "NULL"]),
            ("select count(*), count(added), sum(count) from {}", vec!["4 | 2 | 11"]),
        ] {
            assert_eq!(lake.texts("column_added", sql).await, expected, "{sql}");
        }
    });
}

#[test]
fn files_without_statistics_are_counted_and_filtered() {
    run(async {
        let columns = [field("id", "long"), field("name", "string")];
        let mut table = TableWriter::new(&[plain_protocol(), metadata(&columns, &[], json!({}))]);
        let file = |table: &mut TableWriter, name: &str, ids: &[i64], names: &[&str]| {
            table.data(&format!("{name}.parquet"), &batch(&[("id", longs(ids)), ("name", strings(names))]))
        };
        let mut actions = [
            file(&mut table, "none", &[1, 2], &["a", "b"]),
            file(&mut table, "empty", &[3], &["c"]),
            file(&mut table, "null", &[4], &["d"]),
            file(&mut table, "full", &[5, 6, 7], &["e", "f", "g"]),
        ];
        actions[0]["add"].as_object_mut().unwrap().remove("stats");
        actions[1]["add"]["stats"] = json!("{}");
        actions[2]["add"]["stats"] = Value::Null;
        let bounds = json!({
            "numRecords": 3, "minValues": {"id": 5, "name": "e"}, "maxValues": {"id": 7, "name": "g"},
            "nullCount": {"id": 0, "name": 0},
        });
        actions[3]["add"]["stats"] = json!(bounds.to_string());
        table.commit(&actions);
        let lake = Lake::shared().await;
        lake.add("no_statistics", &table.finish()).await;
        for (sql, expected) in [
            ("select count(*) from {}", vec!["7"]),
            ("select count(id), min(id), max(name) from {}", vec!["7 | 1 | \"g\""]),
            ("select count(*) from {} where id >= 4", vec!["4"]),
            ("select name from {} where id in (2, 3, 7)", vec!["\"b\"", "\"c\"", "\"g\""]),
            ("select id from {} where name is null", vec![]),
            ("select count(*) from {} where name is not null", vec!["7"]),
        ] {
            assert_eq!(lake.texts("no_statistics", sql).await, expected, "{sql}");
        }
    });
}

/// A struct of nullable fields.
fn structure_of(fields: Vec<(&str, ArrayRef)>) -> StructArray {
    let (fields, values): (Vec<Field>, Vec<ArrayRef>) = fields
        .into_iter()
        .map(|(name, values)| (Field::new(name, values.data_type().clone(), true), values))
        .unzip();
    StructArray::new(fields.into(), values, None)
}

fn one_list(items: StructArray) -> ArrayRef {
    let offsets = OffsetBuffer::from_lengths([items.len()]);
    let item = Arc::new(Field::new("element", items.data_type().clone(), true));
    Arc::new(ListArray::new(item, offsets, Arc::new(items), None))
}

fn one_map(keys: &[&str], values: StructArray) -> ArrayRef {
    let fields = Fields::from(vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("value", values.data_type().clone(), true),
    ]);
    let offsets = OffsetBuffer::from_lengths([keys.len()]);
    let entries = StructArray::new(fields.clone(), vec![strings(keys), Arc::new(values)], None);
    let entry = Arc::new(Field::new("key_value", DataType::Struct(fields), false));
    Arc::new(MapArray::new(entry, offsets, entries, None, false))
}

#[test]
fn nested_fields_are_found_by_name_wherever_they_are_and_null_where_they_are_not() {
    run(async {
        let inner = structure(&[field("a", "integer"), field("b", "string")]);
        let outer = structure(&[field("a", "integer"), field("b", "string"), field("deep", inner.clone())]);
        let columns = [
            field("id", "long"),
            field("s", outer),
            field("l", array(inner.clone())),
            field("m", map(inner)),
        ];
        let mut table = TableWriter::new(&[plain_protocol(), metadata(&columns, &[], json!({}))]);
        let whole = |a: i32, b: &str| structure_of(vec![("a", ints(&[a])), ("b", strings(&[b]))]);
        let in_order = batch(&[
            ("id", longs(&[1])),
            (
                "s",
                Arc::new(structure_of(vec![
                    ("a", ints(&[1])),
                    ("b", strings(&["one"])),
                    ("deep", Arc::new(whole(11, "deep"))),
                ])),
            ),
            ("l", one_list(whole(12, "item"))),
            ("m", one_map(&["k"], whole(13, "value"))),
        ]);
        let reordered = batch(&[
            ("m", one_map(&["k"], structure_of(vec![("b", strings(&["value"])), ("a", ints(&[23]))]))),
            ("l", one_list(structure_of(vec![("b", strings(&["item"])), ("a", ints(&[22]))]))),
            (
                "s",
                Arc::new(structure_of(vec![
                    (
                        "deep",
                        Arc::new(structure_of(vec![("b", strings(&["deep"])), ("a", ints(&[21]))]))
                            as ArrayRef,
                    ),
                    ("b", strings(&["two"])),
                    ("a", ints(&[2])),
                ])),
            ),
            ("id", longs(&[2])),
        ]);
        let missing = batch(&[
            ("id", longs(&[3])),
            ("s", Arc::new(structure_of(vec![("b", strings(&["three"]))]))),
            ("l", one_list(structure_of(vec![("b", strings(&["item"]))]))),
            ("m", one_map(&["k"], structure_of(vec![("a", ints(&[33]))]))),
        ]);
        let actions = [("in_order", in_order), ("reordered", reordered), ("missing", missing)]
            .map(|(name, rows)| table.data(&format!("{name}.parquet"), &rows));
        table.commit(&actions);
        let lake = Lake::shared().await;
        lake.add("nested", &table.finish()).await;
        let all = [
            "1 | {a: 1, b: \"one\", deep: {a: 11, b: \"deep\"}} | [{a: 12, b: \"item\"}] | {\"k\" => {a: 13, b: \"value\"}}",
            "2 | {a: 2, b: \"two\", deep: {a: 21, b: \"deep\"}} | [{a: 22, b: \"item\"}] | {\"k\" => {a: 23, b: \"value\"}}",
            "3 | {a: NULL, b: \"three\", deep: NULL} | [{a: NULL, b: \"item\"}] | {\"k\" => {a: 33, b: NULL}}",
        ];
        assert_eq!(lake.texts("nested", "select * from {}").await, all);
        assert_eq!(
            lake.texts("nested", "select id, s['b'] from {} where s['a'] is null").await,
            ["3 | \"three\""]
        );
        assert_eq!(lake.texts("nested", "select id from {} where s['deep']['a'] = 21").await, ["2"]);
    });
}
