//! The columns that most tables of this suite share: a number, a short and a long text, two columns with NULLs, and the
//! hidden column that the row filter asks for.
//!
//! Visible rows have NULLs beside hidden rows that have values: a reader that decodes both at once keeps their bytes in one
//! buffer.

use arrow::array::{BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray};
use serde_json::{Value, json};

use super::World;
use super::rows::{Row, column};
use crate::delta::TableFiles;
use crate::delta::writer::{TableWriter, batch, field, metadata, plain_protocol};

pub(super) const VISIBLE: &[&str] = &["id", "word", "body", "code", "flag"];

/// The longest visible `body` has about so many bytes.
const LONGEST_BODY: i64 = 300;

struct Record {
    id: i64,
    word: String,
    body: String,
    code: Option<i32>,
    flag: Option<bool>,
    region: &'static str,
}

fn record(world: World, row: Row) -> Record {
    match (row, world) {
        (Row::Visible(number), _) => Record {
            id: number,
            word: format!("word {number:0>18}"),
            body: format!("{number} {}", "x".repeat(usize::try_from(number * 131 % LONGEST_BODY).unwrap())),
            code: (number % 3 != 0).then(|| i32::try_from(number % 97).unwrap()),
            flag: (number % 5 != 2).then_some(number % 2 == 0),
            region: "north",
        },
        (Row::Hidden(number), World::First) => Record {
            id: 1_000_000 + number,
            word: "canary".to_owned(),
            body: format!("canary {number:0>80}"),
            code: Some(i32::try_from(7_000_000 + number).unwrap()),
            flag: Some(true),
            region: "south",
        },
        (Row::Hidden(number), World::Second) => Record {
            id: -1 - number,
            word: format!("{number}"),
            body: "x".to_owned(),
            code: (number % 2 == 0).then_some(-5),
            flag: None,
            region: "east",
        },
    }
}

/// The table's columns in Delta's schema.
pub(super) fn fields() -> [Value; 6] {
    [
        field("id", "long"),
        field("word", "string"),
        field("body", "string"),
        field("code", "integer"),
        field("flag", "boolean"),
        field("region", "string"),
    ]
}

/// The rows as they stand in a file.
pub(super) fn batch_of(world: World, rows: &[Row]) -> RecordBatch {
    let records: Vec<Record> = rows.iter().map(|row| record(world, *row)).collect();
    batch(&[
        ("id", column::<Int64Array, _, _>(&records, |record| Some(record.id))),
        ("word", column::<StringArray, _, _>(&records, |record| Some(record.word.clone()))),
        ("body", column::<StringArray, _, _>(&records, |record| Some(record.body.clone()))),
        ("code", column::<Int32Array, _, _>(&records, |record| record.code)),
        ("flag", column::<BooleanArray, _, _>(&records, |record| record.flag)),
        ("region", column::<StringArray, _, _>(&records, |record| Some(record.region))),
    ])
}

/// A table with some files in one commit.
pub(super) fn table(world: World, group_rows: usize, files: &[Vec<Row>]) -> TableFiles {
    let mut table = TableWriter::new(&[plain_protocol(), metadata(&fields(), &[], json!({}))]);
    let actions: Vec<Value> = (0..)
        .zip(files)
        .map(|(number, rows)| {
            let path = format!("part-{number:0>3}.parquet");
            table.data_in_groups(&path, &batch_of(world, rows), group_rows)
        })
        .collect();
    table.commit(&actions);
    table.finish()
}
