//! Intervals as they are compared, and the differences of timestamps as intervals.
//!
//! The engine's faults: it compares intervals part by part, so that 36 hours are less than a day; it counts a difference of
//! timestamps in nanoseconds when it meets an interval, which ends after 292 years; and it gives the whole difference in hours for
//! the part of hours. Here a month has 30 days and a day 24 hours, as in PostgreSQL and DuckDB.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Decimal128Array, IntervalMonthDayNanoArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DECIMAL128_MAX_PRECISION, DataType, DurationMicrosecondType, DurationMillisecondType,
    DurationNanosecondType, DurationSecondType, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit,
    TimeUnit,
};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::{
    Cast, ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

pub(super) const NANOS_OF_DAY: i128 = 86_400_000_000_000;

/// What is computed of an interval or of a difference of timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Measure {
    /// Its nanoseconds, a decimal.
    Length,
    /// It, as an interval of days and a time.
    Days,
}

/// The length of an interval or a difference, by which it is compared.
pub(super) fn length(expr: Expr, found: &DataType) -> Expr {
    let expr = match found {
        DataType::Interval(IntervalUnit::MonthDayNano) | DataType::Duration(_) => expr,
        _ => Expr::Cast(Cast::new(Box::new(expr), DataType::Interval(IntervalUnit::MonthDayNano))),
    };
    call(Measure::Length, expr)
}

/// A difference as an interval of days and a time.
pub(super) fn in_days(difference: Expr) -> Expr {
    call(Measure::Days, difference)
}

fn call(measure: Measure, expr: Expr) -> Expr {
    ScalarUDF::from(OfInterval { measure, signature: Signature::any(1, Volatility::Immutable) })
        .call(vec![expr])
}

/// See the file's head.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct OfInterval {
    measure: Measure,
    signature: Signature,
}

impl ScalarUDFImpl for OfInterval {
    fn name(&self) -> &'static str {
        match self.measure {
            Measure::Length => "interval_length",
            Measure::Days => "interval_in_days",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.measure {
            Measure::Length => DataType::Decimal128(DECIMAL128_MAX_PRECISION, 0),
            Measure::Days => DataType::Interval(IntervalUnit::MonthDayNano),
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Array(values)] => Ok(ColumnarValue::Array(computed(self.measure, values)?)),
            [ColumnarValue::Scalar(value)] => {
                let computed = computed(self.measure, &value.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&computed, 0)?))
            }
            _ => internal_err!("one interval"),
        }
    }
}

fn computed(measure: Measure, values: &ArrayRef) -> Result<ArrayRef> {
    let of_duration = |nanos: i128| {
        IntervalMonthDayNano::new(
            0,
            i32::try_from(nanos / NANOS_OF_DAY).unwrap_or(i32::MAX),
            i64::try_from(nanos % NANOS_OF_DAY).unwrap_or_default(),
        )
    };
    let lengths: Vec<Option<i128>> = match values.data_type() {
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let length = |part: IntervalMonthDayNano| {
                (i128::from(part.months) * 30 + i128::from(part.days)) * NANOS_OF_DAY
                    + i128::from(part.nanoseconds)
            };
            values.as_primitive::<IntervalMonthDayNanoType>().iter().map(|value| value.map(length)).collect()
        }
        DataType::Duration(TimeUnit::Second) => nanos::<DurationSecondType>(values, 1_000_000_000),
        DataType::Duration(TimeUnit::Millisecond) => nanos::<DurationMillisecondType>(values, 1_000_000),
        DataType::Duration(TimeUnit::Microsecond) => nanos::<DurationMicrosecondType>(values, 1_000),
        DataType::Duration(TimeUnit::Nanosecond) => nanos::<DurationNanosecondType>(values, 1),
        other => return internal_err!("an interval, not {other}"),
    };
    Ok(match measure {
        Measure::Length => {
            let lengths: Decimal128Array = lengths.into_iter().collect();
            Arc::new(lengths.with_precision_and_scale(DECIMAL128_MAX_PRECISION, 0)?)
        }
        Measure::Days => {
            let days: IntervalMonthDayNanoArray =
                lengths.into_iter().map(|length| length.map(of_duration)).collect();
            Arc::new(days)
        }
    })
}

fn nanos<T: ArrowPrimitiveType<Native = i64>>(values: &ArrayRef, nanos_of_one: i128) -> Vec<Option<i128>> {
    values
        .as_primitive::<T>()
        .iter()
        .map(|value| value.map(|value| i128::from(value) * nanos_of_one))
        .collect()
}
