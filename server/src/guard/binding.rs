//! A statement and the values of its parameters: one query for each row of values.
//!
//! All rows are brought to one type per parameter, so that all of their results have the columns that were announced. They
//! are planned one after the other, each when the one before it has ended: a plan over a large table is large itself.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use datafusion::common::{ParamValues, Result as PlanResult, ScalarValue};

use super::redact::from_datafusion;
use super::seal::SealedPlan;
use super::session::GuardedQuery;
use crate::error::{Error, ErrorKind};

/// Bytes of all rows in the types that the statement expects: a NULL takes the whole width of its type, and a column of NULLs
/// was sent without a byte.
const MAX_EXPECTED_BYTES: usize = 16 * 1024 * 1024;

/// What a value of a type without a width of its own is counted as, in bytes: its offset, or its view.
const TEXT_BYTES: usize = 16;

/// A query with all that it needs to run, once for each row of values.
pub(crate) struct BoundQuery {
    query: GuardedQuery,
    /// A column for each parameter, by position. `None` for a statement without parameters.
    values: Option<RecordBatch>,
}

impl BoundQuery {
    /// # Arguments
    /// * `values` - rows with a column for each parameter, by position; absent if the client bound none.
    /// * `expected` - the parameters' types, as far as the statement tells.
    ///
    /// # Errors
    /// If number or types do not fit, or the values are too large in these types.
    pub(super) fn new(
        query: GuardedQuery,
        values: Option<&RecordBatch>,
        expected: &[Option<DataType>],
    ) -> Result<Self, Error> {
        let given = values.map_or(0, RecordBatch::num_columns);
        if given == 0 && !query.runs() {
            return Ok(Self { query, values: None });
        }
        if given != expected.len() {
            let text = "the number of bound parameters differs from the statement's";
            return Err(Error::new(ErrorKind::InvalidRequest, text));
        }
        let rows = values.map_or(0, RecordBatch::num_rows);
        let widths = expected.iter().flatten().map(width).fold(0, usize::saturating_add);
        if widths.saturating_mul(rows) > MAX_EXPECTED_BYTES {
            let text = "the bound parameters are too large as the types that the statement takes";
            return Err(Error::new(ErrorKind::ResourceExhausted, text));
        }
        let values = values.map(|values| as_expected(values, expected)).transpose().map_err(does_not_fit)?;
        Ok(Self { query, values: values.filter(|values| values.num_columns() > 0) })
    }

    /// How often the statement runs.
    pub(crate) fn rows(&self) -> usize {
        self.values.as_ref().map_or(1, RecordBatch::num_rows)
    }

    /// The columns of the result: as they were announced before anything was bound, but for types that follow from values.
    ///
    /// # Errors
    /// What planning with the first row answers.
    pub(crate) fn schema(&self) -> Result<SchemaRef, Error> {
        Ok(self.row(0)?.schema())
    }

    /// The plan for one row.
    ///
    /// # Errors
    /// What planning answers.
    pub(crate) async fn seal(&self, row: usize) -> Result<SealedPlan, Error> {
        self.row(row)?.seal().await
    }

    fn row(&self, row: usize) -> Result<GuardedQuery, Error> {
        let Some(values) = &self.values else { return Ok(self.query.clone()) };
        let literals = values.columns().iter().map(|column| ScalarValue::try_from_array(column, row));
        let literals: Vec<ScalarValue> = literals.collect::<PlanResult<_>>().map_err(from_datafusion)?;
        self.query.with_values(ParamValues::from(literals))
    }
}

/// Bytes that a value takes whatever it is.
fn width(data_type: &DataType) -> usize {
    match data_type {
        DataType::FixedSizeBinary(bytes) => usize::try_from(*bytes).unwrap_or(usize::MAX),
        other => other.primitive_width().unwrap_or(TEXT_BYTES),
    }
}

fn does_not_fit(error: ArrowError) -> Error {
    Error::new(ErrorKind::InvalidRequest, "a bound parameter has a type that the statement cannot take")
        .because_quoting(error.to_string())
}

fn as_expected(values: &RecordBatch, expected: &[Option<DataType>]) -> Result<RecordBatch, ArrowError> {
    let columns = values.columns().iter().zip(expected);
    let columns = columns.map(|(column, expected)| column_as_expected(column, expected.as_ref()));
    let columns: Vec<ArrayRef> = columns.collect::<Result<_, _>>()?;
    let fields = columns.iter().map(|column| Field::new("", column.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let options = RecordBatchOptions::new().with_row_count(Some(values.num_rows()));
    RecordBatch::try_new_with_options(schema, columns, &options)
}

/// Values in the type that the statement expects, or in their own if that would change one: `id = 1.4` finds nothing, and not
/// the row whose id is 1. A type that cannot be inferred takes the values as they are.
fn column_as_expected(column: &ArrayRef, expected: Option<&DataType>) -> Result<ArrayRef, ArrowError> {
    let Some(expected) = expected.filter(|expected| !expected.is_null()) else {
        return Ok(Arc::clone(column));
    };
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let cast = cast_with_options(column, expected, &options)?;
    let is_exact = cast_with_options(&cast, column.data_type(), &options)
        .and_then(|back| not_distinct(&back, column))
        .is_ok_and(|equal| equal.true_count() == column.len());
    Ok(if is_exact { cast } else { Arc::clone(column) })
}
