//! Literals that the planner would take for something else.
//!
//! - `1.5` is a decimal, as the SQL standard has it, and equals the decimals of a table; the planner is told so. What has an
//!   exponent is a double by the same standard, but the planner would make it a decimal too, one of negative scale that few
//!   clients can read; and what has more digits than a decimal of 128 bits would fail. Both are cast.
//! - The engine knows one escape in patterns, the backslash. A literal pattern with another one is written with that; a
//!   pattern that is computed is left to the planner, which refuses it.

use std::convert::Infallible;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, ExactNumberInfo, Expr, Statement, Value, ValueWithSpan, VisitMut, VisitorMut,
};

/// Digits of the longest decimal (Arrow's `Decimal128`).
const MOST_DIGITS: usize = 38;

/// Rewrites a statement's literals.
pub(super) fn as_planned(statement: &mut Statement) {
    let ControlFlow::Continue(()) = statement.visit(&mut Literals);
}

struct Literals;

impl VisitorMut for Literals {
    type Break = Infallible;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Infallible> {
        match expr {
            Expr::Value(ValueWithSpan { value: Value::Number(number, _), .. }) if is_double(number) => {
                *expr = as_double(&number.replace('_', ""));
            }
            Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. } => {
                let escape = escape_char.as_ref().and_then(|escape| one_character(text(&escape.value)?));
                if let (Expr::Value(pattern), Some(escape)) = (pattern.as_mut(), escape)
                    && let Some(escaped) = text(&pattern.value)
                {
                    pattern.value = Value::SingleQuotedString(with_backslashes(escaped, escape));
                    *escape_char = None;
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn is_double(number: &str) -> bool {
    number.contains(['e', 'E']) || number.bytes().filter(u8::is_ascii_digit).count() > MOST_DIGITS
}

fn as_double(number: &str) -> Expr {
    Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(Expr::Value(Value::SingleQuotedString(number.to_owned()).into())),
        data_type: DataType::Double(ExactNumberInfo::None),
        array: false,
        format: None,
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::SingleQuotedString(text) => Some(text),
        _ => None,
    }
}

fn one_character(text: &str) -> Option<char> {
    let mut characters = text.chars();
    characters.next().filter(|_| characters.next().is_none())
}

fn with_backslashes(pattern: &str, escape: char) -> String {
    let mut written = String::with_capacity(pattern.len() + 8);
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        let literal = match character {
            _ if character == escape => Some(characters.next().unwrap_or(escape)),
            '\\' => Some('\\'),
            _ => None,
        };
        match literal {
            Some(literal) => written.extend(['\\', literal]),
            None => written.push(character),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_of_a_pattern_becomes_the_backslash() {
        for (pattern, escape, written) in [
            ("a!_b%", '!', "a\\_b%"),
            ("!!_", '!', "\\!_"),
            ("a\\_", '!', "a\\\\_"),
            ("a\\_", '\\', "a\\_"),
            ("a!", '!', "a\\!"),
            ("a", 'a', "\\a"),
        ] {
            assert_eq!(with_backslashes(pattern, escape), written, "{pattern}");
        }
    }

    #[test]
    fn numbers_with_an_exponent_or_very_many_digits_are_doubles() {
        for (number, double) in [("1.5", false), ("1e3", true), ("1.5E-7", true), (&"9".repeat(38), false)] {
            assert_eq!(is_double(number), double, "{number}");
        }
        assert!(is_double(&format!("0.{}1", "0".repeat(38))));
    }
}
