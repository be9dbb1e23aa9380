//! The row-filter language of Lake Formation: text → a small checked tree.
//!
//! Lake Formation hands over the filter of a table as text and leaves its evaluation to us. The text never meets the
//! SQL parser of the engine, whose grammar has functions, casts and subqueries; it is read by the grammar below and by
//! nothing else. Whatever is not in it is refused, and a refused filter refuses its table (invariant G6): guessing what
//! an unknown construct means would show rows to someone on a guess.
//!
//! ```ebnf
//! filter     = "TRUE" | disjunction ;                     (* TRUE alone: all rows *)
//! disjunction = conjunction , { "OR" , conjunction } ;
//! conjunction = term , { "AND" , term } ;
//! term       = "NOT" , term | "(" , disjunction , ")" | predicate ;
//! predicate  = column , comparison , literal
//!            | column , [ "NOT" ] , "BETWEEN" , literal , "AND" , literal
//!            | column , [ "NOT" ] , "IN" , "(" , literal , { "," , literal } , ")"
//!            | column , [ "NOT" ] , "LIKE" , string
//!            | column , "IS" , [ "NOT" ] , "NULL" ;
//! comparison = "=" | "<>" | "!=" | "<" | "<=" | ">" | ">=" ;
//! column     = identifier , { "." , identifier } ;        (* 1 to 6 of them: a nested field is at most 5 deep *)
//! identifier = ( letter | "_" ) , { letter | digit | "_" }             (* ASCII, no keyword *)
//!            | '"' , character , { character } , '"' ;                 (* "" for one quote *)
//! literal    = string | [ "-" ] , digits , [ "." , digits ] | "TRUE" | "FALSE" ;
//! string     = "'" , { character } , "'" ;                             (* '' for one quote, \ is itself *)
//! ```
//! Keywords are written in any case; blanks are space, tab, carriage return and line feed.
//!
//! Source: "Row-level filter expressions" and "PartiQL support in row filter expressions" of the Lake Formation
//! developer guide. Where it is silent, plain SQL is read and the rest refused:
//! - `LIKE` with a backslash in its pattern (engines disagree on what it escapes) and any `ESCAPE` clause;
//! - numbers with an exponent, in hexadecimal, with a sign `+`, with a bare point, or with more than 38 digits;
//! - `NULL` as a literal, constants on the left, columns on both sides, a boolean column without comparison;
//! - comments, `;`, typed literals such as `DATE '…'`, functions, casts, arithmetic, subqueries;
//! - the system columns of Redshift that Lake Formation itself does not accept;
//! - more than 2048 characters, a nesting of more than 32 levels, more than 256 nodes.
//!
//! The tree is normalised: names are folded to ASCII lower case, `!=` is `<>`, every negated form is a `Not` around
//! the positive one, chains of AND and OR are flat, numbers have one spelling. Equal trees have the same
//! [canonical text](RowFilter::canonical), and two filters with the same canonical text select the same rows.

mod ast;
mod canonical;
mod error;
mod lexer;
mod parser;

#[cfg(test)]
mod tests;

pub(crate) use self::ast::{ColumnPath, Comparison, Literal, ParsedFilter, RowFilter};
pub(crate) use self::error::FilterError;

/// Longest filter, in characters: the limit of the API's `FilterExpression`.
const TEXT_LIMIT: usize = 2048;

/// Reads the filter of a table.
///
/// # Errors
/// A [`FilterError`] for any text outside the grammar of this module. The caller refuses the table.
pub(crate) fn parse(text: &str) -> Result<ParsedFilter, FilterError> {
    if text.chars().count() > TEXT_LIMIT {
        return Err(FilterError::TooLong);
    }
    if text.trim_matches(lexer::is_blank).eq_ignore_ascii_case("true") {
        return Ok(ParsedFilter::AllRows);
    }
    parser::parse(text).map(ParsedFilter::Rows)
}
