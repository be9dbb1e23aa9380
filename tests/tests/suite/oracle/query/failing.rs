//! Queries that fail on some value of the tables, if they see it, and queries that name what is hidden.
//!
//! An expression that fails is the whole condition or stands in the select list, so that every engine must evaluate it for
//! the same rows. Many fail on marks only: those must not fail at all.

use rand::RngExt;
use rand::rngs::StdRng;

use super::expressions::{Scope, bare};
use super::known::{Known, KnownColumn};
use super::single::perhaps;
use super::{Query, Select, Source};
use crate::oracle::cell::{Cell, Kind};
use crate::oracle::chance::pick;
use crate::oracle::marks::HIDDEN_NUMBER;
use crate::oracle::tree::Tree;

/// A query with one expression that some values make fail.
pub(super) fn failing(known: &Known, random: &mut StdRng) -> Query {
    let scope = Scope::of(known);
    let number = failing_number(scope, random);
    let condition = Tree::Leaf(format!("{number} > {}", random.random_range(0..30_u8)));
    match random.random_range(0..6) {
        0 => Query::of(Select { condition: Some(condition), ..Select::star() }),
        1 => {
            let items = [bare(scope, random), bare(scope, random)];
            Query::of(Select { condition: Some(condition), ..Select::of(items) })
        }
        2 => Query::of(Select { condition: Some(condition), ..Select::of(["count(*)".to_owned()]) }),
        3 => {
            let items = [number, bare(scope, random)];
            Query::of(Select { condition: perhaps(scope, 0.6, random), ..Select::of(items) })
        }
        4 => {
            let extremes = ["count(*)".to_owned(), format!("max({number})"), format!("min({number})")];
            Query::of(Select { condition: perhaps(scope, 0.4, random), ..Select::of(extremes) })
        }
        _ => {
            let source = Source::Derived(Box::new(Select::of([number, bare(scope, random)])));
            let condition = Some(Tree::Leaf("t.c0 > 3".to_owned()));
            Query::of(Select { source, condition, ..Select::star() })
        }
    }
}

/// A number that some values make impossible to compute.
fn failing_number(scope: Scope<'_>, random: &mut StdRng) -> String {
    let remark = scope.remark().filter(|_| random.random_bool(0.6));
    if let Some(remark) = remark {
        let name = scope.name(remark);
        return pick(&["cast(# as int)", "cast(# as bigint) + 1", "cast(trim(#) as double)"], random)
            .replace('#', &name);
    }
    if let Some(column) = scope.column(Kind::is_whole, random) {
        let name = scope.name(column);
        let divisor = format!("({name} - ({}))", avoided(column, random));
        return match random.random_range(0..4) {
            0 => format!("cast({name} * 100 as smallint)"),
            1 => format!("100 % {divisor}"),
            _ => format!("100 / {divisor}"),
        };
    }
    match scope.column(|kind| kind == Kind::Text, random) {
        Some(column) => format!("cast({} as int)", scope.name(column)),
        None => "1".to_owned(),
    }
}

/// A number that no visible row has, if the column is marked where it is hidden, or one that some row has.
fn avoided(column: &KnownColumn, random: &mut StdRng) -> i64 {
    match column.sample(random) {
        Cell::Whole(value) if random.random_bool(0.35) => value,
        _ => HIDDEN_NUMBER,
    }
}

/// A scalar subquery that may have more than one row.
pub(super) fn perhaps_several(known: &Known, random: &mut StdRng) -> Query {
    let scope = Scope::of(known);
    let inner = scope.under("s");
    let Some(column) = scope.column(|kind| kind != Kind::Record, random) else {
        return failing(known, random);
    };
    let name = inner.name(column);
    let value = column.literal(random);
    let subquery = format!("(select {name} from {{}} s where {name} = {value})");
    Query::of(Select::of([bare(scope, random), subquery]))
}

/// A query that names a hidden column, or one that never was.
pub(super) fn absent(known: &Known, random: &mut StdRng) -> Query {
    let names: Vec<&str> = known.hidden.iter().map(String::as_str).chain(["no_such_column"]).collect();
    let name = pick(&names, random);
    let scope = Scope::of(known);
    let test = |text: String| Some(Tree::Leaf(text));
    match random.random_range(0..6) {
        0 => Query::of(Select::of([name.to_owned()])),
        1 => Query::of(Select::of([bare(scope, random), format!("t.{name}")])),
        2 => Query::of(Select { condition: test(format!("t.{name} is null")), ..Select::star() }),
        3 => Query::of(Select { keys: 1, ..Select::of([format!("t.{name}"), "count(*)".to_owned()]) }),
        4 => Query::of(Select::of([format!("count({name})")])),
        _ => {
            let exists = format!("exists (select 1 from {{}} s where s.{name} = '1')");
            Query::of(Select { condition: test(exists), ..Select::star() })
        }
    }
}
