//! The story of the program: how a statement becomes rows.
//!
//! ```text
//!   Session ─ admission ─▶ Statement ─▶ Grants ─▶ Snapshots ─▶ GuardedTables ─▶ SealedPlan ─▶ ResultStream
//!             session      sql          access    table        guard            guard        engine
//! ```
//!
//! Every arrow is a type that only the room under it can make; [`Pipeline::guarded`] reads from left to right. A statement
//! is authorised each time it is planned and each time it runs: a ticket says what was asked, never that it is allowed.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use chrono::DateTime;
use datafusion::execution::runtime_env::RuntimeEnv;
use futures::future::join_all;
use futures::{Stream, StreamExt};
use tokio::runtime::Handle;

use crate::access::Access;
use crate::audit::{AuditTrail, QueryAudit, QueryStart, TableAudit};
use crate::catalog::{Catalog, Listing};
use crate::context::RequestContext;
use crate::engine::{Engine, QueryStream};
use crate::error::{Error, ErrorKind};
use crate::guard::{Guard, GuardedQuery, GuardedTable, batch_bytes};
use crate::identity::Principal;
use crate::session::{Admission, Session, Sessions};
use crate::settings::Settings;
use crate::sql::{Moment, Statement};
use crate::table::Tables;
use crate::telemetry::metrics::{Entered, Metrics, Outcome};

/// A statement as a client sent it.
pub(crate) struct QueryRequest {
    /// The SQL text.
    pub(crate) sql: String,
    /// One row, a column for each parameter by position.
    pub(crate) parameters: Option<RecordBatch>,
    /// The moment of tables for which the text asks for none.
    pub(crate) as_of: Option<Moment>,
}

/// What a statement will return.
pub(crate) struct Description {
    /// The result's columns, as the logical plan declares them.
    pub(crate) schema: SchemaRef,
    /// A field for each parameter.
    pub(crate) parameters: SchemaRef,
}

/// Longest text that is parsed where it arrives, in bytes: handing it to the CPU runtime takes longer than parsing it.
const SHORT_SQL: usize = 4096;

/// A statement whose tables were opened for its principal, to be planned on the CPU runtime.
struct GuardedStatement {
    guard: Arc<Guard>,
    statement: Statement,
    tables: Vec<GuardedTable>,
    listing: Listing,
    runtime: Arc<RuntimeEnv>,
}

impl GuardedStatement {
    fn plan(self) -> Result<GuardedQuery, Error> {
        self.guard.plan(self.statement, self.tables, self.listing, self.runtime)
    }
}

/// The rooms, wired together. One per server; made by `app`.
pub(crate) struct Pipeline {
    pub(crate) sessions: Sessions,
    pub(crate) access: Access,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) tables: Tables,
    pub(crate) guard: Arc<Guard>,
    pub(crate) engine: Engine,
    pub(crate) audit: AuditTrail,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) settings: Settings,
}

impl Pipeline {
    /// The session of a principal that has proved who it is.
    pub(crate) fn session(&self, principal: &Principal) -> Arc<Session> {
        self.sessions.of(principal)
    }

    /// Plans a statement without running it.
    ///
    /// # Errors
    /// Whatever refuses the statement; such a refusal is audited like a statement that ran.
    pub(crate) async fn describe(
        &self,
        context: &RequestContext,
        session: &Session,
        request: &QueryRequest,
    ) -> Result<Description, Error> {
        let deadline = self.engine.deadline(context.client_timeout);
        let mut tables = Vec::new();
        let described = match self.guarded(context, session, request, deadline, &mut tables).await {
            Ok(guarded) => self.engine.compute(deadline, async move { describe(&guarded.plan()?) }).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &described {
            let mut audit = self.start_audit(context, session, request)?;
            audit.authorised(tables);
            audit.finish(Err(error.kind()));
        }
        described
    }

    /// Runs a statement.
    ///
    /// # Errors
    /// Whatever refuses the statement before its first row; later errors come through the stream.
    pub(crate) async fn run(
        &self,
        context: &RequestContext,
        session: &Session,
        request: &QueryRequest,
    ) -> Result<ResultStream, Error> {
        let audit = self.start_audit(context, session, request)?;
        let mut record = Record::new(audit, Arc::clone(&self.metrics), context.started);
        match self.start(context, session, request, &mut record).await {
            Ok((batches, admission)) => {
                Ok(ResultStream { batches, record: Some(record), _admission: admission })
            }
            Err(error) => {
                record.finish(Err(error.kind()));
                Err(error)
            }
        }
    }

    async fn start(
        &self,
        context: &RequestContext,
        session: &Session,
        request: &QueryRequest,
        record: &mut Record,
    ) -> Result<(QueryStream, Admission), Error> {
        let waiting = self.metrics.waiting_statements.enter();
        let admission = self.sessions.admit(session).await?;
        drop(waiting);
        record.audit.admitted();
        let deadline = self.engine.deadline(context.client_timeout);
        let mut tables = Vec::new();
        let guarded = self.guarded(context, session, request, deadline, &mut tables).await;
        record.audit.authorised(tables);
        let (guarded, parameters) = (guarded?, request.parameters.clone());
        let planned = async move { guarded.plan()?.bind(parameters.as_ref())?.seal().await };
        let sealed = self.engine.compute(deadline, planned).await?;
        record.audit.planned();
        Ok((self.engine.execute(sealed, deadline)?, admission))
    }

    /// From SQL text to a statement over guarded tables: the drawing of this file's head, line by line.
    async fn guarded(
        &self,
        context: &RequestContext,
        session: &Session,
        request: &QueryRequest,
        deadline: Instant,
        audited: &mut Vec<TableAudit>,
    ) -> Result<GuardedStatement, Error> {
        let statement = self.parsed(request, deadline).await?;
        let grants = self.access.authorise(session.principal(), statement.tables(), context.query_id).await?;
        let moments = statement.tables().iter().map(|table| table.moment);
        let opened = grants
            .into_iter()
            .zip(moments)
            .map(|(grant, moment)| self.guard.open(&self.tables, grant, moment));
        let guarded = join_all(opened).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        audited.extend(guarded.iter().map(audit_of));
        let listing = Listing::new(Arc::clone(&self.catalog), session.principal().clone(), Handle::current());
        Ok(GuardedStatement {
            guard: Arc::clone(&self.guard),
            statement,
            tables: guarded,
            listing,
            runtime: self.engine.query_runtime()?,
        })
    }

    async fn parsed(&self, request: &QueryRequest, deadline: Instant) -> Result<Statement, Error> {
        let as_of = request.as_of;
        let max_bytes = self.settings.server.max_sql_bytes.as_usize();
        if request.sql.len() <= SHORT_SQL {
            return Statement::parse(&request.sql, max_bytes, as_of);
        }
        let sql = request.sql.clone();
        self.engine.compute(deadline, async move { Statement::parse(&sql, max_bytes, as_of) }).await
    }

    fn start_audit(
        &self,
        context: &RequestContext,
        session: &Session,
        request: &QueryRequest,
    ) -> Result<QueryAudit, Error> {
        self.audit.start(&QueryStart {
            context,
            user: session.principal().user(),
            role: session.principal().role().as_str(),
            statement: &request.sql,
        })
    }
}

fn describe(query: &GuardedQuery) -> Result<Description, Error> {
    Ok(Description { schema: query.schema(), parameters: query.parameters()? })
}

fn audit_of(table: &GuardedTable) -> TableAudit {
    let (as_of_version, as_of_timestamp) = match table.moment() {
        Some(Moment::Version(number)) => (Some(number), None),
        Some(Moment::Timestamp(micros)) => (None, DateTime::from_timestamp_micros(micros)),
        None => (None, None),
    };
    TableAudit {
        name: table.name().clone(),
        columns: table.column_names(),
        row_filter: table.has_row_filter(),
        policy: table.fingerprint(),
        as_of_version,
        as_of_timestamp,
    }
}

/// What is written down of one running statement, in the audit trail and in the metrics. Dropping it says "cancelled".
struct Record {
    audit: QueryAudit,
    metrics: Arc<Metrics>,
    started: Instant,
    _running: Entered,
}

impl Record {
    fn new(audit: QueryAudit, metrics: Arc<Metrics>, started: Instant) -> Self {
        let running = metrics.running_statements.enter();
        Self { audit, metrics, started, _running: running }
    }

    fn sent(&mut self, batch: &RecordBatch) {
        let rows = batch.num_rows() as u64;
        let bytes = batch_bytes(batch) as u64;
        self.audit.sent(rows, bytes);
        self.metrics.rows_sent.add(rows);
        self.metrics.bytes_sent.add(bytes);
    }

    fn finish(self, outcome: Outcome) {
        self.metrics.statements.record(outcome);
        self.metrics.statement_duration.record(self.started.elapsed());
        self.audit.finish(outcome);
    }
}

/// The rows of a running statement. Dropping it cancels the statement and records that.
pub(crate) struct ResultStream {
    batches: QueryStream,
    /// Gone once the end was recorded.
    record: Option<Record>,
    _admission: Admission,
}

impl ResultStream {
    /// The result's columns, as [`Pipeline::describe`] announced them.
    pub(crate) fn schema(&self) -> SchemaRef {
        self.batches.schema()
    }

    fn finish(&mut self, outcome: Outcome) {
        if let Some(record) = self.record.take() {
            record.finish(outcome);
        }
    }
}

impl Stream for ResultStream {
    type Item = Result<RecordBatch, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(self.batches.poll_next_unpin(context));
        match &next {
            Some(Ok(batch)) => {
                if let Some(record) = self.record.as_mut() {
                    record.sent(batch);
                }
            }
            Some(Err(error)) => self.finish(Err(error.kind())),
            None => self.finish(Ok(())),
        }
        Poll::Ready(next)
    }
}

impl Drop for ResultStream {
    fn drop(&mut self) {
        self.finish(Err(ErrorKind::Cancelled));
    }
}
