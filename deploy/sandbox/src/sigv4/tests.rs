//! The published AWS example, and what a signature must not survive.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use chrono::TimeZone as _;
use http::Request;

use super::*;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// The worked example of the AWS documentation on signing (IAM `ListUsers`).
fn documented_example() -> Parts {
    Request::get("https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08")
        .header("host", "iam.amazonaws.com")
        .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
        .header("x-amz-date", "20150830T123600Z")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        )
        .body(())
        .unwrap()
        .into_parts()
        .0
}

fn signing_time() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2015, 8, 30, 12, 36, 0).unwrap()
}

fn verify(parts: &Parts, body: &[u8], secret: &str, now: DateTime<Utc>) -> Result<(), AuthFailure> {
    Authorization::from_headers(&parts.headers).unwrap().verify(parts, body, secret, now)
}

#[test]
fn the_documented_example_verifies() {
    assert_eq!(verify(&documented_example(), b"", SECRET, signing_time()), Ok(()));
}

#[test]
fn another_secret_body_path_or_signed_header_is_a_mismatch() {
    let parts = documented_example();
    assert_eq!(verify(&parts, b"", "another", signing_time()), Err(AuthFailure::Mismatch));
    assert_eq!(verify(&parts, b"x", SECRET, signing_time()), Err(AuthFailure::Mismatch));

    let mut other_path = documented_example();
    other_path.uri = "https://iam.amazonaws.com/x?Action=ListUsers&Version=2010-05-08".parse().unwrap();
    assert_eq!(verify(&other_path, b"", SECRET, signing_time()), Err(AuthFailure::Mismatch));

    let mut other_host = documented_example();
    other_host.headers.insert("host", http::HeaderValue::from_static("evil.example"));
    assert_eq!(verify(&other_host, b"", SECRET, signing_time()), Err(AuthFailure::Mismatch));
}

#[test]
fn a_signature_is_good_for_fifteen_minutes_in_both_directions() {
    let parts = documented_example();
    for minutes in [-15, 15] {
        assert_eq!(verify(&parts, b"", SECRET, signing_time() + chrono::Duration::minutes(minutes)), Ok(()));
    }
    for minutes in [-16, 16] {
        let now = signing_time() + chrono::Duration::minutes(minutes);
        assert_eq!(verify(&parts, b"", SECRET, now), Err(AuthFailure::Skewed));
    }
}
