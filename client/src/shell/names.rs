//! What there is to complete: databases, tables and columns that the user may see.
//!
//! They are asked for in the background when the shell starts, first without columns, which is quick. If that fails
//! there is nothing to complete, and that is all.

use std::sync::{Arc, PoisonError, RwLock};

use lakegate_client::{Connection, TableFilter, TableInfo};

/// A table with its columns, as far as they are known.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) database: String,
    pub(super) name: String,
    pub(super) columns: Vec<String>,
}

/// All tables, in the order of the server.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(Arc<RwLock<Arc<Vec<Table>>>>);

impl Names {
    /// The tables that are known now.
    pub(super) fn tables(&self) -> Arc<Vec<Table>> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn set(&self, tables: Vec<Table>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(tables);
    }

    /// Asks the server.
    pub(super) async fn load(self, connection: Arc<Connection>) {
        for include_schema in [false, true] {
            let filter = TableFilter { include_schema, ..TableFilter::default() };
            if let Ok(tables) = connection.list_tables(filter).await {
                self.set(tables.into_iter().map(Table::from).collect());
            }
        }
    }
}

impl From<TableInfo> for Table {
    fn from(info: TableInfo) -> Self {
        let fields = info.schema.map(|schema| schema.fields).unwrap_or_default();
        let columns = fields.iter().map(|field| field.name().clone()).collect();
        Self { database: info.database, name: info.name, columns }
    }
}
