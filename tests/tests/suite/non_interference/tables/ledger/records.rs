//! The rows of the ledger.
//!
//! Each column has a value that expressions fail on, and in the first world every hidden row has it: zero divisors, text
//! that is no number, a day that no calendar has, the largest integer, a pattern that is no pattern, six megabytes of text. In
//! the second world hidden rows have values that nothing fails on. Visible rows never fail where a probe does not mean them to,
//! and have a NULL now and then beside hidden rows that have values.

use super::super::World;
use super::super::rows::Row;

/// Bytes of the one text that no small query could hold.
const HUGE: usize = 6 * 1024 * 1024;

pub(super) struct Record {
    pub(super) id: i64,
    pub(super) kind: String,
    pub(super) divisor: Option<i64>,
    pub(super) digits: String,
    pub(super) day: String,
    pub(super) amount: i64,
    pub(super) bonus: Option<i32>,
    pub(super) rate: Option<f64>,
    pub(super) is_paid: Option<bool>,
    pub(super) born: Option<i32>,
    pub(super) seen: Option<i64>,
    pub(super) price: Option<i128>,
    pub(super) note: Option<String>,
    pub(super) tags: Vec<Option<i64>>,
    pub(super) city: String,
    pub(super) zip: Option<i32>,
    pub(super) region: Option<&'static str>,
    /// The hidden column that has another name, type and place in each world.
    pub(super) other: i64,
}

pub(super) fn record(world: World, row: Row) -> Record {
    match (row, world) {
        (Row::Visible(number), _) => ordinary(number),
        (Row::Hidden(number), World::First) => poison(number),
        (Row::Hidden(number), World::Second) => harmless(number),
    }
}

fn ordinary(number: i64) -> Record {
    let small = i32::try_from(number).unwrap();
    Record {
        id: number,
        kind: ["a", "b", "c", "d", "e"][usize::try_from(number % 5).unwrap()].to_owned(),
        divisor: Some(6 + number % 15),
        digits: (number * 37 % 1000).to_string(),
        day: format!("2026-{:02}-{:02}", number % 12 + 1, number % 28 + 1),
        amount: number * 1000,
        bonus: (number % 3 != 0).then_some(small % 50),
        rate: (number % 4 != 1).then_some(f64::from(small) / 8.0),
        is_paid: (number % 5 != 2).then_some(number % 2 == 0),
        born: (number % 6 != 0).then_some(10_000 + small),
        seen: (number % 7 != 3).then_some(1_700_000_000_000_000 + number * 1_000_003),
        price: (number % 4 != 2).then_some(i128::from(number % 90) * 100 + 25),
        note: (number % 8 != 5).then(|| format!("note {number}")),
        tags: (0..number % 4).map(|place| (place != 1).then_some(number + place + 1)).collect(),
        city: format!("city {}", number % 10),
        zip: (number % 3 != 1).then_some(10_000 + small),
        region: Some("north"),
        other: number,
    }
}

fn poison(number: i64) -> Record {
    let small = i32::try_from(number).unwrap();
    let note = match number {
        0 => "canary ".repeat(HUGE / "canary ".len()),
        odd if odd % 2 == 1 => "(".to_owned(),
        _ => format!("canary secret note {number}"),
    };
    Record {
        id: 1_000_000 + number,
        kind: "zz canary".to_owned(),
        divisor: Some(5),
        digits: "seven".to_owned(),
        day: "31.02.2026".to_owned(),
        amount: i64::MAX - number,
        bonus: Some(1_000_000 + small),
        rate: Some(1e300),
        is_paid: Some(true),
        born: Some(50_000 + small),
        seen: Some(4_000_000_000_000_000 + number),
        price: Some(999_999_999_999),
        note: Some(note),
        tags: vec![Some(0), Some(number)],
        city: "canary city".to_owned(),
        zip: Some(99_999),
        region: Some("south"),
        other: 7_000_000 + number,
    }
}

fn harmless(number: i64) -> Record {
    Record {
        id: -1 - number,
        kind: "a".to_owned(),
        divisor: None,
        digits: "7".to_owned(),
        day: "2026-01-01".to_owned(),
        amount: -3,
        bonus: Some(-7),
        rate: Some(-0.5),
        is_paid: Some(false),
        born: None,
        seen: None,
        price: Some(1),
        note: Some("note 1".to_owned()),
        tags: Vec::new(),
        city: "city 1".to_owned(),
        zip: None,
        region: (number % 2 == 0).then_some("east"),
        other: -number,
    }
}
