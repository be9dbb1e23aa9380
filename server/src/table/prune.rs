//! Which files of a table can hold a row that a predicate lets through.
//!
//! Partition values and statistics answer together, in one evaluation over all files. A file of which the log knows too
//! little is kept: pruning only ever leaves out what cannot match.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, UInt64Array};
use arrow::compute::{cast, is_null};
use arrow::datatypes::DataType;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, ScalarValue};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;

use super::index::FileIndex;
use super::schema::TableColumns;

/// A predicate over a table's columns under their names in files.
pub(super) struct Pruning<'a> {
    pub(super) columns: &'a TableColumns,
    pub(super) files: &'a FileIndex,
}

impl Pruning<'_> {
    /// Positions of the columns whose statistics would help and were not loaded.
    pub(super) fn missing(&self, predicate: &Arc<dyn PhysicalExpr>) -> Vec<usize> {
        let mut missing: Vec<usize> = collect_columns(predicate)
            .iter()
            .filter_map(|column| self.columns.physical.index_of(column.name()).ok())
            .filter(|position| {
                let is_partition = self.columns.partitioned_by.contains(position);
                let is_flat = !self.columns.physical.field(*position).data_type().is_nested();
                is_flat && !is_partition && self.files.statistics(*position).is_none()
            })
            .collect();
        missing.sort_unstable();
        missing
    }

    /// For each file whether it must be read; None if all must. A predicate that cannot be evaluated over bounds (a cast
    /// of a text that is no number, say) leaves out nothing.
    pub(super) fn keep(&self, predicate: &Arc<dyn PhysicalExpr>) -> Option<Vec<bool>> {
        let schema = Arc::clone(&self.columns.physical);
        let pruning =
            PruningPredicateBuilder::new().with_file_schema(schema).try_build(Arc::clone(predicate)).ok()?;
        if pruning.always_true() {
            return None;
        }
        pruning.prune(self).ok()
    }

    fn partition(&self, column: &Column) -> Option<&ArrayRef> {
        let position = self.columns.physical.index_of(&column.name).ok()?;
        let place = self.columns.partitioned_by.iter().position(|partition| *partition == position)?;
        self.files.partitions.get(place)
    }

    fn statistics(&self, column: &Column) -> Option<Arc<super::statistics::ColumnStatistics>> {
        self.files.statistics(self.columns.physical.index_of(&column.name).ok()?)
    }
}

fn unsigned(counts: &Int64Array) -> Option<ArrayRef> {
    cast(counts, &DataType::UInt64).ok()
}

impl PruningStatistics for Pruning<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        match self.partition(column) {
            Some(values) => Some(Arc::clone(values)),
            None => self.statistics(column).map(|statistics| Arc::clone(&statistics.min)),
        }
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        match self.partition(column) {
            Some(values) => Some(Arc::clone(values)),
            None => self.statistics(column).map(|statistics| Arc::clone(&statistics.max)),
        }
    }

    fn num_containers(&self) -> usize {
        self.files.len()
    }

    /// A partition column is NULL in all rows of a file or in none.
    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let Some(values) = self.partition(column) else {
            return unsigned(&self.statistics(column)?.nulls);
        };
        let nulls = is_null(values).ok()?;
        let counts: UInt64Array = nulls
            .values()
            .iter()
            .zip(&self.files.rows)
            .map(
                |(is_null, rows)| {
                    if is_null { rows.and_then(|rows| u64::try_from(rows).ok()) } else { Some(0) }
                },
            )
            .collect();
        Some(Arc::new(counts))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        unsigned(&self.files.rows)
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
