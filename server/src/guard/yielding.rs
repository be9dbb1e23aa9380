//! Operators that make many rows of few let others run.
//!
//! All statements share the engine's threads, and a task keeps its thread until it waits for something. The engine makes
//! scans wait now and then, but a product of two tables reads one batch and makes a million rows of it: it would keep its
//! thread for as long as that takes, whatever its deadline, because a task that never waits cannot be ended either. As many
//! such statements as there are threads would stop the server for everyone. So every operator with several inputs, and the
//! one that unnests, takes part in the engine's scheme as scans do. A join with a condition does not even come that far while
//! it finds nothing, so what it reads is cut small ([`pieces`](super::pieces)).

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::unnest::UnnestExec;
use datafusion::physical_plan::{ChildrenPropertiesMode, ExecutionPlan, ReplaceChildrenOptions};

use super::pieces::{in_growing_pieces, in_pieces};
use crate::planner::LimitedDistinct;

/// The engine's rule that makes scans yield. Ours comes directly behind it, before predicates of joins find their way down.
const FOR_SCANS: &str = "EnsureCooperative";

/// The engine's rules for physical plans, and ours.
pub(super) fn rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let mut rules = PhysicalOptimizer::default().rules;
    let place = rules.iter().position(|rule| rule.name() == FOR_SCANS).map_or(rules.len(), |place| place + 1);
    rules.insert(place, Arc::new(YieldAboveJoins));
    rules.push(Arc::new(LimitedDistinct));
    rules
}

/// See the file's head.
#[derive(Debug)]
struct YieldAboveJoins;

impl PhysicalOptimizerRule for YieldAboveJoins {
    fn name(&self) -> &'static str {
        "YieldAboveJoins"
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|operator| {
            let operator = cut_small(operator)?;
            let multiplies = operator.children().len() > 1 || operator.is::<UnnestExec>();
            Ok(match multiplies {
                true => Transformed::yes(Arc::new(CooperativeExec::new(operator)) as Arc<dyn ExecutionPlan>),
                false => Transformed::no(operator),
            })
        })
        .data()
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The operator, on pieces if it is a join that may look at many pairs for one that it finds.
fn cut_small(operator: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let is_conditional = operator.downcast_ref::<HashJoinExec>().is_some_and(|join| join.filter().is_some());
    if !is_conditional && !operator.is::<NestedLoopJoinExec>() {
        return Ok(operator);
    }
    let (kept, passing) = match operator.children().as_slice() {
        [kept, passing] => (Arc::clone(kept), Arc::clone(passing)),
        _ => return Ok(operator),
    };
    let pieces = if is_conditional { in_growing_pieces(passing) } else { in_pieces(passing, kept.as_ref()) };
    let recomputed = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    operator.replace_children(vec![kept, pieces], recomputed)
}
