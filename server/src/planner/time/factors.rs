//! Intervals times and divided by numbers.
//!
//! The engine's fault: it has a product of the two, but finds no type for it, and has no quotient. Here what is left of months goes
//! on in days, and of days in hours, as in PostgreSQL; a month has 30 days and a day 24 hours, as where intervals are compared.

use std::sync::Arc;

use arrow::array::{AsArray, IntervalMonthDayNanoArray};
use arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, IntervalMonthDayNano, IntervalMonthDayNanoType,
    IntervalUnit,
};
use arrow::error::ArrowError;
use datafusion::common::{DFSchema, DataFusionError, Result, ScalarValue, internal_err};
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    BinaryExpr, Cast, ColumnarValue, Expr, ExprSchemable, Operator, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::intervals::{NANOS_OF_DAY, in_days};
use crate::error::{Error, ErrorKind};

/// Calls within one another name all that they hold whenever they are asked for their type, and a chain of operators may be long.
const TWICE: &str = "an interval is multiplied or divided once in an expression: write interval '1 day' * (2 * n) for two factors";

const INTERVAL: DataType = DataType::Interval(IntervalUnit::MonthDayNano);
/// Digits that a double is taken with behind its point.
const DIGITS_OF_DOUBLES: i8 = 12;

/// Plans the operators: see the file's head.
#[derive(Debug)]
pub(crate) struct IntervalFactors;

impl ExprPlanner for IntervalFactors {
    fn plan_binary_op(&self, raw: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let is_divided = match raw.op {
            BinaryOperator::Multiply => false,
            BinaryOperator::Divide => true,
            _ => return Ok(PlannerResult::Original(raw)),
        };
        let RawBinaryExpr { op, left, right } = raw;
        if let Some(found) = interval_type(&left, schema)
            && let Some(number) = number(&right, schema)
        {
            return scaled_call(left, &found, number, is_divided);
        }
        if !is_divided
            && let Some(found) = interval_type(&right, schema)
            && let Some(number) = number(&left, schema)
        {
            return scaled_call(right, &found, number, is_divided);
        }
        Ok(PlannerResult::Original(RawBinaryExpr { op, left, right }))
    }
}

/// The type of an expression, if it is an interval or a difference of timestamps.
fn interval_type(expr: &Expr, schema: &DFSchema) -> Option<DataType> {
    // A product that is left to the engine is a number, and a long chain of them is not walked for each of its factors.
    let is_number = matches!(expr, Expr::BinaryExpr(BinaryExpr { op, .. })
        if matches!(op, Operator::Multiply | Operator::Divide | Operator::Modulo));
    let found = if is_number { None } else { expr.get_type(schema).ok() };
    found.filter(|found| matches!(found, DataType::Interval(_) | DataType::Duration(_)))
}

/// A number as a decimal, and whether it is an integer.
fn number(expr: &Expr, schema: &DFSchema) -> Option<(Expr, bool)> {
    // What is bound may have a fraction, or none.
    if matches!(expr, Expr::Placeholder(Placeholder { field: None, .. })) {
        return None;
    }
    let found = expr.get_type(schema).ok()?;
    let decimal = match &found {
        DataType::Decimal128(..) => found.clone(),
        integer if integer.is_integer() || integer.is_null() => {
            DataType::Decimal128(DECIMAL128_MAX_PRECISION, 0)
        }
        float if float.is_floating() => DataType::Decimal128(DECIMAL128_MAX_PRECISION, DIGITS_OF_DOUBLES),
        _ => return None,
    };
    Some((cast(expr.clone(), &found, decimal), found.is_integer()))
}

fn cast(expr: Expr, found: &DataType, wanted: DataType) -> Expr {
    if *found == wanted { expr } else { Expr::Cast(Cast::new(Box::new(expr), wanted)) }
}

fn scaled_call(
    interval: Expr,
    found: &DataType,
    (number, is_integer): (Expr, bool),
    is_divided: bool,
) -> Result<PlannerResult<RawBinaryExpr>> {
    if matches!(&interval, Expr::ScalarFunction(call) if call.func.inner().is::<Scaled>()) {
        return Err(Error::new(ErrorKind::InvalidRequest, TWICE).into());
    }
    let interval = match found {
        DataType::Duration(_) => in_days(interval),
        _ => cast(interval, found, INTERVAL),
    };
    let signature = Signature::any(2, Volatility::Immutable);
    let scaled = Scaled { is_divided, keeps_days: is_integer && !is_divided, signature };
    Ok(PlannerResult::Planned(ScalarUDF::from(scaled).call(vec![interval, number])))
}

/// See the file's head.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Scaled {
    is_divided: bool,
    keeps_days: bool,
    signature: Signature,
}

impl Scaled {
    fn applied(
        &self,
        interval: IntervalMonthDayNano,
        number: i128,
        one: i128,
    ) -> Result<IntervalMonthDayNano> {
        let (factor, divisor) = if self.is_divided { (one, number) } else { (number, one) };
        if divisor == 0 {
            return Err(ArrowError::DivideByZero.into());
        }
        let no_room = || ArrowError::ArithmeticOverflow("an interval has no room".to_owned());
        scaled(interval, factor, divisor).ok_or_else(|| DataFusionError::from(no_room()))
    }
}

/// The interval, if a call makes one that has no hours where the other has none.
pub(super) fn kept_days<'a>(function: &ScalarUDF, arguments: &'a [Expr]) -> Option<&'a Expr> {
    let scaled = function.inner().downcast_ref::<Scaled>()?;
    if scaled.keeps_days { arguments.first() } else { None }
}

impl ScalarUDFImpl for Scaled {
    fn name(&self) -> &'static str {
        if self.is_divided { "interval_quotient" } else { "interval_product" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(INTERVAL)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [intervals, numbers] = args.args.as_slice() else {
            return internal_err!("an interval and a number");
        };
        let is_constant = args.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let (intervals, numbers) = (intervals.to_array(rows)?, numbers.to_array(rows)?);
        let one = match numbers.data_type() {
            DataType::Decimal128(_, scale) => u32::try_from(*scale).ok().and_then(|s| 10_i128.checked_pow(s)),
            _ => None,
        };
        let Some(one) = one else { return internal_err!("a decimal") };
        let intervals = intervals.as_primitive::<IntervalMonthDayNanoType>();
        let numbers = numbers.as_primitive::<Decimal128Type>();
        let pairs = intervals.iter().zip(numbers.iter());
        let scaled = pairs
            .map(|pair| match pair {
                (Some(interval), Some(number)) => self.applied(interval, number, one).map(Some),
                _ => Ok(None),
            })
            .collect::<Result<IntervalMonthDayNanoArray>>()?;
        Ok(match is_constant {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&scaled, 0)?),
            false => ColumnarValue::Array(Arc::new(scaled)),
        })
    }
}

/// `interval × factor ÷ divisor`; `None` if a part has no room.
fn scaled(interval: IntervalMonthDayNano, factor: i128, divisor: i128) -> Option<IntervalMonthDayNano> {
    let times = |part: i128, rest: i128, size: i128| {
        part.checked_mul(factor)?.checked_add((rest % divisor).checked_mul(size)?)
    };
    let months = times(interval.months.into(), 0, 0)?;
    let days = times(interval.days.into(), months, 30)?;
    let nanos = times(interval.nanoseconds.into(), days, NANOS_OF_DAY)?;
    Some(IntervalMonthDayNano::new(
        i32::try_from(months / divisor).ok()?,
        i32::try_from(days / divisor).ok()?,
        i64::try_from(nanos / divisor).ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_part_goes_on_in_the_next() {
        let new = IntervalMonthDayNano::new;
        for (interval, factor, divisor, expected) in [
            (new(0, 1, 0), 3, 1, Some(new(0, 3, 0))),
            (new(1, 0, 0), 3, 2, Some(new(1, 15, 0))),
            (new(0, 1, 0), 1, 4, Some(new(0, 0, 21_600_000_000_000))),
            (new(0, -3, 0), 1, 2, Some(new(0, -1, -43_200_000_000_000))),
            (new(i32::MAX, 0, 0), 2, 1, None),
        ] {
            assert_eq!(scaled(interval, factor, divisor), expected, "{interval:?} * {factor} / {divisor}");
        }
    }
}
