//! Operations on databases.

use std::collections::BTreeMap;

use chrono::Utc;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Database, Object, authorize, insufficient, known_members, name_of};
use crate::lakeformation::{Permission, PrincipalPermissions, Target};
use crate::protocol::{ApiError, ErrorCode, epoch_seconds, page};
use crate::state::{ACCOUNT, Account, Caller};

const MEMBERS: &[&str] = &["Name", "Description", "LocationUri", "Parameters", "TargetDatabase"];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct WriteInput {
    /// The database to change; only in updates.
    name: Option<String>,
    database_input: Object,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NamedInput {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListInput {
    max_results: Option<i64>,
    next_token: Option<String>,
}

pub(super) fn create(account: &mut Account, caller: &Caller, input: WriteInput) -> Result<Value, ApiError> {
    let name = name_of(&input.database_input)?;
    authorize(account, caller, "CreateDatabase", Some(&name), None)?;
    let principal = caller.principal();
    let may_create = account.governance.is_administrator(&principal)
        || account.governance.view(&principal).holds(Permission::CreateDatabase, &Target::Catalog);
    if !may_create {
        return Err(insufficient("Create Database", "Catalog"));
    }
    if account.catalog.0.contains_key(&name) {
        return Err(ApiError::new(ErrorCode::AlreadyExistsException, "Database already exists."));
    }
    let table_defaults = table_defaults(&input.database_input)?
        .unwrap_or_else(|| account.governance.settings.table_defaults().to_vec());
    let database = Database {
        attributes: known_members(input.database_input, MEMBERS, &name),
        created: Utc::now(),
        table_defaults,
        tables: BTreeMap::new(),
    };
    account.catalog.0.insert(name.clone(), database);
    let defaults = account.governance.settings.database_defaults().to_vec();
    account.governance.grant_on_creation(&principal, &Target::Database { database: name }, &defaults);
    Ok(json!({}))
}

/// The default permissions that the input itself names.
fn table_defaults(input: &Object) -> Result<Option<Vec<PrincipalPermissions>>, ApiError> {
    match input.get("CreateTableDefaultPermissions") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => serde_json::from_value(value.clone())
            .map(Some)
            .map_err(|error| ApiError::invalid_input(format!("CreateTableDefaultPermissions: {error}"))),
    }
}

pub(super) fn get(account: &Account, caller: &Caller, input: &NamedInput) -> Result<Value, ApiError> {
    let name = input.name.to_lowercase();
    authorize(account, caller, "GetDatabase", Some(&name), None)?;
    let database = account.catalog.database(&name)?;
    if !is_visible(account, &caller.principal(), &name) {
        return Err(insufficient("Describe", &name));
    }
    Ok(json!({"Database": wire(database)}))
}

pub(super) fn list(account: &Account, caller: &Caller, input: &ListInput) -> Result<Value, ApiError> {
    authorize(account, caller, "GetDatabases", None, None)?;
    let principal = caller.principal();
    let visible = account.catalog.0.iter().filter(|(name, _)| is_visible(account, &principal, name));
    let all = visible.map(|(_, database)| wire(database)).collect();
    let page = page(all, input.max_results, input.next_token.as_deref(), 100)?;
    Ok(json!({"DatabaseList": page.items, "NextToken": page.next_token}))
}

pub(super) fn update(account: &mut Account, caller: &Caller, input: WriteInput) -> Result<Value, ApiError> {
    let name = input.name.unwrap_or_default().to_lowercase();
    authorize(account, caller, "UpdateDatabase", Some(&name), None)?;
    require(account, caller, Permission::Alter, &name)?;
    if name_of(&input.database_input)? != name {
        return Err(ApiError::invalid_input("A database cannot be renamed"));
    }
    let defaults = table_defaults(&input.database_input)?;
    let database = account.catalog.database_mut(&name)?;
    database.attributes = known_members(input.database_input, MEMBERS, &name);
    if let Some(defaults) = defaults {
        database.table_defaults = defaults;
    }
    Ok(json!({}))
}

pub(super) fn delete(account: &mut Account, caller: &Caller, input: &NamedInput) -> Result<Value, ApiError> {
    let name = input.name.to_lowercase();
    authorize(account, caller, "DeleteDatabase", Some(&name), None)?;
    require(account, caller, Permission::Drop, &name)?;
    account.catalog.0.remove(&name);
    account.governance.forget_database(&name);
    Ok(json!({}))
}

/// Whether the principal sees the database at all.
pub(super) fn is_visible(account: &Account, principal: &str, name: &str) -> bool {
    account.governance.reads_all_metadata(principal) || account.governance.view(principal).sees_database(name)
}

fn require(account: &Account, caller: &Caller, permission: Permission, name: &str) -> Result<(), ApiError> {
    account.catalog.database(name)?;
    let target = Target::Database { database: name.to_owned() };
    if account.governance.view(&caller.principal()).holds(permission, &target) {
        return Ok(());
    }
    Err(insufficient(&format!("{permission:?}"), name))
}

fn wire(database: &Database) -> Object {
    let mut wire = database.attributes.clone();
    wire.insert("CreateTime".into(), json!(epoch_seconds(database.created)));
    wire.insert("CatalogId".into(), json!(ACCOUNT));
    wire.insert("CreateTableDefaultPermissions".into(), json!(database.table_defaults));
    wire
}
