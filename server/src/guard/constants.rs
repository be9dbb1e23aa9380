//! A statement's constants: batches so small that they find room when they are repeated for each row, and the plan of a
//! statement that is nothing but constants.

use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::physical_expr::expressions::Literal;
use datafusion::physical_expr::projection::ProjectionExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::placeholder_row::PlaceholderRowExec;
use datafusion::physical_plan::projection::ProjectionExec;

/// What the constants of a statement may take in one batch, where each is repeated for each row. Nobody charges for it: a
/// short text with a long constant would take gigabytes.
const CONSTANTS_BYTES: usize = 128 * 1024 * 1024;

/// Fewest rows of a batch, also beside the longest constants.
const FEWEST_ROWS: usize = 8;

/// Rows of a batch, so few that all constants of a plan, repeated for each of them, stay within [`CONSTANTS_BYTES`].
///
/// # Arguments
/// * `configured` - rows of a batch where nothing asks for fewer.
pub(super) fn batch_rows(configured: usize, plan: &LogicalPlan) -> usize {
    (CONSTANTS_BYTES / constant_bytes(plan).max(1)).clamp(FEWEST_ROWS, configured.max(FEWEST_ROWS))
}

/// Bytes of all texts and other long constants of a plan, each as often as it stands there. The items of an IN list are no
/// columns of a batch.
fn constant_bytes(plan: &LogicalPlan) -> usize {
    let mut bytes: usize = 0;
    let mut add = |expr: &Expr| {
        if let Expr::Literal(value, _) = expr {
            bytes = bytes.saturating_add(value.size().saturating_sub(size_of::<ScalarValue>()));
        }
        Ok(match expr {
            Expr::InList(_) => TreeNodeRecursion::Jump,
            _ => TreeNodeRecursion::Continue,
        })
    };
    // An error can only come from the closure, which has none.
    let _ = plan.apply_with_subqueries(|node| node.apply_expressions(|expr| expr.apply(&mut add)));
    bytes
}

/// The plan of one row of constants; `None` for any other. Pools of connections ask for one to see whether a connection is
/// alive, and optimisers take longer than all the rest of it to find nothing to do.
///
/// # Errors
/// Only a defect.
pub(super) fn one_row(plan: &LogicalPlan) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let LogicalPlan::Projection(projection) = plan else { return Ok(None) };
    let LogicalPlan::EmptyRelation(input) = projection.input.as_ref() else { return Ok(None) };
    let constant = |expr: &Expr| {
        let value = match expr {
            Expr::Alias(alias) if alias.metadata.is_none() => alias.expr.as_ref(),
            other => other,
        };
        match value {
            Expr::Literal(value, None) if input.produce_one_row => {
                let name = expr.schema_name().to_string();
                Some(ProjectionExpr { expr: Arc::new(Literal::new(value.clone())), alias: name })
            }
            _ => None,
        }
    };
    let Some(constants) = projection.expr.iter().map(constant).collect::<Option<Vec<_>>>() else {
        return Ok(None);
    };
    let row = Arc::new(PlaceholderRowExec::new(Arc::new(Schema::empty())));
    Ok(Some(Arc::new(ProjectionExec::try_new(constants, row)?)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use datafusion::logical_expr::{LogicalPlanBuilder, lit};

    use super::*;

    fn planned(produce_one_row: bool, columns: Vec<Expr>) -> Option<Schema> {
        let plan = LogicalPlanBuilder::empty(produce_one_row).project(columns).unwrap().build().unwrap();
        let row = one_row(&plan).unwrap()?;
        assert_eq!(row.schema().as_ref(), plan.schema().as_arrow(), "as announced");
        Some(row.schema().as_ref().clone())
    }

    #[test]
    fn constants_alone_need_no_planner_and_have_the_columns_that_they_would_have() {
        let columns = planned(true, vec![lit(1_i64), lit("text"), lit(ScalarValue::Null)]).unwrap();
        assert_eq!(columns.fields().len(), 3);
        assert_eq!(planned(true, vec![lit(1_i64) + lit(1_i64)]), None);
        assert_eq!(planned(true, vec![lit(1_i64).alias("one")]).unwrap().field(0).name(), "one");
        assert_eq!(planned(false, vec![lit(1_i64)]), None);
    }
}
