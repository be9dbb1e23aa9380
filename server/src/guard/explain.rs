//! EXPLAIN: how a query was understood and optimised, and nothing of how its tables lie.
//!
//! Shown is the optimised logical plan: tables, columns, and which predicates help to leave out files. It follows from the
//! user's text, the visible columns and whether rows are hidden. The physical plan is not shown: how many threads read a
//! table, and how it would be joined, follow from sizes that count hidden rows.

use datafusion::common::Result;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, col, lit};

use crate::sql::without_marks;

/// The plan that answers with the optimised form of `plan`, a row for each line.
///
/// # Errors
/// The optimiser's.
pub(super) fn explained(state: &SessionState, plan: &LogicalPlan) -> Result<LogicalPlan> {
    let text = without_marks(&state.optimize(plan)?.display_indent().to_string());
    let lines = text.lines().map(|line| vec![lit(line)]).collect();
    LogicalPlanBuilder::values(lines)?.project([col("column1").alias("plan")])?.build()
}
