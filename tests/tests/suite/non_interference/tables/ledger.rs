//! A table of many types under a row filter, for probes that evaluate expressions.
//!
//! The worlds share the files' order of visible rows and nothing else: row groups, statistics, number and place of hidden rows
//! differ, and beside the filter's own column each world has a hidden one of another name, type and place.

mod records;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array,
    ListArray, RecordBatch, StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Field, Fields};
use serde_json::{Value, json};

use self::records::{Record, record};
use super::World;
use super::rows::{column, hidden, visible, woven};
use crate::delta::TableFiles;
use crate::delta::writer::{TableWriter, array, batch, field, metadata, plain_protocol, structure};

pub(super) const VISIBLE: &[&str] = &[
    "id", "kind", "divisor", "digits", "day", "amount", "bonus", "rate", "is_paid", "born", "seen", "price",
    "note", "tags", "address",
];

/// The table. Its files with visible rows follow one another in one order; files of hidden rows stand between them.
pub(super) fn files(world: World) -> TableFiles {
    let (group_rows, files) = match world {
        World::First => (
            64,
            vec![
                hidden(10_000..10_300),
                woven(0..200, 1, 1),
                woven(200..450, 5, 30),
                hidden(20_000..20_001),
                visible(450..500),
            ],
        ),
        World::Second => (
            1000,
            vec![
                [hidden(30_000..30_010), visible(0..200)].concat(),
                woven(200..450, 50, 4),
                [visible(450..500), hidden(40_000..44_000)].concat(),
                hidden(50_000..50_005),
            ],
        ),
    };
    let mut table = TableWriter::new(&[plain_protocol(), metadata(&fields(world), &[], json!({}))]);
    let actions: Vec<Value> = (0..)
        .zip(&files)
        .map(|(number, rows)| {
            let records: Vec<Record> = rows.iter().map(|row| record(world, *row)).collect();
            let path = format!("part-{number}.parquet");
            let mut action = table.data_in_groups(&path, &batch_of(world, &records), group_rows);
            if world == World::First {
                action["add"]["stats"] = Value::String(statistics(&records).to_string());
            }
            action
        })
        .collect();
    table.commit(&actions);
    table.finish()
}

/// What only the first world's log says of a file: bounds of a visible column over hidden rows, and of the hidden one that the
/// filter asks for.
fn statistics(records: &[Record]) -> Value {
    let (ids, regions) = (records.iter().map(|record| record.id), records.iter().map(|record| record.region));
    json!({
        "numRecords": records.len(),
        "minValues": {"id": ids.clone().min(), "region": regions.clone().min()},
        "maxValues": {"id": ids.max(), "region": regions.max()},
        "nullCount": {"id": 0, "region": 0},
    })
}

/// The columns in Delta's schema.
fn fields(world: World) -> Vec<Value> {
    let address = structure(&[field("city", "string"), field("zip", "integer")]);
    let mut fields = vec![
        field("id", "long"),
        field("kind", "string"),
        field("divisor", "long"),
        field("digits", "string"),
        field("day", "string"),
        field("amount", "long"),
        field("bonus", "integer"),
        field("rate", "double"),
        field("is_paid", "boolean"),
        field("born", "date"),
        field("seen", "timestamp"),
        field("price", "decimal(12,2)"),
        field("note", "string"),
        field("tags", array("long")),
        field("address", address),
        field("region", "string"),
    ];
    match world {
        World::First => fields.insert(4, field("secret", "string")),
        World::Second => fields.insert(0, field("margin", "long")),
    }
    fields
}

fn batch_of(world: World, records: &[Record]) -> RecordBatch {
    let price: Decimal128Array = records.iter().map(|record| record.price).collect();
    let price: ArrayRef = Arc::new(price.with_precision_and_scale(12, 2).unwrap());
    let seen: TimestampMicrosecondArray = records.iter().map(|record| record.seen).collect();
    let seen: ArrayRef = Arc::new(seen.with_timezone("UTC"));
    let other: (&str, ArrayRef) = match world {
        World::First => (
            "secret",
            column::<StringArray, _, _>(records, |record| Some(format!("canary {:0>100}", record.other))),
        ),
        World::Second => ("margin", column::<Int64Array, _, _>(records, |record| Some(record.other))),
    };
    batch(&[
        ("id", column::<Int64Array, _, _>(records, |record| Some(record.id))),
        ("kind", column::<StringArray, _, _>(records, |record| Some(record.kind.clone()))),
        ("divisor", column::<Int64Array, _, _>(records, |record| record.divisor)),
        ("digits", column::<StringArray, _, _>(records, |record| Some(record.digits.clone()))),
        ("day", column::<StringArray, _, _>(records, |record| Some(record.day.clone()))),
        ("amount", column::<Int64Array, _, _>(records, |record| Some(record.amount))),
        ("bonus", column::<Int32Array, _, _>(records, |record| record.bonus)),
        ("rate", column::<Float64Array, _, _>(records, |record| record.rate)),
        ("is_paid", column::<BooleanArray, _, _>(records, |record| record.is_paid)),
        ("born", column::<Date32Array, _, _>(records, |record| record.born)),
        ("seen", seen),
        ("price", price),
        ("note", column::<StringArray, _, _>(records, |record| record.note.clone())),
        ("tags", tags(records)),
        ("address", address(records)),
        ("region", column::<StringArray, _, _>(records, |record| record.region)),
        other,
    ])
}

fn tags(records: &[Record]) -> ArrayRef {
    let items: Int64Array = records.iter().flat_map(|record| record.tags.iter().copied()).collect();
    let offsets = OffsetBuffer::from_lengths(records.iter().map(|record| record.tags.len()));
    let item = Arc::new(Field::new("element", items.data_type().clone(), true));
    Arc::new(ListArray::new(item, offsets, Arc::new(items), None))
}

fn address(records: &[Record]) -> ArrayRef {
    let city = column::<StringArray, _, _>(records, |record| Some(record.city.clone()));
    let zip = column::<Int32Array, _, _>(records, |record| record.zip);
    let fields = Fields::from(vec![
        Field::new("city", city.data_type().clone(), true),
        Field::new("zip", zip.data_type().clone(), true),
    ]);
    Arc::new(StructArray::new(fields, vec![city, zip], None))
}
