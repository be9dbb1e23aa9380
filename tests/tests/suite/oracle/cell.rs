//! Values of tables as plain Rust values, and the kinds of columns that hold them.
//!
//! Free of Arrow and of the engine: what decides which rows the peer gets must not have passed through the code under test.

/// Digits after the point of every decimal column.
pub(super) const DECIMAL_SCALE: u32 = 2;

/// The fields of every struct column.
pub(super) const RECORD_FIELDS: [(&str, Kind); 2] = [("size", Kind::Long), ("label", Kind::Text)];

/// What a column holds; each is one type of Delta.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Long,
    Integer,
    Text,
    Boolean,
    Double,
    Decimal,
    Date,
    /// A struct of [`RECORD_FIELDS`].
    Record,
}

impl Kind {
    pub(super) fn is_whole(self) -> bool {
        matches!(self, Self::Long | Self::Integer)
    }

    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Long | Self::Integer | Self::Double | Self::Decimal)
    }
}

/// One value of one row.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Cell {
    Null,
    /// Of a long or an integer column.
    Whole(i64),
    Text(String),
    Boolean(bool),
    Double(f64),
    /// Without the point.
    Decimal(i128),
    /// Days since 1970-01-01.
    Date(i32),
    Record(Vec<Cell>),
}

/// A cell for each column of the table, in the order of its schema.
pub(super) type Row = Vec<Cell>;
