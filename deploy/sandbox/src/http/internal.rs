//! `/_sandbox/`: what AWS does not have. Health, counters, faults, the clock, and ending all sessions at once.
//!
//! | call | does |
//! |---|---|
//! | `GET health`, `GET counters` | tell that the sandbox runs, and how often each operation was called |
//! | `POST faults`, `GET faults`, `DELETE faults`, `DELETE faults/<id>` | set a [`Fault`], list them, forget all or one |
//! | `GET clock`, `POST clock` | tell and set [`ClockOffsets`]: `{"seconds": 300}` for both, or with `signature_seconds` |
//! | `POST expire-sessions` | ends all sessions and vended keys |
//!
//! Nothing here is signed, so it is kept from web pages, which reach loopback through the browser of whoever runs the sandbox.
//! What changes the account needs the header `x-lakegate-sandbox: 1`, which a page of another origin can send only after a
//! preflight that is never answered, and comes from loopback peers only. A request that names another host than loopback,
//! as one whose name was rebound does, or an origin elsewhere learns nothing but health.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::uri::Authority;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use s3s::Body;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::{Host, Url};

use crate::faults::Fault;
use crate::state::{ClockOffsets, State};

pub(super) const PREFIX: &str = "/_sandbox/";

/// The header of calls that change the account.
const CHANGE: &str = "x-lakegate-sandbox";

/// The largest body of a call, in bytes.
const LARGEST_BODY: usize = 64 << 10;

type Refusal = (StatusCode, String);

pub(super) async fn answer(
    state: &Arc<State>,
    request: Request<Incoming>,
    peer: SocketAddr,
) -> Response<Body> {
    let (status, body) = match outcome(state, request, peer).await {
        Ok(body) => (StatusCode::OK, body),
        Err((status, text)) => (status, json!({"error": text})),
    };
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

async fn outcome(state: &Arc<State>, request: Request<Incoming>, peer: SocketAddr) -> Result<Value, Refusal> {
    let (parts, body) = request.into_parts();
    let name = parts.uri.path().trim_start_matches(PREFIX);
    if parts.method == Method::GET && name == "health" {
        return Ok(json!({"status": "ok"}));
    }
    require_local(&parts)?;
    if parts.method == Method::GET {
        return told(state, name);
    }
    require_change(&parts, peer)?;
    let body = Limited::new(body, LARGEST_BODY).collect().await;
    let body = body.map_err(|_| refused("the body is too large or was cut off"))?.to_bytes();
    changed(state, &parts.method, name, &body)
}

fn told(state: &State, name: &str) -> Result<Value, Refusal> {
    match name {
        "counters" => Ok(json!(state.counters())),
        "faults" => Ok(json!(state.faults.list())),
        "clock" => Ok(json!(state.clock.offsets())),
        _ => Err(no_such_path()),
    }
}

fn changed(state: &State, method: &Method, name: &str, body: &Bytes) -> Result<Value, Refusal> {
    match (method, name) {
        (&Method::POST, "faults") => {
            let id = state.faults.set(input::<Fault>(body)?).map_err(refused)?;
            Ok(json!({"id": id}))
        }
        (&Method::DELETE, "faults") => Ok(json!({"cleared": state.faults.clear(None)})),
        (&Method::DELETE, name) => {
            let id = name.strip_prefix("faults/").and_then(|id| id.parse().ok()).ok_or_else(no_such_path)?;
            match state.faults.clear(Some(id)) {
                0 => Err((StatusCode::NOT_FOUND, "no such fault".to_owned())),
                cleared => Ok(json!({"cleared": cleared})),
            }
        }
        (&Method::POST, "clock") => {
            state.clock.set(input::<NewClock>(body)?.offsets()).map_err(refused)?;
            Ok(json!(state.clock.offsets()))
        }
        (&Method::POST, "expire-sessions") => {
            let now = state.clock.now();
            Ok(json!({"expired": state.write().keys.expire_sessions(now)}))
        }
        _ => Err(no_such_path()),
    }
}

/// A clock as it is set: one number is for both scales.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewClock {
    seconds: i64,
    signature_seconds: Option<i64>,
}

impl NewClock {
    fn offsets(&self) -> ClockOffsets {
        ClockOffsets {
            seconds: self.seconds,
            signature_seconds: self.signature_seconds.unwrap_or(self.seconds),
        }
    }
}

/// Demands that host and origin, where one is named, are this machine.
fn require_local(parts: &Parts) -> Result<(), Refusal> {
    let text =
        |name: header::HeaderName| parts.headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let host = text(header::HOST).and_then(|host| host.parse::<Authority>().ok());
    let is_host = host.is_some_and(|host| is_loopback(host.host()));
    let is_origin = text(header::ORIGIN).is_none_or(|origin| {
        let url = Url::parse(origin).ok();
        url.is_some_and(|url| match url.host() {
            Some(Host::Domain(name)) => is_loopback(name),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        })
    });
    if is_host && is_origin {
        return Ok(());
    }
    Err((StatusCode::FORBIDDEN, "only for this machine: host and origin must be loopback".to_owned()))
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Demands what a change needs: a peer on this machine, and the header that no page can send unasked.
fn require_change(parts: &Parts, peer: SocketAddr) -> Result<(), Refusal> {
    if !peer.ip().is_loopback() {
        return Err((StatusCode::FORBIDDEN, "only from this machine".to_owned()));
    }
    if parts.headers.get(CHANGE).is_some_and(|value| value == "1") {
        return Ok(());
    }
    Err((StatusCode::FORBIDDEN, format!("a change needs the header {CHANGE}: 1")))
}

fn input<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| refused(&error.to_string()))
}

fn refused(text: &str) -> Refusal {
    (StatusCode::BAD_REQUEST, text.to_owned())
}

fn no_such_path() -> Refusal {
    (StatusCode::NOT_FOUND, "no such path".to_owned())
}
