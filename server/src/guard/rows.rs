//! Row filters and cell filters: which rows of a batch may leave the room, and which of their cells.
//!
//! ```text
//! RowFilter ─▶ resolve columns, type constants ─▶ Predicate ─┬─▶ arrow kernels on each batch    (the decision)
//! (checked tree)      (leaf.rs, compile.rs)                  └─▶ logical expression for pruning (a shortcut)
//! ```
//!
//! Invariants
//! - A row is shown if the filter is TRUE for it. FALSE, NULL and any error hide; an error ends the query.
//! - Everything is decided when the policy is compiled: a column that is missing, ambiguous or of an unsupported type,
//!   or a constant of another type refuses the table (G6). Nothing is converted between text and number.
//! - The decision is made here, on every row, by arrow kernels and not by the engine's planner: no rule, statistic or
//!   cast can change it. Pruning may only skip rows that would be hidden anyway, never admit one.
//! - What leaves [`RowPolicy::apply`] holds no byte of a hidden row or cell, not even in a shared buffer (`compact.rs`).
//! - A cell is shown if its row is and the cell's own filter is TRUE ([`cells`]).
//!
//! Meaning of the comparisons, where engines differ
//! - Text is compared byte by byte, without trimming and without collation; `_` in LIKE is one character.
//! - Numbers are compared exactly. A constant between two values of its column's type lies between them; it is never
//!   rounded to one of them, but for a DOUBLE column, where it is the nearest double as in every engine.
//! - A constant that a FLOAT column cannot hold exactly is refused: engines compare it as float or as double, which
//!   differ at the bound.
//! - −0.0 equals 0.0. NaN compares as NULL, so it hides: for AWS's engines it is the largest value (Redshift) or
//!   comparable to nothing (Athena), and this is the answer that shows no more than both.
//! - A field of a NULL struct is NULL, whatever bytes stand below it.

mod cells;
mod compact;
mod compile;
mod constant;
mod evaluate;
mod leaf;
mod pruning;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::{and, filter_record_batch};
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::PhysicalExpr;

use self::cells::Cells;
use self::compact::{bytes_to_copy, compact};
use self::compile::{Predicate, compile};
use self::leaf::Leaf;
use crate::access::filter::RowFilter;
use crate::error::{Error, ErrorKind};

/// A filter compiled for one schema.
struct Condition {
    leaves: Vec<Leaf>,
    predicate: Predicate,
}

impl Condition {
    fn compile(filter: &RowFilter, schema: &Schema) -> Result<Self, RowPolicyError> {
        let (leaves, predicate) = compile(filter, schema)?;
        Ok(Self { leaves, predicate })
    }

    /// TRUE for each row for which the filter is TRUE, never NULL.
    fn true_rows(&self, batch: &RecordBatch) -> Result<BooleanArray, ArrowError> {
        evaluate::shown_rows(&self.predicate, &self.leaves, batch)
    }
}

/// The row filter and the cell filters of a table, compiled for one schema.
pub(crate) struct RowPolicy {
    /// Absent: all rows are shown.
    rows: Option<Condition>,
    cells: Cells,
}

impl RowPolicy {
    /// Compiles filters for batches of `schema`: the columns that are read, hidden ones included, under their logical
    /// names. Strings may have any of arrow's layouts, also another one than the batches will have.
    ///
    /// # Arguments
    /// * `row_filter` - absent: all rows are shown.
    /// * `cell_filters` - positions in `schema` of columns that are shown in some rows only, with the filters that say in
    ///   which.
    ///
    /// # Errors
    /// A [`RowPolicyError`] if a filter has no single meaning for this schema. The caller refuses the table.
    pub(crate) fn compile(
        row_filter: Option<&RowFilter>,
        cell_filters: &[(usize, &RowFilter)],
        schema: &Schema,
    ) -> Result<Self, RowPolicyError> {
        let rows = row_filter.map(|filter| Condition::compile(filter, schema)).transpose()?;
        Ok(Self { rows, cells: Cells::compile(cell_filters, schema)? })
    }

    /// The rows of a batch that may be shown, with all its columns, and NULL in the cells that may not.
    ///
    /// # Arguments
    /// * `narrowed_by` - a leak-proof predicate of the user; rows for which it is not TRUE are left out as well.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if the batch does not have the schema that the policy was compiled for, or a kernel
    /// fails. No row of the batch may be shown then.
    pub(crate) fn apply(
        &self,
        batch: &RecordBatch,
        narrowed_by: Option<&Arc<dyn PhysicalExpr>>,
    ) -> Result<RecordBatch, Error> {
        let failed = |error: ArrowError| Error::internal(format!("evaluating a row filter: {error}"));
        let shown = self.rows.as_ref().map(|rows| rows.true_rows(batch)).transpose().map_err(failed)?;
        let wanted = narrowed_by.map(|predicate| evaluate::true_rows(predicate, batch));
        let wanted = wanted.transpose().map_err(failed)?;
        let passing = match (shown, wanted) {
            (Some(shown), Some(wanted)) => Some(and(&shown, &wanted).map_err(failed)?),
            (Some(passing), None) | (None, Some(passing)) => Some(passing),
            (None, None) => None,
        };
        let kept = match passing {
            Some(passing) => filter_record_batch(batch, &passing)
                .map_err(|error| Error::internal(format!("dropping hidden rows: {error}")))?,
            None => batch.clone(),
        };
        let kept = self.cells.mask(kept).map_err(failed)?;
        compact(&kept).map_err(|error| Error::internal(format!("compacting a filtered batch: {error}")))
    }

    /// Bytes that [`apply`](Self::apply) copies of a batch, at the most: to be charged before.
    pub(crate) fn bytes_to_copy(&self, batch: &RecordBatch) -> usize {
        bytes_to_copy(batch)
    }

    /// A condition that every shown row meets, over the columns of the schema by name; absent if that is each row.
    ///
    /// For pruning files and row groups and for filters inside the inner scan. It is the filter itself, but that it may
    /// also let through rows with NaN or with a NULL struct. It never replaces [`apply`](Self::apply).
    pub(crate) fn pruning_expr(&self) -> Option<Expr> {
        self.rows.as_ref().map(|rows| pruning::expression(&rows.predicate, &rows.leaves))
    }
}

/// Why a filter has no single meaning for a schema. Closed; repeats neither names nor values of the filter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RowPolicyError {
    /// The table has no such column or field.
    UnknownColumn,
    /// More than one column or field answers to the name.
    AmbiguousColumn,
    /// A type that Lake Formation does not filter on.
    UnsupportedType,
    /// A `char(n)` column: engines disagree on whether its padding counts.
    PaddedText,
    /// The constant has another type than its column.
    ConstantType,
    /// The operator has no meaning for the column's type.
    Operator,
    /// A FLOAT column cannot hold the constant exactly.
    InexactFloat,
    /// The constant for a DATE column is no `YYYY-MM-DD`.
    Date,
}

impl fmt::Display for RowPolicyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::UnknownColumn => "the filter names a column that the table does not have",
            Self::AmbiguousColumn => "more than one column answers to a name in the filter",
            Self::UnsupportedType => "the filter compares a column of an unsupported type",
            Self::PaddedText => "the filter compares a char(n) column",
            Self::ConstantType => "the filter compares a column with a constant of another type",
            Self::Operator => "the filter uses an operator that its column's type does not have",
            Self::InexactFloat => "the filter compares a FLOAT column with a constant that it cannot hold",
            Self::Date => "the filter compares a DATE column with a constant that is no date",
        })
    }
}

impl std::error::Error for RowPolicyError {}

impl From<RowPolicyError> for Error {
    fn from(error: RowPolicyError) -> Self {
        Self::new(ErrorKind::Unsupported, "the row filter of this table cannot be enforced")
            .because(format!("row filter refused: {error}"))
    }
}
