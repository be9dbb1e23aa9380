//! The sandbox as a whole: where it listens, what it counts, what it leaves behind.

use lakegate_sandbox::{Sandbox, SandboxError, SandboxOptions};
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _};

use crate::fixture::{Lake, administrator, code, sts};
use crate::raw::{Call, send};

#[tokio::test]
async fn it_listens_on_loopback_only_unless_forced() {
    let options = |force| SandboxOptions {
        address: ([0, 0, 0, 0], 0).into(),
        allow_non_loopback: force,
        ..SandboxOptions::default()
    };
    let refused = Sandbox::start(options(false)).await;
    assert!(matches!(refused, Err(SandboxError::NotLoopback(_))));
}

#[tokio::test]
async fn a_taken_address_is_reported() {
    let first = Sandbox::start(SandboxOptions::default()).await.unwrap();
    let address = first.endpoint().trim_start_matches("http://").parse().unwrap();
    let second = Sandbox::start(SandboxOptions { address, ..SandboxOptions::default() }).await;
    assert!(matches!(second, Err(SandboxError::Bind(..))));
}

#[tokio::test]
async fn every_signed_call_is_counted_also_refused_ones() {
    let lake = Lake::new().await;
    let before = lake.sandbox.counters();
    let count = |name: &str| {
        let now = lake.sandbox.counters().get(name).copied().unwrap_or_default();
        now - before.get(name).copied().unwrap_or_default()
    };
    let _ = lake.assume(administrator(), "analyst").send().await;
    let stranger = aws_credential_types::Credentials::new("AKIAUNKNOWN000000000", "x", None, None, "test");
    let _ = sts(&lake.endpoint(), stranger.clone()).get_caller_identity().send().await;
    lake.store(&administrator()).put(&Path::from("k"), "v".into()).await.unwrap();
    let _ = lake.store(&stranger).get(&Path::from("k")).await;
    lake.glue.get_databases().send().await.unwrap();
    assert_eq!(count("sts:AssumeRole"), 1);
    assert_eq!(count("sts:GetCallerIdentity"), 1);
    assert_eq!(count("s3:PutObject"), 1);
    assert_eq!(count("s3:GetObject"), 1);
    assert_eq!(count("glue:GetDatabases"), 1);

    let call = Call::s3("GET", "/_sandbox/counters");
    let published = send(&lake.endpoint(), call.unsigned(&lake.endpoint())).await;
    let published: serde_json::Value = serde_json::from_str(&published.body).unwrap();
    assert_eq!(published["s3:PutObject"], 1);
}

#[tokio::test]
async fn while_s3_is_recorded_every_key_and_prefix_is_kept_also_of_refused_requests() {
    let lake = Lake::new().await;
    let (admin, server) = (lake.store(&administrator()), lake.store(&crate::fixture::server()));
    admin.put(&Path::from("before"), "v".into()).await.unwrap();
    lake.sandbox.record_s3();
    admin.put(&Path::from("a/b"), "v".into()).await.unwrap();
    assert!(server.get(&Path::from("a/b")).await.is_err());
    assert_eq!(admin.list_with_delimiter(Some(&Path::from("a"))).await.unwrap().objects.len(), 1);
    let seen: Vec<String> = lake
        .sandbox
        .recorded_s3()
        .into_iter()
        .map(|request| format!("{} {}/{}", request.operation, request.bucket, request.key))
        .collect();
    assert_eq!(seen, ["PutObject lake/a/b", "GetObject lake/a/b", "ListObjects lake/a/"]);
    admin.put(&Path::from("after"), "v".into()).await.unwrap();
    assert!(lake.sandbox.recorded_s3().is_empty());
}

#[tokio::test]
async fn health_needs_no_signature_and_unknown_paths_are_not_found() {
    let lake = Lake::empty().await;
    let get = async |path: &str| {
        let call = Call::s3("GET", path);
        send(&lake.endpoint(), call.unsigned(&lake.endpoint())).await.status.as_u16()
    };
    assert_eq!(get("/_sandbox/health").await, 200);
    assert_eq!(get("/_sandbox/other").await, 404);
    assert_eq!(get("/_sandbox/expire-sessions").await, 404);
}

#[tokio::test]
async fn the_servers_own_key_reaches_no_data_and_no_catalog() {
    let lake = Lake::new().await;
    let server = crate::fixture::server();
    assert_eq!(code(lake.glue_as(&server).get_databases().send().await), "AccessDeniedException");
    let settings = lake.lake_formation_as(&server).get_data_lake_settings().send().await;
    assert_eq!(code(settings), "AccessDeniedException");
    assert!(lake.store(&server).get(&Path::from("k")).await.is_err());
    assert!(sts(&lake.endpoint(), server).get_caller_identity().send().await.is_ok());
}

#[tokio::test]
async fn stored_objects_are_gone_after_the_stop() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = Some(folder.path().join("data"));
    let sandbox = Sandbox::start(SandboxOptions { data_dir, ..SandboxOptions::default() }).await.unwrap();
    let endpoint = sandbox.endpoint();
    let create = Call::s3("PUT", "/bucket").signed(&endpoint, &administrator());
    assert!(send(&endpoint, create).await.status.is_success());
    let mut put = Call::s3("PUT", "/bucket/key");
    put.body = "content".to_owned();
    assert!(send(&endpoint, put.signed(&endpoint, &administrator())).await.status.is_success());
    let kept = || std::fs::read_dir(folder.path().join("data")).unwrap().count();
    assert_eq!(kept(), 1);
    sandbox.stop().await;
    assert_eq!(kept(), 0);
    assert!(tokio::net::TcpStream::connect(endpoint.trim_start_matches("http://")).await.is_err());
}
