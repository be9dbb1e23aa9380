//! Joins: sides that are chosen by hidden sizes, filters that one side makes for the other, comparisons with rows that the user
//! invents.

use super::Probes;

pub(super) const OF_ROWS: Probes = &[
    ("matches", "select count(*) from brought.ledger l join brought.projects p on l.id = p.id"),
    (
        "matches of hidden numbers",
        "select count(*) from brought.ledger l join (values (1000000), (-1), (7)) v(x) on l.id = v.x",
    ),
    (
        "guesses",
        "select count(*) from brought.ledger where id in (select x from (values (1000000), (-1), (7)) v(x))",
    ),
    (
        "guesses of a hidden kind",
        "select v.x, count(l.id) from (values ('zz canary'), ('a')) v(x) left join brought.ledger l on \
         l.kind = v.x group by v.x order by v.x",
    ),
    (
        "no match",
        "select count(*) from brought.projects p left join brought.ledger l on p.id = l.id where l.id is \
         null",
    ),
    (
        "no match on either side",
        "select count(*), count(l.id), count(p.id) from brought.ledger l full join brought.projects p on \
         l.amount = p.id",
    ),
    (
        "a list with NULLs that are hidden",
        "select count(*) from brought.projects where id not in (select divisor from brought.ledger)",
    ),
    (
        "a list with NULLs that are visible",
        "select count(*) from brought.projects where id not in (select bonus from brought.ledger)",
    ),
    (
        "a list in which nothing is visible",
        "select count(*) from brought.projects where id not in (select id from brought.silent)",
    ),
    (
        "rows that have no partner",
        "select count(*) from brought.projects p where not exists (select 1 from brought.ledger l where \
         l.id = p.id)",
    ),
    (
        "pairs of one table",
        "select count(*) from brought.ledger a join brought.ledger b on a.kind = b.kind and a.id < b.id",
    ),
    ("pairs by all common columns", "select count(*) from brought.staff natural join brought.projects"),
    (
        "pairs by common columns of restricted tables",
        "select count(*) from brought.ledger natural join brought.long_list",
    ),
    ("pairs by a named column", "select id, name, title from brought.staff join brought.projects using (id)"),
    ("all pairs", "select count(*) from brought.visits v cross join brought.vault w"),
    ("all pairs with nothing", "select count(*) from brought.ledger cross join brought.silent"),
    (
        "pairs in a range",
        "select count(*) from brought.ledger l join brought.projects p on p.id between l.id and l.id + 2",
    ),
    (
        "pairs on text",
        "select count(*) from brought.ledger l join brought.visits v on l.note = 'note ' || v.id",
    ),
    (
        "pairs on NULLs",
        "select count(*) from brought.ledger a join brought.ledger b on a.bonus is not distinct from \
         b.bonus",
    ),
    (
        "three tables",
        "select count(*), max(p.title) from brought.staff s join brought.projects p on s.project_id = p.id \
         join brought.ledger l on l.id = s.id",
    ),
    (
        "an aggregate of pairs",
        "select l.kind, count(*), max(s.name) from brought.ledger l join brought.staff s on l.id = s.id \
         group by l.kind order by l.kind",
    ),
    (
        "the first of pairs",
        "select s.id, p.title from brought.staff s join brought.projects p on s.project_id = p.id order by \
         s.id limit 5",
    ),
    (
        "a lateral join",
        "select count(*) from brought.projects p, lateral (select l.id from brought.ledger l where l.id = \
         p.id) x",
    ),
    ("lists as rows", "select count(*), sum(t) from (select unnest(tags) as t from brought.ledger) x"),
];

pub(super) const OF_ORDER: Probes = &[
    (
        "the side that is kept in memory",
        "select s.name, p.title from brought.staff s join brought.projects p on s.project_id = p.id",
    ),
    (
        "the side that is kept in memory, the other way round",
        "select p.title, s.name from brought.projects p join brought.staff s on s.project_id = p.id",
    ),
    (
        "the side that is kept in memory for an outer join",
        "select s.name, p.title from brought.staff s left join brought.projects p on s.project_id = p.id",
    ),
    (
        "the side that is kept in memory for a range",
        "select s.id, p.id from brought.staff s join brought.projects p on s.id > p.id and s.id < p.id + 3 \
         and p.title like '%1'",
    ),
    (
        "the side that is kept in memory for all pairs",
        "select s.id, v.id from brought.staff s cross join brought.visits v limit 300",
    ),
    (
        "the side that is kept in memory for existence",
        "select p.id from brought.projects p where p.id in (select project_id from brought.staff where \
         level > 3)",
    ),
    (
        "pairs of a restricted table in order",
        "select l.id, p.title from brought.ledger l join brought.projects p on l.amount = p.id * 1000",
    ),
    (
        "pairs of two restricted tables",
        "select a.id, b.id from brought.ledger a join brought.long_list b on a.amount = b.id",
    ),
    (
        "the first pairs",
        "select l.id, s.id from brought.ledger l join brought.staff s on l.divisor = s.id limit 20",
    ),
    (
        "the first of an order, with a filter from above",
        "select * from brought.staff order by level desc nulls last limit 8",
    ),
    ("a filter from the other side", "select s.id from brought.staff s join brought.visits v on s.id = v.id"),
    (
        "a filter from a few guesses",
        "select s.id, s.level from brought.staff s join (values (7), (2999), (1400)) v(x) on s.id = v.x",
    ),
];
