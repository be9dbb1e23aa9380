//! One statement between its two records.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;

use super::record::{Finished, Table};
use super::sink::line;
use super::writer::{Acknowledgement, Beginning};
use super::{AuditTrail, Authorised, QueryStart, milliseconds, not_written};
use crate::context::RequestContext;
use crate::error::{Error, ErrorKind};
use crate::ids::QueryId;
use crate::telemetry::metrics::{Outcome, outcome_word};

/// How long a statement waits until its Started record is written. A disk that takes longer hangs.
const ACKNOWLEDGEMENT_LIMIT: Duration = Duration::from_secs(5);

/// The outcome of statements that the end of the server has cut short.
const SHUTDOWN: &str = "shutdown";

/// See the file's head. Whoever holds it runs the statement; dropping it says "cancelled".
#[must_use = "dropping it records the statement as cancelled"]
pub(crate) struct QueryAudit {
    trail: AuditTrail,
    context: RequestContext,
    execution_id: QueryId,
    user: String,
    role: String,
    beginning: Beginning,
    acknowledgement: Option<Acknowledgement>,
    authorised: Authorised,
    rows: u64,
    bytes: u64,
    planning: Duration,
    planning_aws: Duration,
    queued: Option<Instant>,
    admitted: Option<Instant>,
    planned: Option<Instant>,
    first_row: Option<Instant>,
    is_finished: bool,
}

impl QueryAudit {
    pub(super) fn begun(
        trail: AuditTrail,
        start: &QueryStart<'_>,
        execution_id: QueryId,
        beginning: Beginning,
        acknowledgement: Acknowledgement,
    ) -> Self {
        Self {
            trail,
            context: start.context.clone(),
            execution_id,
            user: start.user.to_owned(),
            role: start.role.to_owned(),
            beginning,
            acknowledgement: Some(acknowledgement),
            authorised: Authorised::default(),
            rows: 0,
            bytes: 0,
            planning: Duration::ZERO,
            planning_aws: Duration::ZERO,
            queued: None,
            admitted: None,
            planned: None,
            first_row: None,
            is_finished: false,
        }
    }

    /// Waits until the Started record is written: before that nothing may run.
    ///
    /// # Errors
    /// `Unavailable` if it cannot be written, or not within [`ACKNOWLEDGEMENT_LIMIT`] and before `deadline`.
    pub(crate) fn written(
        &mut self,
        deadline: Instant,
    ) -> impl Future<Output = Result<(), Error>> + Send + use<> {
        let (acknowledgement, trail) = (self.acknowledgement.take(), self.trail.clone());
        async move {
            let Some(acknowledgement) = acknowledgement else { return Ok(()) };
            let until = deadline.min(Instant::now() + ACKNOWLEDGEMENT_LIMIT);
            match tokio::time::timeout_at(until.into(), acknowledgement).await {
                Ok(Ok(true)) => Ok(()),
                Ok(_) => Err(not_written()),
                Err(_) => {
                    trail.0.writer.count_failure();
                    Err(not_written().because("writing its record takes too long"))
                }
            }
        }
    }

    /// The statement was planned by an earlier call, which took its time.
    pub(crate) fn planned_before(&mut self, planning: Duration, aws: Duration) {
        self.planning = planning;
        self.planning_aws = aws;
    }

    /// All the time until now was planning: the statement was planned alone, and fails.
    pub(crate) fn only_planned(&mut self) {
        self.planning = self.context.started.elapsed();
    }

    /// The statement waits for its turn.
    pub(crate) fn queued(&mut self) {
        self.queued = Some(Instant::now());
    }

    /// The statement's turn has come.
    pub(crate) fn admitted(&mut self) {
        self.admitted = Some(Instant::now());
    }

    /// What the statement may read.
    pub(crate) fn authorised(&mut self, authorised: Authorised) {
        self.authorised = authorised;
    }

    /// How long AWS was asked.
    pub(crate) fn asked_aws(&mut self, took: Duration) {
        self.authorised.aws = took;
    }

    /// Names that a listing told of.
    pub(crate) fn listed(&mut self, names: impl ExactSizeIterator<Item = String>) {
        self.authorised.listed.add(names);
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

    /// From the statement's arrival until now, in all its calls.
    pub(crate) fn elapsed(&self) -> Duration {
        let is_planning_alone = self.queued.is_none() && !self.planning.is_zero();
        if is_planning_alone { self.planning } else { self.planning + self.context.started.elapsed() }
    }

    /// Whether it is the server's end that cuts statements short now.
    pub(crate) fn is_stopping(&self) -> bool {
        self.trail.is_stopping()
    }

    /// Writes the Finished record.
    pub(crate) fn finish(mut self, outcome: Outcome) {
        self.write_finished(outcome);
    }

    fn write_finished(&mut self, outcome: Outcome) {
        self.is_finished = true;
        let end = Instant::now();
        let between = |from: Option<Instant>, to: Option<Instant>| {
            from.map_or(0, |from| milliseconds(to.unwrap_or(end).saturating_duration_since(from)))
        };
        let is_cut_short = outcome == Err(ErrorKind::Cancelled) && self.is_stopping();
        let (names, total) = self.authorised.listed.shown();
        let started = self.context.started;
        let record = Finished {
            ts: Utc::now(),
            event: "query.finished",
            query_id: self.context.query_id.to_string(),
            execution_id: self.execution_id.to_string(),
            user: &self.user,
            role: &self.role,
            tables: self.authorised.tables.iter().map(Table::read).collect(),
            names,
            names_total: (total > 0).then_some(total),
            rows: self.rows,
            bytes: self.bytes,
            outcome: if is_cut_short { SHUTDOWN } else { outcome_word(outcome) },
            planning_ms: milliseconds(self.planning),
            aws_ms: milliseconds(self.planning_aws + self.authorised.aws),
            queue_ms: between(self.queued, self.admitted),
            plan_ms: between(self.admitted, self.planned),
            execute_ms: between(self.planned, None),
            first_row_ms: self.first_row.map(|first_row| milliseconds(first_row - started)),
            total_ms: milliseconds(self.elapsed()),
        };
        match line(&record) {
            Ok(line) => self.trail.0.writer.ends(line, Arc::clone(&self.beginning)),
            Err(error) => {
                self.trail.0.writer.count_failure();
                tracing::error!(query_id = %self.context.query_id, %error, "the end of a statement has no form");
            }
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
