//! Where the oracle's tables live: the shared lake, the administrator who grants, and the users who ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_lakeformation::types::{
    AllRowsWildcard, ColumnWildcard, DataCellsFilter, DataCellsFilterResource, DataLakePrincipal, Permission,
    Resource, RowFilter,
};
use lakegate_client::Connection;

use super::table::Table;
use super::writing::files_of;
use crate::delta::lake::{DATABASE, Lake};
use crate::support::admin;

const ACCOUNT: &str = "123456789012";

/// The user who is shown some rows and columns of each table.
const RESTRICTED: &str = "support";

/// The user who is shown everything.
const UNRESTRICTED: &str = "analyst";

/// The name of the one data cells filter of each table.
const FILTER: &str = "oracle";

/// Connections of the restricted user, kept for all queries.
const CONNECTIONS: usize = 3;

/// See the file's head.
pub(super) struct Account {
    lake: Arc<Lake>,
    lakeformation: aws_sdk_lakeformation::Client,
    pub(super) unrestricted: Connection,
    restricted: Vec<Connection>,
    numbers: AtomicUsize,
}

impl Account {
    pub(super) async fn open() -> Self {
        let lake = Lake::shared().await;
        let lakeformation = aws_sdk_lakeformation::Client::new(&admin(&lake.sandbox).await);
        let unrestricted = lake.login(UNRESTRICTED).await;
        let mut restricted = Vec::new();
        for _ in 0..CONNECTIONS {
            restricted.push(lake.login(RESTRICTED).await);
        }
        Self { lake, lakeformation, unrestricted, restricted, numbers: AtomicUsize::new(0) }
    }

    /// One of the restricted user's connections.
    pub(super) fn restricted(&self, number: usize) -> &Connection {
        &self.restricted[number % self.restricted.len()]
    }

    /// A number that no other table has.
    pub(super) fn number(&self) -> usize {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Why the last statement over a table failed, from the operator's log.
    pub(super) fn reason(&self, name: &str) -> String {
        self.lake.reason(name)
    }

    /// Brings a table under a name: all of it to the one user, what its policy shows to the other.
    pub(super) async fn bring(&self, name: &str, table: &Table) {
        self.lake.add(name, &files_of(table)).await;
        let filter = data_cells_filter(name, table);
        self.lakeformation.create_data_cells_filter().table_data(filter).send().await.unwrap();
        let filter = DataCellsFilterResource::builder()
            .table_catalog_id(ACCOUNT)
            .database_name(DATABASE)
            .table_name(name)
            .name(FILTER)
            .build();
        let role = format!("arn:aws:iam::{ACCOUNT}:role/lakegate/{RESTRICTED}");
        self.lakeformation
            .grant_permissions()
            .principal(DataLakePrincipal::builder().data_lake_principal_identifier(role).build())
            .resource(Resource::builder().data_cells_filter(filter).build())
            .permissions(Permission::Select)
            .send()
            .await
            .unwrap();
    }
}

fn data_cells_filter(name: &str, table: &Table) -> DataCellsFilter {
    let rows = match &table.policy.text {
        Some(text) => RowFilter::builder().filter_expression(text).build(),
        None => RowFilter::builder().all_rows_wildcard(AllRowsWildcard::builder().build()).build(),
    };
    let filter = DataCellsFilter::builder()
        .table_catalog_id(ACCOUNT)
        .database_name(DATABASE)
        .table_name(name)
        .name(FILTER)
        .row_filter(rows);
    let filter = match table.policy.lists_hidden {
        true => {
            let hidden = Some(table.hidden_names());
            filter.column_wildcard(ColumnWildcard::builder().set_excluded_column_names(hidden).build())
        }
        false => {
            let visible = table.visible_columns().iter().map(|column| column.name.clone()).collect();
            filter.set_column_names(Some(visible))
        }
    };
    filter.build().unwrap()
}
