//! Sums that tell how they were made.
//!
//! Among zeros stand `1e16`, `1` and `-1e16`. Where the first meets the third before the one is added the sum is 1; where the
//! one is added to either of them it is lost, and the sum is 0. With the three numbers in different batches, a sum of
//! floating-point numbers says how the batches were dealt to threads and where one batch ended, neither of which may follow
//! from what is hidden. All visible rows are in one file, so that a scan has no choice but the number of partitions.

use arrow::array::{Float64Array, Int64Array, RecordBatch, StringArray};
use serde_json::{Value, json};

use super::World;
use super::rows::{Row, column, hidden, visible};
use crate::delta::TableFiles;
use crate::delta::writer::{TableWriter, batch, field, metadata, plain_protocol};

pub(super) const VISIBLE: &[&str] = &["id", "value"];

/// Rows of a batch in the engine.
const BATCH: i64 = 8192;

/// Where the three numbers stand.
struct Places {
    plus: i64,
    one: i64,
    minus: i64,
}

/// Each at the head of a batch of its own. Dealt to two threads in turn, the first meets the third; one after the other they do
/// not.
const IN_THREE_BATCHES: Places = Places { plus: 0, one: BATCH, minus: 2 * BATCH };

/// The large ones in the first batch and the one in the second. Cut every 5000 rows, the one meets the negative number.
const IN_TWO_BATCHES: Places = Places { plus: 0, one: 9000, minus: 6000 };

struct Record {
    id: i64,
    value: f64,
    payload: String,
    region: &'static str,
}

/// # Arguments
/// * `width` - bytes of the hidden column, which no two rows have alike, so that no writer makes them fewer.
fn record(places: &Places, width: usize, row: Row) -> Record {
    let payload = |number: i64| match width {
        0 => String::new(),
        width => format!("{number:0>width$}"),
    };
    match row {
        Row::Visible(number) => {
            let value = match number {
                place if place == places.plus => 1e16,
                place if place == places.one => 1.0,
                place if place == places.minus => -1e16,
                _ => 0.0,
            };
            Record { id: number, value, payload: payload(number), region: "north" }
        }
        Row::Hidden(number) => {
            let id = -1 - number;
            Record { id, value: 1e300, payload: payload(id), region: "south" }
        }
    }
}

fn table(places: &Places, width: usize, group_rows: usize, files: &[Vec<Row>]) -> TableFiles {
    let fields = [
        field("id", "long"),
        field("value", "double"),
        field("payload", "string"),
        field("region", "string"),
    ];
    let mut table = TableWriter::new(&[plain_protocol(), metadata(&fields, &[], json!({}))]);
    let actions: Vec<Value> = (0..)
        .zip(files)
        .map(|(number, rows)| {
            let records: Vec<Record> = rows.iter().map(|row| record(places, width, *row)).collect();
            table.data_in_groups(&format!("part-{number}.parquet"), &batch_of(&records), group_rows)
        })
        .collect();
    table.commit(&actions);
    table.finish()
}

fn batch_of(records: &[Record]) -> RecordBatch {
    batch(&[
        ("id", column::<Int64Array, _, _>(records, |record| Some(record.id))),
        ("value", column::<Float64Array, _, _>(records, |record| Some(record.value))),
        ("payload", column::<StringArray, _, _>(records, |record| Some(record.payload.clone()))),
        ("region", column::<StringArray, _, _>(records, |record| Some(record.region))),
    ])
}

/// A hidden column makes the table large in one world alone.
pub(super) fn beside_a_wide_column(world: World) -> TableFiles {
    let width = match world {
        World::First => 0,
        World::Second => 64,
    };
    table(&IN_THREE_BATCHES, width, usize::MAX, &[visible(0..3 * BATCH)])
}

/// Hidden rows of the same file make the table large in one world alone.
pub(super) fn among_hidden_rows(world: World) -> TableFiles {
    let rows = match world {
        World::First => [visible(0..3 * BATCH), hidden(0..10)],
        World::Second => [visible(0..3 * BATCH), hidden(0..100_000)],
    };
    table(&IN_THREE_BATCHES, 0, usize::MAX, &[rows.concat()])
}

/// The table is large in both worlds; hidden rows are in the file of the visible ones or in a file of their own.
pub(super) fn beside_a_hidden_file(world: World) -> TableFiles {
    let shown = visible(0..3 * BATCH);
    let files = match world {
        World::First => vec![[shown, hidden(0..3 * BATCH)].concat()],
        World::Second => vec![shown, hidden(1..3 * BATCH)],
    };
    table(&IN_THREE_BATCHES, 64, usize::MAX, &files)
}

/// A writer that cuts row groups by bytes makes more of them the wider a hidden column is.
pub(super) fn in_row_groups(world: World) -> TableFiles {
    let (width, group_rows) = match world {
        World::First => (0, usize::MAX),
        World::Second => (64, 5000),
    };
    table(&IN_TWO_BATCHES, width, group_rows, &[visible(0..3 * BATCH)])
}
