//! EXCEPT and INTERSECT, which the engine plans as joins in which NULLs are equal.
//!
//! The engine's faults: with ALL it makes them joins without DISTINCT, so that one row on the right removes or keeps all its
//! equals on the left, where the SQL standard has max(m - n, 0) and min(m, n) of them; and the result has the types of the left
//! side, where the standard has those of both, as a UNION has them. Here the rows of both sides are numbered among their equals,
//! and equal are rows of one number; and both sides are brought to the types of a UNION.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult};
use datafusion::common::{Column, NullEquality, Result};
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{
    Cast, Distinct, Expr, ExprFunctionExt, Join, JoinConstraint, JoinType, LogicalPlan, LogicalPlanBuilder,
    Projection,
};
use datafusion::optimizer::analyzer::AnalyzerRule;

use super::Fresh;

/// Numbers the rows of EXCEPT ALL and INTERSECT ALL. Belongs behind types: equal are values of the type that both sides have.
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

/// Brings both sides of EXCEPT or INTERSECT to the types that their columns have together.
///
/// # Arguments
/// * `plan` - a node; what is below it has its types.
/// * `united` - the types of the columns of a UNION.
pub(in crate::planner) fn with_common_types(
    plan: LogicalPlan,
    united: impl FnOnce(Vec<Arc<LogicalPlan>>) -> Result<Vec<DataType>>,
) -> Result<LogicalPlan> {
    let mut join = match plan {
        LogicalPlan::Join(join) if is_set_operation(&join) => join,
        other => return Ok(other),
    };
    let (left, right) = (join.left.schema().fields(), join.right.schema().fields());
    if !left.iter().zip(right.iter()).all(|(left, right)| left.data_type() == right.data_type()) {
        let types = united(vec![Arc::clone(&join.left), Arc::clone(&join.right)])?;
        join.left = in_types(&join.left, &types)?;
        join.right = in_types(&join.right, &types)?;
    }
    Ok(LogicalPlan::Join(join))
}

/// The rows with their columns, under the same names, in these types.
fn in_types(plan: &Arc<LogicalPlan>, types: &[DataType]) -> Result<Arc<LogicalPlan>> {
    if plan.schema().fields().iter().map(|field| field.data_type()).eq(types) {
        return Ok(Arc::clone(plan));
    }
    // Different values may be equal in another type.
    if let LogicalPlan::Distinct(Distinct::All(input)) = plan.as_ref() {
        return Ok(Arc::new(LogicalPlan::Distinct(Distinct::All(in_types(input, types)?))));
    }
    let columns = plan.schema().iter().zip(types).map(|((relation, field), wanted)| {
        let column = Expr::Column(Column::from((relation, field)));
        if field.data_type() == wanted {
            return column;
        }
        Expr::Cast(Cast::new(Box::new(column), wanted.clone()))
            .alias_qualified(relation.cloned(), field.name())
    });
    let projection = Projection::try_new(columns.collect(), Arc::clone(plan))?;
    Ok(Arc::new(LogicalPlan::Projection(projection)))
}

/// Whether a join stands for EXCEPT or INTERSECT. No statement asks for a join in which NULLs are equal.
fn is_set_operation(join: &Join) -> bool {
    matches!(join.join_type, JoinType::LeftAnti | JoinType::LeftSemi)
        && join.null_equality == NullEquality::NullEqualsNull
        && join.filter.is_none()
        && join.on.len() == join.left.schema().fields().len()
        && join.on.len() == join.right.schema().fields().len()
}

/// Whether a join stands for EXCEPT ALL or INTERSECT ALL: without ALL the left side is DISTINCT, of whose rows each has number 1.
fn is_of_all_rows(join: &Join) -> bool {
    is_set_operation(join) && !matches!(join.left.as_ref(), LogicalPlan::Distinct(Distinct::All(_)))
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
