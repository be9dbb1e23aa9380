//! The peer: the same server for a user without restrictions, over a copy that holds what the restricted user may see, and
//! nothing else.
//!
//! Both answers are computed by one engine, so that they differ in what the guard does and in nothing else; whether that engine
//! computes rightly is another test's question. A server with a fault is never the peer.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use serde_json::{Value, json};

use super::account::Account;
use super::arrays::array;
use super::cell::{Cell, Kind, Row};
use super::columns::Column;
use super::table::Table;
use crate::delta::TableFiles;
use crate::delta::writer::{TableWriter, batch, metadata, plain_protocol};

/// The name of the copy of what is visible of a table.
pub(super) fn seen(name: &str) -> String {
    format!("{name}_seen")
}

/// The name of the copy of all rows and cells of a table's visible columns.
pub(super) fn whole(name: &str) -> String {
    format!("{name}_whole")
}

/// Brings the copy of what is visible of a table.
pub(super) async fn bring_seen(account: &Account, name: &str, table: &Table) {
    account.lake().add(&seen(name), &copy_of(table, &table.seen_rows())).await;
}

/// Brings the copy of all rows and cells of a table's visible columns.
pub(super) async fn bring_whole(account: &Account, name: &str, table: &Table) {
    account.lake().add(&whole(name), &copy_of(table, &table.unguarded_rows())).await;
}

/// A table with the visible columns and one file.
fn copy_of(table: &Table, rows: &[Row]) -> TableFiles {
    let columns = table.visible_columns();
    let fields: Vec<Value> = columns.iter().map(|column| column.delta_field()).collect();
    let mut log = TableWriter::new(&[plain_protocol(), metadata(&fields, &[], json!({}))]);
    let stored: Vec<(&str, ArrayRef)> = columns
        .iter()
        .zip(&table.policy.visible)
        .map(|(column, position)| {
            let cells: Vec<&Cell> = rows.iter().map(|row| &row[*position]).collect();
            (column.spelling.as_str(), array(column.kind, &cells))
        })
        .collect();
    let add = log.data("part-0.parquet", &batch(&stored));
    log.commit(&[add]);
    log.finish()
}

/// Rows as a batch of some columns, in the types that the server shows.
///
/// # Arguments
/// * `positions` - where each of the columns stands in a row.
pub(super) fn batch_of(columns: &[&Column], positions: &[usize], rows: &[&Row]) -> RecordBatch {
    let arrays: Vec<(&str, ArrayRef)> = columns
        .iter()
        .zip(positions)
        .map(|(column, position)| {
            let cells: Vec<&Cell> = rows.iter().map(|row| &row[*position]).collect();
            let values = array(column.kind, &cells);
            let shown = match column.kind {
                // Text of its own column is read as views, text in structs is not.
                Kind::Text => cast(&values, &DataType::Utf8View).unwrap(),
                _ => values,
            };
            (column.name.as_str(), shown)
        })
        .collect();
    batch(&arrays)
}
