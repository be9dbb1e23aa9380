//! Set operations between tables.

use rand::RngExt;
use rand::rngs::StdRng;

use super::super::expressions::is_key;
use super::super::single::perhaps;
use super::super::{Query, Select, Source};
use super::sides::{Sides, met};
use crate::oracle::chance::pick;

const OPERATIONS: [&str; 8] =
    ["union all", "union all", "union", "union", "intersect", "except", "except all", "intersect all"];

/// One SELECT of some columns of a table.
fn branch(sides: &Sides<'_>, number: usize, names: Vec<String>, random: &mut StdRng) -> Select {
    let source = if number == 0 { Source::Table } else { Source::Other(number) };
    let condition = perhaps(sides.under(number, "t"), 0.5, random);
    Select { source, condition, ..Select::of(names) }
}

/// One or two columns of each of two tables, of the same kinds.
fn pairs(sides: &Sides<'_>, random: &mut StdRng) -> Option<(Vec<String>, Vec<String>)> {
    let (left, right) = (sides.under(0, "t"), sides.under(1, "t"));
    let pairs: Option<Vec<_>> =
        (0..random.random_range(1..=2)).map(|_| met(left, right, is_key, random)).collect();
    Some(pairs?.into_iter().map(|(one, other)| (left.name(one), right.name(other))).unzip())
}

pub(super) fn of_two(sides: &Sides<'_>, random: &mut StdRng) -> Option<Query> {
    let (left, right) = pairs(sides, random)?;
    let mut branches = vec![branch(sides, 0, left, random), branch(sides, 1, right, random)];
    if random.random_bool(0.5) {
        branches.reverse();
    }
    Some(Query { common: None, branches, operation: pick(&OPERATIONS, random) })
}

/// One column of each of three tables.
pub(super) fn of_three(sides: &Sides<'_>, random: &mut StdRng) -> Option<Query> {
    let scopes = [0, 1, 2].map(|number| sides.under(number, "t"));
    let (first, second) = met(scopes[0], scopes[1], is_key, random)?;
    let third = scopes[2].column(|kind| kind == second.kind, random)?;
    let names = [scopes[0].name(first), scopes[1].name(second), scopes[2].name(third)];
    let branches = names.into_iter().enumerate();
    let branches = branches.map(|(number, name)| branch(sides, number, vec![name], random)).collect();
    Some(Query { common: None, branches, operation: pick(&OPERATIONS, random) })
}
