//! The few calls for which no client is linked: IAM, and S3 CreateBucket.
//!
//! `aws-sdk-iam` alone would add minutes to every clean build for two operations, and `object_store`
//! has no notion of creating a bucket. Both are one signed request. The signature comes from
//! `aws-sigv4`, the signer inside the SDKs, so that the sandbox's own verification is never checked
//! against itself.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::form_urlencoded;

use super::account::REGION;
use super::error::SeedError;

/// Sends signed requests to one endpoint over plain HTTP.
pub(super) struct SignedRequests {
    authority: String,
    credentials: Credentials,
}

/// What is sent, apart from host and signature.
struct Call {
    service: &'static str,
    method: Method,
    path: String,
    content_type: &'static str,
    body: String,
}

impl SignedRequests {
    /// Takes an endpoint of the form `http://host:port`, an optional slash behind it.
    pub(super) fn new(endpoint: &str, credentials: Credentials) -> Result<SignedRequests, SeedError> {
        let refused = || SeedError::Endpoint { given: endpoint.to_owned() };
        let uri = endpoint.parse::<Uri>().map_err(|_| refused())?;
        let authority = uri.authority().filter(|authority| authority.port().is_some());
        let (Some("http"), "/", Some(authority)) = (uri.scheme_str(), uri.path(), authority) else {
            return Err(refused());
        };
        Ok(SignedRequests { authority: authority.to_string(), credentials })
    }

    /// An IAM call by the query protocol.
    pub(super) async fn iam(
        &self,
        operation: &'static str,
        action: &str,
        resource: &str,
        parameters: &[(&str, &str)],
    ) -> Result<(), SeedError> {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", action)
            .append_pair("Version", "2010-05-08")
            .extend_pairs(parameters)
            .finish();
        let call = Call {
            service: "iam",
            method: Method::POST,
            path: "/".to_owned(),
            content_type: "application/x-www-form-urlencoded; charset=utf-8",
            body,
        };
        self.send(operation, resource, call).await
    }

    /// S3 CreateBucket, path style.
    pub(super) async fn create_bucket(&self, bucket: &str) -> Result<(), SeedError> {
        let call = Call {
            service: "s3",
            method: Method::PUT,
            path: format!("/{bucket}"),
            content_type: "application/xml",
            body: String::new(),
        };
        self.send("s3:CreateBucket", bucket, call).await
    }

    async fn send(&self, operation: &'static str, resource: &str, call: Call) -> Result<(), SeedError> {
        let request = self.signed(call)?;
        let response =
            self.exchange(request).await.map_err(|source| SeedError::Unreachable { operation, source })?;
        if response.status().is_success() {
            return Ok(());
        }
        let body = String::from_utf8_lossy(response.body());
        let reason = format!("{} {}", response.status(), body.trim());
        Err(SeedError::refused(operation, resource, xml_text(&body, "Code"), reason))
    }

    fn signed(&self, call: Call) -> Result<Request<Full<Bytes>>, SeedError> {
        let identity = self.credentials.clone().into();
        let mut settings = SigningSettings::default();
        // S3 demands the header that carries the payload's hash; IAM accepts it.
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(REGION)
            .name(call.service)
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .map_err(SeedError::request)?
            .into();

        let uri = format!("http://{}{}", self.authority, call.path);
        let headers = [(HOST.as_str(), self.authority.as_str()), (CONTENT_TYPE.as_str(), call.content_type)];
        let body = SignableBody::Bytes(call.body.as_bytes());
        let signable = SignableRequest::new(call.method.as_str(), uri, headers.into_iter(), body)
            .map_err(SeedError::request)?;
        let (instructions, _signature) =
            sign(signable, &parameters).map_err(SeedError::request)?.into_parts();

        let mut request = Request::builder()
            .method(call.method)
            .uri(call.path)
            .header(HOST, &self.authority)
            .header(CONTENT_TYPE, call.content_type)
            .body(Full::from(call.body))
            .map_err(SeedError::request)?;
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }

    /// One connection per request: there are two dozen in all.
    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Bytes>, Box<dyn std::error::Error + Send + Sync>> {
        let stream = TcpStream::connect(&self.authority).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let (parts, body) = sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        connection.abort();
        Ok(Response::from_parts(parts, body))
    }
}

/// The text of the first element of that name. The error documents of IAM and S3 are flat and their
/// codes hold no entities, so no parser is needed to read one.
fn xml_text<'a>(document: &'a str, element: &str) -> Option<&'a str> {
    let (_, after) = document.split_once(&format!("<{element}>"))?;
    let (text, _) = after.split_once(&format!("</{element}>"))?;
    Some(text)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    fn requests(endpoint: &str) -> Result<SignedRequests, SeedError> {
        SignedRequests::new(endpoint, Credentials::new("AKIA", "secret", None, None, "test"))
    }

    #[test]
    fn an_endpoint_is_a_plain_http_host_and_port() {
        for good in ["http://127.0.0.1:4577", "http://127.0.0.1:4577/", "http://localhost:1"] {
            assert!(requests(good).is_ok(), "{good}");
        }
        for bad in
            ["", "127.0.0.1:4577", "https://127.0.0.1:4577", "http://127.0.0.1", "http://127.0.0.1:1/x"]
        {
            assert!(matches!(requests(bad), Err(SeedError::Endpoint { .. })), "{bad}");
        }
    }

    #[test]
    fn a_request_carries_host_payload_hash_and_a_signature_for_its_service() {
        let call = Call {
            service: "iam",
            method: Method::POST,
            path: "/".to_owned(),
            content_type: "text/plain",
            body: "Action=GetRole".to_owned(),
        };
        let request = requests("http://127.0.0.1:4577").unwrap().signed(call).unwrap();
        let header = |name: &str| request.headers().get(name).unwrap().to_str().unwrap().to_owned();
        assert_eq!(header("host"), "127.0.0.1:4577");
        assert_eq!(header("x-amz-content-sha256").len(), 64);
        assert!(header("authorization").contains("/us-east-1/iam/aws4_request"));
    }

    #[test]
    fn the_error_code_is_read_from_iam_and_s3_documents() {
        let iam = "<ErrorResponse><Error><Type>Sender</Type><Code>EntityAlreadyExists</Code></Error></ErrorResponse>";
        let s3 = "<?xml version=\"1.0\"?><Error><Code>BucketAlreadyOwnedByYou</Code><Message/></Error>";
        assert_eq!(xml_text(iam, "Code"), Some("EntityAlreadyExists"));
        assert_eq!(xml_text(s3, "Code"), Some("BucketAlreadyOwnedByYou"));
        assert_eq!(xml_text("connection refused", "Code"), None);
    }
}
