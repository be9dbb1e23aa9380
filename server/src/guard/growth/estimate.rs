//! How much a call can take, from its arguments: never less than it does. What each [`Output`] is in bytes.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{cast, max, min};
use arrow::datatypes::{DataType, Int64Type, IntervalMonthDayNanoType, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs};

use crate::guard::function_table::Output;
use crate::guard::row_size::{array_bytes, items_within, longest_bytes};

/// Bytes that a value takes besides its own: a view, offsets, or a whole number.
const VALUE_BYTES: usize = 24;

/// Longest UTF-8 form of a character.
const CHARACTER_BYTES: usize = 4;

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const NANOS_PER_DAY: i64 = 86_400 * NANOS_PER_SECOND;

/// Days of the shortest month.
const SHORTEST_MONTH: i64 = 28;

/// Bytes of a number or a time.
const FIXED_BYTES: usize = 16;

/// What hashing or sorting an item takes besides a copy or two of it.
const HASHED_BYTES: usize = 96;

/// Most bytes that a call takes.
pub(super) fn of_call(output: Output, call: &ScalarFunctionArgs) -> usize {
    match (output, call.arg_fields.first()) {
        (Output::TypeName, Some(field)) => {
            let name = field.name().len() + field.data_type().to_string().len();
            call.number_rows.saturating_mul(name.saturating_add(VALUE_BYTES))
        }
        _ => most(output, &call.args, call.number_rows),
    }
}

/// Most bytes that a call takes on a batch of so many rows.
pub(super) fn most(output: Output, arguments: &[ColumnarValue], rows: usize) -> usize {
    let size = |position: usize| arguments.get(position).map_or(0, |argument| bytes(argument, rows));
    let all = || (0..arguments.len()).map(size).fold(0, usize::saturating_add);
    let slots = rows.saturating_mul(VALUE_BYTES);
    let values = match output {
        Output::Fixed => return rows.saturating_mul(FIXED_BYTES),
        Output::Bounded(width) => rows.saturating_mul(width),
        Output::Scaled(factor) => size(0).saturating_mul(factor),
        Output::Slice if arguments.first().is_some_and(is_view) => 0,
        Output::Field
            if matches!(arguments.first().map(ColumnarValue::data_type), Some(DataType::Struct(_))) =>
        {
            0
        }
        Output::Slice | Output::Field => size(0),
        Output::Sum | Output::OneOf => all(),
        Output::Items(width) => {
            let items = arguments.iter().map(|list| items(list, rows)).fold(0, usize::max);
            items.saturating_mul(width)
        }
        Output::Set => {
            let items = arguments.iter().map(|list| items(list, rows)).fold(0, usize::saturating_add);
            all().saturating_mul(3).saturating_add(items.saturating_mul(HASHED_BYTES))
        }
        Output::TypeName => {
            rows.saturating_mul(arguments.first().map_or(0, |first| first.data_type().to_string().len()))
        }
        _ => grown(output, arguments, rows),
    };
    values.saturating_add(slots)
}

fn is_view(argument: &ColumnarValue) -> bool {
    match argument {
        ColumnarValue::Array(array) => matches!(array.data_type(), DataType::Utf8View | DataType::BinaryView),
        ColumnarValue::Scalar(_) => false,
    }
}

/// The same of a function that makes much of little.
fn grown(output: Output, arguments: &[ColumnarValue], rows: usize) -> usize {
    let size = |position: usize| arguments.get(position).map_or(0, |argument| bytes(argument, rows));
    let most = |position: usize| arguments.get(position).map_or(usize::MAX, largest_number);
    let longest = |position: usize| arguments.get(position).map_or(0, longest_value);
    let slots = rows.saturating_mul(VALUE_BYTES);
    match output {
        Output::Separated => {
            let between = arguments.len().saturating_mul(size(0));
            (0..arguments.len()).map(size).fold(between, usize::saturating_add)
        }
        Output::Replace => {
            let pieces = size(0).saturating_add(rows);
            // A replacement may name groups of the match, each as long as the text.
            let piece = longest(arguments.len().saturating_sub(1)).max(longest(2)).saturating_add(1);
            size(0).saturating_add(pieces.saturating_mul(piece).saturating_mul(2))
        }
        Output::Repeat => size(0).saturating_add(slots).saturating_mul(most(1)),
        Output::Resize => {
            let item = longest(2).saturating_add(VALUE_BYTES);
            size(0).saturating_add(rows.saturating_mul(most(1)).saturating_mul(item))
        }
        Output::Pad => size(0).saturating_add(rows.saturating_mul(most(1)).saturating_mul(CHARACTER_BYTES)),
        Output::Range => steps(arguments).saturating_mul(rows).saturating_mul(size_of::<i64>() * 2),
        Output::Join => {
            let items = size(0).saturating_add(rows);
            items.saturating_mul(longest(1).saturating_add(longest(2)).saturating_add(VALUE_BYTES))
        }
        Output::Split => size(0).saturating_add(rows).saturating_mul(VALUE_BYTES),
        Output::Zip => {
            let items = arguments.iter().map(|list| lengths(list, rows)).fold(vec![0; rows], longer);
            let widest = (0..arguments.len()).map(longest).fold(VALUE_BYTES, usize::max);
            let items = items.into_iter().fold(0, usize::saturating_add);
            items.saturating_mul(arguments.len()).saturating_mul(widest)
        }
        Output::Match => {
            let pieces = longest(1).saturating_add(2);
            size(0).saturating_add(slots).saturating_mul(pieces)
        }
        _ => usize::MAX,
    }
}

/// Items of lists, those of their items included.
fn items(argument: &ColumnarValue, rows: usize) -> usize {
    match argument {
        ColumnarValue::Array(array) => items_within(array.as_ref()),
        ColumnarValue::Scalar(value) => {
            one(value).map_or(usize::MAX, |array| items_within(array.as_ref()).saturating_mul(rows))
        }
    }
}

/// For each row the length of an argument: characters at the most, or items.
pub(super) fn lengths(argument: &ColumnarValue, rows: usize) -> Vec<usize> {
    match argument {
        ColumnarValue::Array(array) if matches!(array.data_type(), DataType::List(_)) => {
            array.as_list::<i32>().offsets().lengths().collect()
        }
        ColumnarValue::Scalar(value) if matches!(value.data_type(), DataType::List(_)) => {
            let length = one(value).and_then(|list| list.as_list::<i32>().offsets().lengths().next());
            vec![length.unwrap_or(usize::MAX); rows]
        }
        other => of_each_text(other, rows, str::len),
    }
}

/// For each row a measure of an argument's text, 0 for NULL; everything if it is no text.
pub(super) fn of_each_text(argument: &ColumnarValue, rows: usize, measure: fn(&str) -> usize) -> Vec<usize> {
    let measure = |text: Option<&str>| text.map_or(0, measure);
    let of = |array: &ArrayRef| -> Vec<usize> {
        match array.data_type() {
            DataType::Utf8 => array.as_string::<i32>().iter().map(measure).collect(),
            DataType::LargeUtf8 => array.as_string::<i64>().iter().map(measure).collect(),
            DataType::Utf8View => array.as_string_view().iter().map(measure).collect(),
            DataType::Null => vec![0; array.len()],
            _ => vec![usize::MAX; array.len()],
        }
    };
    match argument {
        ColumnarValue::Array(array) => of(array),
        ColumnarValue::Scalar(value) => {
            let measured = one(value).and_then(|array| of(&array).first().copied());
            vec![measured.unwrap_or(usize::MAX); rows]
        }
    }
}

fn longer(one: Vec<usize>, other: Vec<usize>) -> Vec<usize> {
    one.into_iter().zip(other).map(|(one, other)| one.max(other)).collect()
}

/// Bytes of an argument, a constant once for each row.
pub(super) fn bytes(argument: &ColumnarValue, rows: usize) -> usize {
    match argument {
        ColumnarValue::Array(array) => array_bytes(array.as_ref()),
        ColumnarValue::Scalar(_) => longest_value(argument).saturating_mul(rows),
    }
}

/// Bytes of the longest value, at most those of all together.
fn longest_value(argument: &ColumnarValue) -> usize {
    match argument {
        ColumnarValue::Array(array) => longest_bytes(array.as_ref()),
        ColumnarValue::Scalar(value) => one(value).map_or(usize::MAX, |array| array_bytes(array.as_ref())),
    }
}

fn one(value: &ScalarValue) -> Option<ArrayRef> {
    value.to_array_of_size(1).ok()
}

/// The values of an argument.
fn values(argument: &ColumnarValue) -> Option<ArrayRef> {
    match argument {
        ColumnarValue::Array(array) => Some(ArrayRef::clone(array)),
        ColumnarValue::Scalar(value) => one(value),
    }
}

/// The largest number of an argument, 0 if it has none; everything if it is no number.
fn largest_number(argument: &ColumnarValue) -> usize {
    let numbers = values(argument).and_then(|values| cast(&values, &DataType::Int64).ok());
    match numbers {
        Some(numbers) => {
            let largest = max(numbers.as_primitive::<Int64Type>()).unwrap_or_default();
            usize::try_from(largest).unwrap_or_default()
        }
        None => usize::MAX,
    }
}

/// Most items of one list from a start to an end.
fn steps(arguments: &[ColumnarValue]) -> usize {
    // With one argument a range begins at 0.
    let (start, end) = match arguments {
        [end] => (None, end),
        [start, end, ..] => (Some(start), end),
        [] => return usize::MAX,
    };
    let span = |bounds: Option<(i64, i64)>| bounds.map(|(least, most)| (i128::from(least), i128::from(most)));
    let start = start.map_or(Some((0, 0)), |start| span(places(start)));
    let (Some(start), Some(end)) = (start, span(places(end))) else {
        return usize::MAX;
    };
    let Some(step) = arguments.get(2).map_or(Some(default_step(arguments)), smallest_step) else {
        return usize::MAX;
    };
    let distance = (end.1 - start.0).abs().max((start.1 - end.0).abs());
    usize::try_from(distance / i128::from(step.max(1)) + 2).unwrap_or(usize::MAX)
}

/// The least and the greatest place of an argument: numbers as they are, days and moments in nanoseconds. A list of NULLs
/// alone has the place 0.
fn places(argument: &ColumnarValue) -> Option<(i64, i64)> {
    let values = values(argument)?;
    let values = match values.data_type() {
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => {
            cast(&values, &DataType::Timestamp(TimeUnit::Nanosecond, None)).ok()?
        }
        _ => values,
    };
    let numbers = cast(&values, &DataType::Int64).ok()?;
    if numbers.null_count() > values.null_count() {
        return None;
    }
    let numbers = numbers.as_primitive::<Int64Type>();
    Some((min(numbers).unwrap_or_default(), max(numbers).unwrap_or_default()))
}

/// The step of a range that names none.
fn default_step(arguments: &[ColumnarValue]) -> i64 {
    match arguments.first().map(ColumnarValue::data_type) {
        Some(DataType::Date32 | DataType::Date64 | DataType::Timestamp(..)) => NANOS_PER_DAY,
        _ => 1,
    }
}

/// The smallest distance that a step can be, in the units of [`places`]. `None` if that is not known.
fn smallest_step(argument: &ColumnarValue) -> Option<i64> {
    let values = values(argument)?;
    if values.data_type().is_integer() {
        let numbers = cast(&values, &DataType::Int64).ok()?;
        return numbers
            .as_primitive::<Int64Type>()
            .iter()
            .flatten()
            .map(i64::saturating_abs)
            .min()
            .or(Some(1));
    }
    let interval = DataType::Interval(arrow::datatypes::IntervalUnit::MonthDayNano);
    let intervals = cast(&values, &interval).ok()?;
    let distance = |interval: arrow::datatypes::IntervalMonthDayNano| {
        let days = i64::from(interval.months) * SHORTEST_MONTH + i64::from(interval.days);
        // Parts of different signs may cancel out.
        let is_one_way = [i64::from(interval.months), i64::from(interval.days), interval.nanoseconds]
            .iter()
            .fold((false, false), |(up, down), part| (up || *part > 0, down || *part < 0))
            != (true, true);
        is_one_way
            .then(|| days.saturating_mul(NANOS_PER_DAY).saturating_add(interval.nanoseconds).saturating_abs())
    };
    let intervals = intervals.as_primitive::<IntervalMonthDayNanoType>();
    let distances: Option<Vec<i64>> = intervals.iter().flatten().map(distance).collect();
    Some(distances?.into_iter().min().unwrap_or(1))
}
