//! Statements that take long to plan: chains, lists and repetitions of what each step of a planner walks through again.

use super::Answer::{Either, Refused, Value};
use super::Who::{NoGrant, RowFiltered, Writer};
use super::{Case, at_once, listed, sql};

pub(in super::super) fn cases() -> Vec<Case> {
    [chains(), lists(), queries(), catalogs()].into_iter().flatten().collect()
}

fn select(expression: impl std::fmt::Display) -> String {
    format!("select {expression}")
}

/// Operators in a row, whose names, types and simplifications are made anew for each.
fn chains() -> Vec<Case> {
    let of_columns = |operator: &str| format!("select {} from sales.nation", listed(200, "n_name", operator));
    vec![
        sql("a short chain of ||", NoGrant, Value("aaaaaaaaaa"), select(listed(10, "'a'", "||"))),
        sql("200 × ||", NoGrant, Either, select(listed(200, "'a'", "||"))),
        at_once(8, "200 × ||, eight times", NoGrant, Either, select(listed(200, "'a'", "||"))),
        sql("2000 × ||", NoGrant, Either, select(listed(2000, "'a'", "||"))),
        sql("200 × || of a column", Writer, Either, of_columns(" || ")),
        sql(
            "200 × || of a filtered column",
            RowFiltered,
            Either,
            "select ".to_owned() + &listed(200, "name", "||") + " from hr.employees",
        ),
        sql(
            "300 × OR over filtered rows",
            RowFiltered,
            Either,
            format!("select count(*) from hr.employees where {}", listed(300, "id = #", " or ")),
        ),
        sql(
            "CUBE over filtered rows",
            RowFiltered,
            Refused,
            format!("select count(*) from hr.employees group by cube ({})", listed(20, "id + #", ",")),
        ),
        sql(
            "IN of filtered rows",
            RowFiltered,
            Value("0"),
            format!("select count(*) from hr.employees where id in ({})", listed(50, "-#", ",")),
        ),
        sql("a short chain of +", NoGrant, Value("10"), select(listed(10, "1", "+"))),
        sql("400 × +", NoGrant, Either, select(listed(400, "1", "+"))),
        sql("400 × + of types", NoGrant, Either, select(listed(200, "1 + 1.5", " + "))),
        sql("400 × -", NoGrant, Either, select(listed(400, "1", "-"))),
        sql("400 × * of decimals", NoGrant, Either, select(listed(400, "1.01", "*"))),
        sql("1000 × AND", NoGrant, Either, select(listed(1000, "# < #", " and "))),
        sql("1000 × OR", NoGrant, Either, select(listed(1000, "# < #", " or "))),
        sql(
            "500 × AND in WHERE",
            Writer,
            Either,
            format!("select count(*) from sales.nation where {}", listed(500, "n_nationkey <> #", " and ")),
        ),
        sql(
            "500 × OR in WHERE",
            Writer,
            Either,
            format!("select count(*) from sales.nation where {}", listed(500, "n_nationkey = #", " or ")),
        ),
        sql(
            "300 × OR of AND",
            Writer,
            Either,
            format!(
                "select count(*) from sales.nation where {}",
                listed(300, "(n_nationkey = # and n_name = 'x#')", " or ")
            ),
        ),
        sql(
            "products of sums",
            Writer,
            Either,
            format!(
                "select count(*) from sales.nation where {}",
                listed(40, "(n_nationkey = # or n_regionkey = #)", " and ")
            ),
        ),
        sql("300 × = in a row", NoGrant, Either, select(listed(300, "1", " = "))),
        sql(
            "300 × LIKE in WHERE",
            Writer,
            Either,
            format!("select count(*) from sales.nation where {}", listed(300, "n_name like '%#%'", " and ")),
        ),
        sql(
            "300 × BETWEEN",
            Writer,
            Either,
            format!(
                "select count(*) from sales.nation where {}",
                listed(300, "n_nationkey between # and #", " or ")
            ),
        ),
        sql(
            "300 intervals added",
            NoGrant,
            Either,
            select(format!("now() + {}", listed(300, "interval '# day'", " + "))),
        ),
        sql("|| within functions", NoGrant, Either, select(listed(150, "upper('a' || 'b#')", " || "))),
    ]
}

/// Lists of arguments, columns, keys and branches.
fn lists() -> Vec<Case> {
    let from_nation = |text: String| format!("select {text} from sales.nation");
    vec![
        sql(
            "IN of 1000",
            Writer,
            Value("25"),
            format!("select count(*) from sales.nation where n_nationkey in ({})", listed(1000, "#", ",")),
        ),
        sql(
            "IN of 50000",
            Writer,
            Either,
            format!("select count(*) from sales.nation where n_nationkey in ({})", listed(50_000, "#", ",")),
        ),
        sql(
            "IN of 3000 expressions",
            Writer,
            Either,
            format!(
                "select count(*) from sales.nation where n_nationkey in ({})",
                listed(3000, "n_regionkey + #", ",")
            ),
        ),
        sql(
            "NOT IN of 1000 texts",
            Writer,
            Value("25"),
            format!("select count(*) from sales.nation where n_name not in ({})", listed(1000, "'#'", ",")),
        ),
        sql(
            "CASE of 20 branches",
            NoGrant,
            Value("7"),
            format!("select case 7 {} end", listed(20, "when # then #", " ")),
        ),
        sql(
            "CASE of 1000 branches",
            NoGrant,
            Either,
            format!("select case 7 {} end", listed(1000, "when # then #", " ")),
        ),
        sql(
            "CASE of 500 branches over rows",
            Writer,
            Either,
            from_nation(format!("case {} end", listed(500, "when n_nationkey = # then n_name || '#'", " "))),
        ),
        sql("COALESCE of 1000", NoGrant, Either, select(format!("coalesce({})", listed(1000, "null", ",")))),
        sql("CONCAT of 2000", NoGrant, Either, select(format!("concat({})", listed(2000, "'a'", ",")))),
        sql("GREATEST of 2000", NoGrant, Either, select(format!("greatest({})", listed(2000, "#", ",")))),
        sql(
            "an array of 20000",
            NoGrant,
            Either,
            select(format!("cardinality([{}])", listed(20_000, "#", ","))),
        ),
        sql(
            "a struct of 400 fields",
            NoGrant,
            Either,
            select(format!("named_struct({})", listed(400, "'a#', #", ","))),
        ),
        sql(
            "structs of structs",
            NoGrant,
            Either,
            select(format!("named_struct({})", listed(100, "'a#', named_struct('b', #, 'c', 'x')", ","))),
        ),
        sql("3000 columns", NoGrant, Either, select(listed(3000, "# as c#", ","))),
        sql(
            "1000 long expressions",
            Writer,
            Either,
            from_nation(listed(1000, "upper(n_name || '#') || lower(n_comment) as c#", ",")),
        ),
        sql("* a hundred times", Writer, Either, from_nation(listed(100, "*", ","))),
        sql(
            "GROUP BY 200",
            Writer,
            Either,
            format!("select count(*) from sales.nation group by {}", listed(200, "n_nationkey + #", ",")),
        ),
        sql(
            "ORDER BY 400",
            Writer,
            Either,
            format!("select n_name from sales.nation order by {}", listed(400, "n_nationkey % (# + 1)", ",")),
        ),
        sql(
            "300 window functions",
            Writer,
            Either,
            from_nation(listed(
                300,
                "sum(n_nationkey) over (partition by n_regionkey % (# + 1) order by n_name) as c#",
                ",",
            )),
        ),
        sql("300 aggregates", Writer, Either, from_nation(listed(300, "sum(n_nationkey + #) as c#", ","))),
        sql(
            "100 DISTINCT aggregates",
            Writer,
            Either,
            from_nation(listed(100, "count(distinct n_nationkey + #) as c#", ",")),
        ),
        sql(
            "CUBE of 20",
            Writer,
            Refused,
            format!(
                "select count(*) from sales.nation group by cube ({})",
                listed(20, "n_nationkey + #", ",")
            ),
        ),
        sql(
            "ROLLUP of 300",
            Writer,
            Either,
            format!(
                "select count(*) from sales.nation group by rollup ({})",
                listed(300, "n_nationkey + #", ",")
            ),
        ),
        sql(
            "CUBE times CUBE times CUBE",
            Writer,
            Refused,
            format!(
                "select count(*) from sales.nation group by {}",
                listed(3, "cube (n_nationkey + #, n_regionkey + #, n_name, n_comment, #)", ",")
            ),
        ),
        sql(
            "GROUPING SETS of 1000",
            Writer,
            Either,
            format!(
                "select count(*) from sales.nation group by grouping sets ({})",
                listed(1000, "(n_nationkey)", ",")
            ),
        ),
    ]
}

/// Queries made of queries.
fn queries() -> Vec<Case> {
    let chained = |count: usize, step: &str| {
        let steps: Vec<String> = (1..count)
            .map(|number| format!("c{number} as ({})", step.replace("{}", &format!("c{}", number - 1))))
            .collect();
        format!("with c0 as (select 1 as x), {} select count(*) from c{}", steps.join(", "), count - 1)
    };
    vec![
        sql("UNION ALL of 20", NoGrant, Either, listed(20, "select # as x", " union all ")),
        sql("UNION ALL of 1000", NoGrant, Either, listed(1000, "select # as x", " union all ")),
        sql("UNION of 300", NoGrant, Either, listed(300, "select # as x", " union ")),
        sql("INTERSECT of 100", NoGrant, Either, listed(100, "select 1 as x", " intersect ")),
        sql("EXCEPT of 100", Writer, Either, listed(100, "select n_nationkey from sales.nation", " except ")),
        sql(
            "200 tables joined",
            Writer,
            Either,
            format!("select 1 from {} limit 1", listed(200, "sales.nation n#", ",")),
        ),
        sql(
            "60 tables joined by keys",
            Writer,
            Either,
            format!(
                "select count(*) from sales.nation n {}",
                listed(60, "join sales.nation n# on n.n_nationkey = n#.n_nationkey", " ")
            ),
        ),
        sql(
            "60 tables joined naturally",
            Writer,
            Either,
            format!("select count(*) from sales.nation {}", "natural join sales.nation ".repeat(60)),
        ),
        sql(
            "40 outer joins",
            Writer,
            Either,
            format!(
                "select count(*) from sales.nation n {}",
                listed(40, "full join sales.nation n# on n.n_nationkey = n#.n_regionkey", " ")
            ),
        ),
        sql(
            "names that double",
            NoGrant,
            Either,
            chained(30, "select x || x as x from {}").replace("select 1 as x", "select 'a' as x"),
        ),
        sql("names that double in joins", NoGrant, Refused, chained(40, "select p.x from {} p, {} q")),
        sql(
            "names that double in unions",
            NoGrant,
            Refused,
            chained(40, "select x from {} union all select x from {}"),
        ),
        sql(
            "names that double in subqueries",
            NoGrant,
            Refused,
            chained(40, "select x from {} where x in (select x from {})"),
        ),
        sql(
            "100 scalar subqueries",
            Writer,
            Either,
            select(listed(100, "(select count(*) from sales.nation where n_nationkey = #) as c#", ",")),
        ),
        sql(
            "100 EXISTS",
            Writer,
            Either,
            format!(
                "select count(*) from sales.nation n where {}",
                listed(
                    100,
                    "exists (select 1 from sales.region r where r.r_regionkey = n.n_regionkey + #)",
                    " or "
                )
            ),
        ),
        sql(
            "recursion",
            NoGrant,
            Either,
            "with recursive r as (select 1 as n union all select n + 1 from r) select count(*) from r",
        ),
        sql(
            "recursion that doubles",
            NoGrant,
            Either,
            "with recursive r as (select 1 as n union all select r.n from r, (values (1), (2)) v) select count(*) from r",
        ),
        sql("aliases that shadow", NoGrant, Either, chained(150, "select x + 1 as x from {}")),
        sql(
            "EXPLAIN of much",
            Writer,
            Either,
            format!(
                "explain verbose select count(*) from sales.nation n {}",
                listed(40, "join sales.nation n# on n.n_nationkey = n#.n_nationkey", " ")
            ),
        ),
        sql(
            "EXPLAIN ANALYZE of a product",
            Writer,
            Either,
            "explain analyze select count(*) from sales.lineitem a, sales.lineitem b, sales.lineitem c",
        ),
    ]
}

/// Names, and what is told of them.
fn catalogs() -> Vec<Case> {
    let unknown = format!("select 1 from {}", listed(64, "a.t#", ","));
    let columns = listed(4, "information_schema.columns c#", ",");
    vec![
        sql("an unknown table", NoGrant, Refused, "select 1 from a.b"),
        sql("64 unknown tables", NoGrant, Refused, unknown.clone()),
        at_once(8, "64 unknown tables, eight times", NoGrant, Refused, unknown),
        sql("1000 unknown tables", NoGrant, Refused, format!("select 1 from {}", listed(1000, "a#.t#", ","))),
        sql(
            "information_schema",
            NoGrant,
            Value("0"),
            "select count(*) from information_schema.tables where table_schema = 'sales'",
        ),
        sql("information_schema by itself", Writer, Either, format!("select count(*) from {columns}")),
        sql(
            "information_schema by names",
            Writer,
            Either,
            "select count(*) from information_schema.columns a join information_schema.columns b on a.column_name like '%' || b.column_name || '%'",
        ),
        sql(
            "a pattern of many %",
            Writer,
            Either,
            format!("select count(*) from sales.orders where o_comment like '{}'", "%a".repeat(200)),
        ),
        sql(
            "a regular expression of many groups",
            Writer,
            Either,
            format!("select count(*) from sales.orders where o_comment ~ '{}'", "(a?)".repeat(500)),
        ),
        sql(
            "a regular expression that repeats repetitions",
            NoGrant,
            Either,
            "select 'aaaa' ~ '((a{1,100}){1,100}){1,100}'",
        ),
    ]
}
