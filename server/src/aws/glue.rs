//! Glue Data Catalog calls, each as the user's role: browsing, and the unfiltered metadata that a policy is read from.
//!
//! [`RoleClient::unfiltered_table`] returns what Glue said, member by member, and judges nothing; `Option` keeps
//! "absent" apart from "empty", because for Lake Formation the two mean different things.

use std::collections::HashMap;

use aws_sdk_glue::types::{Column, PermissionType, QuerySessionContext, Table};

use super::RoleClient;
use super::failure::{AwsFailure, FailureKind};
use crate::ids::{QueryId, TableName};

/// A database as the user's role sees it.
#[derive(Clone, Debug)]
pub(crate) struct GlueDatabase {
    pub(crate) name: String,
    /// The database only points to another one.
    pub(crate) is_resource_link: bool,
}

/// A column of the catalog.
#[derive(Clone, Debug)]
pub(crate) struct GlueColumn {
    pub(crate) name: String,
    /// Hive type text, for example `decimal(12,2)`.
    pub(crate) hive_type: String,
    pub(crate) comment: Option<String>,
}

/// A table's entry in the catalog, with the facts that decide whether and how it may be read.
#[derive(Clone, Debug)]
pub(crate) struct GlueTable {
    /// Account id of the catalog that the table lives in.
    pub(crate) catalog_id: Option<String>,
    pub(crate) database: Option<String>,
    pub(crate) name: String,
    /// What its owner wrote about it.
    pub(crate) description: Option<String>,
    pub(crate) parameters: HashMap<String, String>,
    /// `StorageDescriptor.Location`.
    pub(crate) location: Option<String>,
    /// `SerdeInfo.Parameters.path`.
    pub(crate) serde_path: Option<String>,
    /// Data columns followed by partition keys.
    pub(crate) columns: Vec<GlueColumn>,
    /// The table only points to another one.
    pub(crate) is_resource_link: bool,
    /// The table is a view of any kind.
    pub(crate) is_view: bool,
    /// A row-level security policy is attached (`RLSProperties`), a kind that this server does not enforce.
    pub(crate) has_rls_policy: bool,
    /// The table lives in another system.
    pub(crate) is_federated: bool,
}

/// The answer of GetUnfilteredTableMetadata.
#[derive(Clone, Debug)]
pub(crate) struct UnfilteredTable {
    pub(crate) table: GlueTable,
    pub(crate) authorized_columns: Option<Vec<String>>,
    /// Lake Formation can vend credentials for the table's location. An absent member counts as false.
    pub(crate) is_registered: bool,
    /// Column name and row-filter expression, as sent.
    pub(crate) cell_filters: Option<Vec<(Option<String>, Option<String>)>>,
    pub(crate) row_filter: Option<String>,
    pub(crate) query_authorization_id: Option<String>,
    pub(crate) is_view_or_protected: bool,
}

impl RoleClient {
    /// Asks for a table's full metadata together with the user's policy on it.
    ///
    /// Claims exactly one permission type, the highest that this server enforces: AWS rejects two, and claiming more
    /// than is enforced would earn credentials for data that cannot be filtered.
    ///
    /// # Errors
    /// An [`AwsFailure`]; also if the answer lacks the table.
    pub(crate) async fn unfiltered_table(
        &self,
        catalog_id: &str,
        name: &TableName,
        query_id: QueryId,
    ) -> Result<UnfilteredTable, AwsFailure> {
        self.calls.spend().await?;
        self.session.credentials().await?;
        let context = QuerySessionContext::builder().query_id(query_id.to_string()).build();
        let answer = self
            .glue
            .get_unfiltered_table_metadata()
            .catalog_id(catalog_id)
            .database_name(name.database())
            .name(name.table())
            .supported_permission_types(PermissionType::CellFilterPermission)
            .query_session_context(context)
            .send()
            .await;
        let answer = self.checked("glue:GetUnfilteredTableMetadata", answer).await?;
        let table = answer.table.as_ref().ok_or_else(|| {
            AwsFailure::new(FailureKind::Unknown, "GetUnfilteredTableMetadata answered without a table")
        })?;
        let is_view_or_protected =
            [answer.is_multi_dialect_view, answer.is_materialized_view, answer.is_protected].contains(&true);
        Ok(UnfilteredTable {
            table: plain_table(table),
            is_view_or_protected,
            authorized_columns: answer.authorized_columns.clone(),
            is_registered: answer.is_registered_with_lake_formation,
            cell_filters: answer.cell_filters.as_ref().map(|filters| {
                filters
                    .iter()
                    .map(|filter| (filter.column_name.clone(), filter.row_filter_expression.clone()))
                    .collect()
            }),
            row_filter: answer.row_filter,
            query_authorization_id: answer.query_authorization_id,
        })
    }

    /// All databases that the role may know of.
    ///
    /// # Errors
    /// An [`AwsFailure`]; a partial list is never returned.
    pub(crate) async fn databases(&self) -> Result<Vec<GlueDatabase>, AwsFailure> {
        const OPERATION: &str = "glue:GetDatabases";
        self.calls.spend().await?;
        self.session.credentials().await?;
        let mut databases = Vec::new();
        let mut next_token = None;
        let mut pages = self.glue.get_databases().into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = self.checked(OPERATION, page).await?;
            next_token = page.next_token;
            databases.extend(page.database_list.into_iter().map(|database| GlueDatabase {
                is_resource_link: database.target_database.is_some(),
                name: database.name,
            }));
        }
        ensure_complete(OPERATION, next_token)?;
        Ok(databases)
    }

    /// All tables of a database that the role may know of, with the columns it may know of.
    ///
    /// # Errors
    /// An [`AwsFailure`]; a partial list is never returned.
    pub(crate) async fn tables(&self, database: &str) -> Result<Vec<GlueTable>, AwsFailure> {
        const OPERATION: &str = "glue:GetTables";
        self.calls.spend().await?;
        self.session.credentials().await?;
        let mut tables = Vec::new();
        let mut next_token = None;
        let mut pages = self.glue.get_tables().database_name(database).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = self.checked(OPERATION, page).await?;
            next_token = page.next_token;
            tables.extend(page.table_list.unwrap_or_default().iter().map(plain_table));
        }
        ensure_complete(OPERATION, next_token)?;
        Ok(tables)
    }
}

/// The SDK's paginator ends without an error when a page repeats its token; a list that ends so is not whole.
fn ensure_complete(operation: &str, last_token: Option<String>) -> Result<(), AwsFailure> {
    match last_token.filter(|token| !token.is_empty()) {
        None => Ok(()),
        Some(_) => {
            Err(AwsFailure::new(FailureKind::Unknown, format!("{operation}: pagination does not end")))
        }
    }
}

fn plain_table(table: &Table) -> GlueTable {
    let storage = table.storage_descriptor.as_ref();
    let serde_path = storage
        .and_then(|storage| storage.serde_info.as_ref())
        .and_then(|serde| serde.parameters.as_ref())
        .and_then(|parameters| parameters.get("path").cloned());
    let data_columns = storage.and_then(|storage| storage.columns.as_deref()).unwrap_or_default();
    let partition_keys = table.partition_keys.as_deref().unwrap_or_default();
    let view_flags = [table.is_multi_dialect_view, table.is_materialized_view].contains(&Some(true));
    let is_view = view_flags
        || table.view_definition.is_some()
        || table.view_original_text.as_deref().is_some_and(|text| !text.is_empty())
        || table.table_type.as_deref() == Some("VIRTUAL_VIEW");
    GlueTable {
        catalog_id: table.catalog_id.clone(),
        database: table.database_name.clone(),
        name: table.name.clone(),
        description: table.description.clone(),
        parameters: table.parameters.clone().unwrap_or_default(),
        location: storage.and_then(|storage| storage.location.clone()),
        serde_path,
        columns: data_columns.iter().chain(partition_keys).map(plain_column).collect(),
        is_resource_link: table.target_table.is_some(),
        is_view,
        has_rls_policy: table.rls_properties.is_some(),
        is_federated: table.federated_table.is_some(),
    }
}

fn plain_column(column: &Column) -> GlueColumn {
    GlueColumn {
        name: column.name.clone(),
        hive_type: column.r#type.clone().unwrap_or_default(),
        comment: column.comment.clone(),
    }
}
