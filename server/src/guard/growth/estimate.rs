//! How large the result of a function can be, from its arguments: never less than it is.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{cast, max, min};
use arrow::datatypes::{DataType, Int64Type, IntervalMonthDayNanoType, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::ColumnarValue;

use crate::guard::row_size::{array_bytes, longest_bytes};

/// Bytes that a value takes besides its own: a view, offsets, or a whole number.
const VALUE_BYTES: usize = 24;

/// Longest UTF-8 form of a character.
const CHARACTER_BYTES: usize = 4;

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const NANOS_PER_DAY: i64 = 86_400 * NANOS_PER_SECOND;

/// Days of the shortest month.
const SHORTEST_MONTH: i64 = 28;

/// By what a function's result grows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::guard) enum Growth {
    /// The arguments one after the other.
    Sum,
    /// The arguments one after the other, with the first between all others.
    Separated,
    /// The first argument, with the last one in the place of each of its characters.
    Replace,
    /// The first argument so often as the second says.
    Repeat,
    /// The second argument so often as the third says, behind the first.
    Resize,
    /// So many characters as the second argument says.
    Pad,
    /// From the first argument to the second, in steps of the third.
    Range,
    /// Text from the items of lists, with the second argument between them.
    Join,
    /// The first argument in pieces of a character.
    Split,
    /// A piece of the first argument for each letter of the second.
    Match,
    /// Items of all arguments side by side, as many as the longest has.
    Zip,
    /// About as small as the arguments, but made in as many steps as their lengths multiplied.
    Pairs,
}

/// The functions, and how they grow.
const GROWING: [(&str, Growth); 30] = [
    ("array_append", Growth::Sum),
    ("array_concat", Growth::Sum),
    ("array_has_all", Growth::Pairs),
    ("array_has_any", Growth::Pairs),
    ("array_prepend", Growth::Sum),
    ("array_repeat", Growth::Repeat),
    ("array_replace", Growth::Replace),
    ("array_replace_all", Growth::Replace),
    ("array_replace_n", Growth::Replace),
    ("array_resize", Growth::Resize),
    ("array_to_string", Growth::Join),
    ("array_union", Growth::Sum),
    ("arrays_zip", Growth::Zip),
    ("concat", Growth::Sum),
    ("concat_ws", Growth::Separated),
    ("encode", Growth::Split),
    ("generate_series", Growth::Range),
    ("levenshtein", Growth::Pairs),
    ("lpad", Growth::Pad),
    ("make_array", Growth::Sum),
    ("overlay", Growth::Sum),
    ("range", Growth::Range),
    ("regexp_match", Growth::Match),
    ("regexp_replace", Growth::Replace),
    ("repeat", Growth::Repeat),
    ("replace", Growth::Replace),
    ("rpad", Growth::Pad),
    ("string_to_array", Growth::Split),
    ("to_char", Growth::Match),
    ("translate", Growth::Replace),
];

/// The names of the growing functions.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    GROWING.iter().map(|(name, _)| *name)
}

impl Growth {
    /// How a function grows; `None` if its result is about as small as its arguments.
    pub(in crate::guard) fn of(function: &str) -> Option<Self> {
        GROWING.iter().find(|(name, _)| *name == function).map(|(_, growth)| *growth)
    }

    /// Most bytes that the result can have, for a batch of so many rows.
    pub(super) fn estimate(self, arguments: &[ColumnarValue], rows: usize) -> usize {
        let size = |position: usize| arguments.get(position).map_or(0, |argument| bytes(argument, rows));
        let most = |position: usize| arguments.get(position).map_or(usize::MAX, largest_number);
        let longest = |position: usize| arguments.get(position).map_or(0, longest_value);
        let slots = rows.saturating_mul(VALUE_BYTES);
        let values = match self {
            Self::Sum => (0..arguments.len()).map(size).fold(0, usize::saturating_add),
            Self::Separated => {
                let between = arguments.len().saturating_mul(size(0));
                (0..arguments.len()).map(size).fold(between, usize::saturating_add)
            }
            Self::Replace => {
                let pieces = size(0).saturating_add(rows);
                // A replacement may name groups of the match, each as long as the text.
                let piece = longest(arguments.len().saturating_sub(1)).max(longest(2)).saturating_add(1);
                size(0).saturating_add(pieces.saturating_mul(piece).saturating_mul(2))
            }
            Self::Repeat => size(0).saturating_add(slots).saturating_mul(most(1)),
            Self::Resize => {
                let item = longest(2).saturating_add(VALUE_BYTES);
                size(0).saturating_add(rows.saturating_mul(most(1)).saturating_mul(item))
            }
            Self::Pad => size(0).saturating_add(rows.saturating_mul(most(1)).saturating_mul(CHARACTER_BYTES)),
            Self::Range => steps(arguments).saturating_mul(rows).saturating_mul(size_of::<i64>() * 2),
            Self::Join => {
                let items = size(0).saturating_add(rows);
                items.saturating_mul(longest(1).saturating_add(longest(2)).saturating_add(VALUE_BYTES))
            }
            Self::Split => size(0).saturating_add(rows).saturating_mul(VALUE_BYTES),
            Self::Zip => {
                let items = arguments.iter().map(|list| lengths(list, rows)).fold(vec![0; rows], longer);
                let widest = (0..arguments.len()).map(longest).fold(VALUE_BYTES, usize::max);
                let items = items.into_iter().fold(0, usize::saturating_add);
                items.saturating_mul(arguments.len()).saturating_mul(widest)
            }
            Self::Pairs => 0,
            Self::Match => {
                let pieces = longest(1).saturating_add(2);
                size(0).saturating_add(slots).saturating_mul(pieces)
            }
        };
        values.saturating_add(slots)
    }
}

/// Steps that the function takes for a batch of so many rows, where they are many more than its arguments have bytes.
pub(super) fn pairs(arguments: &[ColumnarValue], rows: usize) -> usize {
    match arguments {
        [left, right] => {
            let lengths = lengths(left, rows).into_iter().zip(lengths(right, rows));
            lengths.map(|(left, right)| left.saturating_mul(right)).fold(0, usize::saturating_add)
        }
        _ => usize::MAX,
    }
}

/// For each row the length of an argument: characters at the most, or items.
fn lengths(argument: &ColumnarValue, rows: usize) -> Vec<usize> {
    let of = |array: &ArrayRef| -> Vec<usize> {
        match array.data_type() {
            DataType::Utf8 => array.as_string::<i32>().iter().map(|text| text.map_or(0, str::len)).collect(),
            DataType::LargeUtf8 => {
                array.as_string::<i64>().iter().map(|text| text.map_or(0, str::len)).collect()
            }
            DataType::Utf8View => {
                array.as_string_view().iter().map(|text| text.map_or(0, str::len)).collect()
            }
            DataType::List(_) => {
                let offsets = array.as_list::<i32>().offsets();
                offsets.lengths().collect()
            }
            DataType::Null => vec![0; array.len()],
            _ => vec![usize::MAX; array.len()],
        }
    };
    match argument {
        ColumnarValue::Array(array) => of(array),
        ColumnarValue::Scalar(value) => {
            let length = one(value).and_then(|array| of(&array).first().copied());
            vec![length.unwrap_or(usize::MAX); rows]
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
