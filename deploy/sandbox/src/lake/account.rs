//! The account that is filled: its fixed names, and one client per service, all signing as the
//! sandbox administrator.
//!
//! The names repeat what the sandbox publishes instead of being imported from it. A seeder that
//! shared the server's constants could not notice that the two disagree.

use std::sync::Arc;

use aws_sdk_glue::config::{BehaviorVersion, Credentials, Region};
use object_store::ObjectStore;
use object_store::aws::AmazonS3Builder;

use super::error::SeedError;
use super::signed_request::SignedRequests;

pub(super) const ACCOUNT_ID: &str = "123456789012";
pub(super) const REGION: &str = "us-east-1";
pub(super) const BUCKET: &str = "lakegate-demo";
pub(super) const SALES: &str = "sales";
pub(super) const HR: &str = "hr";
pub(super) const ADMINISTRATOR_ARN: &str = "arn:aws:iam::123456789012:user/sandbox-admin";
pub(super) const SERVER_ARN: &str = "arn:aws:iam::123456789012:user/lakegate-server";

/// The users of the demo, each standing for the role of the same name.
pub(super) const DEMO_USERS: [&str; 7] =
    ["admin", "analyst", "eu_analyst", "support", "hr_partner", "auditor", "stranger"];

const ADMINISTRATOR_KEY: &str = "AKIASANDBOXADMIN0000";
const ADMINISTRATOR_SECRET: &str = "sandbox-admin-secret";

/// The role that stands for a demo user.
pub(super) fn user_role_arn(user: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT_ID}:role/lakegate/{user}")
}

/// The S3 location of a table, without a trailing slash.
pub(super) fn table_location(database: &str, table: &str) -> String {
    format!("s3://{BUCKET}/{database}/{table}")
}

/// Clients of one account at one endpoint.
pub(super) struct Account {
    pub(super) glue: aws_sdk_glue::Client,
    pub(super) lake_formation: aws_sdk_lakeformation::Client,
    pub(super) requests: SignedRequests,
    bucket_store: Arc<dyn ObjectStore>,
}

impl Account {
    /// Builds the clients; sends nothing.
    pub(super) fn connect(endpoint: &str) -> Result<Account, SeedError> {
        let credentials =
            Credentials::new(ADMINISTRATOR_KEY, ADMINISTRATOR_SECRET, None, None, "sandbox administrator");
        let requests = SignedRequests::new(endpoint, credentials.clone())?;
        // `new`, never `from_env`: a developer's own AWS variables must not redirect the writes.
        let bucket_store = AmazonS3Builder::new()
            .with_endpoint(endpoint)
            .with_allow_http(true)
            .with_virtual_hosted_style_request(false)
            .with_region(REGION)
            .with_bucket_name(BUCKET)
            .with_access_key_id(ADMINISTRATOR_KEY)
            .with_secret_access_key(ADMINISTRATOR_SECRET)
            .build()
            .map_err(SeedError::request)?;
        let glue = aws_sdk_glue::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(endpoint)
            .region(Region::new(REGION))
            .credentials_provider(credentials.clone())
            .build();
        let lake_formation = aws_sdk_lakeformation::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(endpoint)
            .region(Region::new(REGION))
            .credentials_provider(credentials)
            .build();
        Ok(Account {
            glue: aws_sdk_glue::Client::from_conf(glue),
            lake_formation: aws_sdk_lakeformation::Client::from_conf(lake_formation),
            requests,
            bucket_store: Arc::new(bucket_store),
        })
    }

    /// The store rooted at the bucket.
    pub(super) fn bucket_store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.bucket_store)
    }
}
