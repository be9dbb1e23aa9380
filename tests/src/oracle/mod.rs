//! The oracle of row filters: filter text and a batch → which rows a principal may see.
//!
//! A second implementation of the row-filter language, made to be compared with the server's. Invariants:
//! - It shares nothing with the server: its own parser, no DataFusion, no arrow kernels, arrow arrays only to read cells.
//! - It works row by row on single values, the plainest way there is. Slowness is no defect here, cleverness would be.
//! - It answers for filters that have one meaning; for all others it answers [`OracleError`], and so must the server.
//!
//! ```text
//! text ─▶ parse ─▶ Filter ─▶ for each row: cells → value → Some(true), Some(false) or None ─▶ shown if Some(true)
//! ```

mod cell;
mod evaluate;
mod number;
mod parse;
#[cfg(test)]
mod tests;

use std::fmt;

use arrow::array::RecordBatch;

/// Why the oracle gives no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OracleError {
    /// The text is not in the language.
    Syntax,
    /// A name means no column, or more than one.
    Column,
    /// A column of a type that no filter may compare.
    Type,
    /// A constant or an operator that does not fit its column.
    Mismatch,
}

impl fmt::Display for OracleError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Syntax => "the filter is not in the language",
            Self::Column => "the filter names an unknown or ambiguous column",
            Self::Type => "the filter compares a column of an unsupported type",
            Self::Mismatch => "the filter compares a column with a constant of another type",
        })
    }
}

impl std::error::Error for OracleError {}

/// For each row of the batch, whether `filter` shows it. The batch has all columns that the filter names.
///
/// # Errors
/// The filter has no single meaning for the columns of the batch, whatever its rows.
pub fn shown_rows(filter: &str, batch: &RecordBatch) -> Result<Vec<bool>, OracleError> {
    if filter.trim_matches([' ', '\t', '\r', '\n']).eq_ignore_ascii_case("true") {
        return Ok(vec![true; batch.num_rows()]);
    }
    let filter = parse::parse(filter)?;
    evaluate::check(&filter, batch)?;
    (0..batch.num_rows()).map(|row| Ok(evaluate::evaluate(&filter, batch, row)? == Some(true))).collect()
}
