//! Single signed requests over plain HTTP, with every part of the signature open to a test.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use url::form_urlencoded;

/// A request before it is signed.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) service: &'static str,
    pub(crate) region: &'static str,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
    /// How far the signer's clock is off, in seconds.
    pub(crate) clock_offset: i64,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// The `x-amzn-errortype` header.
    pub(crate) error_type: Option<String>,
    pub(crate) body: String,
}

impl Answer {
    /// The error code, wherever its protocol puts it.
    pub(crate) fn code(&self) -> String {
        if let Some((_, after)) = self.body.split_once("<Code>") {
            return after.split("</Code>").next().unwrap_or_default().to_owned();
        }
        let json: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        json["__type"].as_str().unwrap_or_default().to_owned()
    }
}

impl Call {
    pub(crate) fn query(service: &'static str, parameters: &[(&str, &str)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let content_type = "application/x-www-form-urlencoded; charset=utf-8".to_owned();
        Self::new(service, "POST", "/", vec![("content-type", content_type)], body)
    }

    pub(crate) fn glue(operation: &str, body: &str) -> Self {
        let headers = vec![
            ("content-type", "application/x-amz-json-1.1".to_owned()),
            ("x-amz-target", format!("AWSGlue.{operation}")),
        ];
        Self::new("glue", "POST", "/", headers, body.to_owned())
    }

    pub(crate) fn lake_formation(operation: &str, body: &str) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self::new("lakeformation", "POST", &format!("/{operation}"), headers, body.to_owned())
    }

    pub(crate) fn s3(method: &'static str, path: &str) -> Self {
        Self::new("s3", method, path, Vec::new(), String::new())
    }

    /// A call of the sandbox itself that changes the account.
    pub(crate) fn change(method: &'static str, path: &str, body: &str) -> Self {
        let headers = vec![("x-lakegate-sandbox", "1".to_owned())];
        Self::new("s3", method, path, headers, body.to_owned())
    }

    fn new(
        service: &'static str,
        method: &'static str,
        path: &str,
        headers: Vec<(&'static str, String)>,
        body: String,
    ) -> Self {
        Self { service, region: "us-east-1", method, path: path.to_owned(), headers, body, clock_offset: 0 }
    }

    /// The request, signed for `endpoint` with `credentials`.
    pub(crate) fn signed(&self, endpoint: &str, credentials: &Credentials) -> Request<Full<Bytes>> {
        let authority = endpoint.trim_start_matches("http://");
        let identity = credentials.clone().into();
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let offset = Duration::from_secs(self.clock_offset.unsigned_abs());
        let now = SystemTime::now();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(if self.clock_offset < 0 { now - offset } else { now + offset })
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let headers = self.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let headers = headers.chain([("host", authority)]);
        let uri = format!("{endpoint}{}", self.path);
        let body = SignableBody::Bytes(self.body.as_bytes());
        let signable = SignableRequest::new(self.method, uri, headers, body).unwrap();
        let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
        let mut request = self.unsigned(endpoint);
        instructions.apply_to_request_http1x(&mut request);
        request
    }

    pub(crate) fn unsigned(&self, endpoint: &str) -> Request<Full<Bytes>> {
        let authority = endpoint.trim_start_matches("http://");
        let mut request = Request::builder().method(self.method).uri(&self.path).header("host", authority);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request.body(Full::from(self.body.clone())).unwrap()
    }
}

/// Sends one request on a connection of its own.
pub(crate) async fn send(endpoint: &str, request: Request<Full<Bytes>>) -> Answer {
    let stream = tokio::net::TcpStream::connect(endpoint.trim_start_matches("http://")).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let response = sender.send_request(request).await.unwrap();
    let status = response.status();
    let error_type = response.headers().get("x-amzn-errortype");
    let error_type = error_type.map(|value| value.to_str().unwrap().to_owned());
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Answer { status, error_type, body: String::from_utf8_lossy(&body).into_owned() }
}
