//! Lake Formation: settings, registered locations, grants, data filters, and the vending of keys.
//!
//! [`Governance`] is the state of the service. What it means for one principal is decided in `permissions.rs` and
//! `answer.rs`, which are pure; the other files are operations around them. The sandbox stores row filters and
//! passes them on, but never evaluates one: that is the work of the engine under test.

mod answer;
mod external;
mod filters;
mod grants;
mod locations;
mod permissions;
mod resource;
mod settings;
mod vend;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde_json::{Value, json};

pub(crate) use answer::{Enforcement, TableAnswer};
pub(crate) use external::{
    QueryAuthorizations, QueryContext, claimed_enforcement, require_authorized_caller, require_enforcement,
};
pub(crate) use locations::{Location, s3_path};
pub(crate) use permissions::{Columns, DataFilter, Grant, Permission, Target, View, is_within};
pub(crate) use settings::{PrincipalPermissions, Settings};

use crate::glue::TableName;
use crate::iam;
use crate::protocol::{ApiError, ErrorCode, input};
use crate::state::{ACCOUNT, Account, Caller, State};
use permissions::IAM_ALLOWED_PRINCIPALS;

/// Everything that Lake Formation knows.
pub(crate) struct Governance {
    pub(crate) settings: Settings,
    pub(crate) grants: Vec<Grant>,
    pub(crate) filters: Vec<DataFilter>,
    /// Registered locations by `bucket` or `bucket/prefix`.
    pub(crate) locations: BTreeMap<String, Location>,
    pub(crate) queries: QueryAuthorizations,
}

impl Default for Governance {
    /// A fresh AWS account: any IAM principal may create databases, and whatever is created is open to all of them
    /// until an administrator changes the default permissions.
    fn default() -> Self {
        let open_catalog = Grant {
            principal: IAM_ALLOWED_PRINCIPALS.to_owned(),
            target: Target::Catalog,
            permissions: BTreeSet::from([Permission::CreateDatabase]),
            grantable: BTreeSet::new(),
        };
        Self {
            settings: Settings::initial(),
            grants: vec![open_catalog],
            filters: Vec::new(),
            locations: BTreeMap::new(),
            queries: QueryAuthorizations::default(),
        }
    }
}

impl Governance {
    pub(crate) fn view<'a>(&'a self, principal: &'a str) -> View<'a> {
        View { grants: &self.grants, filters: &self.filters, principal }
    }

    pub(crate) fn is_administrator(&self, principal: &str) -> bool {
        self.settings.administrators().any(|administrator| administrator == principal)
    }

    /// Administrators, read-only ones included, see all metadata; none of them sees data without a grant.
    pub(crate) fn reads_all_metadata(&self, principal: &str) -> bool {
        self.is_administrator(principal)
            || self.settings.read_only_administrators().any(|reader| reader == principal)
    }

    /// Adds a grant, merged into the one that the principal already has on the same target.
    pub(crate) fn add_grant(&mut self, added: Grant) {
        let same = |held: &&mut Grant| held.principal == added.principal && held.target == added.target;
        match self.grants.iter_mut().find(same) {
            Some(held) => {
                held.permissions.extend(added.permissions);
                held.grantable.extend(added.grantable);
            }
            None => self.grants.push(added),
        }
    }

    /// Gives the creator of `target` ALL with the grant option, as AWS does, and adds the default permissions.
    pub(crate) fn grant_on_creation(
        &mut self,
        creator: &str,
        target: &Target,
        defaults: &[PrincipalPermissions],
    ) {
        let all = BTreeSet::from([Permission::All]);
        let principal = creator.to_owned();
        self.add_grant(Grant { principal, target: target.clone(), permissions: all.clone(), grantable: all });
        for default in defaults {
            self.add_grant(Grant {
                principal: default.principal.identifier().to_owned(),
                target: target.clone(),
                permissions: default.permissions.iter().copied().collect(),
                grantable: BTreeSet::new(),
            });
        }
    }

    /// Forgets the grants on and the filters of a table that is dropped.
    pub(crate) fn forget_table(&mut self, in_database: &str, named: &str) {
        self.filters.retain(|filter| filter.database != in_database || filter.table != named);
        self.grants.retain(|grant| match &grant.target {
            Target::Table { database, table }
            | Target::Columns { database, table, .. }
            | Target::Filter { database, table, .. } => database != in_database || table != named,
            _ => true,
        });
    }

    /// Forgets everything that is granted on or in a database that is dropped.
    pub(crate) fn forget_database(&mut self, name: &str) {
        self.filters.retain(|filter| filter.database != name);
        self.grants.retain(|grant| grant.target.database() != Some(name));
    }

    /// The registered location that holds `path` (`bucket/prefix`), the longest if several do.
    pub(crate) fn location_of(&self, path: &str) -> Option<&Location> {
        let holding = self.locations.iter().filter(|(root, _)| is_within(path, root));
        holding.max_by_key(|(root, _)| root.len()).map(|(_, location)| location)
    }
}

impl Account {
    /// What `principal` may read of a table.
    ///
    /// # Errors
    /// `EntityNotFoundException` when there is no such table.
    pub(crate) fn answer(&self, principal: &str, name: &TableName) -> Result<TableAnswer, ApiError> {
        let columns = self.catalog.table(&name.database, &name.table)?.columns();
        let slices = self.governance.view(principal).slices(&name.database, &name.table, columns);
        Ok(TableAnswer::new(&slices, &columns.all()))
    }
}

/// Answers one Lake Formation call.
///
/// # Errors
/// The refusal of the operation.
pub(crate) fn call(state: &State, caller: &Caller, operation: &str, body: &Bytes) -> Result<Value, ApiError> {
    let mut account = state.write();
    let account = &mut *account;
    let action = match operation {
        "GetTemporaryGlueTableCredentials" => "lakeformation:GetDataAccess".to_owned(),
        _ => format!("lakeformation:{operation}"),
    };
    iam::authorize(account, caller, &action, &["*"])?;
    crate::glue::require_own_catalog(body)?;
    match operation {
        "GetDataLakeSettings" => settings::get(account),
        "PutDataLakeSettings" => settings::put(account, input(body)?),
        "GetDataLakePrincipal" => Ok(json!({"Identity": caller.principal()})),
        "RegisterResource" => locations::register(account, input(body)?),
        "DeregisterResource" => locations::deregister(account, &input(body)?),
        "DescribeResource" => locations::describe(account, &input(body)?),
        "ListResources" => locations::list(account, &input(body)?),
        "GrantPermissions" => grants::grant(account, caller, input(body)?),
        "RevokePermissions" => grants::revoke(account, caller, input(body)?),
        "BatchGrantPermissions" => grants::batch(account, caller, input(body)?, grants::grant),
        "BatchRevokePermissions" => grants::batch(account, caller, input(body)?, grants::revoke),
        "ListPermissions" => grants::list(account, caller, input(body)?),
        "CreateDataCellsFilter" => filters::create(account, caller, input(body)?),
        "UpdateDataCellsFilter" => filters::update(account, caller, input(body)?),
        "GetDataCellsFilter" => filters::get(account, caller, &input(body)?),
        "DeleteDataCellsFilter" => filters::delete(account, caller, &input(body)?),
        "ListDataCellsFilter" => filters::list(account, caller, &input(body)?),
        "GetTemporaryGlueTableCredentials" => {
            vend::table_credentials(account, caller, &input(body)?, state.clock.now())
        }
        _ => Err(ApiError::new(
            ErrorCode::UnknownOperationException,
            format!("The sandbox has no operation lakeformation:{operation}"),
        )),
    }
}

/// Refuses a principal that the account does not have.
///
/// # Errors
/// `InvalidInputException`, as Lake Formation answers a grant to a principal that IAM does not know.
fn require_principal(account: &Account, principal: &str) -> Result<(), ApiError> {
    let is_group = principal == IAM_ALLOWED_PRINCIPALS || principal == format!("{ACCOUNT}:IAMPrincipals");
    let is_user = crate::state::IamUser::ALL.iter().any(|user| user.arn() == principal);
    if is_group || is_user || account.roles.by_arn(principal).is_some() {
        return Ok(());
    }
    Err(ApiError::invalid_input(format!("Invalid principal, {principal}")))
}
