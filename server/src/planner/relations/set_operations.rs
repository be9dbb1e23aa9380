//! EXCEPT ALL and INTERSECT ALL: the rows of both sides are numbered among their equals, and equal are rows of one number.
//!
//! The engine's fault: it plans them as joins without DISTINCT, so that one row on the right removes or keeps all its equals on
//! the left, where the SQL standard has max(m - n, 0) and min(m, n) of them.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult};
use datafusion::common::{Column, NullEquality, Result};
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{
    Distinct, Expr, ExprFunctionExt, Join, JoinConstraint, JoinType, LogicalPlan, LogicalPlanBuilder,
};
use datafusion::optimizer::analyzer::AnalyzerRule;

use super::Fresh;

/// See the file's head.
#[derive(Debug)]
pub(super) struct CountedRows;

impl AnalyzerRule for CountedRows {
    fn name(&self) -> &'static str {
        "counted_rows"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let fresh = Fresh::default();
        plan.transform_up_with_subqueries(|plan| match plan {
            LogicalPlan::Join(join) if is_of_all_rows(&join) => counted(join, &fresh).map(Transformed::yes),
            other => Ok(Transformed::no(other)),
        })
        .data()
    }
}

/// Whether a join stands for EXCEPT ALL or INTERSECT ALL. No statement asks for a join in which NULLs are equal, and without
/// ALL the left side is DISTINCT, of whose rows each has number 1.
fn is_of_all_rows(join: &Join) -> bool {
    matches!(join.join_type, JoinType::LeftAnti | JoinType::LeftSemi)
        && join.null_equality == NullEquality::NullEqualsNull
        && join.filter.is_none()
        && join.on.len() == join.left.schema().fields().len()
        && !matches!(join.left.as_ref(), LogicalPlan::Distinct(Distinct::All(_)))
}

fn counted(join: Join, fresh: &Fresh) -> Result<LogicalPlan> {
    let columns: Vec<Expr> = join.left.schema().columns().into_iter().map(Expr::Column).collect();
    let (left_keys, right_keys): (Vec<Expr>, Vec<Expr>) = join.on.iter().cloned().unzip();
    let (left, left_number) = numbered(&join.left, left_keys, fresh)?;
    let (right, right_number) = numbered(&join.right, right_keys, fresh)?;
    let mut on = join.on;
    on.push((Expr::Column(left_number), Expr::Column(right_number)));
    let join = Join::try_new(
        Arc::new(left),
        Arc::new(right),
        on,
        None,
        join.join_type,
        JoinConstraint::On,
        NullEquality::NullEqualsNull,
        false,
    )?;
    LogicalPlanBuilder::from(LogicalPlan::Join(join)).project(columns)?.build()
}

/// The rows, each with its number among those that have equal keys.
fn numbered(plan: &Arc<LogicalPlan>, keys: Vec<Expr>, fresh: &Fresh) -> Result<(LogicalPlan, Column)> {
    let number = Expr::from(WindowFunction::new(row_number_udwf(), Vec::new())).partition_by(keys).build()?;
    let relation = fresh.name();
    let named = Expr::Column(Column::new_unqualified(number.schema_name().to_string()));
    let mut columns: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
    columns.push(named.alias_qualified(Some(relation.clone()), "number"));
    let plan =
        LogicalPlanBuilder::from(plan.as_ref().clone()).window(vec![number])?.project(columns)?.build()?;
    Ok((plan, Column::new(Some(relation), "number")))
}
