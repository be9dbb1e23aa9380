//! `SELECT DISTINCT … LIMIT` over rows that have an order, as those of a window: the engine's fault is that its rule
//! `LimitedDistinctAggregation` hands the limit to an aggregation which, when it runs, takes an ordered input for a top-k without
//! a direction, and ends with an internal error. Such an aggregation gets no limit; the one above it stays.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;

/// See the file's head. Belongs behind the engine's rules.
#[derive(Debug)]
pub(crate) struct LimitedDistinct;

impl PhysicalOptimizerRule for LimitedDistinct {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            let unlimited = plan.downcast_ref::<AggregateExec>().and_then(|aggregate| {
                let limit = aggregate.limit_options()?;
                let has_no_direction = limit.descending().is_none() && aggregate.get_minmax_desc().is_none();
                let is_faulty = has_no_direction && !aggregate.is_unordered_unfiltered_group_by_distinct();
                is_faulty.then(|| aggregate.with_new_limit_options(None))
            });
            Ok(match unlimited {
                Some(aggregate) => Transformed::yes(Arc::new(aggregate) as Arc<dyn ExecutionPlan>),
                None => Transformed::no(plan),
            })
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "limited_distinct"
    }

    fn schema_check(&self) -> bool {
        true
    }
}
