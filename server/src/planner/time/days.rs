//! Dates so many days later or earlier.
//!
//! The engine's fault: it makes an interval of nanoseconds of the number, in which 292 years have room, and computes it of rows that
//! have no date as well.

use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{AsArray, PrimitiveArray};
use arrow::compute::try_binary;
use arrow::datatypes::{DataType, Date32Type, Field, FieldRef, Int64Type};
use arrow::error::ArrowError;
use chrono::NaiveDate;
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    BinaryExpr, Cast, ColumnarValue, Expr, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};

/// The date so many days later, or earlier.
pub(super) fn later(date: Expr, days: Expr, days_type: &DataType, is_later: bool) -> Expr {
    let days = match days_type {
        DataType::Int64 => days,
        _ => Expr::Cast(Cast::new(Box::new(days), DataType::Int64)),
    };
    let inner = match &date {
        Expr::ScalarFunction(call) => call.func.inner().downcast_ref::<DaysLater>().map(|call| call.is_later),
        _ => None,
    };
    // A long chain is one call: each names all that it holds whenever it is asked for its type.
    if let (Some(is_inner_later), Expr::ScalarFunction(call)) = (inner, &date)
        && let [date, before] = call.args.as_slice()
    {
        let op = if is_inner_later == is_later { Operator::Plus } else { Operator::Minus };
        let days = BinaryExpr::new(Box::new(before.clone()), op, Box::new(days));
        return called(date.clone(), Expr::BinaryExpr(days), is_inner_later);
    }
    called(date, days, is_later)
}

fn called(date: Expr, days: Expr, is_later: bool) -> Expr {
    ScalarUDF::from(DaysLater { is_later, signature: Signature::any(2, Volatility::Immutable) })
        .call(vec![date, days])
}

/// The sum or difference that a call computes.
pub(super) fn as_written(call: &ScalarFunction) -> Option<Expr> {
    let later = call.func.inner().downcast_ref::<DaysLater>()?;
    let [date, days] = call.args.as_slice() else { return None };
    let op = if later.is_later { Operator::Plus } else { Operator::Minus };
    Some(Expr::BinaryExpr(BinaryExpr::new(Box::new(date.clone()), op, Box::new(days.clone()))))
}

/// See the file's head.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct DaysLater {
    is_later: bool,
    signature: Signature,
}

/// The days that have a date: not all numbers do.
fn all_dates() -> RangeInclusive<i32> {
    Date32Type::from_naive_date(NaiveDate::MIN)..=Date32Type::from_naive_date(NaiveDate::MAX)
}

impl DaysLater {
    fn day(&self, date: i32, days: i64, dates: &RangeInclusive<i32>) -> Result<i32, ArrowError> {
        let date = i64::from(date);
        let day = if self.is_later { date.checked_add(days) } else { date.checked_sub(days) };
        day.and_then(|day| i32::try_from(day).ok())
            .filter(|day| dates.contains(day))
            .ok_or_else(|| ArrowError::ArithmeticOverflow("a date is out of range".to_owned()))
    }
}

impl ScalarUDFImpl for DaysLater {
    fn name(&self) -> &'static str {
        if self.is_later { "days_later" } else { "days_earlier" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Date32)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let is_nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name(), DataType::Date32, is_nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let all = all_dates();
        let later: PrimitiveArray<Date32Type> = match args.args.as_slice() {
            [ColumnarValue::Array(dates), ColumnarValue::Scalar(ScalarValue::Int64(Some(days)))] => {
                dates.as_primitive::<Date32Type>().try_unary(|date| self.day(date, *days, &all))?
            }
            [_, _] => {
                let columns = ColumnarValue::values_to_arrays(&args.args)?;
                let [dates, days] = columns.as_slice() else { return internal_err!("a date and days") };
                let (dates, days) = (dates.as_primitive::<Date32Type>(), days.as_primitive::<Int64Type>());
                try_binary(dates, days, |date, days| self.day(date, days, &all))?
            }
            _ => return internal_err!("a date and days"),
        };
        let is_constant = args.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        Ok(match is_constant {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&later, 0)?),
            false => ColumnarValue::Array(Arc::new(later)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_that_has_no_date_is_an_error() {
        let signature = Signature::any(2, Volatility::Immutable);
        let later = DaysLater { is_later: true, signature };
        assert_eq!(later.day(20_000, 200_000, &all_dates()).ok(), Some(220_000));
        assert_eq!(later.day(20_000, -20_001, &all_dates()).ok(), Some(-1));
        for days in [i64::MAX, i64::MIN, 1 << 31, 100_000_000, -100_000_000] {
            assert!(later.day(20_000, days, &all_dates()).is_err(), "{days}");
        }
    }
}
