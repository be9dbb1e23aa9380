//! A table some of whose visible rows have cells that are hidden: two data cells filters, of which the narrower one has more
//! columns.
//!
//! Rows of the north are shown whole, but for the column that the filters ask for. Rows of the west are shown without level,
//! body, tags and place. There the worlds differ: by numbers that a division fails on, by texts that no cast takes, by
//! lengths, by values in the place of NULLs, and so by the bounds that log and row groups hold of these columns.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, ListArray, RecordBatch, StringArray, StructArray};
use arrow::datatypes::{Field, Fields, Int64Type};
use serde_json::{Value, json};

use super::rows::{Row, column, woven};
use super::{Part, Sight, World};
use crate::delta::TableFiles;
use crate::delta::writer::{TableWriter, array, batch, field, metadata, plain_protocol, structure};

/// What is shown of the north, and what of north and west.
pub(super) const SIGHT: Sight = Sight::Parts([
    Part { filter: "region = 'north'", columns: &["id", "word", "level", "body", "tags", "place"] },
    Part { filter: "region = 'north' or region = 'west'", columns: &["id", "word"] },
]);

/// Visible rows.
const ROWS: i64 = 900;

/// Rows of a row group.
const GROUP_ROWS: usize = 200;

struct Record {
    id: i64,
    word: String,
    level: Option<i64>,
    body: Option<String>,
    region: &'static str,
}

fn record(world: World, row: Row) -> Record {
    let (id, word, is_shown, region) = match row {
        Row::Visible(number) if number % 3 == 1 => (number, format!("word {}", number % 17), false, "west"),
        Row::Visible(number) => (number, format!("word {}", number % 17), true, "north"),
        Row::Hidden(number) => (5_000_000 + number, "canary".to_owned(), false, "south"),
    };
    let (level, body) = match (is_shown, world) {
        (true, _) => ((id % 7 != 3).then_some(id % 50 + 1), Some(format!("{}", id % 23))),
        (false, World::First) => (Some(9_000_000 + id), Some(format!("canary {id:0>60}"))),
        (false, World::Second) => (Some(0), (id % 2 == 0).then(|| "12".to_owned())),
    };
    Record { id, word, level, body, region }
}

fn batch_of(world: World, rows: &[Row]) -> RecordBatch {
    let records: Vec<Record> = rows.iter().map(|row| record(world, *row)).collect();
    let levels: ArrayRef = column::<Int64Array, _, _>(&records, |record| record.level);
    let bodies: ArrayRef = column::<StringArray, _, _>(&records, |record| record.body.clone());
    let tags = records.iter().map(|record| record.level.map(|level| vec![Some(level), None, Some(-level)]));
    let fields = Fields::from(vec![
        Field::new("level", levels.data_type().clone(), true),
        Field::new("body", bodies.data_type().clone(), true),
    ]);
    let place = StructArray::new(fields, vec![Arc::clone(&levels), Arc::clone(&bodies)], None);
    batch(&[
        ("id", column::<Int64Array, _, _>(&records, |record| Some(record.id))),
        ("word", column::<StringArray, _, _>(&records, |record| Some(record.word.clone()))),
        ("tags", Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(tags))),
        ("place", Arc::new(place)),
        ("level", levels),
        ("body", bodies),
        ("region", column::<StringArray, _, _>(&records, |record| Some(record.region))),
    ])
}

pub(super) fn files(world: World) -> TableFiles {
    let fields = [
        field("id", "long"),
        field("word", "string"),
        field("tags", array("long")),
        field("place", structure(&[field("level", "long"), field("body", "string")])),
        field("level", "long"),
        field("body", "string"),
        field("region", "string"),
    ];
    let mut table = TableWriter::new(&[plain_protocol(), metadata(&fields, &[], json!({}))]);
    let hidden = if world == World::First { 1 } else { 4 };
    let mut action =
        table.data_in_groups("part-0.parquet", &batch_of(world, &woven(0..ROWS, 5, hidden)), GROUP_ROWS);
    action["add"]["stats"] = statistics(world);
    table.commit(&[action]);
    table.finish()
}

/// What the log says of the levels counts hidden cells.
fn statistics(world: World) -> Value {
    let (least, most) = match world {
        World::First => (1, 9_000_000 + 5_000_000 + ROWS),
        World::Second => (0, 50),
    };
    let statistics =
        json!({"minValues": {"level": least}, "maxValues": {"level": most}, "nullCount": {"level": 0}});
    json!(statistics.to_string())
}
