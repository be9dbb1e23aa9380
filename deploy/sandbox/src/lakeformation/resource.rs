//! The `Resource` of grants and listings: the wire shape, and its translation to a [`Target`] that exists.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::locations::path_of_arn;
use super::permissions::{ColumnSelection, Permission, Target};
use crate::protocol::ApiError;
use crate::state::{ACCOUNT, Account};

/// The members of `Resource` that the sandbox knows; exactly one is given.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default, deny_unknown_fields)]
pub(super) struct Resource {
    catalog: Option<Map<String, Value>>,
    database: Option<DatabaseResource>,
    table: Option<TableResource>,
    table_with_columns: Option<ColumnsResource>,
    data_location: Option<DataLocationResource>,
    data_cells_filter: Option<FilterResource>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DatabaseResource {
    name: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TableResource {
    database_name: String,
    name: Option<String>,
    table_wildcard: Option<Map<String, Value>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ColumnsResource {
    database_name: String,
    name: String,
    #[serde(flatten)]
    columns: WireColumns,
}

/// `ColumnNames` or `ColumnWildcard`, as grants and data filters have them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct WireColumns {
    column_names: Option<Vec<String>>,
    column_wildcard: Option<WireWildcard>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct WireWildcard {
    excluded_column_names: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DataLocationResource {
    resource_arn: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FilterResource {
    database_name: String,
    table_name: String,
    name: String,
}

impl Resource {
    /// The target that is meant.
    ///
    /// # Errors
    /// Not exactly one kind of resource, or contradicting members of it.
    pub(super) fn target(self) -> Result<Target, ApiError> {
        let mut targets = Vec::new();
        targets.extend(self.catalog.map(|_| Ok(Target::Catalog)));
        targets.extend(self.database.map(|it| Ok(Target::Database { database: it.name.to_lowercase() })));
        targets.extend(self.table.map(TableResource::target));
        targets.extend(self.table_with_columns.map(|it| {
            Ok(Target::Columns {
                database: it.database_name.to_lowercase(),
                table: it.name.to_lowercase(),
                columns: it.columns.selection()?,
            })
        }));
        targets.extend(
            self.data_location.map(|it| Ok(Target::DataLocation { path: path_of_arn(&it.resource_arn)? })),
        );
        targets.extend(self.data_cells_filter.map(|it| {
            Ok(Target::Filter {
                database: it.database_name.to_lowercase(),
                table: it.table_name.to_lowercase(),
                name: it.name,
            })
        }));
        match (targets.pop(), targets.is_empty()) {
            (Some(target), true) => target,
            _ => Err(ApiError::invalid_input("Resource must have exactly one member")),
        }
    }
}

impl TableResource {
    fn target(self) -> Result<Target, ApiError> {
        let database = self.database_name.to_lowercase();
        match (self.name, self.table_wildcard) {
            (None, Some(_)) => Ok(Target::AllTables { database }),
            // Listings show the wildcard under this name, and what a listing shows may be revoked as it stands.
            (Some(name), Some(_)) if name == ALL_TABLES => Ok(Target::AllTables { database }),
            (Some(name), None) => Ok(Target::Table { database, table: name.to_lowercase() }),
            _ => Err(ApiError::invalid_input("A table resource has either a Name or a TableWildcard")),
        }
    }
}

const ALL_TABLES: &str = "ALL_TABLES";

impl WireColumns {
    /// The selection that is meant; names in lower case.
    ///
    /// # Errors
    /// Neither or both of the members.
    pub(super) fn selection(self) -> Result<ColumnSelection, ApiError> {
        let lower =
            |names: Vec<String>| names.iter().map(|name| name.to_lowercase()).collect::<BTreeSet<_>>();
        match (self.column_names, self.column_wildcard) {
            (Some(names), None) if !names.is_empty() => Ok(ColumnSelection::Only(lower(names))),
            (None, Some(wildcard)) => Ok(ColumnSelection::AllExcept(lower(wildcard.excluded_column_names))),
            _ => Err(ApiError::invalid_input("Exactly one of ColumnNames and ColumnWildcard must be given")),
        }
    }

    pub(super) fn of(selection: &ColumnSelection) -> Self {
        let list = |names: &BTreeSet<String>| names.iter().cloned().collect();
        match selection {
            ColumnSelection::Only(names) => Self { column_names: Some(list(names)), column_wildcard: None },
            ColumnSelection::AllExcept(names) => Self {
                column_names: None,
                column_wildcard: Some(WireWildcard { excluded_column_names: list(names) }),
            },
        }
    }

    /// The members that are set, as JSON.
    pub(super) fn wire(&self) -> Map<String, Value> {
        let mut members = Map::new();
        members.extend(self.column_names.as_ref().map(|names| ("ColumnNames".to_owned(), json!(names))));
        members.extend(
            self.column_wildcard.as_ref().map(|wildcard| ("ColumnWildcard".to_owned(), json!(wildcard))),
        );
        members
    }
}

/// The wire shape of a target, as listings show it.
pub(super) fn wire(target: &Target) -> Value {
    match target {
        Target::Catalog => json!({"Catalog": {}}),
        Target::Database { database } => json!({"Database": {"CatalogId": ACCOUNT, "Name": database}}),
        Target::Table { database, table } => {
            json!({"Table": {"CatalogId": ACCOUNT, "DatabaseName": database, "Name": table}})
        }
        Target::AllTables { database } => json!({
            "Table": {"CatalogId": ACCOUNT, "DatabaseName": database, "Name": ALL_TABLES, "TableWildcard": {}}
        }),
        Target::Columns { database, table, columns } => {
            let mut members = WireColumns::of(columns).wire();
            members.insert("CatalogId".to_owned(), json!(ACCOUNT));
            members.insert("DatabaseName".to_owned(), json!(database));
            members.insert("Name".to_owned(), json!(table));
            json!({"TableWithColumns": members})
        }
        Target::Filter { database, table, name } => json!({
            "DataCellsFilter":
                {"TableCatalogId": ACCOUNT, "DatabaseName": database, "TableName": table, "Name": name}
        }),
        Target::DataLocation { path } => {
            json!({"DataLocation": {"CatalogId": ACCOUNT, "ResourceArn": format!("arn:aws:s3:::{path}")}})
        }
    }
}

/// Demands that what `target` names exists.
///
/// # Errors
/// `EntityNotFoundException`, or `InvalidInputException` for a column that the table lacks.
pub(super) fn require_existing(account: &Account, target: &Target) -> Result<(), ApiError> {
    match target {
        Target::Catalog => Ok(()),
        Target::Database { database } | Target::AllTables { database } => {
            account.catalog.database(database).map(|_| ())
        }
        Target::Table { database, table } => account.catalog.table(database, table).map(|_| ()),
        Target::Columns { database, table, columns } => require_columns(account, database, table, columns),
        Target::Filter { database, table, name } => {
            account.catalog.table(database, table)?;
            super::filters::find(account, database, table, name).map(|_| ())
        }
        Target::DataLocation { path } => match account.governance.location_of(path) {
            Some(_) => Ok(()),
            None => Err(ApiError::not_found(format!("The location arn:aws:s3:::{path} is not registered"))),
        },
    }
}

/// Demands that a selection names only columns that the table has.
///
/// # Errors
/// `EntityNotFoundException` without the table, `InvalidInputException` without the column.
pub(super) fn require_columns(
    account: &Account,
    database: &str,
    table: &str,
    columns: &ColumnSelection,
) -> Result<(), ApiError> {
    let existing = account.catalog.table(database, table)?.columns().all();
    let (ColumnSelection::Only(named) | ColumnSelection::AllExcept(named)) = columns;
    match named.iter().find(|name| !existing.contains(*name)) {
        None => Ok(()),
        Some(name) => {
            Err(ApiError::invalid_input(format!("Column {name} does not exist in {database}.{table}")))
        }
    }
}

/// Demands that `permissions` can be had on `target` at all.
///
/// # Errors
/// `InvalidInputException`.
pub(super) fn require_applicable(
    target: &Target,
    permissions: &BTreeSet<Permission>,
) -> Result<(), ApiError> {
    use Permission as P;
    let applicable: &[Permission] = match target {
        Target::Catalog => &[P::All, P::CreateDatabase],
        Target::Database { .. } => &[P::All, P::Alter, P::Drop, P::CreateTable, P::Describe],
        Target::Table { .. } | Target::AllTables { .. } => {
            &[P::All, P::Select, P::Alter, P::Drop, P::Delete, P::Insert, P::Describe]
        }
        Target::Columns { .. } => &[P::Select],
        Target::Filter { .. } => &[P::Select, P::Describe, P::Drop],
        Target::DataLocation { .. } => &[P::DataLocationAccess],
    };
    if permissions.iter().all(|permission| applicable.contains(permission)) {
        return Ok(());
    }
    Err(ApiError::invalid_input(
        "Permissions modification is invalid: a permission does not apply to the resource",
    ))
}
