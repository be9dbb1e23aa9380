//! Conditions above an aggregate that has a row where its input has none: over the whole, or over an empty set of ROLLUP, CUBE
//! and GROUPING SETS.
//!
//! The engine's fault: it moves a condition that names no column (`'x' < 'x'`, a subquery) below such an aggregate, where it
//! removes the input and not the row. It has nothing else to move there: no column is one of all sets if one set is empty.

use std::fmt;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::Transformed;
use datafusion::logical_expr::{Aggregate, Expr, GroupingSet, LogicalPlan};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

/// The engine's rule that moves conditions.
const MOVING: &str = "push_down_filter";

type Rule = Arc<dyn OptimizerRule + Send + Sync>;

/// The same optimisers, that of conditions with [`LoneRows`] before it.
pub(crate) fn with_lone_rows(rules: Vec<Rule>) -> Vec<Rule> {
    let guarded = |rule: Rule| if rule.name() == MOVING { Arc::new(LoneRows(rule)) as Rule } else { rule };
    rules.into_iter().map(guarded).collect()
}

/// Leaves conditions that stand directly above such an aggregate where they are.
struct LoneRows(Rule);

impl fmt::Debug for LoneRows {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl OptimizerRule for LoneRows {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.0.apply_order()
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        if is_above_lone_row(&plan) { Ok(Transformed::no(plan)) } else { self.0.rewrite(plan, config) }
    }
}

/// Whether a condition, or several in a row, stand above an aggregate that has a row of nothing.
fn is_above_lone_row(plan: &LogicalPlan) -> bool {
    let LogicalPlan::Filter(filter) = plan else { return false };
    match filter.input.as_ref() {
        LogicalPlan::Aggregate(aggregate) => has_lone_row(aggregate),
        below => is_above_lone_row(below),
    }
}

fn has_lone_row(aggregate: &Aggregate) -> bool {
    aggregate.group_expr.iter().all(|expr| match expr {
        Expr::GroupingSet(GroupingSet::Rollup(_) | GroupingSet::Cube(_)) => true,
        Expr::GroupingSet(GroupingSet::GroupingSets(sets)) => sets.iter().any(Vec::is_empty),
        _ => false,
    })
}
