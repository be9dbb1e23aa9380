//! What a request is about: its service, its operation, and how its protocol says that a signature is no good.

use chrono::{DateTime, Utc};
use http::Request;
use http::request::Parts;
use hyper::body::Incoming;

use crate::protocol::{ApiError, ErrorCode, Form, Protocol, Service};
use crate::s3::operation_name;
use crate::sigv4::{AuthFailure, Authorization, Scope, is_recent};
use crate::state::REGION;

/// The longest operation name that is counted under its own name.
const LONGEST_OPERATION: usize = 64;

/// What a request claims to be signed for; whether it is, is checked later.
///
/// # Errors
/// No readable signature, in the words of the protocol that the request seems to speak.
pub(super) fn require_scope(request: &Request<Incoming>, expected: Protocol) -> Result<Scope, ApiError> {
    let is_signed = request.headers().contains_key(http::header::AUTHORIZATION);
    let unreadable = if is_signed { AuthFailure::Malformed } else { AuthFailure::Missing };
    scope(request).ok_or_else(|| auth_error(expected, unreadable))
}

/// The service of a credential scope.
///
/// # Errors
/// The sandbox has no such service.
pub(super) fn service(scope: &Scope) -> Result<Service, ApiError> {
    Service::from_scope(&scope.service).ok_or_else(|| {
        let text = format!("The sandbox has no service {}", scope.service);
        ApiError::new(ErrorCode::UnknownOperationException, text)
    })
}

/// Demands that the signature is for the Region of the sandbox.
///
/// # Errors
/// The refusal in the words of the service.
pub(super) fn require_region(scope: &Scope, service: Service) -> Result<(), ApiError> {
    if scope.region == REGION {
        return Ok(());
    }
    Err(auth_error(service.protocol(), AuthFailure::WrongRegion))
}

/// The credential scope of a signed request: from the `Authorization` header, or for presigned S3 URLs the query.
fn scope(request: &Request<Incoming>) -> Option<Scope> {
    if request.headers().contains_key(http::header::AUTHORIZATION) {
        return Authorization::from_headers(request.headers()).map(|authorization| authorization.scope);
    }
    let query = request.uri().query().unwrap_or_default();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let credential =
        pairs.find(|(name, _)| name == "X-Amz-Credential").map(|(_, value)| value.into_owned())?;
    Scope::parse(&credential).filter(|scope| scope.service == "s3")
}

/// The protocol to answer in while the service is not known yet.
pub(super) fn expected_protocol(request: &Request<Incoming>) -> Protocol {
    let content_type =
        request.headers().get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    match content_type.unwrap_or_default() {
        _ if request.headers().contains_key("x-amz-target") => Protocol::AwsJson,
        form if form.starts_with("application/x-www-form-urlencoded") => Protocol::Query,
        json if json.starts_with("application/json") => Protocol::RestJson,
        _ => Protocol::RestXml,
    }
}

pub(super) fn s3_operation(request: &Request<Incoming>) -> &'static str {
    let uri = request.uri();
    let is_copy = request.headers().contains_key("x-amz-copy-source");
    operation_name(request.method(), uri.path(), uri.query().unwrap_or_default(), is_copy)
}

/// The key of an S3 request, or the prefix of a listing, for faults.
pub(super) fn s3_key(request: &Request<Incoming>) -> String {
    let (uri, query) = (request.uri(), request.uri().query().unwrap_or_default());
    let key = uri.path().trim_start_matches('/').split_once('/').map_or("", |(_, key)| key);
    if key.is_empty() {
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        return pairs
            .find(|(name, _)| name == "prefix")
            .map_or_else(String::new, |(_, value)| value.into_owned());
    }
    // A plus sign stands for itself in a path.
    let escaped = format!("key={}", key.replace('+', "%2B").replace('&', "%26"));
    let mut pairs = url::form_urlencoded::parse(escaped.as_bytes());
    pairs.next().map_or_else(String::new, |(_, value)| value.into_owned())
}

/// Demands that an S3 request was signed at about `now`. S3's own library compares with the clock of this machine, which
/// is another one while a test moves the account's.
///
/// # Errors
/// `RequestTimeTooSkewed`.
pub(super) fn require_time(request: &Request<Incoming>, now: DateTime<Utc>) -> Result<(), ApiError> {
    let stamp = request.headers().get("x-amz-date").and_then(|value| value.to_str().ok());
    match stamp.map(|stamp| is_recent(stamp, now)) {
        Some(Some(false)) => Err(auth_error(Protocol::RestXml, AuthFailure::Skewed)),
        _ => Ok(()),
    }
}

/// The operation of a call: the form's `Action`, the target header, or the path. Names that cannot be one are all
/// called `Unknown`, so that they cannot fill the counters.
pub(super) fn operation(parts: &Parts, form: Option<&Form>) -> String {
    let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    let name = match (form, target) {
        (Some(form), _) => form.get("Action").unwrap_or_default(),
        (None, Some(target)) => target.strip_prefix("AWSGlue.").unwrap_or_default(),
        (None, None) => parts.uri.path().trim_start_matches('/'),
    };
    let is_name =
        (1..=LONGEST_OPERATION).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric());
    if is_name { name.to_owned() } else { "Unknown".to_owned() }
}

/// A failed authentication in the words of each protocol.
pub(super) fn auth_error(protocol: Protocol, failure: AuthFailure) -> ApiError {
    let is_json = matches!(protocol, Protocol::AwsJson | Protocol::RestJson);
    let (code, text) = match failure {
        AuthFailure::Missing if protocol == Protocol::RestXml => (ErrorCode::AccessDenied, "Access Denied"),
        AuthFailure::Missing if is_json => {
            (ErrorCode::MissingAuthenticationTokenException, "Missing Authentication Token")
        }
        AuthFailure::Missing => {
            (ErrorCode::MissingAuthenticationToken, "Request is missing Authentication Token")
        }
        AuthFailure::Malformed | AuthFailure::WrongRegion if protocol == Protocol::RestXml => (
            ErrorCode::AuthorizationHeaderMalformed,
            "The authorization header is malformed or names another Region; expecting 'us-east-1'",
        ),
        AuthFailure::Malformed => {
            (ErrorCode::IncompleteSignature, "The authorization header is not complete")
        }
        AuthFailure::UnknownKey if protocol == Protocol::RestXml => (
            ErrorCode::InvalidAccessKeyId,
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
        AuthFailure::UnknownKey if is_json => {
            (ErrorCode::UnrecognizedClientException, "The security token included in the request is invalid.")
        }
        AuthFailure::UnknownKey => {
            (ErrorCode::InvalidClientTokenId, "The security token included in the request is invalid.")
        }
        AuthFailure::Expired if is_json => {
            (ErrorCode::ExpiredTokenException, "The security token included in the request is expired")
        }
        AuthFailure::Expired => {
            (ErrorCode::ExpiredToken, "The security token included in the request is expired")
        }
        AuthFailure::WrongRegion if is_json => {
            (ErrorCode::InvalidSignatureException, "Credential should be scoped to a valid region.")
        }
        AuthFailure::WrongRegion => {
            (ErrorCode::SignatureDoesNotMatch, "Credential should be scoped to a valid region.")
        }
        AuthFailure::Skewed if protocol == Protocol::RestXml => (
            ErrorCode::RequestTimeTooSkewed,
            "The difference between the request time and the current time is too large.",
        ),
        AuthFailure::Skewed | AuthFailure::Mismatch if is_json => {
            (ErrorCode::InvalidSignatureException, mismatch_text(failure))
        }
        AuthFailure::Skewed | AuthFailure::Mismatch => {
            (ErrorCode::SignatureDoesNotMatch, mismatch_text(failure))
        }
    };
    ApiError::new(code, text)
}

fn mismatch_text(failure: AuthFailure) -> &'static str {
    if failure == AuthFailure::Skewed {
        return "Signature expired: the time of the request is too far from the time of the server";
    }
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
     Key and signing method. Consult the service documentation for details."
}
