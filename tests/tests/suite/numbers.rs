//! Numbers are right to the last digit, or an error: what the engine would round, cut, wrap around or compare as something else.
//!
//! Each statement stands with the value that its first row has, all columns of it, or with a part of the error. Values are those
//! of the SQL standard and of Trino, PostgreSQL and DuckDB where they agree.

use arrow::util::display::array_value_to_string;
use lakegate_client::Connection;

use crate::support::{login, rows, run, server};

const OVERFLOW: &str = "arithmetic overflow";
const NO_CAST: &str = "a value cannot be cast";
const LARGEST: &str = "99999999999999999999999999999999999999";

/// Casts stay where they were written, and comparisons are made in a type that holds both sides.
const COMPARED: &[(&str, &str)] = &[
    ("select cast(d as int) = 7 from (values (cast(7.20 as decimal(10,2)))) t(d)", "true"),
    (
        "select d from (select cast(d as int) as n, d from (values (cast(7.20 as decimal(10,2)))) t(d)) where n = 7",
        "7.20",
    ),
    ("select cast(d as int) in (7, 8) from (values (cast(7.20 as decimal(10,2)))) t(d)", "true"),
    (
        "select 7 between cast(d as int) and cast(d as int) from (values (cast(7.20 as decimal(10,2)))) t(d)",
        "true",
    ),
    ("select cast(d as decimal(10,1)) = 7.3 from (values (cast(7.25 as decimal(10,2)))) t(d)", "true"),
    ("select try_cast(v as smallint) > 0 from (values (40000)) t(v)", ""),
    ("select try_cast(v as smallint) in (1, 2) from (values (40000)) t(v)", ""),
    (
        "select n = 20000000000000000001 from (values (cast('20000000000000000001' as decimal(38,0)))) t(n)",
        "true",
    ),
    (
        "select n = 20000000000000000000 from (values (cast('20000000000000000001' as decimal(38,0)))) t(n)",
        "false",
    ),
    (
        "select n = 1234567890123456.78 from (values (cast('1234567890123456.78' as decimal(38,2)))) t(n)",
        "true",
    ),
    ("select 9007199254740993 in (9007199254740992.0)", "false"),
    (
        "select cast('12345678901234567890123456789012345678' as decimal(38,0)) = cast('0.5' as decimal(38,38))",
        "false",
    ),
    ("select cast(5 as bigint) > cast('0.5' as decimal(38,38))", "true"),
    ("select cast(0.1 as real) = cast('0.1' as decimal(3,1))", "true"),
    ("select cast(0.1 as double) = cast('0.1' as decimal(3,1))", "true"),
    ("select cast(0.30000000000000004 as double) = cast('0.3' as decimal(3,1))", "false"),
    ("select cast('0.1' as decimal(3,1)) in (cast(0.1 as double), cast(7 as double))", "true"),
    (
        "select (case when n > 0 then 2.5 else 1 end + n) = cast('3.5' as decimal(3,1)) from (values (1)) t(n)",
        "true",
    ),
    (
        "select round(d, 1) = cast('7.3' as decimal(10,1)) from (values (cast(7.25 as decimal(10,2)))) t(d)",
        "true",
    ),
    ("select round(d, 1) > d from (values (cast(7.25 as decimal(10,2)))) t(d)", "true"),
    ("select coalesce(cast(null as double), cast('1.25' as decimal(5,2)))", "1.25"),
    ("select greatest(cast(0.1 as double) * 3, cast('0.05' as decimal(5,2)))", "0.30000000000000004"),
    (
        "select max(v) from (select cast(0.1 as double) * 3 as v union all select cast('0.25' as decimal(5,2)))",
        "0.30000000000000004",
    ),
    ("select max(v) from (select 1e30 as v union all select cast('0.25' as decimal(5,2)))", "1e30"),
    ("select nullif(0e0, -0e0)", ""),
    ("select nullif(x, 0) from (values (-0e0)) v(x)", ""),
    ("select -0e0 in (0e0)", "true"),
    ("select x in (0, 1.5) from (values (-0e0)) v(x)", "true"),
    ("select case x when 0e0 then 'zero' when 1e0 then 'one' end from (values (-0e0)) v(x)", "zero"),
    (
        "select a.d from (values (cast(7.20 as decimal(10,2)))) a(d) join (values (7)) b(n) on cast(a.d as bigint) = b.n",
        "7.20",
    ),
    (
        "select count(*) from (values (cast(7.20 as decimal(10,2)))) t(d) group by rollup(cast(d as int)) limit 1",
        "1",
    ),
];

/// Literals are what was written.
const WRITTEN: &[(&str, &str)] = &[
    ("select 1234567890123456789.12", "1234567890123456789.12"),
    ("select 20000000000000000001", "20000000000000000001"),
    ("select 9223372036854775808", "9223372036854775808"),
    ("select -9223372036854775808", "-9223372036854775808"),
    ("select -9223372036854775809", "-9223372036854775809"),
    ("select 2.5 * 2", "5.0"),
    ("select 1e400", "!a number is larger than any type"),
    ("select -1e400", "!a number is larger than any type"),
    ("select 1_000", "1000"),
    ("select 0b101", "5"),
    ("select 0xff", "255"),
    ("select 1x", "!a number is directly followed by a name"),
    ("select 'a' 'b'", "!two texts follow one another"),
    ("select 'a'\n 'b'", "ab"),
];

/// No number wraps around.
const COMPUTED: &[(&str, &str)] = &[
    ("select 9223372036854775807 + 1", OVERFLOW),
    ("select -(-9223372036854775808)", OVERFLOW),
    ("select -v from (values (-9223372036854775808)) t(v)", OVERFLOW),
    ("select v - 1 from (values (-9223372036854775808)) t(v)", OVERFLOW),
    ("select v * v from (values (4000000000)) t(v)", OVERFLOW),
    ("select v / -1 from (values (-9223372036854775808)) t(v)", OVERFLOW),
    ("select v % -1 from (values (-9223372036854775808)) t(v)", "0"),
    ("select cast(100 as tinyint) + cast(100 as tinyint)", OVERFLOW),
    ("select cast(100 as tinyint) * cast(100 as tinyint)", OVERFLOW),
    ("select cast(3 as int unsigned) - cast(5 as int unsigned)", OVERFLOW),
    ("select 1 << 63", OVERFLOW),
    ("select 1 << 64", OVERFLOW),
    ("select 1 >> -1", OVERFLOW),
    ("select 1 << 62", "4611686018427387904"),
    ("select date '2025-01-01' + 9223372036854775807", OVERFLOW),
    (
        "select v + v from (values (cast('60000000000000000000000000000000000000' as decimal(38,0)))) t(v)",
        OVERFLOW,
    ),
    (
        "select v * 2 from (values (cast('60000000000000000000000000000000000000' as decimal(38,0)))) t(v)",
        OVERFLOW,
    ),
    ("select (a + 1) * b - 2 from (values (2, 3), (null, 3)) t(a, b) where a > 0", "7"),
    ("select cast(2 as decimal(10,2)) / 3", "0.666667"),
    ("select cast(-2 as decimal(10,2)) / cast(3 as decimal(10,2))", "-0.666667"),
    ("select cast(1 as decimal(38,10)) / cast(3 as decimal(38,10))", "0.33333333333333"),
    (
        "select cast('99999999999999999999999999999999' as decimal(38,0)) / cast('3.0' as decimal(38,1))",
        "33333333333333333333333333333333.0000",
    ),
    ("select cast(7 as decimal(5,2)) / 0", "division by zero"),
    ("select d % 1 from (values (cast(7.25 as decimal(10,2)))) t(d)", "0.25"),
    ("select d / 1 from (values (cast(7.25 as decimal(10,2)))) t(d)", "7.250000"),
    ("select d * 0 = 0 from (values (cast(7.25 as decimal(10,2)))) t(d)", "true"),
    (
        "select cast(d as int), cast(-d as bigint), cast(d as int) = 8 from (values (cast(7.50 as decimal(10,2)))) t(d)",
        "8|-8|true",
    ),
    ("select cast(2.5 as int), cast(x as bigint) from (values (-7.6e0)) t(x)", "3|-8"),
    ("select try_cast(cast(99.5 as decimal(3,1)) as tinyint)", "100"),
    ("select try_cast(x as tinyint) from (values (127.5e0)) t(x)", ""),
    ("select cast(3000000000 as int)", NO_CAST),
    ("select cast(v as int) from (values (3000000000)) t(v)", NO_CAST),
    ("select cast('NaN'::double as int)", NO_CAST),
    (
        "select count(distinct x) from (values (cast('nan' as double)), (cast('inf' as double) - cast('inf' as double))) v(x)",
        "1",
    ),
    (
        "select count(distinct x) from (values (cast('nan' as double)), (-cast('nan' as double)), (0e0 / 0e0), (0e0 * cast('inf' as double)), (1e0 % 0e0)) v(x)",
        "1",
    ),
    ("select max(x - x) > 1 from (values (cast('inf' as double)), (1e0)) v(x)", "true"),
];

/// Sums and averages are exact, whoever they are asked of.
const COLLECTED: &[(&str, &str)] = &[
    ("select sum(v) from (values (9223372036854775807), (1)) t(v)", OVERFLOW),
    ("select sum(v) from (values (9223372036854775807), (1), (-5)) t(v)", "9223372036854775803"),
    ("select sum(v) from (values (1, 9223372036854775807), (1, 1)) t(g, v) group by g", OVERFLOW),
    ("select sum(distinct v) from (values (9223372036854775807), (1)) t(v)", OVERFLOW),
    (
        "select sum(distinct v), count(v), sum(v) from (values (9223372036854775806), (1)) t(v)",
        "9223372036854775807|2|9223372036854775807",
    ),
    (
        "select sum(v) over (order by v) from (values (9223372036854775807), (1)) t(v) order by v desc",
        OVERFLOW,
    ),
    (
        "select sum(v) over (order by v rows between 1 preceding and current row) from (values (9223372036854775807), (1)) t(v)",
        OVERFLOW,
    ),
    (
        "select sum(v) over (order by v desc rows between 1 preceding and current row) from (values (7), (1), (2)) t(v) order by v limit 1",
        "3",
    ),
    ("select sum(v + 1) from (values (9223372036854775806), (0)) t(v)", OVERFLOW),
    ("select sum(v) from (values (cast(null as bigint))) t(v)", ""),
    ("select sum(v) filter (where v > 1) from (values (1), (2), (null), (3)) t(v)", "5"),
    (
        "select g, sum(v) filter (where v > 1) from (values (1, 1), (1, 2), (2, 0), (1, null)) t(g, v) group by g order by g desc",
        "2|",
    ),
    (
        "select avg(v) from (values (cast(1 as decimal(10,2))), (cast(1 as decimal(10,2))), (cast(0 as decimal(10,2)))) t(v)",
        "0.666667",
    ),
    (
        "select avg(v), avg(distinct v) from (values (1, cast(-2 as decimal(10,2))), (1, cast(-2 as decimal(10,2))), (1, cast(-1 as decimal(10,2)))) t(g, v) group by g",
        "-1.666667|-1.500000",
    ),
    (
        "select avg(v) over () from (values (cast(1 as decimal(10,2))), (cast(1 as decimal(10,2))), (cast(0 as decimal(10,2)))) t(v)",
        "0.666667",
    ),
    (
        "select sum(v) over (order by o rows between 1 preceding and current row) from (values (1, cast('NaN' as double)), (2, 1e0), (3, 2e0)) t(o, v) order by o desc",
        "3.0",
    ),
    (
        "select avg(v) over (order by o rows between 1 preceding and current row) from (values (1, 1e20), (2, 1e0), (3, 2e0)) t(o, v) order by o desc",
        "1.5",
    ),
    ("select sum(n_nationkey > 3) from sales.nation", "!takes numbers, not truth values"),
    ("select avg(n_name) from sales.nation", "!takes numbers"),
    ("select sum(null), avg(null)", "|"),
    (
        "select sum(x) > 1, avg(x) > 1 from (values (cast('inf' as double)), (cast('-inf' as double))) v(x)",
        "true|true",
    ),
    (
        "select sum(x) > 1 from (values (1, cast('inf' as double)), (1, cast('-inf' as double))) v(g, x) group by g",
        "true",
    ),
];

/// Texts have the length of their type.
const LENGTHS: &[(&str, &str)] = &[
    ("select cast('abcdef' as varchar(3))", "abc"),
    ("select cast('äöü' as varchar(2))", "äö"),
    ("select 'abcdef'::char(4) || '|'", "abcd|"),
    ("select cast('ab' as char(4)) || '|'", "ab  |"),
    ("select cast('ab' as char(3)) = 'ab '", "true"),
    ("select cast(12345 as varchar(5))", "12345"),
    ("select cast(12345 as varchar(3))", "!more characters than the type"),
    ("select try_cast(12345 as varchar(3))", ""),
    ("select cast(null as varchar(3))", ""),
    ("select cast(n_name as varchar(2)) from sales.nation where n_nationkey = 7", "GE"),
    ("select cast('abc' as binary(2))", "!bytes have no length"),
    ("select cast(0.1 as float(53))", "0.1"),
];

/// Of tables, with rows that a filter hides from one of the users.
const OF_TABLES: &[(&str, &str)] = &[
    (
        "select count(*) - sum(case when o_totalprice = cast(o_totalprice as double) then 1 else 0 end) from sales.orders",
        "0",
    ),
    (
        "select count(*) - (select count(*) from sales.orders) from sales.orders a join sales.orders b on a.o_totalprice = cast(b.o_totalprice as double) and a.o_orderkey = b.o_orderkey",
        "0",
    ),
    ("select count(*) from sales.orders where cast(o_totalprice as int) <> 5 and o_totalprice is null", "0"),
    (
        "select count(*) - sum(case when cast(o_totalprice as int) = o_totalprice then 0 else 1 end) = sum(case when o_totalprice % 1 = 0 then 1 else 0 end) from sales.orders",
        "true",
    ),
    ("select sum(try_cast(o_orderkey as tinyint)) <= 127 * 128 / 2 from sales.orders", "true"),
    ("select count(*) from sales.orders where try_cast(o_orderkey as tinyint) > 127", "0"),
    (
        "select sum(o_orderkey) = (select sum(cast(o_orderkey as decimal(38,0))) from sales.orders) from sales.orders",
        "true",
    ),
    (
        "select max(abs(a - s / c)) <= 0.000001 from (select avg(o_totalprice) as a, sum(o_totalprice) as s, count(*) as c from sales.orders group by o_orderpriority)",
        "true",
    ),
    ("select sum(o_orderkey * 9223372036854775807) from sales.orders", OVERFLOW),
    (
        "select count(*) from sales.orders where round(o_totalprice, 1) = o_totalprice and o_totalprice * 10 % 1 <> 0",
        "0",
    ),
];

async fn first_row(connection: &Connection, sql: &str) -> String {
    let batches = match rows(connection, sql).await {
        Ok(batches) => batches,
        Err(error) => return format!("!{error}"),
    };
    let Some(batch) = batches.iter().find(|batch| batch.num_rows() > 0) else { return "no row".to_owned() };
    let values = batch.columns().iter().map(|column| array_value_to_string(column, 0).unwrap());
    values.collect::<Vec<_>>().join("|")
}

fn is_right(found: &str, expected: &str) -> bool {
    match expected.strip_prefix('!') {
        Some(words) => found.starts_with('!') && found.contains(words),
        None if [OVERFLOW, NO_CAST, "division by zero"].contains(&expected) => found.contains(expected),
        None => found == expected,
    }
}

fn check(user: &str, statements: &[(&str, &str)]) {
    run(async {
        let connection = login(&*server().await, user).await;
        let mut wrong = Vec::new();
        for (sql, expected) in statements {
            let found = first_row(&connection, sql).await;
            if !is_right(&found, expected) {
                wrong.push(format!("{user}: {sql}: {found}, not {expected}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
}

#[test]
fn comparisons_are_made_of_what_was_written() {
    check("analyst", COMPARED);
}

#[test]
fn literals_keep_their_digits() {
    check("analyst", WRITTEN);
}

#[test]
fn arithmetic_is_exact_or_an_error() {
    check("analyst", COMPUTED);
}

#[test]
fn explain_shows_the_operators_that_were_written() {
    run(async {
        let connection = login(&*server().await, "analyst").await;
        let line = first_row(&connection, "explain select n_nationkey + 1 from sales.nation").await;
        assert!(line.contains(" + Int64(1)") && !line.contains("arithmetic("), "{line}");
    });
}

#[test]
fn sums_and_averages_are_exact_or_an_error() {
    check("analyst", COLLECTED);
}

#[test]
fn a_sum_of_the_longest_decimals_has_no_digit_too_many() {
    let longest = format!("select sum(v) from (values (cast('{LARGEST}' as decimal(38,0))), (1)) t(v)");
    let fits = format!("select sum(v) from (values (cast('{LARGEST}' as decimal(38,0))), (-1)) t(v)");
    check(
        "analyst",
        &[(longest.as_str(), OVERFLOW), (fits.as_str(), "99999999999999999999999999999999999998")],
    );
}

#[test]
fn texts_have_the_length_of_their_type() {
    check("analyst", LENGTHS);
}

#[test]
fn the_same_holds_where_rows_are_hidden() {
    check("analyst", OF_TABLES);
    check("eu_analyst", OF_TABLES);
}
