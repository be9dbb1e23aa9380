//! The Glue Data Catalog: databases and tables as its callers put them there, seen through Lake Formation.
//!
//! Names of databases, tables and columns are kept in lower case, as Glue does. Everything else in a table is
//! returned as it came. What a caller may not see is not listed, and asking for it by name tells, as on AWS, that
//! it exists: `AccessDeniedException` for what is hidden, `EntityNotFoundException` for what is not there.

mod databases;
mod tables;
mod unfiltered;

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::iam;
use crate::lakeformation::{Columns, PrincipalPermissions};
use crate::protocol::{ApiError, ErrorCode, epoch_seconds, input};
use crate::state::{ACCOUNT, Account, Caller, REGION, State};

/// A JSON object of the Glue API.
type Object = Map<String, Value>;

/// The databases by name.
#[derive(Default)]
pub(crate) struct Catalog(BTreeMap<String, Database>);

/// A database and its tables by name.
pub(crate) struct Database {
    attributes: Object,
    created: DateTime<Utc>,
    /// What everybody named here gets on tables made in this database.
    table_defaults: Vec<PrincipalPermissions>,
    tables: BTreeMap<String, Table>,
}

/// A table: what the API returns for it, and the parts that access decisions need.
pub(crate) struct Table {
    attributes: Object,
    columns: Vec<String>,
    partition_keys: Vec<String>,
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
    created_by: String,
    version: u64,
}

/// The full name of a table; both parts in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableName {
    pub(crate) database: String,
    pub(crate) table: String,
}

impl Catalog {
    /// # Errors
    /// `EntityNotFoundException`.
    pub(crate) fn database(&self, name: &str) -> Result<&Database, ApiError> {
        self.0.get(name).ok_or_else(|| database_missing(name))
    }

    fn database_mut(&mut self, name: &str) -> Result<&mut Database, ApiError> {
        self.0.get_mut(name).ok_or_else(|| database_missing(name))
    }

    /// # Errors
    /// `EntityNotFoundException` for the database or the table.
    pub(crate) fn table(&self, database: &str, name: &str) -> Result<&Table, ApiError> {
        self.database(database)?.tables.get(name).ok_or_else(|| table_missing(name))
    }
}

fn database_missing(name: &str) -> ApiError {
    ApiError::not_found(format!("Database {name} not found."))
}

fn table_missing(name: &str) -> ApiError {
    ApiError::not_found(format!("Table {name} not found."))
}

impl Table {
    pub(crate) fn columns(&self) -> Columns<'_> {
        Columns { data: &self.columns, partition_keys: &self.partition_keys }
    }

    /// The S3 URL of the table's files, as its maker wrote it.
    pub(crate) fn location(&self) -> Option<&str> {
        self.attributes.get("StorageDescriptor")?.get("Location")?.as_str()
    }

    /// The table as the API shows it, with every column and parameter.
    fn wire(&self, name: &TableName, is_registered: bool) -> Object {
        let mut wire = self.attributes.clone();
        wire.insert("DatabaseName".into(), json!(name.database));
        wire.insert("CatalogId".into(), json!(ACCOUNT));
        wire.insert("CreateTime".into(), json!(epoch_seconds(self.created)));
        wire.insert("UpdateTime".into(), json!(epoch_seconds(self.updated)));
        wire.insert("CreatedBy".into(), json!(self.created_by));
        wire.insert("VersionId".into(), json!(self.version.to_string()));
        wire.insert("IsRegisteredWithLakeFormation".into(), json!(is_registered));
        wire
    }
}

impl TableName {
    pub(crate) fn new(database: &str, table: &str) -> Self {
        Self { database: database.to_lowercase(), table: table.to_lowercase() }
    }

    /// Reads `arn:aws:glue:<region>:<account>:table/<database>/<table>` of this account and Region.
    ///
    /// # Errors
    /// `InvalidInputException` for any other text.
    pub(crate) fn from_arn(arn: &str) -> Result<Self, ApiError> {
        arn.strip_prefix(&format!("arn:aws:glue:{REGION}:{ACCOUNT}:table/"))
            .and_then(|path| path.split_once('/'))
            .filter(|(database, table)| !database.is_empty() && !table.is_empty() && !table.contains('/'))
            .map(|(database, table)| Self::new(database, table))
            .ok_or_else(|| {
                ApiError::invalid_input(format!("{arn} is not the ARN of a table of this account"))
            })
    }

    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:glue:{REGION}:{ACCOUNT}:table/{}/{}", self.database, self.table)
    }
}

/// Answers one Glue call.
///
/// # Errors
/// The refusal of the operation.
pub(crate) fn call(state: &State, caller: &Caller, operation: &str, body: &Bytes) -> Result<Value, ApiError> {
    let mut account = state.write();
    let account = &mut *account;
    require_own_catalog(body)?;
    match operation {
        "CreateDatabase" => databases::create(account, caller, input(body)?),
        "GetDatabase" => databases::get(account, caller, &input(body)?),
        "GetDatabases" => databases::list(account, caller, &input(body)?),
        "UpdateDatabase" => databases::update(account, caller, input(body)?),
        "DeleteDatabase" => databases::delete(account, caller, &input(body)?),
        "CreateTable" => tables::create(account, caller, input(body)?),
        "GetTable" => tables::get(account, caller, &input(body)?),
        "GetTables" => tables::list(account, caller, &input(body)?),
        "UpdateTable" => tables::update(account, caller, input(body)?),
        "DeleteTable" => tables::delete(account, caller, &input(body)?),
        "GetUnfilteredTableMetadata" => unfiltered::table_metadata(account, caller, &input(body)?),
        _ => {
            let text = format!("The sandbox has no operation glue:{operation}");
            Err(ApiError::new(ErrorCode::UnknownOperationException, text))
        }
    }
}

/// Refuses a call that names the catalog of another account.
///
/// # Errors
/// `EntityNotFoundException`; `InvalidInputException` when the body cannot be read.
pub(crate) fn require_own_catalog(body: &Bytes) -> Result<(), ApiError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct CatalogInput {
        catalog_id: Option<String>,
    }
    let named: CatalogInput = input(body)?;
    match named.catalog_id {
        Some(other) if other != ACCOUNT => Err(ApiError::not_found(format!("Catalog {other} not found."))),
        _ => Ok(()),
    }
}

/// Demands that IAM lets the caller do `operation` on the catalog, the database and, if one is named, the table.
fn authorize(
    account: &Account,
    caller: &Caller,
    operation: &str,
    database: Option<&str>,
    table: Option<&str>,
) -> Result<(), ApiError> {
    let mut resources = vec![format!("arn:aws:glue:{REGION}:{ACCOUNT}:catalog")];
    if let Some(database) = database {
        resources.push(format!("arn:aws:glue:{REGION}:{ACCOUNT}:database/{database}"));
        resources.extend(table.map(|table| TableName::new(database, table).arn()));
    }
    let resources: Vec<&str> = resources.iter().map(String::as_str).collect();
    iam::authorize(account, caller, &format!("glue:{operation}"), &resources)
}

/// The refusal of something that exists but is hidden from, or not permitted to, the caller.
fn insufficient(required: &str, on: &str) -> ApiError {
    ApiError::denied(format!("Insufficient Lake Formation permission(s): Required {required} on {on}"))
}

/// The lower-case name of a database or table input.
fn name_of(attributes: &Object) -> Result<String, ApiError> {
    let name = attributes.get("Name").and_then(Value::as_str).unwrap_or_default().to_lowercase();
    let fits = (1..=255).contains(&name.chars().count()) && !name.contains('/');
    if fits {
        Ok(name)
    } else {
        Err(ApiError::invalid_input("Name must have 1 to 255 characters and no slash"))
    }
}

/// Keeps the members of `attributes` that the API returns, and sets the name in lower case.
fn known_members(mut attributes: Object, known: &[&str], name: &str) -> Object {
    attributes.retain(|member, value| known.contains(&member.as_str()) && !value.is_null());
    attributes.insert("Name".into(), json!(name));
    attributes
}
