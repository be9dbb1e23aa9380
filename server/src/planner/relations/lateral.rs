//! Joins with a subquery of FROM that names columns of the tables before it.
//!
//! The engine's fault: it moves the conditions of such a subquery to the top of it, as [`shapes`](super::shapes) tells.

use datafusion::common::{Column, DFSchemaRef, Result};
use datafusion::logical_expr::{
    Expr, Join, JoinType, LogicalPlan, LogicalPlanBuilder, Operator, binary_expr,
};

use super::Fresh;
use super::dependent::{Domain, joined, spread};
use super::shapes::{is_of, outer_columns};

/// The join with a subquery of FROM that names columns of the tables before it.
pub(super) fn of_lateral(join: &Join, fresh: &Fresh) -> Result<Option<LogicalPlan>> {
    let subquery = match join.right.as_ref() {
        LogicalPlan::Subquery(subquery) => subquery,
        LogicalPlan::SubqueryAlias(alias) => match alias.input.as_ref() {
            LogicalPlan::Subquery(subquery) => subquery,
            _ => return Ok(None),
        },
        _ => return Ok(None),
    };
    let outer = outer_columns(&subquery.subquery)?;
    let around = join.left.schema();
    if outer.is_empty() || !matches!(join.join_type, JoinType::Inner | JoinType::Left) {
        return Ok(None);
    }
    let domain = Domain::new(&join.left, mine(&outer, around), fresh)?;
    let right = spread(&join.right, &domain)?;
    let keys = mine(&outer, around).into_iter().zip(domain.columns());
    let pairs = join.on.iter().map(|(left, right)| left.clone().eq(right.clone()));
    let condition = pairs.chain(join.filter.clone()).reduce(Expr::and);
    let plan = match join.join_type {
        // A condition in the join would take part in what NULLs of the keys mean.
        JoinType::Inner => {
            let plan = joined(join.left.as_ref().clone(), right, keys, None, JoinType::Inner)?;
            match condition {
                Some(condition) => LogicalPlanBuilder::from(plan).filter(condition)?.build()?,
                None => plan,
            }
        }
        _ => {
            let same = keys.map(|(left, right)| {
                binary_expr(Expr::Column(left), Operator::IsNotDistinctFrom, Expr::Column(right))
            });
            let condition = same.chain(condition).reduce(Expr::and);
            joined(join.left.as_ref().clone(), right, std::iter::empty(), condition, JoinType::Left)?
        }
    };
    let columns: Vec<Expr> = join.schema.columns().into_iter().map(Expr::Column).collect();
    LogicalPlanBuilder::from(plan).project(columns)?.build().map(Some)
}

/// Those of the columns that these rows have.
pub(super) fn mine(outer: &[Expr], schema: &DFSchemaRef) -> Vec<Column> {
    let own = outer.iter().filter(|column| is_of(column, schema)).filter_map(|column| match column {
        Expr::OuterReferenceColumn(_, column) => Some(column.clone()),
        _ => None,
    });
    own.collect()
}
