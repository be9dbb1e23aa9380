//! How queries refer to tables at a moment, with the planner itself and tables that hold nothing.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList,
    MemorySchemaProvider,
};
use datafusion::datasource::empty::EmptyTable;
use datafusion::execution::SessionStateDefaults;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionConfig;

use super::*;
use crate::ids::CATALOG;
use crate::sql::{SessionOptions, Statement};

/// A state that knows the tables of a statement, each with the columns `id` and `name`.
fn state(statement: &Statement) -> SessionState {
    let columns = vec![Field::new("id", DataType::Int64, true), Field::new("name", DataType::Utf8, true)];
    let schema = Arc::new(Schema::new(columns));
    let catalog = Arc::new(MemoryCatalogProvider::new());
    for table in statement.tables() {
        let name = table.planner_name();
        let database = catalog.schema(name.database()).unwrap_or_else(|| {
            let database = Arc::new(MemorySchemaProvider::new());
            catalog.register_schema(name.database(), Arc::clone(&database) as _).unwrap();
            database
        });
        let empty = Arc::new(EmptyTable::new(Arc::clone(&schema)));
        database.register_table(name.table().to_owned(), empty).unwrap();
    }
    let catalogs = MemoryCatalogProviderList::new();
    catalogs.register_catalog(CATALOG.to_owned(), catalog);
    let config = SessionConfig::new()
        .with_create_default_catalog_and_schema(false)
        .with_default_catalog_and_schema(CATALOG, "default");
    SessionStateBuilder::new()
        .with_config(config)
        .with_catalog_list(Arc::new(catalogs))
        .with_expr_planners(SessionStateDefaults::default_expr_planners())
        .with_relation_planners(vec![Arc::new(TablesAtMoments)])
        .with_aggregate_functions(SessionStateDefaults::default_aggregate_functions())
        .build()
}

async fn plan(sql: &str) -> Result<LogicalPlan> {
    let statement = Statement::parse(sql, 1 << 20, &SessionOptions::default())
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    state(&statement).statement_to_plan(statement.into_sql()).await
}

/// The query without its moments.
fn of_now(sql: &str) -> String {
    (1..=3).fold(sql.to_owned(), |sql, version| {
        let sql = sql.replace(&format!(" version as of {version}"), "");
        sql.replace(&format!(" VERSION AS OF {version}"), "")
    })
}

#[tokio::test]
async fn columns_are_referred_to_and_named_as_those_of_any_table() {
    for sql in [
        "select id from sales.orders version as of 3",
        "select orders.id from sales.orders version as of 3",
        "select sales.orders.id from sales.orders version as of 3",
        "select awsdatacatalog.sales.orders.id from awsdatacatalog.sales.orders version as of 3",
        "select sales.orders.*, orders.name n from Sales.ORDERS version as of 3",
        "select o.id from sales.orders version as of 3 o",
        "select o.* from sales.orders version as of 3 o",
        "select o.a from sales.orders version as of 3 as o(a, b)",
        "select old.id, orders.id from sales.orders version as of 3 old join sales.orders using (id)",
        "select new.id, old.id from sales.orders new join sales.orders version as of 3 old on new.id = old.id",
        "select a.id from sales.orders version as of 1 a join sales.orders version as of 2 b on a.id = b.id",
        "select orders.id from (select * from sales.orders version as of 1) orders, sales.nation",
        "with orders as (select id from sales.orders version as of 1) select id from orders",
        "select v.a, x.n from (values (1)) v(a), lateral (select max(name) n from sales.orders version as of 1 where id = v.a) x",
        "select id from sales.orders version as of 1 union all select orders.id from sales.orders version as of 2",
        "select hr.orders.id from sales.orders version as of 3, hr.orders",
        "select id, max(orders.name), count(*), (select max(id) from sales.orders version as of 1) \
         from sales.orders version as of 3 group by id",
    ] {
        let then = plan(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let now = plan(&of_now(sql)).await.unwrap();
        // A column without an alias is called as it was written, with its moment.
        let then: Vec<String> = then.schema().field_names().iter().map(|name| of_now(name)).collect();
        assert_eq!(then, now.schema().field_names(), "{sql}");
    }
}

#[tokio::test]
async fn names_that_do_not_resolve_are_refused_as_for_any_table() {
    for sql in [
        "select hr.orders.id from sales.orders version as of 3",
        "select orders.* from sales.orders version as of 3",
        "select orders.id from sales.orders version as of 3 o",
        "select id from sales.orders version as of 1 a, sales.orders version as of 2 b",
        "select 1 from sales.orders version as of 1, sales.orders version as of 2",
        "select xyz from sales.orders version as of 3",
    ] {
        let then = plan(sql).await.unwrap_err().strip_backtrace();
        let now = plan(&of_now(sql)).await.unwrap_err().strip_backtrace();
        assert_eq!(then, now, "{sql}");
    }
}

/// The planner compares scans by name and would drop one of two that it takes for equal.
#[tokio::test]
async fn two_versions_stay_two_scans_after_optimisation() {
    let sql = "select (select count(*) from sales.orders version as of 1) - (select count(*) from sales.orders version as of 2) a, \
               (select count(*) from sales.orders) b";
    let statement = Statement::parse(sql, 1 << 20, &SessionOptions::default()).unwrap();
    let state = state(&statement);
    let plan = state.statement_to_plan(statement.into_sql()).await.unwrap();
    let optimised = state.optimize(&plan).unwrap().display_indent().to_string();
    assert_eq!(optimised.matches("TableScan: ").count(), 3, "{optimised}");
    for scan in
        ["TableScan: sales.orders\u{1}v1", "TableScan: sales.orders\u{1}v2", "TableScan: sales.orders "]
    {
        assert!(optimised.contains(scan), "{scan:?} in {optimised}");
    }
}
