//! Counters and gauges of the server, and their rendering as Prometheus text.
//!
//! Invariants: recording takes no lock; every label is a closed enum, so no user name, table or SQL text can become
//! a label, and the size of the output is fixed. Gauges fall by dropping what `enter` returned, so that they
//! return to zero however a query ends.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::ErrorKind;

/// How something ended.
pub(crate) type Outcome = Result<(), ErrorKind>;

/// The word for an outcome in metrics and the audit trail.
pub(crate) fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Ok(()) => "ok",
        Err(kind) => kind.as_str(),
    }
}

/// A method of the Flight service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RpcMethod {
    Handshake,
    ListFlights,
    GetFlightInfo,
    PollFlightInfo,
    GetSchema,
    DoGet,
    DoPut,
    DoExchange,
    DoAction,
    ListActions,
}

const RPC_METHODS: [(RpcMethod, &str); 10] = [
    (RpcMethod::Handshake, "Handshake"),
    (RpcMethod::ListFlights, "ListFlights"),
    (RpcMethod::GetFlightInfo, "GetFlightInfo"),
    (RpcMethod::PollFlightInfo, "PollFlightInfo"),
    (RpcMethod::GetSchema, "GetSchema"),
    (RpcMethod::DoGet, "DoGet"),
    (RpcMethod::DoPut, "DoPut"),
    (RpcMethod::DoExchange, "DoExchange"),
    (RpcMethod::DoAction, "DoAction"),
    (RpcMethod::ListActions, "ListActions"),
];

/// Why a connection was closed before its first call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ConnectionRefusal {
    /// There are as many as there may be.
    TooMany,
    /// TLS on a port without.
    TlsOnPlaintext,
    /// HTTP/2 without TLS on a port with.
    PlaintextOnTls,
    /// HTTP/1, with or without TLS.
    Http1,
    /// Neither TLS nor HTTP.
    UnknownProtocol,
    /// TLS that came to no agreement; also a missing or unknown certificate of the client.
    TlsHandshake,
    /// Too little was said for too long.
    Timeout,
}

const CONNECTION_REFUSALS: [(ConnectionRefusal, &str); 7] = [
    (ConnectionRefusal::TooMany, "too_many"),
    (ConnectionRefusal::TlsOnPlaintext, "tls_on_plaintext"),
    (ConnectionRefusal::PlaintextOnTls, "plaintext_on_tls"),
    (ConnectionRefusal::Http1, "http1"),
    (ConnectionRefusal::UnknownProtocol, "unknown_protocol"),
    (ConnectionRefusal::TlsHandshake, "tls_handshake"),
    (ConnectionRefusal::Timeout, "timeout"),
];

const OUTCOMES: [Outcome; 13] = [
    Ok(()),
    Err(ErrorKind::InvalidRequest),
    Err(ErrorKind::Unauthenticated),
    Err(ErrorKind::PermissionDenied),
    Err(ErrorKind::NotFound),
    Err(ErrorKind::Unsupported),
    Err(ErrorKind::Expired),
    Err(ErrorKind::ResourceExhausted),
    Err(ErrorKind::DeadlineExceeded),
    Err(ErrorKind::Cancelled),
    Err(ErrorKind::Unavailable),
    Err(ErrorKind::DataInvalid),
    Err(ErrorKind::Internal),
];

/// Upper bounds in seconds of the buckets of statement durations.
const SECONDS_BUCKETS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0];

/// A limit of the settings that ends a statement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Limit {
    /// `engine.max_result_rows`
    ResultRows,
    /// `engine.max_result_bytes`
    ResultBytes,
    /// `engine.max_scanned_bytes`
    ScannedBytes,
}

const LIMITS: [(Limit, &str); 3] = [
    (Limit::ResultRows, "result_rows"),
    (Limit::ResultBytes, "result_bytes"),
    (Limit::ScannedBytes, "scanned_bytes"),
];

/// A number that only grows.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number of things that exist now.
#[derive(Default)]
pub(crate) struct Gauge(Arc<AtomicU64>);

impl Gauge {
    /// Counts one more until the answer is dropped.
    #[must_use]
    pub(crate) fn enter(&self) -> Entered {
        self.0.fetch_add(1, Ordering::Relaxed);
        Entered(Arc::clone(&self.0))
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One thing counted by a [`Gauge`].
pub(crate) struct Entered(Arc<AtomicU64>);

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One counter per outcome.
#[derive(Default)]
pub(crate) struct OutcomeCounters([Counter; OUTCOMES.len()]);

impl OutcomeCounters {
    pub(crate) fn record(&self, outcome: Outcome) {
        let counters = OUTCOMES.iter().zip(&self.0);
        counters.filter(|(known, _)| **known == outcome).for_each(|(_, counter)| counter.add(1));
    }

    fn recorded(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let words = OUTCOMES.iter().map(|outcome| outcome_word(*outcome));
        words.zip(self.0.iter().map(Counter::get)).filter(|(_, count)| *count > 0)
    }
}

/// One counter per limit.
#[derive(Default)]
pub(crate) struct LimitCounters([Counter; LIMITS.len()]);

impl LimitCounters {
    pub(crate) fn record(&self, limit: Limit) {
        let counters = LIMITS.iter().zip(&self.0);
        counters.filter(|((known, _), _)| *known == limit).for_each(|(_, counter)| counter.add(1));
    }
}

/// Durations in buckets.
#[derive(Default)]
pub(crate) struct Histogram {
    buckets: [Counter; SECONDS_BUCKETS.len()],
    count: Counter,
    microseconds: Counter,
}

impl Histogram {
    pub(crate) fn record(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let bucket = SECONDS_BUCKETS.iter().zip(&self.buckets).find(|(bound, _)| seconds <= **bound);
        if let Some((_, counter)) = bucket {
            counter.add(1);
        }
        self.count.add(1);
        self.microseconds.add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }
}

/// All metrics of one server.
#[derive(Default)]
pub(crate) struct Metrics {
    rpcs: [OutcomeCounters; RPC_METHODS.len()],
    refused_connections: [Counter; CONNECTION_REFUSALS.len()],
    /// Connections of clients now.
    pub(crate) connections: Gauge,
    /// Statements by the way they ended.
    pub(crate) statements: OutcomeCounters,
    /// Statements that a limit ended.
    pub(crate) limit_hits: LimitCounters,
    /// Time from a statement's arrival to its end.
    pub(crate) statement_duration: Histogram,
    /// Statements that are planned or executed now.
    pub(crate) running_statements: Gauge,
    /// Statements that wait for their turn now.
    pub(crate) waiting_statements: Gauge,
    /// Sessions known now.
    pub(crate) sessions: Gauge,
    /// Result streams open now.
    pub(crate) open_streams: Gauge,
    /// Rows sent to clients.
    pub(crate) rows_sent: Counter,
    /// Bytes of Arrow data sent to clients.
    pub(crate) bytes_sent: Counter,
    /// Ranges of data files that were kept.
    pub(crate) block_cache_hits: Counter,
    /// Ranges of data files that were read from S3, or waited for.
    pub(crate) block_cache_misses: Counter,
    /// Bytes of the former.
    pub(crate) block_cache_hit_bytes: Counter,
    /// Bytes of the latter.
    pub(crate) block_cache_missed_bytes: Counter,
}

impl Metrics {
    /// Counts one call.
    pub(crate) fn record_rpc(&self, method: RpcMethod, outcome: Outcome) {
        let counters = RPC_METHODS.iter().zip(&self.rpcs);
        counters
            .filter(|((known, _), _)| *known == method)
            .for_each(|(_, counters)| counters.record(outcome));
    }

    /// Counts a connection that was closed before its first call.
    pub(crate) fn record_refused_connection(&self, refusal: ConnectionRefusal) {
        let counters = CONNECTION_REFUSALS.iter().zip(&self.refused_connections);
        counters.filter(|((known, _), _)| *known == refusal).for_each(|(_, counter)| counter.add(1));
    }

    /// Everything as Prometheus text (<https://prometheus.io/docs/instrumenting/exposition_formats/>).
    pub(crate) fn render(&self) -> String {
        let mut page = Page::default();
        page.head("lakegate_rpcs_total", "counter", "Calls by method and outcome.");
        for ((_, method), counters) in RPC_METHODS.iter().zip(&self.rpcs) {
            for (outcome, count) in counters.recorded() {
                let labels = format!("{{method=\"{method}\",outcome=\"{outcome}\"}}");
                page.sample("lakegate_rpcs_total", &labels, count);
            }
        }
        self.render_connections(&mut page);
        page.head("lakegate_statements_total", "counter", "Statements by outcome.");
        for (outcome, count) in self.statements.recorded() {
            page.sample("lakegate_statements_total", &format!("{{outcome=\"{outcome}\"}}"), count);
        }
        page.head("lakegate_limit_hits_total", "counter", "Statements that a limit ended.");
        for ((_, limit), counter) in LIMITS.iter().zip(&self.limit_hits.0) {
            page.sample("lakegate_limit_hits_total", &format!("{{limit=\"{limit}\"}}"), counter.get());
        }
        page.histogram(
            "lakegate_statement_seconds",
            "Time from a statement's arrival to its end.",
            &self.statement_duration,
        );
        let counters = [
            ("lakegate_rows_sent_total", "Rows sent to clients.", &self.rows_sent),
            ("lakegate_bytes_sent_total", "Bytes of Arrow data sent to clients.", &self.bytes_sent),
            ("lakegate_block_cache_hits_total", "Ranges of data files found kept.", &self.block_cache_hits),
            ("lakegate_block_cache_misses_total", "Ranges read from S3.", &self.block_cache_misses),
            ("lakegate_block_cache_hit_bytes_total", "Bytes found kept.", &self.block_cache_hit_bytes),
            (
                "lakegate_block_cache_missed_bytes_total",
                "Bytes read from S3.",
                &self.block_cache_missed_bytes,
            ),
        ];
        for (name, help, counter) in counters {
            page.single(name, "counter", help, counter.get());
        }
        page.single(
            "lakegate_running_statements",
            "gauge",
            "Statements that run now.",
            self.running_statements.get(),
        );
        page.single(
            "lakegate_waiting_statements",
            "gauge",
            "Statements that wait now.",
            self.waiting_statements.get(),
        );
        page.single("lakegate_sessions", "gauge", "Sessions known now.", self.sessions.get());
        page.single("lakegate_open_streams", "gauge", "Result streams open now.", self.open_streams.get());
        page.0
    }

    fn render_connections(&self, page: &mut Page) {
        page.single("lakegate_connections", "gauge", "Connections of clients now.", self.connections.get());
        page.head("lakegate_refused_connections_total", "counter", "Connections closed before a call.");
        for ((_, reason), counter) in CONNECTION_REFUSALS.iter().zip(&self.refused_connections) {
            let labels = format!("{{reason=\"{reason}\"}}");
            page.sample("lakegate_refused_connections_total", &labels, counter.get());
        }
    }
}

/// Text under construction. Writing to a `String` cannot fail, so the results are not looked at.
#[derive(Default)]
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: u64) {
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.head(name, kind, help);
        self.sample(name, "", value);
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.head(name, "histogram", help);
        // Read first: a duration recorded meanwhile may be missing from the total, never the other way round.
        let count = histogram.count.get();
        let mut so_far = 0;
        for (bound, counter) in SECONDS_BUCKETS.iter().zip(&histogram.buckets) {
            so_far += counter.get();
            self.sample(&format!("{name}_bucket"), &format!("{{le=\"{bound}\"}}"), so_far);
        }
        self.sample(&format!("{name}_bucket"), "{le=\"+Inf\"}", count.max(so_far));
        let seconds = Duration::from_micros(histogram.microseconds.get()).as_secs_f64();
        let _ = writeln!(self.0, "{name}_sum {seconds}");
        self.sample(&format!("{name}_count"), "", count.max(so_far));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_method_and_outcome() {
        let metrics = Metrics::default();
        metrics.record_rpc(RpcMethod::DoGet, Ok(()));
        metrics.record_rpc(RpcMethod::DoGet, Err(ErrorKind::Expired));
        metrics.record_rpc(RpcMethod::DoGet, Err(ErrorKind::Expired));
        let page = metrics.render();
        assert!(page.contains("lakegate_rpcs_total{method=\"DoGet\",outcome=\"ok\"} 1\n"), "{page}");
        assert!(page.contains("lakegate_rpcs_total{method=\"DoGet\",outcome=\"expired\"} 2\n"), "{page}");
        assert!(!page.contains("Handshake"), "{page}");
    }

    #[test]
    fn every_method_and_every_outcome_has_its_own_counter() {
        let metrics = Metrics::default();
        for (method, _) in RPC_METHODS {
            OUTCOMES.into_iter().for_each(|outcome| metrics.record_rpc(method, outcome));
        }
        let counted =
            metrics.render().lines().filter(|line| line.starts_with("lakegate_rpcs_total{")).count();
        assert_eq!(counted, RPC_METHODS.len() * OUTCOMES.len());
        assert_eq!(OUTCOMES.len(), ErrorKind::Internal as usize + 2, "one per kind and one for success");
    }

    #[test]
    fn refused_connections_are_counted_by_reason() {
        let metrics = Metrics::default();
        CONNECTION_REFUSALS.iter().for_each(|(refusal, _)| metrics.record_refused_connection(*refusal));
        let page = metrics.render();
        for (_, reason) in CONNECTION_REFUSALS {
            let line = format!("lakegate_refused_connections_total{{reason=\"{reason}\"}} 1\n");
            assert!(page.contains(&line), "{page}");
        }
    }

    #[test]
    fn a_gauge_falls_when_what_it_counted_is_dropped() {
        let metrics = Metrics::default();
        let entered = metrics.open_streams.enter();
        assert!(metrics.render().contains("lakegate_open_streams 1\n"));
        drop(entered);
        assert!(metrics.render().contains("lakegate_open_streams 0\n"));
    }

    #[test]
    fn buckets_are_cumulative_and_the_last_one_holds_everything() {
        let histogram = Histogram::default();
        for milliseconds in [1, 200, 900_000] {
            histogram.record(Duration::from_millis(milliseconds));
        }
        let mut page = Page::default();
        page.histogram("seconds", "help", &histogram);
        for line in [
            "seconds_bucket{le=\"0.005\"} 1",
            "seconds_bucket{le=\"0.25\"} 2",
            "seconds_bucket{le=\"600\"} 2",
            "seconds_bucket{le=\"+Inf\"} 3",
            "seconds_sum 900.201",
            "seconds_count 3",
        ] {
            assert!(page.0.lines().any(|found| found == line), "{line} not in {}", page.0);
        }
    }
}
