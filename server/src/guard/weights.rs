//! How large planning makes expressions: each part counts as often as planning meets it.
//!
//! The optimiser repeats parts itself (`a BETWEEN b AND c` asks twice for `a`), and whoever asks for the type of a cast asks
//! twice about what it casts. And it moves conditions and keys towards the tables, for which it writes in the place of a column
//! the expression that the column stands for: twenty queries that `select x + x as x` of one another, and one `where x > 0`,
//! become a condition of a million parts, though no text and no plan that was written has more than a few hundred.
//!
//! A subquery is walked twice for the query around it, so nested ones double too, and what repeats an expression repeats the
//! subqueries in it.
//!
//! Invariant: a weight is not too small; it ends at the largest number instead of beginning anew. Results of aggregates and
//! windows weigh as little as columns of tables: no condition on them is moved below what makes them.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion, TreeNodeVisitor};
use datafusion::common::{Column, DFSchemaRef, Result, ScalarValue};
use datafusion::logical_expr::{Distinct, Expr, JoinType, LogicalPlan};

use super::function_table::{self, Role};

/// The parts of an expression as it stands there.
pub(super) fn weight(expr: &Expr) -> usize {
    weight_over(expr, &|_| 1)
}

/// The parts of an expression, its columns replaced by expressions of these weights.
fn weight_over(expr: &Expr, column: &dyn Fn(Option<&Column>) -> usize) -> usize {
    let mut scales = Scales { column, parts: vec![Vec::new()] };
    match expr.visit(&mut scales) {
        Ok(_) => scales.parts.pop().as_deref().map_or(usize::MAX, sum),
        Err(_) => usize::MAX,
    }
}

/// Weighs an expression from its leaves up.
struct Scales<'a> {
    /// The weight of a column; `None` for one of a query around this.
    column: &'a dyn Fn(Option<&Column>) -> usize,
    /// For each expression around the place that is visited, the weights of its parts so far.
    parts: Vec<Vec<usize>>,
}

impl TreeNodeVisitor<'_> for Scales<'_> {
    type Node = Expr;

    fn f_down(&mut self, _: &Expr) -> Result<TreeNodeRecursion> {
        self.parts.push(Vec::new());
        Ok(TreeNodeRecursion::Continue)
    }

    fn f_up(&mut self, expr: &Expr) -> Result<TreeNodeRecursion> {
        let parts = self.parts.pop().unwrap_or_default();
        let weight = match expr {
            Expr::Column(column) => (self.column)(Some(column)),
            Expr::OuterReferenceColumn(..) => (self.column)(None),
            Expr::Alias(_) => sum(&parts),
            other => {
                let own = subquery(other).map_or(1, |plan| weight_of_plan(plan).saturating_mul(2));
                sum(&parts).saturating_add(repeated(other, &parts)).saturating_add(own)
            }
        };
        if let Some(around) = self.parts.last_mut() {
            around.push(weight);
        }
        Ok(TreeNodeRecursion::Continue)
    }
}

/// The query inside an expression.
fn subquery(expr: &Expr) -> Option<&LogicalPlan> {
    match expr {
        Expr::ScalarSubquery(subquery) => Some(&subquery.subquery),
        Expr::Exists(exists) => Some(&exists.subquery.subquery),
        Expr::InSubquery(within) => Some(&within.subquery.subquery),
        Expr::SetComparison(comparison) => Some(&comparison.subquery.subquery),
        _ => None,
    }
}

/// The nodes of a plan and the parts of their expressions. Planning walks a subquery twice for the query around it.
fn weight_of_plan(plan: &LogicalPlan) -> usize {
    let mut weights = Vec::new();
    let walked = plan.apply(|node| {
        weights.push(1);
        node.apply_expressions(|expr| {
            weights.push(weight(expr));
            Ok(TreeNodeRecursion::Continue)
        })
    });
    if walked.is_ok() { sum(&weights) } else { usize::MAX }
}

fn sum(weights: &[usize]) -> usize {
    weights.iter().copied().fold(0, usize::saturating_add)
}

/// What of an expression planning meets once more than it stands there.
///
/// # Arguments
/// * `parts` - their weights, in the order of DataFusion's tree.
fn repeated(expr: &Expr, parts: &[usize]) -> usize {
    match expr {
        Expr::Cast(_) | Expr::TryCast(_) => sum(parts),
        Expr::ScalarFunction(function)
            if function_table::plays(function.name(), Role::Casts)
                || function_table::plays(function.name(), Role::Chooses) =>
        {
            sum(parts)
        }
        Expr::Between(_) => parts.first().copied().unwrap_or_default(),
        Expr::Case(case) => {
            let conditions = parts.iter().skip(usize::from(case.expr.is_some())).step_by(2);
            let conditions =
                conditions.take(case.when_then_expr.len()).copied().fold(0, usize::saturating_add);
            // Truth values as results become one condition, in which each stands beside all that come before it.
            let is_condition = case
                .when_then_expr
                .iter()
                .all(|(_, then)| matches!(then.as_literal(), Some(ScalarValue::Boolean(_))));
            conditions.saturating_mul(if is_condition { case.when_then_expr.len() } else { 1 })
        }
        _ => 0,
    }
}

/// What a plan's conditions and keys gain when each of their columns is replaced by what it stands for, all the way down to
/// the tables.
///
/// Lists of columns that are computed do not count by themselves: the optimiser joins two of them only if no expression of
/// the lower one is written twice by that.
pub(super) fn substituted(plan: &LogicalPlan) -> usize {
    let mut gain = Gain(0);
    gain.columns(plan, 1);
    gain.0
}

struct Gain(usize);

impl Gain {
    /// Adds what the plan's own conditions gain; gives the weights of its columns.
    ///
    /// # Arguments
    /// * `outer` - the weight of a column of a query around this.
    fn columns(&mut self, plan: &LogicalPlan, outer: usize) -> Vec<usize> {
        let inputs = plan.inputs().into_iter();
        let inputs = inputs.map(|input| (input.schema(), self.columns(input, outer))).collect();
        let scope = Scope { inputs, outer };
        let heaviest = scope.heaviest().max(outer);
        let in_subqueries = plan.apply_subqueries(|subquery| {
            self.columns(subquery, heaviest);
            Ok(TreeNodeRecursion::Continue)
        });
        if in_subqueries.is_err() {
            self.0 = usize::MAX;
        }
        if !matches!(plan, LogicalPlan::Projection(_)) && heaviest > 1 {
            let added = plan.apply_expressions(|expr| {
                self.add(scope.weight(expr).saturating_sub(weight(expr)));
                Ok(TreeNodeRecursion::Continue)
            });
            if added.is_err() {
                self.0 = usize::MAX;
            }
        }
        let columns = scope.columns_of(plan);
        if let LogicalPlan::Distinct(Distinct::All(_)) = plan {
            self.add(sum(&columns).saturating_sub(columns.len()));
        }
        columns
    }

    fn add(&mut self, parts: usize) {
        self.0 = self.0.saturating_add(parts);
    }
}

/// What a node's expressions can name.
struct Scope<'a> {
    /// For each input its columns, and their weights in the same order.
    inputs: Vec<(&'a DFSchemaRef, Vec<usize>)>,
    outer: usize,
}

impl Scope<'_> {
    fn heaviest(&self) -> usize {
        self.inputs.iter().flat_map(|(_, weights)| weights).copied().max().unwrap_or(1)
    }

    fn weight(&self, expr: &Expr) -> usize {
        let heaviest = self.heaviest();
        if heaviest == 1 && self.outer == 1 {
            return weight(expr);
        }
        let column = |column: &Column| {
            let of_input = |(schema, weights): &(&DFSchemaRef, Vec<usize>)| {
                weights.get(schema.maybe_index_of_column(column)?).copied()
            };
            self.inputs.iter().find_map(of_input).unwrap_or(heaviest)
        };
        weight_over(expr, &|named| named.map_or(self.outer, column))
    }

    /// The weights of a node's own columns.
    fn columns_of(&self, plan: &LogicalPlan) -> Vec<usize> {
        let width = plan.schema().fields().len();
        let input = |number: usize| {
            self.inputs.get(number).map(|(_, weights)| weights.as_slice()).unwrap_or_default()
        };
        let mut columns = match plan {
            LogicalPlan::Projection(projection) => {
                projection.expr.iter().map(|expr| self.weight(expr)).collect()
            }
            // The results of aggregates come behind the groups, and nothing is moved below them.
            LogicalPlan::Aggregate(aggregate) => {
                let groups: Vec<usize> = aggregate.group_expr.iter().map(|expr| self.weight(expr)).collect();
                if groups.len() + aggregate.aggr_expr.len() == width {
                    groups
                } else {
                    // Several groupings: their columns are not the expressions one by one.
                    vec![groups.into_iter().fold(self.heaviest(), usize::max); width]
                }
            }
            LogicalPlan::Join(join) => match join.join_type {
                JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => input(1).to_vec(),
                _ => [input(0), input(1)].concat(),
            },
            // A condition on a union is one on each of its parts.
            LogicalPlan::Union(_) => (0..width)
                .map(|position| {
                    let parts = self.inputs.iter().filter_map(|(_, weights)| weights.get(position));
                    parts.copied().fold(0, usize::saturating_add)
                })
                .collect(),
            LogicalPlan::SubqueryAlias(_)
            | LogicalPlan::Filter(_)
            | LogicalPlan::Sort(_)
            | LogicalPlan::Limit(_)
            | LogicalPlan::Distinct(_)
            | LogicalPlan::Window(_) => input(0).to_vec(),
            _ => vec![self.heaviest(); width],
        };
        columns.resize(width, 1);
        columns
    }
}
