//! Joins of different tables.

use rand::RngExt;
use rand::rngs::StdRng;

use super::super::expressions::{Scope, aggregate, any, is_key, is_ordered, key, value};
use super::super::single::{perhaps, random_order};
use super::super::{Join, Meeting, Query, Select, Source};
use super::sides::{Sides, met};
use crate::oracle::cell::Kind;
use crate::oracle::chance::{pick, some_of};
use crate::oracle::marks::HIDDEN_NUMBER;
use crate::oracle::tree::Tree;

const JOINS: [&str; 5] = ["inner", "inner", "left", "right", "full"];

/// Expressions of either side.
pub(super) fn joined(sides: &Sides<'_>, random: &mut StdRng) -> Option<Query> {
    let joins = vec![sides.join(pick(&JOINS, random), random)?];
    let condition = sides.condition(&[0, 1], 0.6, random);
    let items = [any(sides.side(0), random), any(sides.side(1), random)];
    Some(Query::of(Select { joins, condition, ..Select::of(items) }))
}

pub(super) fn totalled(sides: &Sides<'_>, random: &mut StdRng) -> Option<Query> {
    let joins = vec![sides.join(pick(&JOINS, random), random)?];
    let condition = sides.condition(&[0, 1], 0.5, random);
    let items = ["count(*)".to_owned(), aggregate(sides.side(0), random), aggregate(sides.side(1), random)];
    Some(Query::of(Select { joins, condition, ..Select::of(items) }))
}

pub(super) fn grouped(sides: &Sides<'_>, random: &mut StdRng) -> Option<Query> {
    let joins = vec![sides.join(pick(&JOINS, random), random)?];
    let condition = sides.condition(&[0, 1], 0.4, random);
    let (one, other) = if random.random_bool(0.5) { (0, 1) } else { (1, 0) };
    let items = [
        key(sides.side(one), random),
        "count(*)".to_owned(),
        aggregate(sides.side(one), random),
        aggregate(sides.side(other), random),
    ];
    let having = random.random_bool(0.3).then(|| Tree::Leaf("count(*) > 1".to_owned()));
    Some(Query::of(Select { joins, condition, having, keys: 1, ..Select::of(items) }))
}

/// Rows of one side that have a partner on the other, or none.
pub(super) fn semi(sides: &Sides<'_>, random: &mut StdRng) -> Option<Query> {
    let kind = pick(&["left semi", "left anti", "right semi", "right anti"], random);
    let joins = vec![sides.join(kind, random)?];
    let kept = usize::from(kind.starts_with("right"));
    let scope = sides.side(kept);
    let condition = sides.condition(&[kept], 0.4, random);
    let items: Vec<String> = match random.random_bool(0.3) {
        true => vec!["count(*)".to_owned(), aggregate(scope, random)],
        false => (0..random.random_range(1..=3)).map(|_| any(scope, random)).collect(),
    };
    Some(Query::of(Select { joins, condition, ..Select::of(items) }))
}

/// Three tables; the third meets either of the others.
pub(super) fn three(sides: &Sides<'_>, random: &mut StdRng) -> Option<Query> {
    let first = sides.join(pick(&JOINS, random), random)?;
    let left = sides.side(random.random_range(0..2));
    let on = sides.meeting(left, sides.side(2), random)?;
    let second = Join { kind: pick(&JOINS, random), right: Source::Other(2), meeting: Meeting::On(on) };
    let condition = sides.condition(&[0, 1, 2], 0.7, random);
    let mut items = vec!["count(*)".to_owned()];
    items.extend((0..3).map(|number| aggregate(sides.side(number), random)));
    Some(Query::of(Select { joins: vec![first, second], condition, ..Select::of(items) }))
}

/// A join by columns of one name: one that is hidden on either side may not be among them.
pub(super) fn by_name(sides: &Sides<'_>, random: &mut StdRng) -> Option<Query> {
    let (common, are_all) = sides.of_one_name(0, 1);
    if common.is_empty() {
        return None;
    }
    let join = match are_all && random.random_bool(0.5) {
        true => {
            let kind = pick(&["natural", "natural left", "natural full"], random);
            Join { kind, right: Source::Other(1), meeting: Meeting::Natural }
        }
        false => {
            let meeting = Meeting::Using(pick(&common, random).name.clone());
            Join { kind: pick(&JOINS, random), right: Source::Other(1), meeting }
        }
    };
    let condition = sides.condition(&[0, 1], 0.3, random);
    let select = match random.random_bool(0.5) {
        true => Select::star(),
        false => Select::of(["count(*)".to_owned(), aggregate(sides.side(1), random)]),
    };
    Some(Query::of(Select { joins: vec![join], condition, ..select }))
}

/// A sort with a limit over a join: both sides may be narrowed by what is not among the first.
pub(super) fn first(sides: &Sides<'_>, random: &mut StdRng) -> Option<Query> {
    let joins = vec![sides.join(pick(&JOINS, random), random)?];
    let condition = sides.condition(&[0, 1], 0.4, random);
    let items = [value(sides.side(0), random), value(sides.side(1), random)];
    let ending = random_order(items.len(), random);
    Some(Query::of(Select { joins, condition, ending, ..Select::of(items) }))
}

/// Window functions over the columns of a join, with one numbering at the most.
pub(super) fn window(sides: &Sides<'_>, random: &mut StdRng) -> Option<Query> {
    let joins = vec![sides.join(pick(&JOINS, random), random)?];
    let mut items = Vec::new();
    for side in [sides.side(0), sides.side(1)] {
        let columns: Vec<_> = side.known.columns.iter().filter(|column| is_ordered(column.kind)).collect();
        items.extend(some_of(&columns, 1, 0.3, random).into_iter().map(|column| side.name(column)));
    }
    let (all, first, last) = (items.join(", "), items[0].clone(), items[items.len() - 1].clone());
    items.push(match random.random_range(0..5) {
        0 => format!("count(*) over (partition by {last})"),
        1 => format!("max({last}) over (partition by {first})"),
        2 => format!("rank() over (partition by {first} order by {last})"),
        3 => format!("dense_rank() over (order by {last} desc)"),
        _ => format!("row_number() over (partition by {first} order by {all})"),
    });
    let condition = sides.condition(&[0, 1], 0.3, random);
    let numbered = Select { joins, condition, ..Select::of(items) };
    if random.random_bool(0.6) {
        return Some(Query::of(numbered));
    }
    let last = numbered.items.len() - 1;
    let kept = Some(Tree::Leaf(format!("t.c{last} is not null")));
    let source = Source::Derived(Box::new(numbered));
    Some(Query::of(Select { source, condition: kept, ..Select::star() }))
}

/// A side of a join that is grouped itself.
fn groups(scope: Scope<'_>, key: String, source: Source, random: &mut StdRng) -> Source {
    let items = [key, "count(*)".to_owned(), aggregate(scope, random)];
    let condition = perhaps(scope, 0.4, random);
    Source::Derived(Box::new(Select { source, keys: 1, condition, ..Select::of(items) }))
}

pub(super) fn of_groups(sides: &Sides<'_>, random: &mut StdRng) -> Option<Query> {
    let (left, right) = (sides.under(0, "t"), sides.under(1, "t"));
    let (key, other) = met(left, right, is_key, random)?;
    let source = groups(left, left.name(key), Source::Table, random);
    let right = groups(right, right.name(other), Source::Other(1), random);
    let meeting = Meeting::On(Tree::Leaf("a.c0 = b.c0".to_owned()));
    let joins = vec![Join { kind: pick(&JOINS, random), right, meeting }];
    let items = ["a.c0", "a.c1", "a.c2", "b.c1", "b.c2"].map(str::to_owned);
    Some(Query::of(Select { source, joins, ..Select::of(items) }))
}

/// A common table expression of one table, joined to the other.
pub(super) fn with_common(sides: &Sides<'_>, random: &mut StdRng) -> Option<Query> {
    let (left, right) = (sides.side(0), sides.under(1, "t"));
    let (key, other) = met(left, right, is_key, random)?;
    let names = [right.name(other), value(right, random)];
    let condition = perhaps(right, 0.6, random);
    let distinct = random.random_bool(0.3);
    let common = Select { source: Source::Other(1), condition, distinct, ..Select::of(names) };
    let meeting = Meeting::On(Tree::Leaf(format!("{} = b.c0", left.name(key))));
    let joins = vec![Join { kind: pick(&JOINS, random), right: Source::Common, meeting }];
    let items = [value(left, random), "b.c1".to_owned()];
    let condition = sides.condition(&[0], 0.4, random);
    Some(Query { common: Some(common), ..Query::of(Select { joins, condition, ..Select::of(items) }) })
}

/// An expression that fails on marks and on no visible value: it may stand on either side of the join, and be computed for
/// rows that meet no other.
pub(super) fn failing(sides: &Sides<'_>, random: &mut StdRng) -> Option<Query> {
    let number = random.random_range(0..2);
    let side = sides.side(number);
    let remark = side.remark().filter(|remark| remark.is_of_digits());
    let whole = side.column(Kind::is_whole, random).filter(|column| column.has_no(HIDDEN_NUMBER));
    let made = match (remark, whole) {
        (Some(remark), _) => format!("cast({} as int)", side.name(remark)),
        (None, Some(column)) => format!("100 / ({} - {HIDDEN_NUMBER})", side.name(column)),
        (None, None) => return None,
    };
    let joins = vec![sides.join(pick(&JOINS, random), random)?];
    // Not in WHERE: what is asked there of a key of the join is asked of the other side's key as well, which may be any text.
    let items = match random.random_bool(0.5) {
        true => vec!["count(*)".to_owned(), format!("max({made})"), format!("min({made})")],
        false => vec![made, value(sides.side(1 - number), random)],
    };
    Some(Query::of(Select { joins, ..Select::of(items) }))
}
