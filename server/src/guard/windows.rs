//! Window functions over whole partitions, charged to the memory of their query.
//!
//! The engine's operator for them keeps all rows of its input until it ends, puts them together, and charges nothing for it.
//! So its input is led through [`KeptInputExec`], which charges each batch twice, as it comes and as it is put together, and
//! gives that back when the operator is dropped. It changes no row, no order and no partition.
//!
//! Windows that move over a sorted input keep what their frame holds and are left as they are: their input comes from a
//! sort, which is charged.

use std::fmt;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::internal_err;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::windows::WindowAggExec;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties,
    ReplaceChildrenOptions,
};
use futures::StreamExt;

use super::row_size::batch_bytes;

/// The same plan, the inputs of its whole-partition windows charged.
///
/// # Errors
/// If the plan cannot be rebuilt.
pub(super) fn accounted(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| {
        if !node.is::<WindowAggExec>() {
            return Ok(Transformed::no(node));
        }
        let kept = |input: &Arc<dyn ExecutionPlan>| -> Arc<dyn ExecutionPlan> {
            Arc::new(KeptInputExec(Arc::clone(input)))
        };
        let inputs: Vec<_> = node.children().into_iter().map(kept).collect();
        let recompute = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        node.replace_children(inputs, recompute).map(Transformed::yes)
    })
    .data()
}

/// See the file's head.
struct KeptInputExec(Arc<dyn ExecutionPlan>);

impl KeptInputExec {
    fn of(mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(Self(input))),
            _ => internal_err!("one input is kept, not several"),
        }
    }
}

impl ExecutionPlan for KeptInputExec {
    fn name(&self) -> &'static str {
        "KeptInputExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.0.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.0]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Self::of(children)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Self::of(children)
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let kept = MemoryConsumer::new("input of a window").register(context.memory_pool());
        let input = self.0.execute(partition, context)?;
        let schema = input.schema();
        let charged = input.map(move |batch| {
            let batch = batch?;
            kept.try_grow(2 * batch_bytes(&batch))?;
            Ok(batch)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, charged)))
    }
}

impl DisplayAs for KeptInputExec {
    fn fmt_as(&self, _: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KeptInputExec")
    }
}

impl fmt::Debug for KeptInputExec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KeptInputExec")
    }
}
