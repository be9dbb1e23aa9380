//! What a subquery looks like: whether the engine plans it rightly, whether it is rows of its tables under conditions, and
//! whether it has one row at most.
//!
//! The engine's fault: it moves the conditions that name columns from around a subquery to the top of it, whatever is between:
//! below HAVING, LIMIT, OFFSET, windows, and an aggregate whose row would exist without them, and under one name where two
//! columns have the same. So it is left those shapes of which that is true.

use std::collections::{HashMap, HashSet};

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, Result};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{
    Aggregate, BinaryExpr, Cast, Distinct, Expr, LogicalPlan, LogicalPlanBuilder, Operator,
};

/// A subquery that is nothing but rows under conditions.
pub(super) struct Flat {
    /// Names nothing from around it.
    pub(super) rows: LogicalPlan,
    /// Conditions with columns from around it.
    pub(super) conditions: Vec<Expr>,
    /// The columns of the subquery, each computed from those of `rows`.
    pub(super) columns: Vec<Expr>,
}

/// The subquery as a flat one. How often a row occurs, and their order, are lost.
pub(super) fn flat(plan: &LogicalPlan) -> Result<Option<Flat>> {
    if !names_outside(plan)? {
        let columns = plan.schema().columns().into_iter().map(Expr::Column).collect();
        return Ok(Some(Flat { rows: plan.clone(), conditions: Vec::new(), columns }));
    }
    match plan {
        LogicalPlan::SubqueryAlias(alias) => flat(&alias.input),
        LogicalPlan::Distinct(Distinct::All(input)) => flat(input),
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => flat(&sort.input),
        LogicalPlan::Projection(projection) => {
            let Some(mut below) = flat(&projection.input)? else { return Ok(None) };
            if projection.expr.iter().any(|expr| expr.is_volatile() || has_subquery(expr)) {
                return Ok(None);
            }
            let known = Known::new(projection.input.schema(), &below.columns);
            let columns = projection.expr.iter().map(|expr| known.replaced(expr.clone().unalias()));
            below.columns = columns.collect::<Result<_>>()?;
            Ok(Some(below))
        }
        LogicalPlan::Filter(filter) => {
            let Some(mut below) = flat(&filter.input)? else { return Ok(None) };
            if filter.predicate.is_volatile() || has_subquery(&filter.predicate) {
                return Ok(None);
            }
            let known = Known::new(filter.input.schema(), &below.columns);
            for condition in split_conjunction(&filter.predicate) {
                let condition = known.replaced(condition.clone())?;
                if condition.contains_outer() {
                    below.conditions.push(condition);
                } else {
                    below.rows = LogicalPlanBuilder::from(below.rows).filter(condition)?.build()?;
                }
            }
            Ok(Some(below))
        }
        _ => Ok(None),
    }
}

/// What the columns of a node are computed from.
struct Known(HashMap<Column, Expr>);

impl Known {
    fn new(schema: &DFSchema, exprs: &[Expr]) -> Self {
        Self(schema.columns().into_iter().zip(exprs.iter().cloned()).collect())
    }

    fn replaced(&self, expr: Expr) -> Result<Expr> {
        expr.transform_up(|expr| match &expr {
            Expr::Column(column) => match self.0.get(column) {
                Some(known) => Ok(Transformed::yes(known.clone())),
                None => Ok(Transformed::no(expr)),
            },
            _ => Ok(Transformed::no(expr)),
        })
        .data()
    }
}

/// Whether a node, or one below it, names a column from around the whole of it.
pub(super) fn names_outside(plan: &LogicalPlan) -> Result<bool> {
    Ok(!outer_columns(plan)?.is_empty())
}

/// The columns from around a plan that it names, each once. What a subquery within names of this plan is not among them.
pub(super) fn outer_columns(plan: &LogicalPlan) -> Result<Vec<Expr>> {
    let mut found = Vec::new();
    plan.apply(|node| {
        node.apply_expressions(|expr| {
            let within: DFSchema = datafusion::logical_expr::utils::merge_schema(&node.inputs());
            expr.apply(|part| {
                let named = match part {
                    Expr::OuterReferenceColumn(..) => vec![part.clone()],
                    other => match subquery_of(other) {
                        Some(subquery) => {
                            let mut named = outer_columns(subquery)?;
                            named.retain(|column| !is_of(column, &within));
                            named
                        }
                        None => Vec::new(),
                    },
                };
                for column in named {
                    if !found.contains(&column) {
                        found.push(column);
                    }
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(found)
}

/// Whether a column from around a subquery is one of these.
pub(super) fn is_of(outer: &Expr, schema: &DFSchema) -> bool {
    matches!(outer, Expr::OuterReferenceColumn(_, column) if schema.maybe_index_of_column(column).is_some())
}

fn subquery_of(expr: &Expr) -> Option<&LogicalPlan> {
    match expr {
        Expr::Exists(exists) => Some(&exists.subquery.subquery),
        Expr::InSubquery(within) => Some(&within.subquery.subquery),
        Expr::SetComparison(comparison) => Some(&comparison.subquery.subquery),
        Expr::ScalarSubquery(subquery) => Some(&subquery.subquery),
        _ => None,
    }
}

pub(super) fn has_subquery(expr: &Expr) -> bool {
    // An error can only come from the closure, which has none.
    expr.exists(|part| Ok(subquery_of(part).is_some())).unwrap_or(true)
}

/// Whether the engine turns a condition with EXISTS or IN into the right join.
///
/// # Arguments
/// * `outside` - the columns around the subquery.
pub(super) fn is_joined_rightly(plan: &LogicalPlan, outside: &DFSchema) -> Result<bool> {
    let outer = outer_columns(plan)?;
    if outer.is_empty() {
        return Ok(true);
    }
    let Some(flat) = flat(plan)? else { return Ok(false) };
    Ok(outer.iter().all(|column| is_of(column, outside))
        && !flat.columns.iter().any(Expr::contains_outer)
        && are_told_apart(&flat.conditions, plan)?)
}

/// Whether the engine turns a subquery in the place of a value into the right join: one aggregate without groups over rows that
/// are equal in columns to something around.
pub(super) fn is_value_joined_rightly(plan: &LogicalPlan, outside: &DFSchema) -> Result<bool> {
    match plan {
        LogicalPlan::Projection(projection) => {
            let is_plain = |expr: &Expr| !expr.contains_outer() && !has_subquery(expr);
            Ok(projection.expr.iter().all(is_plain) && is_value_joined_rightly(&projection.input, outside)?)
        }
        LogicalPlan::Aggregate(Aggregate { input, group_expr, aggr_expr, .. }) => {
            let is_plain = |expr: &Expr| !expr.contains_outer() && !has_subquery(expr);
            let Some(flat) = flat(input)? else { return Ok(false) };
            Ok(group_expr.is_empty()
                && aggr_expr.iter().all(is_plain)
                && !has_distinct(input)
                && flat.conditions.iter().all(is_equality)
                && is_joined_rightly(input, outside)?)
        }
        _ => Ok(false),
    }
}

fn has_distinct(plan: &LogicalPlan) -> bool {
    plan.exists(|node| Ok(matches!(node, LogicalPlan::Distinct(_)))).unwrap_or(true)
}

fn is_equality(condition: &Expr) -> bool {
    let is_column = |expr: &Expr| match expr {
        Expr::Column(_) => true,
        Expr::Cast(Cast { expr, .. }) => matches!(expr.as_ref(), Expr::Column(_)),
        _ => false,
    };
    let is_outside = |expr: &Expr| !expr.any_column_refs();
    match condition {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            (is_column(left) && is_outside(right)) || (is_outside(left) && is_column(right))
        }
        _ => false,
    }
}

/// Whether columns of a subquery that its conditions name have names of their own, and no column from around that they name is
/// found inside as well: the engine renames those of the inside wherever they stand.
fn are_told_apart(conditions: &[Expr], plan: &LogicalPlan) -> Result<bool> {
    let mut names: HashMap<String, Column> = HashMap::new();
    let mut schemas: Vec<&DFSchema> = Vec::new();
    plan.apply(|node| {
        schemas.push(node.schema());
        Ok(TreeNodeRecursion::Continue)
    })?;
    let is_inside =
        |column: &Column| schemas.iter().any(|schema| schema.maybe_index_of_column(column).is_some());
    let mut outer: HashSet<Column> = HashSet::new();
    for condition in conditions {
        for column in condition.column_refs() {
            if names.insert(column.name.clone(), column.clone()).is_some_and(|other| other != *column) {
                return Ok(false);
            }
        }
        condition.apply(|part| {
            if let Expr::OuterReferenceColumn(_, column) = part {
                outer.insert(column.clone());
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
    }
    Ok(!outer.iter().any(is_inside))
}

/// Whether a subquery has one row whatever its tables have: an aggregate without groups.
pub(super) fn has_one_row(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => has_one_row(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => has_one_row(&alias.input),
        LogicalPlan::Sort(sort) => sort.fetch != Some(0) && has_one_row(&sort.input),
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        LogicalPlan::EmptyRelation(empty) => empty.produce_one_row,
        _ => false,
    }
}

/// Whether a subquery has one row or none.
pub(super) fn has_one_row_at_most(plan: &LogicalPlan) -> bool {
    let below = match plan {
        LogicalPlan::Filter(filter) => &filter.input,
        LogicalPlan::Projection(projection) => &projection.input,
        LogicalPlan::SubqueryAlias(alias) => &alias.input,
        LogicalPlan::Sort(sort) => &sort.input,
        LogicalPlan::Window(window) => &window.input,
        LogicalPlan::Distinct(Distinct::All(input)) => input,
        LogicalPlan::Limit(_) => return plan.max_rows().is_some_and(|rows| rows <= 1),
        other => return has_one_row(other),
    };
    has_one_row_at_most(below)
}
