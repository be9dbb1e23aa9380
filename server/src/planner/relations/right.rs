//! A subquery as the right side of a join.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, DFSchema, DFSchemaRef, Result, TableReference};
use datafusion::functions_aggregate::expr_fn::{count, first_value};
use datafusion::logical_expr::{Aggregate, EmptyRelation, Expr, LogicalPlan, LogicalPlanBuilder, lit};

use super::shapes::{Flat, is_of};
use super::{Fresh, one_row};

/// Stands where a plan was taken from.
pub(super) fn nothing() -> LogicalPlan {
    let schema = Arc::new(DFSchema::empty());
    LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema })
}

/// The right side of a join that stands for a subquery. Its columns have names that nobody else has.
pub(super) struct Right {
    pub(super) plan: LogicalPlan,
    /// What has to hold for a row on both sides.
    pub(super) conditions: Vec<Expr>,
    /// Columns that have to be the same, NULLs included.
    pub(super) keys: Vec<(Column, Column)>,
    /// The subquery's first column.
    pub(super) value: Expr,
    pub(super) relation: TableReference,
}

impl Right {
    pub(super) fn of_flat(flat: Flat, around: &DFSchemaRef, fresh: &Fresh) -> Result<Self> {
        let relation = fresh.name();
        let mut columns: Vec<Expr> = Vec::new();
        let mut place_of = |expr: Expr| {
            let place = columns.iter().position(|other| *other == expr).unwrap_or_else(|| {
                columns.push(expr);
                columns.len() - 1
            });
            Expr::Column(Column::new(Some(relation.clone()), format!("column{place}")))
        };
        let mut beside = |expr: Expr| {
            expr.transform_up(|expr| match expr {
                Expr::Column(_) => Ok(Transformed::yes(place_of(expr))),
                Expr::OuterReferenceColumn(_, ref column) if is_of(&expr, around) => {
                    Ok(Transformed::yes(Expr::Column(column.clone())))
                }
                other => Ok(Transformed::no(other)),
            })
            .data()
        };
        let conditions = flat.conditions.into_iter().map(&mut beside).collect::<Result<Vec<_>>>()?;
        let value = match flat.columns.into_iter().next() {
            Some(value) if value.contains_outer() => beside(value)?,
            Some(value) => place_of(value),
            None => lit(true),
        };
        if columns.is_empty() {
            columns.push(lit(true));
        }
        let named = columns
            .into_iter()
            .enumerate()
            .map(|(place, expr)| expr.alias_qualified(Some(relation.clone()), format!("column{place}")));
        let named: Vec<Expr> = named.collect();
        let plan = LogicalPlanBuilder::from(flat.rows).project(named)?.build()?;
        Ok(Self { plan, conditions, keys: Vec::new(), value, relation })
    }

    /// Keeps the rows for which a condition on the value holds.
    pub(super) fn keep(&mut self, condition: Expr) -> Result<()> {
        // A value that is computed from both sides is known where they are joined.
        let is_here =
            condition.column_refs().iter().all(|column| column.relation.as_ref() == Some(&self.relation));
        if is_here && !condition.contains_outer() {
            let plan = std::mem::replace(&mut self.plan, nothing());
            self.plan = LogicalPlanBuilder::from(plan).filter(condition)?.build()?;
        } else {
            self.conditions.push(condition);
        }
        Ok(())
    }

    /// One row for each combination of keys, or an error.
    pub(super) fn only_one_row(&mut self, fresh: &Fresh) -> Result<()> {
        let relation = fresh.name();
        let keys = self.keys.iter().map(|(_, column)| Expr::Column(column.clone()));
        let first =
            first_value(self.value.clone(), Vec::new()).alias_qualified(Some(relation.clone()), "first");
        let rows = count(lit(1_i64)).alias_qualified(Some(relation.clone()), "rows");
        let plan = std::mem::replace(&mut self.plan, nothing());
        let column = |name: &str| Expr::Column(Column::new(Some(relation.clone()), name));
        let only =
            one_row::only(column("first"), column("rows")).alias_qualified(Some(relation.clone()), "only");
        let columns: Vec<Expr> = keys.clone().chain([only]).collect();
        let grouped = Aggregate::try_new(Arc::new(plan), keys.collect(), vec![first, rows])?;
        self.plan = LogicalPlanBuilder::from(LogicalPlan::Aggregate(grouped)).project(columns)?.build()?;
        self.value = column("only");
        Ok(())
    }
}
