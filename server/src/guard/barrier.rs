//! [`GuardedScanExec`]: the barrier, one opaque leaf of the physical plan.
//!
//! It owns the unguarded scan. Its optimiser hooks are DataFusion's defaults for a leaf, which decline everything, except
//! those written out below; a hook that a new DataFusion version adds declines too. In particular it takes no projection
//! and no sort order from above, and a `FilterExec` is never part of what it returns (the optimiser merges those).
//!
//! Where no rows are hidden, the dynamic filters that joins and sorts make while they run reach the scan, to leave out row
//! groups, and the log's counts reach the planner. Where rows are hidden neither does.
//!
//! The inner scan runs with a runtime environment of its own, whose registry knows one store: this table's, opened with
//! this grant's credentials. Memory pool and spill are those of the query.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::BatchCoalescer;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, Statistics, exec_err, internal_err};
use datafusion::config::ConfigOptions;
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
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
    ReplaceChildrenOptions,
};
use futures::{StreamExt, TryStreamExt, stream};

use super::columns::bare;
use super::relabel::relabelled;
use super::rows::RowPolicy;
use crate::error::Error;
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
}

/// What of the scan's rows and columns is let through.
struct View {
    policy: Option<RowPolicy>,
    /// All columns that are read, under the names that the policy knows; the visible ones come first.
    read: SchemaRef,
    visible: SchemaRef,
}

impl GuardedScanExec {
    /// # Arguments
    /// * `scan` - reads the columns of `visible` first, in its order, then those that only `policy` needs.
    ///
    /// # Errors
    /// If `scan` reads fewer columns than are to be shown, or others.
    pub(super) fn new(
        snapshot: Arc<Snapshot>,
        scan: UnguardedScan,
        policy: Option<RowPolicy>,
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
        if !fits {
            return internal_err!("the scan does not read the columns that are to be shown");
        }
        let partitions = scan.plan.properties().partitioning.partition_count();
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
            view: Arc::new(View { policy, read: Arc::new(Schema::new(read)), visible }),
            dynamic: Vec::new(),
            properties: Arc::new(properties),
        })
    }

    /// Hands dynamic filters to the scan, which leaves out by them what it can; whoever made them still applies them.
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

/// What is let through of one batch: **the rows for which the row filter is TRUE, and the visible columns.**
///
/// Everything a user ever sees of a table passes here.
fn let_through(batch: &RecordBatch, view: &View) -> Result<RecordBatch, Error> {
    let granted_rows = match &view.policy {
        Some(policy) => &policy.apply(&named(batch, &view.read)?)?,
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

    /// Takes dynamic filters, for pruning only, and only where no rows are hidden: a filter's values come from rows above
    /// the barrier and meet rows below it.
    fn handle_child_pushdown_result(
        &self,
        phase: FilterPushdownPhase,
        offered: ChildPushdownResult,
        config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        let filters: Vec<_> = offered.parent_filters.into_iter().map(|offer| offer.filter).collect();
        let declined =
            FilterPushdownPropagation::with_parent_pushdown_result(vec![PushedDown::No; filters.len()]);
        let is_open = self.view.policy.is_none();
        if !is_open || filters.is_empty() || !matches!(phase, FilterPushdownPhase::Post) {
            return Ok(declined);
        }
        Ok(match self.with_dynamic_filters(filters, config)? {
            Some(leaf) => declined.with_updated_node(Arc::new(leaf) as _),
            None => declined,
        })
    }

    /// What the log says where no rows are hidden; nothing where some are.
    fn statistics_from_inputs(
        &self,
        _: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let mut statistics = Statistics::new_unknown(&self.view.visible);
        if self.view.policy.is_none() {
            let scanned = StatisticsContext::new().compute(self.unguarded.as_ref(), args)?;
            statistics.num_rows = scanned.num_rows;
            statistics.total_byte_size = scanned.total_byte_size;
            for (shown, column) in statistics.column_statistics.iter_mut().zip(&scanned.column_statistics) {
                *shown = column.clone();
            }
        }
        Ok(Arc::new(statistics))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let batch_rows = context.session_config().batch_size();
        let runtime = self.snapshot.runtime(&context.runtime_env())?;
        let inner_context = TaskContext::default()
            .with_session_config(context.session_config().clone())
            .with_runtime(runtime);
        let snapshot = Arc::clone(&self.snapshot);
        let hide = move |error| DataFusionError::from(snapshot.failure(&error));
        let unguarded = self.unguarded.execute(partition, Arc::new(inner_context)).map_err(&hide)?;
        // Readers of Parquet panic on some broken files. That is the table's fault, not the query's.
        let unguarded = AssertUnwindSafe(unguarded)
            .catch_unwind()
            .map(|read| read.unwrap_or_else(|_| exec_err!("a reader of the table's files panicked")));
        let view = Arc::clone(&self.view);
        let visible = Arc::clone(&view.visible);
        let has_policy = view.policy.is_some();
        let guarded = unguarded.map_err(hide).map(move |batch| Ok(let_through(&batch?, &view)?));
        // Batches that a filter made small say how many hidden rows lay between the visible ones, and are slow.
        let framed = match has_policy {
            true => rechunk(guarded, Arc::clone(&visible), batch_rows).boxed(),
            false => guarded.boxed(),
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(visible, framed)))
    }
}

/// Cuts a stream into batches of exactly `batch_rows` rows but for the last.
fn rechunk(
    batches: impl stream::Stream<Item = Result<RecordBatch>> + Send + 'static,
    schema: SchemaRef,
    batch_rows: usize,
) -> impl stream::Stream<Item = Result<RecordBatch>> + Send {
    let coalescer = BatchCoalescer::new(schema, batch_rows);
    let state = (Box::pin(batches), coalescer, false);
    stream::try_unfold(state, |(mut batches, mut coalescer, mut is_finished)| async move {
        loop {
            if let Some(batch) = coalescer.next_completed_batch() {
                return Ok(Some((batch, (batches, coalescer, is_finished))));
            }
            if is_finished {
                return Ok(None);
            }
            match batches.next().await {
                Some(batch) => coalescer.push_batch(batch?)?,
                None => {
                    coalescer.finish_buffered_batch()?;
                    is_finished = true;
                }
            }
        }
    })
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
