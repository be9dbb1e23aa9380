//! In front of the services: what happens to a call before its message is read.
//!
//! tonic reads a call's message, and only then asks the handler, who asks who calls. So whoever has no valid token could make
//! the server hold messages for as long as they like. Here the message of such a call is not read; the handler gets an
//! empty one in its place, and refuses the call as it refuses all without a token. A handshake's says nothing either: its
//! headers do.
//!
//! A call with a valid token, and a handshake that succeeded, are what a connection's time for a login ends with
//! (`visitors`).

use std::convert::Infallible;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use tonic::codegen::{BoxFuture, Service};
use tonic::metadata::MetadataMap;
use tonic::server::NamedService;

use super::authenticate;
use super::uploads::{self, Kind, Uploads};
use super::visitors::Visitor;
use crate::identity::Identity;

/// A message of no fields, as gRPC frames it: not compressed, no bytes.
const EMPTY_MESSAGE: &[u8] = &[0; 5];

/// The methods whose requests are streams.
const STREAMING: [&str; 3] = ["/Handshake", "/DoPut", "/DoExchange"];

/// In front of the Flight service.
#[derive(Clone)]
pub(super) struct Gate<S> {
    service: S,
    identity: Arc<Identity>,
    uploads: Arc<Uploads>,
}

impl<S> Gate<S> {
    pub(super) fn new(service: S, identity: Arc<Identity>, uploads: Arc<Uploads>) -> Self {
        Self { service, identity, uploads }
    }
}

impl<S: NamedService> NamedService for Gate<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<tonic::body::Body>> for Gate<S>
where
    S: Service<Request<Body>, Response = Response<tonic::body::Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = Infallible;
    type Future = BoxFuture<S::Response, Infallible>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> Self::Future {
        let (mut head, body) = request.into_parts();
        let visitor = head.extensions.get::<Arc<Visitor>>().cloned();
        if let Some(visitor) = &visitor {
            head.extensions.insert(visitor.connect_info());
        }
        let metadata = MetadataMap::from_headers(mem::take(&mut head.headers));
        let user = authenticate::expected(&self.identity, &metadata);
        head.headers = metadata.into_headers();
        let body = match user {
            Some(user) => {
                visitor.as_deref().inspect(|visitor| visitor.logged_in());
                let is_stream = STREAMING.iter().any(|method| head.uri.path().ends_with(method));
                let kind = if is_stream { Kind::Stream } else { Kind::Message };
                self.uploads.limited(user, kind, Body::new(body))
            }
            None => Body::from(Bytes::from_static(EMPTY_MESSAGE)),
        };
        let answer = self.service.call(Request::from_parts(head, body));
        Box::pin(async move {
            let answer = answer.await?;
            // Only a handshake answers with a token.
            if answer.headers().contains_key("authorization") {
                visitor.inspect(|visitor| visitor.logged_in());
            }
            Ok(answer)
        })
    }
}

/// In front of the health service, which needs no login.
#[derive(Clone)]
pub(super) struct HealthGate<S>(pub(super) S);

impl<S: NamedService> NamedService for HealthGate<S> {
    const NAME: &'static str = S::NAME;
}

impl<S: Service<Request<Body>>> Service<Request<tonic::body::Body>> for HealthGate<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> Self::Future {
        self.0.call(request.map(|body| uploads::for_health(Body::new(body))))
    }
}
