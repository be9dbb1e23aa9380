//! Lake Formation's credential vending, as the user's role.
//!
//! What AWS vends opens whole files under the table's prefix, rows and columns that the user may not see included;
//! AWS relies on the engine to filter. So these credentials are made only after a policy was read, carry the same
//! query authorisation id, and are refused when any member is missing: an expiry that cannot be read would be one
//! that never comes.

use std::time::SystemTime;

use aws_sdk_lakeformation::types::{AuditContext, Permission, PermissionType, QuerySessionContext};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::RoleClient;
use super::failure::{AwsFailure, FailureKind};
use crate::ids::{QueryId, Secret};

/// Longest life to ask for: a session that came from AssumeRole with a tag counts as role chaining, which AWS caps
/// at one hour.
const VENDED_SECONDS: i32 = 3600;

/// Credentials for the files of one table.
pub(crate) struct TableCredentials {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: Secret,
    pub(crate) session_token: Secret,
    pub(crate) expires_at: SystemTime,
    /// S3 locations that the credentials open, as AWS names them; may be empty.
    pub(crate) vended_paths: Vec<String>,
}

impl RoleClient {
    /// Asks for credentials to read one table.
    ///
    /// # Arguments
    /// * `query_authorization_id` - from the metadata answer that the policy was read from.
    /// * `audit_note` - shown in CloudTrail beside the call.
    ///
    /// # Errors
    /// An [`AwsFailure`]; also if any member of the answer is missing.
    pub(crate) async fn table_credentials(
        &self,
        table_arn: &str,
        query_id: QueryId,
        query_authorization_id: &str,
        audit_note: &str,
    ) -> Result<TableCredentials, AwsFailure> {
        self.session.credentials().await?;
        let context = QuerySessionContext::builder()
            .query_id(query_id.to_string())
            .query_authorization_id(query_authorization_id)
            .build();
        let audit = AuditContext::builder().additional_audit_context(audit_note).build();
        let answer = self
            .lakeformation
            .get_temporary_glue_table_credentials()
            .table_arn(table_arn)
            .permissions(Permission::Select)
            .supported_permission_types(PermissionType::CellFilterPermission)
            .duration_seconds(VENDED_SECONDS)
            .audit_context(audit)
            .query_session_context(context)
            .send()
            .await;
        let answer = self.checked("lakeformation:GetTemporaryGlueTableCredentials", answer).await?;
        let missing = |member: &str| {
            AwsFailure::new(
                FailureKind::Unknown,
                format!("GetTemporaryGlueTableCredentials answered without {member}"),
            )
        };
        let expiration = answer.expiration.ok_or_else(|| missing("Expiration"))?;
        Ok(TableCredentials {
            access_key_id: answer.access_key_id.ok_or_else(|| missing("AccessKeyId"))?,
            secret_access_key: Secret::new(
                answer.secret_access_key.ok_or_else(|| missing("SecretAccessKey"))?,
            ),
            session_token: Secret::new(answer.session_token.ok_or_else(|| missing("SessionToken"))?),
            expires_at: SystemTime::try_from(expiration).map_err(|_| missing("a readable Expiration"))?,
            vended_paths: answer.vended_s3_path.unwrap_or_default(),
        })
    }

    /// The ARN of a table in the catalog of `catalog_id`, in the partition of the user's role.
    pub(crate) fn table_arn(&self, catalog_id: &str, database: &str, table: &str) -> String {
        let partition = self.session.role().partition();
        format!("arn:{partition}:glue:{}:{catalog_id}:table/{database}/{table}", self.region)
    }

    /// Classifies a call's result, and drops the role's session when AWS no longer accepts it.
    pub(super) async fn checked<T, E>(
        &self,
        operation: &'static str,
        answer: Result<T, SdkError<E, HttpResponse>>,
    ) -> Result<T, AwsFailure>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        match answer {
            Ok(value) => Ok(value),
            Err(error) => {
                let failure = AwsFailure::from_sdk(operation, error);
                if failure.kind() == FailureKind::SessionExpired {
                    self.session.discard().await;
                }
                Err(failure)
            }
        }
    }
}
