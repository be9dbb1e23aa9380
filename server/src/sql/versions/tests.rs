//! Which tables a query names at which moments, and what is refused.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use super::*;
use crate::sql::{SessionOptions, Statement as Query};

const MIDNIGHT: Moment = Moment::Timestamp(1_769_817_600_000_000);

fn parse(sql: &str, default: Option<Moment>) -> Result<Query, Error> {
    Query::parse(sql, 1 << 20, &SessionOptions { as_of: default, ..SessionOptions::default() })
}

/// The tables of a query as words: `sales.orders`, `sales.orders at version 3`.
fn tables_with(sql: &str, default: Option<Moment>) -> Vec<String> {
    let shown = |table: &NamedTable| match table.moment {
        Some(moment) => format!("{} at {moment}", table.name),
        None => table.name.to_string(),
    };
    let parsed = parse(sql, default).unwrap_or_else(|error| panic!("{sql}: {error}"));
    parsed.tables().iter().map(shown).collect()
}

fn tables(sql: &str) -> Vec<String> {
    tables_with(sql, None)
}

fn refusal(sql: &str) -> (ErrorKind, String) {
    let error = parse(sql, None).err().unwrap_or_else(|| panic!("not refused: {sql}"));
    (error.kind(), error.public_text())
}

#[test]
fn a_version_is_asked_for_by_number_or_by_time() {
    let at_midnight = "sales.orders at timestamp 2026-01-31T00:00:00Z";
    for (clause, table) in [
        ("version as of 3", "sales.orders at version 3"),
        ("VERSION AS OF 0 o", "sales.orders at version 0"),
        ("for version as of 9223372036854775807 as o", "sales.orders at version 9223372036854775807"),
        ("timestamp as of '2026-01-31'", at_midnight),
        ("timestamp as of '2026-01-31T01:00:00+01:00' as o", at_midnight),
        ("timestamp as of timestamp '2026-01-31 00:00:00' o", at_midnight),
        ("timestamp as of date '2026-01-31'", at_midnight),
        ("for timestamp as of timestamp '2026-01-31 00:00:00'", at_midnight),
        ("for system_time as of '2026-01-31'", at_midnight),
        ("for system_time as of timestamp '2026-01-31 00:00:00' as o", at_midnight),
    ] {
        assert_eq!(tables(&format!("select * from Sales.Orders {clause}")), [table], "{clause}");
        let joined =
            format!("select * from hr.employees e join sales.orders {clause} on true where e.id > 1");
        assert_eq!(tables(&joined), ["hr.employees", table], "{clause}");
    }
}

#[test]
fn one_table_at_several_moments_is_named_once_for_each() {
    let sql = "select * from sales.orders version as of 1 a join sales.orders version as of 2 b on true \
               join Sales.ORDERS version as of 1 c on true join sales.orders d on true";
    assert_eq!(tables(sql), ["sales.orders", "sales.orders at version 1", "sales.orders at version 2"]);
    let spelt = "select * from sales.orders timestamp as of '2026-01-31' a, \
                 sales.orders for system_time as of timestamp '2026-01-31 01:00:00+01:00' b";
    assert_eq!(tables(spelt), ["sales.orders at timestamp 2026-01-31T00:00:00Z"]);
}

#[test]
fn a_version_is_found_in_every_place_of_a_query() {
    for sql in [
        "with orders as (select * from sales.orders version as of 3) select * from orders",
        "with sales as (select 1) select * from (select * from sales.orders version as of 3) x",
        "select 1 where exists (select 1 from sales.orders version as of 3)",
        "select (select max(o_orderkey) from sales.orders version as of 3)",
        "select 1 union all (select 1 from sales.orders version as of 3 except select 2)",
        "select * from (values (1)) v(a), lateral (select a from sales.orders version as of 3) x",
        "select * from (sales.orders version as of 3)",
        "select * from ((sales.orders version as of 3 o join (values (1)) v(a) on true))",
        "select * from (values (1)) v(a) left join sales.orders version as of 3 on a = o_orderkey",
        "select a from (values (1)) v(a) order by (select count(*) from sales.orders version as of 3)",
        "select sum(a) over (order by (select 1 from sales.orders version as of 3)) from (values (1)) v(a)",
        "select case when 1 in (select 1 from sales.orders version as of 3) then 1 end",
    ] {
        assert_eq!(tables(sql), ["sales.orders at version 3"], "{sql}");
    }
}

#[test]
fn the_default_moment_is_for_tables_without_one_of_their_own() {
    let sql = "with e as (select * from hr.employees) select * from e join sales.orders version as of 3 o on true \
               join awsdatacatalog.sales.nation n on true where 1 in (select 1 from sales.region)";
    assert_eq!(
        tables_with(sql, Some(MIDNIGHT)),
        [
            "hr.employees at timestamp 2026-01-31T00:00:00Z",
            "sales.orders at version 3",
            "sales.region at timestamp 2026-01-31T00:00:00Z",
            "sales.nation at timestamp 2026-01-31T00:00:00Z",
        ]
    );
    assert!(tables_with("select 1", Some(MIDNIGHT)).is_empty());
    assert!(tables_with("select * from (values (1)) v", Some(MIDNIGHT)).is_empty());
}

#[test]
fn a_moment_is_a_literal() {
    for clause in [
        "version as of ?",
        "version as of $1",
        "version as of 1.5",
        "version as of 1e3",
        "version as of 9223372036854775808",
        "version as of 99999999999999999999",
        "timestamp as of ?",
        "timestamp as of now()",
        "timestamp as of current_timestamp",
        "timestamp as of o_orderdate",
        "timestamp as of \"2026-01-31\"",
        "timestamp as of 1769817600",
        "timestamp as of (select max(hired_on) from hr.employees)",
        "timestamp as of timestamp '2026-01-31' - interval '1 day'",
        "timestamp as of cast('2026-01-31' as timestamp)",
        "timestamp as of 'yesterday'",
        "timestamp as of time '10:00:00'",
        "timestamp as of date '2026-01-31 10:00:00'",
        "for system_time as of now()",
    ] {
        let (kind, text) = refusal(&format!("select * from sales.orders {clause}"));
        assert_eq!(kind, ErrorKind::InvalidRequest, "{clause}: {text}");
        let explains = text.starts_with("VERSION AS OF takes") || text.starts_with("a moment is written");
        assert!(explains, "{clause}: {text}");
    }
    for clause in ["version as of -1", "version as of '3'", "version as of n", "version as of"] {
        let (kind, text) = refusal(&format!("select * from sales.orders {clause}"));
        assert_eq!(kind, ErrorKind::InvalidRequest, "{clause}: {text}");
        assert!(text.starts_with("the SQL text cannot be parsed; a version is"), "{clause}: {text}");
    }
    for clause in ["at (version => 3)", "before (timestamp => '2026-01-31')"] {
        let (kind, _) =
            refusal(&format!("select * from hr.employees version as of 1, sales.orders {clause}"));
        assert_eq!(kind, ErrorKind::Unsupported, "{clause}");
    }
}

#[test]
fn only_tables_have_versions() {
    for sql in [
        "with e as (select 1) select * from e version as of 3",
        "with E as (select 1) select * from e version as of 3 x",
        "with \"e\" as (select 1) select * from (select * from e timestamp as of '2026-01-31') x",
        "with a as (select 1), b as (select * from a version as of 3) select * from b",
    ] {
        let (kind, text) = refusal(sql);
        assert_eq!(kind, ErrorKind::InvalidRequest, "{sql}");
        assert!(text.starts_with("only a table of the data catalog has versions"), "{sql}: {text}");
    }
    for sql in [
        "select * from (select 1) version as of 3",
        "select * from generate_series(1, 2) version as of 3",
        "select * from sales.orders o version as of 3",
        "select * from unnest([1]) version as of 3",
    ] {
        let (kind, text) = refusal(sql);
        assert_eq!(kind, ErrorKind::InvalidRequest, "{sql}");
        assert!(text.contains("directly behind a table's name"), "{sql}: {text}");
    }
    let (kind, text) = refusal("select * from generate_series version as of 3 (1, 2)");
    assert_eq!(kind, ErrorKind::InvalidRequest);
    assert!(text.starts_with("only a table"), "{text}");
}

#[test]
fn a_table_that_cannot_exist_is_not_found_at_any_moment() {
    for sql in [
        "select * from orders version as of 3",
        "select * from other.sales.orders version as of 3",
        "select * from 's3://lakegate-demo/orders' version as of 3",
    ] {
        let (kind, text) = refusal(sql);
        assert_eq!(kind, ErrorKind::NotFound, "{sql}");
        assert!(!text.contains(MARK), "{text:?}");
    }
    let disguised = format!("select * from sales.\"orders{MARK}v3\"");
    assert_eq!(refusal(&disguised).0, ErrorKind::NotFound);
    assert_eq!(parse(&disguised, Some(MIDNIGHT)).err().unwrap().kind(), ErrorKind::NotFound);
}

#[test]
fn a_planners_name_stands_for_its_table_and_moment() {
    for moment in [None, Some(Moment::Version(3)), Some(MIDNIGHT)] {
        let table = NamedTable { name: TableName::new("sales", "orders"), moment };
        let planner_name = table.planner_name();
        let read_back = NamedTable::from_planner_name(planner_name.database(), planner_name.table());
        assert_eq!(read_back.unwrap(), table);
        let own = without_moment(planner_name.table());
        assert_eq!(own, moment.map(|_| "orders"));
    }
}
