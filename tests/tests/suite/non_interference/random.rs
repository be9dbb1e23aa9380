//! Random statements over the pair's tables: expressions that fail on some rows, in all clauses of a query.
//!
//! Answers depend on nothing but the visible rows in their order. So a union, whose sides are read at the same time, is put in
//! order, and there are no aggregates over distinct values in the order of a hash table, and no random functions.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Columns of one table by what can be done with them.
struct Columns {
    table: &'static str,
    numbers: &'static [&'static str],
    texts: &'static [&'static str],
    /// Columns that are neither.
    others: &'static [&'static str],
}

static TABLES: [Columns; 7] = [
    Columns {
        table: "brought.ledger",
        numbers: &["id", "divisor", "amount", "bonus", "rate", "price", "tags[1]", "address['zip']"],
        texts: &["kind", "digits", "day", "note", "address['city']"],
        others: &["is_paid", "born", "seen", "tags", "address"],
    },
    Columns {
        table: "brought.staff",
        numbers: &["id", "project_id", "level"],
        texts: &["name"],
        others: &["started"],
    },
    Columns { table: "brought.projects", numbers: &["id"], texts: &["title"], others: &[] },
    Columns { table: "brought.visits", numbers: &["id"], texts: &["page", "country"], others: &[] },
    Columns { table: "brought.vault", numbers: &["id"], texts: &["label"], others: &[] },
    Columns {
        table: "brought.erased",
        numbers: &["id", "code"],
        texts: &["word", "body"],
        others: &["flag"],
    },
    Columns { table: "brought.silent", numbers: &["id", "code"], texts: &["body"], others: &["flag"] },
];

/// Numbers that visible and hidden rows have, and their neighbours.
const NUMBERS: [&str; 14] =
    ["0", "1", "-1", "5", "7", "40", "99", "250", "499", "500", "1000", "1000000", "1000007", "0.125"];

/// Texts that visible and hidden rows have.
const TEXTS: [&str; 9] =
    ["'a'", "'7'", "'seven'", "'note 7'", "'zz canary'", "'FR'", "'2026-01-01'", "''", "'canary'"];

const PATTERNS: [&str; 6] = ["'%canary%'", "'note 1%'", "'%7'", "'_'", "'(%'", "'%'"];

/// Nesting of expressions.
const DEPTH: usize = 3;

/// The seed of a run that is given none.
const SEED: u64 = 4;

/// The seed of this run, which `LAKEGATE_SEED` may set, and so many statements that follow from it.
pub(super) fn statements(count: usize) -> (u64, Vec<String>) {
    let given = std::env::var_os("LAKEGATE_SEED");
    let seed = given.and_then(|seed| seed.to_str()?.parse().ok()).unwrap_or(SEED);
    let random = &mut StdRng::seed_from_u64(seed);
    (seed, (0..count).map(|_| statement(random)).collect())
}

fn statement(random: &mut StdRng) -> String {
    let columns = &TABLES[random.random_range(0..TABLES.len())];
    let table = columns.table;
    let clause = match random.random_bool(0.7) {
        true => format!(" where {}", condition(random, columns, DEPTH)),
        false => String::new(),
    };
    let (one, other) = (scalar(random, columns), scalar(random, columns));
    match random.random_range(0..10) {
        0 => format!("select * from {table}{clause}{}", limit(random)),
        1 | 2 => format!("select {one} as x, {other} as y from {table}{clause}{}", order(random, columns)),
        3 => format!("select {} from {table}{clause}", aggregates(random, columns)),
        4 => {
            let groups = aggregates(random, columns);
            format!("select {one} as x, {groups} from {table}{clause} group by 1{}", having(random, columns))
        }
        5 => format!("select distinct {one} as x from {table}{clause}{}", limit(random)),
        6 => {
            let number = number(random, columns, 1);
            format!(
                "select id, {one} as x, sum({number}) over (partition by {other} order by id) from {table}{clause}"
            )
        }
        7 => joined(random, columns),
        8 => {
            let inner = &TABLES[random.random_range(0..TABLES.len())];
            let (key, among) = (number(random, columns, 1), number(random, inner, 1));
            let negation = pick(random, &["", "not "]);
            format!("select id from {table} where {key} {negation}in (select {among} from {})", inner.table)
        }
        _ => {
            let inner = &TABLES[random.random_range(0..TABLES.len())];
            let operator = pick(random, &["union", "union all", "intersect", "except"]);
            let (one, other) = (pick(random, columns.numbers), pick(random, inner.numbers));
            format!(
                "select {one} as x from {table}{clause} {operator} select {other} from {} order by x",
                inner.table
            )
        }
    }
}

fn joined(random: &mut StdRng, left: &Columns) -> String {
    let right = &TABLES[random.random_range(0..TABLES.len())];
    let kind = pick(random, &["join", "left join", "right join", "full join"]);
    let (one, other) = (pick(random, left.numbers), pick(random, right.numbers));
    let extra = match random.random_bool(0.4) {
        true => format!(" and a.{} <> b.{}", pick(random, left.texts), pick(random, right.texts)),
        false => String::new(),
    };
    format!(
        "select a.id, b.id, a.{}, b.{} from {} a {kind} {} b on a.{one} = b.{other}{extra}{}",
        pick(random, left.texts),
        pick(random, right.texts),
        left.table,
        right.table,
        limit(random)
    )
}

fn pick(random: &mut StdRng, from: &[&'static str]) -> &'static str {
    from[random.random_range(0..from.len())]
}

/// A value of any type.
fn scalar(random: &mut StdRng, columns: &Columns) -> String {
    match random.random_range(0..5) {
        0 | 1 => number(random, columns, DEPTH),
        2 => text(random, columns),
        3 if !columns.others.is_empty() => pick(random, columns.others).to_owned(),
        _ => condition(random, columns, 1),
    }
}

fn number(random: &mut StdRng, columns: &Columns, depth: usize) -> String {
    if depth == 0 {
        return match random.random_bool(0.7) {
            true => pick(random, columns.numbers).to_owned(),
            false => pick(random, &NUMBERS).to_owned(),
        };
    }
    let one = number(random, columns, depth - 1);
    let literal = pick(random, &NUMBERS);
    match random.random_range(0..12) {
        0..=3 => one,
        4 => format!("({one} + {})", number(random, columns, depth - 1)),
        5 => format!("({one} * {literal})"),
        6 => format!("({literal} / ({one} - {}))", pick(random, &NUMBERS)),
        7 => format!("({one} % ({} - {literal}))", number(random, columns, depth - 1)),
        8 => format!("cast({} as bigint)", text(random, columns)),
        9 => format!("coalesce({one}, {literal})"),
        10 => format!("case when {} then {one} else {literal} end", condition(random, columns, depth - 1)),
        _ => format!("octet_length({})", text(random, columns)),
    }
}

fn text(random: &mut StdRng, columns: &Columns) -> String {
    let one = pick(random, columns.texts);
    match random.random_range(0..6) {
        0..=2 => one.to_owned(),
        3 => format!("substr({one}, 2, 5)"),
        4 => format!("({one} || {})", pick(random, &TEXTS)),
        _ => format!("coalesce({one}, {})", pick(random, &TEXTS)),
    }
}

fn condition(random: &mut StdRng, columns: &Columns, depth: usize) -> String {
    let deeper = depth.saturating_sub(1);
    let comparison = pick(random, &["=", "<>", "<", "<=", ">", ">="]);
    match random.random_range(0..10) {
        0 | 1 => format!("{} {comparison} {}", number(random, columns, deeper), pick(random, &NUMBERS)),
        2 => format!("{} {comparison} {}", text(random, columns), pick(random, &TEXTS)),
        3 => format!("{} like {}", pick(random, columns.texts), pick(random, &PATTERNS)),
        4 => format!("{} is null", number(random, columns, deeper)),
        5 => format!("{} is not null", text(random, columns)),
        6 => format!(
            "{} in ({}, {})",
            number(random, columns, deeper),
            pick(random, &NUMBERS),
            pick(random, &NUMBERS)
        ),
        7 if depth > 0 => {
            format!("({} and {})", condition(random, columns, deeper), condition(random, columns, deeper))
        }
        8 if depth > 0 => {
            format!("({} or {})", condition(random, columns, deeper), condition(random, columns, deeper))
        }
        9 if depth > 0 => format!("not ({})", condition(random, columns, deeper)),
        _ => format!("{} between 1 and 300", pick(random, columns.numbers)),
    }
}

fn aggregates(random: &mut StdRng, columns: &Columns) -> String {
    let function = pick(random, &["sum", "min", "max", "count", "avg", "approx_distinct", "stddev"]);
    let filter = match random.random_bool(0.3) {
        true => format!(" filter (where {})", condition(random, columns, 1)),
        false => String::new(),
    };
    format!("count(*), {function}({}){filter}, max({})", number(random, columns, 2), text(random, columns))
}

fn having(random: &mut StdRng, columns: &Columns) -> String {
    match random.random_bool(0.3) {
        true => format!(" having min({}) > {}", number(random, columns, 1), pick(random, &NUMBERS)),
        false => String::new(),
    }
}

fn order(random: &mut StdRng, columns: &Columns) -> String {
    let direction = pick(random, &["", " desc", " nulls first", " desc nulls last"]);
    match random.random_range(0..3) {
        0 => limit(random),
        1 => format!(" order by x{direction}{}", limit(random)),
        _ => format!(" order by {}{direction}, y{}", number(random, columns, 1), limit(random)),
    }
}

fn limit(random: &mut StdRng) -> String {
    match random.random_range(0..3) {
        0 => format!(" limit {}", random.random_range(0..600)),
        1 => format!(" limit {} offset {}", random.random_range(1..50), random.random_range(0..400)),
        _ => String::new(),
    }
}
