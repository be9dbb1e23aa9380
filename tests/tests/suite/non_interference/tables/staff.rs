//! A table all of whose rows are visible and some of whose columns are not, and one beside it of which all is.
//!
//! The hidden columns differ in type, width and presence: a number or a long text, a column that files have or lack, a struct
//! that one world alone has. So the first world's files of `staff` are smaller than those of `projects` and the second
//! world's are larger, which a planner must not make use of.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, StructArray,
};
use arrow::datatypes::{Field, Fields};
use serde_json::{Value, json};

use super::World;
use super::rows::column;
use crate::delta::TableFiles;
use crate::delta::writer::{TableWriter, batch, field, metadata, plain_protocol, structure};

pub(super) const VISIBLE: &[&str] = &["id", "name", "project_id", "level", "started"];

/// Rows of each of the two tables.
const ROWS: i64 = 3000;

/// Rows of a file, and of a row group.
const FILE_ROWS: i64 = 1500;
const GROUP_ROWS: usize = 500;

pub(super) fn files(world: World) -> TableFiles {
    let mut table = TableWriter::new(&[plain_protocol(), metadata(&fields(world), &[], json!({}))]);
    let actions: Vec<Value> = (0..ROWS / FILE_ROWS)
        .map(|number| {
            let ids: Vec<i64> = (number * FILE_ROWS..(number + 1) * FILE_ROWS).collect();
            table.data_in_groups(&format!("part-{number}.parquet"), &batch_of(world, &ids), GROUP_ROWS)
        })
        .collect();
    table.commit(&actions);
    table.finish()
}

fn fields(world: World) -> Vec<Value> {
    let visible = [
        field("id", "long"),
        field("name", "string"),
        field("project_id", "long"),
        field("level", "double"),
        field("started", "date"),
    ];
    let hidden = match world {
        World::First => vec![
            field("salary", "long"),
            field("ssn", "string"),
            field("review", structure(&[field("grade", "integer")])),
        ],
        World::Second => vec![field("salary", "string"), field("ssn", "string")],
    };
    match world {
        World::First => [visible.to_vec(), hidden].concat(),
        World::Second => [hidden, visible.to_vec()].concat(),
    }
}

fn batch_of(world: World, ids: &[i64]) -> RecordBatch {
    let small = |id: &i64| i32::try_from(*id).unwrap();
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("id", column::<Int64Array, _, _>(ids, |id| Some(*id))),
        ("name", column::<StringArray, _, _>(ids, |id| (id % 11 != 4).then(|| format!("name {id}")))),
        // Another order than that of the ids, and each project once.
        ("project_id", column::<Int64Array, _, _>(ids, |id| Some(id * 7 % ROWS))),
        ("level", column::<Float64Array, _, _>(ids, |id| (id % 5 != 3).then(|| f64::from(small(id)) / 4.0))),
        ("started", column::<Date32Array, _, _>(ids, |id| (id % 3 != 2).then(|| 15_000 + small(id)))),
    ];
    match world {
        World::First => {
            columns.push(("salary", column::<Int64Array, _, _>(ids, |id| Some(1000 + id))));
            columns.push(("ssn", column::<StringArray, _, _>(ids, |id| Some(format!("canary {id}")))));
            columns.push(("review", review(ids)));
        }
        // The log has `ssn`, the files do not.
        World::Second => {
            let wide = column::<StringArray, _, _>(ids, |id| Some(format!("canary {id:0>400}")));
            columns.push(("salary", wide));
        }
    }
    batch(&columns)
}

fn review(ids: &[i64]) -> ArrayRef {
    let grade = column::<Int32Array, _, _>(ids, |id| i32::try_from(*id).ok());
    let fields = Fields::from(vec![Field::new("grade", grade.data_type().clone(), true)]);
    Arc::new(StructArray::new(fields, vec![grade], None))
}

/// The same in both worlds.
pub(super) fn projects(_: World) -> TableFiles {
    let fields = [field("id", "long"), field("title", "string")];
    let mut table = TableWriter::new(&[plain_protocol(), metadata(&fields, &[], json!({}))]);
    let ids: Vec<i64> = (0..ROWS).collect();
    let rows = batch(&[
        ("id", column::<Int64Array, _, _>(&ids, |id| Some(*id))),
        ("title", column::<StringArray, _, _>(&ids, |id| Some(format!("project {id:0>120}")))),
    ]);
    let action = table.data("part-0.parquet", &rows);
    table.commit(&[action]);
    table.finish()
}
