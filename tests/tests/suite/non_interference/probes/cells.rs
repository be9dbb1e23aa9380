//! Hidden cells of visible rows: whatever is asked of their column, they are NULL.

use super::Probes;

pub(super) const OF_ROWS: Probes = &[
    ("all columns", "select * from brought.cells"),
    ("hidden cells alone", "select level from brought.cells"),
    ("structs with hidden cells", "select place, place['level'], place['body'] from brought.cells"),
    ("lists with hidden cells", "select tags, tags[1], cardinality(tags) from brought.cells"),
    ("a condition on hidden cells", "select id from brought.cells where level > 5000000"),
    ("a condition on what hidden cells of one world hold", "select id from brought.cells where level = 0"),
    ("a list of values", "select id from brought.cells where level in (0, 3, 9000001)"),
    (
        "a condition within the bounds of one world",
        "select count(*) from brought.cells where level between 1 and 50",
    ),
    ("nothing where cells are hidden", "select count(*) from brought.cells where level is null"),
    ("something where cells are hidden", "select count(*) from brought.cells where level is not null"),
    ("a truth value of hidden cells", "select count(*) from brought.cells where not (level > 10)"),
    (
        "a field's condition",
        "select id from brought.cells where place['level'] = 0 or place['body'] like 'canary%'",
    ),
    ("a division by hidden cells", "select 100 / level from brought.cells"),
    ("a division in a condition", "select count(*) from brought.cells where 100 / level > 3"),
    ("a cast of hidden cells", "select cast(body as bigint) from brought.cells"),
    (
        "a cast in a condition",
        "select count(*) from brought.cells where cast(body as bigint) = 12 and id % 3 = 1",
    ),
    ("a cast of west alone", "select max(cast(body as bigint)) from brought.cells where id % 3 = 1"),
    (
        "statistics",
        "select min(level), max(level), count(level), count(*), count(distinct body) from brought.cells",
    ),
    ("groups", "select level, count(*), min(id) from brought.cells group by level order by level"),
    ("groups by text", "select body, count(*) from brought.cells group by body order by body nulls first"),
    ("an order", "select id, level from brought.cells order by level desc nulls last, id limit 40"),
    ("the largest", "select id from brought.cells order by level desc nulls first, id limit 5"),
    (
        "a join by hidden cells",
        "select count(*) from brought.cells a join brought.cells b on a.level = b.level",
    ),
    (
        "a join that finds what is hidden",
        "select p.id from brought.projects p join brought.cells c on p.id = c.level order by p.id",
    ),
    (
        "an outer join",
        "select count(*), count(b.id) from brought.cells a left join brought.cells b on a.body = b.body",
    ),
    (
        "what is not in hidden cells",
        "select count(*) from brought.projects where id not in (select level from brought.cells)",
    ),
    (
        "what exists",
        "select count(*) from brought.projects p where exists (select 1 from brought.cells c where c.level = p.id)",
    ),
    ("windows", "select id, lag(level) over (order by id), sum(level) over (order by id) from brought.cells"),
    ("ranks", "select id, rank() over (order by level) from brought.cells where id < 50"),
    ("collected", "select array_agg(level order by id) from brought.cells"),
    ("elements", "select id, unnest(tags) from brought.cells"),
    ("lengths", "select sum(octet_length(body)), max(octet_length(word)) from brought.cells"),
    (
        "choices",
        "select case when level = 0 then 'zero' when level > 100 then 'many' else 'few' end from brought.cells",
    ),
    ("replaced", "select coalesce(level, id), nullif(level, 0), coalesce(body, word) from brought.cells"),
    ("a plan", "explain select id from brought.cells where level > 5 and id < 100 and body = '12'"),
    ("a plan that is run", "explain analyze select id from brought.cells"),
    ("the filters' column", "select region from brought.cells"),
    ("a description", "describe brought.cells"),
];

pub(super) const OF_ORDER: Probes = &[
    ("a few", "select id, level, body from brought.cells limit 7"),
    ("a few with a condition", "select id, level from brought.cells where level < 40 limit 9"),
];
