//! A cast in an argument of an aggregate or window function is a part of its name.
//!
//! The engine leaves casts out of names, so that `max(a)` and `max(cast(a as varchar))` are two columns of one name beside one
//! another, which it refuses. Such an argument is given its whole text as its own name, which nobody sees: the column is called
//! by an alias.

use datafusion::common::Result;
use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawAggregateExpr, RawWindowExpr};

/// See the file's head.
#[derive(Debug)]
pub(crate) struct CastNames;

impl ExprPlanner for CastNames {
    fn plan_aggregate(&self, mut raw: RawAggregateExpr) -> Result<PlannerResult<RawAggregateExpr>> {
        // Its argument is looked for among the keys of GROUP BY.
        if raw.func.name() != "grouping" {
            raw.args = named(raw.args, takes_constants(raw.func.name()))?;
        }
        Ok(PlannerResult::Original(raw))
    }

    fn plan_window(&self, mut raw: RawWindowExpr) -> Result<PlannerResult<RawWindowExpr>> {
        raw.args = named(raw.args, takes_constants(raw.func_def.name()))?;
        Ok(PlannerResult::Original(raw))
    }
}

/// Whether a function aggregates a constant as it does any value. Others ask for one, and make a constant of its cast.
fn takes_constants(function: &str) -> bool {
    matches!(function, "min" | "max" | "sum" | "avg" | "count")
}

fn named(arguments: Vec<Expr>, takes_constants: bool) -> Result<Vec<Expr>> {
    arguments.into_iter().map(|argument| with_casts(argument, takes_constants)).collect()
}

fn with_casts(argument: Expr, takes_constants: bool) -> Result<Expr> {
    let has_cast = argument.exists(|part| Ok(matches!(part, Expr::Cast(_) | Expr::TryCast(_))))?;
    let is_computed = has_cast && (takes_constants || argument.any_column_refs());
    Ok(if is_computed { argument.clone().alias(argument.to_string()) } else { argument })
}
