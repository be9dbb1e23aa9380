//! Data lake settings: administrators, default permissions, and which external engines are let in.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::permissions::{IAM_ALLOWED_PRINCIPALS, Permission};
use crate::protocol::{ApiError, ErrorCode};
use crate::state::{Account, IamUser};

/// A principal on the wire.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DataLakePrincipal {
    #[serde(default)]
    data_lake_principal_identifier: String,
}

/// Permissions that someone gets on whatever is created.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PrincipalPermissions {
    pub(crate) principal: DataLakePrincipal,
    pub(crate) permissions: Vec<Permission>,
}

/// The settings, in the shape they have on the wire. Putting settings replaces all of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Settings {
    data_lake_admins: Vec<DataLakePrincipal>,
    read_only_admins: Vec<DataLakePrincipal>,
    create_database_default_permissions: Vec<PrincipalPermissions>,
    create_table_default_permissions: Vec<PrincipalPermissions>,
    parameters: Map<String, Value>,
    trusted_resource_owners: Vec<String>,
    allow_external_data_filtering: bool,
    allow_full_table_external_data_access: bool,
    external_data_filtering_allow_list: Vec<DataLakePrincipal>,
    authorized_session_tag_value_list: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutInput {
    data_lake_settings: Settings,
}

impl DataLakePrincipal {
    pub(crate) fn new(identifier: impl Into<String>) -> Self {
        Self { data_lake_principal_identifier: identifier.into() }
    }

    pub(crate) fn identifier(&self) -> &str {
        &self.data_lake_principal_identifier
    }
}

impl Settings {
    /// The settings of a new account.
    pub(super) fn initial() -> Self {
        let open = vec![PrincipalPermissions {
            principal: DataLakePrincipal::new(IAM_ALLOWED_PRINCIPALS),
            permissions: vec![Permission::All],
        }];
        Self {
            data_lake_admins: vec![DataLakePrincipal::new(IamUser::Administrator.arn())],
            create_database_default_permissions: open.clone(),
            create_table_default_permissions: open,
            ..Self::default()
        }
    }

    pub(super) fn administrators(&self) -> impl Iterator<Item = &str> {
        self.data_lake_admins.iter().map(DataLakePrincipal::identifier)
    }

    pub(super) fn read_only_administrators(&self) -> impl Iterator<Item = &str> {
        self.read_only_admins.iter().map(DataLakePrincipal::identifier)
    }

    pub(crate) fn database_defaults(&self) -> &[PrincipalPermissions] {
        &self.create_database_default_permissions
    }

    pub(crate) fn table_defaults(&self) -> &[PrincipalPermissions] {
        &self.create_table_default_permissions
    }

    /// Whether engines of `account_id` whose session carries `tag_value` may read what they filter themselves.
    pub(super) fn admits_engine(&self, account_id: &str, tag_value: Option<&str>) -> bool {
        let is_listed = self
            .external_data_filtering_allow_list
            .iter()
            .any(|principal| principal.identifier() == account_id);
        let is_tagged =
            tag_value.is_some_and(|tag| self.authorized_session_tag_value_list.iter().any(|v| v == tag));
        self.allow_external_data_filtering && is_listed && is_tagged
    }
}

pub(super) fn get(account: &Account) -> Result<Value, ApiError> {
    Ok(json!({"DataLakeSettings": wire(&account.governance.settings)?}))
}

pub(super) fn put(account: &mut Account, input: PutInput) -> Result<Value, ApiError> {
    let limits = [
        input.data_lake_settings.data_lake_admins.len(),
        input.data_lake_settings.read_only_admins.len(),
        input.data_lake_settings.external_data_filtering_allow_list.len(),
    ];
    if limits.iter().any(|&length| length > 30) {
        return Err(ApiError::invalid_input("A list of principals in the settings has at most 30 members"));
    }
    account.governance.settings = input.data_lake_settings;
    Ok(json!({}))
}

/// Serialises what the sandbox itself holds, which cannot fail short of a defect.
pub(super) fn wire(value: &impl Serialize) -> Result<Value, ApiError> {
    serde_json::to_value(value)
        .map_err(|_| ApiError::new(ErrorCode::InternalFailure, "The answer cannot be encoded"))
}
