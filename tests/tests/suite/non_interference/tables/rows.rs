//! In which order visible and hidden rows stand in a file, and columns made from rows.
//!
//! A file is a list of [`Row`]s; each table says what a visible row with a number looks like, which no world can change,
//! and what a hidden one looks like in each world.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};

/// A row by its kind and its number within the kind.
#[derive(Clone, Copy)]
pub(super) enum Row {
    Visible(i64),
    Hidden(i64),
}

pub(super) fn visible(numbers: Range<i64>) -> Vec<Row> {
    numbers.map(Row::Visible).collect()
}

pub(super) fn hidden(numbers: Range<i64>) -> Vec<Row> {
    numbers.map(Row::Hidden).collect()
}

/// Visible rows with `hidden` hidden ones behind every `run` of them.
pub(super) fn woven(numbers: Range<i64>, run: i64, hidden: i64) -> Vec<Row> {
    let mut rows = Vec::new();
    for number in numbers {
        rows.push(Row::Visible(number));
        if (number + 1) % run == 0 {
            rows.extend((0..hidden).map(|extra| Row::Hidden(number * hidden + extra)));
        }
    }
    rows
}

/// A nullable column with a value, or none, of each of some records.
pub(super) fn column<A, R, T>(records: &[R], value: impl Fn(&R) -> Option<T>) -> ArrayRef
where
    A: Array + FromIterator<Option<T>> + 'static,
{
    Arc::new(records.iter().map(value).collect::<A>())
}
