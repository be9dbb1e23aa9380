//! Plans as EXPLAIN shows them: with the operators and casts that were written, not with the functions that compute them here.
//!
//! The engine shows a call by the function's name and its arguments, and asks the function for no other text.

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::logical_expr::{Expr, LogicalPlan};

use super::arithmetic::Arithmetic;
use super::casts::Kept;
use crate::planner::time;

/// The plan, to be shown and not to be run.
///
/// # Errors
/// If the plan cannot be walked.
pub(crate) fn as_written(plan: LogicalPlan) -> Result<LogicalPlan> {
    plan.transform_up_with_subqueries(|node| node.map_expressions(|expr| expr.transform_up(operators))).data()
}

fn operators(expr: Expr) -> Result<Transformed<Expr>> {
    let Expr::ScalarFunction(call) = &expr else { return Ok(Transformed::no(expr)) };
    let function = call.func.inner();
    let written = match (function.downcast_ref::<Arithmetic>(), call.args.as_slice()) {
        (Some(arithmetic), operands) => arithmetic.operators(operands)?,
        (None, [cast]) if function.is::<Kept>() => Some(cast.clone()),
        _ => time::as_written(call),
    };
    Ok(match written {
        Some(written) => Transformed::yes(written),
        None => Transformed::no(expr),
    })
}
