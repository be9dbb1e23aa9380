//! `GetTemporaryGlueTableCredentials`: keys that read one table's files and nothing else.
//!
//! The checks are those of the metadata call, since a key covers whole files: whoever cannot be trusted to filter
//! gets none. Keys only ever read; a request for anything beyond SELECT is refused.

use chrono::{DateTime, Duration, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::external::{QueryContext, claimed_enforcement, require_authorized_caller};
use super::locations::s3_path;
use super::permissions::Permission;
use super::{Enforcement, require_enforcement};
use crate::glue::TableName;
use crate::protocol::{ApiError, epoch_seconds};
use crate::state::{Account, Caller, Identity, TableScope};

const DEFAULT_SECONDS: i64 = 3600;
const LONGEST_SECONDS: i64 = 43200;
/// A role session that asks for keys is a role assuming a role, which AWS caps at one hour.
const LONGEST_CHAINED_SECONDS: i64 = 3600;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TableCredentialsInput {
    table_arn: String,
    #[serde(default)]
    permissions: Vec<Permission>,
    duration_seconds: Option<i64>,
    #[serde(default)]
    supported_permission_types: Vec<String>,
    query_session_context: Option<QueryContext>,
}

pub(super) fn table_credentials(
    account: &mut Account,
    caller: &Caller,
    input: &TableCredentialsInput,
    now: DateTime<Utc>,
) -> Result<Value, ApiError> {
    require_authorized_caller(account, caller)?;
    let claimed = claimed_enforcement(&input.supported_permission_types, true)?;
    let seconds = duration(caller, input.duration_seconds)?;
    if input.permissions.iter().any(|permission| *permission != Permission::Select) {
        return Err(ApiError::invalid_input("The sandbox vends keys for SELECT only"));
    }
    let name = TableName::from_arn(&input.table_arn)?;
    let principal = caller.principal();
    let (path, location_role) = readable_path(account, &principal, &name, claimed)?;
    account.governance.queries.authorize(input.query_session_context.as_ref(), &principal, &name)?;
    let (bucket, prefix) = path.split_once('/').unwrap_or((&path, ""));
    let scope = TableScope { bucket: bucket.to_owned(), prefix: prefix.to_owned(), principal, location_role };
    let key = account.keys.mint(Identity::Table(scope), now, Duration::seconds(seconds));
    Ok(json!({
        "AccessKeyId": key.access_key,
        "SecretAccessKey": key.secret,
        "SessionToken": key.session_token,
        "Expiration": epoch_seconds(key.expires),
        "VendedS3Path": [format!("s3://{path}")],
    }))
}

fn duration(caller: &Caller, asked: Option<i64>) -> Result<i64, ApiError> {
    let longest = if caller.role_session().is_some() { LONGEST_CHAINED_SECONDS } else { LONGEST_SECONDS };
    let seconds = asked.unwrap_or(DEFAULT_SECONDS);
    if (900..=longest).contains(&seconds) {
        return Ok(seconds);
    }
    Err(ApiError::invalid_input(format!("DurationSeconds must be between 900 and {longest} for this caller")))
}

/// `bucket/prefix` of the table and the role that reads it, if the principal may read some of it and the engine can enforce what is hidden.
fn readable_path(
    account: &Account,
    principal: &str,
    name: &TableName,
    claimed: Enforcement,
) -> Result<(String, String), ApiError> {
    let table = account.catalog.table(&name.database, &name.table)?;
    let answer = account.answer(principal, name)?;
    if answer.authorized_columns.is_empty() {
        return Err(ApiError::denied(format!(
            "Insufficient Lake Formation permission(s): Required Select on {}",
            name.table
        )));
    }
    require_enforcement(claimed, answer.requires)?;
    let not_registered =
        || ApiError::invalid_input("The location of the table is not registered with Lake Formation");
    let path = table.location().and_then(s3_path).ok_or_else(not_registered)?;
    let location = account.governance.location_of(&path).ok_or_else(not_registered)?;
    Ok((path, location.role_arn.clone()))
}
