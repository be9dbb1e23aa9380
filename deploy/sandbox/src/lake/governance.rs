//! The Lake Formation settings of the account, and the registration of the bucket.
//!
//! Three switches together let a third-party engine ask for policies; without any one of them every
//! such call is a bare AccessDenied. The default permissions are emptied because AWS ships them as
//! "every IAM principal may do everything", under which finer grants restrict nobody.

use aws_sdk_lakeformation::types::{DataLakePrincipal, DataLakeSettings};

use super::account::{ACCOUNT_ID, ADMINISTRATOR_ARN, Account, BUCKET, user_role_arn};
use super::error::SeedError;
use super::iam::{DATA_ACCESS_ROLE, SESSION_TAG_VALUE};

/// Reads the settings, changes what the lake needs and writes them back: the call replaces the whole
/// document, so a plain write would reset switches that this seeder does not know.
pub(super) async fn switch_on_external_filtering(account: &Account) -> Result<(), SeedError> {
    let current = account
        .lake_formation
        .get_data_lake_settings()
        .send()
        .await
        .map_err(|error| SeedError::from_sdk("lakeformation:GetDataLakeSettings", ACCOUNT_ID, error))?;
    let mut settings = current.data_lake_settings.unwrap_or_else(|| DataLakeSettings::builder().build());

    settings.data_lake_admins = Some(vec![principal(ADMINISTRATOR_ARN), principal(&user_role_arn("admin"))]);
    settings.create_database_default_permissions = Some(Vec::new());
    settings.create_table_default_permissions = Some(Vec::new());
    settings.allow_external_data_filtering = Some(true);
    settings.external_data_filtering_allow_list = Some(vec![principal(ACCOUNT_ID)]);
    settings.authorized_session_tag_value_list = Some(vec![SESSION_TAG_VALUE.to_owned()]);

    account
        .lake_formation
        .put_data_lake_settings()
        .data_lake_settings(settings)
        .send()
        .await
        .map_err(|error| SeedError::from_sdk("lakeformation:PutDataLakeSettings", ACCOUNT_ID, error))?;
    Ok(())
}

/// Puts the bucket under Lake Formation, which then vends credentials for its tables.
pub(super) async fn register_bucket(account: &Account) -> Result<(), SeedError> {
    account
        .lake_formation
        .register_resource()
        .resource_arn(format!("arn:aws:s3:::{BUCKET}"))
        .role_arn(format!("arn:aws:iam::{ACCOUNT_ID}:role/{DATA_ACCESS_ROLE}"))
        .send()
        .await
        .map_err(|error| SeedError::from_sdk("lakeformation:RegisterResource", BUCKET, error))?;
    Ok(())
}

/// A principal as Lake Formation names it: an ARN, or an account id.
pub(super) fn principal(identifier: &str) -> DataLakePrincipal {
    DataLakePrincipal::builder().data_lake_principal_identifier(identifier).build()
}
