//! Random row filters over all columns of a table, hidden ones and partition columns included.
//!
//! Only what Lake Formation documents as accepted: constants of the column's type, no date or whole struct, no
//! comparison but equality of booleans, no test for NULL on a partition column. Constants are values of the table or lie
//! close to one, so that a filter seldom takes all rows or none.

use rand::RngExt;
use rand::rngs::StdRng;

use super::cell::{Cell, DECIMAL_SCALE, Kind, RECORD_FIELDS, Row};
use super::chance::{pick, random_tree};
use super::columns::{Column, Role};
use super::filter::{Comparison, Constant, FieldTest, Filter, Number, Place, Test};

const COMPARISONS: [Comparison; 6] = [
    Comparison::Equal,
    Comparison::NotEqual,
    Comparison::Less,
    Comparison::LessOrEqual,
    Comparison::Greater,
    Comparison::GreaterOrEqual,
];

/// A column or field that a filter may read.
#[derive(Clone, Copy)]
struct Filtered {
    place: Place,
    kind: Kind,
    is_partition: bool,
}

/// A filter over columns of which at least one can be filtered.
pub(super) fn random_filter(columns: &[Column], rows: &[&Row], random: &mut StdRng) -> Filter {
    let filtered: Vec<Filtered> = columns.iter().enumerate().flat_map(filtered).collect();
    let depth = random.random_range(1..=3);
    let mut leaf = |random: &mut StdRng| {
        let filtered = pick(&filtered, random);
        FieldTest { place: filtered.place, test: random_test(filtered, rows, random) }
    };
    random_tree(depth, &mut leaf, random)
}

fn filtered((position, column): (usize, &Column)) -> Vec<Filtered> {
    let at = |field: Option<usize>, kind| Filtered {
        place: Place { column: position, field },
        kind,
        is_partition: column.is_partition(),
    };
    match (column.role, column.kind) {
        (Role::Remark { .. } | Role::Padding, _) | (_, Kind::Date) => Vec::new(),
        (_, Kind::Record) => {
            RECORD_FIELDS.iter().enumerate().map(|(field, (_, kind))| at(Some(field), *kind)).collect()
        }
        (_, kind) => vec![at(None, kind)],
    }
}

fn random_test(filtered: Filtered, rows: &[&Row], random: &mut StdRng) -> Test {
    if !filtered.is_partition && random.random_bool(0.15) {
        return Test::Null;
    }
    let constant = |random: &mut StdRng| random_constant(filtered, rows, random);
    if filtered.kind == Kind::Boolean {
        let comparison = pick(&[Comparison::Equal, Comparison::NotEqual], random);
        return Test::Compare(comparison, constant(random));
    }
    match random.random_range(0..10) {
        0..=4 => Test::Compare(pick(&COMPARISONS, random), constant(random)),
        5..=6 => Test::Between(constant(random), constant(random)),
        7..=8 if filtered.kind == Kind::Text => Test::Like(random_pattern(&constant(random), random)),
        _ => Test::OneOf((0..random.random_range(1..=5)).map(|_| constant(random)).collect()),
    }
}

/// A constant of the column's type.
fn random_constant(filtered: Filtered, rows: &[&Row], random: &mut StdRng) -> Constant {
    let mut samples = (0..8).map(|_| {
        let row: &Row = pick(rows, random);
        filtered.place.of(row)
    });
    let sampled = samples.find(|cell| **cell != Cell::Null);
    match (filtered.kind, sampled) {
        (Kind::Text, Some(Cell::Text(value))) => Constant::Text(value.clone()),
        (Kind::Text, _) => Constant::Text("b".to_owned()),
        (Kind::Boolean, _) => Constant::Boolean(random.random_bool(0.5)),
        (Kind::Decimal, Some(Cell::Decimal(value))) => number_near(*value, DECIMAL_SCALE, random),
        // A quarter is a whole number of hundredths.
        (Kind::Double, Some(Cell::Double(value))) => number_near((value * 100.0) as i128, 2, random),
        (_, Some(Cell::Whole(value))) => {
            let near = i128::from(*value) + random.random_range(-1..=1_i128);
            // Larger than any value of an integer column, which is for the reader of the filter to notice.
            let unscaled = if random.random_bool(0.02) { 3_000_000_000 } else { near };
            Constant::Number(Number { unscaled, scale: 0 })
        }
        _ => Constant::Number(Number { unscaled: 1, scale: 0 }),
    }
}

/// The number itself, one with fewer digits after the point, or one with more than the column has.
fn number_near(unscaled: i128, scale: u32, random: &mut StdRng) -> Constant {
    let number = match random.random_range(0..4) {
        0 => Number { unscaled: unscaled / 10_i128.pow(scale), scale: 0 },
        1 => Number { unscaled: unscaled * 10 + 5, scale: scale + 1 },
        _ => Number { unscaled, scale },
    };
    Constant::Number(number)
}

fn random_pattern(constant: &Constant, random: &mut StdRng) -> String {
    let Constant::Text(text) = constant else { panic!("a pattern of {constant:?}") };
    let first: String = text.chars().take(1).collect();
    let rest: String = text.chars().skip(1).collect();
    match random.random_range(0..5) {
        0 => format!("{first}%"),
        1 => format!("%{rest}"),
        2 => format!("_{rest}"),
        3 => format!("%{first}%"),
        _ => text.clone(),
    }
}
