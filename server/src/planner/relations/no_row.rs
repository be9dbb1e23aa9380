//! A subquery in the place of a value is NULL where it has no row.
//!
//! The engine's fault: it takes such a value for one that is never NULL if the subquery's column is not, so that a statement ends
//! with an error where the subquery has no row, and conditions on NULL are decided before it runs. Here the value is that of an
//! aggregate, which has its row always and may be NULL. Those that name columns from around them are joined, and need it not.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, Result};
use datafusion::functions_aggregate::expr_fn::{count, first_value};
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, LogicalPlanBuilder, Subquery, lit};
use datafusion::optimizer::analyzer::AnalyzerRule;

use super::shapes::{has_one_row, outer_columns};
use super::{Fresh, one_row};

/// With so many rows it is known that there are several.
const ROWS: usize = 2;

/// See the file's head. Belongs before types: what is computed from such a value may be NULL, too.
#[derive(Debug)]
pub(super) struct NoRow;

impl AnalyzerRule for NoRow {
    fn name(&self) -> &'static str {
        "no_row"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let fresh = Fresh::default();
        let mut is_changed = false;
        let in_node = |node: LogicalPlan| {
            let node = node.map_expressions(|expr| expr.transform_up(|expr| with_null(expr, &fresh)))?;
            is_changed |= node.transformed;
            if is_changed { node.map_data(LogicalPlan::recompute_schema) } else { Ok(node) }
        };
        plan.transform_up_with_subqueries(in_node).data()
    }
}

fn with_null(expr: Expr, fresh: &Fresh) -> Result<Transformed<Expr>> {
    match expr {
        Expr::ScalarSubquery(subquery) if is_taken_for_a_row(&subquery)? => {
            let plan = Arc::new(aggregated(&subquery.subquery, fresh)?);
            Ok(Transformed::yes(Expr::ScalarSubquery(Subquery { subquery: plan, ..subquery })))
        }
        other => Ok(Transformed::no(other)),
    }
}

fn is_taken_for_a_row(subquery: &Subquery) -> Result<bool> {
    let plan = subquery.subquery.as_ref();
    let is_never_null = plan.schema().fields().first().is_some_and(|field| !field.is_nullable());
    Ok(is_never_null && !has_one_row(plan) && outer_columns(plan)?.is_empty())
}

/// One row with the value of the first row, or NULL; an error if there are several.
fn aggregated(plan: &LogicalPlan, fresh: &Fresh) -> Result<LogicalPlan> {
    let (qualifier, field) = plan.schema().qualified_field(0);
    let value = Expr::Column(Column::from((qualifier, field)));
    let relation = fresh.name();
    let column = |name: &str| Expr::Column(Column::new(Some(relation.clone()), name));
    let first = first_value(value, Vec::new()).alias_qualified(Some(relation.clone()), "first");
    let rows = count(lit(1_i64)).alias_qualified(Some(relation.clone()), "rows");
    let only = one_row::only(column("first"), column("rows"));
    let only = only.alias_qualified(qualifier.cloned(), field.name());
    let limited = LogicalPlanBuilder::from(plan.clone()).limit(0, Some(ROWS))?.build()?;
    let grouped = Aggregate::try_new(Arc::new(limited), Vec::new(), vec![first, rows])?;
    LogicalPlanBuilder::from(LogicalPlan::Aggregate(grouped)).project([only])?.build()
}
