//! The tree of a row filter, which the test makes itself: the server gets it as text, the evaluator as it is.

use std::collections::BTreeSet;
use std::fmt;

use super::cell::Cell;
use super::tree::Tree;

/// A row filter.
pub(super) type Filter = Tree<FieldTest>;

/// What is asked of one column or field.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct FieldTest {
    pub(super) place: Place,
    pub(super) test: Test,
}

/// A column of the schema, or a field of a struct column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) column: usize,
    pub(super) field: Option<usize>,
}

impl Place {
    /// The value at this place. A NULL struct has NULL fields.
    pub(super) fn of(self, row: &[Cell]) -> &Cell {
        match (&row[self.column], self.field) {
            (Cell::Record(fields), Some(field)) => &fields[field],
            (cell, _) => cell,
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Test {
    Compare(Comparison, Constant),
    Between(Constant, Constant),
    OneOf(Vec<Constant>),
    Like(String),
    Null,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Constant {
    Text(String),
    Boolean(bool),
    Number(Number),
}

/// A number as it is written: `unscaled / 10^scale`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Number {
    pub(super) unscaled: i128,
    pub(super) scale: u32,
}

impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.unscaled < 0 { "-" } else { "" };
        let (magnitude, divisor) = (self.unscaled.unsigned_abs(), 10_u128.pow(self.scale));
        write!(formatter, "{sign}{}", magnitude / divisor)?;
        if self.scale == 0 {
            return Ok(());
        }
        write!(formatter, ".{:0>width$}", magnitude % divisor, width = self.scale as usize)
    }
}

/// The columns that a filter reads.
pub(super) fn columns_of(filter: &Filter) -> BTreeSet<usize> {
    filter.leaves().into_iter().map(|leaf| leaf.place.column).collect()
}
