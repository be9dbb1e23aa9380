//! `date_trunc` of all moments, and of dates.
//!
//! The engine's faults: it counts in nanoseconds, which ends in the year 2262 and begins in 1677, also for the value in a NULL's
//! place; and it makes a timestamp of nanoseconds of a date, where the first day of a month is a date.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, Date32Type, Field, FieldRef, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{DataFusionError, Result, ScalarValue, internal_err, plan_err};
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::clock::Clock;
use super::units::Unit;
use crate::error::{Error, ErrorKind};

const NO_UNIT: &str = "date_trunc takes a constant unit: microsecond, millisecond, second, minute, hour, day, week, month, quarter or year";

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
            return Err(refused());
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
        if matches!(
            value.data_type(),
            DataType::Time32(_) | DataType::Time64(_) | DataType::Timestamp(TimeUnit::Nanosecond, _)
        ) {
            return self.inner.invoke_with_args(args);
        }
        let unit = match unit {
            ColumnarValue::Scalar(ScalarValue::Utf8(Some(name))) => Unit::named(name).ok_or_else(refused)?,
            _ => return Err(refused()),
        };
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
            let beginning = |moment: i64| match clock.is_utc() {
                true => unit.beginning(moment),
                false => clock.moment(unit.beginning(clock.shown(moment)?)?, moment),
            };
            let truncated = values.try_unary::<_, TimestampMicrosecondType, _>(|moment| {
                beginning(moment).ok_or_else(too_early)
            })?;
            Ok(Arc::new(truncated.with_timezone_opt(zone.clone())))
        }
        other => internal_err!("date_trunc of {other}"),
    }
}

fn refused() -> DataFusionError {
    Error::new(ErrorKind::InvalidRequest, NO_UNIT).into()
}

pub(super) fn too_early() -> DataFusionError {
    let text = "a date or a timestamp is out of range: before or behind all that its type can hold";
    Error::new(ErrorKind::InvalidRequest, text).into()
}
