//! What operators make of their inputs, charged to the memory of their query where the engine does not.
//!
//! - A window function over whole partitions keeps all rows of its input until it ends, puts them together, and may repeat the
//!   longest value for each of them.
//! - A join, and a window that moves, repeat a value for each row of a batch that they send: one text of ten megabytes beside
//!   eight thousand numbers are eighty gigabytes in one allocation.
//! - Unnesting repeats the columns beside a list for each of its items.
//! - What computes numbers, times and truth values holds those of all its expressions for a batch at once: three thousand sums
//!   of a column are two hundred megabytes. (Texts and lists are charged call by call, see [`growth`](super::growth).)
//!
//! So their inputs are led through a [`PassingExec`], which charges each batch as it comes, by its longest values, and gives
//! that back when the operator is dropped. It stays out of the planner's sight: it is put in when a plan is finished.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::union::{InterleaveExec, UnionExec};
use datafusion::physical_plan::unnest::UnnestExec;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec, WindowExpr};
use datafusion::physical_plan::{
    ChildrenPropertiesMode, ExecutionPlan, PhysicalExpr, ReplaceChildrenOptions,
};
use futures::StreamExt;

use super::passing::PassingExec;
use super::row_size::{batch_bytes, items_within, longest_bytes};

/// What a batch may take that repeats its input's longest values, before it is charged.
const SMALL_BYTES: usize = 32 * 1024 * 1024;

/// Values that a plan may compute of a row without a charge, all of its operators together.
const FREE_COMPUTED: usize = 256;

/// Bytes of a number, a time or a truth value that is computed, at the most.
const COMPUTED_BYTES: usize = 16;

/// The same plan, its inputs charged.
///
/// # Errors
/// If the plan cannot be rebuilt.
pub(super) fn accounted(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let mut all: usize = 0;
    plan.apply(|node| {
        all = all.saturating_add(computed(node.as_ref())?);
        Ok(TreeNodeRecursion::Continue)
    })?;
    plan.transform_up(|node| {
        let charge = match Charge::of(node.as_ref()) {
            None if all > FREE_COMPUTED && node.children().len() == 1 => match computed(node.as_ref())? {
                0 => None,
                values => Some(Charge::Computed { values }),
            },
            charge => charge,
        };
        let Some(charge) = charge else {
            return Ok(Transformed::no(node));
        };
        let inputs =
            node.children().into_iter().map(|input| charge.clone().over(Arc::clone(input))).collect();
        let recompute = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        node.replace_children(inputs, recompute).map(Transformed::yes)
    })
    .data()
}

/// How many values an operator's expressions make of a row, those on the way counted.
fn computed(node: &dyn ExecutionPlan) -> Result<usize> {
    let mut values = 0;
    node.apply_expressions(&mut |expr| {
        values += computed_by(expr.as_ref());
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(values)
}

fn computed_by(expr: &dyn PhysicalExpr) -> usize {
    let parts = expr.children();
    usize::from(!parts.is_empty()) + parts.into_iter().map(|part| computed_by(part.as_ref())).sum::<usize>()
}

/// By what an operator's memory follows from its input.
#[derive(Clone)]
enum Charge {
    /// All rows are kept, and put together; so many results may repeat the longest value for all of them.
    Kept { repeating: usize },
    /// A value is repeated for each row of a batch.
    PerRow,
    /// So many values are made of each row.
    Computed { values: usize },
    /// A value is repeated for each item of the lists in these columns.
    PerItem { lists: Vec<usize> },
}

impl Charge {
    fn of(node: &dyn ExecutionPlan) -> Option<Self> {
        if let Some(window) = node.downcast_ref::<WindowAggExec>() {
            let is_repeating = |window: &Arc<dyn WindowExpr>| {
                window.field().map_or(true, |field| !field.data_type().is_primitive())
            };
            let repeating = window.window_expr().iter().filter(|window| is_repeating(window)).count();
            return Some(Self::Kept { repeating });
        }
        if let Some(unnest) = node.downcast_ref::<UnnestExec>() {
            let lists = unnest.list_column_indices().iter().map(|list| list.index_in_input_schema).collect();
            return Some(Self::PerItem { lists });
        }
        let repeats = node.children().len() > 1 && !node.is::<UnionExec>() && !node.is::<InterleaveExec>();
        (repeats || node.is::<BoundedWindowAggExec>()).then_some(Self::PerRow)
    }

    /// An input, charged.
    fn over(self, input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        PassingExec::over("ChargedInputExec", input, move |batches, context| {
            let consumer = MemoryConsumer::new("what an operator makes of its input");
            let reservation = consumer.register(context.memory_pool());
            let batch_rows = context.session_config().batch_size();
            let (charge, mut seen) = (self.clone(), Seen::default());
            let schema = batches.schema();
            let charged = batches.map(move |batch| {
                let batch = batch?;
                reservation.try_resize(charge.bytes(&mut seen, &batch, batch_rows))?;
                Ok(batch)
            });
            Box::pin(RecordBatchStreamAdapter::new(schema, charged))
        })
    }

    /// Bytes to be charged for all that has come, at the most.
    fn bytes(&self, seen: &mut Seen, batch: &RecordBatch, batch_rows: usize) -> usize {
        let longest = |columns: &mut dyn Iterator<Item = &ArrayRef>| -> usize {
            columns.map(|column| longest_bytes(column.as_ref())).fold(0, usize::saturating_add)
        };
        match self {
            Self::Kept { repeating } => {
                seen.bytes = seen.bytes.saturating_add(batch_bytes(batch));
                seen.rows += batch.num_rows();
                if *repeating > 0 {
                    seen.longest = seen.longest.max(longest(&mut batch.columns().iter()));
                }
                let repeated = repeating.saturating_mul(seen.rows).saturating_mul(seen.longest);
                repeated.saturating_add(seen.bytes.saturating_mul(2))
            }
            Self::PerRow => {
                seen.longest = seen.longest.max(longest(&mut batch.columns().iter()));
                if_large(seen.longest.saturating_mul(batch_rows))
            }
            Self::Computed { values } => values.saturating_mul(COMPUTED_BYTES * batch.num_rows()),
            Self::PerItem { lists } => {
                let of_lists = lists.iter().filter_map(|list| batch.columns().get(*list));
                let items = of_lists.map(|list| items_within(list.as_ref())).fold(0, usize::saturating_add);
                let columns = batch.columns().iter().enumerate();
                let mut beside =
                    columns.filter(|(place, _)| !lists.contains(place)).map(|(_, column)| column);
                seen.bytes = seen.bytes.max(items.saturating_mul(longest(&mut beside)));
                if_large(seen.bytes)
            }
        }
    }
}

fn if_large(bytes: usize) -> usize {
    if bytes > SMALL_BYTES { bytes } else { 0 }
}

/// What has come so far, as far as the charge needs it.
#[derive(Default)]
struct Seen {
    bytes: usize,
    rows: usize,
    longest: usize,
}
