//! The front door: one HTTP endpoint for all services.
//!
//! ```text
//! connection ─ route (scope of the signature → service, operation) ─ count ─ fault ─ verify signature ─ service ─ answer
//! ```
//!
//! [`Front::handle`] is the only way in. A request without a signature reaches nothing but `/_sandbox/`; what a
//! request is about is known before its signature is checked, so that refused calls are counted as well.

mod broken;
mod internal;
mod route;
mod server;

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use s3s::Body;
use s3s::service::S3Service;

pub(crate) use broken::Reset;
pub(crate) use server::serve;

use crate::faults::{self, Asked, FaultKind, Strike};
use crate::protocol::{self, ApiError, ErrorCode, Form, Protocol, Service};
use crate::sigv4::{AuthFailure, Authorization, Scope};
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
    ///
    /// # Errors
    /// A fault wants the connection to be reset.
    pub(crate) async fn handle(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Result<Response<Body>, Reset> {
        if request.uri().path().starts_with(internal::PREFIX) {
            return Ok(internal::answer(&self.state, request, peer).await);
        }
        let mut protocol = route::expected_protocol(&request);
        let outcome = async {
            let scope = route::require_scope(&request, protocol)?;
            let service = route::service(&scope)?;
            protocol = service.protocol();
            let call = Call::read(service, request).await?;
            self.state.count(call.name());
            route::require_region(&scope, service)?;
            match self.strike(&call, &scope) {
                Some(strike) => self.answer_struck(call, &scope, strike).await,
                None => self.answer(call).await.map(Ok),
            }
        };
        let outcome = outcome.await;
        outcome.unwrap_or_else(|error| Ok(protocol::failure(protocol, &error)))
    }

    /// The fault that a call is in for, if there is one.
    fn strike(&self, call: &Call, scope: &Scope) -> Option<Strike> {
        if self.state.faults.are_none() {
            return None;
        }
        let signer = self.state.read().keys.principal(&scope.access_key);
        let principals = signer.into_iter().chain(call.assumed_role()).collect();
        let (operation, key) = (call.operation(), call.key());
        let asked = Asked { service: call.service(), operation, principals, key: &key };
        self.state.faults.strike(&asked)
    }

    async fn answer_struck(
        &self,
        call: Call,
        scope: &Scope,
        strike: Strike,
    ) -> Result<Result<Response<Body>, Reset>, ApiError> {
        if strike.kind == FaultKind::Expire {
            let now = self.state.clock.now();
            self.state.write().keys.expire(&scope.access_key, now);
        }
        if let Some(refusal) = faults::refusal(strike.kind, call.service(), call.operation()) {
            return Err(refusal);
        }
        match strike.kind {
            FaultKind::Reset => Ok(Err(Reset)),
            FaultKind::Truncate => {
                let (method, protocol) = (call.method().clone(), call.service().protocol());
                let answer = self.answer(call).await;
                let whole = answer.unwrap_or_else(|error| protocol::failure(protocol, &error));
                Ok(Ok(broken::truncated(whole, &method).await))
            }
            _ => {
                tokio::time::sleep(strike.delay).await;
                self.answer(call).await.map(Ok)
            }
        }
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
                route::require_time(&request, self.state.clock.signature_now())?;
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
        let account = self.state.read();
        let secret = account.keys.secret(access_key).ok_or(AuthFailure::UnknownKey)?;
        let clock = &self.state.clock;
        authorization.verify(&message.parts, &message.body, secret, clock.signature_now())?;
        let token = headers.get("x-amz-security-token").map(|value| value.to_str());
        let token = token.transpose().map_err(|_| AuthFailure::UnknownKey)?;
        account.keys.caller(access_key, token, clock.now())
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
        format!("{}:{}", self.service().name(), self.operation())
    }

    fn service(&self) -> Service {
        match self {
            Self::Query(service, ..) | Self::Json(service, _) => *service,
            Self::S3(_) => Service::S3,
        }
    }

    fn operation(&self) -> &str {
        match self {
            Self::Query(_, message, _) | Self::Json(_, message) => &message.operation,
            Self::S3(request) => route::s3_operation(request),
        }
    }

    fn method(&self) -> &Method {
        match self {
            Self::Query(_, message, _) | Self::Json(_, message) => &message.parts.method,
            Self::S3(request) => request.method(),
        }
    }

    /// The role that the call wants to assume.
    fn assumed_role(&self) -> Option<String> {
        match self {
            Self::Query(_, _, form) => form.get("RoleArn").map(str::to_owned),
            Self::Json(..) | Self::S3(_) => None,
        }
    }

    /// The object's key or the listing's prefix.
    fn key(&self) -> String {
        match self {
            Self::S3(request) => route::s3_key(request),
            Self::Query(..) | Self::Json(..) => String::new(),
        }
    }
}
