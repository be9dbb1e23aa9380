//! Lists made of lists, and rows made of lists.

use super::super::Answer::{Either, Refused, Value};
use super::super::Who::{NoGrant, RowFiltered, Writer};
use super::super::{Case, listed, nested, sql};

pub(super) fn cases() -> Vec<Case> {
    let of_range = |call: &str| format!("select cardinality({})", call.replace('@', "range(0, 3000000)"));
    let of_lists = |call: &str| {
        format!("select {} from (select range(0, 200000) as s) t", listed(60, &format!("{call} as c#"), ","))
    };
    let mut cases = vec![
        sql("array_distinct of a few", NoGrant, Value("2"), "select cardinality(array_distinct([1, 2, 1]))"),
        sql("array_except of a few", NoGrant, Value("1"), "select cardinality(array_except([1, 2, 2], [2]))"),
        sql(
            "array_intersect of a few",
            NoGrant,
            Value("1"),
            "select cardinality(array_intersect([1, 2, 2], [2, 3]))",
        ),
        sql("array_union of a few", NoGrant, Value("3"), "select cardinality(array_union([1, 2], [2, 3]))"),
        sql(
            "a list of lists of lists",
            NoGrant,
            Either,
            "select cardinality(flatten(array_repeat(array_repeat(range(0, 3000), 300), 30)))",
        ),
        sql(
            "unnest of unnest",
            NoGrant,
            Either,
            "select count(*) from (select unnest(range(0, 3000)) as a, unnest(range(0, 300000)) as b) t",
        ),
        sql(
            "unnest of what unnest makes",
            NoGrant,
            Either,
            "select count(*) from (select unnest(range(0, a)) as b from (select unnest(range(0, 30000)) as a) t) u",
        ),
        sql(
            "unnest beside a long text",
            NoGrant,
            Either,
            "select max(octet_length(s)) from (select repeat('x', 3000000) as s, unnest(range(0, 1000000)) as n) t",
        ),
        sql(
            "deep unnest",
            NoGrant,
            Either,
            format!("select count(*) from (select {} as x) t", nested(20, "unnest([{}])", "1")),
        ),
        sql(
            "arrays of rows",
            Writer,
            Either,
            "select max(cardinality(range(0, o_orderkey * 1000))) from sales.orders",
        ),
        sql(
            "lists per row",
            Writer,
            Either,
            "select count(array_distinct(range(0, o_orderkey * 10))) from sales.orders",
        ),
        sql(
            "lists per filtered row",
            RowFiltered,
            Either,
            "select count(array_distinct(range(0, id * 10))) from hr.employees",
        ),
        sql("a map of many", NoGrant, Either, "select cardinality(map(range(0, 300000), range(0, 300000)))"),
        sql(
            "strings of an array",
            NoGrant,
            Either,
            "select octet_length(array_to_string(array_repeat(repeat('x', 10000), 100000), ','))",
        ),
        sql(
            "an array of a string",
            NoGrant,
            Either,
            "select cardinality(string_to_array(repeat('a,', 5000000), ','))",
        ),
        sql(
            "the text of an array",
            NoGrant,
            Either,
            "select octet_length(cast(range(0, 3000000) as varchar))",
        ),
        sql(
            "positions of what is everywhere",
            NoGrant,
            Either,
            "select cardinality(array_positions(array_repeat(1, 3000000), 1))",
        ),
        sql(
            "zipped arrays",
            NoGrant,
            Either,
            format!("select cardinality(arrays_zip({}))", listed(30, "range(0, 300000 + #)", ",")),
        ),
        sql(
            "resized arrays of rows",
            Writer,
            Either,
            "select max(cardinality(array_resize([o_comment], 30000, o_comment))) from sales.orders",
        ),
        sql(
            "a series of days",
            NoGrant,
            Either,
            "select count(*) from (select unnest(generate_series(date '0001-01-01', date '9999-12-31', interval '1 day')) as d) t",
        ),
        sql(
            "a series of nanoseconds",
            NoGrant,
            Refused,
            "select cardinality(generate_series(timestamp '1970-01-01', timestamp '2200-01-01', interval '1 nanosecond'))",
        ),
        sql("a series of no steps", NoGrant, Either, "select cardinality(generate_series(1, 10, 0))"),
    ];
    for call in [
        "array_distinct(@)",
        "array_except(@, [1])",
        "array_intersect(@, @)",
        "array_union(@, range(0, 3000001))",
        "array_concat(@, @, @, @, @, @)",
        "array_append(@, 1)",
        "array_sort(@)",
        "array_reverse(@)",
        "array_remove_all(@, 1)",
        "array_replace_all(@, 1, 2)",
        "array_slice(@, 2, 2999999)",
        "array_pop_back(@)",
        "array_compact(@)",
        "array_repeat(@, 20)",
    ] {
        cases.push(sql(&format!("of three million: {call}"), NoGrant, Either, of_range(call)));
    }
    for call in [
        "array_distinct(array_append(s, #))",
        "array_except(s, [#])",
        "array_intersect(s, range(0, 100000 + #))",
        "array_union(s, [#])",
        "array_sort(array_append(s, #))",
        "array_reverse(array_append(s, #))",
        "array_concat(s, s, [#])",
        "array_replace_all(s, #, 0)",
    ] {
        cases.push(sql(&format!("sixty at once: {call}"), NoGrant, Either, of_lists(call)));
    }
    cases
}
