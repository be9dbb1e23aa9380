//! The peer: a bare engine over a copy that holds what the restricted user may see, and nothing else.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;

use super::arrays::array;
use super::cell::{Cell, Kind, Row};
use super::columns::Column;
use super::table::Table;
use crate::delta::peer::Peer;
use crate::delta::writer::batch;

/// See the file's head.
///
/// # Arguments
/// * `name` - the table's name in Glue, so that both sides read the same text.
pub(super) fn peer_of(table: &Table, name: &str) -> Peer {
    Peer::of_rows(name, visible_batch(table, &table.seen_rows()))
}

/// Rows of a table with its visible columns.
pub(super) fn visible_batch(table: &Table, rows: &[Row]) -> RecordBatch {
    let rows: Vec<&Row> = rows.iter().collect();
    batch_of(&table.visible_columns(), &table.policy.visible, &rows)
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
