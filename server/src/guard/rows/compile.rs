//! Filter and schema → predicate: every column found, every constant typed, every engine-dependent case decided.
//!
//! The shape of the tree stays: NOT is not pushed down and no comparison is turned around, so SQL's three-valued logic
//! holds by construction. Each comparison becomes one of five tests that arrow has a kernel for; one that can only have
//! one outcome becomes a comparison with the smallest value, which is still NULL for NULL.

use arrow::array::{ArrayRef, Scalar};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column, InListExpr};
use std::sync::Arc;

use super::RowPolicyError;
use super::constant::{self, Domain, Place};
use super::leaf::{Leaf, is_text};
use crate::access::filter::{ColumnPath, Comparison, Literal, RowFilter};

/// A filter over numbered leaves.
pub(super) enum Predicate {
    And(Vec<Predicate>),
    Or(Vec<Predicate>),
    Not(Box<Predicate>),
    Compare { leaf: usize, op: Comparison, value: Constant },
    In { leaf: usize, set: Set },
    Like { leaf: usize, pattern: Constant },
    IsNull { leaf: usize },
}

/// A typed constant, ready for a kernel.
pub(super) struct Constant {
    pub(super) scalar: ScalarValue,
    pub(super) datum: Scalar<ArrayRef>,
}

impl Constant {
    fn new(scalar: ScalarValue) -> Result<Self, RowPolicyError> {
        let datum = scalar.to_scalar().map_err(|_| RowPolicyError::ConstantType)?;
        Ok(Self { scalar, datum })
    }
}

/// A list of constants. The engine's membership test hashes long lists, which no arrow kernel does.
pub(super) struct Set {
    pub(super) scalars: Vec<ScalarValue>,
    /// Reads the only column of a batch of `schema`.
    pub(super) membership: InListExpr,
    pub(super) schema: SchemaRef,
}

impl Set {
    fn new(scalars: Vec<ScalarValue>, data_type: &DataType) -> Result<Self, RowPolicyError> {
        let schema = Arc::new(Schema::new(vec![Field::new("value", data_type.clone(), true)]));
        let values =
            ScalarValue::iter_to_array(scalars.iter().cloned()).map_err(|_| RowPolicyError::ConstantType)?;
        let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new("value", 0));
        let membership = InListExpr::try_new_from_array(column, values, false, &schema)
            .map_err(|_| RowPolicyError::ConstantType)?;
        Ok(Self { scalars, membership, schema })
    }
}

/// Compiles a filter. The predicate's leaves are positions in the list that comes with it.
pub(super) fn compile(filter: &RowFilter, schema: &Schema) -> Result<(Vec<Leaf>, Predicate), RowPolicyError> {
    let mut compiler = Compiler { schema, leaves: Vec::new() };
    let predicate = compiler.filter(filter)?;
    Ok((compiler.leaves, predicate))
}

struct Compiler<'a> {
    schema: &'a Schema,
    leaves: Vec<Leaf>,
}

impl Compiler<'_> {
    fn filter(&mut self, filter: &RowFilter) -> Result<Predicate, RowPolicyError> {
        match filter {
            RowFilter::And(operands) => Ok(Predicate::And(self.filters(operands)?)),
            RowFilter::Or(operands) => Ok(Predicate::Or(self.filters(operands)?)),
            RowFilter::Not(operand) => Ok(Predicate::Not(Box::new(self.filter(operand)?))),
            RowFilter::Compare { column, op, literal } => {
                let (leaf, data_type) = self.leaf(column)?;
                compare(leaf, &data_type, *op, literal)
            }
            RowFilter::Between { column, low, high } => {
                let (leaf, data_type) = self.leaf(column)?;
                Ok(Predicate::And(vec![
                    compare(leaf, &data_type, Comparison::GreaterOrEqual, low)?,
                    compare(leaf, &data_type, Comparison::LessOrEqual, high)?,
                ]))
            }
            RowFilter::In { column, list } => {
                let (leaf, data_type) = self.leaf(column)?;
                member(leaf, &data_type, list)
            }
            RowFilter::Like { column, pattern } => {
                let (leaf, data_type) = self.leaf(column)?;
                if !is_text(&data_type) {
                    return Err(RowPolicyError::Operator);
                }
                let pattern = Constant::new(constant::text_scalar(pattern, &data_type))?;
                Ok(Predicate::Like { leaf, pattern })
            }
            RowFilter::IsNull { column } => Ok(Predicate::IsNull { leaf: self.leaf(column)?.0 }),
        }
    }

    fn filters(&mut self, filters: &[RowFilter]) -> Result<Vec<Predicate>, RowPolicyError> {
        filters.iter().map(|filter| self.filter(filter)).collect()
    }

    /// The number of a leaf, one per place in the schema, and its type.
    fn leaf(&mut self, path: &ColumnPath) -> Result<(usize, DataType), RowPolicyError> {
        let leaf = Leaf::resolve(path, self.schema)?;
        let data_type = leaf.data_type().clone();
        if !is_supported(&data_type) {
            return Err(RowPolicyError::UnsupportedType);
        }
        let known = self.leaves.iter().position(|known| known.is_same_place(&leaf));
        let number = known.unwrap_or(self.leaves.len());
        if known.is_none() {
            self.leaves.push(leaf);
        }
        Ok((number, data_type))
    }
}

/// The types that Lake Formation documents for filters, and DATE, which it neither lists nor rejects. Not among them:
/// TIMESTAMP, which it rejects, BINARY, ARRAY, MAP and a whole STRUCT.
fn is_supported(data_type: &DataType) -> bool {
    let has_own_comparison =
        matches!(data_type, DataType::Boolean | DataType::Date32 | DataType::Float32 | DataType::Float64);
    has_own_comparison || is_text(data_type) || Domain::of(data_type).is_some()
}

fn compare(
    leaf: usize,
    data_type: &DataType,
    op: Comparison,
    literal: &Literal,
) -> Result<Predicate, RowPolicyError> {
    if let Some(domain) = Domain::of(data_type) {
        return compare_placed(leaf, &domain, op, domain.place(literal)?);
    }
    let value = match data_type {
        DataType::Float32 | DataType::Float64 => return compare_float(leaf, data_type, op, literal),
        DataType::Boolean if !matches!(op, Comparison::Equal | Comparison::NotEqual) => {
            return Err(RowPolicyError::Operator);
        }
        DataType::Boolean => constant::boolean(literal)?,
        DataType::Date32 => constant::date(literal)?,
        _ => constant::text(literal, data_type)?,
    };
    compare_scalar(leaf, op, value)
}

fn compare_scalar(leaf: usize, op: Comparison, value: ScalarValue) -> Result<Predicate, RowPolicyError> {
    Ok(Predicate::Compare { leaf, op, value: Constant::new(value)? })
}

/// Compares with a constant that need not be a value of the column: `x > 1.5` is `x > 1` among whole numbers.
fn compare_placed(
    leaf: usize,
    domain: &Domain<'_>,
    op: Comparison,
    place: Place,
) -> Result<Predicate, RowPolicyError> {
    let (op, value) = match (place, op) {
        (Place::At(value), op) => (op, value),
        (Place::After(floor), Comparison::Less | Comparison::LessOrEqual) => (Comparison::LessOrEqual, floor),
        (Place::After(floor), Comparison::Greater | Comparison::GreaterOrEqual) => {
            (Comparison::Greater, floor)
        }
        (Place::Above, Comparison::Less | Comparison::LessOrEqual)
        | (Place::Below, Comparison::Greater | Comparison::GreaterOrEqual)
        | (_, Comparison::NotEqual) => return always(leaf, domain),
        (Place::Above, Comparison::Greater | Comparison::GreaterOrEqual)
        | (Place::Below, Comparison::Less | Comparison::LessOrEqual)
        | (_, Comparison::Equal) => return never(leaf, domain),
    };
    compare_scalar(leaf, op, domain.scalar(value)?)
}

/// TRUE for every value, NULL for NULL.
fn always(leaf: usize, domain: &Domain<'_>) -> Result<Predicate, RowPolicyError> {
    compare_scalar(leaf, Comparison::GreaterOrEqual, domain.scalar(domain.min())?)
}

/// FALSE for every value, NULL for NULL.
fn never(leaf: usize, domain: &Domain<'_>) -> Result<Predicate, RowPolicyError> {
    compare_scalar(leaf, Comparison::Less, domain.scalar(domain.min())?)
}

/// Arrow's kernels order floats totally, with −0.0 below 0.0. Choosing the right zero makes both one number.
fn compare_float(
    leaf: usize,
    data_type: &DataType,
    op: Comparison,
    literal: &Literal,
) -> Result<Predicate, RowPolicyError> {
    let value = constant::float(literal, data_type)?;
    let value = match op {
        Comparison::Equal | Comparison::NotEqual if value == 0.0 => {
            let is_zero = Predicate::In { leaf, set: Set::new(zeros(data_type), data_type)? };
            return Ok(if op == Comparison::Equal { is_zero } else { Predicate::Not(Box::new(is_zero)) });
        }
        Comparison::Less | Comparison::GreaterOrEqual if value == 0.0 => -0.0,
        _ => value,
    };
    compare_scalar(leaf, op, constant::float_scalar(value, data_type))
}

fn zeros(data_type: &DataType) -> Vec<ScalarValue> {
    vec![constant::float_scalar(0.0, data_type), constant::float_scalar(-0.0, data_type)]
}

fn member(leaf: usize, data_type: &DataType, list: &[Literal]) -> Result<Predicate, RowPolicyError> {
    let mut values = Vec::with_capacity(list.len());
    for literal in list {
        if let Some(domain) = Domain::of(data_type) {
            // A constant that is no value of the column equals none of them.
            if let Place::At(value) = domain.place(literal)? {
                values.push(domain.scalar(value)?);
            }
            continue;
        }
        match data_type {
            DataType::Float32 | DataType::Float64 => match constant::float(literal, data_type)? {
                0.0 => values.extend(zeros(data_type)),
                value => values.push(constant::float_scalar(value, data_type)),
            },
            DataType::Boolean => values.push(constant::boolean(literal)?),
            DataType::Date32 => values.push(constant::date(literal)?),
            _ => values.push(constant::text(literal, data_type)?),
        }
    }
    match Domain::of(data_type) {
        Some(domain) if values.is_empty() => never(leaf, &domain),
        _ => Ok(Predicate::In { leaf, set: Set::new(values, data_type)? }),
    }
}
