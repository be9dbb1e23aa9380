//! Random schemas and the values that their columns hold.
//!
//! Values repeat, so that joins meet and groups have more than one row, and a good share is NULL. Doubles are quarters:
//! their sums are exact in any order, and none is NaN or -0.0, whose order and spelling depend on who groups first.

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::cell::{Cell, Kind, RECORD_FIELDS};
use super::chance::{pick, shuffled};
use crate::delta::writer::{field, structure};

/// Words that stand in no error text of a server, so that a hidden column's name in one is noticed.
const NAMES: [&str; 8] = ["tonnage", "harbour", "skipper", "berth", "voyage", "keel", "anchor", "rudder"];

/// Kinds that a row filter may compare.
const FILTERED: [Kind; 6] =
    [Kind::Long, Kind::Integer, Kind::Text, Kind::Double, Kind::Decimal, Kind::Boolean];

/// Kinds that a table may be partitioned by.
const PARTITIONED: [Kind; 3] = [Kind::Text, Kind::Long, Kind::Integer];

/// The empty text comes first, because a partition column cannot hold it.
const WORDS: [&str; 14] = [
    "",
    "a",
    "b",
    "A",
    "ab",
    "a%b",
    "a_b",
    "o'neil",
    "\u{e9}",
    "\u{c9}t\u{e9}",
    "n1",
    "n10",
    "x y",
    "north-east",
];

/// 2024-01-01.
const FIRST_DAY: i32 = 19_723;

const NULL_SHARE: f64 = 0.2;

/// What a column is there for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    Data,
    Partition,
    /// Text that no row filter reads, so that hidden rows can be marked in it: digits in the rows that are shown, but
    /// for some words if there are any.
    Remark {
        has_words: bool,
    },
    /// Text that nobody sees and that makes the table too large to be planned for one thread.
    Padding,
}

/// One column of a table.
#[derive(Clone, Debug)]
pub(super) struct Column {
    /// In lower case, as Glue and queries spell it.
    pub(super) name: String,
    /// As the Delta log spells it.
    pub(super) spelling: String,
    pub(super) kind: Kind,
    pub(super) role: Role,
}

impl Column {
    pub(super) fn is_partition(&self) -> bool {
        self.role == Role::Partition
    }

    pub(super) fn is_remark(&self) -> bool {
        matches!(self.role, Role::Remark { .. })
    }

    /// The field of Delta's schema.
    pub(super) fn delta_field(&self) -> Value {
        let data_type = match self.kind {
            Kind::Record => {
                let fields = RECORD_FIELDS.map(|(name, kind)| field(name, delta_type(kind)));
                structure(&fields)
            }
            kind => json!(delta_type(kind)),
        };
        field(&self.spelling, data_type)
    }

    /// A value for one row, or for all rows of a file if the table is partitioned by the column.
    pub(super) fn random_cell(&self, random: &mut StdRng) -> Cell {
        if random.random_bool(NULL_SHARE) {
            return Cell::Null;
        }
        match self.role {
            Role::Partition if self.kind == Kind::Text => text(pick(&WORDS[1..], random)),
            Role::Remark { has_words } if has_words && random.random_bool(0.05) => text(pick(&WORDS, random)),
            Role::Remark { .. } | Role::Padding => text(&random.random_range(0..60_u8).to_string()),
            Role::Data | Role::Partition => random_value(self.kind, random),
        }
    }
}

fn delta_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Long => "long",
        Kind::Integer => "integer",
        Kind::Text => "string",
        Kind::Boolean => "boolean",
        Kind::Double => "double",
        Kind::Decimal => "decimal(12,2)",
        Kind::Date => "date",
        Kind::Record => panic!("a struct has no name of its own"),
    }
}

fn text(value: &str) -> Cell {
    Cell::Text(value.to_owned())
}

fn random_value(kind: Kind, random: &mut StdRng) -> Cell {
    match kind {
        Kind::Long | Kind::Integer if random.random_bool(0.03) => Cell::Whole(2_000_000_011),
        Kind::Long | Kind::Integer => Cell::Whole(random.random_range(-4..=12)),
        Kind::Text => text(pick(&WORDS, random)),
        Kind::Boolean => Cell::Boolean(random.random_bool(0.5)),
        Kind::Double => Cell::Double(f64::from(random.random_range(-12..=24_i32)) / 4.0),
        Kind::Decimal => Cell::Decimal(i128::from(random.random_range(-300..=900_i32)) * 5),
        Kind::Date => Cell::Date(FIRST_DAY + random.random_range(0..60)),
        Kind::Record => {
            let field = |(_, kind): (&str, Kind), random: &mut StdRng| match random.random_bool(NULL_SHARE) {
                true => Cell::Null,
                false => random_value(kind, random),
            };
            Cell::Record(RECORD_FIELDS.map(|named| field(named, random)).to_vec())
        }
    }
}

/// The columns of a table, in the order of its schema.
pub(super) fn random_columns(random: &mut StdRng) -> Vec<Column> {
    let mut names = shuffled(NAMES.to_vec(), random).into_iter();
    let mut roles: Vec<(Kind, Role)> = Vec::new();
    for _ in 0..2 {
        roles.push((pick(&FILTERED, random), Role::Data));
    }
    for _ in 0..random.random_range(1..=2) {
        let kinds = [FILTERED.as_slice(), &[Kind::Date, Kind::Date]].concat();
        roles.push((pick(&kinds, random), Role::Data));
    }
    for _ in 0..random.random_range(0..=2) {
        roles.push((pick(&PARTITIONED, random), Role::Partition));
    }
    if random.random_bool(0.4) {
        roles.push((Kind::Record, Role::Data));
    }
    let mut columns: Vec<Column> =
        roles.into_iter().map(|(kind, role)| column(names.next().unwrap(), kind, role, random)).collect();
    columns.push(column("remark", Kind::Text, Role::Remark { has_words: random.random_bool(0.25) }, random));
    if random.random_bool(0.25) {
        columns.push(column("padding", Kind::Text, Role::Padding, random));
    }
    shuffled(columns, random)
}

fn column(name: &str, kind: Kind, role: Role, random: &mut StdRng) -> Column {
    let mut spelling = name.to_owned();
    match random.random_range(0..4) {
        0 => spelling.make_ascii_uppercase(),
        1 => spelling[..1].make_ascii_uppercase(),
        _ => {}
    }
    Column { name: name.to_owned(), spelling, kind, role }
}
