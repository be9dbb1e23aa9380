//! Nothing against something, sets of rows, their types, samples, and functions that answer differently each time.

use super::Probes;

pub(super) const OF_ROWS: Probes = &[
    ("whether there is a row", "select exists (select 1 from brought.silent)"),
    (
        "whether there is no row",
        "select count(*) from brought.projects where not exists (select 1 from brought.silent)",
    ),
    ("a value from nothing", "select (select max(id) from brought.silent) is null"),
    (
        "nothing beside something",
        "select l.id, s.id from brought.ledger l left join brought.silent s on l.id < s.id order by l.id \
         limit 5",
    ),
    (
        "more than nothing",
        "select count(*) from brought.projects where id > all (select id from brought.silent)",
    ),
    (
        "something of nothing",
        "select count(*) from brought.projects where id = any (select id from brought.silent)",
    ),
    ("a union with nothing", "select id from brought.ledger union select id from brought.silent order by 1"),
    (
        "a difference to nothing",
        "select id from brought.ledger except select id from brought.silent order by 1",
    ),
    (
        "a common part with nothing",
        "select id from brought.ledger intersect select id from brought.silent order by 1",
    ),
    (
        "a union of all",
        "select id, kind from brought.ledger union all select id, name from brought.staff order by 1, 2",
    ),
    (
        "a union of two kinds of hiding",
        "select id from brought.visits union select id from brought.vault order by 1",
    ),
    ("a difference", "select kind from brought.ledger except select 'a' order by 1"),
    (
        "a difference of guesses",
        "select x from (values (1000000), (-1), (7)) v(x) except select id from brought.ledger order by 1",
    ),
    (
        "a common part of guesses",
        "select x from (values (1000000), (-1), (7)) v(x) intersect select id from brought.ledger order by \
         1",
    ),
    ("a difference of all", "select divisor from brought.ledger except all select 5 order by 1"),
    (
        "a union of types",
        "select bonus from brought.ledger union all select price from brought.ledger order by 1",
    ),
    (
        "a union of types that do not fit",
        "select tags from brought.ledger union all select note from brought.ledger",
    ),
    ("a union by a hidden type", "select salary from brought.staff union select id from brought.staff"),
    (
        "types",
        "select arrow_typeof(id), arrow_typeof(address), arrow_typeof(tags), arrow_typeof(price) from \
         brought.ledger limit 1",
    ),
    (
        "types beside hidden columns",
        "select arrow_typeof(level), arrow_typeof(started) from brought.staff limit 1",
    ),
    ("a whole row", "select named_struct('id', id, 'note', note) from brought.ledger order by id limit 3"),
    ("a sample", "select count(*) from brought.ledger tablesample bernoulli (100)"),
    ("a sample of a part", "select count(*) from brought.ledger tablesample system (50) repeatable (1)"),
    ("a random condition", "select count(*) from brought.ledger where random() < 2"),
    (
        "a random condition that fails on hidden rows",
        "select count(*) from brought.ledger where random() >= 0 and 100 / (divisor - 5) > 0",
    ),
    (
        "a random order of all",
        "select count(*) from (select id from brought.ledger order by random() limit 10000) t",
    ),
    ("a new name for each row", "select count(distinct uuid()) from brought.ledger"),
    ("the time", "select count(*) from brought.ledger where now() > seen and current_date >= born"),
    ("nothing at all", "select 1 where false"),
    ("a condition that no row meets", "select * from brought.ledger where 1 = 0"),
    ("a condition that is unknown", "select * from brought.ledger where null"),
];
