//! [`GuardedScanExec`]: the barrier, one opaque leaf of the physical plan.
//!
//! It owns the unguarded scan. Its optimiser hooks are DataFusion's defaults for a leaf, which decline everything, except
//! those written out below; a hook that a new DataFusion version adds declines too. In particular it takes no projection
//! and no sort order from above, and a `FilterExec` is never part of what it returns (the optimiser merges those).
//!
//! Where no rows or cells are hidden, the dynamic filters that joins and sorts make while they run reach the scan, to leave out
//! row groups and then rows ([`narrowing`](super::narrowing)), and the log's counts reach the planner. Where some are hidden,
//! those filters are asked of the rows that were let through and of nothing below, and the log's counts stay here. Where rows
//! or columns are, all parts of the scan leave as one stream ([`framing`](super::framing)).
//!
//! The inner scan runs with a runtime environment of its own, whose registry knows one store: this table's, opened with
//! this grant's credentials. Memory pool and spill are those of the query.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::BatchCoalescer;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, Statistics, exec_err, internal_err};
use datafusion::config::ConfigOptions;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::execution_plan::{
    Boundedness, EmissionType, SchedulingType, apply_expression_roots,
};
use datafusion::physical_plan::filter_pushdown::{
    ChildFilterPushdownResult, ChildPushdownResult, FilterPushdownPhase, FilterPushdownPropagation,
    PushedDown,
};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricBuilder, MetricsSet};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
    ReplaceChildrenOptions,
};
use futures::{StreamExt, TryStreamExt};

use super::budget::ScanBudget;
use super::columns::bare;
use super::framing::{counted, rechunked};
use super::narrowing::{Asked, narrowed};
use super::read_ahead::one_after_the_other;
use super::relabel::relabelled;
use super::rows::RowPolicy;
use super::visible_rows::VisibleRows;
use super::wide_rows::cut;
use crate::error::Error;
use crate::ids::TableName;
use crate::mutant::Mutant;
use crate::table::{Snapshot, UnguardedScan, replace_columns};

/// See the file's head.
#[derive(Clone)]
pub(super) struct GuardedScanExec {
    snapshot: Arc<Snapshot>,
    unguarded: Arc<dyn ExecutionPlan>,
    view: Arc<View>,
    /// Dynamic filters that the scan took, over the visible columns.
    dynamic: Vec<Arc<dyn PhysicalExpr>>,
    properties: Arc<PlanProperties>,
    /// What was let through.
    metrics: ExecutionPlanMetricsSet,
}

/// Which rows and cells of a table with hidden ones are let through.
pub(super) struct ShownRows {
    pub(super) policy: RowPolicy,
    /// A leak-proof predicate of the user over the columns that are read.
    pub(super) narrowed_by: Option<Arc<dyn PhysicalExpr>>,
    /// Where their number is kept.
    pub(super) counts: VisibleRows,
}

/// What of the scan's rows and columns is let through.
struct View {
    /// Absent: all rows with all their cells.
    shown: Option<ShownRows>,
    /// All columns that are read, under the names that the policy knows; the visible ones come first.
    read: SchemaRef,
    visible: SchemaRef,
}

impl GuardedScanExec {
    /// # Arguments
    /// * `scan` - reads the columns of `visible` first, in its order, then those that only `shown` needs.
    ///
    /// # Errors
    /// If `scan` reads fewer columns than are to be shown, or others.
    pub(super) fn new(
        snapshot: Arc<Snapshot>,
        scan: UnguardedScan,
        shown: Option<ShownRows>,
        visible: SchemaRef,
    ) -> Result<Self> {
        let read = scan.columns;
        let fits = read.fields().len() == scan.plan.schema().fields().len()
            && visible.fields().len() <= read.fields().len()
            && visible
                .fields()
                .iter()
                .zip(read.fields())
                .all(|(shown, read)| shown.name().eq_ignore_ascii_case(read.name()));
        if !fits && !Mutant::ColumnsByPosition.is_on() {
            return internal_err!("the scan does not read the columns that are to be shown");
        }
        let partitions = match snapshot.grant().is_restricted() {
            true => 1,
            false => scan.plan.properties().partitioning.partition_count(),
        };
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&visible)),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        let read: Vec<_> = read.fields().iter().map(|field| bare(field).with_nullable(true)).collect();
        Ok(Self {
            snapshot,
            unguarded: scan.plan,
            view: Arc::new(View { shown, read: Arc::new(Schema::new(read)), visible }),
            dynamic: Vec::new(),
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }

    /// Which table.
    pub(super) fn table(&self) -> &TableName {
        self.snapshot.grant().table()
    }

    fn is_restricted(&self) -> bool {
        self.snapshot.grant().is_restricted()
    }

    fn keep_count(&self, rows: u64) {
        if let Some(ShownRows { narrowed_by: None, counts, .. }) = &self.view.shown {
            counts.counted(&self.snapshot, rows);
        }
    }

    /// What is let through of one part of the scan.
    fn part(&self, part: usize, context: &TaskContext) -> Result<SendableRecordBatchStream> {
        let mut config = context.session_config().clone();
        if self.is_restricted() {
            // Parts keep their files, so that rows keep their order.
            config.options_mut().execution.enable_file_stream_work_stealing = false;
        }
        let runtime = self.snapshot.runtime(&context.runtime_env())?;
        let inner_context = TaskContext::default().with_session_config(config).with_runtime(runtime);
        let snapshot = Arc::clone(&self.snapshot);
        let hide = move |error| DataFusionError::from(snapshot.failure(&error));
        let unguarded = self.unguarded.execute(part, Arc::new(inner_context)).map_err(&hide)?;
        // Readers of Parquet panic on some broken files. That is the table's fault, not the query's.
        let unguarded = AssertUnwindSafe(unguarded)
            .catch_unwind()
            .map(|read| read.unwrap_or_else(|_| exec_err!("a reader of the table's files panicked")));
        let view = Arc::clone(&self.view);
        let visible = Arc::clone(&view.visible);
        let memory = MemoryConsumer::new("rows that are let through").register(context.memory_pool());
        let is_broken = Mutant::JoinedRowsUnfiltered.is_on() && !self.dynamic.is_empty();
        let guarded = unguarded.map_err(hide).map(move |batch| {
            let rows = let_through(&batch?, &view, is_broken)?;
            if let Some(shown) = &view.shown {
                // By the visible rows alone: the size of hidden ones must not decide whether the query has room.
                memory.try_resize(shown.policy.bytes_to_copy(&rows))?;
            }
            Ok(rows)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(visible, guarded)))
    }

    /// The same batches, counted, only as many as the statement may read, and only as long as its grants hold.
    fn accounted(
        &self,
        batches: SendableRecordBatchStream,
        partition: usize,
        context: &TaskContext,
    ) -> SendableRecordBatchStream {
        let rows = MetricBuilder::new(&self.metrics).output_rows(partition);
        let budget = context.session_config().get_extension::<ScanBudget>();
        let watch = self.snapshot.grant().watch().clone();
        let accounted = cut(batches).map(move |batch| {
            let batch = batch?;
            watch.check()?;
            rows.add(batch.num_rows());
            if let Some(budget) = &budget {
                budget.take(&batch)?;
            }
            Ok(batch)
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.view.visible), accounted))
    }

    /// The rows that the dynamic filters let through.
    fn narrowed(&self, rows: SendableRecordBatchStream, context: &TaskContext) -> SendableRecordBatchStream {
        let asked = if self.view.shown.is_some() { Asked::Complete } else { Asked::All };
        narrowed(rows, &self.dynamic, asked, context.session_config().batch_size())
    }

    /// Hands dynamic filters to the scan; both leave out what they can, whoever made them still applies them.
    fn with_dynamic_filters(
        &self,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        config: &ConfigOptions,
    ) -> Result<Option<Self>> {
        let scanned = self.unguarded.schema();
        let below = |filter: &Arc<dyn PhysicalExpr>| {
            let filter = replace_columns(Arc::clone(filter), |column| {
                let name = scanned.field(column.index()).name();
                Ok(Arc::new(Column::new(name, column.index())))
            })?;
            Ok(ChildFilterPushdownResult { filter, child_results: Vec::new() })
        };
        let parent_filters = filters.iter().map(below).collect::<Result<Vec<_>>>()?;
        let offered = ChildPushdownResult { parent_filters, self_filters: Vec::new() };
        let answer =
            self.unguarded.handle_child_pushdown_result(FilterPushdownPhase::Post, offered, config)?;
        Ok(answer.updated_node.map(|unguarded| Self { unguarded, dynamic: filters, ..self.clone() }))
    }
}

/// What is let through of one batch: **the rows for which the row filter is TRUE, the visible columns, and their cells for
/// which the cell's filter is TRUE.**
///
/// Everything a user ever sees of a table passes here.
///
/// # Arguments
/// * `is_broken` - whether a fault is on that keeps the row filter from being asked.
fn let_through(batch: &RecordBatch, view: &View, is_broken: bool) -> Result<RecordBatch, Error> {
    let granted_rows = match &view.shown {
        Some(_) if is_broken || Mutant::RowFilterDropped.is_on() => batch,
        Some(shown) => &shown.policy.apply(&named(batch, &view.read)?, shown.narrowed_by.as_ref())?,
        None => batch,
    };
    named(granted_rows, &view.visible)
}

/// The first columns of a batch under the names and types of a schema.
fn named(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, Error> {
    let columns = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, column)| relabelled(column, field.data_type()))
        .collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
        .map_err(|error| Error::internal(format!("guarded batch: {error}")))
}

impl ExecutionPlan for GuardedScanExec {
    fn name(&self) -> &'static str {
        "GuardedScanExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if children.is_empty() {
            return Ok(self);
        }
        internal_err!("a guarded scan has no children")
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if children.is_empty() {
            return Ok(self);
        }
        internal_err!("a guarded scan has no children")
    }

    /// Shows the dynamic filters, which came from above; what is inside stays there.
    fn apply_expressions(
        &self,
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        apply_expression_roots(&self.dynamic, visit)
    }

    /// Takes dynamic filters, to the scan only where no rows are hidden, and never says that they were applied to every row.
    fn handle_child_pushdown_result(
        &self,
        phase: FilterPushdownPhase,
        offered: ChildPushdownResult,
        config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        let filters: Vec<_> = offered.parent_filters.into_iter().map(|offer| offer.filter).collect();
        let declined =
            FilterPushdownPropagation::with_parent_pushdown_result(vec![PushedDown::No; filters.len()]);
        let hides_rows = self.view.shown.is_some();
        if filters.is_empty() || !matches!(phase, FilterPushdownPhase::Post) {
            return Ok(declined);
        }
        if hides_rows {
            return Ok(declined.with_updated_node(Arc::new(Self { dynamic: filters, ..self.clone() }) as _));
        }
        Ok(match self.with_dynamic_filters(filters, config)? {
            Some(leaf) => declined.with_updated_node(Arc::new(leaf) as _),
            None => declined,
        })
    }

    /// What the log says where no rows are hidden; where some are, what earlier scans counted.
    fn statistics_from_inputs(
        &self,
        _: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let mut statistics = Statistics::new_unknown(&self.view.visible);
        if let Some(shown) = self.view.shown.as_ref().filter(|_| !Mutant::ExactStatistics.is_on()) {
            let known = shown.counts.known(&self.snapshot).and_then(|rows| usize::try_from(rows).ok());
            statistics.num_rows = known.map_or(Precision::Absent, Precision::Inexact);
            if Mutant::CountOfAnotherPolicy.is_on() {
                statistics.num_rows = known.map_or(Precision::Absent, Precision::Exact);
            }
        } else {
            let scanned = StatisticsContext::new().compute(self.unguarded.as_ref(), args)?;
            statistics.num_rows = scanned.num_rows;
            // The size of files counts hidden columns.
            if !self.is_restricted() || Mutant::BytesOfHiddenColumns.is_on() {
                statistics.total_byte_size = scanned.total_byte_size;
            }
            for (shown, column) in statistics.column_statistics.iter_mut().zip(&scanned.column_statistics) {
                *shown = column.clone();
            }
        }
        Ok(Arc::new(statistics))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if !self.is_restricted() {
            let rows = self.narrowed(self.part(partition, &context)?, &context);
            return Ok(self.accounted(rows, partition, &context));
        }
        let config = context.session_config();
        let (at_once, batch_rows) = (config.target_partitions(), config.batch_size());
        let accounted = |rows| self.accounted(rows, partition, &context);
        let parts = self.unguarded.properties().partitioning.partition_count();
        let parts = (0..parts).map(|part| {
            let (leaf, context) = (self.clone(), Arc::clone(&context));
            Box::new(move || leaf.part(part, &context)) as _
        });
        let rows = one_after_the_other(parts.collect(), at_once);
        let (schema, leaf) = (Arc::clone(&self.view.visible), self.clone());
        let counted = counted(rows, move |rows| leaf.keep_count(rows));
        let framed = rechunked(counted, BatchCoalescer::new(Arc::clone(&schema), batch_rows));
        let framed = accounted(Box::pin(RecordBatchStreamAdapter::new(schema, framed)));
        Ok(self.narrowed(framed, &context))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

/// Names the table and nothing inside: no filter, no files.
impl DisplayAs for GuardedScanExec {
    fn fmt_as(&self, _: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "GuardedScanExec: table={}", self.snapshot.grant().table())
    }
}

impl fmt::Debug for GuardedScanExec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "GuardedScanExec({})", self.snapshot.grant().table())
    }
}
