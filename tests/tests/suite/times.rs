//! Dates, timestamps and intervals are right to the microsecond up to the year 9999, or an error.
//!
//! Each statement stands with the value that its first row has. Values are those of PostgreSQL and DuckDB; `date + interval` is a
//! date where the interval is a constant of days or months, as in Trino.

use arrow::util::display::array_value_to_string;
use lakegate_client::Connection;

use crate::support::{login, rows, run, server};

const COMPUTED: &[(&str, &str)] = &[
    ("select date '2025-02-03' + interval '6 hours'", "2025-02-03T06:00:00"),
    ("select interval '6 hours' + date '2025-02-03'", "2025-02-03T06:00:00"),
    ("select date '2025-02-03' - interval '6 hours'", "2025-02-02T18:00:00"),
    ("select date '2025-02-03' + interval '1 day'", "2025-02-04"),
    ("select date '2025-01-31' + interval '1 month'", "2025-02-28"),
    ("select date '2025-01-31' + interval '1 month 2 hours'", "2025-02-28T02:00:00"),
    ("select cast(date '2025-02-03' - interval '6 hours' as date)", "2025-02-02"),
    (
        "select d + i from (values (date '2025-02-03', interval '90 minutes'), (null, interval '2 days')) t(d, i)",
        "2025-02-03T01:30:00",
    ),
    ("select date '2025-02-03' + interval '6 hours' = timestamp '2025-02-03 06:00:00'", "true"),
    (
        "select count(*) from sales.orders where o_orderdate + interval '6 hours' = cast(o_orderdate as timestamp)",
        "0",
    ),
    ("select extract(hour from timestamp '2024-03-01 12:00:00' - timestamp '2024-02-29 00:00:00')", "12"),
    ("select extract(day from timestamp '2024-03-01 12:00:00' - timestamp '2024-02-29 00:00:00')", "1"),
    (
        "select extract(epoch from timestamp '2024-03-01 12:00:00' - timestamp '2024-02-29 00:00:00')",
        "129600.0",
    ),
    ("select extract(hour from interval '3 days 4 hours')", "4"),
    ("select interval '1 day' * 3 = interval '3 days'", "true"),
    ("select 2 * interval '1 day' = interval '2 days'", "true"),
    ("select interval '1 month' * 1.5 = interval '1 month 15 days'", "true"),
    ("select interval '1 day' / 4 = interval '6 hours'", "true"),
    ("select interval '1 day' / 0", "!division by zero"),
    ("select date '2025-01-31' + interval '1 day' * 3", "2025-02-03"),
    (
        "select (timestamp '2024-03-03 00:00:00' - timestamp '2024-03-01 00:00:00') / 2 = interval '1 day'",
        "true",
    ),
    ("select interval '1 day' * 2 * 3", "!an interval is multiplied or divided once"),
    ("select extract(month from interval '14 months')", "2"),
    ("select date '2025-01-01' + 200000", "2572-08-01"),
    ("select 200000 + d - 1 - 199999 from (values (date '2025-01-01')) t(d)", "2025-01-01"),
    ("select d - k from (values (date '2025-01-01', cast(31 as smallint))) t(d, k)", "2024-12-01"),
    ("select d + k from (values (cast(null as date), 9223372036854775807)) t(d, k)", ""),
    ("select d + k from (values (date '2025-01-01', 100000000)) t(d, k)", "!arithmetic overflow"),
    ("select extract(century from date '2000-12-31')", "20"),
    ("select extract(century from timestamp '2001-01-01 00:00:00')", "21"),
    ("select extract(decade from d) from (values (date '1999-12-31'), (null)) t(d)", "199"),
    ("select date_part('millennium', date '2001-01-01')", "3"),
    ("select extract(century from interval '250 years')", "2"),
    ("select date_part('fortnight', date '2001-01-01')", "!take a constant part"),
    ("select extract(year from arrow_cast(2147483647, 'Date32'))", "!out of range"),
    ("select date '2024-03-05' - date '2024-03-01' > 3", "true"),
    (
        "select avg(timestamp '9999-12-31 00:00:00' - cast(o_orderdate as timestamp)) > interval '7000 years' from sales.orders",
        "true",
    ),
    (
        "select (d + k) - cast(m as date) > 10 from (values (date '2024-01-20', 1, '2024-01-01')) t(d, k, m)",
        "true",
    ),
    ("select coalesce(date '9999-12-31', timestamp '2024-02-29 12:34:56')", "9999-12-31T00:00:00"),
    ("select greatest(timestamp '2024-02-29 12:34:56', date '9999-12-31')", "9999-12-31T00:00:00"),
    ("select coalesce(timestamp '9999-12-31 00:00:00', now()) = timestamp '9999-12-31 00:00:00'", "true"),
    (
        "select count(*) from (select timestamp '9999-12-31 00:00:00' as m union all select cast(now() as timestamp) union all select now())",
        "3",
    ),
    ("select max(m - now()) > interval '1 day' from (values (timestamp '9999-12-31 00:00:00')) t(m)", "true"),
    ("select timestamp '9999-12-31 00:00:00' - date '2024-01-01' > interval '1 day'", "true"),
    (
        "select case when true then date '9999-12-31' else timestamp '2024-02-29 12:34:56' end",
        "9999-12-31T00:00:00",
    ),
    (
        "select max(v) from (select date '9999-12-31' as v union all select timestamp '2024-02-29 12:34:56')",
        "9999-12-31T00:00:00",
    ),
];

const COMPARED: &[(&str, &str)] = &[
    ("select (timestamp '2024-02-29 00:00:00' - timestamp '1969-12-31 23:59:59') > interval '1 day'", "true"),
    ("select (timestamp '2024-03-01 12:00:00' - timestamp '2024-02-29 00:00:00') > interval '1 day'", "true"),
    (
        "select (timestamp '2024-03-02 00:00:00' - timestamp '2024-02-29 00:00:00') = interval '2 days'",
        "true",
    ),
    (
        "select (timestamp '2024-03-01 12:00:00' - timestamp '2024-02-29 00:00:00') between interval '1 day' and interval '2 days'",
        "true",
    ),
    (
        "select (timestamp '2024-03-01 12:00:00' - timestamp '2024-02-29 00:00:00') in (interval '36 hours')",
        "true",
    ),
    (
        "select (timestamp '2024-03-01 00:00:00' - timestamp '9999-12-31 23:59:59.999999') > interval '1 day'",
        "false",
    ),
    ("select timestamp '2024-03-05 10:00:00' - date '2024-03-01' > interval '4 days'", "true"),
    ("select interval '25 hours' > interval '1 day'", "true"),
    ("select interval '24 hours' = interval '1 day'", "true"),
    ("select interval '1 month' > interval '29 days'", "true"),
    ("select interval '1 day' is distinct from interval '24 hours'", "false"),
    ("select timestamp '2024-01-01 00:00:00' < date '9999-12-31'", "true"),
];

const TRUNCATED: &[(&str, &str)] = &[
    ("select date_trunc('year', timestamp '9999-12-31 23:59:59.999999')", "9999-01-01T00:00:00"),
    ("select date_trunc('week', timestamp '9999-12-31 23:59:59.999999')", "9999-12-27T00:00:00"),
    ("select date_trunc('hour', timestamp '9999-12-31 23:59:59.999999')", "9999-12-31T23:00:00"),
    ("select date_trunc('quarter', timestamp '1601-05-17 10:22:00')", "1601-04-01T00:00:00"),
    ("select date_trunc('month', date '9999-12-31')", "9999-12-01"),
    ("select date_trunc('decade', date '1999-05-17')", "1990-01-01"),
    ("select date_trunc('century', timestamp '2000-05-17 10:22:00')", "1901-01-01T00:00:00"),
    ("select date_trunc('millennium', date '2001-01-01')", "2001-01-01"),
    (
        "select date_trunc('decade', arrow_cast('1969-12-31 23:59:59.999999999', 'Timestamp(Nanosecond, None)'))",
        "1960-01-01T00:00:00",
    ),
    ("select date_trunc('year', date '0001-03-01')", "0001-01-01"),
    ("select date_trunc('MONTH', d) from (values (date '2024-05-17'), (null)) t(d)", "2024-05-01"),
    ("select max(date_trunc('month', o_orderdate)) <= max(o_orderdate) from sales.orders", "true"),
    ("select date_trunc('day', max(m)) from (values (1, cast(null as timestamp))) t(h, m) group by h", ""),
    ("select date_trunc('minute', time '10:22:33')", "10:22:00"),
    ("select date_trunc('fortnight', now())", "!date_trunc does not know this unit"),
    ("select date_trunc(n_name, now()) from sales.nation", "!date_trunc takes a constant unit"),
    (
        "select date_trunc('second', max(m)) from (values (1, arrow_cast(null, 'Timestamp(Nanosecond, None)'))) t(h, m) group by h",
        "",
    ),
    ("select date_bin(interval '1 day', timestamp '9999-12-31 23:59:59.999999')", "9999-12-31T00:00:00"),
    (
        "select date_bin(interval '15 minutes', timestamp '1601-05-17 10:22:00', timestamp '2001-01-01 00:00:00')",
        "1601-05-17T10:15:00",
    ),
    (
        "select date_bin(interval '15 minutes', timestamp '2024-05-17 10:22:00', timestamp '2001-01-01 00:02:30')",
        "2024-05-17T10:17:30",
    ),
    (
        "select date_bin(interval '1 month', arrow_cast(-9223372036854775808, 'Timestamp(Microsecond, None)'))",
        "!out of range",
    ),
    (
        "select date_bin(interval '3 months', timestamp '9999-05-17 10:22:00', timestamp '2001-01-01 00:00:00')",
        "9999-04-01T00:00:00",
    ),
    (
        "select date_bin(interval '1 month', timestamp '2024-05-17 10:22:00', timestamp '2001-01-20 00:00:00')",
        "2024-04-20T00:00:00",
    ),
    (
        "select date_bin(interval '0 days', timestamp '2024-05-17 10:22:00')",
        "!date_bin takes an interval that is more than zero",
    ),
];

/// One moment has one clock, that of its zone.
const ZONES: &[(&str, &str)] = &[
    (
        "select cast(timestamptz '2024-07-01 23:30:00+00' at time zone 'Europe/Berlin' as timestamp)",
        "2024-07-02T01:30:00",
    ),
    ("select cast(timestamptz '2024-07-01 23:30:00+00' at time zone 'Europe/Berlin' as date)", "2024-07-02"),
    (
        "select cast(date_trunc('day', timestamptz '2024-07-01 23:30:00+00' at time zone 'Europe/Berlin') as timestamp)",
        "2024-07-02T00:00:00",
    ),
    (
        "select cast(date_bin(interval '1 day', timestamptz '2024-07-01 23:30:00+00' at time zone 'Europe/Berlin') as timestamp)",
        "2024-07-02T00:00:00",
    ),
    ("select extract(hour from timestamptz '2024-07-01 23:30:00+00' at time zone 'Europe/Berlin')", "1"),
    (
        "select cast(date_trunc('hour', timestamptz '2024-10-27 01:30:00+00' at time zone 'Europe/Berlin') at time zone 'UTC' as timestamp)",
        "2024-10-27T01:00:00",
    ),
];

/// SIMILAR TO by the SQL standard.
const SIMILAR: &[(&str, &str)] = &[
    ("select 'abc' similar to 'ab'", "false"),
    ("select 'abc' similar to 'ab%'", "true"),
    ("select 'abc' similar to 'a_c'", "true"),
    ("select 'abc' similar to '(abc|def)'", "true"),
    ("select 'abc' not similar to 'b%'", "true"),
    ("select 'abc' similar to 'a.c'", "false"),
    ("select '100%' similar to '100!%' escape '!'", "true"),
    ("select 'x7' similar to '[a-z][[:DIGIT:]]+'", "true"),
    ("select count(*) from sales.nation where n_name similar to '(GER|FR)%'", "2"),
    ("select cast(null as varchar) similar to 'a'", ""),
    ("select n_name similar to n_comment from sales.nation", "!SIMILAR TO takes a constant pattern"),
];

async fn first_value(connection: &Connection, sql: &str) -> String {
    let batches = match rows(connection, sql).await {
        Ok(batches) => batches,
        Err(error) => return format!("!{error}"),
    };
    let Some(batch) = batches.iter().find(|batch| batch.num_rows() > 0) else { return "no row".to_owned() };
    array_value_to_string(batch.column(0), 0).unwrap()
}

fn check(user: &str, statements: &[(&str, &str)]) {
    run(async {
        let connection = login(&*server().await, user).await;
        let mut wrong = Vec::new();
        for (sql, expected) in statements {
            let found = first_value(&connection, sql).await;
            let is_right = match expected.strip_prefix('!') {
                Some(words) => found.starts_with('!') && found.contains(words),
                None => found == *expected,
            };
            if !is_right {
                wrong.push(format!("{user}: {sql}: {found}, not {expected}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
}

/// Over a table of the unrestricted user.
const BETWEEN_DAYS: &[(&str, &str)] = &[
    ("select max(l_receiptdate - l_shipdate) > 10 from sales.lineitem", "true"),
    ("select count(*) from sales.lineitem where l_receiptdate - l_shipdate > 30", "0"),
    ("select count(*) > 0 from sales.lineitem where l_receiptdate - l_shipdate > 10", "true"),
];

#[test]
fn dates_keep_their_hours_and_far_years() {
    check("analyst", COMPUTED);
    check("analyst", BETWEEN_DAYS);
    check("eu_analyst", COMPUTED);
}

#[test]
fn intervals_are_compared_by_their_length() {
    check("analyst", COMPARED);
}

#[test]
fn moments_of_all_years_are_truncated() {
    check("analyst", TRUNCATED);
}

#[test]
fn a_moment_has_the_clock_of_its_zone() {
    check("analyst", ZONES);
}

#[test]
fn a_pattern_is_over_the_whole_text() {
    check("analyst", SIMILAR);
}
