//! What Lake Formation is told to show of a table.

use aws_sdk_lakeformation::Client;
use aws_sdk_lakeformation::types::{
    AllRowsWildcard, ColumnWildcard, DataCellsFilter, DataCellsFilterResource, DataLakePrincipal, Permission,
    Resource, RowFilter, TableResource, TableWithColumnsResource,
};

use super::lake::DATABASE;

/// The account that the sandbox plays.
const ACCOUNT: &str = "123456789012";

/// The rows and columns of a grant.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) rows: Rows,
    pub(crate) columns: Columns,
}

/// Which rows.
#[derive(Clone, Debug)]
pub(crate) enum Rows {
    /// All, without a data cells filter.
    All,
    /// All, by a data cells filter that says so.
    Wildcard,
    /// Those that a row filter selects.
    Where(String),
}

/// Which columns.
#[derive(Clone, Debug)]
pub(crate) enum Columns {
    All,
    Only(Vec<String>),
    AllBut(Vec<String>),
}

impl Shown {
    /// The whole table.
    pub(crate) const ALL: Self = Self { rows: Rows::All, columns: Columns::All };

    /// Grants a user to know of a table and not to read it.
    pub(crate) async fn grant_to_describe(lakeformation: &Client, user: &str, table: &str) {
        let whole = TableResource::builder().database_name(DATABASE).name(table).build().unwrap();
        let resource = Resource::builder().table(whole).build();
        give(lakeformation, user, resource, Permission::Describe).await;
    }

    /// Grants it to a user.
    pub(crate) async fn grant(self, lakeformation: &Client, user: &str, table: &str) {
        self.grant_by(lakeformation, user, table, user).await;
    }

    /// Grants it to a user, by a data cells filter of a name of its own if it takes one.
    pub(crate) async fn grant_by(self, lakeformation: &Client, user: &str, table: &str, filter_name: &str) {
        let resource = match self {
            Self { rows: Rows::All, columns: Columns::All } => {
                let whole = TableResource::builder().database_name(DATABASE).name(table).build().unwrap();
                Resource::builder().table(whole).build()
            }
            Self { rows: Rows::All, columns } => {
                let part = TableWithColumnsResource::builder()
                    .database_name(DATABASE)
                    .name(table)
                    .set_column_names(columns.listed())
                    .set_column_wildcard(columns.wildcard())
                    .build()
                    .unwrap();
                Resource::builder().table_with_columns(part).build()
            }
            cells => {
                cells.create_filter(lakeformation, filter_name, table).await;
                let filter = DataCellsFilterResource::builder()
                    .table_catalog_id(ACCOUNT)
                    .database_name(DATABASE)
                    .table_name(table)
                    .name(filter_name)
                    .build();
                Resource::builder().data_cells_filter(filter).build()
            }
        };
        give(lakeformation, user, resource, Permission::Select).await;
    }

    async fn create_filter(self, lakeformation: &Client, name: &str, table: &str) {
        let rows = match self.rows {
            Rows::Where(text) => RowFilter::builder().filter_expression(text).build(),
            _ => RowFilter::builder().all_rows_wildcard(AllRowsWildcard::builder().build()).build(),
        };
        let filter = DataCellsFilter::builder()
            .table_catalog_id(ACCOUNT)
            .database_name(DATABASE)
            .table_name(table)
            .name(name)
            .row_filter(rows)
            .set_column_names(self.columns.listed())
            .set_column_wildcard(self.columns.wildcard())
            .build()
            .unwrap();
        lakeformation.create_data_cells_filter().table_data(filter).send().await.unwrap();
    }
}

async fn give(lakeformation: &Client, user: &str, resource: Resource, permission: Permission) {
    let role = format!("arn:aws:iam::{ACCOUNT}:role/lakegate/{user}");
    let principal = DataLakePrincipal::builder().data_lake_principal_identifier(role).build();
    let grant = lakeformation.grant_permissions().principal(principal).resource(resource);
    grant.permissions(permission).send().await.unwrap();
}

impl Columns {
    fn listed(&self) -> Option<Vec<String>> {
        match self {
            Self::Only(names) => Some(names.clone()),
            _ => None,
        }
    }

    fn wildcard(&self) -> Option<ColumnWildcard> {
        match self {
            Self::Only(_) => None,
            Self::All => Some(ColumnWildcard::builder().build()),
            Self::AllBut(names) => {
                Some(ColumnWildcard::builder().set_excluded_column_names(Some(names.clone())).build())
            }
        }
    }
}
