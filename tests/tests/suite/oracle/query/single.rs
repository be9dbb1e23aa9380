//! Queries that read the table once.

use rand::RngExt;
use rand::rngs::StdRng;

use super::conditions::{condition, test};
use super::expressions::{Scope, aggregate, any, bare, is_ordered, key, value};
use super::known::{Known, KnownColumn};
use super::{Condition, Ending, Query, Select, Source};
use crate::oracle::cell::Kind;
use crate::oracle::chance::{pick, some_of};
use crate::oracle::tree::Tree;

const DIRECTIONS: [&str; 4] = ["", " desc", " nulls first", " desc nulls last"];

/// `share` is the chance that there is a condition at all.
pub(super) fn perhaps(scope: Scope<'_>, share: f64, random: &mut StdRng) -> Option<Condition> {
    random.random_bool(share).then(|| condition(scope, random))
}

/// Some of the first rows in an order by all items, of which there are so many.
pub(super) fn random_order(items: usize, random: &mut StdRng) -> Ending {
    let directions = (0..items).map(|_| pick(&DIRECTIONS, random)).collect();
    let limit = random.random_bool(0.8).then(|| random.random_range(1..15));
    let offset = random.random_bool(0.3).then(|| random.random_range(0..6));
    Ending::Ordered { directions, limit, offset }
}

/// Visible columns, at least one, in some order that may repeat none.
pub(super) fn some_columns<'a>(
    known: &'a Known,
    is_wanted: impl Fn(Kind) -> bool,
    random: &mut StdRng,
) -> Vec<&'a KnownColumn> {
    let wanted: Vec<&KnownColumn> = known.columns.iter().filter(|column| is_wanted(column.kind)).collect();
    some_of(&wanted, 1, 0.5, random)
}

/// `select *` with any condition.
pub(super) fn star(known: &Known, random: &mut StdRng) -> Query {
    let condition = perhaps(Scope::of(known), 0.7, random);
    Query::of(Select { condition, ..Select::star() })
}

/// A select list over the rows that meet a condition.
pub(super) fn plain(known: &Known, random: &mut StdRng) -> Query {
    let scope = Scope::of(known);
    let condition = perhaps(scope, 0.8, random);
    let count = random.random_range(1..=4);
    if random.random_bool(0.6) {
        let items: Vec<String> = (0..count).map(|_| any(scope, random)).collect();
        return Query::of(Select { condition, ..Select::of(items) });
    }
    let items: Vec<String> = (0..count).map(|_| value(scope, random)).collect();
    let ending = random_order(items.len(), random);
    Query::of(Select { condition, ending, ..Select::of(items) })
}

pub(super) fn distinct(known: &Known, random: &mut StdRng) -> Query {
    let scope = Scope::of(known);
    let count = random.random_range(1..=3);
    let items: Vec<String> = (0..count)
        .map(|_| if random.random_bool(0.5) { key(scope, random) } else { bare(scope, random) })
        .collect();
    let ending = if random.random_bool(0.3) { random_order(items.len(), random) } else { Ending::All };
    let condition = perhaps(scope, 0.6, random);
    Query::of(Select { distinct: true, condition, ending, ..Select::of(items) })
}

pub(super) fn grouped(known: &Known, random: &mut StdRng) -> Query {
    let scope = Scope::of(known);
    let keys = random.random_range(1..=2);
    let mut items: Vec<String> = (0..keys).map(|_| key(scope, random)).collect();
    items.extend((0..random.random_range(1..=3)).map(|_| aggregate(scope, random)));
    let having = random.random_bool(0.4).then(|| {
        let tests = ["count(*) > 1", "count(*) <= 3", "min(1) = 1", "count(*) between 2 and 6"];
        let first = Tree::Leaf(pick(&tests, random).to_owned());
        match random.random_bool(0.3) {
            true => Tree::Any(vec![first, Tree::Leaf("count(*) = 1".to_owned())]),
            false => first,
        }
    });
    let ending = if random.random_bool(0.3) { random_order(items.len(), random) } else { Ending::All };
    let condition = perhaps(scope, 0.6, random);
    Query::of(Select { condition, keys, having, ending, ..Select::of(items) })
}

/// Aggregates of the whole table.
pub(super) fn totals(known: &Known, random: &mut StdRng) -> Query {
    let scope = Scope::of(known);
    let items: Vec<String> = (0..random.random_range(1..=4)).map(|_| aggregate(scope, random)).collect();
    Query::of(Select { condition: perhaps(scope, 0.6, random), ..Select::of(items) })
}

/// Window functions over the columns of the select list. Rows that are alike in all of these may be numbered in any order,
/// so a query has one numbering at the most: two would pair their numbers at random.
pub(super) fn window(known: &Known, random: &mut StdRng) -> Query {
    let scope = Scope::of(known);
    let columns = some_columns(known, is_ordered, random);
    let mut items: Vec<String> = columns.iter().map(|column| scope.name(column)).collect();
    let (all, first, key) = (items.join(", "), items[0].clone(), pick(&columns, random));
    let key = scope.name(key);
    let number = scope.column(Kind::is_number, random).map(|column| scope.name(column));
    let number = number.unwrap_or_else(|| "1".to_owned());
    for _ in 0..random.random_range(1..=2) {
        items.push(match random.random_range(0..6) {
            0 => format!("sum({number}) over (partition by {key})"),
            1 => format!("sum({number}) over (partition by {key} order by {first})"),
            2 => format!("rank() over (order by {first} desc)"),
            3 => format!("dense_rank() over (partition by {key} order by {all})"),
            4 => "count(*) over ()".to_owned(),
            _ => format!("max({first}) over (partition by {key})"),
        });
    }
    let condition = perhaps(scope, 0.5, random);
    items.push(match random.random_bool(0.5) {
        true => format!("row_number() over (order by {all})"),
        false => format!("row_number() over (partition by {key} order by {all})"),
    });
    if random.random_bool(0.5) {
        return Query::of(Select { condition, ..Select::of(items) });
    }
    let first_ones = Some(Tree::Leaf(format!("t.c{} <= 3", items.len() - 1)));
    let source = Source::Derived(Box::new(Select { condition, ..Select::of(items) }));
    Query::of(Select { source, condition: first_ones, ..Select::star() })
}

/// How many rows are left below a limit that says nothing of their order.
pub(super) fn counted(known: &Known, random: &mut StdRng) -> Query {
    let scope = Scope::of(known);
    let limited = Select {
        condition: perhaps(scope, 0.5, random),
        ending: Ending::Some(random.random_range(0..40)),
        ..Select::of([bare(scope, random)])
    };
    let source = Source::Derived(Box::new(limited));
    Query::of(Select { source, ..Select::of(["count(*)".to_owned()]) })
}

/// A test of what a derived table computes.
pub(super) fn derived(known: &Known, random: &mut StdRng) -> Query {
    let scope = Scope::of(known);
    let items: Vec<String> = (0..random.random_range(1..=3)).map(|_| any(scope, random)).collect();
    let inner = Select { condition: perhaps(scope, 0.6, random), ..Select::of(items) };
    let tests = ["t.c0 is not null", "t.c0 is null", "length(cast(t.c0 as varchar)) > 1"];
    let condition = Some(Tree::Leaf(pick(&tests, random).to_owned()));
    let source = Source::Derived(Box::new(inner));
    match random.random_bool(0.5) {
        true => Query::of(Select { source, condition, ..Select::star() }),
        false => Query::of(Select { source, condition, ..Select::of(["count(*)".to_owned()]) }),
    }
}

/// A condition that is its own select list, so that NULL and FALSE can be told apart.
pub(super) fn verdicts(known: &Known, random: &mut StdRng) -> Query {
    let scope = Scope::of(known);
    let tests: Vec<String> = (0..2).map(|_| test(scope, random)).collect();
    let both = format!("({}) and ({})", tests[0], tests[1]);
    let either = format!("({}) or ({})", tests[0], tests[1]);
    let items = [both, either, "count(*)".to_owned()];
    Query::of(Select { keys: 2, ..Select::of(items) })
}
