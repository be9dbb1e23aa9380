//! Why a filter text is refused.
//!
//! Invariant: neither `Display` nor `Debug` repeats the text or a part of it. A filter may name hidden columns and
//! values, and an error may end in a log that more people read than may read the filter. Offsets count characters
//! from 0 and help whoever has the text.

use std::fmt;

use crate::error::{Error, ErrorKind};

/// A refusal. Closed: the caller refuses the table for each of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FilterError {
    /// Nothing but blanks. Only `TRUE` means all rows.
    Empty,
    /// More characters than Lake Formation stores.
    TooLong,
    /// Nested deeper than any filter a person writes.
    TooDeep,
    /// More predicates than are evaluated for each row.
    TooLarge,
    /// A character that begins no word of the language.
    Character(usize),
    /// A string or a quoted name without its closing quote.
    Unterminated(usize),
    /// A quoted name with nothing in it.
    EmptyName(usize),
    /// A number in a form that is not in the grammar, or with too many digits.
    Number(usize),
    /// A path through more structs than Lake Formation supports.
    PathTooLong(usize),
    /// A column name that Lake Formation does not accept in a filter.
    SystemColumn(usize),
    /// A LIKE pattern with a backslash.
    PatternEscape(usize),
    /// A word of the language at the wrong place.
    Unexpected {
        /// Where it stands, or the length of the text at its end.
        offset: usize,
        /// What the grammar has there.
        expected: Expected,
    },
}

/// What the grammar has at a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Expected {
    /// The name of a column.
    Column,
    /// An operator after a column.
    Operator,
    /// A constant.
    Literal,
    /// A string in single quotes.
    String,
    /// A name after a point.
    Name,
    /// `AND` between two bounds.
    And,
    /// `NULL`, or `NOT NULL`.
    Null,
    /// `(`
    Opening,
    /// `)`, or what may stand before it.
    Closing,
    /// `BETWEEN`, `IN` or `LIKE` after `NOT`.
    Negatable,
    /// `AND`, `OR` or the end.
    End,
}

impl Expected {
    fn as_str(self) -> &'static str {
        match self {
            Self::Column => "a column",
            Self::Operator => "an operator",
            Self::Literal => "a constant",
            Self::String => "a string",
            Self::Name => "a name",
            Self::And => "AND",
            Self::Null => "NULL",
            Self::Opening => "an opening parenthesis",
            Self::Closing => "a closing parenthesis",
            Self::Negatable => "BETWEEN, IN or LIKE",
            Self::End => "the end",
        }
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, offset) = match *self {
            Self::Empty => return formatter.write_str("the filter is empty"),
            Self::TooLong => return formatter.write_str("the filter is too long"),
            Self::TooDeep => return formatter.write_str("the filter is nested too deep"),
            Self::TooLarge => return formatter.write_str("the filter has too many predicates"),
            Self::Unexpected { offset, expected } => {
                return write!(formatter, "{} is missing at character {offset}", expected.as_str());
            }
            Self::Character(offset) => ("a character outside the language", offset),
            Self::Unterminated(offset) => ("a quote that is not closed", offset),
            Self::EmptyName(offset) => ("an empty name", offset),
            Self::Number(offset) => ("a number in an unknown form", offset),
            Self::PathTooLong(offset) => ("a field nested too deep", offset),
            Self::SystemColumn(offset) => ("a system column", offset),
            Self::PatternEscape(offset) => ("a backslash in a LIKE pattern", offset),
        };
        write!(formatter, "{text} at character {offset}")
    }
}

impl std::error::Error for FilterError {}

impl From<FilterError> for Error {
    fn from(error: FilterError) -> Self {
        Self::new(ErrorKind::Unsupported, "the row filter of this table cannot be enforced")
            .because(format!("row filter refused: {error}"))
    }
}
