//! The wire shapes of AWS: which protocol each service speaks, and how success and failure look in it.
//!
//! Services return plain values or an [`ApiError`]; only this module turns them into HTTP. One place, because
//! clients tell errors apart by code, status and header, and every protocol spells those differently.

mod error;
mod json;
mod query;

pub(crate) use error::{ApiError, ErrorCode};
pub(crate) use json::{epoch_seconds, input, page};
pub(crate) use query::{Form, Xml};

use bytes::Bytes;
use http::{Response, StatusCode, header};
use s3s::Body;
use uuid::Uuid;

/// An AWS service of the sandbox, as named by the credential scope of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Sts,
    Iam,
    Glue,
    LakeFormation,
    S3,
}

/// How a service frames requests, results and errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Form in, XML out (STS, IAM).
    Query,
    /// `X-Amz-Target` and JSON 1.1 (Glue).
    AwsJson,
    /// `POST /<Operation>` and JSON (Lake Formation).
    RestJson,
    /// REST and XML (S3).
    RestXml,
}

impl Service {
    /// The service for the name in a credential scope; `None` for services that the sandbox lacks.
    pub(crate) fn from_scope(name: &str) -> Option<Self> {
        match name {
            "sts" => Some(Self::Sts),
            "iam" => Some(Self::Iam),
            "glue" => Some(Self::Glue),
            "lakeformation" => Some(Self::LakeFormation),
            "s3" => Some(Self::S3),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sts => "sts",
            Self::Iam => "iam",
            Self::Glue => "glue",
            Self::LakeFormation => "lakeformation",
            Self::S3 => "s3",
        }
    }

    pub(crate) fn protocol(self) -> Protocol {
        match self {
            Self::Sts | Self::Iam => Protocol::Query,
            Self::Glue => Protocol::AwsJson,
            Self::LakeFormation => Protocol::RestJson,
            Self::S3 => Protocol::RestXml,
        }
    }
}

/// A successful answer of `protocol`: the body that a service produced, with the headers clients expect.
pub(crate) fn success(protocol: Protocol, body: impl Into<Bytes>) -> Response<Body> {
    respond(StatusCode::OK, content_type(protocol), body.into(), None)
}

/// The answer for `error` in the dialect of `protocol`.
pub(crate) fn failure(protocol: Protocol, error: &ApiError) -> Response<Body> {
    let body = match protocol {
        Protocol::Query => query::error_body(error),
        Protocol::AwsJson | Protocol::RestJson => json::error_body(error),
        Protocol::RestXml => query::s3_error_body(error),
    };
    let error_type = matches!(protocol, Protocol::AwsJson | Protocol::RestJson).then(|| error.code.as_str());
    respond(error.status(protocol), content_type(protocol), body.into(), error_type)
}

fn content_type(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Query => "text/xml",
        Protocol::AwsJson => "application/x-amz-json-1.1",
        Protocol::RestJson => "application/json",
        Protocol::RestXml => "application/xml",
    }
}

fn respond(
    status: StatusCode,
    content_type: &'static str,
    body: Bytes,
    error_type: Option<&'static str>,
) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    if let Ok(request_id) = header::HeaderValue::from_str(&Uuid::new_v4().to_string()) {
        headers.insert("x-amzn-requestid", request_id);
    }
    if let Some(code) = error_type {
        headers.insert("x-amzn-errortype", header::HeaderValue::from_static(code));
    }
    response
}
