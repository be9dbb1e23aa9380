//! Counts, bounds and estimates, which a planner may take from the log or from footers, where hidden rows are counted as well.

use super::Probes;

pub(super) const OF_ROWS: Probes = &[
    ("number of rows", "select count(*) from brought.ledger"),
    ("number of rows under another name", "select count(1) as n, count(id) as ids from brought.ledger"),
    (
        "numbers of values",
        "select count(bonus), count(rate), count(note), count(born), count(tags) from brought.ledger",
    ),
    (
        "bounds of integers",
        "select min(id), max(id), min(divisor), max(divisor), min(amount), max(amount) from brought.ledger",
    ),
    (
        "bounds of other types",
        "select min(born), max(born), min(seen), max(seen), min(price), max(price) from brought.ledger",
    ),
    ("bounds of texts", "select min(kind), max(kind), min(day), max(day), max(note) from brought.ledger"),
    (
        "distinct values",
        "select count(distinct kind), count(distinct divisor), count(distinct digits) from brought.ledger",
    ),
    ("estimated distinct values", "select approx_distinct(kind), approx_distinct(id) from brought.ledger"),
    ("bits", "select bit_and(id), bit_or(id), bit_xor(id) from brought.ledger"),
    ("truth", "select bool_and(is_paid), bool_or(is_paid) from brought.ledger"),
    ("groups", "select kind, count(*), min(id), max(amount) from brought.ledger group by kind order by kind"),
    (
        "groups of groups",
        "select kind, is_paid, count(*) from brought.ledger group by cube (kind, is_paid) order by 1, 2, 3",
    ),
    ("rows that only hidden files have", "select count(*) from brought.ledger where id >= 1000000"),
    ("rows below all visible ones", "select count(*) from brought.ledger where id < 0"),
    ("rows of a hidden group", "select count(*) from brought.ledger where kind = 'zz canary'"),
    ("all rows and a condition that all meet", "select count(*) from brought.ledger where id is not null"),
    ("number of rows beside hidden columns", "select count(*) from brought.staff"),
    (
        "bounds beside hidden columns",
        "select min(id), max(id), min(started), max(started), count(name) from brought.staff",
    ),
    ("number of rows where none is visible", "select count(*) from brought.silent"),
    ("bounds where no row is visible", "select min(id), max(id), max(body), sum(code) from brought.silent"),
    ("groups where no row is visible", "select code, count(*) from brought.silent group by code"),
    ("number of rows in partitions", "select count(*), count(page), min(id), max(id) from brought.visits"),
    ("partitions", "select country, count(*) from brought.visits group by country order by country"),
    ("distinct partitions", "select distinct country from brought.visits"),
    (
        "bounds of partitions",
        "select min(country), max(country), count(distinct country) from brought.visits",
    ),
    ("a hidden partition", "select count(*) from brought.visits where country = 'DE'"),
    ("partitions without a value", "select count(*) from brought.visits where country is null"),
    ("every partition but the visible one", "select count(*) from brought.visits where country <> 'FR'"),
    (
        "number of rows in hidden partitions",
        "select count(*), min(id), max(id), max(label) from brought.vault",
    ),
    (
        "number of rows where some are deleted",
        "select count(*), min(id), max(id), sum(id) from brought.erased",
    ),
    (
        "number of rows of many",
        "select count(*), min(id), max(id), count(code), count(flag) from brought.long_list",
    ),
    ("a bound that is above the visible ones", "select max(id) from brought.long_list where id > 19990"),
    (
        "exact quantiles",
        "select median(id), percentile_cont(0.9) within group (order by id) from brought.ledger",
    ),
];

pub(super) const OF_ORDER: Probes = &[
    ("averages", "select avg(rate), sum(rate), stddev(rate), var_pop(rate) from brought.ledger"),
    (
        "correlations",
        "select corr(rate, id), covar_samp(rate, amount), regr_slope(rate, id) from brought.ledger",
    ),
    (
        "estimated quantiles",
        "select approx_median(id), approx_percentile_cont(rate, 0.9) from brought.ledger",
    ),
    (
        "estimated quantiles of many",
        "select approx_median(id), approx_percentile_cont(code, 0.3) from brought.long_list",
    ),
    (
        "any value",
        "select any_value(id), first_value(id), last_value(id), nth_value(id, 3) from brought.ledger",
    ),
    ("values in the order of rows", "select kind, array_agg(id) from brought.ledger group by kind"),
    ("texts in the order of rows", "select string_agg(note, ',') from brought.ledger"),
    ("groups in the order of rows", "select digits, count(*) from brought.ledger group by digits"),
    (
        "averages beside hidden columns",
        "select avg(level), stddev(level), approx_median(level) from brought.staff",
    ),
    ("a sum that tells where batches end", "select sum(value) from brought.weights_in_groups"),
    ("a sum beside a wide hidden column", "select sum(value), avg(value) from brought.weights"),
    ("a sum among hidden rows", "select sum(value), avg(value) from brought.weights_among"),
    ("a sum beside a hidden file", "select sum(value), avg(value) from brought.weights_beside"),
];
