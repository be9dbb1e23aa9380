//! Bounds of hidden values, through errors on visible rows.
//!
//! A server may leave out a file or a row group if its bounds say that no row of it meets the query's condition. The visible
//! rows there would not have passed the condition, but they are read if a hidden row widens the bounds; and then another
//! expression of the query may be evaluated on them, and fail. Asked with one number after the other, such a query finds a
//! hidden value.

use super::Probes;

pub(super) const OF_ROWS: Probes = &[
    (
        "of files, by a range",
        "select count(*) from brought.bounded where (id between 10000 and 29999 or id >= 900000) and 100 / \
         zero > 3",
    ),
    (
        "of row groups, by a range",
        "select count(*) from brought.bounded_groups where (id between 10000 and 29999 or id >= 900000) and \
         100 / zero > 3",
    ),
    (
        "of files, by a value",
        "select count(*) from brought.bounded where (id > 9999 or id = 1000000) and 100 / zero > 3",
    ),
    (
        "of row groups, by a list",
        "select count(*) from brought.bounded_groups where id in (10000, 20000, 900000) and 100 / zero > 3",
    ),
    (
        "of files, by what is not asked for",
        "select sum(100 / zero) from brought.bounded where not (id < 9000)",
    ),
    (
        "of row groups, by what is not asked for",
        "select count(*) from brought.bounded_groups where not (id < 9000) and (zero is not null and 100 / \
         zero > 3)",
    ),
    (
        "of files, in an aggregate's filter",
        "select count(*) filter (where 100 / zero > 3) from brought.bounded where id > 9999",
    ),
    (
        "of files, by a join",
        "select v.x, b.ratio from (values (10310), (500000)) v(x) join (select id, 100 / zero as ratio from \
         brought.bounded) b on b.id = v.x",
    ),
    (
        "of row groups, by a join",
        "select v.x, b.ratio from (values (10310), (500000)) v(x) join (select id, 100 / zero as ratio from \
         brought.bounded_groups) b on b.id = v.x",
    ),
    (
        "of files, by a list in a subquery",
        "select count(*) from (select id, 100 / zero as ratio from brought.bounded) b where ratio > 3 and \
         id in (select x from (values (10310), (500000)) v(x))",
    ),
    (
        "of files, by an order with a limit",
        "select id, 100 / zero as ratio from brought.bounded order by id desc limit 5",
    ),
    (
        "of row groups, by an order with a limit",
        "select id, 100 / zero as ratio from brought.bounded_groups order by id desc limit 5",
    ),
    ("of files, by the largest", "select max(id), count(*) from brought.bounded where id > 500000"),
    ("of row groups, by the largest", "select max(id) from brought.bounded_groups"),
];

pub(super) const OF_ORDER: Probes = &[
    (
        "of files, by a limit",
        "select id, 100 / zero as ratio from brought.bounded where id > 9999 or id > 900000 limit 20000",
    ),
    (
        "of row groups, by numbers of rows",
        "select id, row_number() over () from brought.bounded_groups where id > 29000 or id > 900000",
    ),
];
