//! Faults on demand, as the SDKs and `object_store` see them, and byte by byte.

use aws_credential_types::Credentials;
use http::StatusCode;
use lakegate_sandbox::{Fault, FaultKind, FaultService};
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::fixture::{Lake, administrator, sts};
use crate::raw::{Call, send};

/// One harmless call of each service.
fn calls() -> [(FaultService, Call); 4] {
    [
        (
            FaultService::Sts,
            Call::query("sts", &[("Action", "GetCallerIdentity"), ("Version", "2011-06-15")]),
        ),
        (FaultService::Glue, Call::glue("GetDatabases", "{}")),
        (FaultService::LakeFormation, Call::lake_formation("GetDataLakePrincipal", "{}")),
        (FaultService::S3, Call::s3("GET", "/")),
    ]
}

/// What each service answers while it is broken in one way.
async fn answers(lake: &Lake, kind: FaultKind, credentials: &Credentials) -> Vec<(u16, String)> {
    let mut answers = Vec::new();
    for (service, call) in calls() {
        lake.sandbox.set_fault(Fault::new(kind, service)).unwrap();
        let answer = send(&lake.endpoint(), call.signed(&lake.endpoint(), credentials)).await;
        answers.push((answer.status.as_u16(), answer.code()));
        lake.sandbox.clear_faults();
        let next = send(&lake.endpoint(), call.signed(&lake.endpoint(), &administrator())).await;
        assert_eq!(next.status, StatusCode::OK);
    }
    answers
}

fn expected(answers: [(u16, &str); 4]) -> Vec<(u16, String)> {
    answers.map(|(status, code)| (status, code.to_owned())).to_vec()
}

#[tokio::test]
async fn each_service_refuses_in_its_own_words() {
    let lake = Lake::empty().await;
    let words = [
        (
            FaultKind::Throttle,
            [
                (400, "Throttling"),
                (400, "ThrottlingException"),
                (400, "ThrottlingException"),
                (503, "SlowDown"),
            ],
        ),
        (
            FaultKind::InternalError,
            [
                (500, "InternalFailure"),
                (500, "InternalServiceException"),
                (500, "InternalServiceException"),
                (500, "InternalError"),
            ],
        ),
        (FaultKind::Unavailable, [(503, "ServiceUnavailable"); 4]),
        (
            FaultKind::Expire,
            [
                (403, "ExpiredToken"),
                (400, "ExpiredTokenException"),
                (403, "ExpiredTokenException"),
                (400, "ExpiredToken"),
            ],
        ),
        (
            FaultKind::Revoke,
            [
                (403, "AccessDenied"),
                (400, "AccessDeniedException"),
                (403, "AccessDeniedException"),
                (403, "AccessDenied"),
            ],
        ),
    ];
    for (kind, words) in words {
        assert_eq!(answers(&lake, kind, &administrator()).await, expected(words), "{kind:?}");
    }
}

#[tokio::test]
async fn a_fault_is_set_listed_and_cleared_over_http() {
    let lake = Lake::empty().await;
    let endpoint = lake.endpoint();
    let ask = async |call: Call| send(&endpoint, call.unsigned(&endpoint)).await.body;
    let fault =
        r#"{"kind": "throttle", "service": "glue", "operation": "GetDatabases", "after": 1, "times": 1}"#;
    assert_eq!(ask(Call::change("POST", "/_sandbox/faults", fault)).await, r#"{"id":1}"#);
    let mut codes = Vec::new();
    for _ in 0..3 {
        let call = Call::glue("GetDatabases", "{}").signed(&endpoint, &administrator());
        codes.push(send(&endpoint, call).await.code());
    }
    assert_eq!(codes, ["", "ThrottlingException", ""]);
    let listed: serde_json::Value =
        serde_json::from_str(&ask(Call::s3("GET", "/_sandbox/faults")).await).unwrap();
    let expected = serde_json::json!([{"id": 1, "kind": "throttle", "service": "glue", "operation": "GetDatabases",
        "after": 1, "times": 1, "seen": 2, "hits": 1}]);
    assert_eq!(listed, expected);
    assert_eq!(ask(Call::change("DELETE", "/_sandbox/faults", "")).await, r#"{"cleared":1}"#);
    assert_eq!(ask(Call::s3("GET", "/_sandbox/faults")).await, "[]");
}

/// Everything that comes back on a connection, and how it ends.
async fn bytes_of(lake: &Lake, call: &Call) -> (String, std::io::Result<()>) {
    let request = call.signed(&lake.endpoint(), &administrator());
    let mut head = format!("{} {} HTTP/1.1\r\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        head += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    let address = lake.endpoint().trim_start_matches("http://").to_owned();
    let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
    let length = call.body.len();
    let request = format!("{head}content-length: {length}\r\n\r\n{}", call.body);
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut received = Vec::new();
    let ended = connection.read_to_end(&mut received).await.map(drop);
    (String::from_utf8(received).unwrap(), ended)
}

#[tokio::test]
async fn a_truncated_answer_announces_all_of_its_body_and_sends_half() {
    let lake = Lake::new().await;
    lake.store(&administrator()).put(&Path::from("k"), "0123456789".into()).await.unwrap();
    lake.sandbox.set_fault(Fault::new(FaultKind::Truncate, FaultService::S3)).unwrap();
    let (received, ended) = bytes_of(&lake, &Call::s3("GET", "/lake/k")).await;
    let (head, body) = received.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("content-length: 10"), "{head}");
    assert_eq!(body, "01234");
    assert!(ended.is_ok());

    lake.sandbox.clear_faults();
    lake.sandbox.set_fault(Fault::new(FaultKind::Truncate, FaultService::Glue)).unwrap();
    assert!(lake.glue.get_databases().send().await.is_err());
}

#[tokio::test]
async fn a_reset_connection_ends_with_rst_and_without_an_answer() {
    let lake = Lake::empty().await;
    for (service, call) in calls() {
        lake.sandbox.set_fault(Fault::new(FaultKind::Reset, service)).unwrap();
        let (received, ended) = bytes_of(&lake, &call).await;
        assert_eq!(received, "", "{service:?}");
        assert_eq!(ended.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset, "{service:?}");
    }
}

#[tokio::test]
async fn a_late_answer_is_the_right_one() {
    let lake = Lake::empty().await;
    let late = Fault { milliseconds: Some(300), ..Fault::new(FaultKind::Latency, FaultService::Glue) };
    lake.sandbox.set_fault(late).unwrap();
    let ask = lake.glue.get_databases().send();
    let early = tokio::time::timeout(std::time::Duration::from_millis(100), ask).await;
    assert!(early.is_err());
    assert!(lake.glue.get_databases().send().await.is_ok());
}

#[tokio::test]
async fn an_expired_key_is_over_for_all_services_and_a_later_one_is_not() {
    let lake = Lake::new().await;
    let session = lake.engine_session("analyst").await;
    let once = Fault { times: Some(1), ..Fault::new(FaultKind::Expire, FaultService::S3) };
    lake.sandbox.set_fault(once).unwrap();
    assert!(lake.store(&session).get(&Path::from("k")).await.is_err());
    let code = |answer: Result<_, _>| crate::fixture::code(answer);
    let asked = sts(&lake.endpoint(), session).get_caller_identity().send().await;
    assert_eq!(code(asked), "ExpiredToken");
    let later = lake.engine_session("analyst").await;
    assert!(sts(&lake.endpoint(), later).get_caller_identity().send().await.is_ok());
}

#[tokio::test]
async fn a_fault_of_one_role_leaves_others_alone() {
    let lake = Lake::new().await;
    let session = lake.engine_session("analyst").await;
    let of_role =
        |service| Fault { principal: Some("analyst".to_owned()), ..Fault::new(FaultKind::Throttle, service) };
    lake.sandbox.set_fault(of_role(FaultService::Glue)).unwrap();
    lake.sandbox.set_fault(of_role(FaultService::Sts)).unwrap();
    let asked = lake.glue_as(&session).get_databases().max_results(1).send().await;
    assert_eq!(crate::fixture::code(asked), "ThrottlingException");
    assert!(lake.glue.get_databases().send().await.is_ok());
    assert_eq!(
        crate::fixture::code(lake.assume(crate::fixture::server(), "analyst").send().await),
        "Throttling"
    );
}
