//! [`GuardedScanExec`]: the barrier, one opaque leaf of the physical plan.
//!
//! It owns the unguarded scan. Its optimiser hooks are DataFusion's defaults for a leaf, which decline everything, except
//! those written out below; a hook that a new DataFusion version adds declines too. In particular it takes no filter,
//! static or dynamic, no projection, no limit and no sort order from above, and a `FilterExec` is never part of what it
//! returns (the optimiser merges those).
//!
//! The inner scan runs with a runtime environment of its own, whose registry knows one store: this table's, opened with
//! this grant's credentials. Memory pool and spill are those of the query.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::BatchCoalescer;
use arrow::datatypes::SchemaRef;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, Statistics, internal_err};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
    ReplaceChildrenOptions,
};
use futures::{StreamExt, TryStreamExt, stream};

use super::rows::RowPolicy;
use crate::error::Error;
use crate::table::Snapshot;

/// See the file's head.
pub(super) struct GuardedScanExec {
    snapshot: Arc<Snapshot>,
    unguarded: Arc<dyn ExecutionPlan>,
    runtime: Arc<RuntimeEnv>,
    policy: Option<Arc<RowPolicy>>,
    visible: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl GuardedScanExec {
    /// # Arguments
    /// * `unguarded` - reads the columns of `visible` first, in its order, then those that only `policy` needs.
    /// * `runtime` - opens this table's files.
    ///
    /// # Errors
    /// If `unguarded` reads fewer columns than are to be shown, or of other types.
    pub(super) fn new(
        snapshot: Arc<Snapshot>,
        unguarded: Arc<dyn ExecutionPlan>,
        runtime: &Arc<RuntimeEnv>,
        policy: Option<RowPolicy>,
        visible: SchemaRef,
    ) -> Result<Self> {
        let read = unguarded.schema();
        let fits = visible.fields().len() <= read.fields().len()
            && visible
                .fields()
                .iter()
                .zip(read.fields())
                .all(|(shown, read)| shown.name().eq_ignore_ascii_case(read.name()));
        if !fits {
            return internal_err!("the scan does not read the columns that are to be shown");
        }
        let partitions = unguarded.properties().partitioning.partition_count();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&visible)),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Self {
            snapshot,
            unguarded,
            runtime: Arc::clone(runtime),
            policy: policy.map(Arc::new),
            visible,
            properties: Arc::new(properties),
        })
    }
}

/// What is let through of one batch: **the rows for which the row filter is TRUE, and the visible columns.**
///
/// Everything a user ever sees of a table passes here.
fn let_through(
    batch: &RecordBatch,
    policy: Option<&RowPolicy>,
    visible: &SchemaRef,
) -> Result<RecordBatch, Error> {
    let granted_rows = match policy {
        Some(policy) => policy.apply(batch)?,
        None => batch.clone(),
    };
    let rows = granted_rows.num_rows();
    let columns = visible
        .fields()
        .iter()
        .zip(granted_rows.columns())
        .map(|(field, column)| super::columns::relabelled(column, field.data_type()))
        .collect::<Result<Vec<_>, _>>()?;
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(visible), columns, &options)
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

    /// Shows none: the only expression inside is the policy.
    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    /// Without a row filter the table's size, inexact so that no count is answered from it; with one, nothing.
    fn statistics_from_inputs(
        &self,
        _: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let mut statistics = Statistics::new_unknown(&self.visible);
        if self.policy.is_none() {
            let size = StatisticsContext::new().compute(self.unguarded.as_ref(), args)?;
            statistics.num_rows = size.num_rows.to_inexact();
            statistics.total_byte_size = size.total_byte_size.to_inexact();
        }
        debug_assert!(!matches!(statistics.num_rows, Precision::Exact(_)));
        Ok(Arc::new(statistics))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let batch_rows = context.session_config().batch_size();
        let inner_context = TaskContext::default()
            .with_session_config(context.session_config().clone())
            .with_runtime(Arc::clone(&self.runtime));
        let snapshot = Arc::clone(&self.snapshot);
        let hide =
            move |error: DataFusionError| DataFusionError::External(Box::new(snapshot.failure(&error)));
        let unguarded = self.unguarded.execute(partition, Arc::new(inner_context)).map_err(&hide)?;
        let policy = self.policy.clone();
        let visible = Arc::clone(&self.visible);
        let guarded = unguarded.map_err(hide).map(move |batch| {
            let_through(&batch?, policy.as_deref(), &visible)
                .map_err(|error| DataFusionError::External(Box::new(error)))
        });
        // Batches that a filter made small say how many hidden rows lay between the visible ones, and are slow.
        let framed = match self.policy {
            Some(_) => rechunk(guarded, Arc::clone(&self.visible), batch_rows).boxed(),
            None => guarded.boxed(),
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.visible), framed)))
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
