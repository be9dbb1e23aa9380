//! Random conditions over the visible columns that never fail on a value of the tables.

use rand::RngExt;
use rand::rngs::StdRng;

use super::Condition;
use super::expressions::{Scope, is_key, is_ordered, number};
use super::known::KnownColumn;
use crate::oracle::cell::{Cell, Kind};
use crate::oracle::chance::{pick, random_tree};
use crate::oracle::marks::{HIDDEN_NUMBER, HIDDEN_TEXT};
use crate::oracle::spelling::quoted;
use crate::oracle::tree::Tree;

const COMPARISONS: [&str; 8] = ["=", "=", "<>", "<", "<=", ">", ">=", "is distinct from"];

/// A condition of some depth.
pub(super) fn condition(scope: Scope<'_>, random: &mut StdRng) -> Condition {
    // Few operators: a condition that no row meets says little.
    let depth = pick(&[0, 0, 1, 1, 1, 2], random);
    random_tree(depth, &mut |random| test(scope, random), random)
}

/// A condition beside a test that asks another copy of the table.
pub(super) fn condition_with_subquery(scope: Scope<'_>, random: &mut StdRng) -> Condition {
    let subquery = Tree::Leaf(subquery(scope, random));
    match random.random_range(0..3) {
        0 => subquery,
        1 => Tree::All(vec![Tree::Leaf(test(scope, random)), subquery]),
        _ => Tree::All(vec![subquery, condition(scope, random)]),
    }
}

/// One test of one or two columns.
pub(super) fn test(scope: Scope<'_>, random: &mut StdRng) -> String {
    if let Some(column) = scope.column(|kind| kind == Kind::Record, random)
        && random.random_bool(0.15)
    {
        let asked = pick(&["['size'] > 2", "['label'] = 'b'", "['size'] is null", " is null"], random);
        return format!("{}{asked}", scope.name(column));
    }
    let Some(column) = scope.column(is_ordered, random) else {
        return "1 = 1".to_owned();
    };
    let name = scope.name(column);
    let made = match random.random_range(0..12) {
        0..=4 => None,
        5 => Some(format!("{name} is null")),
        6 => Some(format!("{name} is not null")),
        7 => pair(scope, column, random),
        _ => of_kind(scope, column, random),
    };
    made.unwrap_or_else(|| comparison(&name, column, random))
}

/// A test that every kind with an order has.
fn comparison(name: &str, column: &KnownColumn, random: &mut StdRng) -> String {
    let list = |random: &mut StdRng| -> String {
        let literals: Vec<String> = (0..random.random_range(1..=6)).map(|_| column.literal(random)).collect();
        literals.join(", ")
    };
    match random.random_range(0..8) {
        0 => format!("{name} in ({})", list(random)),
        1 => format!("{name} not in ({})", list(random)),
        2 => format!("{name} between {} and {}", column.literal(random), column.literal(random)),
        3 => format!("{name} not between {} and {}", column.literal(random), column.literal(random)),
        _ => compared(name, pick(&COMPARISONS, random), &column.literal(random)),
    }
}

/// Two columns of one kind, or a column with itself.
fn pair(scope: Scope<'_>, column: &KnownColumn, random: &mut StdRng) -> Option<String> {
    let other = scope.column(|kind| kind == column.kind, random)?;
    let operator = pick(&["=", "<", "<=", "<>", "is not distinct from"], random);
    Some(compared(&scope.name(column), operator, &scope.name(other)))
}

/// The parser reads all that follows DISTINCT FROM as its right side, AND and OR included.
fn compared(left: &str, operator: &str, right: &str) -> String {
    let text = format!("{left} {operator} {right}");
    if operator.ends_with("from") { format!("({text})") } else { text }
}

/// A test that only columns of this kind have.
fn of_kind(scope: Scope<'_>, column: &KnownColumn, random: &mut StdRng) -> Option<String> {
    let name = scope.name(column);
    match column.kind {
        Kind::Text if column.is_remark && random.random_bool(0.5) => {
            Some(format!("{name}{}", pick(&REMARK_TESTS, random)))
        }
        Kind::Text => Some(of_text(&name, column, random)),
        Kind::Boolean => Some(match random.random_range(0..4) {
            0 => name,
            1 => format!("not {name}"),
            2 => format!("{name} is true"),
            _ => format!("{name} is not true"),
        }),
        Kind::Date => Some(format!("date_part('month', {name}) = {}", random.random_range(1..=3_u8))),
        kind if kind.is_whole() && random.random_bool(0.3) => Some(format!("{name} = {HIDDEN_NUMBER}")),
        kind if kind.is_whole() && random.random_bool(0.3) => Some(format!("{name} % 2 = 1")),
        kind if kind.is_number() => {
            let made = number(scope, random).filter(|_| random.random_bool(0.5));
            Some(match made {
                Some(made) => format!("{made} >= 1"),
                None => format!("{name} * 2 > {}", column.literal(random)),
            })
        }
        _ => None,
    }
}

/// Tests that marks would pass or fail otherwise than remarks do.
const REMARK_TESTS: [&str; 4] =
    [" like 'hidden%'", " not like '%-7f3a-%'", " ~ '^[0-9]+$'", " between 'hidden' and 'hiddeo'"];

fn of_text(name: &str, column: &KnownColumn, random: &mut StdRng) -> String {
    let sample = match column.sample(random) {
        Cell::Text(text) => text,
        _ => "b".to_owned(),
    };
    let first: String = sample.chars().take(1).collect();
    let rest: String = sample.chars().skip(1).collect();
    match random.random_range(0..8) {
        0 => format!("{name} like {}", quoted(&format!("{first}%"))),
        1 => format!("{name} not like {}", quoted(&format!("%{rest}"))),
        2 => format!("{name} like {}", quoted(&format!("_{rest}"))),
        3 => format!("{name} ilike {}", quoted(&format!("%{first}%"))),
        4 => format!("starts_with({name}, {})", quoted(&first)),
        5 => format!("length({name}) > {}", sample.chars().count()),
        6 => format!("try_cast({name} as int) > 20"),
        _ => format!("upper({name}) = {}", quoted(&sample.to_uppercase())),
    }
}

/// A test that reads the table again, as `s`.
fn subquery(scope: Scope<'_>, random: &mut StdRng) -> String {
    let inner = scope.under("s");
    let condition = test(inner, random);
    let Some(key) = scope.column(is_key, random) else {
        return format!("exists (select 1 from {{}} s where {condition})");
    };
    let (outside, inside) = (scope.name(key), inner.name(key));
    let measure = scope.column(Kind::is_number, random);
    match (random.random_range(0..7), measure) {
        (0, _) => {
            format!("exists (select 1 from {{}} s where {inside} = {outside} and {condition})")
        }
        (1, _) => {
            format!("not exists (select 1 from {{}} s where {inside} = {outside} and {condition})")
        }
        (2, _) => format!("{outside} in (select {inside} from {{}} s where {condition})"),
        (3, _) => format!("{outside} not in (select {inside} from {{}} s where {condition})"),
        (4, _) => format!("not exists (select 1 from {{}} s where {inside} = {})", quoted_mark(key)),
        (5, Some(measure)) => {
            let (outside, inside) = (scope.name(measure), inner.name(measure));
            format!("{outside} >= (select avg({inside}) from {{}} s where {condition})")
        }
        (_, Some(measure)) => {
            let (larger, largest) = (scope.name(measure), inner.name(measure));
            format!("{larger} = (select max({largest}) from {{}} s where {inside} = {outside})")
        }
        _ => format!("{outside} in (select {inside} from {{}} s)"),
    }
}

/// A value that only hidden rows have, where the column has marks.
fn quoted_mark(column: &KnownColumn) -> String {
    match column.kind {
        Kind::Text => quoted(&format!("{HIDDEN_TEXT}-1")),
        kind if kind.is_whole() => HIDDEN_NUMBER.to_string(),
        _ => "null".to_owned(),
    }
}
