//! `GetUnfilteredTableMetadata`: who is answered, and with which columns and filters.

use aws_sdk_glue::operation::get_unfiltered_table_metadata::GetUnfilteredTableMetadataOutput;
use aws_sdk_glue::types::PermissionType;
use aws_sdk_lakeformation::types::Permission;

use crate::fixture::{
    ACCOUNT, CELL_FILTERS, Lake, all_tables_resource, code, columns_resource, database_resource, principal,
    table_resource,
};

fn cells(answer: &GetUnfilteredTableMetadataOutput) -> Vec<(&str, &str)> {
    let filters = answer.cell_filters.as_deref().unwrap_or_default();
    filters
        .iter()
        .map(|filter| (filter.column_name().unwrap(), filter.row_filter_expression().unwrap()))
        .collect()
}

fn columns(answer: &GetUnfilteredTableMetadataOutput) -> Vec<String> {
    answer.authorized_columns.clone().unwrap()
}

#[tokio::test]
async fn nothing_granted_is_nothing_told() {
    let lake = Lake::new().await;
    let session = lake.engine_session("analyst").await;
    assert_eq!(code(lake.metadata(&session, CELL_FILTERS).await), "AccessDeniedException");
}

#[tokio::test]
async fn a_full_grant_answers_true_for_every_column_in_alphabetical_order() {
    let lake = Lake::new().await;
    lake.grant(table_resource(), Permission::Select).await;
    let session = lake.engine_session("analyst").await;
    let answer = lake.metadata(&session, PermissionType::ColumnPermission).await.unwrap();
    assert_eq!(columns(&answer), ["amount", "id", "region"]);
    assert_eq!(answer.row_filter.as_deref(), Some("TRUE"));
    assert_eq!(cells(&answer), [("amount", "TRUE"), ("id", "TRUE"), ("region", "TRUE")]);
    assert!(answer.is_registered_with_lake_formation);
    assert!(answer.query_authorization_id.is_some());
}

#[tokio::test]
async fn the_table_is_whole_whatever_is_granted() {
    let lake = Lake::new().await;
    lake.grant(columns_resource(&["id"], &[]), Permission::Select).await;
    let session = lake.engine_session("analyst").await;
    let answer = lake.metadata(&session, PermissionType::ColumnPermission).await.unwrap();
    assert_eq!(columns(&answer), ["id"]);
    let table = answer.table.unwrap();
    assert_eq!(table.storage_descriptor.unwrap().columns.unwrap().len(), 3);
    assert!(table.parameters.unwrap().contains_key("spark.sql.sources.schema"));
}

#[tokio::test]
async fn every_kind_of_grant_has_its_effect() {
    let cases = [
        (all_tables_resource(), Permission::Select, vec!["amount", "id", "region"]),
        (table_resource(), Permission::All, vec!["amount", "id", "region"]),
        (columns_resource(&["Region"], &[]), Permission::Select, vec!["region"]),
        (columns_resource(&[], &["region"]), Permission::Select, vec!["amount", "id"]),
        (columns_resource(&[], &[]), Permission::Select, vec!["amount", "id", "region"]),
        (table_resource(), Permission::Describe, vec![]),
        (table_resource(), Permission::Insert, vec![]),
    ];
    for (resource, permission, expected) in cases {
        let lake = Lake::new().await;
        lake.grant(resource.clone(), permission).await;
        let session = lake.engine_session("analyst").await;
        let answer = lake.metadata(&session, CELL_FILTERS).await.unwrap();
        assert_eq!(columns(&answer), expected, "{resource:?}");
    }
}

#[tokio::test]
async fn a_grant_on_the_database_does_not_reach_its_tables() {
    let lake = Lake::new().await;
    lake.grant(database_resource("sales"), Permission::All).await;
    let session = lake.engine_session("analyst").await;
    assert_eq!(code(lake.metadata(&session, CELL_FILTERS).await), "AccessDeniedException");
}

#[tokio::test]
async fn describe_only_shows_the_table_without_any_filter() {
    let lake = Lake::new().await;
    lake.grant(table_resource(), Permission::Describe).await;
    let session = lake.engine_session("analyst").await;
    let answer = lake.metadata(&session, CELL_FILTERS).await.unwrap();
    assert_eq!(answer.authorized_columns, Some(Vec::new()));
    assert_eq!((answer.row_filter, answer.cell_filters), (None, None));
}

#[tokio::test]
async fn one_filter_applies_to_each_of_its_columns() {
    let lake = Lake::new().await;
    lake.grant_filter("us", Some("region = 'us'"), &[]).await;
    let session = lake.engine_session("analyst").await;
    let answer = lake.metadata(&session, CELL_FILTERS).await.unwrap();
    assert_eq!(answer.row_filter.as_deref(), Some("region = 'us'"));
    let filter = "region = 'us'";
    assert_eq!(cells(&answer), [("amount", filter), ("id", filter), ("region", filter)]);
}

#[tokio::test]
async fn filters_on_different_columns_are_joined_per_column() {
    let lake = Lake::new().await;
    lake.grant_filter("us", Some("region = 'us'"), &["id", "amount"]).await;
    lake.grant_filter("small", Some("amount < 5"), &["id", "region"]).await;
    let session = lake.engine_session("analyst").await;
    let answer = lake.metadata(&session, CELL_FILTERS).await.unwrap();
    let both = "(region = 'us') OR (amount < 5)";
    assert_eq!(answer.row_filter.as_deref(), Some(both));
    assert_eq!(cells(&answer), [("amount", "region = 'us'"), ("id", both), ("region", "amount < 5")]);
}

#[tokio::test]
async fn a_full_grant_beside_a_filter_swallows_it() {
    let lake = Lake::new().await;
    lake.grant_filter("us", Some("region = 'us'"), &[]).await;
    lake.grant(table_resource(), Permission::Select).await;
    let session = lake.engine_session("analyst").await;
    let answer = lake.metadata(&session, PermissionType::ColumnPermission).await.unwrap();
    assert_eq!(answer.row_filter.as_deref(), Some("TRUE"));
}

#[tokio::test]
async fn an_all_rows_filter_is_a_column_limit() {
    let lake = Lake::new().await;
    lake.grant_filter("wide", None, &["id"]).await;
    let session = lake.engine_session("analyst").await;
    let answer = lake.metadata(&session, PermissionType::ColumnPermission).await.unwrap();
    assert_eq!(cells(&answer), [("id", "TRUE")]);
}

#[tokio::test]
async fn an_engine_that_cannot_enforce_the_policy_is_told_nothing() {
    let lake = Lake::new().await;
    lake.grant_filter("us", Some("region = 'us'"), &[]).await;
    let session = lake.engine_session("analyst").await;
    let low = lake.metadata(&session, PermissionType::ColumnPermission).await;
    assert_eq!(code(low), "PermissionTypeMismatchException");
    for high in [CELL_FILTERS, PermissionType::NestedPermission, PermissionType::NestedCellPermission] {
        assert!(lake.metadata(&session, high).await.is_ok());
    }
}

#[tokio::test]
async fn exactly_one_permission_type_may_be_claimed() {
    let lake = Lake::new().await;
    lake.grant(table_resource(), Permission::Select).await;
    let session = lake.engine_session("analyst").await;
    let claims = |types: Vec<PermissionType>| {
        lake.glue_as(&session)
            .get_unfiltered_table_metadata()
            .catalog_id(ACCOUNT)
            .database_name("sales")
            .name("orders")
            .set_supported_permission_types(Some(types))
            .send()
    };
    assert!(claims(vec![CELL_FILTERS]).await.is_ok());
    let two = claims(vec![CELL_FILTERS, PermissionType::ColumnPermission]).await;
    assert!(format!("{two:?}").contains("DATA_LOCATION_PERMISSION"), "{two:?}");
    assert_eq!(code(two), "InvalidInputException");
    assert_eq!(code(claims(vec![PermissionType::from("OTHER")]).await), "InvalidInputException");
}

#[tokio::test]
async fn only_a_tagged_session_in_an_account_that_lets_engines_in_is_answered() {
    let lake = Lake::new().await;
    lake.grant(table_resource(), Permission::Select).await;
    let session = lake.engine_session("analyst").await;
    assert!(lake.metadata(&session, CELL_FILTERS).await.is_ok());

    let untagged = lake.untagged_session("analyst").await;
    let refused = lake.metadata(&untagged, CELL_FILTERS).await.unwrap_err().into_service_error();
    let meta = aws_sdk_glue::error::ProvideErrorMetadata::meta(&refused);
    assert_eq!((meta.code(), meta.message()), (Some("AccessDeniedException"), None));

    lake.put_settings(true, &["another-engine"]).await;
    assert_eq!(code(lake.metadata(&session, CELL_FILTERS).await), "AccessDeniedException");
    lake.put_settings(false, &["lakegate"]).await;
    assert_eq!(code(lake.metadata(&session, CELL_FILTERS).await), "AccessDeniedException");
    lake.put_settings(true, &["lakegate"]).await;
    assert!(lake.metadata(&session, CELL_FILTERS).await.is_ok());
}

#[tokio::test]
async fn a_query_authorization_belongs_to_its_principal_and_table() {
    let lake = Lake::new().await;
    lake.grant(table_resource(), Permission::Select).await;
    lake.create_role("other", &crate::fixture::engine_trust(), &crate::fixture::allow(&["glue:Get*"])).await;
    lake.lake_formation
        .grant_permissions()
        .principal(principal(&crate::fixture::role_arn("other")))
        .resource(table_resource())
        .permissions(Permission::Select)
        .send()
        .await
        .unwrap();
    let session = lake.engine_session("analyst").await;
    let id = lake.metadata(&session, CELL_FILTERS).await.unwrap().query_authorization_id.unwrap();
    let echoed = lake.metadata_in(&session, CELL_FILTERS, Some(&id)).await.unwrap();
    assert_eq!(echoed.query_authorization_id.as_deref(), Some(id.as_str()));
    let fresh = lake.metadata(&session, CELL_FILTERS).await.unwrap();
    assert_ne!(fresh.query_authorization_id.as_deref(), Some(id.as_str()));

    let other = lake.engine_session("other").await;
    assert_eq!(code(lake.metadata_in(&other, CELL_FILTERS, Some(&id)).await), "InvalidInputException");
    assert_eq!(
        code(lake.metadata_in(&session, CELL_FILTERS, Some("made-up")).await),
        "InvalidInputException"
    );
}

#[tokio::test]
async fn a_table_open_to_all_iam_principals_is_open_to_the_engine() {
    let lake = Lake::new().await;
    lake.lake_formation
        .grant_permissions()
        .principal(principal("IAM_ALLOWED_PRINCIPALS"))
        .resource(table_resource())
        .permissions(Permission::All)
        .send()
        .await
        .unwrap();
    let session = lake.engine_session("analyst").await;
    let answer = lake.metadata(&session, PermissionType::ColumnPermission).await.unwrap();
    assert_eq!(columns(&answer).len(), 3);
}

#[tokio::test]
async fn a_missing_table_is_not_found_and_another_catalog_does_not_exist() {
    let lake = Lake::new().await;
    let session = lake.engine_session("analyst").await;
    let ask = |catalog: &'static str, table: &'static str| {
        lake.glue_as(&session)
            .get_unfiltered_table_metadata()
            .catalog_id(catalog)
            .database_name("sales")
            .name(table)
            .supported_permission_types(CELL_FILTERS)
            .send()
    };
    assert_eq!(code(ask(ACCOUNT, "missing").await), "EntityNotFoundException");
    assert_eq!(code(ask("999999999999", "orders").await), "EntityNotFoundException");
}
