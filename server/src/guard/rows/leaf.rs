//! A leaf: one column or struct field that a filter compares, found in the schema and read from a batch.
//!
//! Names are matched without regard to ASCII case, because Glue stores lower case and Delta does not; a name with more
//! than one reading is refused. Reading normalises what arrow lets vary: dictionaries are expanded, strings get the
//! layout that the constants have, a NULL struct makes its fields NULL, and NaN is NULL to comparisons.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::compute::{cast, nullif};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Float32Type, Float64Type, Schema};
use arrow::error::ArrowError;
use datafusion::common::Column;
use datafusion::functions::core::expr_fn::get_field;
use datafusion::logical_expr::Expr;

use super::RowPolicyError;
use crate::access::filter::ColumnPath;
use crate::mutant::Mutant;

/// Spark keeps the declared type of a `char(n)` or `varchar(n)` column in this metadata of its string field.
const DECLARED_TYPE_KEY: &str = "__CHAR_VARCHAR_TYPE_STRING";

/// One step from a list of fields to one of them.
#[derive(Clone, PartialEq, Eq)]
struct Step {
    index: usize,
    name: String,
}

/// A column or a field below it.
pub(super) struct Leaf {
    /// From the top-level column down; at least one.
    steps: Vec<Step>,
    /// The type that [`read`](Self::read) answers with: never a dictionary.
    data_type: DataType,
}

impl Leaf {
    /// Finds the one field that a path of the filter means.
    pub(super) fn resolve(path: &ColumnPath, schema: &Schema) -> Result<Self, RowPolicyError> {
        // A field's own name may hold a point: `a.b` may be the field `b` of `a` as well as a column `a.b`.
        let dotted = path.names().join(".");
        let mut readings = Vec::new();
        find_readings(schema.fields(), &dotted, &mut Vec::new(), &mut readings);
        let (steps, field) = match readings.pop() {
            None => return Err(RowPolicyError::UnknownColumn),
            Some(_) if !readings.is_empty() => return Err(RowPolicyError::AmbiguousColumn),
            Some(reading) => reading,
        };
        if !is_as_written(&steps, path) {
            return Err(RowPolicyError::UnknownColumn);
        }
        if is_padded_text(&field) {
            return Err(RowPolicyError::PaddedText);
        }
        let data_type = match field.data_type() {
            DataType::Dictionary(_, value_type) => value_type.as_ref().clone(),
            other => other.clone(),
        };
        Ok(Self { steps, data_type })
    }

    /// The type of the values.
    pub(super) fn data_type(&self) -> &DataType {
        &self.data_type
    }

    /// Whether both are the same place in the schema.
    pub(super) fn is_same_place(&self, other: &Self) -> bool {
        self.steps == other.steps
    }

    /// The values for the rows of a batch, normalised.
    ///
    /// # Errors
    /// The batch has another field at this place, or values of another type.
    pub(super) fn read(&self, batch: &RecordBatch) -> Result<LeafValues, ArrowError> {
        let (values, parents) = self.locate(batch).ok_or_else(mismatch)?;
        let values = self.with_expected_layout(values)?;
        let stored = match parents {
            Some(valid) => nullif(&values, &BooleanArray::new(!valid.inner(), None))?,
            None => values,
        };
        let comparable = without_nan(&stored)?;
        Ok(LeafValues { stored, comparable })
    }

    /// The array at this place and, for a field, which of its rows have a struct at all: arrow does not promise that a
    /// field is NULL where its struct is.
    fn locate(&self, batch: &RecordBatch) -> Option<(ArrayRef, Option<NullBuffer>)> {
        let (first, rest) = self.steps.split_first()?;
        let schema = batch.schema_ref();
        let mut values = named(schema.fields(), batch.columns(), first)?;
        let mut parents: Option<NullBuffer> = None;
        for step in rest {
            let parent = values.as_struct_opt()?;
            let child = named(parent.fields(), parent.columns(), step)?;
            parents = NullBuffer::union(parents.as_ref(), parent.nulls());
            values = child;
        }
        Some((values, parents))
    }

    fn with_expected_layout(&self, values: ArrayRef) -> Result<ArrayRef, ArrowError> {
        let actual = match values.data_type() {
            DataType::Dictionary(_, value_type) => value_type.as_ref(),
            other => other,
        };
        if *actual != self.data_type && !(is_text(actual) && is_text(&self.data_type)) {
            return Err(mismatch());
        }
        if *values.data_type() == self.data_type { Ok(values) } else { cast(&values, &self.data_type) }
    }

    /// The column and, for a field, each field on the way down to this place, for a plan over the schema.
    pub(super) fn expressions(&self) -> Vec<Expr> {
        let mut expressions: Vec<Expr> = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            expressions.push(match expressions.last() {
                Some(parent) => get_field(parent.clone(), step.name.as_str()),
                None => Expr::Column(Column::from_name(step.name.as_str())),
            });
        }
        expressions
    }
}

/// A leaf's values for the rows of one batch.
pub(super) struct LeafValues {
    /// As the table holds them: NaN is a value.
    pub(super) stored: ArrayRef,
    /// For comparisons: NaN is NULL.
    pub(super) comparable: ArrayRef,
}

/// Whether a type is one of arrow's layouts for text.
pub(super) fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Every way to read a dotted name, with the steps taken so far in `taken`.
fn find_readings(
    fields: &Fields,
    dotted: &str,
    taken: &mut Vec<Step>,
    found: &mut Vec<(Vec<Step>, FieldRef)>,
) {
    for (index, field) in fields.iter().enumerate() {
        let Some(rest) = strip_prefix_ignoring_case(dotted, field.name()) else {
            continue;
        };
        taken.push(Step { index, name: field.name().clone() });
        if rest.is_empty() {
            found.push((taken.clone(), Arc::clone(field)));
        }
        if let (Some(rest), DataType::Struct(children)) = (rest.strip_prefix('.'), field.data_type()) {
            find_readings(children, rest, taken, found);
        }
        taken.pop();
    }
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn is_as_written(steps: &[Step], path: &ColumnPath) -> bool {
    let names = path.names();
    names.len() == steps.len()
        && names.iter().zip(steps).all(|(name, step)| name.eq_ignore_ascii_case(&step.name))
}

fn is_padded_text(field: &Field) -> bool {
    let declared = field.metadata().get(DECLARED_TYPE_KEY);
    declared.is_some_and(|declared| declared.trim_start().to_ascii_lowercase().starts_with("char"))
}

/// The array at a step, if the field there has the name it had when the filter was compiled.
fn named(fields: &Fields, arrays: &[ArrayRef], step: &Step) -> Option<ArrayRef> {
    let field = fields.get(step.index)?;
    if *field.name() != step.name {
        return None;
    }
    arrays.get(step.index).map(Arc::clone)
}

fn without_nan(values: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let is_nan = match values.data_type() {
        DataType::Float32 => BooleanArray::from_unary(values.as_primitive::<Float32Type>(), f32::is_nan),
        DataType::Float64 => BooleanArray::from_unary(values.as_primitive::<Float64Type>(), f64::is_nan),
        _ => return Ok(Arc::clone(values)),
    };
    if is_nan.true_count() == 0 || Mutant::NanCompared.is_on() {
        Ok(Arc::clone(values))
    } else {
        nullif(values, &is_nan)
    }
}

fn mismatch() -> ArrowError {
    ArrowError::SchemaError("the batch is not of the schema that the row filter was compiled for".to_owned())
}
