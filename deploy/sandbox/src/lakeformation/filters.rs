//! Data cells filters: a row expression and a choice of columns, granted like any other resource.
//!
//! The expression is kept as text; that it parses is not checked here, since the engine has to fail safely on
//! whatever it is sent.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::permissions::{DataFilter, Permission, Rows, Target};
use super::resource::{self, WireColumns};
use crate::protocol::{ApiError, ErrorCode, page};
use crate::state::{ACCOUNT, Account, Caller};

const LONGEST_EXPRESSION: usize = 2048;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct WriteInput {
    table_data: WireFilter,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireFilter {
    database_name: String,
    table_name: String,
    name: String,
    row_filter: Option<WireRows>,
    #[serde(flatten)]
    columns: WireColumns,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireRows {
    filter_expression: Option<String>,
    all_rows_wildcard: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NamedInput {
    database_name: String,
    table_name: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListInput {
    table: Option<ListedTable>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedTable {
    database_name: String,
    name: Option<String>,
}

impl WireFilter {
    fn checked(self, account: &Account) -> Result<DataFilter, ApiError> {
        let (database, table) = (self.database_name.to_lowercase(), self.table_name.to_lowercase());
        let columns = self.columns.selection()?;
        resource::require_columns(account, &database, &table, &columns)?;
        let rows = self.row_filter.map_or(Err(rows_missing()), WireRows::checked)?;
        Ok(DataFilter {
            database,
            table,
            name: self.name,
            rows,
            columns,
            version: Uuid::new_v4().to_string(),
        })
    }
}

impl WireRows {
    fn checked(self) -> Result<Rows, ApiError> {
        match (self.filter_expression, self.all_rows_wildcard) {
            (None, Some(_)) => Ok(Rows::All),
            (Some(text), None) if text.chars().count() > LONGEST_EXPRESSION => {
                Err(ApiError::invalid_input("A filter expression has at most 2048 characters"))
            }
            (Some(text), None) if !text.trim().is_empty() => Ok(Rows::Matching(text)),
            _ => Err(rows_missing()),
        }
    }
}

fn rows_missing() -> ApiError {
    ApiError::invalid_input("Exactly one of FilterExpression and AllRowsWildcard must be given")
}

pub(super) fn create(account: &mut Account, caller: &Caller, input: WriteInput) -> Result<Value, ApiError> {
    let filter = input.table_data.checked(account)?;
    require_author(account, caller, &filter.database, &filter.table)?;
    if position(account, &filter.database, &filter.table, &filter.name).is_some() {
        return Err(ApiError::new(ErrorCode::AlreadyExistsException, "Data cells filter already exists"));
    }
    account.governance.filters.push(filter);
    Ok(json!({}))
}

pub(super) fn update(account: &mut Account, caller: &Caller, input: WriteInput) -> Result<Value, ApiError> {
    let filter = input.table_data.checked(account)?;
    require_author(account, caller, &filter.database, &filter.table)?;
    let at = position(account, &filter.database, &filter.table, &filter.name).ok_or_else(not_found)?;
    account.governance.filters[at] = filter;
    Ok(json!({}))
}

pub(super) fn get(account: &Account, caller: &Caller, input: &NamedInput) -> Result<Value, ApiError> {
    let (database, table) = (input.database_name.to_lowercase(), input.table_name.to_lowercase());
    let filter = find(account, &database, &table, &input.name)?;
    if !may_describe(account, caller, filter) {
        return Err(ApiError::denied("Insufficient Lake Formation permission(s) on the data cells filter"));
    }
    Ok(json!({"DataCellsFilter": wire(filter)}))
}

pub(super) fn delete(account: &mut Account, caller: &Caller, input: &NamedInput) -> Result<Value, ApiError> {
    let (database, table) = (input.database_name.to_lowercase(), input.table_name.to_lowercase());
    let target =
        Target::Filter { database: database.clone(), table: table.clone(), name: input.name.clone() };
    let principal = caller.principal();
    if !account.governance.view(&principal).holds(Permission::Drop, &target) {
        require_author(account, caller, &database, &table)?;
    }
    let at = position(account, &database, &table, &input.name).ok_or_else(not_found)?;
    account.governance.filters.remove(at);
    account.governance.grants.retain(|grant| grant.target != target);
    Ok(json!({}))
}

pub(super) fn list(account: &Account, caller: &Caller, input: &ListInput) -> Result<Value, ApiError> {
    let is_asked_for = |filter: &&DataFilter| {
        input.table.as_ref().is_none_or(|asked| {
            asked.database_name.to_lowercase() == filter.database
                && asked.name.as_ref().is_none_or(|name| name.to_lowercase() == filter.table)
        })
    };
    let filters = account.governance.filters.iter().filter(is_asked_for);
    let shown = filters.filter(|filter| may_describe(account, caller, filter)).map(wire).collect();
    let page = page(shown, input.max_results, input.next_token.as_deref(), 1000)?;
    Ok(json!({"DataCellsFilters": page.items, "NextToken": page.next_token}))
}

/// The filter of that name on that table.
///
/// # Errors
/// `EntityNotFoundException`.
pub(super) fn find<'a>(
    account: &'a Account,
    database: &str,
    table: &str,
    name: &str,
) -> Result<&'a DataFilter, ApiError> {
    let at = position(account, database, table, name).ok_or_else(not_found)?;
    Ok(&account.governance.filters[at])
}

fn position(account: &Account, database: &str, table: &str, name: &str) -> Option<usize> {
    let is_it =
        |filter: &DataFilter| filter.database == database && filter.table == table && filter.name == name;
    account.governance.filters.iter().position(is_it)
}

fn not_found() -> ApiError {
    ApiError::not_found("Data cells filter not found")
}

/// Filters are made by those who may grant SELECT on the whole table.
fn require_author(account: &Account, caller: &Caller, database: &str, table: &str) -> Result<(), ApiError> {
    let principal = caller.principal();
    let target = Target::Table { database: database.to_owned(), table: table.to_owned() };
    let may = account.governance.is_administrator(&principal)
        || account.governance.view(&principal).may_grant(Permission::Select, &target);
    if may {
        Ok(())
    } else {
        Err(ApiError::denied("Insufficient Lake Formation permission(s): Required Grant Select"))
    }
}

fn may_describe(account: &Account, caller: &Caller, filter: &DataFilter) -> bool {
    let principal = caller.principal();
    let view = account.governance.view(&principal);
    let (database, table) = (filter.database.clone(), filter.table.clone());
    let on_filter =
        Target::Filter { database: database.clone(), table: table.clone(), name: filter.name.clone() };
    account.governance.reads_all_metadata(&principal)
        || view.may_grant(Permission::Select, &Target::Table { database, table })
        || view.grants.iter().any(|grant| {
            grant.principal == principal
                && grant.target == on_filter
                && grant.permissions.contains(&Permission::Describe)
        })
}

fn wire(filter: &DataFilter) -> Value {
    let rows = match &filter.rows {
        Rows::All => json!({"AllRowsWildcard": {}}),
        Rows::Matching(expression) => json!({"FilterExpression": expression}),
    };
    let mut members = WireColumns::of(&filter.columns).wire();
    members.insert("TableCatalogId".to_owned(), json!(ACCOUNT));
    members.insert("DatabaseName".to_owned(), json!(filter.database));
    members.insert("TableName".to_owned(), json!(filter.table));
    members.insert("Name".to_owned(), json!(filter.name));
    members.insert("RowFilter".to_owned(), rows);
    members.insert("VersionId".to_owned(), json!(filter.version));
    Value::Object(members)
}
