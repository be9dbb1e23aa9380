//! SIMILAR TO by the SQL standard (SQL:2016, 8.6), as a regular expression over the whole text.
//!
//! The engine's fault: it takes the pattern for a regular expression that is found anywhere in the text, so that `'abc' similar to
//! 'ab'` is true and `%` and `_` mean nothing.

use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::expr::Like;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use crate::error::{Error, ErrorKind};

const NOT_CONSTANT: &str = "SIMILAR TO takes a constant pattern; for computed ones there is regexp_like";
const WRONG: &str =
    "the pattern of SIMILAR TO cannot be read: a bracket or an escape is not closed, or a class is unknown";

/// Specials of regular expressions that are none in such patterns.
const PLAIN: &str = ".^$#&-~";

/// A comparison with a pattern, as one with a regular expression.
///
/// # Errors
/// If the pattern is not a constant, or cannot be read.
pub(super) fn as_regular_expression(similar: Like) -> Result<Expr> {
    let Like { negated, expr, pattern, escape_char, case_insensitive: _ } = similar;
    let pattern = match *pattern {
        Expr::Literal(value, _) => value,
        _ => return Err(refused(NOT_CONSTANT)),
    };
    let regex = match pattern.try_as_str() {
        Some(Some(pattern)) => {
            Some(translated(pattern, escape_char.unwrap_or('\\')).ok_or_else(|| refused(WRONG))?)
        }
        Some(None) => None,
        None if pattern.is_null() => None,
        None => return Err(refused(NOT_CONSTANT)),
    };
    let op = if negated { Operator::RegexNotMatch } else { Operator::RegexMatch };
    let regex = Expr::Literal(ScalarValue::Utf8(regex), None);
    Ok(Expr::BinaryExpr(BinaryExpr::new(expr, op, Box::new(regex))))
}

fn refused(text: &'static str) -> DataFusionError {
    Error::new(ErrorKind::InvalidRequest, text).into()
}

/// The regular expression of a pattern; `None` if it is none.
fn translated(pattern: &str, escape: char) -> Option<String> {
    let mut regex = String::from("^(?s:");
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            _ if letter == escape => push_plain(&mut regex, letters.next()?),
            '%' => regex.push_str(".*"),
            '_' => regex.push('.'),
            '(' => regex.push_str("(?:"),
            '[' => push_class(&mut regex, &mut letters, escape)?,
            ']' => return None,
            '|' | ')' | '*' | '+' | '?' | '{' | '}' => regex.push(letter),
            other => push_plain(&mut regex, other),
        }
    }
    regex.push_str(")$");
    Some(regex)
}

fn push_plain(regex: &mut String, letter: char) {
    let is_special = PLAIN.contains(letter) || "\\|()[]{}*+?".contains(letter);
    if is_special {
        regex.push('\\');
    }
    regex.push(letter);
}

/// A class of characters, behind its opening bracket.
fn push_class(regex: &mut String, letters: &mut std::str::Chars<'_>, escape: char) -> Option<()> {
    regex.push('[');
    let mut is_first = true;
    loop {
        match letters.next()? {
            ']' if !is_first => break,
            '^' if is_first => {
                regex.push('^');
                // What follows is the first member.
                continue;
            }
            '[' => regex.push_str(&named_class(letters)?),
            // A range.
            '-' if !is_first && !letters.as_str().starts_with(']') => regex.push('-'),
            letter if letter == escape => push_plain(regex, letters.next()?),
            letter => push_plain(regex, letter),
        }
        is_first = false;
    }
    regex.push(']');
    Some(())
}

/// `[:ALPHA:]` and its siblings, behind the inner bracket.
fn named_class(letters: &mut std::str::Chars<'_>) -> Option<String> {
    let (name, rest) = letters.as_str().strip_prefix(':')?.split_once(":]")?;
    let class = match name.to_ascii_uppercase().as_str() {
        "ALPHA" => r"\p{Alphabetic}",
        "UPPER" => r"\p{Uppercase}",
        "LOWER" => r"\p{Lowercase}",
        "DIGIT" => r"\p{Nd}",
        "ALNUM" => r"\p{Alphabetic}\p{Nd}",
        "SPACE" => " ",
        "WHITESPACE" => r"\s",
        _ => return None,
    };
    *letters = rest.chars();
    Some(class.to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    #[test]
    fn a_pattern_is_over_the_whole_text() {
        for (pattern, text, fits) in [
            ("ab", "abc", false),
            ("ab%", "abc", true),
            ("a_c", "a\nc", true),
            ("(abc|def)", "def", true),
            ("abc|d", "abcx", false),
            ("a.c", "abc", false),
            ("a.c", "a.c", true),
            ("^a$", "^a$", true),
            ("[a-c]{2,3}", "abc", true),
            ("[^a-c]+", "xyz", true),
            ("[[:DIGIT:]]*", "123", true),
            ("[a&&b]", "&", true),
            (r"100\%", "100%", true),
            (r"100\%", "1000", false),
            ("", "", true),
            ("%", "", true),
        ] {
            let regex = regex::Regex::new(&translated(pattern, '\\').unwrap()).unwrap();
            assert_eq!(regex.is_match(text), fits, "{text} similar to {pattern}");
        }
        for pattern in ["[abc", "a\\", "[[:NONE:]]", "a]"] {
            assert_eq!(translated(pattern, '\\'), None, "{pattern}");
        }
    }
}
