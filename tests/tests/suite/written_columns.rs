//! Tables whose files have other columns than the table, as Delta allows: under other names, fewer, and without statistics.

use std::sync::Arc;

use arrow::array::{ArrayRef, StructArray};
use arrow::datatypes::{DataType, Fields};
use serde_json::{Value, json};

use crate::delta::lake::Lake;
use crate::delta::writer::{
    TableWriter, batch, batch_with_ids, field, field_with, identified, ints, longs, metadata, plain_protocol,
    strings, structure,
};
use crate::support::run;

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
        lake.grant_all_but("support", "mapped_by_id", "name").await;
        let visible =
            ["1 | {x: 10, y: 11} | NULL", "2 | {x: 20, y: 21} | NULL", "3 | {x: 30, y: 31} | \"later\""];
        lake.assert_answers("support", "mapped_by_id", &[("select * from {}", &visible)]).await;
        lake.assert_answers(
            "analyst",
            "mapped_by_id",
            &[
                (
                    "select * from {}",
                    &[
                        "1 | \"usual\" | {x: 10, y: 11} | NULL",
                        "2 | \"others\" | {x: 20, y: 21} | NULL",
                        "3 | \"swapped\" | {x: 30, y: 31} | \"later\"",
                    ],
                ),
                ("select id from {} where name = 'others'", &["2"]),
                ("select name from {} where later is not null", &["\"swapped\""]),
            ],
        )
        .await;
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
        lake.assert_answers(
            "analyst",
            "column_added",
            &[
                (
                    "select * from {}",
                    &["1 | NULL | NULL", "2 | NULL | NULL", "3 | \"x\" | 5", "4 | \"y\" | 6"],
                ),
                ("select id from {} where added is null", &["1", "2"]),
                ("select id from {} where added = 'x'", &["3"]),
                ("select id from {} where added is distinct from 'x'", &["1", "2", "4"]),
                ("select id from {} where coalesce(count, 0) < 6", &["1", "2", "3"]),
                ("select added from {} where id < 4", &["\"x\"", "NULL", "NULL"]),
                ("select count(*), count(added), sum(count) from {}", &["4 | 2 | 11"]),
            ],
        )
        .await;
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
        lake.assert_answers(
            "analyst",
            "no_statistics",
            &[
                ("select count(*) from {}", &["7"]),
                ("select count(id), min(id), max(name) from {}", &["7 | 1 | \"g\""]),
                ("select count(*) from {} where id >= 4", &["4"]),
                ("select name from {} where id in (2, 3, 7)", &["\"b\"", "\"c\"", "\"g\""]),
                ("select id from {} where name is null", &[]),
                ("select count(*) from {} where name is not null", &["7"]),
            ],
        )
        .await;
    });
}
