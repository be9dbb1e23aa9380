//! Registered locations: the S3 paths for which Lake Formation may vend keys.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::protocol::{ApiError, ErrorCode, epoch_seconds, page};
use crate::state::Account;

/// A registered location.
pub(crate) struct Location {
    /// The role as which the files are read.
    pub(super) role_arn: String,
    registered: DateTime<Utc>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RegisterInput {
    resource_arn: String,
    role_arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ResourceInput {
    resource_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListInput {
    max_results: Option<i64>,
    next_token: Option<String>,
}

/// `bucket` or `bucket/prefix` of an `s3://` (also `s3a://`, `s3n://`) URL; `None` for anything else.
pub(crate) fn s3_path(url: &str) -> Option<String> {
    let rest = ["s3://", "s3a://", "s3n://"].iter().find_map(|scheme| url.strip_prefix(scheme))?;
    non_empty_path(rest)
}

/// `bucket` or `bucket/prefix` of an S3 ARN.
pub(super) fn path_of_arn(arn: &str) -> Result<String, ApiError> {
    arn.strip_prefix("arn:aws:s3:::")
        .and_then(non_empty_path)
        .ok_or_else(|| ApiError::invalid_input(format!("{arn} is not the ARN of an S3 location")))
}

fn non_empty_path(text: &str) -> Option<String> {
    let path = text.trim_end_matches('/');
    let is_named = path.split('/').next().is_some_and(|bucket| !bucket.is_empty());
    is_named.then(|| path.to_owned())
}

pub(super) fn register(account: &mut Account, input: RegisterInput) -> Result<Value, ApiError> {
    let path = path_of_arn(&input.resource_arn)?;
    let role_arn = input.role_arn.unwrap_or_default();
    if account.roles.by_arn(&role_arn).is_none() {
        return Err(ApiError::invalid_input(format!("The role {role_arn} to register with does not exist")));
    }
    if account.governance.locations.contains_key(&path) {
        return Err(ApiError::new(ErrorCode::AlreadyExistsException, "Resource is already registered"));
    }
    account.governance.locations.insert(path, Location { role_arn, registered: Utc::now() });
    Ok(json!({}))
}

pub(super) fn deregister(account: &mut Account, input: &ResourceInput) -> Result<Value, ApiError> {
    let path = path_of_arn(&input.resource_arn)?;
    account.governance.locations.remove(&path).ok_or_else(not_registered)?;
    Ok(json!({}))
}

pub(super) fn describe(account: &Account, input: &ResourceInput) -> Result<Value, ApiError> {
    let path = path_of_arn(&input.resource_arn)?;
    let location = account.governance.locations.get(&path).ok_or_else(not_registered)?;
    Ok(json!({"ResourceInfo": location.wire(&path)}))
}

pub(super) fn list(account: &Account, input: &ListInput) -> Result<Value, ApiError> {
    let all = account.governance.locations.iter().map(|(path, location)| location.wire(path)).collect();
    let page = page(all, input.max_results, input.next_token.as_deref(), 1000)?;
    Ok(json!({"ResourceInfoList": page.items, "NextToken": page.next_token}))
}

fn not_registered() -> ApiError {
    ApiError::not_found("Entity not found: the resource is not registered")
}

impl Location {
    fn wire(&self, path: &str) -> Value {
        json!({
            "ResourceArn": format!("arn:aws:s3:::{path}"),
            "RoleArn": self.role_arn,
            "LastModified": epoch_seconds(self.registered),
        })
    }
}
