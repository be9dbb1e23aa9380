//! What is written down of one running statement.
//!
//! Invariant: each statement that began is recorded once with its end, also if nobody waits for it any more.

use std::sync::Arc;
use std::time::Instant;

use arrow::array::RecordBatch;

use crate::audit::QueryAudit;
use crate::guard::batch_bytes;
use crate::telemetry::metrics::{Entered, Metrics, Outcome};

/// What is written down of one running statement, in the audit trail and in the metrics. Dropping it says "cancelled".
pub(super) struct Record {
    pub(super) audit: QueryAudit,
    metrics: Arc<Metrics>,
    started: Instant,
    _running: Entered,
}

impl Record {
    pub(super) fn new(audit: QueryAudit, metrics: Arc<Metrics>, started: Instant) -> Self {
        let running = metrics.running_statements.enter();
        Self { audit, metrics, started, _running: running }
    }

    pub(super) fn sent(&mut self, batch: &RecordBatch) {
        let rows = batch.num_rows() as u64;
        let bytes = batch_bytes(batch) as u64;
        self.audit.sent(rows, bytes);
        self.metrics.rows_sent.add(rows);
        self.metrics.bytes_sent.add(bytes);
    }

    pub(super) fn finish(self, outcome: Outcome) {
        self.metrics.statements.record(outcome);
        self.metrics.statement_duration.record(self.started.elapsed());
        self.audit.finish(outcome);
    }
}
