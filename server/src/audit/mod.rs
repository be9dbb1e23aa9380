//! The audit trail: who asked what, what was let through, and how it ended; who logged in, or tried to.
//!
//! ```text
//! start ─ Started record ─▶ QueryAudit ─ admitted ─ authorised ─ planned ─ written? ─ sent* ─▶ finish ─ Finished record
//!      └─ no room, or it hangs: Unavailable       not written: Unavailable ┘       └─ dropped: Finished record "cancelled"
//! ```
//!
//! Invariants: nothing runs before its Started record is written; each Started has exactly one Finished, also when
//! the client vanishes, because the token writes it when dropped. Only a crash leaves a Started alone, which is how
//! a crash is seen. Records hold names, never data of a table, and no credential is ever given to this module. No
//! caller ever waits for a disk without a limit: see `writer`.

mod events;
mod query;
mod reads;
mod record;
mod refusals;
mod sink;
#[cfg(test)]
mod tests;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};

pub(crate) use self::events::{LoginWay, OptionChange};
pub(crate) use self::query::QueryAudit;
pub(crate) use self::reads::{Authorised, ListedNames, ReadColumns};
use self::record::{Planned, Started, Table, Who};
use self::refusals::RefusalBudget;
use self::sink::{Sink, line};
use self::writer::Writer;
use crate::context::RequestContext;
use crate::error::{Error, ErrorKind};
use crate::ids::{PolicyFingerprint, QueryId, TableName};
use crate::settings::AuditSettings;
use crate::telemetry::metrics::Metrics;

/// Longest SQL text in a record, in bytes.
const STATEMENT_LIMIT: usize = 64 * 1024;

/// How long the end of the process waits for records that are not written yet.
const FLUSH_LIMIT: Duration = Duration::from_secs(2);

/// What the trail's end and those who write to it share.
struct Trail {
    writer: Writer,
    log_statements: bool,
    /// The server ends what runs.
    is_stopping: AtomicBool,
    refusals: RefusalBudget,
}

/// The audit trail of one server. Cheap to clone.
#[derive(Clone)]
pub(crate) struct AuditTrail(Arc<Trail>);

/// What is known of a statement before it runs.
pub(crate) struct QueryStart<'a> {
    pub(crate) context: &'a RequestContext,
    pub(crate) user: &'a str,
    pub(crate) role: &'a str,
    /// The call of Flight SQL that stands in the place of a statement.
    pub(crate) command: Option<&'static str>,
    pub(crate) statement: &'a str,
    /// How long what the client sent is, in bytes.
    pub(crate) statement_bytes: usize,
}

/// What a statement may read of one table.
#[derive(Clone)]
pub(crate) struct TableAudit {
    pub(crate) name: TableName,
    /// The columns that the statement's scans read for it.
    pub(crate) columns: Arc<ReadColumns>,
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
    /// `InvalidRequest` if the file cannot be opened for appending: the settings are wrong.
    pub(crate) fn new(settings: &AuditSettings, metrics: Arc<Metrics>) -> Result<Self, Error> {
        let path = settings.path.clone();
        let place = path.clone();
        let open = move || place.map_or_else(|| Ok(Sink::to_standard_error()), |path| Sink::to_file(&path));
        let writer = Writer::start(open, metrics).map_err(|error| {
            let place = path.map_or_else(|| "standard error".to_owned(), |path| path.display().to_string());
            Error::new(ErrorKind::InvalidRequest, "the audit file cannot be opened")
                .because(format!("{place}: {error}"))
        })?;
        Ok(Self::with(writer, settings.log_statements))
    }

    fn with(writer: Writer, log_statements: bool) -> Self {
        let is_stopping = AtomicBool::new(false);
        Self(Arc::new(Trail { writer, log_statements, is_stopping, refusals: RefusalBudget::default() }))
    }

    /// Hands over the Started record. The statement may be planned with the token that is returned, and run once
    /// [`QueryAudit::written`] says so.
    ///
    /// # Errors
    /// `Unavailable` if it is known already that the record cannot be written.
    pub(crate) fn start(&self, start: &QueryStart<'_>) -> Result<QueryAudit, Error> {
        let execution_id = QueryId::new();
        let record = self.started(start, "query.started", execution_id);
        let line = line(&record).map_err(|error| not_written().because(error.to_string()))?;
        let (beginning, acknowledgement) = self.0.writer.begins(line).ok_or_else(not_written)?;
        Ok(QueryAudit::begun(self.clone(), start, execution_id, beginning, acknowledgement))
    }

    /// Writes down that a statement was planned for a client, which thereby learned names.
    ///
    /// # Errors
    /// `Unavailable` if the record cannot be written.
    pub(crate) fn planned(&self, start: &QueryStart<'_>, authorised: &Authorised) -> Result<(), Error> {
        let record = Planned {
            started: self.started(start, "query.planned", start.context.query_id),
            tables: authorised.tables.iter().map(Table::named).collect(),
            planning_ms: milliseconds(start.context.started.elapsed()),
            aws_ms: milliseconds(authorised.aws),
        };
        let line = line(&record).map_err(|error| not_written().because(error.to_string()))?;
        if self.0.writer.happens(line) { Ok(()) } else { Err(not_written()) }
    }

    fn started<'a>(
        &self,
        start: &'a QueryStart<'_>,
        event: &'static str,
        execution_id: QueryId,
    ) -> Started<'a> {
        let statement = self.0.log_statements.then_some(start.statement);
        Started {
            ts: start.context.received_at,
            event,
            query_id: start.context.query_id.to_string(),
            execution_id: execution_id.to_string(),
            who: Who {
                user: start.user,
                role: start.role,
                peer: start.context.peer,
                user_agent: &start.context.user_agent,
            },
            command: start.command,
            statement: statement.map(|text| &text[..text.floor_char_boundary(STATEMENT_LIMIT)]),
            statement_bytes: start.statement_bytes,
        }
    }

    /// Whether records cannot be written now, and so nothing may run.
    pub(crate) fn is_failing(&self) -> bool {
        self.0.writer.is_failing()
    }

    /// Opens the file anew, as who has renamed it asks for.
    pub(crate) fn reopen(&self) {
        self.0.writer.reopen();
    }

    /// From now on statements that are cut short end because the server does.
    pub(crate) fn stopping(&self) {
        self.0.is_stopping.store(true, Ordering::Relaxed);
    }

    fn is_stopping(&self) -> bool {
        self.0.is_stopping.load(Ordering::Relaxed)
    }

    /// Waits until all records are written, for a short while at most.
    pub(crate) fn flush(&self) {
        let left = self.0.writer.flush(FLUSH_LIMIT);
        if left > 0 {
            tracing::error!(records = left, "the process ends with audit records that could not be written");
        }
    }
}

/// The answer to what may not run because nobody would know of it.
fn not_written() -> Error {
    Error::new(ErrorKind::Unavailable, "the audit trail cannot be written, the statement was not run")
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
