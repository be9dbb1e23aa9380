//! `GetUnfilteredTableMetadata`: the whole table, and what an authorised engine must hide of it from its user.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{TableName, authorize, insufficient, tables};
use crate::lakeformation::{
    QueryContext, claimed_enforcement, require_authorized_caller, require_enforcement,
};
use crate::protocol::ApiError;
use crate::state::{Account, Caller};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MetadataInput {
    #[serde(rename = "CatalogId")]
    _catalog_id: String,
    database_name: String,
    name: String,
    supported_permission_types: Vec<String>,
    query_session_context: Option<QueryContext>,
}

pub(super) fn table_metadata(
    account: &mut Account,
    caller: &Caller,
    input: &MetadataInput,
) -> Result<Value, ApiError> {
    let name = TableName::new(&input.database_name, &input.name);
    // AWS documents this call as authorised by the action of plain GetTable.
    authorize(account, caller, "GetTable", Some(&name.database), Some(&name.table))?;
    require_authorized_caller(account, caller)?;
    let claimed = claimed_enforcement(&input.supported_permission_types, false)?;
    let principal = caller.principal();
    let table = account.catalog.table(&name.database, &name.table)?;
    if !tables::is_visible(account, &principal, &name) {
        return Err(insufficient("Describe", &name.table));
    }
    let is_registered = tables::is_registered(account, table);
    let table = table.wire(&name, is_registered);
    let answer = account.answer(&principal, &name)?;
    require_enforcement(claimed, answer.requires)?;
    let context = input.query_session_context.as_ref();
    let query_authorization_id = account.governance.queries.authorize(context, &principal, &name)?;
    let mut wire = json!({
        "Table": table,
        "AuthorizedColumns": answer.authorized_columns,
        "IsRegisteredWithLakeFormation": is_registered,
        "QueryAuthorizationId": query_authorization_id,
        "ResourceArn": name.arn(),
    });
    if !answer.authorized_columns.is_empty() {
        let cell_filter = |(column, expression): &(String, String)| json!({"ColumnName": column, "RowFilterExpression": expression});
        wire["RowFilter"] = json!(answer.row_filter);
        wire["CellFilters"] = answer.cell_filters.iter().map(cell_filter).collect();
    }
    Ok(wire)
}
