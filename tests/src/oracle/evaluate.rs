//! A filter for one row, in three-valued logic: `None` is unknown.

use std::cmp::Ordering;

use arrow::array::RecordBatch;

use super::OracleError;
use super::cell::{self, Kind, Value};
use super::parse::{Constant, Filter, Test};

/// Whether the filter has a meaning for the columns of a batch. Looks at every condition, also where a row would not
/// need it: a filter is refused for its text, not for its data.
pub(super) fn check(filter: &Filter, batch: &RecordBatch) -> Result<(), OracleError> {
    match filter {
        Filter::Both(left, right) | Filter::Either(left, right) => {
            check(left, batch)?;
            check(right, batch)
        }
        Filter::Not(inner) => check(inner, batch),
        Filter::Test { column, test } => check_test(test, cell::kind(column, batch)?),
    }
}

fn check_test(test: &Test, kind: Kind) -> Result<(), OracleError> {
    let has_order = kind != Kind::Boolean;
    match test {
        Test::Null => Ok(()),
        Test::Like(_) if kind == Kind::Text => Ok(()),
        Test::Compare(operator, constant) if has_order || matches!(*operator, "=" | "<>") => {
            typed(constant, kind).map(|_| ())
        }
        Test::Between(low, high) if has_order => typed(low, kind).and(typed(high, kind)).map(|_| ()),
        Test::OneOf(list) => list.iter().try_for_each(|constant| typed(constant, kind).map(|_| ())),
        _ => Err(OracleError::Mismatch),
    }
}

/// What the filter says about one row.
pub(super) fn evaluate(
    filter: &Filter,
    batch: &RecordBatch,
    row: usize,
) -> Result<Option<bool>, OracleError> {
    let verdict = match filter {
        Filter::Both(left, right) => match (evaluate(left, batch, row)?, evaluate(right, batch, row)?) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        },
        Filter::Either(left, right) => match (evaluate(left, batch, row)?, evaluate(right, batch, row)?) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
        Filter::Not(inner) => evaluate(inner, batch, row)?.map(|verdict| !verdict),
        Filter::Test { column, test } => {
            let value = cell::value(column, batch, row)?;
            test_value(test, value.as_ref(), cell::kind(column, batch)?)?
        }
    };
    Ok(verdict)
}

fn test_value(test: &Test, value: Option<&Value>, kind: Kind) -> Result<Option<bool>, OracleError> {
    if let Test::Null = test {
        return Ok(Some(value.is_none()));
    }
    // NaN can be compared with nothing.
    let Some(value) = value.filter(|value| !matches!(value, Value::Float(float) if float.is_nan())) else {
        return Ok(None);
    };
    let order = |constant: &Constant| Ok(order(value, &typed(constant, kind)?));
    let verdict = match test {
        Test::Compare(operator, constant) => {
            let order = order(constant)?;
            match *operator {
                "=" => order.is_eq(),
                "<>" => order.is_ne(),
                "<" => order.is_lt(),
                "<=" => order.is_le(),
                ">" => order.is_gt(),
                _ => order.is_ge(),
            }
        }
        Test::Between(low, high) => order(low)?.is_ge() && order(high)?.is_le(),
        Test::OneOf(list) => {
            let mut is_found = false;
            for constant in list {
                is_found |= order(constant)?.is_eq();
            }
            is_found
        }
        Test::Like(pattern) => {
            let Value::Text(text) = value else {
                return Err(OracleError::Mismatch);
            };
            let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
            matches_pattern(&text, &pattern)
        }
        Test::Null => false,
    };
    Ok(Some(verdict))
}

/// A constant as a value of its column's kind.
fn typed(constant: &Constant, kind: Kind) -> Result<Value, OracleError> {
    match (constant, kind) {
        (Constant::Text(text), Kind::Text) => Ok(Value::Text(text.clone())),
        (Constant::Text(text), Kind::Date) => days(text).map(Value::Date).ok_or(OracleError::Mismatch),
        (Constant::Boolean(value), Kind::Boolean) => Ok(Value::Boolean(*value)),
        (Constant::Number(number), Kind::Whole) if !number.has_point() => Ok(Value::Number(number.clone())),
        (Constant::Number(number), Kind::Decimal) => Ok(Value::Number(number.clone())),
        (Constant::Number(number), Kind::Double) => Ok(Value::Float(number.nearest_f64())),
        (Constant::Number(number), Kind::Single) => {
            number.exact_f32().map(|value| Value::Float(value.into())).ok_or(OracleError::Mismatch)
        }
        _ => Err(OracleError::Mismatch),
    }
}

/// The order of two values of one kind, none of which is NaN. −0.0 and 0.0 are equal.
fn order(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => left.as_bytes().cmp(right.as_bytes()),
        (Value::Number(left), Value::Number(right)) => left.order(right),
        (Value::Float(left), Value::Float(right)) => left.partial_cmp(right).unwrap_or(Ordering::Less),
        (Value::Boolean(left), Value::Boolean(right)) => left.cmp(right),
        (Value::Date(left), Value::Date(right)) => left.cmp(right),
        // `typed` gives every constant its column's kind.
        _ => Ordering::Less,
    }
}

fn matches_pattern(text: &[char], pattern: &[char]) -> bool {
    // matched[i]: the pattern so far matches the first i characters.
    let mut matched = vec![false; text.len() + 1];
    matched[0] = true;
    for wanted in pattern {
        let mut next = vec![false; text.len() + 1];
        for length in 0..=text.len() {
            next[length] = match wanted {
                '%' => matched[length] || (length > 0 && next[length - 1]),
                '_' => length > 0 && matched[length - 1],
                letter => length > 0 && matched[length - 1] && text[length - 1] == *letter,
            };
        }
        matched = next;
    }
    matched[text.len()]
}

/// Days from 1970-01-01 to a date written `YYYY-MM-DD`, counted year by year and month by month.
fn days(text: &str) -> Option<i32> {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else {
        return None;
    };
    let number = |part: &str, length: usize| -> Option<i32> {
        (part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| part.parse().ok())
            .flatten()
    };
    let (year, month, day) = (number(year, 4)?, number(month, 2)?, number(day, 2)?);
    if year == 0 || !(1..=12).contains(&month) || day == 0 || day > month_length(year, month) {
        return None;
    }
    let whole_years: i32 = (1..year).map(year_length).sum();
    let whole_months: i32 = (1..month).map(|month| month_length(year, month)).sum();
    let years_before_1970: i32 = (1..1970).map(year_length).sum();
    Some(whole_years + whole_months + day - 1 - years_before_1970)
}

fn is_leap(year: i32) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

fn year_length(year: i32) -> i32 {
    if is_leap(year) { 366 } else { 365 }
}

fn month_length(year: i32, month: i32) -> i32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}
