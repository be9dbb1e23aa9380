//! Rows of one table, chosen by what another has.

use rand::RngExt;
use rand::rngs::StdRng;

use super::super::conditions::test;
use super::super::expressions::{aggregate, any, is_key, value};
use super::super::single::perhaps;
use super::super::{Condition, Query, Select};
use super::sides::{Sides, met};
use crate::oracle::chance::pick;
use crate::oracle::tree::Tree;

/// The rows for which a subquery over the other table says so, and perhaps a test.
fn chosen(sides: &Sides<'_>, subquery: String, random: &mut StdRng) -> Query {
    let scope = sides.under(0, "t");
    let subquery = Tree::Leaf(subquery);
    let condition: Condition = match random.random_bool(0.3) {
        true => Tree::All(vec![Tree::Leaf(test(scope, random)), subquery]),
        false => subquery,
    };
    let items: Vec<String> = match random.random_bool(0.3) {
        true => vec!["count(*)".to_owned(), aggregate(scope, random)],
        false => (0..random.random_range(1..=3)).map(|_| any(scope, random)).collect(),
    };
    Query::of(Select { condition: Some(condition), ..Select::of(items) })
}

pub(super) fn by_list(sides: &Sides<'_>, random: &mut StdRng) -> Option<Query> {
    let (outer, inner) = (sides.under(0, "t"), sides.under(1, "s"));
    let (key, other) = met(outer, inner, is_key, random)?;
    let (outside, inside) = (outer.name(key), inner.name(other));
    let operator = pick(&["in", "in", "not in"], random);
    let condition = match random.random_range(0..3) {
        // One NULL in the list leaves nothing of NOT IN, and a hidden one may not.
        0 => format!("{inside} is not null and {}", test(inner, random)),
        1 => format!("{inside} is not null"),
        _ => test(inner, random),
    };
    let subquery = format!("{outside} {operator} (select {inside} from {{1}} s where {condition})");
    Some(chosen(sides, subquery, random))
}

pub(super) fn by_existence(sides: &Sides<'_>, random: &mut StdRng) -> Option<Query> {
    let (outer, inner) = (sides.under(0, "t"), sides.under(1, "s"));
    let (key, other) = met(outer, inner, is_key, random)?;
    let (outside, inside) = (outer.name(key), inner.name(other));
    let not = pick(&["", "not "], random);
    let condition =
        if random.random_bool(0.6) { format!(" and {}", test(inner, random)) } else { String::new() };
    let subquery = format!("{not}exists (select 1 from {{1}} s where {inside} = {outside}{condition})");
    Some(chosen(sides, subquery, random))
}

/// Aggregates of the other table, of all of it or of what belongs to a row.
pub(super) fn scalar(sides: &Sides<'_>, random: &mut StdRng) -> Option<Query> {
    let (outer, inner) = (sides.under(0, "t"), sides.under(1, "s"));
    let (key, other) = met(outer, inner, is_key, random)?;
    let (outside, inside) = (outer.name(key), inner.name(other));
    let condition = test(inner, random);
    let items = [
        value(outer, random),
        format!("(select {} from {{1}} s where {condition})", aggregate(inner, random)),
        format!("(select count(*) from {{1}} s where {inside} = {outside})"),
    ];
    Some(Query::of(Select { condition: perhaps(outer, 0.4, random), ..Select::of(items) }))
}

/// A name that one table hides and the other shows: it means the visible column and is not ambiguous, and under the name of
/// the table that hides it there is none.
pub(super) fn hidden_here_and_shown_there(sides: &Sides<'_>, random: &mut StdRng) -> Option<Query> {
    let orders = if random.random_bool(0.5) { [(0, 1), (1, 0)] } else { [(1, 0), (0, 1)] };
    let has_names =
        |(here, there): &(usize, usize)| !sides.hidden_here_and_shown_there(*here, *there).is_empty();
    let (here, there) = orders.into_iter().find(has_names)?;
    let name = pick(&sides.hidden_here_and_shown_there(here, there), random);
    let joins = vec![sides.join("left", random)?];
    let items = match random.random_range(0..4) {
        0 => vec![format!("{}.{name}", sides.side(here).alias)],
        1 => vec!["count(*)".to_owned(), format!("count({}.{name})", sides.side(here).alias)],
        2 => vec!["count(*)".to_owned(), format!("count({name})")],
        _ => vec![name.to_owned(), format!("{}.{name}", sides.side(there).alias)],
    };
    Some(Query::of(Select { joins, ..Select::of(items) }))
}
