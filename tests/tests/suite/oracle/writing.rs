//! A table as its Delta log and its Parquet files.
//!
//! The log knows bounds of some columns of some files. They are those of all rows of a file, deleted and hidden ones
//! included, as every writer of Delta leaves them.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::arrays::{array, date_text};
use super::cell::{Cell, Row};
use super::columns::Column;
use super::history::{Action, DataFile, Version};
use super::table::Table;
use crate::delta::TableFiles;
use crate::delta::vector;
use crate::delta::writer::{TableWriter, batch, metadata, protocol};

/// The files of a table, its log among them.
pub(super) fn files_of(table: &Table) -> TableFiles {
    let fields: Vec<Value> = table.columns.iter().map(Column::delta_field).collect();
    let partitions = table.columns.iter().filter(|column| column.is_partition());
    let partitions: Vec<&str> = partitions.map(|column| column.spelling.as_str()).collect();
    let configuration = json!({"delta.enableDeletionVectors": "true"});
    let mut log =
        TableWriter::new(&[protocol(&["deletionVectors"]), metadata(&fields, &partitions, configuration)]);
    let mut written = BTreeMap::new();
    for actions in &table.history.commits {
        let actions: Vec<Value> = actions
            .iter()
            .map(|action| match action {
                Action::Add(version) => {
                    let add = written.entry(version.file).or_insert_with(|| {
                        write(&mut log, &table.columns, &table.history.files, version.file)
                    });
                    with_vector("add", add.clone(), version)
                }
                Action::Remove(version) => with_vector("remove", removal_of(version.file), version),
            })
            .collect();
        log.commit(&actions);
    }
    log.finish()
}

fn path_of(file: usize) -> String {
    format!("part-{file}.parquet")
}

fn removal_of(file: usize) -> Value {
    json!({"remove": {
        "path": path_of(file), "deletionTimestamp": 1_700_000_000_000_u64, "dataChange": true,
    }})
}

fn with_vector(kind: &str, mut action: Value, version: &Version) -> Value {
    if !version.deleted.is_empty() {
        action[kind]["deletionVector"] = vector::inline(&version.deleted);
    }
    action
}

/// Writes a data file and gives its action.
fn write(log: &mut TableWriter, columns: &[Column], files: &[DataFile], file: usize) -> Value {
    let data = &files[file];
    let stored: Vec<_> = (0..)
        .zip(columns)
        .filter(|(_, column)| !column.is_partition())
        .map(|(position, column)| {
            let cells: Vec<&Cell> = cells_of(&data.rows, position).collect();
            (column.spelling.as_str(), array(column.kind, &cells))
        })
        .collect();
    let mut action = log.data_in_groups(&path_of(file), &batch(&stored), data.group_rows);
    let values: Map<String, Value> = (0..)
        .zip(columns)
        .filter(|(_, column)| column.is_partition())
        .map(|(position, column): (usize, _)| {
            (column.spelling.clone(), partition_value(&data.rows[0][position]))
        })
        .collect();
    action["add"]["partitionValues"] = Value::from(values);
    if !data.bounded.is_empty() {
        action["add"]["stats"] = Value::from(statistics(columns, data).to_string());
    }
    action
}

fn cells_of(rows: &[Row], position: usize) -> impl Iterator<Item = &Cell> {
    rows.iter().map(move |row| &row[position])
}

fn partition_value(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Whole(value) => Value::from(value.to_string()),
        Cell::Text(text) => Value::from(text.as_str()),
        other => panic!("tables are not partitioned by {other:?}"),
    }
}

fn statistics(columns: &[Column], data: &DataFile) -> Value {
    let (mut smallest, mut largest, mut nulls) = (Map::new(), Map::new(), Map::new());
    for position in &data.bounded {
        let name = &columns[*position].spelling;
        let known: Vec<&Cell> = cells_of(&data.rows, *position).filter(|cell| **cell != Cell::Null).collect();
        nulls.insert(name.clone(), json!(data.rows.len() - known.len()));
        if let Some(cell) = known.iter().copied().min_by(|left, right| order(left, right)) {
            smallest.insert(name.clone(), bound(cell));
        }
        if let Some(cell) = known.iter().copied().max_by(|left, right| order(left, right)) {
            largest.insert(name.clone(), bound(cell));
        }
    }
    json!({
        "numRecords": data.rows.len(), "minValues": smallest, "maxValues": largest, "nullCount": nulls,
    })
}

fn order(left: &Cell, right: &Cell) -> Ordering {
    match (left, right) {
        (Cell::Whole(left), Cell::Whole(right)) => left.cmp(right),
        (Cell::Text(left), Cell::Text(right)) => left.cmp(right),
        (Cell::Double(left), Cell::Double(right)) => left.total_cmp(right),
        (Cell::Decimal(left), Cell::Decimal(right)) => left.cmp(right),
        (Cell::Date(left), Cell::Date(right)) => left.cmp(right),
        other => panic!("without an order: {other:?}"),
    }
}

fn bound(cell: &Cell) -> Value {
    match cell {
        Cell::Whole(value) => json!(value),
        Cell::Text(text) => json!(text),
        Cell::Double(value) => json!(value),
        // Hundredths of this size have one shortest spelling as a double, which is their decimal one.
        Cell::Decimal(hundredths) => json!(*hundredths as f64 / 100.0),
        Cell::Date(days) => json!(date_text(*days)),
        other => panic!("without bounds: {other:?}"),
    }
}
