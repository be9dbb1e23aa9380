//! Numbers and texts as they were written: none is read as another one.
//!
//! The parser's faults: it takes `1_000` for 1 called `_000`, `0b1` for 0 called `b1`, `1x` for 1 called x, `0xff` for bytes, and
//! `'a' 'b'` for a text called b. The planner's: it reads as a double whatever has a point or does not fit into 64 bits, so that
//! `20000000000000000001` loses its last digit, `1e400` is infinite, and what is larger than a bigint becomes an unsigned one.
//!
//! Here digits are grouped as in PostgreSQL and Trino, texts one below the other are one text as in the SQL standard, and a number
//! that needs more digits than a double is sure to keep, or does not fit into a bigint, is a decimal. What remains is refused.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, ExactNumberInfo, Expr, Statement, UnaryOperator, Value, ValueWithSpan, VisitMut,
    VisitorMut,
};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::{Error, ErrorKind};

/// Significant digits that every double keeps.
const DIGITS_OF_DOUBLES: usize = 15;

/// Digits of the longest decimal.
const DIGITS_OF_DECIMALS: usize = 76;

/// The same tokens, numbers and texts put together.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] for what would be read as something else.
pub(super) fn joined(tokens: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>, Error> {
    let mut joined: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    // Spaces since the last token.
    let mut spaces: Vec<TokenWithSpan> = Vec::new();
    for token in tokens {
        if matches!(token.token, Token::Whitespace(_)) {
            spaces.push(token);
            continue;
        }
        let is_taken = match joined.last_mut() {
            Some(last) if spaces.is_empty() => continued_number(last, &token)?,
            Some(last) => continued_text(last, &token)?,
            None => false,
        };
        if is_taken {
            spaces.clear();
            continue;
        }
        joined.append(&mut spaces);
        joined.push(with_hexadecimal(token)?);
    }
    joined.append(&mut spaces);
    Ok(joined)
}

/// Whether a token directly behind a number belongs to it.
fn continued_number(last: &mut TokenWithSpan, next: &TokenWithSpan) -> Result<bool, Error> {
    let Token::Number(number, _) = &mut last.token else { return Ok(false) };
    match &next.token {
        Token::Word(word) if word.quote_style.is_none() => {
            let letters = word.value.to_ascii_lowercase();
            let radix = match letters.as_bytes().first() {
                Some(b'b') => 2,
                Some(b'o') => 8,
                _ => 10,
            };
            if radix != 10 && number == "0" {
                *number = in_radix(&letters[1..], radix)?;
            } else if is_grouped(number, &letters) {
                number.push_str(&letters.replace('_', ""));
            } else {
                return Err(refused(
                    "a number is directly followed by a name; put a space or an operator between",
                    number,
                ));
            }
            last.span.end = next.span.end;
            Ok(true)
        }
        // The rest of a number whose digits were grouped before the point.
        Token::Number(rest, _) if rest.starts_with('.') && is_digits(number) => {
            number.push_str(rest);
            last.span.end = next.span.end;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Whether letters behind a number are further groups of its digits.
fn is_grouped(number: &str, letters: &str) -> bool {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, number));
    let is_open = (whole.is_empty() || is_digits(whole)) && is_digits(fraction);
    is_open && letters.strip_prefix('_').is_some_and(|groups| groups.split('_').all(is_digits))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|letter| letter.is_ascii_digit())
}

fn in_radix(digits: &str, radix: u32) -> Result<String, Error> {
    let number = i64::from_str_radix(&digits.replace('_', ""), radix);
    number.map(|number| number.to_string()).map_err(|_| refused("no whole number can be read from", digits))
}

/// Whether a text below another one continues it.
fn continued_text(last: &mut TokenWithSpan, next: &TokenWithSpan) -> Result<bool, Error> {
    let (Token::SingleQuotedString(text), Token::SingleQuotedString(more)) = (&mut last.token, &next.token)
    else {
        return Ok(false);
    };
    if next.span.start.line == last.span.end.line {
        return Err(refused("two texts follow one another; write || between, or AS before a name", more));
    }
    text.push_str(more);
    last.span.end = next.span.end;
    Ok(true)
}

/// `0xff` as the number that it is; bytes are written `X'ff'`, one character longer.
fn with_hexadecimal(mut token: TokenWithSpan) -> Result<TokenWithSpan, Error> {
    if let Token::HexStringLiteral(digits) = &token.token {
        let columns = token.span.end.column.saturating_sub(token.span.start.column);
        let is_number = token.span.start.line == token.span.end.line
            && usize::try_from(columns).is_ok_and(|columns| columns == digits.len() + 2);
        if is_number {
            token.token = Token::Number(in_radix(digits, 16)?, false);
        }
    }
    Ok(token)
}

fn refused(public: &'static str, written: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, public).echoing(written)
}

/// Makes decimals of the numbers of a query that would lose digits otherwise.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] for a number that no type holds.
pub(super) fn with_all_digits(query: &mut Statement) -> Result<(), Error> {
    match query.visit(&mut AllDigits) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct AllDigits;

impl VisitorMut for AllDigits {
    type Break = Error;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        let exact = match expr {
            Expr::Value(ValueWithSpan { value: Value::Number(number, _), .. }) => exact(number),
            // The smallest bigint is one more than the largest, without its sign.
            Expr::UnaryOp { op: UnaryOperator::Minus, expr: number } => match number.as_ref() {
                Expr::Value(ValueWithSpan { value: Value::Number(number, _), .. })
                    if number.parse::<i64>().is_err() && format!("-{number}").parse::<i64>().is_ok() =>
                {
                    Ok(Some(cast(format!("-{number}"), DataType::BigInt(None))))
                }
                _ => Ok(None),
            },
            _ => Ok(None),
        };
        match exact {
            Ok(Some(exact)) => *expr = exact,
            Ok(None) => {}
            Err(error) => return ControlFlow::Break(error),
        }
        ControlFlow::Continue(())
    }
}

/// The number as a decimal; `None` for one that the planner reads as it is.
fn exact(number: &str) -> Result<Option<Expr>, Error> {
    if number.parse::<i64>().is_ok() {
        return Ok(None);
    }
    if number.contains(['e', 'E']) {
        return match number.parse::<f64>() {
            Ok(double) if double.is_finite() => Ok(None),
            _ => Err(refused("a number is larger than any type of numbers", number)),
        };
    }
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole = whole.trim_start_matches('0');
    let is_whole = !number.contains('.');
    let significant = match whole.is_empty() {
        true => fraction.trim_start_matches('0').len(),
        false => whole.len() + fraction.len(),
    };
    if !is_whole && significant <= DIGITS_OF_DOUBLES {
        return Ok(None);
    }
    let digits = whole.len() + fraction.len();
    let (Ok(precision), Ok(scale)) = (u64::try_from(digits.max(1)), i64::try_from(fraction.len())) else {
        return Ok(None);
    };
    if digits > DIGITS_OF_DECIMALS {
        return Err(refused(
            "a number has more digits than any type of numbers; write it with an exponent",
            number,
        ));
    }
    let decimal = DataType::Decimal(ExactNumberInfo::PrecisionAndScale(precision, scale));
    Ok(Some(cast(number.to_owned(), decimal)))
}

fn cast(written: String, data_type: DataType) -> Expr {
    Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(Expr::Value(Value::SingleQuotedString(written).with_empty_span())),
        data_type,
        array: false,
        format: None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use datafusion::sql::sqlparser::dialect::GenericDialect;
    use datafusion::sql::sqlparser::tokenizer::Tokenizer;

    use super::*;

    fn read(sql: &str) -> Result<String, Error> {
        let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location().unwrap();
        Ok(joined(tokens)?.iter().map(|token| token.token.to_string()).collect())
    }

    #[test]
    fn numbers_are_read_as_they_were_written() {
        for (sql, tokens) in [
            ("1_000", "1000"),
            ("1_000.5+1_0", "1000.5+10"),
            ("1.000_1", "1.0001"),
            ("0b101, 0o17, 0xFF, X'FF'", "5, 15, 255, X'FF'"),
            ("a_1, b.c1, $1", "a_1, b.c1, $1"),
            ("'a'\n'b'", "'ab'"),
            ("'a' as b, 'c'", "'a' as b, 'c'"),
            ("1 a", "1 a"),
            ("10L", "10L"),
        ] {
            assert_eq!(read(sql).unwrap(), tokens, "{sql}");
        }
        for sql in ["1a", "1__0", "1_", "0b2", "1from", "'a' 'b'", "1_000x", "0x1_0g"] {
            assert!(read(sql).is_err(), "{sql}");
        }
    }

    #[test]
    fn numbers_with_many_digits_are_decimals() {
        for number in ["2.5", "123456789012345", "9223372036854775807", "0.0000001", "1e20", "00012.5"] {
            assert_eq!(exact(number).unwrap(), None, "{number}");
        }
        for (number, cast) in [
            ("9223372036854775808", "CAST('9223372036854775808' AS DECIMAL(19,0))"),
            ("1234567890123456.78", "CAST('1234567890123456.78' AS DECIMAL(18,2))"),
            ("0.12345678901234567", "CAST('0.12345678901234567' AS DECIMAL(17,17))"),
        ] {
            assert_eq!(exact(number).unwrap().unwrap().to_string(), cast, "{number}");
        }
        assert!(exact("1e400").is_err());
        assert!(exact(&"9".repeat(77)).is_err());
    }
}
