//! Whether a query's rows can be computed by several servers, each for a part of them.
//!
//! A closed list: rows of one table, filtered and computed one by one by functions that always answer alike. What counts,
//! sorts, limits, joins, or asks for the time or for chance, may answer differently each time it runs, and is not divided.

use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};

/// See the file's head.
pub(super) fn is_divisible(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::TableScan(scan) => scan.fetch.is_none() && scan.filters.iter().all(always_answers_alike),
        LogicalPlan::Projection(projection) => {
            projection.expr.iter().all(always_answers_alike) && is_divisible(&projection.input)
        }
        LogicalPlan::Filter(filter) => always_answers_alike(&filter.predicate) && is_divisible(&filter.input),
        LogicalPlan::SubqueryAlias(alias) => is_divisible(&alias.input),
        _ => false,
    }
}

fn always_answers_alike(expr: &Expr) -> bool {
    let is_foreign = |expr: &Expr| match expr {
        Expr::Alias(_)
        | Expr::Column(_)
        | Expr::Literal(_, _)
        | Expr::BinaryExpr(_)
        | Expr::Like(_)
        | Expr::SimilarTo(_)
        | Expr::Not(_)
        | Expr::IsNotNull(_)
        | Expr::IsNull(_)
        | Expr::IsTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNotFalse(_)
        | Expr::IsNotUnknown(_)
        | Expr::Negative(_)
        | Expr::Between(_)
        | Expr::Case(_)
        | Expr::Cast(_)
        | Expr::TryCast(_)
        | Expr::InList(_)
        | Expr::Placeholder(_) => false,
        Expr::ScalarFunction(function) => function.func.signature().volatility != Volatility::Immutable,
        _ => true,
    };
    // An error can only come from the closure, which has none.
    !expr.exists(|expr| Ok(is_foreign(expr))).unwrap_or(true)
}
