//! Granting, revoking and listing permissions.
//!
//! Administrators grant anything; everybody else what they hold with the grant option. A listing shows its caller
//! only what the caller may know: administrators everything, others their own grants and those they may pass on.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::permissions::{ColumnSelection, Grant, Permission, Target};
use super::resource::{self, Resource};
use super::settings::DataLakePrincipal;
use crate::protocol::{ApiError, page};
use crate::state::{Account, Caller};

/// A grant or a revocation on the wire.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Entry {
    #[serde(default)]
    id: Option<String>,
    principal: DataLakePrincipal,
    resource: Resource,
    permissions: BTreeSet<Permission>,
    #[serde(default)]
    permissions_with_grant_option: BTreeSet<Permission>,
    #[serde(default)]
    condition: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BatchInput {
    entries: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListInput {
    principal: Option<DataLakePrincipal>,
    resource: Option<Resource>,
    resource_type: Option<ResourceType>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum ResourceType {
    Catalog,
    Database,
    Table,
    DataLocation,
}

pub(super) fn grant(account: &mut Account, caller: &Caller, entry: Entry) -> Result<Value, ApiError> {
    let added = checked(account, caller, entry)?;
    super::require_principal(account, &added.principal)?;
    let is_partial = matches!(&added.target, Target::Columns { columns: ColumnSelection::AllExcept(out), .. }
        if !out.is_empty());
    if is_partial && !added.grantable.is_empty() {
        return Err(ApiError::invalid_input("Grant option is not supported with excluded columns"));
    }
    account.governance.add_grant(added);
    Ok(json!({}))
}

pub(super) fn revoke(account: &mut Account, caller: &Caller, entry: Entry) -> Result<Value, ApiError> {
    let revoked = checked(account, caller, entry)?;
    let mut found = false;
    for held in account.governance.grants.iter_mut().filter(|held| held.principal == revoked.principal) {
        found |= take_away(held, &revoked);
    }
    account.governance.grants.retain(|grant| !grant.permissions.is_empty() && !is_void(&grant.target));
    if found {
        return Ok(json!({}));
    }
    Err(ApiError::invalid_input(format!(
        "No permissions revoked. Grantee does not have: {:?}",
        revoked.permissions.union(&revoked.grantable).collect::<BTreeSet<_>>()
    )))
}

/// Removes from `held` what `revoked` names, and says whether anything was there to remove.
fn take_away(held: &mut Grant, revoked: &Grant) -> bool {
    if let (
        Target::Columns { database, table, columns: ColumnSelection::Only(names) },
        Target::Columns { database: in_database, table: named, columns: ColumnSelection::Only(out) },
    ) = (&mut held.target, &revoked.target)
        && *database == *in_database
        && *table == *named
    {
        let before = names.len();
        names.retain(|name| !out.contains(name));
        return names.len() < before;
    }
    if held.target != revoked.target {
        return false;
    }
    let before = held.permissions.len() + held.grantable.len();
    held.permissions.retain(|permission| !revoked.permissions.contains(permission));
    held.grantable.retain(|permission| {
        !revoked.permissions.contains(permission) && !revoked.grantable.contains(permission)
    });
    held.permissions.len() + held.grantable.len() < before
}

fn is_void(target: &Target) -> bool {
    matches!(target, Target::Columns { columns: ColumnSelection::Only(names), .. } if names.is_empty())
}

/// The grant that an entry describes, if the caller may make or take it back.
fn checked(account: &Account, caller: &Caller, entry: Entry) -> Result<Grant, ApiError> {
    if entry.condition.is_some() {
        return Err(ApiError::invalid_input("The sandbox does not implement conditions on grants"));
    }
    let target = entry.resource.target()?;
    let all: BTreeSet<Permission> =
        entry.permissions.union(&entry.permissions_with_grant_option).copied().collect();
    resource::require_applicable(&target, &all)?;
    if !entry.permissions_with_grant_option.is_subset(&entry.permissions) {
        return Err(ApiError::invalid_input("Grantable permissions must be a subset of the permissions"));
    }
    let principal = caller.principal();
    let governance = &account.governance;
    let view = governance.view(&principal);
    let may_grant = governance.is_administrator(&principal)
        || (!all.is_empty() && all.iter().all(|permission| view.may_grant(*permission, &target)));
    if !may_grant {
        return Err(ApiError::denied(
            "Insufficient Lake Formation permission(s): Required Grant on the resource",
        ));
    }
    resource::require_existing(account, &target)?;
    Ok(Grant {
        principal: entry.principal.identifier().to_owned(),
        target,
        permissions: entry.permissions,
        grantable: entry.permissions_with_grant_option,
    })
}

/// Applies `apply` to each entry on its own and reports those that failed.
pub(super) fn batch(
    account: &mut Account,
    caller: &Caller,
    input: BatchInput,
    apply: fn(&mut Account, &Caller, Entry) -> Result<Value, ApiError>,
) -> Result<Value, ApiError> {
    let mut failures = Vec::new();
    for wire in input.entries {
        let parsed = serde_json::from_value::<Entry>(wire.clone())
            .map_err(|error| ApiError::invalid_input(format!("Invalid entry: {error}")))
            .and_then(|entry| match entry.id {
                Some(_) => Ok(entry),
                None => Err(ApiError::invalid_input("Every entry of a batch needs an Id")),
            });
        if let Err(error) = parsed.and_then(|entry| apply(account, caller, entry)) {
            failures.push(json!({
                "RequestEntry": wire,
                "Error": {"ErrorCode": error.code.as_str(), "ErrorMessage": error.message},
            }));
        }
    }
    Ok(json!({"Failures": failures}))
}

pub(super) fn list(account: &Account, caller: &Caller, input: ListInput) -> Result<Value, ApiError> {
    let target = input.resource.map(Resource::target).transpose()?;
    if matches!(target, Some(Target::Columns { .. })) {
        return Err(ApiError::invalid_input("Resource does not support TableWithColumns"));
    }
    let wanted = |grant: &&Grant| {
        input.principal.as_ref().is_none_or(|principal| principal.identifier() == grant.principal)
            && target.as_ref().is_none_or(|target| is_listed_under(&grant.target, target))
            && input.resource_type.is_none_or(|kind| kind.includes(&grant.target))
    };
    let shown =
        account.governance.grants.iter().filter(wanted).filter(|grant| may_know(account, caller, grant));
    let entries: Vec<Value> = shown.map(wire).collect();
    let page = page(entries, input.max_results, input.next_token.as_deref(), 1000)?;
    Ok(json!({"PrincipalResourcePermissions": page.items, "NextToken": page.next_token}))
}

fn may_know(account: &Account, caller: &Caller, grant: &Grant) -> bool {
    let principal = caller.principal();
    let view = account.governance.view(&principal);
    account.governance.reads_all_metadata(&principal)
        || grant.principal == principal
        || grant.permissions.iter().any(|permission| view.may_grant(*permission, &grant.target))
}

/// A listing for a table shows also the grants on its columns and filters.
fn is_listed_under(grant: &Target, asked: &Target) -> bool {
    grant == asked || (matches!(asked, Target::Table { .. }) && asked.covers(grant))
}

impl ResourceType {
    fn includes(self, target: &Target) -> bool {
        let kind = match target {
            Target::Catalog => Self::Catalog,
            Target::Database { .. } => Self::Database,
            Target::DataLocation { .. } => Self::DataLocation,
            Target::Table { .. }
            | Target::AllTables { .. }
            | Target::Columns { .. }
            | Target::Filter { .. } => Self::Table,
        };
        self == kind
    }
}

fn wire(grant: &Grant) -> Value {
    json!({
        "Principal": {"DataLakePrincipalIdentifier": grant.principal},
        "Resource": resource::wire(&grant.target),
        "Permissions": grant.permissions,
        "PermissionsWithGrantOption": grant.grantable,
    })
}
