//! Texts on which a parser takes long or goes deep, of a kilobyte or a few.

use super::Answer::{Either, Refused, Value};
use super::Who::{NoGrant, RowFiltered, Writer};
use super::{Case, at_once, listed, nested, sql};

pub(in super::super) fn cases() -> Vec<Case> {
    [in_from(), in_expressions(), in_others()].into_iter().flatten().collect()
}

/// FROM: a parenthesis may begin a table, a join, a subquery or VALUES, and a parser tries one after the other.
fn in_from() -> Vec<Case> {
    let from = |depth: usize, table: &str| format!("select count(*) from {}", nested(depth, "({})", table));
    let joined = nested(60, "(sales.nation a join {} on true)", "sales.region");
    let left = nested(60, "({} cross join sales.region)", "sales.nation");
    let derived = nested(150, "(select * from {} d)", "(select 1 as x)");
    let of_sets = nested(80, "({} union select 1)", "select 1");
    let lateral = nested(40, "(select * from unnest([1]) u cross join lateral {} d)", "(select 1 as x)");
    vec![
        sql(
            "few parentheses around a join",
            Writer,
            Value("125"),
            from(5, "sales.nation n cross join sales.region r"),
        ),
        sql("24 parentheses around a table", Writer, Either, from(24, "sales.nation")),
        sql("40 parentheses around a table", RowFiltered, Either, from(40, "sales.nation")),
        sql("215 parentheses around a table", NoGrant, Refused, from(215, "a.b")),
        at_once(4, "215 parentheses around a table, four times", NoGrant, Refused, from(215, "a.b")),
        at_once(4, "30 parentheses around VALUES, four times", NoGrant, Either, from(30, "values (1)")),
        sql("30 parentheses around a subquery", NoGrant, Either, from(30, "select 1 as x")),
        sql(
            "30 parentheses that are left open",
            NoGrant,
            Refused,
            format!("select 1 from {}", "(".repeat(30)),
        ),
        sql(
            "300 parentheses that are left open",
            NoGrant,
            Refused,
            format!("select 1 from {}", "(".repeat(300)),
        ),
        sql("parentheses around joins, right", NoGrant, Refused, format!("select 1 from {joined}")),
        sql("parentheses around joins, left", NoGrant, Refused, format!("select 1 from {left}")),
        sql("derived tables within each other", NoGrant, Either, format!("select * from {derived} d")),
        sql("unions within each other", NoGrant, Either, of_sets),
        sql("lateral tables within each other", NoGrant, Either, format!("select * from {lateral} d")),
        sql(
            "24 joins in parentheses, left",
            NoGrant,
            Refused,
            format!("select 1 from {}", nested(24, "({} cross join a.c)", "a.b")),
        ),
        sql(
            "24 joins in parentheses, right",
            NoGrant,
            Refused,
            format!("select 1 from {}", nested(24, "(a.c cross join {})", "a.b")),
        ),
        sql(
            "24 derived tables, of which the innermost is none",
            NoGrant,
            Refused,
            format!("select 1 from {}", nested(24, "(select * from {})", "(a.b")),
        ),
        sql(
            "14 derived tables in two parentheses each",
            NoGrant,
            Refused,
            format!("select 1 from {}", nested(14, "((select * from {} d) e)", "a.b")),
        ),
        sql(
            "24 subqueries in parentheses beside tables",
            NoGrant,
            Refused,
            format!("select 1 from {}", nested(24, "({}, lateral (select 1) l)", "a.b")),
        ),
        sql("unnest in parentheses", NoGrant, Either, from(30, "unnest([1, 2])")),
        sql(
            "parentheses in a subquery in parentheses",
            NoGrant,
            Either,
            nested(14, "select 1 where exists ({})", &from(14, "values (1)")),
        ),
        sql(
            "parentheses in every common table expression",
            NoGrant,
            Either,
            format!("with {} select 1", listed(20, &format!("c# as ({})", from(18, "values (1)")), ", ")),
        ),
        sql("parentheses in DESCRIBE", NoGrant, Refused, format!("describe {}", from(30, "values (1)"))),
        sql("parentheses in EXPLAIN", NoGrant, Either, format!("explain {}", from(30, "values (1)"))),
        sql(
            "parentheses in PIVOT and ALIASES",
            NoGrant,
            Refused,
            nested(30, "select 1 from ({}) as t(x)", "a.b"),
        ),
    ]
}

/// What expressions nest by.
fn in_expressions() -> Vec<Case> {
    let select = |expression: String| format!("select {expression}");
    vec![
        sql("a few parentheses around a number", NoGrant, Value("1"), select(nested(10, "({})", "1"))),
        sql("parentheses around a number", NoGrant, Refused, select(nested(5000, "({})", "1"))),
        sql("arrays within each other", NoGrant, Refused, select(nested(500, "[{}]", "1"))),
        sql("structs within each other", NoGrant, Refused, select(nested(500, "{'a': {}}", "1"))),
        sql("calls within each other", NoGrant, Refused, select(nested(500, "abs({})", "1"))),
        sql("casts within each other", NoGrant, Refused, select(nested(500, "cast({} as int)", "1"))),
        sql("casts behind each other", NoGrant, Either, select(format!("1{}", "::int".repeat(2000)))),
        sql("subscripts behind each other", NoGrant, Either, select(format!("[1]{}", "[1]".repeat(2000)))),
        sql("negations", NoGrant, Either, select(format!("{}true", "not ".repeat(3000)))),
        sql("signs", NoGrant, Either, select(format!("{}1", "- ".repeat(5000)))),
        sql("IS NULL behind each other", NoGrant, Either, select(format!("1{}", " is null".repeat(2000)))),
        sql(
            "time zones behind each other",
            NoGrant,
            Either,
            select(format!("now(){}", " at time zone 'UTC'".repeat(800))),
        ),
        sql("CASE within each other", NoGrant, Either, select(nested(60, "case when true then {} end", "1"))),
        sql(
            "CASE in its own condition",
            NoGrant,
            Refused,
            select(nested(60, "case when {} then true end", "true")),
        ),
        sql("subqueries within each other", NoGrant, Refused, select(nested(100, "(select {})", "1"))),
        sql(
            "EXISTS within each other",
            NoGrant,
            Refused,
            nested(100, "select 1 where exists ({})", "select 1"),
        ),
        sql("IN within each other", NoGrant, Refused, nested(100, "select 1 where 1 in ({})", "select 1")),
        sql(
            "intervals within each other",
            NoGrant,
            Refused,
            select(nested(100, "interval (interval {})", "'1 day'")),
        ),
        sql("a name of many parts", NoGrant, Refused, select(listed(5000, "a#", "."))),
        sql(
            "a type within itself",
            NoGrant,
            Refused,
            select(format!("cast(null as {})", nested(300, "array<{}>", "int"))),
        ),
        sql(
            "lambdas within each other",
            NoGrant,
            Refused,
            select(nested(60, "array_transform([1], x -> {})", "x")),
        ),
        sql(
            "ESCAPE behind each other",
            NoGrant,
            Either,
            select(format!("'a'{}", " like 'a' escape '!'".repeat(500))),
        ),
        sql("BETWEEN within each other", NoGrant, Refused, select(nested(60, "1 between 0 and ({})", "1"))),
        sql("alternating parentheses and operators", NoGrant, Either, select(nested(40, "(1 + ({}))", "1"))),
        sql("tuples within each other", NoGrant, Refused, select(nested(60, "({}, 1)", "1"))),
    ]
}

/// Texts that are long, or that are no SQL.
fn in_others() -> Vec<Case> {
    vec![
        sql(
            "a comment within itself",
            NoGrant,
            Either,
            format!("{}{} select 1", "/*".repeat(50_000), "*/".repeat(50_000)),
        ),
        sql("a comment without an end", NoGrant, Refused, format!("select 1 {}", "/*".repeat(100_000))),
        sql(
            "a text of 900 kB",
            NoGrant,
            Value("900000"),
            format!("select octet_length('{}')", "x".repeat(900_000)),
        ),
        sql("quotes of 900 kB", NoGrant, Refused, format!("select {}", "'".repeat(900_001))),
        sql("900 kB of blanks", NoGrant, Either, format!("select {}1", " ".repeat(900_000))),
        sql(
            "more than a statement may have",
            NoGrant,
            Refused,
            format!("select '{}'", "x".repeat(1_100_000)),
        ),
        sql("digits of 100 kB", NoGrant, Either, format!("select {}", "9".repeat(100_000))),
        sql("a name of 100 kB", NoGrant, Refused, format!("select \"{}\"", "a".repeat(100_000))),
        sql("statements behind each other", NoGrant, Refused, listed(20_000, "select #", ";")),
        sql("semicolons", NoGrant, Either, format!("select 1{}", ";".repeat(100_000))),
        sql("operators without operands", NoGrant, Refused, format!("select 1 {}", "+ * / ".repeat(20_000))),
        sql("a text of NULs", NoGrant, Refused, "\0".repeat(10_000)),
        sql(
            "rows of VALUES",
            NoGrant,
            Either,
            format!("select count(*) from (values {}) v", listed(20_000, "(#)", ",")),
        ),
        sql(
            "columns of VALUES",
            NoGrant,
            Either,
            format!("select * from (values ({})) v", listed(3000, "#", ",")),
        ),
        sql("a backslash before everything", NoGrant, Refused, "\\".repeat(50_000)),
        sql("dollars", NoGrant, Refused, format!("select {}", "$a$".repeat(20_001))),
        sql("SET of a long list", NoGrant, Refused, format!("set schema = {}", listed(20_000, "a#", ","))),
        sql("SHOW of a long name", NoGrant, Refused, format!("show {}", listed(20_000, "a#", "."))),
    ]
}
