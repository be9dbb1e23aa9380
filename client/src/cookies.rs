//! Cookies of the server, kept in memory and brought back with every call on the same connection.
//!
//! Flight keeps a session in a cookie: what `SET` and `USE` change comes back as one, and would be lost without it. Load
//! balancers keep a client at one replica in the same way. A connection has one server, so that no cookie can reach
//! another one.
//!
//! A cookie is kept until the server takes it away, also beyond its `Max-Age`: a server that finds it expired says so,
//! while without it a statement would run with other options than were set.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::header::{COOKIE, SET_COOKIE};
use tonic::codegen::http::{HeaderMap, HeaderValue, Request, Response};
use tonic::transport::{Channel, Error};

/// Longest header that cookies may make. Servers refuse long ones, and then the connection would be lost for good.
const LIMIT_BYTES: usize = 8 * 1024;

/// A channel that keeps cookies. Clones share them, as they share the connection.
#[derive(Clone)]
pub(crate) struct CookieChannel {
    channel: Channel,
    jar: Arc<Mutex<Jar>>,
}

impl CookieChannel {
    pub(crate) fn new(channel: Channel) -> Self {
        Self { channel, jar: Arc::default() }
    }
}

impl Service<Request<Body>> for CookieChannel {
    type Response = Response<Body>;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response<Body>, Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Service::poll_ready(&mut self.channel, context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let header = self.jar.lock().unwrap_or_else(PoisonError::into_inner).header();
        if let Some(header) = header {
            request.headers_mut().insert(COOKIE, header);
        }
        let jar = Arc::clone(&self.jar);
        let answer = Service::call(&mut self.channel, request);
        async move {
            let response = answer.await?;
            jar.lock().unwrap_or_else(PoisonError::into_inner).keep(response.headers());
            Ok(response)
        }
        .boxed()
    }
}

/// Cookies by name. Deliberately without `Debug`: the values are capabilities.
#[derive(Default)]
struct Jar(BTreeMap<String, String>);

impl Jar {
    /// The header that brings all of them back.
    fn header(&self) -> Option<HeaderValue> {
        if self.0.is_empty() {
            return None;
        }
        let pairs: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut header = HeaderValue::try_from(pairs.join("; ")).ok()?;
        // Keeps it out of HPACK's dynamic table and out of debug output.
        header.set_sensitive(true);
        Some(header)
    }

    /// Takes in what an answer sets.
    fn keep(&mut self, headers: &HeaderMap) {
        for cookie in headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            let mut parts = cookie.split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
                continue;
            };
            self.0.remove(name);
            let is_taken_away = value.is_empty() || parts.any(|part| part.eq_ignore_ascii_case("max-age=0"));
            if !is_taken_away && self.length() + cookie.len() <= LIMIT_BYTES {
                self.0.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    fn length(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.len() + "=; ".len()).sum()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed call fails the test")]

    use super::*;

    fn jar(answers: &[&str]) -> Jar {
        let mut jar = Jar::default();
        for answer in answers {
            let mut headers = HeaderMap::new();
            headers.insert(SET_COOKIE, answer.parse().unwrap());
            jar.keep(&headers);
        }
        jar
    }

    fn header(answers: &[&str]) -> Option<String> {
        jar(answers).header().map(|header| header.to_str().unwrap().to_owned())
    }

    #[test]
    fn what_was_set_last_is_brought_back_without_its_attributes() {
        let answers = ["session=a; Max-Age=60; Path=/; HttpOnly", "replica=1", "session=b==; Path=/"];
        assert_eq!(header(&answers).unwrap(), "replica=1; session=b==");
        assert!(jar(&answers).header().unwrap().is_sensitive());
    }

    #[test]
    fn a_cookie_is_gone_when_the_server_takes_it_away() {
        for removal in ["session=; Max-Age=0; Path=/", "session=a; max-age=0", "session="] {
            assert_eq!(header(&["session=a", removal]), None, "{removal}");
        }
    }

    #[test]
    fn cookies_that_make_the_header_too_long_are_not_kept() {
        let long = format!("long={}", "x".repeat(LIMIT_BYTES));
        assert_eq!(header(&["session=a", &long, "no pair"]).unwrap(), "session=a");
    }
}
