//! Random expressions over the visible columns that never fail on a value of the tables.
//!
//! Each function makes one sort of expression; where the columns have nothing to make it of, a column or a constant.

use rand::RngExt;
use rand::rngs::StdRng;

use super::conditions::test;
use super::known::{Known, KnownColumn};
use crate::oracle::cell::Kind;
use crate::oracle::chance::pick;

/// Columns under the name that a query gives to their table.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) known: &'a Known,
    pub(super) alias: &'static str,
}

impl<'a> Scope<'a> {
    pub(super) fn of(known: &'a Known) -> Self {
        Self { known, alias: "t" }
    }

    pub(super) fn under(self, alias: &'static str) -> Self {
        Self { alias, ..self }
    }

    /// A column of one of some kinds.
    pub(super) fn column(
        self,
        is_wanted: impl Fn(Kind) -> bool,
        random: &mut StdRng,
    ) -> Option<&'a KnownColumn> {
        let columns: Vec<&KnownColumn> =
            self.known.columns.iter().filter(|column| is_wanted(column.kind)).collect();
        if columns.is_empty() { None } else { Some(pick(&columns, random)) }
    }

    /// The column of the table that is most often marked where it is hidden.
    pub(super) fn remark(self) -> Option<&'a KnownColumn> {
        self.known.columns.iter().find(|column| column.is_remark)
    }

    pub(super) fn name(self, column: &KnownColumn) -> String {
        format!("{}.{}", self.alias, column.name)
    }
}

/// Whether equal values of a kind are spelled alike in any order of the rows, and can be grouped, sorted and joined by.
pub(super) fn is_key(kind: Kind) -> bool {
    !matches!(kind, Kind::Double | Kind::Record)
}

/// Whether values of a kind have an order.
pub(super) fn is_ordered(kind: Kind) -> bool {
    kind != Kind::Record
}

/// Any expression, also one that cannot be sorted by.
pub(super) fn any(scope: Scope<'_>, random: &mut StdRng) -> String {
    let record = scope.column(|kind| kind == Kind::Record, random);
    match record {
        Some(column) if random.random_bool(0.2) => scope.name(column),
        _ => value(scope, random),
    }
}

/// An expression that can be sorted by.
pub(super) fn value(scope: Scope<'_>, random: &mut StdRng) -> String {
    let made = match random.random_range(0..10) {
        0..=2 => number(scope, random),
        3..=4 => text(scope, random),
        5 => date(scope, random),
        6 => field(scope, random),
        7 => Some(test(scope, random)),
        _ => None,
    };
    made.unwrap_or_else(|| bare(scope, random))
}

/// A column by itself.
pub(super) fn bare(scope: Scope<'_>, random: &mut StdRng) -> String {
    scope.column(is_ordered, random).map_or_else(|| "1".to_owned(), |column| scope.name(column))
}

/// An expression to group by. No arithmetic of doubles, which has two zeros of which one would stand for the group.
pub(super) fn key(scope: Scope<'_>, random: &mut StdRng) -> String {
    let of_kind = |kind: Kind, random: &mut StdRng| {
        scope.column(|other| other == kind, random).map(|column| scope.name(column))
    };
    let made = match random.random_range(0..10) {
        0 => of_kind(Kind::Text, random).map(|name| format!("upper({name})")),
        1 => of_kind(Kind::Text, random).map(|name| format!("length({name})")),
        2 => scope.column(Kind::is_whole, random).map(|column| format!("{} % 3", scope.name(column))),
        3 => of_kind(Kind::Date, random).map(|name| format!("date_part('month', {name})")),
        4 => scope.column(is_ordered, random).map(|column| format!("{} is null", scope.name(column))),
        _ => None,
    };
    let made = made.or_else(|| scope.column(is_key, random).map(|column| scope.name(column)));
    made.unwrap_or_else(|| "1".to_owned())
}

/// An expression over a numeric column.
pub(super) fn number(scope: Scope<'_>, random: &mut StdRng) -> Option<String> {
    let column = scope.column(Kind::is_number, random)?;
    let (name, literal) = (scope.name(column), column.literal(random));
    Some(match random.random_range(0..10) {
        0..=1 => name,
        2 => format!("{name} + {literal}"),
        3 => format!("{name} * 2 - 1"),
        4 => format!("abs({name})"),
        5 => format!("coalesce({name}, 0)"),
        6 => format!("{name} / 4"),
        7 => format!("case when {} then {name} else 0 end", test(scope, random)),
        8 => format!("cast({name} as double) / 2"),
        _ => format!("nullif({name}, {literal})"),
    })
}

fn text(scope: Scope<'_>, random: &mut StdRng) -> Option<String> {
    let column = scope.column(|kind| kind == Kind::Text, random)?;
    let (name, literal) = (scope.name(column), column.literal(random));
    let other = scope.column(is_ordered, random).map(|other| scope.name(other))?;
    Some(match random.random_range(0..10) {
        0 => name,
        1 => format!("upper({name})"),
        2 => format!("substr({name}, 2, 3)"),
        3 => format!("{name} || '-' || {name}"),
        4 => format!("coalesce({name}, {literal})"),
        5 => format!("concat({name}, '/', cast({other} as varchar))"),
        6 => format!("cast({other} as varchar)"),
        7 => format!("replace({name}, 'n', {literal})"),
        8 => format!("length({name})"),
        _ => format!("try_cast({name} as int)"),
    })
}

fn date(scope: Scope<'_>, random: &mut StdRng) -> Option<String> {
    let column = scope.column(|kind| kind == Kind::Date, random)?;
    let (name, literal) = (scope.name(column), column.literal(random));
    Some(match random.random_range(0..4) {
        0 => format!("{name} + interval '3 days'"),
        1 => format!("date_part('day', {name})"),
        2 => format!("coalesce({name}, {literal})"),
        _ => name,
    })
}

/// A field of a struct.
fn field(scope: Scope<'_>, random: &mut StdRng) -> Option<String> {
    let column = scope.column(|kind| kind == Kind::Record, random)?;
    let name = pick(&["size", "label"], random);
    Some(format!("{}['{name}']", scope.name(column)))
}

/// An aggregate whose value does not depend on the order of the rows.
pub(super) fn aggregate(scope: Scope<'_>, random: &mut StdRng) -> String {
    let (name, condition) = (bare(scope, random), test(scope, random));
    let number = scope.column(Kind::is_number, random).map(|column| scope.name(column));
    match (random.random_range(0..10), number) {
        (0..=1, _) => "count(*)".to_owned(),
        (2, _) => format!("count({name})"),
        (3, _) => format!("count(distinct {})", key(scope, random)),
        (4, _) => format!("count(*) filter (where {condition})"),
        (5, Some(number)) => format!("sum({number})"),
        (6, Some(number)) => format!("avg({number})"),
        (7, Some(number)) => format!("sum(case when {condition} then {number} else 0 end)"),
        (extreme, _) => {
            let is_extreme = |kind: Kind| is_ordered(kind) && kind != Kind::Boolean;
            let column = scope.column(is_extreme, random).map(|column| scope.name(column));
            let function = if extreme % 2 == 0 { "min" } else { "max" };
            format!("{function}({})", column.unwrap_or_else(|| "1".to_owned()))
        }
    }
}
