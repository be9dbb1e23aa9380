//! What is refused by its name, what is rewritten, and what has no effect.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use crate::error::ErrorKind;
use crate::sql::{SessionOptions, Statement};

fn parsed(sql: &str) -> Result<String, (ErrorKind, String)> {
    let parsed = Statement::parse(sql, 10_000, &SessionOptions::default());
    parsed
        .map(|statement| statement.into_sql().to_string())
        .map_err(|error| (error.kind(), error.to_string()))
}

#[test]
fn what_the_planner_would_not_look_at_is_refused_by_its_name() {
    for (sql, part) in [
        ("select * from s.t tablesample (10 rows)", "TABLESAMPLE"),
        ("select * from s.t tablesample (110)", "TABLESAMPLE"),
        ("select * from s.t tablesample (a)", "TABLESAMPLE"),
        ("select * from s.t tablesample bernoulli (10) repeatable (1)", "TABLESAMPLE"),
        ("select * from (select 1) x tablesample (10 percent)", "TABLESAMPLE"),
        ("select * from s.t sample 0.1", "TABLESAMPLE"),
        ("select a, count(*) from s.t group by a with totals", "GROUP BY … WITH"),
        ("select a from s.t prewhere a > 1", "PREWHERE"),
        ("select * from s.t partition (p0)", "PARTITION"),
        ("select * ilike '%name%' from s.t", "* ILIKE"),
        ("select * from s.t settings max_threads = 1", "SETTINGS"),
        ("select * from s.t format JSON", "FORMAT"),
        ("select * from s.t global join s.u on true", "GLOBAL JOIN"),
        ("select * from s.t with (nolock)", "hints"),
        ("select a from s.t order by a with fill", "WITH FILL"),
        ("select sum(a) over (w order by a) from s.t window w as (partition by a)", "continues a named one"),
        ("select a from s.t window w as (order by a) order by sum(a) over w", "named window in ORDER BY"),
        ("select a from s.t window w as (order by a) qualify sum(a) over w > 1", "named window in WHERE"),
        ("select quantile(0.5)(a) from s.t", "two lists of arguments"),
        ("select a from s.t pivot (sum(a) for b in (1, 2))", "PIVOT"),
        ("select a from s.t where b rlike 'x'", "RLIKE"),
        ("select a collate nocase from s.t", "COLLATE"),
        ("select top 3 a from s.t", "LIMIT"),
        ("select a from s.t fetch first 3 rows with ties", "FETCH"),
        ("select a from s.t fetch first 3 percent rows only", "FETCH"),
        ("select a from s.t limit 3 fetch first 2 rows only", "FETCH"),
        ("select a from s.t as x(a int)", "types in a list of aliases"),
        ("select a from (select b from s.t settings x = 1)", "SETTINGS"),
        ("select a from s.t where exists (select 1 from s.u tablesample (1 rows))", "TABLESAMPLE"),
        ("with x as (select 1 from s.u tablesample (1 rows)) select a from x", "TABLESAMPLE"),
        ("from s.t |> aggregate sum(a) group by b desc", "order inside of |> AGGREGATE"),
    ] {
        let refused = parsed(sql);
        assert!(
            matches!(&refused, Err((ErrorKind::Unsupported, text)) if text.contains(part)),
            "{sql}: {refused:?}"
        );
    }
}

#[test]
fn another_syntax_for_the_same_is_written_in_the_one_that_is_read() {
    for (sql, plain) in [
        (
            "select a from s.t as x tablesample bernoulli (12.5)",
            "SELECT a FROM (SELECT * FROM s.t WHERE random() * 100 < 12.5) AS x",
        ),
        (
            "select t.a from s.t tablesample system (1 percent) join s.u on true",
            "SELECT t.a FROM (SELECT * FROM s.t WHERE random() * 100 < 1) AS t JOIN s.u ON true",
        ),
        ("select a, b from s.t group by a, b with rollup", "SELECT a, b FROM s.t GROUP BY ROLLUP (a, b)"),
        ("select a, b from s.t group by a, b with cube", "SELECT a, b FROM s.t GROUP BY CUBE (a, b)"),
        ("select a from s.t fetch first 3 rows only", "SELECT a FROM s.t LIMIT 3"),
        ("select a from s.t offset 2 rows fetch next 3 rows only", "SELECT a FROM s.t LIMIT 3 OFFSET 2 ROWS"),
        ("select a from s.t fetch first row only", "SELECT a FROM s.t LIMIT 1"),
        ("from s.t", "SELECT * FROM s.t"),
        (
            "select x.a from (from s.t fetch first 2 rows only) x",
            "SELECT x.a FROM (SELECT * FROM s.t LIMIT 2) x",
        ),
    ] {
        assert_eq!(parsed(sql).unwrap(), plain, "{sql}");
    }
}

#[test]
fn what_changes_no_row_is_left_to_whoever_wrote_it() {
    for sql in [
        "select distinct a from s.t",
        "select all a from s.t",
        "select a from s.t window w as (order by a)",
        "select sum(a) over w from s.t window w as (order by a)",
        "select count(*) filter (where a > 1) from s.t",
        "select * exclude (a) from s.t",
    ] {
        assert!(parsed(sql).is_ok(), "{sql}: {:?}", parsed(sql));
    }
}
