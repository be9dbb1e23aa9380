//! The tree of a checked row filter.
//!
//! Closed on purpose: whoever evaluates it matches every node, and a construct that is not here cannot be expressed.
//! A [`RowFilter`] is made by the parser only, which keeps lists non-empty and chains flat.

use std::collections::BTreeSet;
use std::fmt;

/// What a filter text says.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum ParsedFilter {
    /// The literal `TRUE`: no row is hidden. Nothing else says so.
    AllRows,
    /// Rows for which the filter is TRUE are shown; FALSE and NULL hide.
    Rows(RowFilter),
}

/// A predicate in SQL's three-valued logic.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum RowFilter {
    /// All of two or more, none of which is an `And` itself.
    And(Vec<RowFilter>),
    /// Any of two or more, none of which is an `Or` itself.
    Or(Vec<RowFilter>),
    /// NULL stays NULL.
    Not(Box<RowFilter>),
    /// A column compared with a constant.
    Compare {
        /// The column on the left.
        column: ColumnPath,
        /// The operator.
        op: Comparison,
        /// The constant on the right.
        literal: Literal,
    },
    /// Inclusive on both sides; a lower bound above the upper one selects nothing.
    Between {
        /// The column.
        column: ColumnPath,
        /// The first bound as written.
        low: Literal,
        /// The second bound as written.
        high: Literal,
    },
    /// Equal to one of a non-empty list.
    In {
        /// The column.
        column: ColumnPath,
        /// The constants, in their order.
        list: Vec<Literal>,
    },
    /// Case-sensitive match: `%` is any number of characters, `_` is one. No escape character.
    Like {
        /// The column.
        column: ColumnPath,
        /// The pattern; holds no backslash.
        pattern: String,
    },
    /// Never NULL itself.
    IsNull {
        /// The column.
        column: ColumnPath,
    },
}

/// A top-level column, or a field of a struct below it. Names are in ASCII lower case, other letters as written.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct ColumnPath(Vec<String>);

impl ColumnPath {
    pub(super) fn new(mut names: Vec<String>) -> Self {
        for name in &mut names {
            name.make_ascii_lowercase();
        }
        Self(names)
    }

    /// The names from the top-level column down; at least one.
    pub(crate) fn names(&self) -> &[String] {
        &self.0
    }

    /// The top-level column's name.
    pub(crate) fn column(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }
}

/// The operators. `!=` is read as `<>`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Comparison {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// A constant as written. It takes the type of its column later or is refused; nothing is ever converted between
/// text and number.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Literal {
    /// Text in single quotes.
    String(String),
    /// A number without a point, of at most 38 digits.
    Integer(i128),
    /// A number with a point.
    Decimal(Decimal),
    /// `TRUE` or `FALSE`.
    Boolean(bool),
}

/// An exact decimal number, `unscaled / 10^scale`, of at most 38 digits. Never passed through a float on its way.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Decimal {
    unscaled: i128,
    scale: u8,
}

impl Decimal {
    /// Drops trailing zeros down to one digit after the point, so that `1.50` and `1.5` are one literal. A number
    /// with a point stays one: `2.0` is no integer.
    pub(super) fn new(mut unscaled: i128, mut scale: u8) -> Self {
        while scale > 1 && unscaled % 10 == 0 {
            unscaled /= 10;
            scale -= 1;
        }
        Self { unscaled, scale }
    }

    /// The number without its point.
    pub(crate) fn unscaled(self) -> i128 {
        self.unscaled
    }

    /// Digits after the point, 1 to 38.
    pub(crate) fn scale(self) -> u8 {
        self.scale
    }
}

/// For example `-0.05`.
impl fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.unscaled < 0 { "-" } else { "" };
        let scale = usize::from(self.scale);
        let digits = format!("{:0>width$}", self.unscaled.unsigned_abs(), width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        write!(formatter, "{sign}{whole}.{fraction}")
    }
}

impl RowFilter {
    /// What all of some filters select.
    pub(crate) fn all(filters: impl IntoIterator<Item = Self>) -> Self {
        let operands = filters.into_iter().flat_map(|filter| match filter {
            Self::And(operands) => operands,
            other => vec![other],
        });
        single_or(operands.collect(), Self::And)
    }

    /// What any of some filters selects.
    pub(crate) fn any(filters: impl IntoIterator<Item = Self>) -> Self {
        let operands = filters.into_iter().flat_map(|filter| match filter {
            Self::Or(operands) => operands,
            other => vec![other],
        });
        single_or(operands.collect(), Self::Or)
    }

    /// The top-level columns that the filter reads, in lower case.
    pub(crate) fn columns(&self) -> BTreeSet<String> {
        let mut columns = BTreeSet::new();
        self.collect_columns(&mut columns);
        columns
    }

    fn collect_columns(&self, columns: &mut BTreeSet<String>) {
        match self {
            Self::And(operands) | Self::Or(operands) => {
                for operand in operands {
                    operand.collect_columns(columns);
                }
            }
            Self::Not(operand) => operand.collect_columns(columns),
            Self::Compare { column, .. }
            | Self::Between { column, .. }
            | Self::In { column, .. }
            | Self::Like { column, .. }
            | Self::IsNull { column } => {
                columns.insert(column.column().to_owned());
            }
        }
    }
}

/// The only operand, or a chain of them.
fn single_or(mut operands: Vec<RowFilter>, chain: fn(Vec<RowFilter>) -> RowFilter) -> RowFilter {
    match (operands.pop(), operands.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            operands.extend(last);
            chain(operands)
        }
    }
}
