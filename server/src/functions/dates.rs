//! `date_diff` and `date_add`, by the names of units. A difference counts whole units: the month from the 31st of January to the 29th
//! of February is one, as adding one month to the former gives the latter.
//!
//! The engine has neither; its intervals are added without a look at what is too large.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Date32Type, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, TimeDelta};
use datafusion::common::Result;

use super::kernel::{Arguments, Kernel, Kind, of_wholes, whole};
use super::refused;

pub(super) const KERNELS: &[Kernel] = &[
    Kernel {
        name: "date_diff",
        arguments: &[Kind::Text, Kind::Moment, Kind::Moment],
        required: 3,
        returns: whole,
        call: date_diff,
    },
    Kernel {
        name: "date_add",
        arguments: &[Kind::Text, Kind::Whole, Kind::Moment],
        required: 3,
        returns: as_third,
        call: date_add,
    },
];

const NO_UNIT: &str = "the unit of a date function is 'year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second', \
                       'millisecond' or 'microsecond'";
const TOO_LARGE: &str = "a date or timestamp would be outside of the range that there is";

fn as_third(given: &[DataType]) -> DataType {
    given.get(2).cloned().unwrap_or(DataType::Timestamp(TimeUnit::Microsecond, None))
}

/// A unit: months, or microseconds.
#[derive(Clone, Copy)]
enum Unit {
    Months(i64),
    Micros(i64),
}

const MICROS_PER_DAY: i64 = 86_400_000_000;

fn unit(name: &str) -> Result<Unit> {
    Ok(match name.trim().to_ascii_lowercase().as_str() {
        "year" | "years" => Unit::Months(12),
        "quarter" | "quarters" => Unit::Months(3),
        "month" | "months" => Unit::Months(1),
        "week" | "weeks" => Unit::Micros(7 * MICROS_PER_DAY),
        "day" | "days" => Unit::Micros(MICROS_PER_DAY),
        "hour" | "hours" => Unit::Micros(3_600_000_000),
        "minute" | "minutes" => Unit::Micros(60_000_000),
        "second" | "seconds" => Unit::Micros(1_000_000),
        "millisecond" | "milliseconds" => Unit::Micros(1000),
        "microsecond" | "microseconds" => Unit::Micros(1),
        _ => return Err(refused(NO_UNIT)),
    })
}

/// Moments in microseconds since 1970.
enum Moments<'a> {
    Dates(&'a Date32Array, bool),
    Timestamps(&'a TimestampMicrosecondArray, bool),
}

impl<'a> Moments<'a> {
    fn of(arguments: &'a Arguments, place: usize) -> Self {
        let (array, is_constant) = arguments.array(place);
        match array.data_type() {
            DataType::Date32 => Self::Dates(array.as_primitive::<Date32Type>(), is_constant),
            _ => Self::Timestamps(array.as_primitive::<TimestampMicrosecondType>(), is_constant),
        }
    }

    /// # Errors
    /// If a date is too far for a count of microseconds.
    fn get(&self, row: usize) -> Result<Option<i64>> {
        match self {
            Self::Dates(days, is_constant) => {
                let row = if *is_constant { 0 } else { row };
                let micros = |days: i32| i64::from(days).checked_mul(MICROS_PER_DAY);
                let found = days.is_valid(row).then(|| micros(days.value(row)));
                found.map(|micros| micros.ok_or_else(|| refused(TOO_LARGE))).transpose()
            }
            Self::Timestamps(micros, is_constant) => {
                let row = if *is_constant { 0 } else { row };
                Ok(micros.is_valid(row).then(|| micros.value(row)))
            }
        }
    }
}

fn at(micros: i64) -> Result<NaiveDateTime> {
    DateTime::from_timestamp_micros(micros).map(|at| at.naive_utc()).ok_or_else(|| refused(TOO_LARGE))
}

fn date_diff(arguments: &Arguments) -> Result<ArrayRef> {
    let units = arguments.texts(0);
    let (from, to) = (Moments::of(arguments, 1), Moments::of(arguments, 2));
    of_wholes(arguments.rows, |row| {
        let (Some(name), Some(from), Some(to)) = (units.get(row), from.get(row)?, to.get(row)?) else {
            return Ok(None);
        };
        difference(unit(name)?, from, to).map(Some)
    })
}

fn difference(unit: Unit, from: i64, to: i64) -> Result<i64> {
    match unit {
        Unit::Micros(micros) => {
            let between = to.checked_sub(from).ok_or_else(|| refused(TOO_LARGE))?;
            Ok(between / micros)
        }
        Unit::Months(months) if from <= to => Ok(whole_months(at(from)?, at(to)?)? / months),
        Unit::Months(months) => Ok(-(whole_months(at(to)?, at(from)?)? / months)),
    }
}

/// The most months that can be added to a moment without coming behind a later one.
fn whole_months(from: NaiveDateTime, to: NaiveDateTime) -> Result<i64> {
    let month = |at: NaiveDateTime| i64::from(at.year()) * 12 + i64::from(at.month0());
    let months = month(to) - month(from);
    Ok(if later_by_months(from, months)? > to { months - 1 } else { months })
}

fn later_by_months(at: NaiveDateTime, months: i64) -> Result<NaiveDateTime> {
    let number = u32::try_from(months.unsigned_abs()).map_err(|_| refused(TOO_LARGE))?;
    let later = match months < 0 {
        true => at.checked_sub_months(Months::new(number)),
        false => at.checked_add_months(Months::new(number)),
    };
    later.ok_or_else(|| refused(TOO_LARGE))
}

fn date_add(arguments: &Arguments) -> Result<ArrayRef> {
    let (units, numbers) = (arguments.texts(0), arguments.wholes(1));
    let moments = Moments::of(arguments, 2);
    let (array, _) = arguments.array(2);
    let values = (0..arguments.rows).map(|row| {
        let (Some(name), Some(number), Some(micros)) = (units.get(row), numbers.get(row), moments.get(row)?)
        else {
            return Ok(None);
        };
        added(unit(name)?, number, at(micros)?, matches!(moments, Moments::Dates(..))).map(Some)
    });
    let values = values.collect::<Result<Vec<Option<NaiveDateTime>>>>()?;
    if array.data_type() == &DataType::Date32 {
        let days = |at: NaiveDateTime| i32::try_from((at.date() - NaiveDate::default()).num_days());
        let days = values.into_iter().map(|at| at.map(days).transpose()).collect::<Result<Date32Array, _>>();
        return Ok(Arc::new(days.map_err(|_| refused(TOO_LARGE))?));
    }
    let micros = values.into_iter().map(|at| at.map(|at| at.and_utc().timestamp_micros()));
    let micros = micros.collect::<TimestampMicrosecondArray>();
    Ok(Arc::new(micros.with_data_type(array.data_type().clone())))
}

fn added(unit: Unit, number: i64, at: NaiveDateTime, is_date: bool) -> Result<NaiveDateTime> {
    let out_of_range = || refused(TOO_LARGE);
    match unit {
        Unit::Months(months) => later_by_months(at, number.checked_mul(months).ok_or_else(out_of_range)?),
        Unit::Micros(micros) if is_date && micros < MICROS_PER_DAY => Err(refused(
            "a date has no such unit: cast it to a timestamp, or add days, weeks, months, quarters or years",
        )),
        Unit::Micros(micros) if is_date => {
            let days = number.checked_mul(micros / MICROS_PER_DAY).ok_or_else(out_of_range)?;
            let distance = Days::new(days.unsigned_abs());
            let moved = if days < 0 { at.checked_sub_days(distance) } else { at.checked_add_days(distance) };
            moved.ok_or_else(out_of_range)
        }
        Unit::Micros(micros) => {
            let micros = number.checked_mul(micros).ok_or_else(out_of_range)?;
            let moved = at.checked_add_signed(TimeDelta::microseconds(micros)).ok_or_else(out_of_range)?;
            Ok(moved)
        }
    }
}
