//! Functions as analysts bring them from Athena, Trino and Spark: each with the value that Trino's documentation gives it, or that
//! of the engine it comes from. And what goes with them: escapes of ODBC, names of columns, and errors in words.

use arrow::util::display::array_value_to_string;
use lakegate_client::Connection;

use crate::support::{login, rows, run, server};

/// A call, and its value as text; an empty one is NULL.
const VALUES: &[(&str, &str)] = &[
    // Conditions.
    ("if(1 > 2, 'a')", ""),
    ("if(1 < 2, 'a', 'b')", "a"),
    ("typeof(cast(1 as bigint))", "bigint"),
    ("typeof('cat')", "varchar"),
    ("typeof(cast(1.5 as decimal(9,2)))", "decimal(9,2)"),
    ("typeof(array[1])", "array(bigint)"),
    // Numbers.
    ("mod(10, 4)", "2"),
    ("mod(-10, 3)", "-1"),
    ("sign(-12)", "-1"),
    ("sign(0)", "0"),
    ("sign(2.5)", "1.0"),
    ("ceiling(1.2)", "2.0"),
    ("truncate(-1.9)", "-1.0"),
    ("round(e(), 4)", "2.7183"),
    ("is_nan(nan())", "true"),
    ("is_finite(infinity())", "false"),
    ("is_infinite(-infinity())", "true"),
    ("bitwise_and(19, 25)", "17"),
    ("bitwise_or(19, 25)", "27"),
    ("bitwise_xor(19, 25)", "10"),
    ("bitwise_not(19)", "-20"),
    ("bitwise_left_shift(7, 2)", "28"),
    ("bitwise_right_shift_arithmetic(-8, 1)", "-4"),
    ("bit_count(9, 64)", "2"),
    ("bit_count(-7, 64)", "62"),
    ("bit_count(-7, 8)", "6"),
    ("width_bucket(5.35, 0.024, 10.06, 5)", "3"),
    ("width_bucket(-1, 0, 10, 5)", "0"),
    ("width_bucket(10, 0, 10, 5)", "6"),
    ("width_bucket(9, 10, 0, 5)", "1"),
    ("width_bucket(10, 10, 0, 5)", "0"),
    ("bit_count(4611686018427387903, 63)", "62"),
    ("from_base('ff', 16)", "255"),
    ("to_base(-255, 16)", "-ff"),
    // Texts and bytes.
    ("split('a,b,,c', ',')", "[a, b, , c]"),
    ("cardinality(split('', ','))", "1"),
    ("split('a:b:c', ':', 2)", "[a, b:c]"),
    ("levenshtein_distance('kitten', 'sitting')", "3"),
    ("codepoint('a')", "97"),
    ("strpos('high', 'ig')", "2"),
    ("position('ig' in 'high')", "2"),
    ("locate('ig', 'high')", "2"),
    ("reverse('abc')", "cba"),
    ("to_hex(to_utf8('Hello'))", "48656C6C6F"),
    ("to_hex(255)", "ff"),
    ("from_utf8(from_hex('48656C6C6F'))", "Hello"),
    ("to_base64(to_utf8('abcd'))", "YWJjZA=="),
    ("from_utf8(from_base64('YWJjZA=='))", "abcd"),
    ("url_encode('a b&c=ü')", "a+b%26c%3D%C3%BC"),
    ("url_decode('a+b%26c%3D%C3%BC')", "a b&c=ü"),
    ("url_extract_host('https://example.com:8080/a/b?x=1#f')", "example.com"),
    ("url_extract_port('https://example.com:8080/a/b?x=1#f')", "8080"),
    ("url_extract_path('https://example.com:8080/a/b?x=1#f')", "/a/b"),
    ("url_extract_query('https://example.com/a?x=1&y=2#f')", "x=1&y=2"),
    ("url_extract_parameter('https://example.com/a?x=1&y=a%20b', 'y')", "a b"),
    ("url_extract_protocol('https://example.com/')", "https"),
    ("url_extract_fragment('https://example.com/#f')", "f"),
    ("url_extract_host('no url')", ""),
    // Regular expressions.
    (r"regexp_extract('1a 2b 14m', '\d+')", "1"),
    (r"regexp_extract('1a 2b 14m', '(\d+)([a-z]+)', 2)", "a"),
    ("regexp_extract('b', '(a)|(b)', 2)", "b"),
    ("regexp_extract('b', '(a)|(b)', 1)", ""),
    (r"regexp_extract_all('1a 2b 14m', '\d+')", "[1, 2, 14]"),
    (r"regexp_extract_all('1a 2b 14m', '(\d+)([a-z]+)', 2)", "[a, b, m]"),
    (r"regexp_split('1a 2b 14m', '\s*[a-z]+\s*')", "[1, 2, 14, ]"),
    // JSON.
    (r#"json_extract('{"a": [1, 2]}', '$.a')"#, "[1,2]"),
    (r#"json_extract_scalar('[1, 2, 3]', '$[2]')"#, "3"),
    (r#"json_extract_scalar('{"a": {"b c": "x"}}', '$.a["b c"]')"#, "x"),
    (r#"json_extract_scalar('{"a": [1]}', '$.a')"#, ""),
    ("json_extract_scalar('{', '$.a')", ""),
    (r#"json_extract_scalar('{"n": 20000000000000000001}', '$.n')"#, "20000000000000000001"),
    ("json_array_length('[1, 2, 3]')", "3"),
    (r#"json_array_get('["a", [3, 9], "c"]', 1)"#, "[3,9]"),
    (r#"json_array_get('["a", [3, 9], "c"]', -1)"#, "\"c\""),
    (r#"json_size('{"x": {"a": 1, "b": 2}}', '$.x')"#, "2"),
    ("is_json_scalar('[1, 2, 3]')", "false"),
    ("json_format(json_parse('[1, 2]'))", "[1,2]"),
    (r#"get_json_object('{"a": "x"}', '$.a')"#, "x"),
    // Dates and times.
    ("date_diff('second', timestamp '2020-03-01 00:00:00', timestamp '2020-03-02 00:00:00')", "86400"),
    ("date_diff('hour', timestamp '2020-03-01 00:00:00', timestamp '2020-03-02 01:59:00')", "25"),
    ("date_diff('day', date '2020-03-01', date '2020-03-02')", "1"),
    ("date_diff('month', date '2020-01-31', date '2020-02-29')", "1"),
    ("date_diff('month', date '2020-01-31', date '2020-02-28')", "0"),
    ("date_diff('year', date '2020-02-29', date '2021-02-28')", "1"),
    ("date_diff('day', timestamp '2020-03-02 00:00:00', timestamp '2020-03-01 01:00:00')", "0"),
    ("date_add('second', 86, timestamp '2020-03-01 00:00:00')", "2020-03-01T00:01:26"),
    ("date_add('hour', 9, timestamp '2020-03-01 00:00:00')", "2020-03-01T09:00:00"),
    ("date_add('day', -1, timestamp '2020-03-01 00:00:00')", "2020-02-29T00:00:00"),
    ("date_add('month', 1, date '2020-01-31')", "2020-02-29"),
    ("date_add('year', 7000, date '2020-01-31')", "9020-01-31"),
    ("date_add(date '2020-01-31', 1)", "2020-02-01"),
    ("dateadd(month, 1, date '2020-01-31')", "2020-02-29"),
    ("datediff(date '2020-03-02', date '2020-03-01')", "1"),
    ("year(date '2024-05-16')", "2024"),
    ("quarter(date '2024-05-16')", "2"),
    ("month(date '2024-05-16')", "5"),
    ("week(date '2021-01-03')", "53"),
    ("year_of_week(date '2021-01-03')", "2020"),
    ("day(date '2024-05-16')", "16"),
    ("day_of_week(date '2024-05-19')", "7"),
    ("dow(date '2024-05-13')", "1"),
    ("day_of_year(date '2024-12-31')", "366"),
    ("hour(timestamp '2001-08-22 03:04:05.321')", "3"),
    ("minute(timestamp '2001-08-22 03:04:05.321')", "4"),
    ("second(timestamp '2001-08-22 03:04:05.321')", "5"),
    ("millisecond(timestamp '2001-08-22 03:04:05.321')", "321"),
    ("last_day_of_month(date '2024-02-10')", "2024-02-29"),
    ("last_day_of_month(timestamp '2023-02-10 10:00:00')", "2023-02-28"),
    ("date('2024-02-10')", "2024-02-10"),
    ("from_iso8601_date('2024-02-10')", "2024-02-10"),
    ("from_iso8601_timestamp('2020-05-11T11:15:05Z')", "2020-05-11T11:15:05Z"),
    ("to_iso8601(date '2024-02-10')", "2024-02-10"),
    ("date_parse('2022/10/20/05', '%Y/%m/%d/%H')", "2022-10-20T05:00:00"),
    ("date_parse('20 Oct 2022 5:07 PM', '%d %b %Y %h:%i %p')", "2022-10-20T17:07:00"),
    ("date_parse('2022-10-20 01:02:03.5', '%Y-%m-%d %H:%i:%s.%f')", "2022-10-20T01:02:03.500"),
    (
        "format_datetime(timestamp '2001-08-22 03:04:05.321', 'yyyy-MM-dd HH:mm:ss.SSS')",
        "2001-08-22 03:04:05.321",
    ),
    (
        "format_datetime(timestamp '2001-08-22 15:04:05', 'EEEE, d MMMM yy ''at'' h a')",
        "Wednesday, 22 August 01 at 3 PM",
    ),
    ("current_timezone()", "UTC"),
    // Lists and maps.
    ("sequence(1, 5)", "[1, 2, 3, 4, 5]"),
    ("sequence(5, 1)", "[5, 4, 3, 2, 1]"),
    ("sequence(1, 10, 4)", "[1, 5, 9]"),
    ("sequence(date '2024-02-28', date '2024-03-01')", "[2024-02-28, 2024-02-29, 2024-03-01]"),
    (
        "sequence(date '2024-01-31', date '2024-03-31', interval '1' month)",
        "[2024-01-31, 2024-02-29, 2024-03-31]",
    ),
    ("slice(array[1, 2, 3, 4], 2, 2)", "[2, 3]"),
    ("slice(array[1, 2, 3, 4], -2, 2)", "[3, 4]"),
    ("slice(array[1, 2, 3, 4], 3, 10)", "[3, 4]"),
    ("slice(array[1, 2, 3, 4], 2, 0)", "[]"),
    ("slice(array[1, 2, 3, 4], -5, 2)", "[]"),
    ("cardinality(slice(sequence(1, 9), -3, 2))", "2"),
    ("contains(array[1, 2], 2)", "true"),
    ("contains(array[1, 2], 3)", "false"),
    ("contains('abc', 'b')", "true"),
    ("cardinality(array[1, 2, 3])", "3"),
    ("array_join(array['a', 'b'], '-')", "a-b"),
    ("element_at(array[1, 2, 3], 2)", "2"),
    ("element_at(array[1, 2, 3], -1)", "3"),
    ("element_at(array[1, 2, 3], 4)", ""),
    ("reverse(array[1, 2, 3])", "[3, 2, 1]"),
    ("concat(array[1], array[2, 3])", "[1, 2, 3]"),
    ("concat('a', null)", "a"),
    // The session.
    ("current_user", "analyst"),
    ("session_user", "analyst"),
    ("current_catalog", "awsdatacatalog"),
    ("current_schema", ""),
    ("version()", "Lakegate"),
    ("regexp_replace('banana', 'n.', '_', '')", "ba_na"),
    ("typeof(localtimestamp)", "timestamp(6)"),
    // Escapes of ODBC.
    ("{fn ucase({fn concat('a', 'b')})}", "AB"),
    ("{d '2024-01-02'}", "2024-01-02"),
    ("{ts '2024-01-02 03:04:05'}", "2024-01-02T03:04:05"),
    ("{fn timestampadd(SQL_TSI_DAY, 1, {ts '2024-01-02 03:04:05'})}", "2024-01-03T03:04:05"),
    ("{fn timestampdiff(SQL_TSI_HOUR, {ts '2024-01-02 03:04:05'}, {ts '2024-01-02 05:04:05'})}", "2"),
    ("{fn convert('12', SQL_INTEGER)}", "12"),
    ("{fn extract(YEAR from {d '2024-01-02'})}", "2024"),
    ("{fn dayofweek({d '2024-05-19'})}", "1"),
    ("{fn user()}", "analyst"),
    ("'{fn x}'", "{fn x}"),
];

/// Aggregates over the rows (1, 'a'), (3, 'b'), (2, 'c'), (NULL, 'd').
const AGGREGATES: &[(&str, &str)] = &[
    ("max_by(t, n)", "b"),
    ("min_by(t, n)", "a"),
    ("count_if(n > 1)", "2"),
    ("count_if(n > 1) filter (where t <> 'b')", "1"),
    ("every(n > 0)", "true"),
    ("bool_or(n > 2)", "true"),
    ("arbitrary(5)", "5"),
    ("any_value(5)", "5"),
    ("listagg(t, '-') within group (order by t desc)", "d-c-b-a"),
    ("round(geometric_mean(n), 4)", "1.8171"),
    ("approx_percentile(n, 0.5)", "2.0"),
    ("bitwise_or_agg(n)", "3"),
    ("cardinality(collect_list(n))", "3"),
    ("element_at(map_agg(t, n), 'b')", "[3]"),
    ("variance(n)", "1.0"),
];

/// Of Germany's nations an unrestricted user sees 25, one whose rows are filtered 5.
const OVER_ROWS: &[(&str, &str, &str)] = &[
    ("select max_by(n_name, n_nationkey) from sales.nation", "UNITED STATES", "UNITED KINGDOM"),
    ("select count_if(n_regionkey = 3) from sales.nation", "5", "5"),
    ("select count(distinct year(o_orderdate)) from sales.orders", "7", "7"),
];

async fn value(connection: &Connection, sql: &str) -> String {
    match rows(connection, sql).await {
        Ok(batches) => match batches.iter().find(|batch| batch.num_rows() > 0) {
            Some(batch) => array_value_to_string(batch.column(0), 0).unwrap(),
            None => "no row".to_owned(),
        },
        Err(error) => format!("{error}"),
    }
}

#[test]
fn functions_have_trinos_values() {
    run(async {
        let connection = login(&*server().await, "analyst").await;
        let mut wrong = Vec::new();
        for (call, expected) in VALUES {
            let found = value(&connection, &format!("select {call}")).await;
            if found != *expected {
                wrong.push(format!("{call}: {found}, not {expected}"));
            }
        }
        let from = "from (values (1, 'a'), (3, 'b'), (2, 'c'), (null, 'd')) as v(n, t)";
        for (call, expected) in AGGREGATES {
            let found = value(&connection, &format!("select {call} {from}")).await;
            if found != *expected {
                wrong.push(format!("{call}: {found}, not {expected}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
}

/// A statement, and the names of its columns.
const NAMES: &[(&str, &[&str])] = &[
    ("select count(*), 10 / 4 from sales.nation", &["count(*)", "10 / 4"]),
    ("select 1, 1", &["1", "1"]),
    (
        "select *, * from sales.region",
        &["r_regionkey", "r_name", "r_comment", "r_regionkey", "r_name", "r_comment"],
    ),
    (
        "select r.*, r.r_name from sales.region r order by r_name",
        &["r_regionkey", "r_name", "r_comment", "r_name"],
    ),
    ("select r_name as x, r_regionkey as x from sales.region", &["x", "x"]),
    ("select * from (select 1, 1) t", &["1", "1"]),
    ("with t as (select max(r_name) from sales.region) select * from t", &["max(r_name)"]),
    (
        "select max(cast(r_regionkey as varchar)), max(r_regionkey) from sales.region",
        &["max(CAST(r_regionkey AS VARCHAR))", "max(r_regionkey)"],
    ),
    (
        "select upper(r_name) from sales.region group by upper(r_name) order by upper(r_name)",
        &["upper(r_name)"],
    ),
    ("select distinct upper(r_name) from sales.region order by upper(r_name)", &["upper(r_name)"]),
    ("select 1 + 1 union all select 2", &["1 + 1"]),
    (
        "select cast(r_regionkey as bigint), r_regionkey from sales.region",
        &["CAST(r_regionkey AS BIGINT)", "r_regionkey"],
    ),
];

#[test]
fn columns_are_called_as_they_were_written() {
    run(async {
        let connection = login(&*server().await, "analyst").await;
        let mut wrong = Vec::new();
        for (sql, expected) in NAMES {
            let statement = connection.prepare(sql).await;
            let names = |schema: &arrow::datatypes::Schema| {
                schema.fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>()
            };
            let announced = statement.map(|statement| names(&statement.schema()));
            let sent = rows(&connection, sql).await.map(|batches| names(&batches[0].schema()));
            match (announced, sent) {
                (Ok(announced), Ok(sent)) if announced == *expected && sent == *expected => {}
                (announced, sent) => wrong.push(format!(
                    "{sql}: announced {:?}, sent {:?}",
                    announced.map_err(|error| error.to_string()),
                    sent.map_err(|error| error.to_string())
                )),
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
}

/// A statement that cannot be answered, and what its error says.
const WORDS: &[(&str, &str)] = &[
    ("select regexp_like('a', '(')", "a regular expression cannot be read"),
    ("select substr('a')", "Substring without for/from is not valid"),
    ("select 'a' + 1", "Cannot coerce arithmetic expression varchar + bigint"),
    ("select n_name from sales.nation where n_name", "returning varchar"),
    ("select sum(n_regionkey > 1) from sales.nation", "sum takes numbers, not truth values"),
    ("select year(1, 2)", "the function takes other arguments: year(x)"),
    ("select max_by(1, random())", "compute it in a subquery"),
    ("select slice(array[1, 2], 1, -1)", "takes a length that is not negative"),
    ("select slice(array[1, 2], 0, 1)", "slice begins at 1"),
    ("select sequence(1, 5, -1)", "the step of sequence"),
    ("select sequence(date '2024-01-02', date '2024-01-01', interval '1' day)", "the step of sequence"),
    ("select bit_count('x', 8)", "the function bit_count does not take varchar as its argument 1"),
    ("select show_me()", "show_me"),
    ("show create table sales.nobody", "sales.nobody"),
    ("select array_resize([1], -1)", "the query engine has no way to compute this query"),
    ("select date_diff('parsec', date '2020-01-01', date '2020-01-02')", "the unit of a date function is"),
];

#[test]
fn errors_are_words_and_name_what_is_wrong() {
    run(async {
        let connection = login(&*server().await, "analyst").await;
        let mut wrong = Vec::new();
        for (sql, words) in WORDS {
            let found = value(&connection, sql).await;
            let is_shown =
                ["Span(", "Utf8", "Int64", "{ ", "internal error"].iter().any(|tree| found.contains(tree));
            if !found.contains(words) || is_shown {
                wrong.push(format!("{sql}: {found}"));
            }
        }
        let limited =
            "select distinct n_regionkey, count(*) over (partition by n_regionkey) from sales.nation limit 3";
        let batches = rows(&connection, limited).await.unwrap();
        assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 3);
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
}

#[test]
fn functions_see_the_rows_of_their_user() {
    run(async {
        let server = server().await;
        let analyst = login(&server, "analyst").await;
        let eu_analyst = login(&server, "eu_analyst").await;
        let mut wrong = Vec::new();
        for (sql, all, filtered) in OVER_ROWS {
            let found = (value(&analyst, sql).await, value(&eu_analyst, sql).await);
            if found != ((*all).to_owned(), (*filtered).to_owned()) {
                wrong.push(format!("{sql}: {found:?}"));
            }
        }
        assert_eq!(value(&eu_analyst, "select current_user").await, "eu_analyst");
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
}
