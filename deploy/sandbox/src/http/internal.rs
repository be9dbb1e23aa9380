//! `/_sandbox/`: what AWS does not have. Health, counters, and ending all sessions at once.
//!
//! Nothing here is signed. What changes the account is open to loopback peers only.

use std::net::SocketAddr;
use std::sync::Arc;

use chrono::Utc;
use http::{Method, Request, Response, StatusCode, header};
use s3s::Body;
use serde_json::{Value, json};

use crate::state::State;

pub(super) const PREFIX: &str = "/_sandbox/";

pub(super) fn answer<B>(state: &Arc<State>, request: &Request<B>, peer: SocketAddr) -> Response<Body> {
    let name = request.uri().path().trim_start_matches(PREFIX);
    match (request.method(), name) {
        (&Method::GET, "health") => json_response(StatusCode::OK, &json!({"status": "ok"})),
        (&Method::GET, "counters") => json_response(StatusCode::OK, &json!(state.counters())),
        (&Method::POST, "expire-sessions") if peer.ip().is_loopback() => {
            let expired = state.write().keys.expire_sessions(Utc::now());
            json_response(StatusCode::OK, &json!({"expired": expired}))
        }
        (&Method::POST, "expire-sessions") => {
            json_response(StatusCode::FORBIDDEN, &json!({"error": "only from this machine"}))
        }
        _ => json_response(StatusCode::NOT_FOUND, &json!({"error": "no such path"})),
    }
}

fn json_response(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
