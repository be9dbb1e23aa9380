//! Reads Delta logs with the Delta kernel.
//!
//! The kernel's calls block, so each runs on a thread for blocking work and reaches S3 through the I/O runtime. Whoever
//! asked may go away meanwhile; the kernel is then told to stop.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::{Arc, Mutex};

use delta_kernel::cancellation::{CancellationToken, CancellationTokenRef, CancelledFuture};
use delta_kernel::expressions::ColumnName;
use delta_kernel::history_manager::{HistoryCommitType, latest_version_as_of};
use delta_kernel::scan::{PartitionValuesOptions, Scan, StatsOptions};
use delta_kernel::schema::DataType;
use delta_kernel::snapshot::Snapshot as KernelSnapshot;
use delta_kernel::{DeltaResult, Engine, Error as KernelError, SnapshotRef};
use delta_kernel_engine::DefaultEngineBuilder;
use delta_kernel_engine::executor::tokio::TokioMultiThreadExecutor;
use object_store::ObjectStore;
use tokio::runtime::Handle;
use tokio_util::sync::{CancellationToken as Token, DropGuard};
use url::Url;

use super::budget::{Budget, Charge};
use super::index::{FileIndex, IndexBuilder};
use super::log_engine::LogEngine;
use super::partitions;
use super::schema::TableColumns;
use super::statistics::ColumnStatistics;

/// Rows of a commit that are decoded at once.
const BATCH_ROWS: NonZero<usize> = NonZero::<usize>::MIN.saturating_add(8191);

/// Files of a log that are fetched ahead.
const FILES_AHEAD: NonZero<usize> = NonZero::<usize>::MIN.saturating_add(63);

/// What the log says of one version of a table.
pub(super) struct Log {
    /// Protocol, metadata and the names of the log's files.
    pub(super) snapshot: SnapshotRef,
    pub(super) columns: Arc<TableColumns>,
    pub(super) files: Arc<FileIndex>,
    /// What index and statistics take, of the tables' budget.
    pub(super) memory: Mutex<Charge>,
}

/// Reads the log of one table through one grant's store.
#[derive(Clone)]
pub(super) struct LogReader {
    engine: Arc<LogEngine>,
    io: Handle,
    root: Url,
    budget: Arc<Budget>,
}

impl LogReader {
    /// # Arguments
    /// * `store` - the table's bucket, jailed to the table.
    /// * `root` - URL of the table's folder, with a slash at its end.
    /// * `io` - a runtime of several threads.
    /// * `budget` - what tables may hold in memory.
    pub(super) fn new(store: Arc<dyn ObjectStore>, root: Url, io: Handle, budget: Arc<Budget>) -> Self {
        let executor = Arc::new(TokioMultiThreadExecutor::new(io.clone()));
        let engine = DefaultEngineBuilder::new(Arc::clone(&store))
            .with_task_executor(executor)
            .with_batch_size(BATCH_ROWS)
            .with_buffer_size(FILES_AHEAD)
            .build();
        let engine = LogEngine::new(Arc::new(engine), store, io.clone(), Arc::clone(&budget));
        Self { engine: Arc::new(engine), io, root, budget }
    }

    /// Reads a version from scratch; the newest one if none is named.
    ///
    /// # Errors
    /// The kernel's.
    pub(super) async fn read(&self, version: Option<u64>) -> DeltaResult<Log> {
        let (root, budget) = (self.root.clone(), Arc::clone(&self.budget));
        self.blocking(move |engine, token| {
            let builder =
                KernelSnapshot::builder_for(root.as_str()).with_cancellation_token(Arc::clone(token));
            let snapshot = match version {
                Some(version) => builder.at_version(version).build(engine)?,
                None => builder.build(engine)?,
            };
            let columns = Arc::new(TableColumns::of(&snapshot)?);
            let (files, memory) = replay(engine, &snapshot, &columns, &[], token, &budget)?;
            Ok(Log { snapshot, columns, files: Arc::new(files), memory: Mutex::new(memory) })
        })
        .await
    }

    /// The newest version that was committed at or before a time and can be read. In-commit timestamps are honoured.
    ///
    /// # Arguments
    /// * `time` - milliseconds since the epoch.
    ///
    /// # Errors
    /// The kernel's; also if the table is younger.
    pub(super) async fn version_at(&self, newest: &Log, time: i64) -> DeltaResult<u64> {
        let newest = Arc::clone(&newest.snapshot);
        self.blocking(move |engine, _| {
            Ok(latest_version_as_of(&newest, engine, time, HistoryCommitType::Recreatable)?.version)
        })
        .await
    }

    /// Reads the newest version, given an older one. Only the commits between them are read, unless the table's columns
    /// changed or the log between them is gone.
    ///
    /// # Errors
    /// The kernel's.
    pub(super) async fn refresh(&self, known: &Log) -> DeltaResult<Log> {
        let base = Arc::clone(&known.snapshot);
        let (columns, files) = (Arc::clone(&known.columns), Arc::clone(&known.files));
        let budget = Arc::clone(&self.budget);
        self.blocking(move |engine, token| {
            let snapshot = KernelSnapshot::builder_from(Arc::clone(&base))
                .with_cancellation_token(Arc::clone(token))
                .build(engine)?;
            let now = Arc::new(TableColumns::of(&snapshot)?);
            let changes = if now == columns && base.version() < snapshot.version() {
                Arc::clone(&snapshot).incremental_scan_builder(base.version()).build(engine)?
            } else {
                None
            };
            let Some(changes) = changes else {
                let (files, memory) = replay(engine, &snapshot, &now, &[], token, &budget)?;
                return Ok(Log {
                    snapshot,
                    columns: now,
                    files: Arc::new(files),
                    memory: Mutex::new(memory),
                });
            };
            let mut summary = changes.into_summary()?;
            let mut gone = std::mem::take(&mut summary.removes);
            gone.extend(std::mem::take(&mut summary.live_adds));
            let wanted = files.columns_with_statistics();
            let scan = scan_of(&snapshot, &columns, &wanted, token)?;
            // What stays is copied.
            let copied = budget.charge(files.memory() as u64).map_err(KernelError::generic_err)?;
            let mut added = IndexBuilder::new(&columns, &wanted, &budget)?;
            for batch in scan.scan_metadata_from(engine, base.version(), std::iter::empty(), None)? {
                added.push(batch?)?;
            }
            let (added, mut memory) = added.finish()?;
            let files = Arc::new(files.followed_by(&gone, &added)?);
            drop((added, copied));
            memory.resize(files.memory() as u64).map_err(KernelError::generic_err)?;
            Ok(Log { snapshot, columns, files, memory: Mutex::new(memory) })
        })
        .await
    }

    /// Reads the statistics of some columns, in the order of the log's index.
    ///
    /// # Arguments
    /// * `wanted` - positions of columns that are not nested and not partition columns.
    ///
    /// # Errors
    /// The kernel's.
    pub(super) async fn statistics(
        &self,
        log: &Log,
        wanted: Vec<usize>,
    ) -> DeltaResult<BTreeMap<usize, ColumnStatistics>> {
        let snapshot = Arc::clone(&log.snapshot);
        let (columns, files) = (Arc::clone(&log.columns), Arc::clone(&log.files));
        let budget = Arc::clone(&self.budget);
        self.blocking(move |engine, token| {
            let (read, _memory) = replay(engine, &snapshot, &columns, &wanted, token, &budget)?;
            let order = files.order_of(&read)?;
            let mut found = BTreeMap::new();
            for column in wanted {
                if let Some(statistics) = read.take_statistics(column) {
                    let statistics = match &order {
                        Some(order) => statistics.reordered(order)?,
                        None => statistics,
                    };
                    found.insert(column, statistics);
                }
            }
            Ok(found)
        })
        .await
    }

    async fn blocking<T, F>(&self, work: F) -> DeltaResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&dyn Engine, &CancellationTokenRef) -> DeltaResult<T> + Send + 'static,
    {
        let engine = Arc::clone(&self.engine);
        let token = Token::new();
        let _stop_when_dropped: DropGuard = token.clone().drop_guard();
        let token: CancellationTokenRef = Arc::new(Cancellation(token));
        self.io
            .spawn_blocking(move || work(engine.as_ref(), &token))
            .await
            .map_err(|error| KernelError::generic(format!("reading the log ended abnormally: {error}")))?
    }
}

struct Cancellation(Token);

impl CancellationToken for Cancellation {
    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    fn cancelled_future(&self) -> CancelledFuture<'_> {
        Box::pin(self.0.cancelled())
    }
}

/// Gathers the live files of a version. Gives what their index takes of the budget, too.
fn replay(
    engine: &dyn Engine,
    snapshot: &SnapshotRef,
    columns: &TableColumns,
    wanted: &[usize],
    token: &CancellationTokenRef,
    budget: &Arc<Budget>,
) -> DeltaResult<(FileIndex, Charge)> {
    let scan = scan_of(snapshot, columns, wanted, token)?;
    let mut index = IndexBuilder::new(columns, wanted, budget)?;
    for batch in scan.scan_metadata(engine)? {
        index.push(batch?)?;
    }
    index.finish()
}

/// A scan of the log for files and the statistics of some columns. Without any, one column's are asked for all the same:
/// the number of rows comes only with them.
fn scan_of(
    snapshot: &SnapshotRef,
    columns: &TableColumns,
    wanted: &[usize],
    token: &CancellationTokenRef,
) -> DeltaResult<Scan> {
    let mut names: Vec<ColumnName> =
        wanted.iter().map(|position| ColumnName::new([columns.logical.field(*position).name()])).collect();
    if names.is_empty() {
        names.extend(any_column_with_statistics(snapshot, columns)?);
    }
    let statistics =
        if names.is_empty() { StatsOptions::none() } else { StatsOptions::struct_columns(names) };
    let partition_values = match partitions::are_read_here(columns) {
        true => PartitionValuesOptions::string_map_only(),
        false => PartitionValuesOptions::with_struct(),
    };
    Arc::clone(snapshot)
        .scan_builder()
        .with_stats(statistics)
        .with_partition_values(partition_values)
        .without_row_transforms()
        .with_cancellation_token(Arc::clone(token))
        .build()
}

fn any_column_with_statistics(
    snapshot: &SnapshotRef,
    columns: &TableColumns,
) -> DeltaResult<Option<ColumnName>> {
    let expected = snapshot.table_configuration().build_expected_stats_schemas(None, None)?.physical;
    let Some(DataType::Struct(counted)) = expected.field("nullCount").map(|field| field.data_type()) else {
        return Ok(None);
    };
    let flat = counted.fields().find(|field| !matches!(field.data_type(), DataType::Struct(_)));
    let position = flat.and_then(|field| columns.physical.index_of(field.name()).ok());
    Ok(position.map(|position| ColumnName::new([columns.logical.field(position).name()])))
}
