//! A whole run against a sandbox, and what is refused before anything is sent.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;
use crate::{Sandbox, SandboxOptions};

async fn refusal(endpoint: &str, scale_factor: f64) -> Option<SeedError> {
    seed(SeedOptions { endpoint: endpoint.to_owned(), scale_factor }).await.err()
}

#[tokio::test]
async fn a_scale_factor_out_of_range_is_refused() {
    for scale_factor in [0.0, -1.0, 0.0001, 1001.0, f64::NAN, f64::INFINITY] {
        let error = refusal("http://127.0.0.1:1", scale_factor).await;
        assert!(matches!(error, Some(SeedError::ScaleFactor { .. })), "{scale_factor}");
    }
}

#[tokio::test]
async fn an_endpoint_that_is_not_plain_http_is_refused() {
    let error = refusal("https://127.0.0.1:1", 0.01).await;
    assert!(matches!(error, Some(SeedError::Endpoint { .. })), "{error:?}");
}

#[tokio::test]
async fn an_account_that_cannot_be_reached_is_told_apart_from_one_that_refuses() {
    // Port 1 is reserved and never listens on a development machine.
    let error = refusal("http://127.0.0.1:1", 0.01).await;
    assert!(matches!(error, Some(SeedError::Unreachable { operation: "s3:CreateBucket", .. })), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_fills_an_empty_account_once() {
    let sandbox = Sandbox::start(SandboxOptions::default()).await.unwrap();
    let options = SeedOptions { endpoint: sandbox.endpoint(), scale_factor: 0.001 };

    let report = seed(options.clone()).await.unwrap();
    let line_items = report.tables.iter().find(|table| table.table == "lineitem").unwrap();
    assert_eq!((line_items.database, line_items.rows, line_items.files), ("sales", 6_005, 2));
    assert_eq!(report.tables.len(), 10);
    let after_one_run = sandbox.counters();
    assert_eq!(after_one_run.get("glue:CreateTable"), Some(&10));

    let error = seed(options).await.unwrap_err();
    assert!(matches!(error, SeedError::AlreadyExists { operation: "s3:CreateBucket", .. }), "{error}");
    assert_eq!(sandbox.counters().get("glue:CreateTable"), after_one_run.get("glue:CreateTable"));
    sandbox.stop().await;
}
