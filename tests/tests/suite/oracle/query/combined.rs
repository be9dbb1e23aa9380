//! Queries that read the table more than once.

use rand::RngExt;
use rand::rngs::StdRng;

use super::conditions::{condition_with_subquery, test};
use super::expressions::{Scope, aggregate, any, is_key, is_ordered, value};
use super::known::Known;
use super::single::{perhaps, random_order, some_columns, totals};
use super::{Condition, Ending, Join, Meeting, Query, Select, Source};
use crate::oracle::cell::Kind;
use crate::oracle::chance::{pick, random_tree};
use crate::oracle::tree::Tree;

const JOINS: [&str; 5] = ["inner", "inner", "left", "right", "full"];

/// Conditions over either side of a join.
fn of_sides(scope: Scope<'_>, depth: u32, random: &mut StdRng) -> Condition {
    let mut side = |random: &mut StdRng| test(scope.under(pick(&["a", "b"], random)), random);
    random_tree(depth, &mut side, random)
}

/// How the sides of a join meet: in a key, and perhaps in more.
fn meeting(scope: Scope<'_>, random: &mut StdRng) -> Option<Condition> {
    let key = scope.column(is_key, random)?;
    let equal = Tree::Leaf(format!("a.{0} = b.{0}", key.name));
    Some(match scope.column(Kind::is_number, random) {
        Some(number) if random.random_bool(0.4) => {
            let operator = pick(&["<", "<=", "<>"], random);
            let further = Tree::Leaf(format!("a.{0} {operator} b.{0}", number.name));
            Tree::All(vec![equal, further])
        }
        _ => equal,
    })
}

/// The table joined with itself.
pub(super) fn joined(known: &Known, random: &mut StdRng) -> Query {
    let scope = Scope::of(known);
    let Some(on) = meeting(scope, random) else { return totals(known, random) };
    let (left, right) = (scope.under("a"), scope.under("b"));
    let condition = random.random_bool(0.8).then(|| {
        let depth = random.random_range(0..=1);
        of_sides(scope, depth, random)
    });
    let joins = vec![Join { kind: pick(&JOINS, random), right: Source::Table, meeting: Meeting::On(on) }];
    if random.random_bool(0.4) {
        let items = ["count(*)".to_owned(), aggregate(left, random), aggregate(right, random)];
        return Query::of(Select { joins, condition, ..Select::of(items) });
    }
    let items = [value(left, random), value(right, random)];
    let ending = if random.random_bool(0.4) { random_order(items.len(), random) } else { Ending::All };
    Query::of(Select { joins, condition, ending, ..Select::of(items) })
}

/// A join by all columns of one name: a hidden one would be among them.
pub(super) fn naturally_joined(known: &Known, random: &mut StdRng) -> Query {
    let kind = pick(&["natural", "natural left"], random);
    let joins = vec![Join { kind, right: Source::Table, meeting: Meeting::Natural }];
    let condition = random.random_bool(0.3).then(|| of_sides(Scope::of(known), 0, random));
    Query::of(Select { joins, condition, ..Select::of(["count(*)".to_owned()]) })
}

/// Semi and anti joins, and comparisons with an aggregate of another copy.
pub(super) fn correlated(known: &Known, random: &mut StdRng) -> Query {
    let scope = Scope::of(known);
    let condition = Some(condition_with_subquery(scope, random));
    let items = match random.random_bool(0.3) {
        true => vec!["count(*)".to_owned()],
        false => (0..random.random_range(1..=3)).map(|_| any(scope, random)).collect(),
    };
    Query::of(Select { condition, ..Select::of(items) })
}

/// Scalar subqueries in the select list.
pub(super) fn scalar(known: &Known, random: &mut StdRng) -> Query {
    let scope = Scope::of(known);
    let inner = scope.under("s");
    let condition = test(inner, random);
    let mut items = vec![value(scope, random)];
    items.push(format!("(select {} from {{}} s where {condition})", aggregate(inner, random)));
    if let Some(key) = scope.column(is_key, random) {
        let (inside, outside) = (inner.name(key), scope.name(key));
        items.push(format!("(select count(*) from {{}} s where {inside} = {outside})"));
    }
    Query::of(Select { condition: perhaps(scope, 0.5, random), ..Select::of(items) })
}

/// Parts of the table under each other, some of them more than once.
pub(super) fn united(known: &Known, random: &mut StdRng) -> Query {
    let scope = Scope::of(known);
    let items: Vec<String> =
        some_columns(known, |_| true, random).into_iter().map(|column| scope.name(column)).collect();
    let branches = (0..random.random_range(2..=3))
        .map(|_| Select { condition: perhaps(scope, 0.9, random), ..Select::of(items.clone()) })
        .collect();
    Query { common: None, branches, operation: "union all" }
}

/// A common table expression that is read once or joined with itself.
pub(super) fn common(known: &Known, random: &mut StdRng) -> Query {
    let scope = Scope::of(known);
    let mut names: Vec<String> =
        some_columns(known, is_ordered, random).into_iter().map(|column| scope.name(column)).collect();
    let key = scope.column(is_key, random).map_or_else(|| "1".to_owned(), |column| scope.name(column));
    names.insert(0, key);
    let last = names.len() - 1;
    let inner = Select { condition: perhaps(scope, 0.7, random), ..Select::of(names) };
    let outer = match random.random_range(0..4) {
        0 => Select::star(),
        1 => Select { keys: 1, ..Select::of(["t.c0", "count(*)", "max(t.c0)"].map(str::to_owned)) },
        2 => Select::of(["count(*)", "count(t.c0)", "count(distinct t.c0)"].map(str::to_owned)),
        _ => {
            let meeting = Meeting::On(Tree::Leaf("a.c0 = b.c0".to_owned()));
            let items = ["a.c0".to_owned(), format!("b.c{last}")];
            let joins = vec![Join { kind: pick(&JOINS, random), right: Source::Common, meeting }];
            Select { joins, ..Select::of(items) }
        }
    };
    Query { common: Some(inner), ..Query::of(Select { source: Source::Common, ..outer }) }
}
