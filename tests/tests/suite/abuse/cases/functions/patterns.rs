//! Patterns, each of which is compiled, comparisons that take the square of what they are given, and what groups and windows keep.

use super::super::Answer::{Either, Refused, Value};
use super::super::Who::{NoGrant, RowFiltered, Writer};
use super::super::{Case, at_once, listed, sql};

use super::texts::of_text;

pub(super) fn cases() -> Vec<Case> {
    let count = |condition: &str| format!("select count(*) from sales.orders where {condition}");
    let large = "'(\\w{1,50}|\\d{1,50}){1,' || cast(o_orderkey % 90 + 1 as varchar) || '}'";
    vec![
        sql("one pattern", Writer, Value("1500"), count("o_comment ~ '.'")),
        sql(
            "a pattern per row",
            Writer,
            Value("1500"),
            count("o_comment ~ ('[' || left(o_comment, 1) || ']')"),
        ),
        sql("a large pattern per row", Writer, Either, count(&format!("regexp_like(o_comment, {large})"))),
        at_once(
            4,
            "a large pattern per row, four times",
            Writer,
            Either,
            count(&format!("regexp_like(o_comment, {large})")),
        ),
        sql(
            "regexp_replace by a large pattern per row",
            Writer,
            Either,
            count(&format!("regexp_replace(o_comment, {large}, 'x', 'g') = 'y'")),
        ),
        sql(
            "regexp_match by a large pattern per row",
            Writer,
            Either,
            count(&format!("regexp_match(o_comment, {large}) is null")),
        ),
        sql(
            "regexp_count by a large pattern per row",
            Writer,
            Either,
            count(&format!("regexp_count(o_comment, {large}) > 0")),
        ),
        sql(
            "regexp_instr by a large pattern per row",
            Writer,
            Either,
            count(&format!("regexp_instr(o_comment, {large}) > 0")),
        ),
        sql("~* by a large pattern per row", Writer, Either, count(&format!("o_comment ~* ({large})"))),
        sql(
            "a pattern per filtered row",
            RowFiltered,
            Either,
            "select count(*) from hr.employees where name ~ ('(\\w{1,50}){1,' || cast(id % 90 + 1 as varchar) || '}')",
        ),
        sql("a pattern of a megabyte", NoGrant, Either, "select regexp_like('a', repeat('a?', 500000))"),
        sql(
            "a pattern that explodes",
            NoGrant,
            Refused,
            "select regexp_like('a', '(((a{1,99}){1,99}){1,99}){1,99}')",
        ),
        sql(
            "groups of a pattern",
            NoGrant,
            Either,
            "select cardinality(regexp_match(repeat('a', 1000000), repeat('(a)', 10000)))",
        ),
        sql(
            "matches of a long text",
            NoGrant,
            Either,
            "select octet_length(regexp_replace(repeat('a', 3000000), '(a)', '\\1\\1\\1\\1\\1\\1\\1\\1', 'g'))",
        ),
        sql(
            "LIKE by a pattern per row",
            Writer,
            Value("1500"),
            count("o_comment like '%' || o_comment || '%'"),
        ),
        sql(
            "LIKE by a long pattern per row",
            Writer,
            Either,
            count("o_comment like repeat('%' || left(o_comment, 3), 3000)"),
        ),
        sql(
            "ILIKE by a long pattern per row",
            Writer,
            Either,
            count("o_comment ilike repeat('%' || left(o_comment, 3), 3000)"),
        ),
        sql(
            "SIMILAR TO by a pattern per row",
            Writer,
            Either,
            count("o_comment similar to ('%' || left(o_comment, 1) || '%')"),
        ),
        sql("levenshtein of words", NoGrant, Value("3"), "select levenshtein('kitten', 'sitting')"),
        sql(
            "levenshtein of long texts",
            NoGrant,
            Refused,
            "select levenshtein(repeat('a', 1000000), repeat('b', 1000000))",
        ),
        sql(
            "levenshtein of all pairs",
            Writer,
            Either,
            "select max(levenshtein(repeat(a.o_comment, 20), repeat(b.o_comment, 20))) from sales.orders a, sales.orders b",
        ),
        sql(
            "strpos of long texts",
            NoGrant,
            Either,
            "select strpos(repeat('a', 3000000), repeat('a', 1500000) || 'b')",
        ),
        sql("find_in_set of a long list", NoGrant, Either, "select find_in_set('b', repeat('a,', 3000000))"),
        sql(
            "array_has_any of long lists",
            NoGrant,
            Refused,
            "select array_has_any(range(1, 1000000), range(-1000000, 0))",
        ),
        sql(
            "array_has_all of long lists",
            NoGrant,
            Either,
            "select array_has_all(range(0, 1000000), range(0, 1000000))",
        ),
        sql(
            "factorials",
            NoGrant,
            Either,
            "select count(factorial(n % 21)) from (select unnest(range(0, 1000000)) as n) t",
        ),
        sql(
            "100 × a pattern",
            NoGrant,
            Either,
            of_text(100_000, listed(100, "regexp_count(s, '(x{1,9}){1,9}#?') as c#", ",")),
        ),
    ]
}

/// What groups and windows keep.
pub(super) fn aggregates() -> Vec<Case> {
    let of_orders = |expressions: &str| format!("select {expressions} from sales.orders");
    vec![
        sql("array_agg of long texts", Writer, Either, of_orders("array_agg(repeat(o_comment, 3000))")),
        sql(
            "string_agg of long texts",
            Writer,
            Either,
            of_orders("octet_length(string_agg(repeat(o_comment, 3000), ','))"),
        ),
        sql(
            "string_agg with a long separator",
            Writer,
            Either,
            of_orders("octet_length(string_agg(o_comment, repeat('-', 300000)))"),
        ),
        sql(
            "string_agg of groups",
            Writer,
            Either,
            "select max(octet_length(s)) from (select string_agg(repeat(o_comment, 1000), ',') as s from sales.orders group by o_orderkey % 50) t",
        ),
        sql(
            "max of long texts of groups",
            Writer,
            Either,
            "select count(*) from (select max(repeat(o_comment, 5000)) as m from sales.orders group by o_orderkey) t",
        ),
        sql(
            "first_value of long texts",
            Writer,
            Either,
            "select count(*) from (select first_value(repeat(o_comment, 5000)) over (partition by o_orderkey) as m from sales.orders) t",
        ),
        sql(
            "lag of long texts",
            Writer,
            Either,
            "select max(octet_length(m)) from (select lag(repeat(o_comment, 5000)) over (order by o_orderkey) as m from sales.orders) t",
        ),
        sql(
            "DISTINCT of long texts",
            Writer,
            Either,
            "select count(distinct repeat(o_comment, 5000)) from sales.orders",
        ),
        sql(
            "groups by long texts",
            Writer,
            Either,
            "select count(*) from (select repeat(o_comment, 5000) as s from sales.orders group by 1) t",
        ),
        sql(
            "medians of a product",
            Writer,
            Either,
            "select median(a.o_totalprice * b.o_totalprice) from sales.orders a, sales.orders b",
        ),
        sql(
            "percentiles of a product",
            Writer,
            Either,
            "select approx_percentile_cont(a.o_totalprice * b.o_totalprice, 0.5, 100000) from sales.orders a, sales.orders b",
        ),
        sql(
            "100 × array_agg",
            Writer,
            Either,
            of_orders(&listed(100, "array_agg(o_comment || '#') as c#", ",")),
        ),
        sql(
            "nth_value of many",
            Writer,
            Either,
            of_orders("nth_value(o_comment, 9223372036854775807 order by o_orderkey)"),
        ),
    ]
}
