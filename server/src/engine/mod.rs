//! Runs sealed plans: a runtime of its own for CPU work, memory and spill limits, timeouts, cancellation.
//!
//! Invariants
//! - [`Runner::execute`] takes a [`SealedPlan`] and nothing else, so only plans whose leaves are guarded ever run.
//! - Planning and execution run on threads for CPU work; connections, AWS and S3 are served by the I/O runtime. A heavy query
//!   cannot starve keep-alives or other users' logins. Only SELECT of one constant is planned, and runs, where it arrived.
//! - Planning, and queries that read little and do little with it, have threads of their own: they share the processors with
//!   heavy queries by the operating system's fairness, instead of waiting behind their batches.
//! - Dropping a [`QueryStream`] ends the query: its tasks are aborted and its memory is given back.
//! - A query that outlives its deadline, exceeds its memory or its result's limits, or panics, ends with an error; the server
//!   goes on.

mod memory;
mod query_stream;
mod result_limits;
mod spill;
mod spill_account;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use futures::{Stream, StreamExt, stream};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::task::AbortOnDropHandle;

use self::memory::{QueryPool, ServerPool};
use self::query_stream::Limits;
pub(crate) use self::query_stream::QueryStream;
use self::result_limits::{ResultAccount, ResultLimits};
use self::spill::SpillFolder;
use self::spill_account::SpillAccount;
use crate::error::{Error, ErrorKind};
use crate::guard::SealedPlan;
use crate::settings::EngineSettings;
use crate::stop::Stop;
use crate::table::NoStores;
use crate::telemetry::metrics::Metrics;

/// Stack of a CPU thread. Plans of deep expressions are walked recursively; the SQL limits are chosen to fit.
const STACK_BYTES: usize = 16 * 1024 * 1024;

/// Bytes that a statement gets however much others hold: with it a small one ends.
const GUARANTEED_MEMORY: usize = 8 * 1024 * 1024;

/// Threads for CPU work, as many of each kind as there are processors.
struct Lanes {
    heavy: Runtime,
    /// For planning, and for queries that read little and do little with it.
    quick: Runtime,
}

/// Executes plans. One per server.
pub(crate) struct Engine {
    /// Gone when the server stops.
    lanes: Option<Lanes>,
    threads: usize,
    base: Arc<RuntimeEnv>,
    memory: Arc<ServerPool>,
    query_memory: usize,
    query_spill: u64,
    statement_timeout: Duration,
    result_limits: ResultLimits,
    metrics: Arc<Metrics>,
    _spill: SpillFolder,
}

impl Engine {
    /// Starts the CPU runtime and makes an empty private folder for spilled data.
    ///
    /// # Errors
    /// If threads or folder cannot be made.
    pub(crate) fn start(settings: &EngineSettings, metrics: Arc<Metrics>) -> Result<Self, Error> {
        let failed = |what: &str, error: &dyn std::fmt::Display| Error::internal(format!("{what}: {error}"));
        let threads = match settings.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            configured => configured,
        };
        let lane = |name: &str| {
            Builder::new_multi_thread()
                .worker_threads(threads)
                .thread_name(name)
                .thread_stack_size(STACK_BYTES)
                .enable_all()
                .build()
                .map_err(|error| failed("CPU runtime", &error))
        };
        let lanes = Lanes { heavy: lane("lakegate-cpu")?, quick: lane("lakegate-quick")? };
        let spill = SpillFolder::make(settings.spill_directory.clone())
            .map_err(|error| failed("spill folder", &error))?;
        let disk = DiskManagerBuilder::default()
            .with_mode(DiskManagerMode::Directories(vec![spill.path().to_owned()]))
            .with_max_temp_directory_size(settings.spill_limit.as_u64());
        let memory_limit = memory::limit(settings.memory_limit.as_u64());
        let base = RuntimeEnvBuilder::new()
            .with_disk_manager_builder(disk)
            .with_object_store_registry(Arc::new(NoStores))
            .build_arc()
            .map_err(|error| failed("runtime environment", &error))?;
        let query_memory = match usize::try_from(settings.query_memory_limit.as_u64()) {
            Ok(configured) if configured > 0 => configured.min(memory_limit),
            _ => memory_limit / 2,
        };
        let query_spill = match settings.query_spill_limit.as_u64() {
            0 => settings.spill_limit.as_u64() / 2,
            configured => configured,
        };
        Ok(Self {
            lanes: Some(lanes),
            threads,
            base,
            memory: Arc::new(ServerPool::new(memory_limit)),
            query_memory,
            query_spill,
            statement_timeout: settings.statement_timeout,
            result_limits: ResultLimits::new(settings),
            metrics,
            _spill: spill,
        })
        .inspect(Self::show)
    }

    /// Shows the accounts among the metrics.
    fn show(&self) {
        let (memory, limit) = (Arc::clone(&self.memory), self.memory.limit() as u64);
        let help = "Memory that statements have reserved.";
        self.metrics.observe("lakegate_memory_used_bytes", help, move || memory.used() as u64);
        self.metrics.observe("lakegate_memory_limit_bytes", "engine.memory_limit in force.", move || limit);
        let (spill, limit) =
            (Arc::clone(&self.base.disk_manager), self.base.disk_manager.max_temp_directory_size());
        let help = "Disk space of spilled data.";
        self.metrics.observe("lakegate_spill_used_bytes", help, move || spill.used_disk_space());
        self.metrics.observe("lakegate_spill_limit_bytes", "engine.spill_limit in force.", move || limit);
    }

    /// CPU threads, which is also the number of partitions that a plan is cut into.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// The environment that all queries share: spill, and no object store.
    pub(crate) fn base(&self) -> &Arc<RuntimeEnv> {
        &self.base
    }

    /// Accounts of memory and of spilled data for one query, within the server's.
    ///
    /// # Errors
    /// If DataFusion cannot build the environment.
    pub(crate) fn query_runtime(&self) -> Result<Arc<RuntimeEnv>, Error> {
        let pool = QueryPool::new(self.query_memory, GUARANTEED_MEMORY, Arc::clone(&self.memory));
        let spill = SpillAccount::new(self.query_spill, Arc::clone(&self.base.disk_manager));
        RuntimeEnvBuilder::from_runtime_env(&self.base)
            .with_memory_pool(Arc::new(pool))
            .with_disk_manager_builder(DiskManagerBuilder::default().with_temp_file_factory(Arc::new(spill)))
            .build_arc()
            .map_err(|error| Error::internal(format!("runtime environment: {error}")))
    }

    /// When a statement that begins now must have ended.
    ///
    /// # Arguments
    /// * `client_timeout` - what the client asked for; it can only shorten the server's own.
    pub(crate) fn deadline(&self, client_timeout: Option<Duration>) -> Instant {
        let allowed =
            client_timeout.map_or(self.statement_timeout, |asked| asked.min(self.statement_timeout));
        Instant::now() + allowed
    }

    /// Runs short CPU work, such as planning, on the quick lane until `deadline`. Dropping the future aborts the work where it
    /// waits, and tells it to [stop](crate::stop) where it does not.
    ///
    /// # Errors
    /// The work's own; [`ErrorKind::DeadlineExceeded`]; an internal one if it panicked.
    pub(crate) async fn compute<T, F>(&self, deadline: Instant, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let (stop, _waiting) = Stop::at(deadline);
        let task = AbortOnDropHandle::new(self.lanes()?.quick.spawn(stop.scope(work)));
        match tokio::time::timeout_at(deadline.into(), task).await {
            Ok(Ok(result)) => result,
            // A panic's message may quote what the statement says, so it is not repeated.
            Ok(Err(error)) => {
                Err(Error::internal(format!("planning ended abnormally, panic: {}", error.is_panic())))
            }
            Err(_) => Err(timed_out()),
        }
    }

    /// What starts plans.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the server is stopping.
    pub(crate) fn runner(&self) -> Result<Runner, Error> {
        Ok(Runner {
            heavy: self.lanes()?.heavy.handle().clone(),
            result_limits: self.result_limits,
            metrics: Arc::clone(&self.metrics),
        })
    }

    fn lanes(&self) -> Result<&Lanes, Error> {
        self.lanes.as_ref().ok_or_else(|| Error::new(ErrorKind::Unavailable, "the server is stopping"))
    }
}

impl Drop for Engine {
    /// A runtime must not be dropped where asynchronous code runs; its threads end on their own.
    fn drop(&mut self) {
        if let Some(Lanes { heavy, quick }) = self.lanes.take() {
            heavy.shutdown_background();
            quick.shutdown_background();
        }
    }
}

/// Starts plans where they were made: a quick one then runs on the threads that have planned it, as soon as that is done, and
/// not after the two changes of threads that a way over the caller takes.
pub(crate) struct Runner {
    heavy: Handle,
    result_limits: ResultLimits,
    metrics: Arc<Metrics>,
}

impl Runner {
    /// Starts a plan and returns its result as a stream, with those of `others` behind it: they have the same columns, and
    /// each is asked for when the one before has ended.
    pub(crate) fn execute(
        self,
        plan: SealedPlan,
        others: impl Stream<Item = Result<SealedPlan, Error>> + Send + 'static,
        deadline: Instant,
    ) -> QueryStream {
        let schema = Arc::clone(plan.schema());
        let lane = if plan.is_quick() { Handle::current() } else { self.heavy };
        let account = ResultAccount::new(self.result_limits, self.metrics);
        let limits = Limits { deadline, watch: plan.watch().cloned(), ended: plan.ended() };
        let plans = stream::once(async { Ok(plan) }).chain(others);
        QueryStream::start(&lane, plans, schema, limits, account)
    }
}

fn timed_out() -> Error {
    Error::new(ErrorKind::DeadlineExceeded, "the statement ran longer than it may")
}
