//! Windows: numbers of rows before and behind a row, which would count hidden ones, and values of neighbours.

use super::Probes;

pub(super) const OF_ROWS: Probes = &[
    ("numbers in an order", "select id, row_number() over (order by id) from brought.ledger"),
    (
        "numbers in each kind",
        "select id, row_number() over (partition by kind order by id) from brought.ledger",
    ),
    (
        "ranks",
        "select id, rank() over (order by kind), dense_rank() over (order by kind) from brought.ledger",
    ),
    (
        "shares",
        "select id, percent_rank() over (order by id), cume_dist() over (order by id), ntile(7) over (order \
         by id) from brought.ledger",
    ),
    (
        "numbers of all",
        "select distinct count(*) over (), max(id) over (), min(id) over () from brought.ledger",
    ),
    (
        "neighbours",
        "select id, lag(id) over (order by id), lead(id, 2, -9) over (order by id) from brought.ledger",
    ),
    ("neighbours in a hidden order", "select id, lag(note) over (order by amount, id) from brought.ledger"),
    (
        "the first and the last",
        "select kind, first_value(id) over (partition by kind order by id), last_value(id) over (partition \
         by kind order by id rows between unbounded preceding and unbounded following) from brought.ledger",
    ),
    (
        "a running sum",
        "select id, sum(amount) over (order by id rows between 3 preceding and 1 following) from \
         brought.ledger",
    ),
    (
        "a sum in a range",
        "select id, count(*) over (order by amount range between 5000 preceding and 5000 following) from \
         brought.ledger",
    ),
    ("numbers of partitions", "select country, count(*) over (partition by country) from brought.visits"),
    ("numbers between deleted rows", "select id, row_number() over (order by id) from brought.erased"),
    ("numbers beside hidden columns", "select id, row_number() over (order by id) from brought.staff"),
    ("numbers of nothing", "select row_number() over (order by id) from brought.silent"),
    (
        "the first number of each kind",
        "select id from brought.ledger qualify row_number() over (partition by kind order by id) = 1",
    ),
    (
        "many neighbours",
        "select max(id - before) from (select id, lag(id) over (order by id) as before from \
         brought.long_list) t",
    ),
];

pub(super) const OF_ORDER: Probes = &[
    ("numbers as rows come", "select id, row_number() over () from brought.ledger"),
    (
        "numbers as many rows come",
        "select id, row_number() over () from brought.long_list where id % 100 = 0",
    ),
    ("numbers among ties", "select id, row_number() over (order by kind) from brought.ledger"),
    ("neighbours as rows come", "select id, lag(id) over (), lead(note) over () from brought.ledger"),
    ("a running sum of fractions", "select id, sum(rate) over (order by id) from brought.ledger"),
    (
        "neighbours among ties",
        "select id, first_value(id) over (partition by is_paid order by kind) from brought.ledger",
    ),
];
