//! What is refused before anything is sent.

use super::*;

async fn refusal(endpoint: &str, scale_factor: f64) -> Option<SeedError> {
    seed(SeedOptions {
        endpoint: endpoint.to_owned(),
        scale_factor,
    })
    .await
    .err()
}

#[tokio::test]
async fn a_scale_factor_out_of_range_is_refused() {
    for scale_factor in [0.0, -1.0, 0.0001, 1001.0, f64::NAN, f64::INFINITY] {
        let error = refusal("http://127.0.0.1:1", scale_factor).await;
        assert!(
            matches!(error, Some(SeedError::ScaleFactor { .. })),
            "{scale_factor}"
        );
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
    assert!(
        matches!(
            error,
            Some(SeedError::Unreachable {
                operation: "s3:CreateBucket",
                ..
            })
        ),
        "{error:?}"
    );
}
