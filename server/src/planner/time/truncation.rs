//! `date_trunc` of all moments, and of dates.
//!
//! The engine's faults: it counts in nanoseconds, which ends in the year 2262 and begins in 1677, also for the value in a NULL's
//! place; and it makes a timestamp of nanoseconds of a date, where the first day of a month is a date.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::datatypes::{
    DataType, Date32Type, Field, FieldRef, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimeUnit, TimestampMicrosecondType, TimestampNanosecondType,
};
use datafusion::common::{DataFusionError, Result, ScalarValue, internal_err, plan_err};
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::clock::Clock;
use super::units::Unit;
use crate::error::{Error, ErrorKind};

const NO_CONSTANT: &str = "date_trunc takes a constant unit, such as 'month'";
const UNKNOWN: &str = "date_trunc does not know this unit; it knows microsecond, millisecond, second, minute, hour, day, week, month, quarter, year, decade, century and millennium";

/// The function in the engine's place.
pub(super) fn exact(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(Truncation {
        inner: function,
        signature: Signature::user_defined(Volatility::Immutable),
    }))
}

/// See the file's head. Times without a date are the engine's.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Truncation {
    inner: Arc<ScalarUDF>,
    signature: Signature,
}

/// What a moment is computed as.
pub(super) fn moment_type(given: &DataType) -> Option<DataType> {
    let micros = |zone: Option<Arc<str>>| DataType::Timestamp(TimeUnit::Microsecond, zone);
    match given {
        DataType::Timestamp(TimeUnit::Nanosecond, _) => Some(given.clone()),
        DataType::Timestamp(_, zone) => Some(micros(zone.clone())),
        DataType::Date64 | DataType::Null | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            Some(micros(None))
        }
        _ => None,
    }
}

impl ScalarUDFImpl for Truncation {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let [unit, value] = given else { return plan_err!("date_trunc takes a unit and a moment") };
        if !matches!(unit, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
            return Err(refused(NO_CONSTANT));
        }
        let value = match value {
            DataType::Date32 | DataType::Time32(_) | DataType::Time64(_) => value.clone(),
            other => match moment_type(other) {
                Some(moment) => moment,
                None => return plan_err!("date_trunc takes a date or a timestamp: cast its argument to one"),
            },
        };
        Ok(vec![DataType::Utf8, value])
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        match given {
            [_, value] => Ok(value.clone()),
            _ => internal_err!("a unit and a moment"),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let [_, value] = args.arg_fields else { return internal_err!("a unit and a moment") };
        Ok(Arc::new(Field::new(self.name(), value.data_type().clone(), value.is_nullable())))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [unit, value] = args.args.as_slice() else { return internal_err!("a unit and a moment") };
        let unit = match unit {
            ColumnarValue::Scalar(ScalarValue::Utf8(Some(name))) => {
                Unit::named(name).ok_or_else(|| refused(UNKNOWN))?
            }
            _ => return Err(refused(NO_CONSTANT)),
        };
        if matches!(value.data_type(), DataType::Time32(_) | DataType::Time64(_)) {
            return self.inner.invoke_with_args(without_what_is_below_nulls(args));
        }
        match value {
            ColumnarValue::Array(values) => Ok(ColumnarValue::Array(truncated(values, unit)?)),
            ColumnarValue::Scalar(value) => {
                let truncated = truncated(&value.to_array()?, unit)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&truncated, 0)?))
            }
        }
    }

    fn output_ordering(&self, input: &[ExprProperties]) -> Result<SortProperties> {
        self.inner.inner().output_ordering(input)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}

fn truncated(values: &ArrayRef, unit: Unit) -> Result<ArrayRef> {
    match values.data_type() {
        DataType::Date32 => {
            let first = |day: i32| i32::try_from(unit.first_day(i64::from(day))).ok();
            let values = values.as_primitive::<Date32Type>();
            Ok(Arc::new(values.try_unary::<_, Date32Type, _>(|day| first(day).ok_or_else(too_early))?))
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let clock = Clock::of(zone.as_deref())?;
            let values = values.as_primitive::<TimestampMicrosecondType>();
            let truncated = values.try_unary::<_, TimestampMicrosecondType, _>(|moment| {
                beginning(unit, &clock, moment).ok_or_else(too_early)
            })?;
            Ok(Arc::new(truncated.with_timezone_opt(zone.clone())))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, zone) => {
            let clock = Clock::of(zone.as_deref())?;
            let values = values.as_primitive::<TimestampNanosecondType>();
            let truncated = values.try_unary::<_, TimestampNanosecondType, _>(|nanos| {
                let micros = beginning(unit, &clock, nanos.div_euclid(1_000));
                micros.and_then(|micros| micros.checked_mul(1_000)).ok_or_else(too_early)
            })?;
            Ok(Arc::new(truncated.with_timezone_opt(zone.clone())))
        }
        other => internal_err!("date_trunc of {other}"),
    }
}

/// The beginning of the unit in which a moment is, by a clock; all in microseconds.
fn beginning(unit: Unit, clock: &Clock, moment: i64) -> Option<i64> {
    match clock.is_utc() {
        true => unit.beginning(moment),
        false => clock.moment(unit.beginning(clock.shown(moment)?)?, moment),
    }
}

/// The same arguments, with 0 in the place of each NULL: the engine computes what stands there, and may have no room for it.
fn without_what_is_below_nulls(mut args: ScalarFunctionArgs) -> ScalarFunctionArgs {
    for argument in &mut args.args {
        if let ColumnarValue::Array(values) = argument {
            let cleared = match values.data_type() {
                DataType::Time64(TimeUnit::Nanosecond) => cleared::<Time64NanosecondType>(values),
                DataType::Time64(TimeUnit::Microsecond) => cleared::<Time64MicrosecondType>(values),
                DataType::Time32(TimeUnit::Millisecond) => cleared::<Time32MillisecondType>(values),
                DataType::Time32(TimeUnit::Second) => cleared::<Time32SecondType>(values),
                _ => continue,
            };
            *values = cleared;
        }
    }
    args
}

fn cleared<T: ArrowPrimitiveType>(values: &ArrayRef) -> ArrayRef {
    if values.null_count() == 0 {
        return Arc::clone(values);
    }
    let values = values.as_primitive::<T>();
    let slots: Vec<T::Native> = values.iter().map(Option::unwrap_or_default).collect();
    let cleared = PrimitiveArray::<T>::new(slots.into(), values.nulls().cloned());
    Arc::new(cleared.with_data_type(values.data_type().clone()))
}

fn refused(text: &'static str) -> DataFusionError {
    Error::new(ErrorKind::InvalidRequest, text).into()
}

pub(super) fn too_early() -> DataFusionError {
    let text = "a date or a timestamp is out of range: before or behind all that its type can hold";
    Error::new(ErrorKind::InvalidRequest, text).into()
}
