//! `/_sandbox/`: who may ask, who may change, and what is told.

use http::StatusCode;

use crate::fixture::Lake;
use crate::raw::{Call, send};

async fn status(lake: &Lake, call: Call, headers: &[(&'static str, &str)]) -> StatusCode {
    let mut request = call.unsigned(&lake.endpoint());
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    send(&lake.endpoint(), request).await.status
}

/// Every call that changes the account.
fn changes() -> [Call; 5] {
    [
        Call::change("POST", "/_sandbox/faults", r#"{"kind": "reset", "service": "sts"}"#),
        Call::change("DELETE", "/_sandbox/faults/1", ""),
        Call::change("DELETE", "/_sandbox/faults", ""),
        Call::change("POST", "/_sandbox/clock", r#"{"seconds": 1}"#),
        Call::change("POST", "/_sandbox/expire-sessions", ""),
    ]
}

#[tokio::test]
async fn a_change_needs_a_header_that_no_web_page_can_send_unasked() {
    let lake = Lake::empty().await;
    for call in changes() {
        let bare = Call { headers: Vec::new(), ..call.clone() };
        assert_eq!(status(&lake, bare, &[]).await, StatusCode::FORBIDDEN, "{} {}", call.method, call.path);
        let preflight = Call { headers: Vec::new(), ..Call::s3("OPTIONS", &call.path) };
        assert_eq!(status(&lake, preflight, &[]).await, StatusCode::FORBIDDEN, "{}", call.path);
        let path = call.path.clone();
        assert_eq!(status(&lake, call, &[]).await, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn who_comes_by_another_name_or_from_another_origin_learns_and_changes_nothing() {
    let lake = Lake::empty().await;
    let elsewhere = [
        ("host", "evil.example:4577"),
        ("host", "127.0.0.1.evil.example"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ];
    for header in elsewhere {
        for path in ["/_sandbox/counters", "/_sandbox/faults", "/_sandbox/clock"] {
            assert_eq!(
                status(&lake, Call::s3("GET", path), &[header]).await,
                StatusCode::FORBIDDEN,
                "{header:?}"
            );
        }
        for call in changes() {
            assert_eq!(status(&lake, call, &[header]).await, StatusCode::FORBIDDEN, "{header:?}");
        }
    }
    for header in [("host", "localhost:1"), ("host", "[::1]:1"), ("origin", "http://127.0.0.1:8080")] {
        assert_eq!(status(&lake, Call::s3("GET", "/_sandbox/counters"), &[header]).await, StatusCode::OK);
    }
    assert!(lake.sandbox.faults().is_empty());
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused() {
    let lake = Lake::empty().await;
    let wrong = [
        ("/_sandbox/faults", "{"),
        ("/_sandbox/faults", r#"{"kind": "explode", "service": "sts"}"#),
        ("/_sandbox/faults", r#"{"kind": "reset", "service": "sqs"}"#),
        ("/_sandbox/faults", r#"{"kind": "reset", "service": "sts", "operations": "AssumeRole"}"#),
        ("/_sandbox/faults", r#"{"kind": "latency", "service": "sts"}"#),
        ("/_sandbox/clock", r#"{"seconds": 9000000000000}"#),
        ("/_sandbox/clock", "{}"),
    ];
    for (path, body) in wrong {
        let call = Call::change("POST", path, body);
        assert_eq!(status(&lake, call, &[]).await, StatusCode::BAD_REQUEST, "{path} {body}");
    }
    let missing = Call::change("DELETE", "/_sandbox/faults/7", "");
    assert_eq!(status(&lake, missing, &[]).await, StatusCode::NOT_FOUND);
}
