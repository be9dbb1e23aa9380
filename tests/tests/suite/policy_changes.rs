//! What happens when the account is not as it should be, or changes while sessions are open.

use aws_sdk_lakeformation::types::{
    DataLakePrincipal, DataLakeSettings, Permission, Resource, TableResource, TableWildcard,
};
use lakegate_tests::stack;
use tonic::Code;

use crate::support::{admin, login, refusal, rows, run, start_server, until, value};

const NO_CACHE: (&str, &str) = ("LAKEGATE__ACCESS__POLICY_TTL", "0s");

#[test]
fn a_revoked_grant_ends_access_within_the_policy_ttl() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[NO_CACHE]).await;
        let analyst = login(&server, "analyst").await;
        rows(&analyst, "select * from hr.departments").await.unwrap();
        let lakeformation = aws_sdk_lakeformation::Client::new(&admin(&sandbox).await);
        let all_tables = TableResource::builder()
            .database_name("hr")
            .table_wildcard(TableWildcard::builder().build())
            .build()
            .unwrap();
        let analyst_role = DataLakePrincipal::builder()
            .data_lake_principal_identifier("arn:aws:iam::123456789012:role/lakegate/analyst")
            .build();
        lakeformation
            .revoke_permissions()
            .principal(analyst_role)
            .resource(Resource::builder().table(all_tables).build())
            .permissions(Permission::Select)
            .send()
            .await
            .unwrap();
        assert!(rows(&analyst, "select * from hr.departments").await.is_err());
        assert_eq!(value(&analyst, "select count(*) from sales.region").await, "5");
    });
}

#[test]
fn with_external_filtering_switched_off_nothing_is_read_and_aws_is_not_quoted() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[NO_CACHE]).await;
        let lakeformation = aws_sdk_lakeformation::Client::new(&admin(&sandbox).await);
        let now = lakeformation.get_data_lake_settings().send().await.unwrap().data_lake_settings.unwrap();
        let off = DataLakeSettings::builder()
            .set_data_lake_admins(now.data_lake_admins)
            .allow_external_data_filtering(false)
            .build();
        lakeformation.put_data_lake_settings().data_lake_settings(off).send().await.unwrap();
        let analyst = login(&server, "analyst").await;
        let (code, text) = refusal(&analyst, "select * from hr.departments").await;
        assert_eq!(code, Code::NotFound);
        assert_eq!(text, "table not found or not granted: hr.departments");
        until("the operator's log says why", async || server.log().contains("AccessDenied")).await;
    });
}

#[test]
fn a_role_that_may_not_be_assumed_is_a_clear_error_without_its_arn() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[("LAKEGATE__IDENTITY__EXTERNAL_ID", "another-one")]).await;
        let analyst = login(&server, "analyst").await;
        let (code, text) = refusal(&analyst, "select * from hr.departments").await;
        assert_eq!(code, Code::PermissionDenied);
        assert!(text.contains("AWS role cannot be used") && !text.contains("arn:"), "{text}");
        assert_eq!(value(&analyst, "select 1").await, "1");
    });
}

#[test]
fn a_server_that_is_told_to_stop_ends_in_good_order() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[]).await;
        let analyst = login(&server, "analyst").await;
        rows(&analyst, "select * from hr.departments").await.unwrap();
        drop(analyst);
        assert!(server.terminate().unwrap().success());
    });
}

#[test]
fn a_session_that_aws_ends_early_is_renewed_for_the_next_query() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let mut server = start_server(&sandbox, &[NO_CACHE]).await;
        let analyst = login(&server, "analyst").await;
        rows(&analyst, "select * from hr.departments").await.unwrap();
        crate::support::expire_sessions(&sandbox).await;
        let first = rows(&analyst, "select count(*) from sales.region").await;
        assert!(first.is_err() || first.is_ok_and(|batches| batches[0].num_rows() == 1));
        assert_eq!(value(&analyst, "select count(*) from sales.region").await, "5");
        assert!(server.is_running());
    });
}
