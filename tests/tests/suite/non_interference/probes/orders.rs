//! Which rows come first: limits that a scan may apply before the policy, orders that it may take from files, ties that are
//! decided by how rows arrived.

use super::Probes;

pub(super) const OF_ROWS: Probes = &[
    ("all rows", "select * from brought.ledger"),
    ("all rows of a table with hidden columns", "select * from brought.staff"),
    ("all rows of partitions", "select * from brought.visits"),
    ("all rows of hidden partitions", "select * from brought.vault"),
    ("all rows that are not deleted", "select * from brought.erased"),
    ("all rows where there are none", "select * from brought.silent"),
    ("all rows of the newest version", "select * from brought.history"),
    ("the first rows of an order", "select id from brought.ledger order by id limit 3"),
    ("the last rows of an order", "select id, note from brought.ledger order by id desc limit 3"),
    ("the first of NULLs", "select id, bonus from brought.ledger order by bonus desc nulls last, id limit 9"),
    ("the last of NULLs", "select id, rate from brought.ledger order by rate nulls first, id limit 200"),
    ("rows behind an offset", "select id from brought.ledger order by id offset 190"),
    ("rows behind all rows", "select id from brought.ledger order by id offset 500 limit 5"),
    (
        "the longest text",
        "select id, octet_length(note) from brought.ledger order by octet_length(note) desc nulls last, id \
         limit 2",
    ),
    ("the first of each", "select distinct on (kind) kind, id from brought.ledger order by kind, id desc"),
    ("the first partition", "select id, country from brought.visits order by country, id limit 4"),
    ("no row", "select * from brought.ledger limit 0"),
    ("more rows than there are", "select count(*) from (select id from brought.ledger limit 100000) t"),
    ("the only row", "select id from brought.ledger where id = 250 limit 1"),
    ("the largest of all", "select id from brought.long_list order by id desc limit 10"),
];

pub(super) const OF_ORDER: Probes = &[
    ("a row", "select * from brought.ledger limit 1"),
    ("some rows", "select id, kind, note from brought.ledger limit 7"),
    ("some rows behind others", "select id from brought.ledger limit 7 offset 190"),
    ("some rows over files", "select id from brought.ledger limit 460"),
    ("some rows over batches", "select id from brought.long_list limit 8200"),
    ("some rows behind a batch", "select id, body from brought.long_list limit 20 offset 8185"),
    ("some rows of a condition", "select id from brought.long_list where code is null limit 30"),
    ("some rows beside hidden columns", "select * from brought.staff limit 40 offset 1490"),
    ("some rows of partitions", "select * from brought.visits limit 45"),
    ("some rows of hidden partitions", "select * from brought.vault limit 35"),
    ("some rows between deleted ones", "select id from brought.erased limit 100"),
    ("some rows where there are none", "select id from brought.silent limit 1"),
    ("ties of an order", "select id, kind from brought.ledger order by kind"),
    ("ties of an order with a limit", "select id, kind from brought.ledger order by kind desc limit 30"),
    ("ties of NULLs", "select id, bonus from brought.ledger order by bonus nulls first limit 60"),
    ("ties of many", "select id, flag from brought.long_list order by flag limit 500"),
    ("ties of many groups", "select code, count(*) from brought.long_list group by code order by 2 limit 20"),
    (
        "the greatest groups",
        "select code, max(id) from brought.long_list group by code order by max(id) desc limit 5",
    ),
    ("distinct values as they come", "select distinct code from brought.long_list"),
    ("distinct rows as they come", "select distinct kind, is_paid from brought.ledger"),
    ("all rows in a subquery's order", "select id from (select * from brought.ledger order by kind, id) t"),
];
