//! Behaviour of the SQL gate.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod hostile;

use super::only_reads::{SUBQUERY_LIMIT, WITH_LIMIT};
use super::*;
use crate::ids::TableName;

const MEBIBYTE: usize = 1 << 20;

fn parse(sql: &str) -> Result<Statement, Error> {
    Statement::parse(sql, MEBIBYTE, &SessionOptions::default())
}

fn kind_of(sql: &str) -> Option<ErrorKind> {
    parse(sql).err().map(|error| error.kind())
}

fn now(database: &str, table: &str) -> NamedTable {
    NamedTable { name: TableName::new(database, table), moment: None }
}

#[test]
fn queries_pass_and_name_their_tables_once_in_lower_case() {
    let statement = parse(
        "with r as (select * from Sales.Region) \
         select * from r join awsdatacatalog.sales.NATION n on true where exists (select 1 from sales.region)",
    )
    .unwrap();
    assert_eq!(statement.tables(), [now("sales", "region"), now("sales", "nation")]);
    assert_eq!(parse("select 1;").unwrap().tables(), []);
    assert_eq!(kind_of("values (1), (2)"), None);
}

#[test]
fn anything_that_is_not_one_query_is_refused() {
    for sql in [
        "insert into sales.nation values (1)",
        "update sales.nation set n_name = 'x'",
        "delete from sales.nation",
        "create table t (a int)",
        "create external table t stored as parquet location 's3://lakegate-demo/'",
        "copy (select 1) to '/tmp/x.parquet'",
        "set datafusion.execution.batch_size = 1",
        "explain format tree select 1",
        "explain (costs) select 1",
        "explain analyze insert into sales.nation values (1)",
        "explain insert into sales.nation values (1)",
        "explain explain select 1",
        "show terse tables",
        "show tables where table_name = 'x'",
        "show search_path",
        "prepare p as select 1",
        "drop table sales.nation",
        "select * into t from sales.nation",
        "select * from sales.nation for update",
        "begin",
    ] {
        assert_eq!(kind_of(sql), Some(ErrorKind::Unsupported), "{sql}");
    }
    assert_eq!(kind_of("select 1; select 2"), Some(ErrorKind::InvalidRequest));
    assert_eq!(kind_of(""), Some(ErrorKind::InvalidRequest));
    assert_eq!(kind_of("selec 1"), Some(ErrorKind::InvalidRequest));
}

#[test]
fn one_constant_is_told_from_everything_else() {
    for sql in ["select 1", "SELECT 1;", "select 'x'", "select null", "select true", "select -- alive?\n 1"] {
        assert!(parse(sql).unwrap().is_one_constant(), "{sql}");
    }
    for sql in [
        "select -1",
        "select 1 + 1",
        "select (1)",
        "select 1 as one",
        "select 1, 2",
        "select $1",
        "select now()",
        "select distinct 1",
        "select 1 from sales.nation",
        "select 1 where true",
        "select 1 order by 1",
        "select 1 limit 1",
        "select 1 union select 2",
        "with t as (select 1) select 1",
        "(select 1)",
        "explain select 1",
        "values (1)",
        &format!("select '{}'", "long".repeat(100)),
    ] {
        assert!(!parse(sql).unwrap().is_one_constant(), "{sql}");
    }
}

/// The query as text that a statement becomes.
fn becomes(sql: &str) -> String {
    parse(sql).unwrap().into_sql().to_string()
}

#[test]
fn show_and_describe_are_queries_over_information_schema() {
    for (sql, query) in [
        ("show schemas", "SELECT schema_name FROM information_schema.schemata ORDER BY 1"),
        (
            "SHOW DATABASES LIKE 'it''s%'",
            "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'it''s%' ORDER BY 1",
        ),
        (
            "show tables from sales like 'na%'",
            "SELECT table_schema, table_name, table_type FROM information_schema.tables \
             WHERE table_schema = 'sales' AND table_name LIKE 'na%' ORDER BY 1, 2",
        ),
        (
            "describe HR.\"Employees\"",
            "SELECT column_name, data_type, is_nullable, remarks FROM information_schema.columns \
             WHERE table_schema = 'hr' AND table_name = 'employees' ORDER BY ordinal_position",
        ),
        ("show functions", "SELECT routine_name, routine_type FROM information_schema.routines ORDER BY 1"),
    ] {
        assert_eq!(becomes(sql), query, "{sql}");
        assert_eq!(parse(sql).unwrap().tables(), []);
    }
    assert_eq!(becomes("show columns in hr.employees"), becomes("desc hr.employees"));
    for spelling in ["Sales", "\"SALES\"", "AwsDataCatalog.sales"] {
        assert_eq!(becomes(&format!("show tables from {spelling}")), becomes("show tables from sales"));
    }
    assert_eq!(kind_of("describe employees"), Some(ErrorKind::NotFound));
}

#[test]
fn information_schema_needs_no_grant_and_has_no_versions() {
    let sql = "select * from information_schema.tables t join AwsDataCatalog.Information_Schema.Columns c using (table_name)";
    assert_eq!(parse(sql).unwrap().tables(), []);
    let unknown = parse("select * from information_schema.secrets").unwrap();
    assert_eq!(
        unknown.tables(),
        [now("information_schema", "secrets")],
        "asked of the data catalog, which has none"
    );
    assert_eq!(kind_of("select * from other.information_schema.tables"), Some(ErrorKind::NotFound));
    let versioned = parse("select * from information_schema.tables version as of 1").unwrap();
    assert_eq!(versioned.tables().len(), 1, "asked of the data catalog, which has none");
}

#[test]
fn an_explained_query_names_its_tables_like_any_other() {
    let explained = parse("explain select * from sales.nation").unwrap();
    assert_eq!(explained.explain(), Some(Explain { is_verbose: false, is_analyzed: false }));
    assert_eq!(explained.tables().len(), 1);
    assert_eq!(parse("select 1").unwrap().explain(), None);
    let both = parse("explain analyze verbose select * from sales.nation").unwrap();
    assert_eq!(both.explain(), Some(Explain { is_verbose: true, is_analyzed: true }));
    assert_eq!(both.tables().len(), 1);
}

#[test]
fn writing_inside_a_query_is_refused() {
    for sql in [
        "with x as (insert into sales.nation values (1) returning *) select * from x",
        "with x as (delete from sales.nation returning *) select * from x",
    ] {
        assert!(kind_of(sql).is_some(), "{sql}");
    }
}

#[test]
fn a_table_without_a_database_or_of_another_catalog_is_not_found() {
    assert_eq!(kind_of("select * from nation"), Some(ErrorKind::NotFound));
    assert_eq!(kind_of("select * from other.sales.nation"), Some(ErrorKind::NotFound));
    assert_eq!(kind_of("select * from 's3://lakegate-demo/hr/employees'"), Some(ErrorKind::NotFound));
}

#[test]
fn text_that_would_build_a_deep_tree_is_refused_before_it_is_parsed() {
    let chain = format!("select 1 where {}", vec!["1=1"; 50_000].join(" or "));
    let parentheses = format!("select {}1{}", "(".repeat(10_000), ")".repeat(10_000));
    let casts = format!("select 1{}", "::int".repeat(50_000));
    let unions = vec!["select 1"; 5_000].join(" union all ");
    let negations = format!("select {} true", "not ".repeat(20_000));
    for sql in [chain, parentheses, casts, unions, negations, "a".repeat(2 * MEBIBYTE)] {
        assert_eq!(kind_of(&sql), Some(ErrorKind::InvalidRequest), "{}", &sql[..40]);
    }
}

#[test]
fn set_operations_that_would_make_a_deep_plan_are_refused() {
    let united = |queries: usize| vec!["select 1"; queries].join(" union all ");
    assert_eq!(kind_of(&united(201)), None);
    assert_eq!(kind_of(&united(202)), Some(ErrorKind::InvalidRequest));
    let within = format!("select * from ({}) a, ({}) b", united(150), united(150));
    assert_eq!(kind_of(&within), Some(ErrorKind::InvalidRequest));
}

#[test]
fn a_table_may_be_joined_many_times_and_not_any_number_of_times() {
    let joined = |times: usize| {
        let tables: Vec<String> = (0..times).map(|number| format!("sales.nation n{number}")).collect();
        kind_of(&format!("select 1 from {}", tables.join(", ")))
    };
    assert_eq!(joined(500), None);
    assert_eq!(joined(501), Some(ErrorKind::InvalidRequest));
}

#[test]
fn a_long_list_of_constants_is_not_deep() {
    let list: Vec<String> = (0..50_000).map(|number| number.to_string()).collect();
    assert_eq!(kind_of(&format!("select 1 where 1 in ({})", list.join(","))), None);
}

#[test]
fn question_marks_are_numbered_parameters_and_those_in_strings_are_not() {
    let statement = parse("select ?, '?', \"?\" -- ?\n, ? from (values (1)) t(\"?\")").unwrap();
    let text = statement.into_sql().to_string();
    assert_eq!(text, "SELECT $1 AS \"$1\", '?' AS \"'?'\", \"?\", $2 AS \"$2\" FROM (VALUES (1)) t (\"?\")");
    assert_eq!(kind_of("select ?, $1"), Some(ErrorKind::InvalidRequest));
}

#[test]
fn each_version_of_a_table_counts_towards_the_limit() {
    let named = |versions: u64| {
        let tables: Vec<String> =
            (0..versions).map(|version| format!("sales.orders version as of {version} t{version}")).collect();
        kind_of(&format!("select 1 from {}", tables.join(", ")))
    };
    assert_eq!(named(64), None);
    assert_eq!(named(65), Some(ErrorKind::InvalidRequest));
}

/// Each level doubles the time of whoever looks for the tables: sixty would take longer than the universe has lasted.
#[test]
fn with_clauses_inside_of_one_another_are_bounded() {
    let nested = |levels: usize| {
        let inner = "select 1".to_owned();
        (0..levels).fold(inner, |query, _| format!("with a as ({query}) select * from a"))
    };
    assert_eq!(kind_of(&nested(WITH_LIMIT)), None);
    assert_eq!(kind_of(&nested(WITH_LIMIT + 1)), Some(ErrorKind::InvalidRequest));
    let beside = (0..50).map(|number| format!("a{number} as (select 1)")).collect::<Vec<_>>().join(", ");
    assert_eq!(kind_of(&format!("with {beside} select * from a7")), None);
}

#[test]
fn named_queries_that_double_with_each_step_are_refused_and_long_chains_are_not() {
    let chain = |steps: usize, step: &str| {
        let named: Vec<String> = (1..=steps)
            .map(|number| format!("c{number} as ({})", step.replace('?', &format!("c{}", number - 1))))
            .collect();
        kind_of(&format!("with c0 as (select 1 as x), {} select * from c{steps}", named.join(", ")))
    };
    for doubling in ["select a.x from ? a, ? b", "select x from ? union all select x from ?"] {
        assert_eq!(chain(40, doubling), Some(ErrorKind::InvalidRequest), "{doubling}");
        assert_eq!(chain(8, doubling), None, "{doubling}");
    }
    assert_eq!(chain(40, "select x from ? where x in (select x from ?)"), Some(ErrorKind::InvalidRequest));
    assert_eq!(chain(400, "select x from ?"), None);
}

/// A cheap query of the same name, or one that only looks like it, does not stand in for the dear one.
#[test]
fn named_queries_that_double_are_counted_by_the_name_that_the_planner_reads() {
    let chain = |steps: usize, first: &str, [name, read, decoy]: [&str; 3]| {
        let named: Vec<String> = (1..=steps)
            .map(|number| {
                let before = read.replace('?', &(number - 1).to_string());
                let name = name.replace('?', &number.to_string());
                format!("{name} as (select a.x from {decoy}{before} a, {before} b)")
            })
            .collect();
        let last = read.replace('?', &steps.to_string());
        kind_of(&format!("with {first} as (select 1 as x), {} select * from {last}", named.join(", ")))
    };
    for (first, shape) in [
        ("c0", ["c?", "\"c?\"", ""]),
        ("\"a.c0\"", ["\"a.c?\"", "a.C?", ""]),
        ("c0", ["c?", "C?", "(with c39 as (select 1 as x) select x from c39) z, "]),
        ("c0", ["\"C?\" as (select 1 as x), c?", "c?", ""]),
        ("c0", ["c?", "c?", "(with \"C39\" as (select 1 as x) select x from \"C39\") z, "]),
    ] {
        assert_eq!(chain(40, first, shape), Some(ErrorKind::InvalidRequest), "{shape:?}");
        assert_eq!(chain(6, first, shape), None, "{shape:?}");
    }
}

#[test]
fn readings_that_double_with_each_level_are_counted_and_long_lists_are_not() {
    let nested = |levels: usize, inner: &str| {
        format!("select {}{inner}{}", "cast(".repeat(levels), " as int)".repeat(levels))
    };
    assert_eq!(kind_of(&nested(8, "1")), None);
    for sql in [nested(40, "1 1"), nested(100, "1")] {
        let error = parse(&sql).err().unwrap().to_string();
        assert!(error.contains("the SQL text is too complex"), "{error}");
    }
    assert_eq!(kind_of(&format!("select 1 in ({}1)", "1, ".repeat(30_000))), None);
}

/// A parser builds such chains in a loop, so no limit of its recursion sees them; who drops the tree recurses.
#[test]
fn long_chains_of_every_operator_are_refused_before_they_are_parsed() {
    let words = "and or xor is between like ilike rlike regexp match member similar in at collate div union intersect \
        except join overlaps pivot unpivot match_recognize operator notnull + - * / % || = < > <> <= >= :: ~ ~* !~ @> <@ -> \
        ->> #> & | << >> ^ [ !";
    for word in words.split_whitespace() {
        let chain = format!("select 1 {}", format!("{word} 1 ").repeat(5_000));
        let error = parse(&chain).err().unwrap().to_string();
        assert!(error.contains("too complex"), "{word}: {error}");
    }
    let change = format!("set schema = 'a'{}", " rlike 'a'".repeat(1_000));
    let error = SessionChange::parse(&change, 1 << 20).unwrap_err().to_string();
    assert!(error.contains("longer than this server allows"), "{error}");
}

#[test]
fn wide_lists_inside_of_one_another_are_bounded() {
    let nested = |items: usize, levels: usize| {
        let list = (0..items).map(|number| format!("a{number}")).collect::<Vec<_>>().join(", ");
        let inner = format!("select {list} from hr.t");
        kind_of(&(0..levels).fold(inner, |query, _| format!("select * from ({query}) q")))
    };
    assert_eq!(nested(2_000, 10), None);
    assert_eq!(nested(4_000, 1), None);
    assert_eq!(nested(4_000, 10), Some(ErrorKind::InvalidRequest));
    assert_eq!(nested(5_000, 0), Some(ErrorKind::InvalidRequest));
}

#[test]
fn window_functions_of_one_query_are_bounded() {
    let windows = |count: usize| {
        let list = (0..count).map(|number| format!("sum(a) over (order by b + {number}) as c{number}"));
        kind_of(&format!("select {} from hr.t", list.collect::<Vec<_>>().join(", ")))
    };
    assert_eq!(windows(200), None);
    assert_eq!(windows(201), Some(ErrorKind::InvalidRequest));
}

#[test]
fn subqueries_are_nested_as_deeply_as_people_write_them_and_no_deeper() {
    let nested = |levels, around: &str| {
        let inner = (0..levels).fold("n_nationkey".to_owned(), |inner, _| around.replacen('E', &inner, 1));
        format!("select n_name from sales.nation where {inner} is not null")
    };
    for around in ["(select max(E) from sales.nation)", "n_nationkey in (select E from sales.nation)"] {
        assert_eq!(kind_of(&nested(SUBQUERY_LIMIT, around)), None);
        assert_eq!(kind_of(&nested(SUBQUERY_LIMIT + 1, around)), Some(ErrorKind::InvalidRequest));
    }
    let beside = vec!["exists (select 1 from sales.nation)"; 3 * SUBQUERY_LIMIT].join(" and ");
    assert_eq!(kind_of(&format!("select 1 where {beside}")), None);
}
