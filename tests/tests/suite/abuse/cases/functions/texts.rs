//! Texts made of texts.

use super::super::Answer::{Either, Refused, Value};
use super::super::Who::{NoGrant, RowFiltered, Writer};
use super::super::{Case, at_once, listed, sql};

/// Expressions of a text of so many bytes.
pub(super) fn of_text(bytes: usize, expressions: impl std::fmt::Display) -> String {
    format!("select {expressions} from (select repeat('x', {bytes}) as s) t")
}

/// Expressions of the comment of each order, repeated.
fn of_rows(times: usize, expressions: impl std::fmt::Display) -> String {
    format!(
        "select {expressions} from (select repeat(o_comment, {times}) as s, o_orderkey as k from sales.orders) t"
    )
}

pub(super) fn cases() -> Vec<Case> {
    let lengths = |text: &str, count: usize| listed(count, &format!("octet_length({text}) as c#"), ",");
    vec![
        sql(
            "one upper of a megabyte",
            NoGrant,
            Value("1000000"),
            of_text(1_000_000, "octet_length(upper(s))"),
        ),
        sql(
            "70 × upper(substr)",
            NoGrant,
            Either,
            of_text(9_000_000, listed(70, "upper(substr(s, # + 1)) as c#", ",")),
        ),
        at_once(
            6,
            "70 × upper(substr), six times",
            NoGrant,
            Either,
            of_text(9_000_000, listed(70, "upper(substr(s, # + 1)) as c#", ",")),
        ),
        sql(
            "70 × upper(substr) of rows",
            Writer,
            Either,
            of_rows(500, lengths("upper(substr(s, # + 1))", 70)),
        ),
        sql(
            "70 × upper of filtered rows",
            RowFiltered,
            Either,
            format!(
                "select {} from (select repeat(name, 1000) as s from hr.employees) t",
                lengths("upper(substr(s, # + 1))", 70)
            ),
        ),
        sql("100 × lower", NoGrant, Either, of_text(5_000_000, listed(100, "lower(s || '#') as c#", ","))),
        sql(
            "100 × reverse",
            NoGrant,
            Either,
            of_text(5_000_000, listed(100, "reverse(s || '#') as c#", ",")),
        ),
        sql(
            "100 × initcap",
            NoGrant,
            Either,
            of_text(5_000_000, listed(100, "initcap(s || '#') as c#", ",")),
        ),
        sql("100 × trim", NoGrant, Either, of_text(5_000_000, listed(100, "btrim(s || '#') as c#", ","))),
        sql(
            "100 × left and right",
            NoGrant,
            Either,
            of_text(5_000_000, listed(100, "left(right(s, 4999999 - #), -1) as c#", ",")),
        ),
        sql(
            "100 × translate",
            NoGrant,
            Either,
            of_text(5_000_000, listed(100, "translate(s, 'x', '#') as c#", ",")),
        ),
        sql(
            "100 × replace",
            NoGrant,
            Either,
            of_text(1_000_000, listed(100, "replace(s, 'x', 'yy#') as c#", ",")),
        ),
        sql(
            "100 × overlay",
            NoGrant,
            Either,
            of_text(5_000_000, listed(100, "overlay(s placing 'abc' from # + 1) as c#", ",")),
        ),
        sql(
            "100 × split_part",
            NoGrant,
            Either,
            of_text(5_000_000, listed(100, "split_part(s || ',#', ',', 1) as c#", ",")),
        ),
        sql(
            "100 × encode",
            NoGrant,
            Either,
            of_text(2_000_000, listed(100, "encode(cast(s || '#' as bytea), 'hex') as c#", ",")),
        ),
        sql(
            "hex of hex of hex",
            NoGrant,
            Either,
            of_text(1_000_000, format!("{}s{}", "encode(cast(".repeat(9), " as bytea), 'hex')".repeat(9))),
        ),
        sql(
            "100 × a cast to binary",
            NoGrant,
            Either,
            of_text(5_000_000, listed(100, "cast(s || '#' as bytea) as c#", ",")),
        ),
        sql(
            "100 × concat",
            NoGrant,
            Either,
            of_text(2_000_000, listed(100, "concat(s, '#', s, s) as c#", ",")),
        ),
        sql(
            "100 × COALESCE",
            NoGrant,
            Either,
            of_text(5_000_000, listed(100, "coalesce(nullif(s, '#'), 'y') as c#", ",")),
        ),
        sql(
            "100 × CASE",
            NoGrant,
            Either,
            of_text(5_000_000, listed(100, "case when length(s) > # then s else '#' end as c#", ",")),
        ),
        sql(
            "100 × a value of an array",
            NoGrant,
            Either,
            of_text(3_000_000, listed(100, "[s, '#'][1] as c#", ",")),
        ),
        sql(
            "100 × a struct",
            NoGrant,
            Either,
            of_text(3_000_000, listed(100, "named_struct('a', s, 'b', '#') as c#", ",")),
        ),
        sql(
            "lpad of lpad",
            NoGrant,
            Refused,
            "select octet_length(lpad(lpad('x', 90000000), 900000000, lpad('y', 90000000)))",
        ),
        sql("repeat of nothing", NoGrant, Value(""), "select repeat('x', -9223372036854775807)"),
        sql("digests of many", Writer, Either, of_rows(2000, listed(20, "sha512(s || '#') as c#", ","))),
        sql(
            "to_char by a long format",
            NoGrant,
            Either,
            "select octet_length(to_char(now(), repeat('%Y-%m-%d', 1000000)))",
        ),
        sql(
            "to_char by a format per row",
            Writer,
            Either,
            "select max(octet_length(to_char(o_orderdate, repeat('%c%c', 1000 + cast(o_orderkey % 7 as int))))) from sales.orders",
        ),
        sql(
            "a number's text many times",
            NoGrant,
            Either,
            format!("select {}", listed(1000, "repeat(cast(1.5e300 as varchar), 1000) as c#", ",")),
        ),
        sql(
            "greatest of long texts",
            NoGrant,
            Either,
            of_text(5_000_000, listed(40, "greatest(s, s || '#', 'y') as c#", ",")),
        ),
        sql(
            "an arrow cast of a long text",
            NoGrant,
            Either,
            of_text(5_000_000, listed(60, "arrow_cast(s || '#', 'LargeUtf8') as c#", ",")),
        ),
    ]
}
