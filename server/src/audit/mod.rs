//! The audit trail: who asked what, what was let through, and how it ended.
//!
//! ```text
//! AuditTrail::start ─ Started record ─▶ QueryAudit ─ admitted ─ authorised ─ planned ─ sent* ─▶ finish ─ Finished record
//!                  └─ cannot be written: Unavailable            └─ dropped: Finished record "cancelled"
//! ```
//!
//! Invariants: nothing runs before its Started record is written; each Started has exactly one Finished, also when
//! the client vanishes, because the token writes it when dropped. Only a crash leaves a Started alone, which is how
//! a crash is seen. Records hold names, never data of a table, and no credential is ever given to this module.

mod record;
mod sink;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use self::record::{Finished, Started};
use self::sink::Sink;
use crate::context::RequestContext;
use crate::error::{Error, ErrorKind};
use crate::ids::{PolicyFingerprint, TableName};
use crate::settings::AuditSettings;
use crate::telemetry::metrics::{Outcome, outcome_word};

/// Longest SQL text in a record, in bytes.
const STATEMENT_LIMIT: usize = 64 * 1024;

/// The audit trail of one server.
pub(crate) struct AuditTrail {
    sink: Arc<Sink>,
    log_statements: bool,
}

/// What is known of a statement before it runs.
pub(crate) struct QueryStart<'a> {
    pub(crate) context: &'a RequestContext,
    pub(crate) user: &'a str,
    pub(crate) role: &'a str,
    pub(crate) statement: &'a str,
    /// How long what the client sent is, in bytes.
    pub(crate) statement_bytes: usize,
}

/// What a statement may read of one table.
#[derive(Clone, Debug)]
pub(crate) struct TableAudit {
    pub(crate) name: TableName,
    /// The columns that the principal may see, of which the statement may use fewer.
    pub(crate) columns: Vec<String>,
    /// Whether rows are hidden by a filter. Its text stays out: it may name hidden columns and values.
    pub(crate) row_filter: bool,
    pub(crate) policy: PolicyFingerprint,
    /// The version that was asked for by its number.
    pub(crate) as_of_version: Option<u64>,
    /// The time whose version was asked for.
    pub(crate) as_of_timestamp: Option<DateTime<Utc>>,
}

impl AuditTrail {
    /// Opens the trail.
    ///
    /// # Errors
    /// `Unavailable` if the file cannot be opened for appending.
    pub(crate) fn new(settings: &AuditSettings) -> Result<Self, Error> {
        let sink = match &settings.path {
            None => Sink::to_standard_error(),
            Some(path) => Sink::to_file(path).map_err(|error| {
                Error::new(ErrorKind::Unavailable, "the audit file cannot be opened")
                    .because(format!("{}: {error}", path.display()))
            })?,
        };
        Ok(Self { sink: Arc::new(sink), log_statements: settings.log_statements })
    }

    /// Writes the Started record. The statement may run only with the token that is returned.
    ///
    /// # Errors
    /// `Unavailable` if the record cannot be written.
    pub(crate) fn start(&self, start: &QueryStart<'_>) -> Result<QueryAudit, Error> {
        let statement = self.log_statements.then_some(start.statement);
        let kept = statement.map(|text| &text[..text.floor_char_boundary(STATEMENT_LIMIT)]);
        let record = Started {
            ts: start.context.received_at,
            event: "query.started",
            query_id: start.context.query_id.to_string(),
            user: start.user,
            role: start.role,
            peer: start.context.peer,
            user_agent: &start.context.user_agent,
            statement: kept,
            statement_bytes: start.statement_bytes,
        };
        self.sink.write(&record).map_err(|error| {
            Error::new(ErrorKind::Unavailable, "the audit trail cannot be written, the statement was not run")
                .because(error.to_string())
        })?;
        Ok(QueryAudit {
            sink: Arc::clone(&self.sink),
            context: start.context.clone(),
            user: start.user.to_owned(),
            role: start.role.to_owned(),
            tables: Vec::new(),
            rows: 0,
            bytes: 0,
            admitted: None,
            planned: None,
            first_row: None,
            is_finished: false,
        })
    }
}

/// One statement between its two records. Whoever holds it runs the statement; dropping it says "cancelled".
#[must_use = "dropping it records the statement as cancelled"]
pub(crate) struct QueryAudit {
    sink: Arc<Sink>,
    context: RequestContext,
    user: String,
    role: String,
    tables: Vec<TableAudit>,
    rows: u64,
    bytes: u64,
    admitted: Option<Instant>,
    planned: Option<Instant>,
    first_row: Option<Instant>,
    is_finished: bool,
}

impl QueryAudit {
    /// The statement's turn has come.
    pub(crate) fn admitted(&mut self) {
        self.admitted = Some(Instant::now());
    }

    /// What the statement may read.
    pub(crate) fn authorised(&mut self, tables: Vec<TableAudit>) {
        self.tables = tables;
    }

    /// The plan is made and sealed; execution begins.
    pub(crate) fn planned(&mut self) {
        self.planned = Some(Instant::now());
    }

    /// A batch was handed to the client. Counted as it happens, so that a cancelled statement's record says how
    /// much the client already had.
    pub(crate) fn sent(&mut self, rows: u64, bytes: u64) {
        self.rows += rows;
        self.bytes += bytes;
        self.first_row.get_or_insert_with(Instant::now);
    }

    /// Writes the Finished record.
    pub(crate) fn finish(mut self, outcome: Outcome) {
        self.write_finished(outcome);
    }

    fn write_finished(&mut self, outcome: Outcome) {
        self.is_finished = true;
        let end = Instant::now();
        let started = self.context.started;
        let admitted = self.admitted.unwrap_or(end);
        let planned = self.planned.unwrap_or(end).max(admitted);
        let record = Finished {
            ts: Utc::now(),
            event: "query.finished",
            query_id: self.context.query_id.to_string(),
            user: &self.user,
            role: &self.role,
            tables: self.tables.iter().map(record::Table::from).collect(),
            rows: self.rows,
            bytes: self.bytes,
            outcome: outcome_word(outcome),
            queue_ms: milliseconds(admitted - started),
            plan_ms: milliseconds(planned - admitted),
            execute_ms: milliseconds(end - planned),
            first_row_ms: self.first_row.map(|first_row| milliseconds(first_row - started)),
            total_ms: milliseconds(end - started),
        };
        if let Err(error) = self.sink.write(&record) {
            // The rows are with the client already; all that is left is to tell the operator.
            tracing::error!(query_id = %self.context.query_id, %error, "the end of a statement is missing in the audit trail");
        }
    }
}

impl Drop for QueryAudit {
    fn drop(&mut self) {
        if !self.is_finished {
            self.write_finished(Err(ErrorKind::Cancelled));
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
