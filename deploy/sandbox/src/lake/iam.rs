//! The bucket and the roles.
//!
//! Each demo user is one role. Its trust policy is the whole boundary between "may use Lakegate" and
//! "is a trusted query engine": whoever may assume it *with the session tag* receives unfiltered
//! schemas and whole-file credentials. So the server may assume it only with the external id, and may
//! tag the session only with the one value that Lake Formation knows. The roles hold no S3 right:
//! data is reached with credentials that Lake Formation vends, or not at all.

use serde_json::{Value, json};

use super::account::{Account, BUCKET, DEMO_USERS, SERVER_ARN};
use super::error::SeedError;

/// The role with which Lake Formation reads the registered bucket.
pub(super) const DATA_ACCESS_ROLE: &str = "LakegateDataAccess";

/// The value of session tag `LakeFormationAuthorizedCaller` that marks Lakegate's sessions.
pub(super) const SESSION_TAG_VALUE: &str = "lakegate";

const EXTERNAL_ID: &str = "lakegate-demo";
const POLICY_VERSION: &str = "2012-10-17";

/// Creates the bucket. An account that has it was seeded before.
pub(super) async fn create_bucket(account: &Account) -> Result<(), SeedError> {
    account.requests.create_bucket(BUCKET).await
}

/// Creates the data access role and one role per demo user.
pub(super) async fn create_roles(account: &Account) -> Result<(), SeedError> {
    create_role(account, "/", DATA_ACCESS_ROLE, &data_access_trust(), &data_access_policy()).await?;
    for user in DEMO_USERS {
        create_role(account, "/lakegate/", user, &user_trust(), &user_policy()).await?;
    }
    Ok(())
}

async fn create_role(
    account: &Account,
    path: &str,
    name: &str,
    trust: &Value,
    policy: &Value,
) -> Result<(), SeedError> {
    let trust = trust.to_string();
    let role = [("Path", path), ("RoleName", name), ("AssumeRolePolicyDocument", &trust)];
    account.requests.iam("iam:CreateRole", "CreateRole", name, &role).await?;

    let policy = policy.to_string();
    let inline = [("RoleName", name), ("PolicyName", "lakegate"), ("PolicyDocument", &policy)];
    account.requests.iam("iam:PutRolePolicy", "PutRolePolicy", name, &inline).await
}

fn user_trust() -> Value {
    json!({
        "Version": POLICY_VERSION,
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": { "AWS": SERVER_ARN },
                "Action": "sts:AssumeRole",
                "Condition": { "StringEquals": { "sts:ExternalId": EXTERNAL_ID } },
            },
            {
                "Effect": "Allow",
                "Principal": { "AWS": SERVER_ARN },
                "Action": "sts:TagSession",
                "Condition": {
                    "StringEquals": { "aws:RequestTag/LakeFormationAuthorizedCaller": SESSION_TAG_VALUE },
                },
            },
        ],
    })
}

fn user_policy() -> Value {
    json!({
        "Version": POLICY_VERSION,
        "Statement": [{
            "Effect": "Allow",
            "Action": [
                "lakeformation:GetDataAccess",
                "glue:GetTable*",
                "glue:GetDatabase*",
                "glue:GetPartition*",
                "glue:GetUnfiltered*",
            ],
            "Resource": "*",
        }],
    })
}

fn data_access_trust() -> Value {
    json!({
        "Version": POLICY_VERSION,
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": "lakeformation.amazonaws.com" },
            "Action": "sts:AssumeRole",
        }],
    })
}

fn data_access_policy() -> Value {
    json!({
        "Version": POLICY_VERSION,
        "Statement": [
            { "Effect": "Allow", "Action": "s3:ListBucket", "Resource": format!("arn:aws:s3:::{BUCKET}") },
            { "Effect": "Allow", "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{BUCKET}/*") },
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_server_may_assume_a_users_role_and_only_under_a_condition() {
        let trust = user_trust();
        let statements = trust["Statement"].as_array().cloned().unwrap_or_default();
        assert_eq!(statements.len(), 2);
        for statement in statements {
            assert_eq!(statement["Principal"], json!({ "AWS": SERVER_ARN }));
            assert!(statement["Condition"]["StringEquals"].is_object(), "{statement}");
        }
    }

    #[test]
    fn a_users_role_has_no_right_to_s3() {
        assert!(!user_policy().to_string().contains("s3:"));
    }
}
