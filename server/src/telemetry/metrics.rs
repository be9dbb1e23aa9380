//! All metrics of the server, and their rendering as Prometheus text.
//!
//! Invariant: every label is a closed enum, so no user name, table or SQL text can become a label, and the size of the
//! output is fixed.

mod aws_calls;
mod instruments;
mod labels;
mod process;

use std::sync::{Mutex, PoisonError};

pub(crate) use self::aws_calls::{AwsOperation, AwsOutcome};
pub(crate) use self::instruments::{Counter, Entered, Gauge, Histogram};
pub(crate) use self::labels::{ConnectionRefusal, Limit, LoginOutcome, Outcome, RpcMethod, outcome_word};

use self::aws_calls::AwsCalls;
use self::instruments::Page;
use self::labels::{CONNECTION_REFUSALS, LIMITS, LOGIN_OUTCOMES, OUTCOMES, RPC_METHODS};
use super::log_queue;

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
        words.zip(self.0.iter().map(Counter::get))
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

/// All metrics of one server.
#[derive(Default)]
pub(crate) struct Metrics {
    rpcs: [OutcomeCounters; RPC_METHODS.len()],
    refused_connections: [Counter; CONNECTION_REFUSALS.len()],
    logins: [Counter; LOGIN_OUTCOMES.len()],
    /// Calls to AWS.
    pub(crate) aws_calls: AwsCalls,
    /// Audit records that could not be written when they should have been.
    pub(crate) audit_failures: Counter,
    observed: Mutex<Vec<Observed>>,
    /// Connections of clients now.
    pub(crate) connections: Gauge,
    /// Statements by the way they ended.
    pub(crate) statements: OutcomeCounters,
    /// Statements that a limit ended.
    pub(crate) limit_hits: LimitCounters,
    /// Time from a statement's arrival to its end, that of its planning call included.
    pub(crate) statement_duration: Histogram,
    /// Statements that are planned or executed now.
    pub(crate) running_statements: Gauge,
    /// Statements that wait for their turn now.
    pub(crate) waiting_statements: Gauge,
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

/// A number that somebody else keeps.
struct Observed {
    name: &'static str,
    help: &'static str,
    read: Box<dyn Fn() -> u64 + Send + Sync>,
}

impl Metrics {
    /// Shows a number that somebody else keeps, as a gauge.
    pub(crate) fn observe(
        &self,
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> u64 + Send + Sync + 'static,
    ) {
        let mut observed = self.observed.lock().unwrap_or_else(PoisonError::into_inner);
        observed.push(Observed { name, help, read: Box::new(read) });
    }

    /// Counts a login, or an attempt at one.
    pub(crate) fn record_login(&self, outcome: LoginOutcome) {
        let counters = LOGIN_OUTCOMES.iter().zip(&self.logins);
        counters.filter(|((known, _), _)| *known == outcome).for_each(|(_, counter)| counter.add(1));
    }

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
        self.render_data(&mut page);
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
        page.single("lakegate_open_streams", "gauge", "Result streams open now.", self.open_streams.get());
        self.render_records(&mut page);
        self.aws_calls.render(&mut page);
        for Observed { name, help, read } in
            self.observed.lock().unwrap_or_else(PoisonError::into_inner).iter()
        {
            page.single(name, "gauge", help, read());
        }
        process::render(&mut page);
        page.0
    }

    fn render_data(&self, page: &mut Page) {
        let (hit_bytes, missed_bytes) = (&self.block_cache_hit_bytes, &self.block_cache_missed_bytes);
        let scanned = hit_bytes.get().saturating_add(missed_bytes.get());
        page.single(
            "lakegate_scanned_bytes_total",
            "counter",
            "Bytes of data files that were read.",
            scanned,
        );
        let counters = [
            ("lakegate_rows_sent_total", "Rows sent to clients.", &self.rows_sent),
            ("lakegate_bytes_sent_total", "Bytes of Arrow data sent to clients.", &self.bytes_sent),
            ("lakegate_block_cache_hits_total", "Ranges of data files found kept.", &self.block_cache_hits),
            ("lakegate_block_cache_misses_total", "Ranges read from S3.", &self.block_cache_misses),
            ("lakegate_block_cache_hit_bytes_total", "Bytes found kept.", hit_bytes),
            ("lakegate_block_cache_missed_bytes_total", "Bytes read from S3.", missed_bytes),
        ];
        for (name, help, counter) in counters {
            page.single(name, "counter", help, counter.get());
        }
    }

    fn render_records(&self, page: &mut Page) {
        page.head("lakegate_logins_total", "counter", "Logins and attempts at them.");
        for ((_, outcome), counter) in LOGIN_OUTCOMES.iter().zip(&self.logins) {
            page.sample("lakegate_logins_total", &format!("{{outcome=\"{outcome}\"}}"), counter.get());
        }
        let failures = self.audit_failures.get();
        let help = "Audit records that could not be written when they should have been.";
        page.single("lakegate_audit_failures_total", "counter", help, failures);
        let help = "Log lines that never reached standard error.";
        page.single("lakegate_log_lines_dropped_total", "counter", help, log_queue::dropped());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn calls_are_counted_by_method_and_outcome() {
        let metrics = Metrics::default();
        metrics.record_rpc(RpcMethod::DoGet, Ok(()));
        metrics.record_rpc(RpcMethod::DoGet, Err(ErrorKind::Expired));
        metrics.record_rpc(RpcMethod::DoGet, Err(ErrorKind::Expired));
        let page = metrics.render();
        assert!(page.contains("lakegate_rpcs_total{method=\"DoGet\",outcome=\"ok\"} 1\n"), "{page}");
        assert!(page.contains("lakegate_rpcs_total{method=\"DoGet\",outcome=\"expired\"} 2\n"), "{page}");
        assert!(page.contains("lakegate_rpcs_total{method=\"Handshake\",outcome=\"ok\"} 0\n"), "{page}");
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
    fn what_others_keep_is_read_when_it_is_shown() {
        let metrics = Metrics::default();
        let kept = std::sync::Arc::new(Counter::default());
        let shown = std::sync::Arc::clone(&kept);
        metrics.observe("lakegate_kept", "Kept elsewhere.", move || shown.get());
        kept.add(7);
        assert!(metrics.render().contains("# TYPE lakegate_kept gauge\nlakegate_kept 7\n"));
    }

    #[test]
    fn a_page_has_each_name_once_and_nothing_but_numbers() {
        let page = Metrics::default().render();
        let mut names: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{page}");
        for sample in page.lines().filter(|line| !line.starts_with('#')) {
            let value = sample.rsplit_once(' ').map(|(_, value)| value.parse::<f64>());
            assert!(matches!(value, Some(Ok(_))), "{sample}");
        }
    }
}
