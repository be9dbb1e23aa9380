//! `sequence`: the engine's `generate_series`, which goes down if its end is before its start, and by days between dates. A step
//! that leads away from the end is an error, as in Trino. Months are counted from the start, as Trino counts them: from the 31st
//! of January the third is the 31st of March, and not the 29th, to which the engine comes from the 29th of February.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Builder, Int64Array, IntervalMonthDayNanoArray, ListBuilder,
};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Field, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit,
    TimeUnit,
};
use chrono::{Months, NaiveDate, TimeDelta};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::functions_nested::range::gen_series_udf;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

pub(super) fn function() -> ScalarUDF {
    ScalarUDF::from(Sequence { signature: Signature::user_defined(Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Sequence {
    signature: Signature,
}

const INTERVAL: DataType = DataType::Interval(IntervalUnit::MonthDayNano);

impl ScalarUDFImpl for Sequence {
    fn name(&self) -> &'static str {
        "sequence"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let is_whole = |given: &DataType| given.is_integer() || given.is_null();
        let moment = |given: &DataType| match given {
            DataType::Date32 => Some(DataType::Date32),
            DataType::Timestamp(_, zone) => Some(DataType::Timestamp(TimeUnit::Nanosecond, zone.clone())),
            _ => None,
        };
        match given {
            [start, end] if is_whole(start) && is_whole(end) => Ok(vec![DataType::Int64; 2]),
            [start, end, step] if is_whole(start) && is_whole(end) && is_whole(step) => {
                Ok(vec![DataType::Int64; 3])
            }
            [start, end] if start == end && *start == DataType::Date32 => Ok(vec![DataType::Date32; 2]),
            [start, end, DataType::Interval(_)] => match (moment(start), moment(end)) {
                (Some(start), Some(end)) if start == end => Ok(vec![start, end, INTERVAL]),
                _ => plan_err!("sequence goes from and to values of one type"),
            },
            _ => plan_err!(
                "sequence takes two whole numbers or dates and a step, which is an interval between dates"
            ),
        }
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        gen_series_udf().return_type(given)
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if let [start, end] = args.args.as_slice() {
            let is_constant = matches!((start, end), (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_)));
            let rows = if is_constant { 1 } else { args.number_rows };
            let step = steps(&start.to_array(rows)?, &end.to_array(rows)?)?;
            args.arg_fields.push(Arc::new(Field::new("step", step.data_type().clone(), true)));
            args.args.push(match is_constant {
                true => ColumnarValue::Scalar(ScalarValue::try_from_array(&step, 0)?),
                false => ColumnarValue::Array(step),
            });
        }
        match args.args.first().map(ColumnarValue::data_type) {
            Some(DataType::Date32) => return dates(&args),
            Some(DataType::Int64) => check_ways(&args)?,
            _ => {}
        }
        gen_series_udf().invoke_with_args(args)
    }
}

const AWAY: &str = "the step of sequence leads from its start to its end, and is not 0";

/// Refuses steps that lead away from the end, of which the engine makes an empty list.
fn check_ways(args: &ScalarFunctionArgs) -> Result<()> {
    let arrays = ColumnarValue::values_to_arrays(&args.args)?;
    let [starts, ends, steps] = arrays.as_slice() else { return Ok(()) };
    let (starts, ends) = (starts.as_primitive::<Int64Type>(), ends.as_primitive::<Int64Type>());
    let steps = steps.as_primitive::<Int64Type>();
    for row in 0..starts.len() {
        if starts.is_null(row) || ends.is_null(row) || steps.is_null(row) {
            continue;
        }
        let (start, end, step) = (starts.value(row), ends.value(row), steps.value(row));
        if step == 0 || (step > 0 && start > end) || (step < 0 && start < end) {
            return Err(super::refused(AWAY));
        }
    }
    Ok(())
}

/// The days of each row, each so many steps after the first.
fn dates(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let is_constant = args.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
    let rows = if is_constant { 1 } else { args.number_rows };
    let arrays = ColumnarValue::values_to_arrays(&args.args)?;
    let (starts, ends) = (arrays[0].as_primitive::<Date32Type>(), arrays[1].as_primitive::<Date32Type>());
    let steps = arrays[2].as_primitive::<IntervalMonthDayNanoType>();
    let mut lists = ListBuilder::new(Date32Builder::new());
    for row in 0..rows {
        if starts.is_null(row) || ends.is_null(row) || steps.is_null(row) {
            lists.append_null();
            continue;
        }
        let (start, end, step) = (starts.value(row), ends.value(row), steps.value(row));
        let is_up = (i64::from(step.months), i64::from(step.days)) > (0, 0);
        let is_one_way = i64::from(step.months) * i64::from(step.days) >= 0;
        if step.nanoseconds != 0 || !is_one_way || (step.months == 0 && step.days == 0) {
            return Err(super::refused("sequence goes from date to date by days or by months, up or down"));
        }
        if (is_up && start > end) || (!is_up && start < end) {
            return Err(super::refused(AWAY));
        }
        // Of dates that far there is no calendar here, and the list would end before its end.
        if later(start, step, 0).is_none() || later(end, step, 0).is_none() {
            return Err(super::refused("sequence does not go to dates that far"));
        }
        for number in 0.. {
            match later(start, step, number) {
                Some(day) if (is_up && day <= end) || (!is_up && day >= end) => {
                    lists.values().append_value(day);
                }
                _ => break,
            }
        }
        lists.append(true);
    }
    let lists: ArrayRef = Arc::new(lists.finish());
    Ok(match is_constant {
        true => ColumnarValue::Scalar(ScalarValue::try_from_array(&lists, 0)?),
        false => ColumnarValue::Array(lists),
    })
}

/// A day so many steps after another; `None` outside of what a date can be.
fn later(start: i32, step: IntervalMonthDayNano, number: i32) -> Option<i32> {
    let months = step.months.checked_mul(number)?;
    let distance = Months::new(months.unsigned_abs());
    let start = NaiveDate::default().checked_add_signed(TimeDelta::days(i64::from(start)))?;
    let moved =
        if months < 0 { start.checked_sub_months(distance) } else { start.checked_add_months(distance) };
    let days = i64::from(step.days).checked_mul(i64::from(number))?;
    let day = moved?.checked_add_signed(TimeDelta::try_days(days)?)?;
    i32::try_from((day - NaiveDate::default()).num_days()).ok()
}

/// One up or one down, by which of the two is larger.
fn steps(start: &ArrayRef, end: &ArrayRef) -> Result<ArrayRef> {
    let (from, to) = (in_numbers(start)?, in_numbers(end)?);
    let (from, to) = (from.as_primitive::<Int64Type>(), to.as_primitive::<Int64Type>());
    let is_down = from.iter().zip(to).map(|(from, to)| to.is_some() && from > to);
    let steps: ArrayRef = match start.data_type() {
        DataType::Int64 => {
            Arc::new(is_down.map(|is_down| Some(if is_down { -1_i64 } else { 1 })).collect::<Int64Array>())
        }
        _ => {
            let day = |is_down: bool| IntervalMonthDayNano::new(0, if is_down { -1 } else { 1 }, 0);
            Arc::new(is_down.map(|is_down| Some(day(is_down))).collect::<IntervalMonthDayNanoArray>())
        }
    };
    Ok(steps)
}

fn in_numbers(array: &ArrayRef) -> Result<ArrayRef> {
    let array = match array.data_type() {
        DataType::Date32 => cast(array, &DataType::Int32)?,
        _ => Arc::clone(array),
    };
    Ok(cast(&array, &DataType::Int64)?)
}
