//! Predicate and batch → the rows to show, by arrow kernels alone.
//!
//! AND, OR and NOT are Kleene's: NULL is "unknown". Both sides are always evaluated; there is no short cut that could
//! decide a row on one side only.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::kernels::cmp;
use arrow::compute::{and_kleene, is_null, like, not, or_kleene, prep_null_mask_filter};
use arrow::error::ArrowError;
use datafusion::physical_expr::PhysicalExpr;

use super::compile::{Predicate, Set};
use super::leaf::{Leaf, LeafValues};
use crate::access::filter::Comparison;
use crate::mutant::Mutant;

/// TRUE for each row to show, never NULL.
pub(super) fn shown_rows(
    predicate: &Predicate,
    leaves: &[Leaf],
    batch: &RecordBatch,
) -> Result<BooleanArray, ArrowError> {
    let values = leaves.iter().map(|leaf| leaf.read(batch)).collect::<Result<Vec<_>, _>>()?;
    let verdict = evaluate(predicate, &values)?;
    // Every test sees as many rows as its leaf; a shorter answer would be one about other rows.
    if verdict.len() != batch.num_rows() {
        return Err(ArrowError::ComputeError("a row filter answered for another number of rows".to_owned()));
    }
    Ok(known(verdict))
}

/// TRUE for each row for which a predicate of the engine is TRUE, never NULL.
pub(super) fn true_rows(
    predicate: &Arc<dyn PhysicalExpr>,
    batch: &RecordBatch,
) -> Result<BooleanArray, ArrowError> {
    verdict_of(predicate.as_ref(), batch).map(known)
}

/// FALSE in the place of NULL.
fn known(verdict: BooleanArray) -> BooleanArray {
    if Mutant::NullAsTrue.is_on() {
        return verdict.iter().map(|row| Some(row != Some(false))).collect();
    }
    if verdict.null_count() > 0 { prep_null_mask_filter(&verdict) } else { verdict }
}

fn verdict_of(predicate: &dyn PhysicalExpr, batch: &RecordBatch) -> Result<BooleanArray, ArrowError> {
    let verdict = predicate
        .evaluate(batch)
        .and_then(|verdict| verdict.into_array(batch.num_rows()))
        .map_err(|error| ArrowError::ExternalError(Box::new(error)))?;
    verdict.as_boolean_opt().cloned().ok_or_else(|| malformed("a test without a verdict"))
}

fn evaluate(predicate: &Predicate, values: &[LeafValues]) -> Result<BooleanArray, ArrowError> {
    match predicate {
        Predicate::And(operands) if Mutant::OrForAnd.is_on() => chain(operands, values, or_kleene),
        Predicate::And(operands) => chain(operands, values, and_kleene),
        Predicate::Or(operands) => chain(operands, values, or_kleene),
        Predicate::Not(operand) if Mutant::NotOfNullIsTrue.is_on() => not(&known(evaluate(operand, values)?)),
        Predicate::Not(operand) => not(&evaluate(operand, values)?),
        Predicate::Compare { leaf, op, value } => {
            let kernel = match op {
                Comparison::Equal => cmp::eq,
                Comparison::NotEqual => cmp::neq,
                Comparison::Less => cmp::lt,
                Comparison::LessOrEqual => cmp::lt_eq,
                Comparison::Greater => cmp::gt,
                Comparison::GreaterOrEqual => cmp::gt_eq,
            };
            kernel(comparable(values, *leaf)?, &value.datum)
        }
        Predicate::In { leaf, set } => contains(set, comparable(values, *leaf)?),
        Predicate::Like { leaf, pattern } => like(comparable(values, *leaf)?, &pattern.datum),
        Predicate::IsNull { leaf } => is_null(&leaf_values(values, *leaf)?.stored),
    }
}

fn chain(
    operands: &[Predicate],
    values: &[LeafValues],
    combine: fn(&BooleanArray, &BooleanArray) -> Result<BooleanArray, ArrowError>,
) -> Result<BooleanArray, ArrowError> {
    let mut operands = operands.iter();
    let first = operands.next().ok_or_else(|| malformed("an empty chain"))?;
    let mut verdict = evaluate(first, values)?;
    for operand in operands {
        verdict = combine(&verdict, &evaluate(operand, values)?)?;
    }
    Ok(verdict)
}

fn contains(set: &Set, values: &ArrayRef) -> Result<BooleanArray, ArrowError> {
    let batch = RecordBatch::try_new(set.schema.clone(), vec![values.clone()])?;
    verdict_of(&set.membership, &batch)
}

fn comparable(values: &[LeafValues], leaf: usize) -> Result<&ArrayRef, ArrowError> {
    leaf_values(values, leaf).map(|values| &values.comparable)
}

fn leaf_values(values: &[LeafValues], leaf: usize) -> Result<&LeafValues, ArrowError> {
    values.get(leaf).ok_or_else(|| malformed("a leaf that was not read"))
}

fn malformed(what: &str) -> ArrowError {
    ArrowError::ComputeError(format!("a row filter with {what}"))
}
