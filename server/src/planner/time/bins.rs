//! `date_bin` of all moments, by the clock of their zone.
//!
//! The engine's faults: it counts in nanoseconds, which ends in the year 2262; and bins of days and months begin at midnight of UTC
//! whatever the zone is.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, IntervalMonthDayNanoArray, TimestampMicrosecondArray};
use arrow::datatypes::{
    DataType, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, TimeUnit,
    TimestampMicrosecondType,
};
use datafusion::common::{DataFusionError, Result, ScalarValue, internal_err, plan_err};
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::clock::{Clock, DAY, civil, days, length_of_month};
use super::truncation::{moment_type, too_early};
use crate::error::{Error, ErrorKind};

const WRONG_STRIDE: &str =
    "date_bin takes an interval that is more than zero, of months or of days and times, not of both";

/// The function in the engine's place.
pub(super) fn exact(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(Bins {
        inner: function,
        signature: Signature::user_defined(Volatility::Immutable),
    }))
}

/// See the file's head. Times without a date are the engine's.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Bins {
    inner: Arc<ScalarUDF>,
    signature: Signature,
}

impl ScalarUDFImpl for Bins {
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
        let (stride, value, origin) = match given {
            [stride, value] => (stride, value, None),
            [stride, value, origin] => (stride, value, Some(origin)),
            _ => {
                return plan_err!(
                    "date_bin takes an interval, a timestamp, and maybe the beginning of a bin"
                );
            }
        };
        let is_stride = matches!(stride, DataType::Interval(_) | DataType::Duration(_) | DataType::Null)
            || matches!(stride, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        if !is_stride {
            return plan_err!("date_bin takes an interval first, such as interval '15 minutes'");
        }
        let value = match value {
            DataType::Time32(_) | DataType::Time64(_) => value.clone(),
            DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
            DataType::Date32 => DataType::Timestamp(TimeUnit::Microsecond, None),
            other => match moment_type(other) {
                Some(moment) => moment,
                None => return plan_err!("date_bin takes a timestamp: cast its second argument to one"),
            },
        };
        let origin = origin.map(|origin| match origin {
            DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
            DataType::Time32(_) | DataType::Time64(_) => value.clone(),
            _ => DataType::Timestamp(TimeUnit::Microsecond, None),
        });
        let stride = DataType::Interval(IntervalUnit::MonthDayNano);
        Ok([stride, value].into_iter().chain(origin).collect())
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        match given {
            [_, value, ..] => Ok(value.clone()),
            _ => internal_err!("an interval and a timestamp"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_time = matches!(
            args.args.get(1).map(ColumnarValue::data_type),
            Some(DataType::Time32(_) | DataType::Time64(_))
        );
        if is_time {
            return self.inner.invoke_with_args(args);
        }
        let is_constant = args.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let column = |place: usize| match &args.args[place] {
            ColumnarValue::Array(array) => Ok((Arc::clone(array), false)),
            ColumnarValue::Scalar(value) => Ok::<_, DataFusionError>((value.to_array()?, true)),
        };
        let origin = if args.args.len() > 2 { Some(column(2)?) } else { None };
        let binned = binned(&column(0)?, &column(1)?, origin.as_ref(), rows)?;
        Ok(match is_constant {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&binned, 0)?),
            false => ColumnarValue::Array(binned),
        })
    }

    fn output_ordering(&self, input: &[ExprProperties]) -> Result<SortProperties> {
        self.inner.inner().output_ordering(input)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}

/// An argument, and whether its one value stands for all rows.
type Argument = (ArrayRef, bool);

fn binned(stride: &Argument, value: &Argument, origin: Option<&Argument>, rows: usize) -> Result<ArrayRef> {
    let clock = Clock::of(zone_of(value))?;
    let origin_clock = Clock::of(origin.and_then(zone_of))?;
    let place = |argument: &Argument, row: usize| if argument.1 { 0 } else { row };
    let strides: &IntervalMonthDayNanoArray = stride.0.as_primitive::<IntervalMonthDayNanoType>();
    let moments: &TimestampMicrosecondArray = value.0.as_primitive::<TimestampMicrosecondType>();
    let origins = origin.map(|origin| (origin, origin.0.as_primitive::<TimestampMicrosecondType>()));
    let bin = |row: usize| -> Result<Option<i64>> {
        let (stride_at, moment_at) = (place(stride, row), place(value, row));
        if strides.is_null(stride_at) || moments.is_null(moment_at) {
            return Ok(None);
        }
        let from = match origins {
            Some((origin, origins)) => {
                let origin_at = place(origin, row);
                if origins.is_null(origin_at) {
                    return Ok(None);
                }
                origin_clock.shown(origins.value(origin_at)).ok_or_else(too_early)?
            }
            None => 0,
        };
        let moment = moments.value(moment_at);
        let shown = clock.shown(moment).ok_or_else(too_early)?;
        let beginning = beginning(strides.value(stride_at), shown, from)?;
        clock.moment(beginning, moment).map(Some).ok_or_else(too_early)
    };
    let binned = (0..rows).map(bin).collect::<Result<TimestampMicrosecondArray>>()?;
    Ok(Arc::new(binned.with_timezone_opt(zone_of(value))))
}

fn zone_of(argument: &Argument) -> Option<&str> {
    match argument.0.data_type() {
        DataType::Timestamp(_, zone) => zone.as_deref(),
        _ => None,
    }
}

/// The beginning of the bin in which a time is.
///
/// # Arguments
/// * `from` - the beginning of some bin.
fn beginning(stride: IntervalMonthDayNano, time: i64, from: i64) -> Result<i64> {
    let length = i128::from(stride.days) * i128::from(DAY) * 1_000 + i128::from(stride.nanoseconds);
    match (stride.months, length) {
        (0, 1..) => {
            let since = (i128::from(time) - i128::from(from)) * 1_000;
            let beginning = i128::from(from) * 1_000 + since.div_euclid(length) * length;
            i64::try_from(beginning.div_euclid(1_000)).map_err(|_| too_early())
        }
        (months @ 1.., 0) => {
            let months = i64::from(months);
            let (year, month, _) = civil(time.div_euclid(DAY));
            let (from_year, from_month, _) = civil(from.div_euclid(DAY));
            let bins = ((year - from_year) * 12 + month - from_month).div_euclid(months);
            let bin = |bins: i64| later(from, bins * months).ok_or_else(too_early);
            let beginning = bin(bins)?;
            if beginning <= time { Ok(beginning) } else { bin(bins - 1) }
        }
        _ => Err(Error::new(ErrorKind::InvalidRequest, WRONG_STRIDE).into()),
    }
}

/// The time so many months later, on the last day of the month if it has no such day; `None` if it is before all times.
fn later(time: i64, months: i64) -> Option<i64> {
    let (year, month, day) = civil(time.div_euclid(DAY));
    let month = year * 12 + month - 1 + months;
    let (year, month) = (month.div_euclid(12), month.rem_euclid(12) + 1);
    let day = days(year, month, day.min(length_of_month(year, month)));
    day.checked_mul(DAY)?.checked_add(time.rem_euclid(DAY))
}
