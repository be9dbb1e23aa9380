//! Requests whose signature, key, clock or Region is wrong, in the words of each protocol.

use aws_credential_types::Credentials;
use http::StatusCode;

use crate::fixture::{Lake, administrator};
use crate::raw::{Answer, Call, send};

/// One harmless call of each service.
fn calls() -> [Call; 4] {
    [
        Call::query("sts", &[("Action", "GetCallerIdentity"), ("Version", "2011-06-15")]),
        Call::glue("GetDatabases", "{}"),
        Call::lake_formation("GetDataLakePrincipal", "{}"),
        Call::s3("GET", "/"),
    ]
}

async fn answers(lake: &Lake, credentials: &Credentials, change: fn(&mut Call)) -> Vec<(StatusCode, String)> {
    let mut answers = Vec::new();
    for mut call in calls() {
        change(&mut call);
        let answer = send(&lake.endpoint(), call.signed(&lake.endpoint(), credentials)).await;
        answers.push((answer.status, answer.code()));
    }
    answers
}

fn expected(answers: [(u16, &str); 4]) -> Vec<(StatusCode, String)> {
    answers.map(|(status, code)| (StatusCode::from_u16(status).unwrap(), code.to_owned())).to_vec()
}

#[tokio::test]
async fn a_good_signature_is_accepted_by_every_service() {
    let lake = Lake::empty().await;
    for call in calls() {
        let answer = send(&lake.endpoint(), call.signed(&lake.endpoint(), &administrator())).await;
        assert!(answer.status.is_success(), "{answer:?}");
    }
}

#[tokio::test]
async fn an_unknown_key_is_told_from_a_bad_secret() {
    let lake = Lake::empty().await;
    let unknown = Credentials::new("AKIAUNKNOWN000000000", "secret", None, None, "test");
    assert_eq!(
        answers(&lake, &unknown, |_| {}).await,
        expected([
            (403, "InvalidClientTokenId"),
            (400, "UnrecognizedClientException"),
            (403, "UnrecognizedClientException"),
            (403, "InvalidAccessKeyId"),
        ])
    );
    let wrong = Credentials::new(administrator().access_key_id(), "wrong", None, None, "test");
    assert_eq!(
        answers(&lake, &wrong, |_| {}).await,
        expected([
            (403, "SignatureDoesNotMatch"),
            (400, "InvalidSignatureException"),
            (403, "InvalidSignatureException"),
            (403, "SignatureDoesNotMatch"),
        ])
    );
}

#[tokio::test]
async fn a_clock_more_than_fifteen_minutes_off_is_refused() {
    let lake = Lake::empty().await;
    let refused = expected([
        (403, "SignatureDoesNotMatch"),
        (400, "InvalidSignatureException"),
        (403, "InvalidSignatureException"),
        (403, "RequestTimeTooSkewed"),
    ]);
    assert_eq!(answers(&lake, &administrator(), |call| call.clock_offset = -16 * 60).await, refused);
    assert_eq!(answers(&lake, &administrator(), |call| call.clock_offset = 16 * 60).await, refused);
    let accepted = answers(&lake, &administrator(), |call| call.clock_offset = -14 * 60).await;
    assert!(accepted.iter().all(|(status, _)| status.is_success()), "{accepted:?}");
}

#[tokio::test]
async fn a_signature_for_another_region_is_refused() {
    let lake = Lake::empty().await;
    assert_eq!(
        answers(&lake, &administrator(), |call| call.region = "eu-central-1").await,
        expected([
            (403, "SignatureDoesNotMatch"),
            (400, "InvalidSignatureException"),
            (403, "InvalidSignatureException"),
            (400, "AuthorizationHeaderMalformed"),
        ])
    );
}

#[tokio::test]
async fn an_unsigned_call_reaches_nothing() {
    let lake = Lake::empty().await;
    let mut codes = Vec::new();
    for call in calls() {
        let answer: Answer = send(&lake.endpoint(), call.unsigned(&lake.endpoint())).await;
        assert!(answer.status.is_client_error());
        codes.push(answer.code());
    }
    assert_eq!(
        codes,
        [
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "MissingAuthenticationTokenException",
            "AccessDenied",
        ]
    );
}

#[tokio::test]
async fn a_signature_does_not_carry_over_to_another_body_or_service() {
    let lake = Lake::empty().await;
    let (endpoint, call) = (lake.endpoint(), Call::glue("GetDatabases", "{}"));
    let mut other_body = call.signed(&endpoint, &administrator());
    *other_body.body_mut() = http_body_util::Full::from(r#"{"MaxResults": 1}"#);
    assert_eq!(send(&endpoint, other_body).await.code(), "InvalidSignatureException");

    let mut other_target = call.signed(&endpoint, &administrator());
    other_target.headers_mut().insert("x-amz-target", "AWSGlue.GetTables".parse().unwrap());
    assert_eq!(send(&endpoint, other_target).await.code(), "InvalidSignatureException");

    let mut other_service = call.signed(&endpoint, &administrator());
    let header =
        other_service.headers()["authorization"].to_str().unwrap().replace("/glue/", "/lakeformation/");
    other_service.headers_mut().insert("authorization", header.parse().unwrap());
    assert_eq!(send(&endpoint, other_service).await.code(), "InvalidSignatureException");
}

#[tokio::test]
async fn a_session_key_without_its_token_is_unknown() {
    let lake = Lake::new().await;
    let session = lake.engine_session("analyst").await;
    let bare = Credentials::new(session.access_key_id(), session.secret_access_key(), None, None, "test");
    assert_eq!(
        answers(&lake, &bare, |_| {}).await,
        expected([
            (403, "InvalidClientTokenId"),
            (400, "UnrecognizedClientException"),
            (403, "UnrecognizedClientException"),
            (400, "InvalidToken"),
        ])
    );
}

#[tokio::test]
async fn an_expired_session_is_told_from_an_unknown_one() {
    let lake = Lake::new().await;
    let session = lake.engine_session("analyst").await;
    let expire = Call::change("POST", "/_sandbox/expire-sessions", "");
    let answer = send(&lake.endpoint(), expire.unsigned(&lake.endpoint())).await;
    assert_eq!(answer.body, r#"{"expired":1}"#);
    assert_eq!(
        answers(&lake, &session, |_| {}).await,
        expected([
            (403, "ExpiredToken"),
            (400, "ExpiredTokenException"),
            (403, "ExpiredTokenException"),
            (400, "ExpiredToken"),
        ])
    );
    let fresh = lake.engine_session("analyst").await;
    assert!(answers(&lake, &fresh, |_| {}).await[0].0.is_success());
}

#[tokio::test]
async fn json_errors_name_their_type_in_the_header_too() {
    let lake = Lake::empty().await;
    let call = Call::lake_formation("NoSuchOperation", "{}");
    let answer = send(&lake.endpoint(), call.signed(&lake.endpoint(), &administrator())).await;
    assert_eq!(answer.error_type.as_deref(), Some("UnknownOperationException"));
    assert_eq!(answer.code(), "UnknownOperationException");
}
