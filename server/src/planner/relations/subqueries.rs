//! Subqueries of expressions as joins that keep what SQL says of NULLs and of empty subqueries.
//!
//! The engine's faults: `x IN (…)` below OR, NOT or IS NULL, and `NOT IN` with columns from around, are true or false where they
//! are NULL; `= ANY` and `> ALL` over the table that stands around compare a column with itself; subqueries that [`shapes`]
//! tells of are joined wrongly; and EXISTS, IN and ANY are planned in WHERE alone. What it does rightly is left to it.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, DFSchemaRef, Result, ScalarValue};
use datafusion::logical_expr::expr::{Exists, InSubquery, SetComparison, SetQuantifier};
use datafusion::logical_expr::utils::{conjunction, split_conjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    Aggregate, Expr, ExprSchemable, Filter, Join, JoinType, LogicalPlan, LogicalPlanBuilder, Operator,
    Projection, Sort, Subquery, Window, binary_expr, lit, when,
};
use datafusion::optimizer::analyzer::AnalyzerRule;

use super::dependent::{Domain, joined, spread};
use super::lateral::{mine, of_lateral};
use super::right::{Right, nothing};
use super::shapes::{
    flat, has_one_row, has_one_row_at_most, has_subquery, is_joined_rightly, is_value_joined_rightly,
    outer_columns,
};
use super::{Fresh, unsupported};

const IN_OUTER_JOIN: &str =
    "a subquery in the ON of an outer join is not supported: put it into a query of FROM, or into WHERE";

/// See the file's head.
#[derive(Debug)]
pub(super) struct Subqueries;

impl AnalyzerRule for Subqueries {
    fn name(&self) -> &'static str {
        "subqueries"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let fresh = Fresh::default();
        let mut is_changed = false;
        let in_node = |node: LogicalPlan| {
            let node = of_node(node, &fresh)?;
            is_changed |= node.transformed;
            // Also above what was changed: what was joined may be NULL.
            if is_changed { node.map_data(LogicalPlan::recompute_schema) } else { Ok(node) }
        };
        plan.transform_up_with_subqueries(in_node).data()
    }
}

fn of_node(node: LogicalPlan, fresh: &Fresh) -> Result<Transformed<LogicalPlan>> {
    if let LogicalPlan::Join(join) = &node
        && let Some(plan) = of_lateral(join, fresh)?
    {
        return Ok(Transformed::yes(plan));
    }
    if !node.expressions().iter().any(has_subquery) {
        return Ok(Transformed::no(node));
    }
    match node {
        LogicalPlan::Filter(filter) => of_filter(filter, fresh),
        LogicalPlan::Join(join) => of_join(join, fresh),
        LogicalPlan::Projection(Projection { expr, input, .. }) => {
            let mut around = Around::new(&input, fresh, true);
            let expr = around.all_replaced(expr)?;
            around.above(|input| Projection::try_new(expr, Arc::new(input)).map(LogicalPlan::Projection))
        }
        LogicalPlan::Aggregate(Aggregate { input, group_expr, aggr_expr, .. }) => {
            let mut around = Around::new(&input, fresh, false);
            let groups = around.all_replaced(group_expr)?;
            let computed = around.all_replaced(aggr_expr)?;
            around.above(|input| {
                Aggregate::try_new(Arc::new(input), groups, computed).map(LogicalPlan::Aggregate)
            })
        }
        LogicalPlan::Window(Window { input, window_expr, .. }) => {
            let mut around = Around::new(&input, fresh, false);
            let named = |expr: &Expr| {
                let (relation, name) = expr.qualified_name();
                Column::new(relation, name)
            };
            let names: Vec<Column> = window_expr.iter().map(named).collect();
            let computed = around.all_replaced(window_expr)?;
            let columns: Vec<Expr> =
                input.schema().columns().into_iter().chain(names).map(Expr::Column).collect();
            around.above(|input| LogicalPlanBuilder::from(input).window(computed)?.project(columns)?.build())
        }
        LogicalPlan::Sort(Sort { mut expr, input, fetch }) => {
            let mut around = Around::new(&input, fresh, false);
            for key in &mut expr {
                key.expr = around.replaced(std::mem::take(&mut key.expr))?;
            }
            let columns: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
            around.above(|input| {
                let sorted = LogicalPlan::Sort(Sort { expr, input: Arc::new(input), fetch });
                LogicalPlanBuilder::from(sorted).project(columns)?.build()
            })
        }
        other => Ok(Transformed::no(other)),
    }
}

fn of_filter(filter: Filter, fresh: &Fresh) -> Result<Transformed<LogicalPlan>> {
    let is_left = |condition: &Expr| -> Result<bool> {
        Ok(!has_subquery(condition) || is_left_in_filter(condition, filter.input.schema())?)
    };
    let are_left =
        split_conjunction(&filter.predicate).into_iter().map(is_left).collect::<Result<Vec<_>>>()?;
    if !are_left.contains(&false) {
        return Ok(Transformed::no(LogicalPlan::Filter(filter)));
    }
    let conditions = split_conjunction_owned(filter.predicate);
    let (others, plain): (Vec<Expr>, Vec<Expr>) = conditions.into_iter().partition(has_subquery);
    // Whatever is joined is joined to the rows for which the other conditions hold: those of a FROM clause are all
    // combinations of its tables without them.
    let input = match conjunction(plain) {
        Some(plain) => Arc::new(LogicalPlan::Filter(Filter::try_new(plain, filter.input)?)),
        None => filter.input,
    };
    let mut around = Around::new(&input, fresh, true);
    let mut conditions = Vec::new();
    for condition in others {
        let is_left = is_left_in_filter(&condition, &around.schema)?;
        conditions.push(if is_left { condition } else { around.required(condition)? });
    }
    let columns: Vec<Expr> = around.schema.columns().into_iter().map(Expr::Column).collect();
    let is_joined = around.is_joined;
    let predicate = conjunction(conditions).unwrap_or_else(|| lit(true));
    around.above(|input| {
        let filtered = LogicalPlan::Filter(Filter::try_new(predicate, Arc::new(input))?);
        if is_joined { LogicalPlanBuilder::from(filtered).project(columns)?.build() } else { Ok(filtered) }
    })
}

/// Whether the engine makes the right join of a condition that has to be true.
fn is_left_in_filter(condition: &Expr, schema: &DFSchemaRef) -> Result<bool> {
    match condition {
        Expr::Not(inner) => match inner.as_ref() {
            Expr::Exists(exists) => is_left_in_filter(&Expr::Exists(exists.clone()), schema),
            Expr::InSubquery(within) => {
                let negated = InSubquery { negated: !within.negated, ..within.clone() };
                is_left_in_filter(&Expr::InSubquery(negated), schema)
            }
            _ => Ok(false),
        },
        Expr::Exists(exists) => is_joined_rightly(&exists.subquery.subquery, schema),
        Expr::InSubquery(within) => {
            let names_around = !outer_columns(&within.subquery.subquery)?.is_empty();
            let is_column = matches!(within.expr.as_ref(), Expr::Column(_));
            let is_plain = !has_subquery(&within.expr) && !within.expr.contains_outer();
            Ok(is_plain
                && (!within.negated || (is_column && !names_around))
                && is_joined_rightly(&within.subquery.subquery, schema)?)
        }
        _ => Ok(false),
    }
}

/// An inner join's condition may stand above it.
fn of_join(mut join: Join, fresh: &Fresh) -> Result<Transformed<LogicalPlan>> {
    let is_foreign = |expr: &Expr| {
        expr.exists(|part| match part {
            Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_) => Ok(true),
            Expr::ScalarSubquery(subquery) => Ok(!outer_columns(&subquery.subquery)?.is_empty()),
            _ => Ok(false),
        })
    };
    let Some(filter) = &join.filter else { return Ok(Transformed::no(LogicalPlan::Join(join))) };
    if !is_foreign(filter)? {
        return Ok(Transformed::no(LogicalPlan::Join(join)));
    }
    if join.join_type != JoinType::Inner {
        return Err(unsupported(IN_OUTER_JOIN));
    }
    let predicate = join.filter.take().unwrap_or_else(|| lit(true));
    of_filter(Filter::try_new(predicate, Arc::new(LogicalPlan::Join(join)))?, fresh)
}

/// The rows around subqueries, to which these are joined one by one.
struct Around<'a> {
    plan: LogicalPlan,
    /// The rows before anything was joined.
    rows: LogicalPlan,
    /// Columns as they were before anything was joined.
    schema: DFSchemaRef,
    fresh: &'a Fresh,
    /// The engine joins values of subqueries to this node's input.
    may_be_left: bool,
    is_joined: bool,
    is_changed: bool,
}

impl<'a> Around<'a> {
    fn new(input: &Arc<LogicalPlan>, fresh: &'a Fresh, may_be_left: bool) -> Self {
        let schema = Arc::clone(input.schema());
        let (plan, rows) = (input.as_ref().clone(), input.as_ref().clone());
        Self { plan, rows, schema, fresh, may_be_left, is_joined: false, is_changed: false }
    }

    /// The node above the rows, with all that was joined to them.
    fn above(
        self,
        node: impl FnOnce(LogicalPlan) -> Result<LogicalPlan>,
    ) -> Result<Transformed<LogicalPlan>> {
        node(self.plan).map(|plan| Transformed::new_transformed(plan, self.is_changed))
    }

    fn all_replaced(&mut self, exprs: Vec<Expr>) -> Result<Vec<Expr>> {
        let mut replaced = Vec::with_capacity(exprs.len());
        for expr in exprs {
            let before = expr.qualified_name();
            let expr = self.replaced(expr)?;
            let is_same = expr.qualified_name() == before;
            replaced.push(if is_same { expr } else { expr.alias_qualified(before.0, before.1) });
        }
        Ok(replaced)
    }

    /// A condition that has to be true: whether it is false or NULL makes no difference.
    fn required(&mut self, condition: Expr) -> Result<Expr> {
        match condition {
            Expr::InSubquery(InSubquery { expr, subquery, negated: false })
                if !has_subquery(&expr) && !has_one_row(&subquery.subquery) =>
            {
                self.is_changed = true;
                self.holds(&expr, Operator::Eq, &subquery.subquery)
            }
            other => self.replaced(other),
        }
    }

    /// The expression with columns in the place of its subqueries.
    fn replaced(&mut self, expr: Expr) -> Result<Expr> {
        let replaced = expr.transform_up(|expr| {
            let value = match expr {
                Expr::Exists(Exists { subquery, negated }) => {
                    let exists = self.exists(&subquery.subquery)?;
                    if negated { !exists } else { exists }
                }
                Expr::InSubquery(InSubquery { expr, subquery, negated }) => {
                    let any = self.any(&expr, Operator::Eq, &subquery)?;
                    if negated { !any } else { any }
                }
                Expr::SetComparison(SetComparison { expr, subquery, op, quantifier }) => match quantifier {
                    SetQuantifier::Any => self.any(&expr, op, &subquery)?,
                    SetQuantifier::All => {
                        let Some(op) = op.negate() else {
                            return Err(unsupported("ALL with this operator is not supported"));
                        };
                        !self.any(&expr, op, &subquery)?
                    }
                },
                Expr::ScalarSubquery(subquery) => match self.value(&subquery)? {
                    Some(value) => value,
                    None => return Ok(Transformed::no(Expr::ScalarSubquery(subquery))),
                },
                other => return Ok(Transformed::no(other)),
            };
            self.is_changed = true;
            Ok(Transformed::yes(value))
        });
        replaced.data()
    }

    fn exists(&mut self, subquery: &LogicalPlan) -> Result<Expr> {
        if has_one_row(subquery) {
            return Ok(lit(true));
        }
        let right = self.right(subquery)?;
        self.marked(right, None)
    }

    /// `value op ANY (subquery)`: true if it holds for a row, NULL if it is NULL for one, false otherwise.
    fn any(&mut self, value: &Expr, op: Operator, subquery: &Subquery) -> Result<Expr> {
        if has_one_row(&subquery.subquery) {
            let scalar = match self.value(subquery)? {
                Some(scalar) => scalar,
                None => Expr::ScalarSubquery(subquery.clone()),
            };
            return Ok(binary_expr(value.clone(), op, scalar));
        }
        let (plan, schema) = (subquery.subquery.as_ref(), Arc::clone(self.plan.schema()));
        let may_be_null = plan.schema().field(0).is_nullable();
        let is_true = self.holds(value, op, plan)?;
        let mut unknown = Vec::new();
        if may_be_null {
            let mut right = self.right(plan)?;
            right.keep(right.value.clone().is_null())?;
            unknown.push(self.marked(right, None)?);
        }
        if value.nullable(schema.as_ref())? {
            let right = self.right(plan)?;
            unknown.push(value.clone().is_null().and(self.marked(right, None)?));
        }
        match unknown.into_iter().reduce(Expr::or) {
            Some(unknown) => when(is_true, lit(true))
                .when(unknown, Expr::Literal(ScalarValue::Boolean(None), None))
                .otherwise(lit(false)),
            None => Ok(is_true),
        }
    }

    /// Whether `value op row` is true for a row of the subquery.
    fn holds(&mut self, value: &Expr, op: Operator, subquery: &LogicalPlan) -> Result<Expr> {
        let mut right = self.right(subquery)?;
        // The condition itself, and not that it is true: so the join sees what is compared.
        if op == Operator::Eq && *value == lit(true) {
            let condition = right.value.clone();
            return self.marked(right, Some(condition));
        }
        right.keep(right.value.clone().is_not_null())?;
        let compared = binary_expr(value.clone(), op, right.value.clone());
        self.marked(right, Some(compared))
    }

    /// The value of a subquery's row; `None` if that is left to the engine.
    fn value(&mut self, subquery: &Subquery) -> Result<Option<Expr>> {
        let plan = subquery.subquery.as_ref();
        let outer = outer_columns(plan)?;
        let own = mine(&outer, &self.schema);
        if outer.is_empty() {
            return Ok(None);
        }
        if self.may_be_left && own.len() == outer.len() && is_value_joined_rightly(plan, &self.schema)? {
            return Ok(None);
        }
        let mut right = self.spread_right(plan, own)?;
        if !has_one_row_at_most(plan) {
            right.only_one_row(self.fresh)?;
        }
        let left = std::mem::replace(&mut self.plan, nothing());
        let condition = right.keys.is_empty().then(|| lit(true));
        self.plan = joined(left, right.plan, right.keys.into_iter(), condition, JoinType::Left)?;
        self.is_joined = true;
        Ok(Some(right.value))
    }

    /// A column that says whether there is a row on the right that fits.
    fn marked(&mut self, right: Right, condition: Option<Expr>) -> Result<Expr> {
        let condition = right.conditions.into_iter().chain(condition).reduce(Expr::and);
        let is_free = condition.is_none() && right.keys.is_empty();
        let plan = match is_free {
            true => LogicalPlanBuilder::from(right.plan).limit(0, Some(1))?.build()?,
            false => right.plan,
        };
        let condition = if is_free { Some(lit(true)) } else { condition };
        let left = std::mem::replace(&mut self.plan, nothing());
        self.plan = joined(left, plan, right.keys.into_iter(), condition, JoinType::LeftMark)?;
        self.is_joined = true;
        Ok(Expr::Column(Column::new(Some(right.relation), "mark")))
    }

    /// A subquery as the right side of a join.
    fn right(&mut self, subquery: &LogicalPlan) -> Result<Right> {
        if let Some(flat) = flat(subquery)? {
            return Right::of_flat(flat, &self.schema, self.fresh);
        }
        let own = mine(&outer_columns(subquery)?, &self.schema);
        self.spread_right(subquery, own)
    }

    fn spread_right(&mut self, subquery: &LogicalPlan, own: Vec<Column>) -> Result<Right> {
        // What it names may stand further around.
        let spread = match own.is_empty() {
            true => subquery.clone(),
            false => spread(subquery, &Domain::new(&self.rows, own.clone(), self.fresh)?)?,
        };
        let relation = self.fresh.name();
        let named = |(place, column): (usize, Column)| {
            Expr::Column(column).alias_qualified(Some(relation.clone()), format!("column{place}"))
        };
        let columns = spread.schema().columns().into_iter().take(own.len() + 1).enumerate();
        let columns: Vec<Expr> = columns.map(named).collect();
        let plan = LogicalPlanBuilder::from(spread).project(columns)?.build()?;
        let column = |place: usize| Column::new(Some(relation.clone()), format!("column{place}"));
        let value = Expr::Column(column(own.len()));
        let keys = own.into_iter().enumerate().map(|(place, outer)| (outer, column(place))).collect();
        Ok(Right { plan, conditions: Vec::new(), keys, value, relation })
    }
}
