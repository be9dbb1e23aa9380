//! Patterns with an escape of their own.
//!
//! The engine knows one escape in patterns, the backslash. A literal pattern with another one is written with that; a pattern
//! that is computed is left to the planner, which refuses it.

use std::convert::Infallible;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, Statement, Value, VisitMut, VisitorMut};

/// Writes a statement's patterns with backslashes.
pub(super) fn with_backslashes(statement: &mut Statement) {
    let ControlFlow::Continue(()) = statement.visit(&mut Patterns);
}

struct Patterns;

impl VisitorMut for Patterns {
    type Break = Infallible;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Infallible> {
        if let Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. } = expr {
            let escape = escape_char.as_ref().and_then(|escape| one_character(text(&escape.value)?));
            if let (Expr::Value(pattern), Some(escape)) = (pattern.as_mut(), escape)
                && let Some(escaped) = text(&pattern.value)
            {
                pattern.value = Value::SingleQuotedString(rewritten(escaped, escape));
                *escape_char = None;
            }
        }
        ControlFlow::Continue(())
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

fn rewritten(pattern: &str, escape: char) -> String {
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
            assert_eq!(rewritten(pattern, escape), written, "{pattern}");
        }
    }
}
