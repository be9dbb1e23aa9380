//! Decimals beside doubles and beside longer decimals: the type in which they are compared, and that of a column of both.
//!
//! The engine's fault: it compares and unites a decimal and a double as decimal(30, 15), which cuts most doubles and cannot hold
//! the large ones, and two decimals as one of 38 digits, whether their values fit or not. Here both are doubles, as the SQL
//! standard and other engines have it; a constant double beside decimals is the decimal that was written; and decimals that
//! need more than 38 digits together are compared with 76.

use std::sync::Arc;

use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DECIMAL256_MAX_PRECISION, DataType};
use datafusion::common::{Column, DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::{InSubquery, ScalarFunction, SetComparison};
use datafusion::logical_expr::expr_schema::cast_subquery;
use datafusion::logical_expr::{
    BinaryExpr, Cast, Expr, ExprSchemable, Join, LogicalPlan, Operator, Projection, Union,
};

use super::zeros;
use crate::planner::time;

/// Functions that give one of their arguments, from which one on. `nullif` compares them too.
const UNITING: &[(&str, usize)] = &[
    ("coalesce", 0),
    ("greatest", 0),
    ("least", 0),
    ("nvl", 0),
    ("nvl2", 1),
    ("nullif", 0),
    ("make_array", 0),
];

/// What expressions of several types are brought together for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To be compared: the result has another type.
    Compare,
    /// To be values of one column.
    Unite,
}

/// The expression, its decimals and doubles brought together.
pub(super) fn of_expr(mut expr: Expr, schema: &DFSchema) -> Result<Expr> {
    let bring = |purpose: Purpose, sides: Vec<&mut Expr>| bring(purpose, sides, |side| side.get_type(schema));
    match &mut expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if compares(*op) => {
            bring(Purpose::Compare, vec![left.as_mut(), right.as_mut()])?;
        }
        Expr::Between(between) => {
            let sides = vec![between.expr.as_mut(), between.low.as_mut(), between.high.as_mut()];
            bring(Purpose::Compare, sides)?;
        }
        Expr::InList(list) => {
            bring(Purpose::Compare, std::iter::once(list.expr.as_mut()).chain(&mut list.list).collect())?;
            let mut types =
                std::iter::once(list.expr.as_ref()).chain(&list.list).map(|side| side.get_type(schema));
            if types.any(|found| found.is_ok_and(|found| is_float(&found))) {
                zeros::with_both(&mut list.list);
            }
        }
        Expr::Case(case) => {
            if let Some(operand) = &mut case.expr {
                if is_float(&operand.get_type(schema)?) {
                    zeros::with_both_branches(&mut case.when_then_expr);
                }
                let whens = case.when_then_expr.iter_mut().map(|(when, _)| when.as_mut());
                bring(Purpose::Compare, std::iter::once(operand.as_mut()).chain(whens).collect())?;
            }
            let thens = case.when_then_expr.iter_mut().map(|(_, then)| then.as_mut());
            bring(Purpose::Unite, thens.chain(case.else_expr.as_deref_mut()).collect())?;
        }
        Expr::ScalarFunction(ScalarFunction { func, args }) => {
            if let Some((_, from)) = UNITING.iter().find(|(name, _)| *name == func.name()) {
                bring(Purpose::Unite, args.iter_mut().skip(*from).collect())?;
            }
        }
        Expr::InSubquery(InSubquery { expr, subquery, .. })
        | Expr::SetComparison(SetComparison { expr, subquery, .. }) => {
            if let [column] = subquery.subquery.schema().fields().as_ref() {
                let types = [expr.get_type(schema)?, column.data_type().clone()];
                if let Some(common) = common_type(Purpose::Compare, &types) {
                    cast(expr, &types[0], &common);
                    *subquery = cast_subquery(subquery.clone(), &common)?;
                }
            }
        }
        _ => {}
    }
    Ok(expr)
}

fn compares(op: Operator) -> bool {
    matches!(
        op,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    )
}

/// The node, the keys of a join and the columns of a union brought together.
pub(super) fn of_node(plan: LogicalPlan) -> Result<LogicalPlan> {
    match plan {
        LogicalPlan::Join(mut join) => {
            of_keys(&mut join)?;
            Ok(LogicalPlan::Join(join))
        }
        LogicalPlan::Union(mut union) => {
            of_columns(&mut union)?;
            Ok(LogicalPlan::Union(union))
        }
        other => Ok(other),
    }
}

fn of_keys(join: &mut Join) -> Result<()> {
    for (left, right) in &mut join.on {
        let types = [left.get_type(join.left.schema())?, right.get_type(join.right.schema())?];
        if let Some(common) = common_type(Purpose::Compare, &types) {
            cast(left, &types[0], &common);
            cast(right, &types[1], &common);
        }
    }
    Ok(())
}

fn of_columns(union: &mut Union) -> Result<()> {
    let columns = union.inputs.iter().map(|input| input.schema().fields().len()).min().unwrap_or(0);
    let common: Vec<Option<DataType>> = (0..columns)
        .map(|place| {
            let types = union.inputs.iter().map(|input| input.schema().field(place).data_type().clone());
            common_type(Purpose::Unite, &types.collect::<Vec<_>>())
        })
        .collect();
    if common.iter().all(Option::is_none) {
        return Ok(());
    }
    for input in &mut union.inputs {
        let columns = input.schema().iter().zip(&common).map(|((relation, field), common)| {
            let mut column = Expr::Column(Column::from((relation, field)));
            if let Some(common) = common {
                cast(&mut column, field.data_type(), common);
            }
            column.alias_qualified(relation.cloned(), field.name())
        });
        *input =
            Arc::new(LogicalPlan::Projection(Projection::try_new(columns.collect(), Arc::clone(input))?));
    }
    // The engine brings the columns together with those that the union had before.
    *union = Union::try_new_with_loose_types(std::mem::take(&mut union.inputs))?;
    Ok(())
}

fn bring(
    purpose: Purpose,
    mut sides: Vec<&mut Expr>,
    type_of: impl Fn(&Expr) -> Result<DataType>,
) -> Result<()> {
    let mut types = sides.iter().map(|side| type_of(side)).collect::<Result<Vec<_>>>()?;
    if !types.iter().any(is_decimal) && time::common_moment(&types).is_none() {
        return Ok(());
    }
    let is_written = |(side, found): (&&mut Expr, &DataType)| !is_float(found) || written(side).is_some();
    if sides.iter().zip(&types).all(is_written) {
        for (side, found) in sides.iter_mut().zip(&mut types).filter(|(_, found)| is_float(found)) {
            if let Some(decimal) = written(side) {
                *found = decimal.data_type();
                **side = Expr::Literal(decimal, None);
            }
        }
    }
    if let Some(common) = common_type(purpose, &types) {
        for (side, found) in sides.into_iter().zip(&types) {
            cast(side, found, &common);
        }
    }
    Ok(())
}

/// The decimal that a constant double was written as.
fn written(expr: &Expr) -> Option<ScalarValue> {
    match expr {
        Expr::Literal(ScalarValue::Float64(Some(number)), _) => as_written(*number),
        _ => None,
    }
}

/// The decimal that a double was written as: the shortest one that is read as this double.
fn as_written(number: f64) -> Option<ScalarValue> {
    let text = number.to_string();
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    let digits = text.replace(['.', '-'], "");
    let precision = u8::try_from(digits.trim_start_matches('0').len().max(fraction.len()).max(1)).ok()?;
    let scale = i8::try_from(fraction.len()).ok()?;
    let value: i128 = text.replace('.', "").parse().ok()?;
    (precision <= DECIMAL128_MAX_PRECISION).then_some(ScalarValue::Decimal128(Some(value), precision, scale))
}

fn cast(side: &mut Expr, found: &DataType, common: &DataType) {
    if found != common && !found.is_null() {
        let inner = std::mem::take(side);
        *side = Expr::Cast(Cast::new(Box::new(inner), common.clone()));
    }
}

/// The type in which values of these are brought together, if the engine would take one that does not hold them.
fn common_type(purpose: Purpose, types: &[DataType]) -> Option<DataType> {
    if let Some(moment) = time::common_moment(types) {
        return Some(moment);
    }
    if !types.iter().any(is_decimal) || !types.iter().all(|found| found.is_numeric() || found.is_null()) {
        return None;
    }
    if types.contains(&DataType::Float64) {
        return Some(DataType::Float64);
    }
    if types.iter().any(is_float) {
        return Some(DataType::Float32);
    }
    if purpose == Purpose::Unite {
        return None;
    }
    let digits: Vec<(i16, i16)> = types.iter().filter_map(digits).collect();
    let whole = digits.iter().map(|(whole, _)| *whole).max()?;
    let scale = digits.iter().map(|(_, scale)| *scale).max()?;
    let precision = u8::try_from(whole + scale).ok()?;
    let is_long = precision > DECIMAL128_MAX_PRECISION && precision <= DECIMAL256_MAX_PRECISION;
    is_long.then_some(DataType::Decimal256(precision, i8::try_from(scale).ok()?))
}

/// Digits before and behind the point.
fn digits(data_type: &DataType) -> Option<(i16, i16)> {
    match data_type {
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => {
            Some((i16::from(*precision) - i16::from(*scale), i16::from(*scale)))
        }
        other => whole_digits(other).map(|digits| (digits, 0)),
    }
}

/// How many digits integers of a type have.
pub(super) fn whole_digits(data_type: &DataType) -> Option<i16> {
    match data_type {
        DataType::Int8 | DataType::UInt8 => Some(3),
        DataType::Int16 | DataType::UInt16 => Some(5),
        DataType::Int32 | DataType::UInt32 => Some(10),
        DataType::Int64 => Some(19),
        DataType::UInt64 => Some(20),
        _ => None,
    }
}

fn is_decimal(data_type: &DataType) -> bool {
    data_type.is_decimal()
}

fn is_float(data_type: &DataType) -> bool {
    data_type.is_floating()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_double_is_the_decimal_that_was_written() {
        for (number, value, precision, scale) in [
            (144_993.93, 14_499_393, 8, 2),
            (-0.05, -5, 2, 2),
            (2.0, 2, 1, 0),
            (0.0, 0, 1, 0),
            (1e20, 100_000_000_000_000_000_000, 21, 0),
        ] {
            let decimal = ScalarValue::Decimal128(Some(value), precision, scale);
            assert_eq!(as_written(number), Some(decimal), "{number}");
        }
        for number in [f64::NAN, f64::INFINITY, 1e300, 1e-300] {
            assert_eq!(as_written(number), None, "{number}");
        }
    }

    #[test]
    fn a_type_holds_all_values_that_are_compared_in_it() {
        let decimal = DataType::Decimal128;
        let compared = |types: &[DataType]| common_type(Purpose::Compare, types);
        assert_eq!(compared(&[decimal(10, 2), decimal(20, 4)]), None);
        assert_eq!(compared(&[decimal(38, 0), decimal(38, 38)]), Some(DataType::Decimal256(76, 38)));
        assert_eq!(compared(&[DataType::Int64, decimal(38, 38)]), Some(DataType::Decimal256(57, 38)));
        assert_eq!(compared(&[decimal(10, 2), DataType::Float64]), Some(DataType::Float64));
        assert_eq!(compared(&[DataType::Int64, DataType::Float64]), None);
    }
}
