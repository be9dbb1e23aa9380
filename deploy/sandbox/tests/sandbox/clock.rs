//! The account's clock: how long keys live, and what signatures are compared with.

use lakegate_sandbox::ClockOffsets;

use crate::fixture::{EXTERNAL_ID, Lake, administrator, code, server, sts};
use crate::raw::{Call, send};

#[tokio::test]
async fn sessions_end_by_the_accounts_clock() {
    let lake = Lake::new().await;
    let session = lake.engine_session("analyst").await;
    let ask = async || code(sts(&lake.endpoint(), session.clone()).get_caller_identity().send().await);
    lake.sandbox.set_clock(ClockOffsets::for_keys(3500)).unwrap();
    assert_eq!(ask().await, "no error");
    lake.sandbox.set_clock(ClockOffsets::for_keys(3700)).unwrap();
    assert_eq!(ask().await, "ExpiredToken");
}

#[tokio::test]
async fn a_session_that_is_made_while_the_clock_is_behind_is_nearly_over_for_who_asked() {
    let lake = Lake::new().await;
    lake.sandbox.set_clock(ClockOffsets::for_keys(-3500)).unwrap();
    let assuming = lake.assume(server(), "analyst").external_id(EXTERNAL_ID);
    let assumed = assuming.send().await.unwrap();
    let left = assumed.credentials.unwrap().expiration.secs() - chrono::Utc::now().timestamp();
    assert!((0..=100).contains(&left), "{left}");
    let session = lake.engine_session("analyst").await;
    assert!(sts(&lake.endpoint(), session).get_caller_identity().send().await.is_ok());
}

#[tokio::test]
async fn signatures_are_compared_with_the_accounts_clock_by_every_service() {
    let lake = Lake::empty().await;
    let calls = [
        Call::query("sts", &[("Action", "GetCallerIdentity"), ("Version", "2011-06-15")]),
        Call::glue("GetDatabases", "{}"),
        Call::lake_formation("GetDataLakePrincipal", "{}"),
        Call::s3("GET", "/"),
    ];
    let all_pass = async || {
        let mut passed = Vec::new();
        for call in &calls {
            let answer = send(&lake.endpoint(), call.signed(&lake.endpoint(), &administrator())).await;
            passed.push(answer.status.is_success());
        }
        passed
    };
    for (seconds, expected) in [(300, true), (-300, true), (1200, false), (-1200, false), (0, true)] {
        lake.sandbox.set_clock(ClockOffsets::skewed(seconds)).unwrap();
        assert_eq!(all_pass().await, [expected; 4], "{seconds}");
    }
}

#[tokio::test]
async fn the_clock_is_set_and_told_over_http() {
    let lake = Lake::empty().await;
    let ask = async |call: Call| send(&lake.endpoint(), call.unsigned(&lake.endpoint())).await.body;
    let set = Call::change("POST", "/_sandbox/clock", r#"{"seconds": 300}"#);
    assert_eq!(ask(set).await, r#"{"seconds":300,"signature_seconds":300}"#);
    let apart = Call::change("POST", "/_sandbox/clock", r#"{"seconds": 300, "signature_seconds": 0}"#);
    ask(apart).await;
    assert_eq!(ask(Call::s3("GET", "/_sandbox/clock")).await, r#"{"seconds":300,"signature_seconds":0}"#);
}
