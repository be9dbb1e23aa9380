//! The story of the program: how a statement becomes rows.
//!
//! ```text
//!   Session ─ admission ─▶ Statement ─▶ Grants ─▶ Snapshots ─▶ GuardedTables ─▶ SealedPlan ─▶ ResultStream
//!             session      sql          access    table        guard            guard        engine
//! ```
//!
//! Every arrow is a type that only the room under it can make; [`Pipeline::guarded`] reads from left to right. A statement
//! is authorised each time it is planned and each time it runs: a ticket says what was asked, never that it is allowed.

mod ending;
mod guarded;
mod part;
mod record;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::future::join_all;
use futures::{Stream, StreamExt, stream};
use tokio::runtime::Handle;

use self::ending::cancelled;
use self::guarded::GuardedStatement;
use self::part::Divider;
pub(crate) use self::part::{Part, Pin as PartPin};
pub(crate) use self::record::PlanningTime;
use self::record::{Record, audit_of, query_start};
use crate::access::Access;
use crate::audit::{AuditTrail, Authorised, QueryAudit};
use crate::catalog::{Catalog, Listing};
use crate::context::RequestContext;
use crate::engine::{Engine, QueryStream};
use crate::error::Error;
use crate::guard::Guard;
use crate::identity::Principal;
use crate::session::{Admission, RunningQuery, Session, Sessions};
use crate::settings::Settings;
use crate::sql::{SessionOptions, Source, Statement};
use crate::stop::{Stop, in_time};
use crate::table::Tables;
use crate::telemetry::metrics::{Metrics, Outcome};

/// A statement as a client sent it.
#[derive(Clone)]
pub(crate) struct QueryRequest {
    /// SQL or a plan.
    pub(crate) source: Source,
    /// A column for each parameter by position; the statement runs once for each row.
    pub(crate) parameters: Option<RecordBatch>,
    /// The options that hold for it.
    pub(crate) options: SessionOptions,
    /// Which rows are wanted; absent: all.
    pub(crate) part: Option<Part>,
}

/// What a statement will return.
pub(crate) struct Description {
    /// The result's columns, as the logical plan declares them.
    pub(crate) schema: SchemaRef,
    /// A field for each parameter.
    pub(crate) parameters: SchemaRef,
    /// Whether the rows come in an order that the statement asks for.
    pub(crate) is_ordered: bool,
    /// By what the parts of a result are held together; `None` for a result that cannot be divided.
    pub(crate) pin: Option<PartPin>,
    /// How long AWS was asked for the permissions.
    pub(crate) aws: Duration,
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

    /// Statements that one user may run at the same time.
    pub(crate) fn most_at_once(&self) -> usize {
        self.settings.session.max_concurrent_queries_per_user
    }

    /// Plans a statement without running it.
    ///
    /// # Errors
    /// Whatever refuses the statement; such a refusal is audited like a statement that ran.
    pub(crate) async fn describe(
        &self,
        context: &RequestContext,
        session: &Arc<Session>,
        request: &QueryRequest,
    ) -> Result<Description, Error> {
        let mut authorised = Authorised::default();
        let described = match self.sessions.admit_description(session).await {
            Ok(_admission) => {
                let deadline = self.deadline(context, request);
                let described = self.planned(context, session, request, deadline, &mut authorised);
                in_time(deadline, described).await
            }
            Err(error) => Err(error),
        };
        match described {
            Ok(description) => {
                let statement = request.source.text();
                self.audit.planned(&query_start(context, session, request, &statement), &authorised)?;
                Ok(Description { aws: authorised.aws, ..description })
            }
            Err(error) => {
                let mut audit = self.start_audit(context, session, request)?;
                audit.authorised(authorised);
                audit.only_planned();
                Record::new(audit, Arc::clone(&self.metrics)).finish(Err(error.kind()));
                Err(error)
            }
        }
    }

    async fn planned(
        &self,
        context: &RequestContext,
        session: &Arc<Session>,
        request: &QueryRequest,
        deadline: Instant,
        authorised: &mut Authorised,
    ) -> Result<Description, Error> {
        let guarded = self.guarded(context, session, request, deadline, authorised).await?;
        let is_constant = guarded.statement.is_one_constant();
        let values = request.parameters.clone();
        self.plan(is_constant, session, deadline, async move { guarded.describe(values.as_ref()) }).await
    }

    /// Runs a statement.
    ///
    /// # Arguments
    /// * `planning` - what the call took that has planned it, whose query id is that of `context`.
    ///
    /// # Errors
    /// Whatever refuses the statement before its first row; later errors come through the stream.
    pub(crate) async fn run(
        &self,
        context: &RequestContext,
        session: &Arc<Session>,
        request: &QueryRequest,
        planning: PlanningTime,
    ) -> Result<ResultStream, Error> {
        let mut audit = self.start_audit(context, session, request)?;
        audit.planned_before(planning.total, planning.aws);
        let mut record = Record::new(audit, Arc::clone(&self.metrics));
        let running = self.sessions.running().enter(session.principal(), [context.query_id]);
        let started = tokio::select! {
            started = self.start(context, session, request, &mut record) => started,
            () = running.cancelled().cancelled() => Err(cancelled()),
        };
        match started {
            Ok((batches, admission)) => {
                let part = request.part.map(|part| Divider::new(part, &batches.schema())).transpose()?;
                Ok(ResultStream { batches, part, running, record: Some(record), _admission: admission })
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
        session: &Arc<Session>,
        request: &QueryRequest,
        record: &mut Record,
    ) -> Result<(QueryStream, Admission), Error> {
        record.audit.queued();
        let waiting = self.metrics.waiting_statements.enter();
        let admission = self.sessions.admit(session).await?;
        drop(waiting);
        record.audit.admitted();
        let deadline = self.deadline(context, request);
        let mut authorised = Authorised::default();
        let guarded = self.guarded(context, session, request, deadline, &mut authorised);
        let guarded = in_time(deadline, guarded).await;
        record.audit.authorised(authorised);
        let (guarded, parameters) = (guarded?, request.parameters.clone());
        if let Some(part) = &request.part {
            part.check(guarded.pin())?;
        }
        let is_constant = guarded.statement.is_one_constant();
        let (planning, runner) = (session.planning(), self.engine.runner()?);
        let written = record.audit.written(deadline);
        let started = async move {
            let bound = Arc::new(guarded.plan()?.bind(parameters.as_ref())?);
            let first = bound.seal(0).await?;
            written.await?;
            let others = stream::iter(1..bound.rows()).then(move |row| {
                let (bound, planning) = (Arc::clone(&bound), planning.clone());
                async move {
                    // Planning never waits; here it can be told to stop.
                    tokio::task::yield_now().await;
                    let _turn = planning.turn().await;
                    let (stop, _waiting) = Stop::at(deadline);
                    stop.scope(bound.seal(row)).await
                }
            });
            Ok(runner.execute(first, others, deadline))
        };
        let batches = self.plan(is_constant, session, deadline, started).await?;
        record.audit.planned();
        Ok((batches, admission))
    }

    /// From what the client sent to a statement over guarded tables: the drawing of this file's head, line by line.
    async fn guarded(
        &self,
        context: &RequestContext,
        session: &Arc<Session>,
        request: &QueryRequest,
        deadline: Instant,
        authorised: &mut Authorised,
    ) -> Result<GuardedStatement, Error> {
        let statement = self.parsed(session, request, deadline).await?;
        let asked = Instant::now();
        let grants = self.access.authorise(session.principal(), statement.tables(), context.query_id).await;
        authorised.aws = asked.elapsed();
        let grants = grants?;
        let moments = statement.tables().iter().map(|table| table.moment);
        let opened = grants.into_iter().zip(moments).map(|(grant, moment)| async move {
            let _turn = self.sessions.admit_opening(session).await?;
            self.guard.open(&self.tables, grant, moment).await
        });
        let guarded = join_all(opened).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        authorised.tables.extend(guarded.iter().map(audit_of));
        let listing = Listing::new(
            Arc::clone(&self.catalog),
            session.principal().clone(),
            Handle::current(),
            Arc::clone(&authorised.listed),
        );
        Ok(GuardedStatement {
            guard: Arc::clone(&self.guard),
            statement,
            tables: guarded,
            listing,
            runtime: self.engine.query_runtime()?,
        })
    }

    /// When a statement must have ended: whoever is least patient decides.
    fn deadline(&self, context: &RequestContext, request: &QueryRequest) -> Instant {
        let asked = [context.client_timeout, request.options.statement_timeout];
        self.engine.deadline(asked.into_iter().flatten().min())
    }

    /// A text is read where it arrived if that takes less time than to hand it over, and elsewhere in the user's turn.
    async fn parsed(
        &self,
        session: &Arc<Session>,
        request: &QueryRequest,
        deadline: Instant,
    ) -> Result<Statement, Error> {
        let max_bytes = self.settings.server.max_sql_bytes.as_usize();
        if let Source::Sql(sql) = &request.source
            && let Some(parsed) = Statement::parse_at_once(sql, max_bytes, &request.options)
        {
            return parsed;
        }
        let (source, options) = (request.source.clone(), request.options.clone());
        let read = async move { Statement::read(&source, max_bytes, &options) };
        self.plan(false, session, deadline, read).await
    }

    /// Runs a part of planning on the threads for it, when it is the user's turn. That of a constant is done where it arrived:
    /// handing it over would take longer.
    async fn plan<T, F>(
        &self,
        is_constant: bool,
        session: &Arc<Session>,
        deadline: Instant,
        work: F,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        if is_constant {
            return work.await;
        }
        let planning = session.planning();
        let in_turn = async move {
            let _turn = planning.turn().await;
            work.await
        };
        self.engine.compute(deadline, in_turn).await
    }

    fn start_audit(
        &self,
        context: &RequestContext,
        session: &Session,
        request: &QueryRequest,
    ) -> Result<QueryAudit, Error> {
        let statement = request.source.text();
        self.audit.start(&query_start(context, session, request, &statement))
    }
}

/// The rows of a running statement. Dropping it cancels the statement and records that.
pub(crate) struct ResultStream {
    batches: QueryStream,
    part: Option<Divider>,
    running: RunningQuery,
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
        let mut next = ready!(self.batches.poll_next_unpin(context));
        if let (Some(Ok(batch)), Some(part)) = (&next, &self.part) {
            next = Some(part.keep(batch));
        }
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
        let kind = self.kind_of_end();
        self.finish(Err(kind));
    }
}
