//! What Lake Formation is told of the tables: all of them to `analyst`, a part to `support`.

use aws_sdk_lakeformation::Client;
use aws_sdk_lakeformation::types::{
    DataCellsFilter, DataCellsFilterResource, DataLakePrincipal, Permission, Resource, RowFilter,
    TableResource, TableWithColumnsResource,
};

use super::tables::Sight;
use crate::delta::lake::DATABASE;

/// From whom something is hidden.
pub(super) const RESTRICTED: &str = "support";

/// From whom nothing is.
pub(super) const UNRESTRICTED: &str = "analyst";

const ACCOUNT: &str = "123456789012";

/// Name of the data cells filters.
const FILTER: &str = "seen_by_support";

/// Grants what [`RESTRICTED`] may see of a table.
pub(super) async fn show(lakeformation: &Client, table: &str, sight: &Sight) {
    let resource = Resource::builder();
    let resource = match sight {
        Sight::Nothing => return,
        Sight::Everything => {
            let whole = TableResource::builder().database_name(DATABASE).name(table).build().unwrap();
            resource.table(whole).build()
        }
        Sight::Columns(columns) => {
            let part = TableWithColumnsResource::builder()
                .database_name(DATABASE)
                .name(table)
                .set_column_names(Some(owned(columns)))
                .build()
                .unwrap();
            resource.table_with_columns(part).build()
        }
        Sight::Rows { filter, columns } => {
            create_filter(lakeformation, table, filter, columns).await;
            let cells = DataCellsFilterResource::builder()
                .table_catalog_id(ACCOUNT)
                .database_name(DATABASE)
                .table_name(table)
                .name(FILTER)
                .build();
            resource.data_cells_filter(cells).build()
        }
    };
    let role = format!("arn:aws:iam::{ACCOUNT}:role/lakegate/{RESTRICTED}");
    let principal = DataLakePrincipal::builder().data_lake_principal_identifier(role).build();
    let grant = lakeformation.grant_permissions().principal(principal).resource(resource);
    grant.permissions(Permission::Select).send().await.unwrap();
}

async fn create_filter(lakeformation: &Client, table: &str, rows: &str, columns: &[&str]) {
    let filter = DataCellsFilter::builder()
        .table_catalog_id(ACCOUNT)
        .database_name(DATABASE)
        .table_name(table)
        .name(FILTER)
        .row_filter(RowFilter::builder().filter_expression(rows).build())
        .set_column_names(Some(owned(columns)))
        .build()
        .unwrap();
    lakeformation.create_data_cells_filter().table_data(filter).send().await.unwrap();
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
