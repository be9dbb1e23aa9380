//! Keys vended for a table: who gets them, for how long, and what they open.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_lakeformation::operation::get_temporary_glue_table_credentials::builders::GetTemporaryGlueTableCredentialsFluentBuilder as Vend;
use aws_sdk_lakeformation::types::{Permission, PermissionType, QuerySessionContext};
use futures::TryStreamExt as _;
use http::Method;
use object_store::path::Path;
use object_store::signer::Signer as _;
use object_store::{ObjectStore as _, ObjectStoreExt as _};

use crate::fixture::{
    CELL_FILTERS, Lake, TABLE_ARN, administrator, allow, code, columns_resource, table_resource,
};
use crate::raw::{Call, send};

fn vend(lake: &Lake, credentials: &Credentials) -> Vend {
    lake.lake_formation_as(credentials).get_temporary_glue_table_credentials().table_arn(TABLE_ARN)
}

/// The vended keys of a request that must succeed.
async fn keys(request: Vend) -> Credentials {
    let keys = request.send().await.unwrap();
    Credentials::new(
        keys.access_key_id.unwrap(),
        keys.secret_access_key.unwrap(),
        keys.session_token,
        None,
        "test",
    )
}

async fn expire_sessions(lake: &Lake) {
    let expire = Call::change("POST", "/_sandbox/expire-sessions", "").unsigned(&lake.endpoint());
    assert!(send(&lake.endpoint(), expire).await.status.is_success());
}

/// A lake with objects in and around the table.
async fn lake_with_files() -> Lake {
    let lake = Lake::new().await;
    let store = lake.store(&administrator());
    for key in [
        "sales/orders/part-0.parquet",
        "sales/orders/_delta_log/0.json",
        "sales/orders2/part-0.parquet",
        "top",
    ] {
        store.put(&Path::from(key), key.into()).await.unwrap();
    }
    lake
}

#[tokio::test]
async fn a_reader_gets_keys_to_the_table_with_expiry_and_path() {
    let lake = Lake::new().await;
    lake.grant(table_resource(), Permission::Select).await;
    let session = lake.engine_session("analyst").await;
    let answer = vend(&lake, &session).duration_seconds(900).send().await.unwrap();
    assert_eq!(answer.vended_s3_path.unwrap(), ["s3://lake/sales/orders"]);
    let seconds = answer.expiration.unwrap().secs() - chrono::Utc::now().timestamp();
    assert!((800..=900).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn a_role_session_gets_an_hour_at_the_most() {
    let lake = Lake::new().await;
    lake.grant(table_resource(), Permission::Select).await;
    let session = lake.engine_session("analyst").await;
    for (seconds, expected) in
        [(899, "InvalidInputException"), (3600, "no error"), (3601, "InvalidInputException")]
    {
        assert_eq!(code(vend(&lake, &session).duration_seconds(seconds).send().await), expected, "{seconds}");
    }
}

#[tokio::test]
async fn keys_need_select_and_an_engine_that_enforces_the_policy() {
    let lake = Lake::new().await;
    let session = lake.engine_session("analyst").await;
    let claim = |claim: PermissionType| vend(&lake, &session).supported_permission_types(claim).send();
    assert_eq!(code(claim(PermissionType::CellFilterPermission).await), "AccessDeniedException");
    lake.grant(table_resource(), Permission::Describe).await;
    assert_eq!(code(claim(PermissionType::CellFilterPermission).await), "AccessDeniedException");

    lake.grant(columns_resource(&["id"], &[]), Permission::Select).await;
    assert_eq!(code(vend(&lake, &session).send().await), "PermissionTypeMismatchException");
    assert!(claim(PermissionType::ColumnPermission).await.is_ok());

    lake.grant_filter("us", Some("region = 'us'"), &["region"]).await;
    assert_eq!(code(claim(PermissionType::ColumnPermission).await), "PermissionTypeMismatchException");
    assert!(claim(PermissionType::CellFilterPermission).await.is_ok());
    let two = vend(&lake, &session)
        .supported_permission_types(PermissionType::ColumnPermission)
        .supported_permission_types(PermissionType::CellFilterPermission);
    assert_eq!(code(two.send().await), "InvalidInputException");
}

#[tokio::test]
async fn a_session_without_the_caller_tag_gets_a_bare_refusal() {
    let lake = Lake::new().await;
    lake.grant(table_resource(), Permission::Select).await;
    let untagged = lake.untagged_session("analyst").await;
    let refused = vend(&lake, &untagged).send().await.unwrap_err().into_service_error();
    let meta = aws_sdk_lakeformation::error::ProvideErrorMetadata::meta(&refused);
    assert_eq!((meta.code(), meta.message()), (Some("AccessDeniedException"), None));
    assert_eq!(code(vend(&lake, &administrator()).send().await), "AccessDeniedException");
}

#[tokio::test]
async fn keys_are_for_reading_only() {
    let lake = Lake::new().await;
    lake.grant(table_resource(), Permission::All).await;
    let session = lake.engine_session("analyst").await;
    assert!(vend(&lake, &session).permissions(Permission::Select).send().await.is_ok());
    assert_eq!(
        code(vend(&lake, &session).permissions(Permission::Insert).send().await),
        "InvalidInputException"
    );
}

#[tokio::test]
async fn the_query_authorization_of_the_metadata_is_honoured() {
    let lake = Lake::new().await;
    lake.grant(table_resource(), Permission::Select).await;
    let session = lake.engine_session("analyst").await;
    let id = lake.metadata(&session, CELL_FILTERS).await.unwrap().query_authorization_id.unwrap();
    let in_query = |id: &str| {
        let context = QuerySessionContext::builder().query_authorization_id(id).build();
        vend(&lake, &session).query_session_context(context).send()
    };
    assert!(in_query(&id).await.is_ok());
    assert_eq!(code(in_query("made-up").await), "InvalidInputException");
}

#[tokio::test]
async fn tables_outside_registered_locations_have_no_keys() {
    let lake = Lake::new().await;
    lake.lake_formation.deregister_resource().resource_arn("arn:aws:s3:::lake").send().await.unwrap();
    lake.grant(table_resource(), Permission::Select).await;
    let session = lake.engine_session("analyst").await;
    assert_eq!(code(vend(&lake, &session).send().await), "InvalidInputException");
    let metadata = lake.metadata(&session, CELL_FILTERS).await.unwrap();
    assert!(!metadata.is_registered_with_lake_formation);
}

#[tokio::test]
async fn vended_keys_read_and_list_the_table_and_nothing_beside_it() {
    let lake = lake_with_files().await;
    lake.grant(table_resource(), Permission::Select).await;
    let session = lake.engine_session("analyst").await;
    let store = lake.store(&keys(vend(&lake, &session)).await);

    let inside = Path::from("sales/orders/part-0.parquet");
    assert_eq!(store.get(&inside).await.unwrap().bytes().await.unwrap(), "sales/orders/part-0.parquet");
    assert_eq!(store.head(&inside).await.unwrap().size, 27);
    let listed: Vec<_> = store.list(Some(&Path::from("sales/orders"))).try_collect().await.unwrap();
    assert_eq!(listed.len(), 2);

    for outside in ["sales/orders2/part-0.parquet", "top", "sales/orders", "sales/other/missing"] {
        let error = store.get(&Path::from(outside)).await.unwrap_err();
        assert!(matches!(error, object_store::Error::PermissionDenied { .. }), "{outside}: {error:?}");
    }
    for prefix in ["sales", "sales/orders2"] {
        let listed: Result<Vec<_>, _> = store.list(Some(&Path::from(prefix))).try_collect().await;
        assert!(listed.is_err(), "{prefix}");
    }
    let everything: Result<Vec<_>, _> = store.list(None).try_collect().await;
    assert!(everything.is_err());
}

#[tokio::test]
async fn a_presigned_url_opens_what_its_key_opens() {
    let lake = lake_with_files().await;
    lake.grant(table_resource(), Permission::Select).await;
    let session = lake.engine_session("analyst").await;
    let store = lake.store(&keys(vend(&lake, &session)).await);
    let fetch = async |key: &str| {
        let url = store.signed_url(Method::GET, &Path::from(key), Duration::from_secs(60)).await.unwrap();
        let call = Call::s3("GET", &url[url::Position::BeforePath..]);
        send(&lake.endpoint(), call.unsigned(&lake.endpoint())).await
    };
    assert_eq!(fetch("sales/orders/part-0.parquet").await.body, "sales/orders/part-0.parquet");
    assert_eq!(fetch("sales/orders2/part-0.parquet").await.code(), "AccessDenied");
    expire_sessions(&lake).await;
    assert_eq!(fetch("sales/orders/part-0.parquet").await.code(), "ExpiredToken");
}

#[tokio::test]
async fn vended_keys_end_when_they_expire() {
    let lake = lake_with_files().await;
    lake.grant(table_resource(), Permission::Select).await;
    let session = lake.engine_session("analyst").await;
    let store = lake.store(&keys(vend(&lake, &session)).await);
    let inside = Path::from("sales/orders/part-0.parquet");
    assert!(store.get(&inside).await.is_ok());
    expire_sessions(&lake).await;
    let error = store.get(&inside).await.unwrap_err().to_string();
    assert!(error.contains("ExpiredToken"), "{error}");
}

#[tokio::test]
async fn vended_keys_change_nothing_and_open_no_other_service() {
    let lake = lake_with_files().await;
    lake.grant(table_resource(), Permission::Select).await;
    let session = lake.engine_session("analyst").await;
    let keys = keys(vend(&lake, &session)).await;
    let (store, inside) = (lake.store(&keys), Path::from("sales/orders/part-0.parquet"));
    assert!(store.put(&inside, "x".into()).await.is_err());
    assert!(store.delete(&inside).await.is_err());
    assert!(store.copy(&inside, &Path::from("sales/orders/copy")).await.is_err());
    assert!(store.put_multipart(&inside).await.is_err());
    assert_eq!(code(lake.glue_as(&keys).get_databases().send().await), "AccessDeniedException");
    assert_eq!(code(vend(&lake, &keys).send().await), "AccessDeniedException");
    let unchanged = lake.store(&administrator()).get(&inside).await.unwrap().bytes().await.unwrap();
    assert_eq!(unchanged, "sales/orders/part-0.parquet");
}

#[tokio::test]
async fn vended_keys_open_no_more_than_the_role_of_the_location_may() {
    let lake = lake_with_files().await;
    lake.grant(table_resource(), Permission::Select).await;
    let session = lake.engine_session("analyst").await;
    let store = lake.store(&keys(vend(&lake, &session)).await);
    lake.put_role_policy("LakegateDataAccess", &allow(&["s3:ListBucket"])).await;
    let inside = Path::from("sales/orders/part-0.parquet");
    assert!(store.get(&inside).await.is_err());
    let listed: Vec<_> = store.list(Some(&Path::from("sales/orders"))).try_collect().await.unwrap();
    assert_eq!(listed.len(), 2);
}

#[tokio::test]
async fn a_role_session_has_only_the_s3_rights_of_its_own_policy() {
    let lake = lake_with_files().await;
    let session = lake.engine_session("analyst").await;
    let store = lake.store(&session);
    let key = Path::from("top");
    assert!(store.get(&key).await.is_err());
    let policy = serde_json::json!({"Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::lake/t*"}]});
    lake.put_role_policy("analyst", &policy).await;
    assert!(store.get(&key).await.is_ok());
    assert!(store.get(&Path::from("sales/orders/part-0.parquet")).await.is_err());
}
