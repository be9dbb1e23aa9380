//! Assuming roles: trust, external ids, tags, durations, chaining; and what IAM refuses to store.

use aws_sdk_sts::types::Tag;
use serde_json::json;

use crate::fixture::{
    CALLER_TAG, EXTERNAL_ID, Lake, SERVER_ARN, administrator, allow, code, engine_trust, role_arn, server,
    session, sts,
};

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().unwrap()
}

/// A role that every identity of the account may assume with any tag, and that may assume further roles.
async fn create_open_role(lake: &Lake, name: &str) {
    let trust = json!({"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Action": ["sts:AssumeRole", "sts:TagSession"]}]});
    lake.create_role(name, &trust, &allow(&["sts:*"])).await;
}

#[tokio::test]
async fn the_session_is_that_of_the_role() {
    let lake = Lake::new().await;
    let credentials = lake.engine_session("analyst").await;
    let identity = sts(&lake.endpoint(), credentials.clone()).get_caller_identity().send().await.unwrap();
    assert_eq!(identity.arn.as_deref(), Some("arn:aws:sts::123456789012:assumed-role/analyst/alice"));
    assert_eq!(identity.account.as_deref(), Some("123456789012"));
    let principal = lake.lake_formation_as(&credentials).get_data_lake_principal().send().await.unwrap();
    assert_eq!(principal.identity, Some(role_arn("analyst")));
}

#[tokio::test]
async fn the_trust_policy_decides_over_external_id_and_tags() {
    let lake = Lake::new().await;
    let assume = || lake.assume(server(), "analyst");
    assert_eq!(code(assume().send().await), "AccessDenied");
    assert_eq!(code(assume().external_id("another").send().await), "AccessDenied");
    assert!(assume().external_id(EXTERNAL_ID).send().await.is_ok());
    let tagged = |value: &str| assume().external_id(EXTERNAL_ID).tags(tag(CALLER_TAG, value));
    assert!(tagged("lakegate").send().await.is_ok());
    assert_eq!(code(tagged("another").send().await), "AccessDenied");
    let other_tag = assume().external_id(EXTERNAL_ID).tags(tag("team", "blue"));
    assert_eq!(code(other_tag.send().await), "AccessDenied");
}

#[tokio::test]
async fn only_the_trusted_principal_gets_in_and_a_missing_role_looks_like_a_closed_one() {
    let lake = Lake::new().await;
    let by_admin = lake.assume(administrator(), "analyst").external_id(EXTERNAL_ID);
    assert_eq!(code(by_admin.send().await), "AccessDenied");
    let missing = lake.assume(server(), "nobody").send().await;
    let text = missing.unwrap_err().into_service_error().to_string();
    assert!(
        text.contains(&format!(
            "not authorized to perform: sts:AssumeRole on resource: {}",
            role_arn("nobody")
        )) || text.contains("AccessDenied"),
        "{text}"
    );
}

#[tokio::test]
async fn the_caller_needs_the_right_to_assume_as_well() {
    let lake = Lake::new().await;
    create_open_role(&lake, "target").await;
    let session_of_analyst = lake.engine_session("analyst").await;
    assert_eq!(code(lake.assume(session_of_analyst, "target").send().await), "AccessDenied");
}

#[tokio::test]
async fn durations_are_bounded_by_the_api_the_role_and_chaining() {
    let lake = Lake::new().await;
    create_open_role(&lake, "target").await;
    let long = [("Action", "CreateRole"), ("RoleName", "long"), ("MaxSessionDuration", "43200")];
    let trust =
        json!({"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Action": "sts:AssumeRole"}]})
        .to_string();
    let mut parameters = long.to_vec();
    parameters.push(("AssumeRolePolicyDocument", &trust));
    assert!(lake.iam(&administrator(), &parameters).await.status.is_success());

    let seconds = |role: &'static str, seconds| lake.assume(server(), role).duration_seconds(seconds).send();
    assert_eq!(code(seconds("long", 899).await), "ValidationError");
    assert_eq!(code(seconds("long", 43201).await), "ValidationError");
    assert!(seconds("long", 43200).await.is_ok());
    assert_eq!(code(seconds("target", 3601).await), "ValidationError");

    let parent = session(lake.assume(server(), "target")).await;
    let chained = |seconds| lake.assume(parent.clone(), "long").duration_seconds(seconds).send();
    assert_eq!(code(chained(3601).await), "ValidationError");
    assert!(chained(3600).await.is_ok());
}

#[tokio::test]
async fn transitive_tags_are_inherited_and_cannot_be_passed_again() {
    let lake = Lake::new().await;
    create_open_role(&lake, "first").await;
    let trust = json!({"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Action": ["sts:AssumeRole", "sts:TagSession"]}]});
    lake.create_role("second", &trust, &allow(&["glue:*", "lakeformation:*"])).await;
    let first = lake.assume(server(), "first").tags(tag(CALLER_TAG, "lakegate")).tags(tag("team", "blue"));
    let first = session(first.transitive_tag_keys(CALLER_TAG)).await;
    let again = lake.assume(first.clone(), "second").tags(tag(CALLER_TAG, "lakegate"));
    assert_eq!(code(again.send().await), "ValidationError");
    let second = session(lake.assume(first, "second").tags(tag("team", "red"))).await;
    // The inherited caller tag makes the second session an authorised engine: the answer is about the table.
    let error = lake.metadata(&second, crate::fixture::CELL_FILTERS).await.unwrap_err().into_service_error();
    assert!(format!("{error:?}").contains("Required Describe on orders"), "{error:?}");
}

#[tokio::test]
async fn a_transitive_key_must_be_among_the_tags_and_tag_keys_ignore_case() {
    let lake = Lake::new().await;
    create_open_role(&lake, "first").await;
    let stray = lake.assume(server(), "first").transitive_tag_keys("team");
    assert_eq!(code(stray.send().await), "ValidationError");
    let twice = lake.assume(server(), "first").tags(tag("team", "a")).tags(tag("TEAM", "b"));
    assert_eq!(code(twice.send().await), "ValidationError");
}

#[tokio::test]
async fn session_policies_are_refused_rather_than_ignored() {
    let lake = Lake::new().await;
    let narrowed = lake.assume(server(), "analyst").external_id(EXTERNAL_ID).policy("{}");
    assert_eq!(code(narrowed.send().await), "ValidationError");
}

#[tokio::test]
async fn a_role_needs_get_data_access_and_glue_rights_of_its_own() {
    let lake = Lake::new().await;
    lake.grant(crate::fixture::table_resource(), aws_sdk_lakeformation::types::Permission::Select).await;
    let credentials = lake.engine_session("analyst").await;
    let vend = || {
        lake.lake_formation_as(&credentials)
            .get_temporary_glue_table_credentials()
            .table_arn(crate::fixture::TABLE_ARN)
            .send()
    };
    assert!(vend().await.is_ok());
    lake.put_role_policy("analyst", &allow(&["glue:GetUnfiltered*"])).await;
    assert_eq!(code(vend().await), "AccessDeniedException");
    let metadata = lake.metadata(&credentials, crate::fixture::CELL_FILTERS).await;
    assert_eq!(code(metadata), "AccessDeniedException");
}

#[tokio::test]
async fn only_the_administrator_calls_iam() {
    let lake = Lake::new().await;
    create_open_role(&lake, "target").await;
    lake.put_role_policy("target", &allow(&["*"])).await;
    let target = session(lake.assume(server(), "target")).await;
    for credentials in [server(), target] {
        let answer = lake.iam(&credentials, &[("Action", "GetRole"), ("RoleName", "target")]).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "AccessDenied"));
    }
}

#[tokio::test]
async fn roles_are_read_changed_and_deleted() {
    let lake = Lake::new().await;
    let iam = async |parameters: &[(&str, &str)]| lake.iam(&administrator(), parameters).await;
    let role = iam(&[("Action", "GetRole"), ("RoleName", "analyst")]).await;
    assert!(role.body.contains(&format!("<Arn>{}</Arn>", role_arn("analyst"))), "{role:?}");

    let closed = engine_trust().to_string().replace(EXTERNAL_ID, "changed");
    let update = [("Action", "UpdateAssumeRolePolicy"), ("RoleName", "analyst"), ("PolicyDocument", &closed)];
    assert!(iam(&update).await.status.is_success());
    assert_eq!(code(lake.assume(server(), "analyst").external_id(EXTERNAL_ID).send().await), "AccessDenied");

    assert!(iam(&[("Action", "DeleteRole"), ("RoleName", "analyst")]).await.status.is_success());
    let missing = iam(&[("Action", "GetRole"), ("RoleName", "analyst")]).await;
    assert_eq!((missing.status.as_u16(), missing.code().as_str()), (404, "NoSuchEntity"));
}

#[tokio::test]
async fn documents_that_cannot_be_enforced_are_not_stored() {
    let lake = Lake::new().await;
    let trust = format!(
        r#"{{"Statement": [{{"Effect": "Allow", "Principal": {{"AWS": "{SERVER_ARN}"}}, "Action": "sts:AssumeRole",
            "Condition": {{"IpAddress": {{"aws:SourceIp": "10.0.0.0/8"}}}}}}]}}"#
    );
    let create = [("Action", "CreateRole"), ("RoleName", "r"), ("AssumeRolePolicyDocument", &trust)];
    assert_eq!(lake.iam(&administrator(), &create).await.code(), "MalformedPolicyDocument");
    let policy = r#"{"Statement": [{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}]}"#;
    let put = [
        ("Action", "PutRolePolicy"),
        ("RoleName", "analyst"),
        ("PolicyName", "p"),
        ("PolicyDocument", policy),
    ];
    assert_eq!(lake.iam(&administrator(), &put).await.code(), "MalformedPolicyDocument");
}
