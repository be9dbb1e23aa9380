//! The evaluator: a row filter and a row → TRUE, FALSE or unknown, in the plainest way there is.
//!
//! It decides which rows the peer's copy holds, so it uses nothing but the standard library. Its rules are those of
//! Lake Formation's documentation, with SQL's three-valued logic; where engines differ, text is compared byte by byte,
//! numbers exactly, and NaN is comparable to nothing.

mod tests;

use std::cmp::Ordering;

use super::cell::{Cell, DECIMAL_SCALE};
use super::filter::{Comparison, Constant, FieldTest, Filter, Number, Test};
use super::tree::Tree;

/// What a filter says of a row; `None` is unknown. Only `Some(true)` shows the row.
pub(super) fn evaluate(filter: &Filter, row: &[Cell]) -> Option<bool> {
    match filter {
        Tree::All(operands) => operands.iter().map(|operand| evaluate(operand, row)).fold(Some(true), and),
        Tree::Any(operands) => operands.iter().map(|operand| evaluate(operand, row)).fold(Some(false), or),
        Tree::Not(operand) => evaluate(operand, row).map(|verdict| !verdict),
        Tree::Leaf(FieldTest { place, test }) => answer(test, place.of(row)),
    }
}

fn and(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (left, right) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn or(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (left, right) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

fn answer(test: &Test, cell: &Cell) -> Option<bool> {
    if *test == Test::Null {
        return Some(*cell == Cell::Null);
    }
    let is_nan = matches!(cell, Cell::Double(value) if value.is_nan());
    if is_nan || *cell == Cell::Null {
        return None;
    }
    Some(match test {
        Test::Compare(comparison, constant) => holds(*comparison, order(cell, constant)),
        Test::Between(low, high) => order(cell, low).is_ge() && order(cell, high).is_le(),
        Test::OneOf(list) => list.iter().any(|constant| order(cell, constant).is_eq()),
        Test::Like(pattern) => {
            let Cell::Text(text) = cell else { panic!("LIKE over {cell:?}") };
            let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
            is_like(&text, &pattern)
        }
        Test::Null => false,
    })
}

fn holds(comparison: Comparison, order: Ordering) -> bool {
    match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}

/// How a value that is neither NULL nor NaN stands to a constant of its column's kind.
fn order(cell: &Cell, constant: &Constant) -> Ordering {
    match (cell, constant) {
        (Cell::Text(left), Constant::Text(right)) => left.as_bytes().cmp(right.as_bytes()),
        (Cell::Boolean(left), Constant::Boolean(right)) => left.cmp(right),
        (Cell::Whole(left), Constant::Number(right)) => {
            exact_order(Number { unscaled: i128::from(*left), scale: 0 }, *right)
        }
        (Cell::Decimal(left), Constant::Number(right)) => {
            exact_order(Number { unscaled: *left, scale: DECIMAL_SCALE }, *right)
        }
        (Cell::Double(left), Constant::Number(right)) => {
            let nearest: f64 = right.to_string().parse().unwrap();
            left.partial_cmp(&nearest).unwrap()
        }
        _ => panic!("{cell:?} cannot be compared with {constant:?}"),
    }
}

/// Without a division, so that no digit is lost.
fn exact_order(left: Number, right: Number) -> Ordering {
    let power = |scale: u32| 10_i128.pow(scale);
    (left.unscaled * power(right.scale)).cmp(&(right.unscaled * power(left.scale)))
}

fn is_like(text: &[char], pattern: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('%', rest)) => (0..=text.len()).any(|skipped| is_like(&text[skipped..], rest)),
        Some((wanted, rest)) => text
            .split_first()
            .is_some_and(|(letter, left)| (*wanted == '_' || wanted == letter) && is_like(left, rest)),
    }
}
