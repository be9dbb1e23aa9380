//! Hidden values that widen the bounds of files and row groups.
//!
//! Behind many visible rows stand a few others, in a file or a row group of their own, one of which no division likes. Beside
//! them is one hidden row. In the first world it lies far above all visible ones, in the second among them; so a server that
//! leaves out files or row groups by their bounds leaves these rows out in the second world and reads them in the first,
//! where the query asks for numbers that only the hidden row has. The visible rows that are read then do not pass the query's
//! condition, but whatever else is evaluated on them may fail.

use arrow::array::{Int64Array, RecordBatch, StringArray};
use serde_json::{Value, json};

use super::World;
use super::rows::{Row, column, hidden, visible};
use crate::delta::TableFiles;
use crate::delta::writer::{TableWriter, batch, field, metadata, plain_protocol};

pub(super) const VISIBLE: &[&str] = &["id", "zero"];

/// Visible rows of the first file: more than two batches, so that a query knows something before it comes to the others.
const MANY: i64 = 20_000;

/// The row with a divisor of zero.
const POISON: i64 = 150;

struct Record {
    id: i64,
    zero: i64,
    region: &'static str,
}

fn record(world: World, row: Row) -> Record {
    match (row, world) {
        (Row::Visible(number), _) => {
            Record { id: number, zero: i64::from(number != POISON), region: "north" }
        }
        (Row::Hidden(_), World::First) => Record { id: 1_000_000, zero: 1, region: "south" },
        (Row::Hidden(_), World::Second) => Record { id: 120, zero: 1, region: "south" },
    }
}

fn records(world: World, rows: &[Row]) -> Vec<Record> {
    rows.iter().map(|row| record(world, *row)).collect()
}

fn many() -> Vec<Row> {
    visible(10_000..10_000 + MANY)
}

fn few() -> Vec<Row> {
    [visible(100..200), hidden(0..1)].concat()
}

/// In two files, whose bounds are in the log.
pub(super) fn of_files(world: World) -> TableFiles {
    let mut table = new_table();
    let actions: Vec<Value> = (0..)
        .zip([many(), few()])
        .map(|(number, rows)| {
            let records = records(world, &rows);
            let mut action = table.data(&format!("part-{number}.parquet"), &batch_of(&records));
            action["add"]["stats"] = Value::String(statistics(&records).to_string());
            action
        })
        .collect();
    table.commit(&actions);
    table.finish()
}

/// In two row groups of one file, whose bounds are in its footer.
pub(super) fn of_row_groups(world: World) -> TableFiles {
    let mut table = new_table();
    let records = records(world, &[many(), few()].concat());
    let group_rows = usize::try_from(MANY).unwrap();
    let action = table.data_in_groups("part-0.parquet", &batch_of(&records), group_rows);
    table.commit(&[action]);
    table.finish()
}

fn new_table() -> TableWriter {
    let fields = [field("id", "long"), field("zero", "long"), field("region", "string")];
    TableWriter::new(&[plain_protocol(), metadata(&fields, &[], json!({}))])
}

fn batch_of(records: &[Record]) -> RecordBatch {
    batch(&[
        ("id", column::<Int64Array, _, _>(records, |record| Some(record.id))),
        ("zero", column::<Int64Array, _, _>(records, |record| Some(record.zero))),
        ("region", column::<StringArray, _, _>(records, |record| Some(record.region))),
    ])
}

fn statistics(records: &[Record]) -> Value {
    let ids = records.iter().map(|record| record.id);
    json!({
        "numRecords": records.len(),
        "minValues": {"id": ids.clone().min()},
        "maxValues": {"id": ids.max()},
        "nullCount": {"id": 0},
    })
}
