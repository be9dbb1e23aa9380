//! The front door: one HTTP endpoint for all services.
//!
//! ```text
//! connection ─ route (scope of the signature → service, operation) ─ count ─ verify signature ─ service ─ answer
//! ```
//!
//! [`Front::handle`] is the only way in. A request without a signature reaches nothing but `/_sandbox/`; what a
//! request is about is known before its signature is checked, so that refused calls are counted as well.

mod internal;
mod route;
mod server;

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use chrono::Utc;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use s3s::Body;
use s3s::service::S3Service;

pub(crate) use server::serve;

use crate::protocol::{self, ApiError, ErrorCode, Form, Protocol, Service};
use crate::sigv4::{AuthFailure, Authorization};
use crate::state::{Caller, State};
use crate::{glue, iam, lakeformation, sts};

/// The largest body of a call to anything but S3, in bytes.
const LARGEST_BODY: usize = 4 << 20;

/// Everything that a request may need.
pub(crate) struct Front {
    state: Arc<State>,
    s3: S3Service,
}

/// A request with its destination.
enum Call {
    /// To STS or IAM.
    Query(Service, Message, Form),
    /// To Glue or Lake Formation.
    Json(Service, Message),
    /// Not read yet: objects are streamed, and `s3s` checks the signatures of their chunks.
    S3(Request<Incoming>),
}

/// A request that has been read to its end.
struct Message {
    parts: Parts,
    body: Bytes,
    operation: String,
}

impl Front {
    pub(crate) fn new(state: Arc<State>, s3: S3Service) -> Self {
        Self { state, s3 }
    }

    /// Answers one request of `peer`.
    pub(crate) async fn handle(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        if request.uri().path().starts_with(internal::PREFIX) {
            return internal::answer(&self.state, &request, peer);
        }
        let mut protocol = route::expected_protocol(&request);
        let outcome = async {
            let scope = route::require_scope(&request, protocol)?;
            let service = route::service(&scope)?;
            protocol = service.protocol();
            let call = Call::read(service, request).await?;
            self.state.count(call.name());
            route::require_region(&scope, service)?;
            self.answer(call).await
        };
        let outcome = outcome.await;
        outcome.unwrap_or_else(|error| protocol::failure(protocol, &error))
    }

    async fn answer(&self, call: Call) -> Result<Response<Body>, ApiError> {
        match call {
            Call::Query(service, message, form) => {
                let caller = self.authenticate(service, &message)?;
                let answer = match service {
                    Service::Iam => iam::call(&self.state, &caller, &message.operation, &form)?,
                    _ => sts::call(&self.state, &caller, &message.operation, &form)?,
                };
                Ok(protocol::success(service.protocol(), answer))
            }
            Call::Json(service, message) => {
                let caller = self.authenticate(service, &message)?;
                let answer = match service {
                    Service::Glue => glue::call(&self.state, &caller, &message.operation, &message.body)?,
                    _ => lakeformation::call(&self.state, &caller, &message.operation, &message.body)?,
                };
                Ok(protocol::success(service.protocol(), answer.to_string()))
            }
            Call::S3(request) => {
                self.s3.call(request.map(Body::from)).await.map_err(|_| {
                    ApiError::new(ErrorCode::InternalFailure, "The request could not be answered")
                })
            }
        }
    }

    /// Who signed the message.
    fn authenticate(&self, service: Service, message: &Message) -> Result<Caller, ApiError> {
        self.caller(message).map_err(|failure| route::auth_error(service.protocol(), failure))
    }

    fn caller(&self, message: &Message) -> Result<Caller, AuthFailure> {
        let headers = &message.parts.headers;
        let authorization = Authorization::from_headers(headers).ok_or(AuthFailure::Malformed)?;
        let access_key = &authorization.scope.access_key;
        let now = Utc::now();
        let account = self.state.read();
        let secret = account.keys.secret(access_key).ok_or(AuthFailure::UnknownKey)?;
        authorization.verify(&message.parts, &message.body, secret, now)?;
        let token = headers.get("x-amz-security-token").map(|value| value.to_str());
        let token = token.transpose().map_err(|_| AuthFailure::UnknownKey)?;
        account.keys.caller(access_key, token, now)
    }
}

impl Call {
    async fn read(service: Service, request: Request<Incoming>) -> Result<Self, ApiError> {
        if service == Service::S3 {
            return Ok(Self::S3(request));
        }
        let (parts, body) = request.into_parts();
        let body = Limited::new(body, LARGEST_BODY).collect().await.map_err(|_| {
            ApiError::new(ErrorCode::RequestEntityTooLarge, "The request body is too large or was cut off")
        })?;
        let body = body.to_bytes();
        let form = (service.protocol() == Protocol::Query).then(|| Form::parse(&body));
        let operation = route::operation(&parts, form.as_ref());
        let message = Message { parts, body, operation };
        Ok(match form {
            Some(form) => Self::Query(service, message, form),
            None => Self::Json(service, message),
        })
    }

    /// The name under which the call is counted: `service:Operation`.
    fn name(&self) -> String {
        match self {
            Self::Query(service, message, _) | Self::Json(service, message) => {
                format!("{}:{}", service.name(), message.operation)
            }
            Self::S3(request) => format!("s3:{}", route::s3_operation(request)),
        }
    }
}
