//! Operations on tables, as an ordinary Glue client sees them: with the columns it may know, and no others.

use std::collections::BTreeSet;

use chrono::Utc;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Object, Table, TableName, authorize, databases, insufficient, known_members, name_of, table_missing,
};
use crate::lakeformation::{Permission, Target, s3_path};
use crate::protocol::{ApiError, ErrorCode, page};
use crate::state::{Account, Caller};

const MEMBERS: &[&str] = &[
    "Name",
    "Description",
    "Owner",
    "LastAccessTime",
    "LastAnalyzedTime",
    "Retention",
    "StorageDescriptor",
    "PartitionKeys",
    "ViewOriginalText",
    "ViewExpandedText",
    "TableType",
    "Parameters",
    "TargetTable",
];

/// Table parameters that hold a copy of the schema.
const SCHEMA_PARAMETERS: &str = "spark.sql.sources.schema";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct WriteInput {
    database_name: String,
    table_input: Object,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NamedInput {
    database_name: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListInput {
    database_name: String,
    expression: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

pub(super) fn create(account: &mut Account, caller: &Caller, input: WriteInput) -> Result<Value, ApiError> {
    let name = TableName::new(&input.database_name, &name_of(&input.table_input)?);
    authorize(account, caller, "CreateTable", Some(&name.database), Some(&name.table))?;
    account.catalog.database(&name.database)?;
    let principal = caller.principal();
    let target = Target::Database { database: name.database.clone() };
    let may_create = account.governance.is_administrator(&principal)
        || account.governance.view(&principal).holds(Permission::CreateTable, &target);
    if !may_create {
        return Err(insufficient("Create Table", &name.database));
    }
    let table = new_table(input.table_input, &name, &principal)?;
    require_location(account, &principal, &table)?;
    let database = account.catalog.database_mut(&name.database)?;
    if database.tables.contains_key(&name.table) {
        return Err(ApiError::new(ErrorCode::AlreadyExistsException, "Table already exists."));
    }
    database.tables.insert(name.table.clone(), table);
    let defaults = database.table_defaults.clone();
    let target = Target::Table { database: name.database, table: name.table };
    account.governance.grant_on_creation(&principal, &target, &defaults);
    Ok(json!({}))
}

fn new_table(input: Object, name: &TableName, principal: &str) -> Result<Table, ApiError> {
    let mut attributes = known_members(input, MEMBERS, &name.table);
    let partition_keys = lower_case_columns(attributes.get_mut("PartitionKeys"))?;
    let descriptor = attributes.get_mut("StorageDescriptor");
    let columns = lower_case_columns(descriptor.and_then(|descriptor| descriptor.get_mut("Columns")))?;
    let now = Utc::now();
    let created_by = principal.to_owned();
    Ok(Table { attributes, columns, partition_keys, created: now, updated: now, created_by, version: 0 })
}

/// Puts the column names of a column list into lower case, and returns them.
fn lower_case_columns(list: Option<&mut Value>) -> Result<Vec<String>, ApiError> {
    let mut names = Vec::new();
    for column in list.and_then(Value::as_array_mut).into_iter().flatten() {
        let name = column.get("Name").and_then(Value::as_str).unwrap_or_default().to_lowercase();
        if name.is_empty() {
            return Err(ApiError::invalid_input("Every column needs a name"));
        }
        column["Name"] = json!(name);
        names.push(name);
    }
    Ok(names)
}

/// A table inside a registered location needs the right to point there.
fn require_location(account: &Account, principal: &str, table: &Table) -> Result<(), ApiError> {
    let Some(path) = table.location().and_then(s3_path) else {
        return Ok(());
    };
    let governance = &account.governance;
    let target = Target::DataLocation { path: path.clone() };
    let may = governance.location_of(&path).is_none()
        || governance.is_administrator(principal)
        || governance.view(principal).holds(Permission::DataLocationAccess, &target);
    if may { Ok(()) } else { Err(insufficient("Data Location Access", &format!("s3://{path}"))) }
}

pub(super) fn get(account: &Account, caller: &Caller, input: &NamedInput) -> Result<Value, ApiError> {
    let name = TableName::new(&input.database_name, &input.name);
    authorize(account, caller, "GetTable", Some(&name.database), Some(&name.table))?;
    account.catalog.table(&name.database, &name.table)?;
    let principal = caller.principal();
    if !is_visible(account, &principal, &name) {
        return Err(insufficient("Describe", &name.table));
    }
    let is_registered = is_registered(account, account.catalog.table(&name.database, &name.table)?);
    Ok(json!({"Table": visible_part(account, &principal, &name, is_registered)?}))
}

pub(super) fn list(account: &Account, caller: &Caller, input: &ListInput) -> Result<Value, ApiError> {
    let database_name = input.database_name.to_lowercase();
    authorize(account, caller, "GetTables", Some(&database_name), None)?;
    if input.expression.as_ref().is_some_and(|expression| !expression.is_empty()) {
        return Err(ApiError::invalid_input("The sandbox does not implement Expression of GetTables"));
    }
    let database = account.catalog.database(&database_name)?;
    let principal = caller.principal();
    if !databases::is_visible(account, &principal, &database_name) {
        return Err(insufficient("Describe", &database_name));
    }
    let names = database.tables.keys().map(|table| TableName::new(&database_name, table));
    let visible: Vec<TableName> = names.filter(|name| is_visible(account, &principal, name)).collect();
    let page = page(visible, input.max_results, input.next_token.as_deref(), 100)?;
    // AWS leaves the registration out of listings, where it always reads false.
    let tables: Vec<Object> = page
        .items
        .iter()
        .map(|name| visible_part(account, &principal, name, false))
        .collect::<Result<_, _>>()?;
    Ok(json!({"TableList": tables, "NextToken": page.next_token}))
}

pub(super) fn update(account: &mut Account, caller: &Caller, input: WriteInput) -> Result<Value, ApiError> {
    let name = TableName::new(&input.database_name, &name_of(&input.table_input)?);
    authorize(account, caller, "UpdateTable", Some(&name.database), Some(&name.table))?;
    require(account, caller, Permission::Alter, &name)?;
    let principal = caller.principal();
    let mut table = new_table(input.table_input, &name, &principal)?;
    let old = account.catalog.table(&name.database, &name.table)?;
    if old.location() != table.location() {
        require_location(account, &principal, &table)?;
    }
    (table.created, table.version) = (old.created, old.version + 1);
    table.created_by.clone_from(&old.created_by);
    account.catalog.database_mut(&name.database)?.tables.insert(name.table, table);
    Ok(json!({}))
}

pub(super) fn delete(account: &mut Account, caller: &Caller, input: &NamedInput) -> Result<Value, ApiError> {
    let name = TableName::new(&input.database_name, &input.name);
    authorize(account, caller, "DeleteTable", Some(&name.database), Some(&name.table))?;
    require(account, caller, Permission::Drop, &name)?;
    let removed = account.catalog.database_mut(&name.database)?.tables.remove(&name.table);
    removed.ok_or_else(|| table_missing(&name.table))?;
    account.governance.forget_table(&name.database, &name.table);
    Ok(json!({}))
}

/// Whether the principal sees the table at all.
pub(super) fn is_visible(account: &Account, principal: &str, name: &TableName) -> bool {
    account.governance.reads_all_metadata(principal)
        || account.governance.view(principal).sees_table(&name.database, &name.table)
}

/// Whether Lake Formation can vend keys for the table.
pub(super) fn is_registered(account: &Account, table: &Table) -> bool {
    let path = table.location().and_then(s3_path);
    path.is_some_and(|path| account.governance.location_of(&path).is_some())
}

fn require(
    account: &Account,
    caller: &Caller,
    permission: Permission,
    name: &TableName,
) -> Result<(), ApiError> {
    account.catalog.table(&name.database, &name.table)?;
    let target = Target::Table { database: name.database.clone(), table: name.table.clone() };
    if account.governance.view(&caller.principal()).holds(permission, &target) {
        return Ok(());
    }
    Err(insufficient(&format!("{permission:?}"), &name.table))
}

/// The table without the columns that the principal may not know. Copies of the schema among the parameters are
/// left out for everybody who may not read every column; other parameters pass, as on AWS.
fn visible_part(
    account: &Account,
    principal: &str,
    name: &TableName,
    is_registered: bool,
) -> Result<Object, ApiError> {
    let table = account.catalog.table(&name.database, &name.table)?;
    let mut wire = table.wire(name, is_registered);
    let readable: BTreeSet<String> =
        account.answer(principal, name)?.authorized_columns.into_iter().collect();
    let governance = &account.governance;
    let shows_schema = governance.reads_all_metadata(principal)
        || governance.view(principal).sees_every_column(&name.database, &name.table);
    if !shows_schema {
        keep_columns(wire.get_mut("PartitionKeys"), &readable);
        keep_columns(wire.get_mut("StorageDescriptor").and_then(|it| it.get_mut("Columns")), &readable);
    }
    let reads_everything = readable.len() == table.columns().all().len();
    if !reads_everything && let Some(parameters) = wire.get_mut("Parameters").and_then(Value::as_object_mut) {
        parameters.retain(|key, _| !key.starts_with(SCHEMA_PARAMETERS));
    }
    Ok(wire)
}

fn keep_columns(list: Option<&mut Value>, readable: &BTreeSet<String>) {
    let is_readable = |column: &Value| column["Name"].as_str().is_some_and(|name| readable.contains(name));
    if let Some(columns) = list.and_then(Value::as_array_mut) {
        columns.retain(is_readable);
    }
}
