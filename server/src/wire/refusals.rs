//! Refused connections in the log and in the metrics.
//!
//! Whoever can reach the port can be refused as often as it likes, so the log gets one line per kind in [`QUIET`], with the
//! number of those that were left out; the metrics count them all.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::telemetry::metrics::{ConnectionRefusal, Metrics};

/// The shortest time between two lines of one kind.
pub(super) const QUIET: Duration = Duration::from_secs(10);

/// What a line is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Refused(ConnectionRefusal),
    AcceptFailed,
}

/// The last line of one kind.
struct LastLine {
    kind: Kind,
    at: Instant,
    left_out: u64,
}

/// Writes down refusals.
pub(super) struct RefusalLog {
    metrics: Arc<Metrics>,
    last_lines: Mutex<Vec<LastLine>>,
}

impl RefusalLog {
    /// Nothing was refused yet.
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, last_lines: Mutex::default() }
    }

    /// Writes down that a client was refused; `reason` is for the log.
    pub(super) fn record(&self, refusal: ConnectionRefusal, peer: SocketAddr, reason: &str) {
        self.metrics.record_refused_connection(refusal);
        let Some(left_out) = self.turn(Kind::Refused(refusal), Instant::now()) else {
            return;
        };
        let text = explanation(refusal);
        if matches!(refusal, ConnectionRefusal::TooMany | ConnectionRefusal::TooManyOfAddress) {
            tracing::warn!(%peer, left_out, "connection refused: {text}");
        } else {
            tracing::info!(%peer, reason, left_out, "connection refused: {text}");
        }
    }

    /// Writes down that no connection could be taken.
    pub(super) fn accept_failed(&self, error: &io::Error) {
        if let Some(left_out) = self.turn(Kind::AcceptFailed, Instant::now()) {
            tracing::error!(%error, left_out, "no connection can be accepted, trying on");
        }
    }

    /// Whether a line of this kind may be written now, and how many were left out since the last one.
    fn turn(&self, kind: Kind, now: Instant) -> Option<u64> {
        let mut last_lines = self.last_lines.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = last_lines.iter_mut().find(|last| last.kind == kind) else {
            last_lines.push(LastLine { kind, at: now, left_out: 0 });
            return Some(0);
        };
        if now.duration_since(last.at) < QUIET {
            last.left_out += 1;
            return None;
        }
        last.at = now;
        Some(std::mem::take(&mut last.left_out))
    }
}

/// What the operator can do about it.
fn explanation(refusal: ConnectionRefusal) -> &'static str {
    match refusal {
        ConnectionRefusal::TooMany => "server.max_connections are open",
        ConnectionRefusal::TooManyOfAddress => {
            "server.max_pending_connections_per_address are open without a login: if it is a load balancer, name it in \
             server.proxies"
        }
        ConnectionRefusal::NoLogin => "nobody has logged in for server.login_timeout",
        ConnectionRefusal::TlsOnPlaintext => {
            "the client speaks TLS and this port does not: turn TLS off in the client (JDBC: useEncryption=false), or set \
             server.tls_certificate"
        }
        ConnectionRefusal::PlaintextOnTls => {
            "the client speaks plain text and this port TLS: turn TLS on in the client (grpc+tls://, useEncryption=true)"
        }
        ConnectionRefusal::Http1 => "the client speaks HTTP/1 and this port gRPC",
        ConnectionRefusal::UnknownProtocol => "the client speaks neither TLS nor HTTP/2",
        ConnectionRefusal::TlsHandshake => "the TLS handshake failed",
        ConnectionRefusal::Timeout => "the client has said too little for too long",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_one_line_in_a_while_and_the_next_one_counts_the_rest() {
        let log = RefusalLog::new(Arc::default());
        let (http1, other) = (Kind::Refused(ConnectionRefusal::Http1), Kind::AcceptFailed);
        let began = Instant::now();
        assert_eq!(log.turn(http1, began), Some(0));
        assert_eq!(log.turn(http1, began), None);
        assert_eq!(log.turn(http1, began + QUIET / 2), None);
        assert_eq!(log.turn(other, began), Some(0), "kinds do not silence each other");
        assert_eq!(log.turn(http1, began + QUIET), Some(2));
        assert_eq!(log.turn(http1, began + QUIET * 2), Some(0));
    }
}
