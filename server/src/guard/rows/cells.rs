//! Cells: columns that show their values in some of the shown rows only.
//!
//! Why nothing gets out of a hidden cell
//! - All verdicts are taken from the batch as the table has it, before a single cell is hidden. A filter may so read
//!   columns that are hidden or masked themselves, and the order of columns means nothing.
//! - A cell is shown where its filter is TRUE. FALSE and NULL hide it, an error ends the query.
//! - Whoever calls this compacts the result: what a hidden cell held is then in no slot, buffer, dictionary or child.
//! - It happens inside the leaf, so every expression of the user's sees NULL. What would see more is kept out elsewhere: a
//!   masked column is nullable ([`columns`](super::super::columns)), has no statistics and takes no dynamic filters
//!   ([`barrier`](super::super::barrier)), and no predicate on it goes below ([`table`](super::super::table)).

use arrow::array::{Array, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::{not, nullif};
use arrow::datatypes::Schema;
use arrow::error::ArrowError;

use super::{Condition, RowPolicyError};
use crate::access::filter::RowFilter;

/// Which cells of a batch are shown. Without columns, all are.
pub(super) struct Cells {
    /// Each filter once: a policy has many columns and few filters.
    conditions: Vec<Condition>,
    /// Position of a column in the batch, and of its filter among the conditions.
    columns: Vec<(usize, usize)>,
}

impl Cells {
    /// # Arguments
    /// * `filters` - positions of columns in `schema`, with their filters.
    pub(super) fn compile(filters: &[(usize, &RowFilter)], schema: &Schema) -> Result<Self, RowPolicyError> {
        let mut distinct: Vec<&RowFilter> = Vec::new();
        let mut columns = Vec::with_capacity(filters.len());
        for (column, filter) in filters {
            let known = distinct.iter().position(|known| known == filter);
            columns.push((*column, known.unwrap_or(distinct.len())));
            if known.is_none() {
                distinct.push(filter);
            }
        }
        let conditions = distinct.into_iter().map(|filter| Condition::compile(filter, schema));
        Ok(Self { conditions: conditions.collect::<Result<_, _>>()?, columns })
    }

    /// The batch with NULL in its hidden cells. Their values are still in its buffers.
    pub(super) fn mask(&self, batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
        if self.columns.is_empty() {
            return Ok(batch);
        }
        let hidden = self.conditions.iter().map(|condition| not(&condition.true_rows(&batch)?));
        let hidden: Vec<BooleanArray> = hidden.collect::<Result<_, _>>()?;
        let mut columns = batch.columns().to_vec();
        for (column, condition) in &self.columns {
            let (Some(cells), Some(hidden)) = (columns.get_mut(*column), hidden.get(*condition)) else {
                return Err(ArrowError::SchemaError("a masked column that was not read".to_owned()));
            };
            *cells = nullif(cells, hidden)?;
            if cells.logical_null_count() < hidden.true_count() {
                return Err(ArrowError::ComputeError("a hidden cell kept its value".to_owned()));
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(batch.schema(), columns, &options)
    }
}
