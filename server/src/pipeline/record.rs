//! What is written down of one running statement.
//!
//! Invariant: each statement that began is recorded once with its end, also if nobody waits for it any more.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use chrono::DateTime;

use super::QueryRequest;
use crate::audit::{QueryAudit, QueryStart, TableAudit};
use crate::context::RequestContext;
use crate::error::ErrorKind;
use crate::guard::{GuardedTable, batch_bytes};
use crate::session::Session;
use crate::sql::Moment;
use crate::telemetry::metrics::{Entered, Metrics, Outcome};

/// What is written down of one running statement, in the audit trail and in the metrics. Dropping it says "cancelled".
pub(super) struct Record {
    pub(super) audit: QueryAudit,
    metrics: Arc<Metrics>,
    _running: Entered,
}

impl Record {
    pub(super) fn new(audit: QueryAudit, metrics: Arc<Metrics>) -> Self {
        let running = metrics.running_statements.enter();
        Self { audit, metrics, _running: running }
    }

    pub(super) fn sent(&mut self, batch: &RecordBatch) {
        let rows = batch.num_rows() as u64;
        let bytes = batch_bytes(batch) as u64;
        self.audit.sent(rows, bytes);
        self.metrics.rows_sent.add(rows);
        self.metrics.bytes_sent.add(bytes);
    }

    pub(super) fn finish(self, outcome: Outcome) {
        // What the end of the server cuts short is told to its client as unavailable.
        let is_cut_short = outcome == Err(ErrorKind::Cancelled) && self.audit.is_stopping();
        self.metrics.statements.record(if is_cut_short { Err(ErrorKind::Unavailable) } else { outcome });
        self.metrics.statement_duration.record(self.audit.elapsed());
        self.audit.finish(outcome);
    }
}

/// What an earlier call took that planned a statement.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct PlanningTime {
    /// All of it.
    pub(crate) total: Duration,
    /// How long AWS was asked for the permissions.
    pub(crate) aws: Duration,
}

/// What is known of a statement before it runs.
pub(super) fn query_start<'a>(
    context: &'a RequestContext,
    session: &'a Session,
    request: &QueryRequest,
    statement: &'a str,
) -> QueryStart<'a> {
    QueryStart {
        context,
        user: session.principal().user(),
        role: session.principal().role().as_str(),
        command: None,
        statement,
        statement_bytes: request.source.len(),
    }
}

/// What a statement may read of one table.
pub(super) fn audit_of(table: &GuardedTable) -> TableAudit {
    let (as_of_version, as_of_timestamp) = match table.moment() {
        Some(Moment::Version(number)) => (Some(number), None),
        Some(Moment::Timestamp(micros)) => (None, DateTime::from_timestamp_micros(micros)),
        None => (None, None),
    };
    TableAudit {
        name: table.name().clone(),
        columns: table.read_columns(),
        row_filter: table.has_row_filter(),
        policy: table.fingerprint(),
        as_of_version,
        as_of_timestamp,
    }
}
