//! Expressions that fail on hidden rows of the first world and on none of the second: in every place of a statement from which
//! an optimiser may move them below the policy. Also expressions that fail on visible rows, whose errors must not depend on
//! what else there is.

use super::Probes;

pub(super) const OF_ROWS: Probes = &[
    ("division in the select list", "select id, 100 / (divisor - 5) from brought.ledger"),
    (
        "division beside the policy's neighbours",
        "select kind, 1 / (divisor - 5) from brought.ledger where kind like 'a%'",
    ),
    ("division in where", "select count(*) from brought.ledger where 100 / (divisor - 5) > 3"),
    (
        "division behind a cheap condition",
        "select id from brought.ledger where id >= 0 and 100 / (divisor - 5) > 3",
    ),
    (
        "division behind a false condition",
        "select id from brought.ledger where divisor = 5 and 1 / (divisor - 5) = 1",
    ),
    ("division in order by", "select id from brought.ledger order by 100 / (divisor - 5), id limit 7"),
    (
        "division in group by",
        "select 100 / (divisor - 5), count(*) from brought.ledger group by 1 order by 1",
    ),
    (
        "division in having",
        "select kind, count(*) from brought.ledger group by kind having min(100 / (divisor - 5)) > 1",
    ),
    (
        "division in an aggregate",
        "select sum(100 / (divisor - 5)), max(1000 / (divisor - 5)) from brought.ledger",
    ),
    (
        "division in an aggregate's filter",
        "select count(*) filter (where 100 / (divisor - 5) > 2) from brought.ledger",
    ),
    ("division in distinct", "select distinct 100 / (divisor - 5) from brought.ledger order by 1"),
    (
        "division in a join condition",
        "select count(*) from brought.ledger l join brought.projects p on 100 / (l.divisor - 5) = p.id",
    ),
    (
        "division in a join filter",
        "select count(*) from brought.ledger l join brought.projects p on l.id = p.id and 10 / (l.divisor - \
         5) > p.id",
    ),
    (
        "division in case",
        "select sum(case when kind = 'a' then 100 / (divisor - 5) else 0 end) from brought.ledger",
    ),
    ("division in coalesce", "select count(coalesce(bonus, 100 / (divisor - 5))) from brought.ledger"),
    (
        "division in a window",
        "select id, sum(100 / (divisor - 5)) over (partition by kind order by id) from brought.ledger",
    ),
    (
        "division in a subquery",
        "select count(*) from brought.projects where id in (select 100 / (divisor - 5) from brought.ledger)",
    ),
    (
        "division in a correlated subquery",
        "select count(*) from brought.projects p where exists (select 1 from brought.ledger l where l.id = \
         p.id and 100 / (l.divisor - 5) > 2)",
    ),
    (
        "division in a common table expression",
        "with ratios as (select id, 100 / (divisor - 5) as ratio from brought.ledger) select count(*) from \
         ratios where id < 100 or ratio > 90",
    ),
    (
        "division by a hidden row's own number",
        "select count(*) from brought.ledger where 1 / (id - 1000000) = 0",
    ),
    (
        "division by another hidden row's number",
        "select count(*) from brought.ledger where 1 / (id + 1) >= 0",
    ),
    ("remainder", "select sum(id % (divisor - 5)) from brought.ledger"),
    (
        "a scalar subquery with rows that are all hidden",
        "select (select divisor from brought.ledger where divisor = 5)",
    ),
    (
        "a scalar subquery with too many visible rows",
        "select (select id from brought.ledger where kind = 'a')",
    ),
    (
        "the largest integer",
        "select max(amount + 1000), min(amount - 1000), max(abs(amount)) from brought.ledger",
    ),
    ("a sum that overflows", "select sum(amount) from brought.ledger"),
    ("an index into a list", "select id, tags[1], tags[2], 10 / tags[1] from brought.ledger"),
    ("an index from a column", "select array_element(tags, bonus) from brought.ledger"),
    ("division of a list's parts", "select count(*) from brought.ledger where 100 / tags[1] > 3"),
    ("division on visible rows", "select 100 / (id - 100) from brought.ledger"),
    ("a cast of visible text", "select cast(kind as bigint) from brought.ledger"),
    ("a type that no row has", "select id + kind from brought.ledger"),
    ("division in a partitioned table", "select sum(1000 / (id - 1200)) from brought.visits"),
    (
        "division in a partitioned table's text",
        "select count(cast(substr(page, 6) as int)) from brought.visits",
    ),
    ("division where rows are deleted", "select sum(10 / (id - 3)) from brought.erased"),
    ("division where nothing is visible", "select 1 / (id - id), cast(body as int) from brought.silent"),
];

pub(super) const OF_ORDER: Probes = &[
    ("a failure behind a limit", "select 100 / (id - 400) from brought.ledger limit 300"),
    (
        "a failure in the second batch, behind a limit in the first",
        "select 1 / (id - 9000) from brought.long_list limit 100",
    ),
    ("a failure in the second batch", "select id, 1 / (id - 9000) from brought.long_list"),
];

/// Casts and parsers, whose errors quote what they could not read.
pub(super) const CONVERSIONS: Probes = &[
    ("text as a number", "select sum(cast(digits as bigint)) from brought.ledger"),
    ("text as a number in where", "select id from brought.ledger where cast(digits as bigint) > 500"),
    (
        "text as a number in an order",
        "select id from brought.ledger order by cast(digits as bigint), id limit 5",
    ),
    ("text compared with a number", "select count(*) from brought.ledger where digits > 500"),
    (
        "text as a number where it can be",
        "select count(*), count(try_cast(digits as int)) from brought.ledger",
    ),
    ("text as a small number", "select max(arrow_cast(digits, 'Int16')) from brought.ledger"),
    ("text as a decimal", "select sum(cast(digits as decimal(6, 2))) from brought.ledger"),
    ("text as a day", "select min(cast(day as date)), max(cast(day as date)) from brought.ledger"),
    ("text as a day by a function", "select count(to_date(day)) from brought.ledger"),
    ("text as a day by its form", "select count(to_date(day, '%Y-%m-%d')) from brought.ledger"),
    ("text as a moment", "select max(to_timestamp(day)) from brought.ledger"),
    ("text as a boolean", "select count(*) from brought.ledger where cast(digits = '7' as boolean)"),
    ("a number as a small one", "select max(cast(amount as int)) from brought.ledger"),
    ("a decimal as a small one", "select max(cast(price as decimal(4, 2))) from brought.ledger"),
    ("a floating-point number as an integer", "select max(cast(rate as int)) from brought.ledger"),
    ("a moment in nanoseconds", "select max(arrow_cast(seen, 'Timestamp(ns)')) from brought.ledger"),
    (
        "a day from numbers",
        "select max(make_date(2026, cast(divisor as int) - 5, 1)) from brought.ledger where divisor < 18",
    ),
    ("a character from a number", "select max(chr(divisor * 10)) from brought.ledger"),
    (
        "a regular expression from a column",
        "select count(*) from brought.ledger where regexp_like(digits, note)",
    ),
    ("a replacement from a column", "select max(regexp_replace(digits, note, 'x')) from brought.ledger"),
    (
        "an interval from a column",
        "select max(born + cast(digits || ' days' as interval)) from brought.ledger",
    ),
    ("bytes from hexadecimal text", "select count(decode(day, 'hex')) from brought.ledger"),
    ("a type by its name", "select arrow_cast(digits, kind) from brought.ledger"),
    ("a field by its name", "select address['zip'] + 1, address['nothing'] from brought.ledger"),
];
