//! The names that one query can refer to: its own guarded tables and nothing else. A table at a moment has a name of its own,
//! see [`NamedTable::planner_name`](crate::sql::NamedTable::planner_name).
//!
//! Made for each query and dropped with it, so nothing is shared between principals. Nothing can be registered. Names are
//! looked up without regard to ASCII case, because Glue has one spelling for each and users have many.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider};
use datafusion::common::Result;

use super::table::GuardedTable;
use crate::ids::{CATALOG, TableName};

/// The one catalog of a query.
#[derive(Clone, Debug)]
pub(super) struct QueryCatalog {
    tables: Arc<BTreeMap<TableName, Arc<GuardedTable>>>,
}

impl QueryCatalog {
    pub(super) fn new(tables: Vec<GuardedTable>) -> Self {
        let tables = tables.into_iter().map(|table| (table.planner_name(), Arc::new(table))).collect();
        Self { tables: Arc::new(tables) }
    }
}

impl CatalogProviderList for QueryCatalog {
    /// Takes nothing.
    fn register_catalog(&self, _: String, _: Arc<dyn CatalogProvider>) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        vec![CATALOG.to_owned()]
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        name.eq_ignore_ascii_case(CATALOG).then(|| Arc::new(self.clone()) as _)
    }
}

impl CatalogProvider for QueryCatalog {
    fn schema_names(&self) -> Vec<String> {
        let names: BTreeSet<&str> = self.tables.keys().map(TableName::database).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        Some(Arc::new(QueryDatabase { name: name.to_owned(), tables: Arc::clone(&self.tables) }))
    }
}

#[derive(Debug)]
struct QueryDatabase {
    name: String,
    tables: Arc<BTreeMap<TableName, Arc<GuardedTable>>>,
}

#[async_trait]
impl SchemaProvider for QueryDatabase {
    fn table_names(&self) -> Vec<String> {
        self.tables
            .keys()
            .filter(|name| name.database().eq_ignore_ascii_case(&self.name))
            .map(|name| name.table().to_owned())
            .collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let found = self.tables.get(&TableName::new(&self.name, name));
        Ok(found.map(|table| Arc::clone(table) as _))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.tables.contains_key(&TableName::new(&self.name, name))
    }
}
