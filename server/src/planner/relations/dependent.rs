//! A subquery for all rows around it at once: its rows for each combination of the outer columns that it names.
//!
//! [`spread`] takes the distinct combinations (the domain) and gives the subquery's rows, each beside the combination for which
//! it exists. Every operator is spread by its own rule, so that an aggregate without groups has its row for each combination,
//! and windows and limits count within one. The method is that of Neumann and Kemper, "Unnesting Arbitrary Queries".
//!
//! Invariant: the columns of a spread plan are those of the domain, and behind them the plan's own under their names.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, NullEquality, Result, ScalarValue, TableReference};
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::expr::{Sort as SortKey, WindowFunction};
use datafusion::logical_expr::{
    Aggregate, Distinct, Expr, ExprFunctionExt, FetchType, Join, JoinConstraint, JoinType, Limit,
    LogicalPlan, LogicalPlanBuilder, Operator, SkipType, Union, Window, binary_expr, lit, when,
};

use super::shapes::{has_subquery, outer_columns};
use super::{Fresh, unsupported};

const NOT_SPREAD: &str =
    "a subquery that names columns from around it cannot have this shape: put it into FROM and join it";

/// The combinations of outer columns that a subquery names.
pub(super) struct Domain<'a> {
    /// One row for each.
    plan: LogicalPlan,
    relation: TableReference,
    outer: Vec<Column>,
    fresh: &'a Fresh,
}

impl<'a> Domain<'a> {
    /// # Arguments
    /// * `around` - the rows around the subquery.
    /// * `outer` - the columns of them that it names, at least one.
    pub(super) fn new(around: &LogicalPlan, outer: Vec<Column>, fresh: &'a Fresh) -> Result<Self> {
        let relation = fresh.name();
        let named = |(place, column): (usize, &Column)| {
            Expr::Column(column.clone()).alias_qualified(Some(relation.clone()), name(place))
        };
        let columns: Vec<Expr> = outer.iter().enumerate().map(named).collect();
        let plan = LogicalPlanBuilder::from(around.clone()).project(columns)?.distinct()?.build()?;
        Ok(Self { plan, relation, outer, fresh })
    }

    /// The domain's columns, in the order of the outer ones.
    pub(super) fn columns(&self) -> Vec<Column> {
        columns_of(&self.relation, self.outer.len())
    }

    fn exprs(&self) -> Vec<Expr> {
        self.columns().into_iter().map(Expr::Column).collect()
    }

    fn is_named_in(&self, plan: &LogicalPlan) -> Result<bool> {
        let is_ours = |expr: &Expr| matches!(expr, Expr::OuterReferenceColumn(_, column) if self.outer.contains(column));
        Ok(outer_columns(plan)?.iter().any(is_ours))
    }

    /// The expression with the domain's columns in the place of outer ones.
    fn replaced(&self, expr: Expr) -> Result<Expr> {
        expr.transform_up(|expr| {
            let place = match &expr {
                Expr::OuterReferenceColumn(_, column) => self.outer.iter().position(|outer| outer == column),
                _ => None,
            };
            Ok(match place {
                Some(place) => {
                    Transformed::yes(Expr::Column(Column::new(Some(self.relation.clone()), name(place))))
                }
                None => Transformed::no(expr),
            })
        })
        .data()
    }

    fn all_replaced(&self, exprs: &[Expr]) -> Result<Vec<Expr>> {
        let named = |expr: &Expr| {
            let before = expr.qualified_name();
            let replaced = self.replaced(expr.clone())?;
            Ok(if replaced.qualified_name() == before {
                replaced
            } else {
                replaced.alias_qualified(before.0, before.1)
            })
        };
        exprs.iter().map(named).collect()
    }

    /// The domain's columns of a spread plan under another relation's name.
    fn renamed(&self, plan: LogicalPlan) -> Result<(LogicalPlan, Vec<Column>)> {
        let relation = self.fresh.name();
        let own = self.columns();
        let columns = plan.schema().columns().into_iter().map(|column| {
            match own.iter().position(|other| *other == column) {
                Some(place) => Expr::Column(column).alias_qualified(Some(relation.clone()), name(place)),
                None => Expr::Column(column),
            }
        });
        let columns: Vec<Expr> = columns.collect();
        let plan = LogicalPlanBuilder::from(plan).project(columns)?.build()?;
        Ok((plan, columns_of(&relation, own.len())))
    }
}

fn name(place: usize) -> String {
    format!("outer{place}")
}

fn columns_of(relation: &TableReference, count: usize) -> Vec<Column> {
    (0..count).map(|place| Column::new(Some(relation.clone()), name(place))).collect()
}

fn own_columns(plan: &LogicalPlan) -> impl Iterator<Item = Expr> + '_ {
    plan.schema().columns().into_iter().map(Expr::Column)
}

/// See the file's head.
///
/// # Errors
/// If there is no rule for an operator.
pub(super) fn spread(plan: &LogicalPlan, domain: &Domain<'_>) -> Result<LogicalPlan> {
    if !domain.is_named_in(plan)? {
        return LogicalPlanBuilder::from(domain.plan.clone()).cross_join(plan.clone())?.build();
    }
    match plan {
        LogicalPlan::Projection(projection) => {
            let columns = domain.exprs().into_iter().chain(domain.all_replaced(&projection.expr)?);
            let columns: Vec<Expr> = columns.collect();
            LogicalPlanBuilder::from(spread(&projection.input, domain)?).project(columns)?.build()
        }
        LogicalPlan::Filter(filter) => {
            if has_subquery(&filter.predicate) && names_in_subquery(&filter.predicate, domain)? {
                return Err(unsupported(NOT_SPREAD));
            }
            let predicate = domain.replaced(filter.predicate.clone())?;
            LogicalPlanBuilder::from(spread(&filter.input, domain)?).filter(predicate)?.build()
        }
        LogicalPlan::SubqueryAlias(alias) => {
            renamed_as(spread(&alias.input, domain)?, &alias.input, plan, domain)
        }
        LogicalPlan::Subquery(subquery) => spread(&subquery.subquery, domain),
        LogicalPlan::Distinct(Distinct::All(input)) => {
            LogicalPlanBuilder::from(spread(input, domain)?).distinct()?.build()
        }
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => spread(&sort.input, domain),
        LogicalPlan::Aggregate(aggregate) => of_aggregate(aggregate, domain),
        LogicalPlan::Window(window) => of_window(window, domain),
        LogicalPlan::Limit(limit) => of_limit(limit, domain),
        LogicalPlan::Join(join) => of_join(join, domain),
        LogicalPlan::Union(union) => {
            let inputs = union.inputs.iter().map(|input| spread(input, domain).map(Arc::new));
            let spread = Union::try_new(inputs.collect::<Result<_>>()?)?;
            renamed_by_place(LogicalPlan::Union(spread), plan, domain)
        }
        LogicalPlan::Unnest(unnest) => LogicalPlanBuilder::from(spread(&unnest.input, domain)?)
            .unnest_columns_with_options(unnest.exec_columns.clone(), unnest.options.clone())?
            .build(),
        _ => Err(unsupported(NOT_SPREAD)),
    }
}

/// Whether a subquery that was left to the engine names columns of the domain.
fn names_in_subquery(predicate: &Expr, domain: &Domain<'_>) -> Result<bool> {
    predicate.exists(|part| match part {
        Expr::Exists(exists) => domain.is_named_in(&exists.subquery.subquery),
        Expr::InSubquery(within) => domain.is_named_in(&within.subquery.subquery),
        Expr::ScalarSubquery(subquery) => domain.is_named_in(&subquery.subquery),
        _ => Ok(false),
    })
}

/// The spread input of a node that only renames, under the node's names.
fn renamed_as(
    spread: LogicalPlan,
    input: &LogicalPlan,
    node: &LogicalPlan,
    domain: &Domain<'_>,
) -> Result<LogicalPlan> {
    let renamed = own_columns(input).zip(node.schema().iter());
    let renamed =
        renamed.map(|(column, (relation, field))| column.alias_qualified(relation.cloned(), field.name()));
    let columns: Vec<Expr> = domain.exprs().into_iter().chain(renamed).collect();
    LogicalPlanBuilder::from(spread).project(columns)?.build()
}

fn renamed_by_place(spread: LogicalPlan, node: &LogicalPlan, domain: &Domain<'_>) -> Result<LogicalPlan> {
    let own = domain.columns().into_iter().map(|column| (column.relation, column.name));
    let others = node.schema().iter().map(|(relation, field)| (relation.cloned(), field.name().clone()));
    let named = own.chain(others).zip(spread.schema().columns());
    let columns =
        named.map(|((relation, name), column)| Expr::Column(column).alias_qualified(relation, name));
    let columns: Vec<Expr> = columns.collect();
    LogicalPlanBuilder::from(spread).project(columns)?.build()
}

fn of_aggregate(aggregate: &Aggregate, domain: &Domain<'_>) -> Result<LogicalPlan> {
    if aggregate.group_expr.iter().any(|expr| matches!(expr, Expr::GroupingSet(_))) {
        return Err(unsupported(NOT_SPREAD));
    }
    let input = Arc::new(spread(&aggregate.input, domain)?);
    let groups = domain.exprs().into_iter().chain(domain.all_replaced(&aggregate.group_expr)?);
    let computed = domain.all_replaced(&aggregate.aggr_expr)?;
    let grouped = LogicalPlan::Aggregate(Aggregate::try_new(input, groups.collect(), computed)?);
    if !aggregate.group_expr.is_empty() {
        return Ok(grouped);
    }
    // Without groups there is a row where nothing is aggregated, too.
    let relation = domain.fresh.name();
    let found = |name: &str| Column::new(Some(relation.clone()), name);
    let own = domain.columns();
    let columns = grouped.schema().columns().into_iter().enumerate();
    let columns = columns
        .map(|(place, column)| Expr::Column(column).alias_qualified(Some(relation.clone()), name(place)));
    let columns: Vec<Expr> =
        columns.chain([lit(true).alias_qualified(Some(relation.clone()), "found")]).collect();
    let grouped = LogicalPlanBuilder::from(grouped).project(columns)?.build()?;
    let keys = own.iter().cloned().zip(columns_of(&relation, own.len()));
    let joined = joined(domain.plan.clone(), grouped, keys, None, JoinType::Left)?;
    let computed = aggregate.aggr_expr.iter().zip(aggregate.schema.iter()).enumerate();
    let values = computed.map(|(place, (expr, (qualifier, field)))| -> Result<Expr> {
        let value = Expr::Column(found(&name(own.len() + place)));
        let empty = match expr.clone().unalias() {
            Expr::AggregateFunction(function) => function.func.default_value(field.data_type())?,
            _ => ScalarValue::Null,
        };
        let value = match empty.is_null() {
            true => value,
            false => {
                when(Expr::Column(found("found")).is_null(), Expr::Literal(empty, None)).otherwise(value)?
            }
        };
        Ok(value.alias_qualified(qualifier.cloned(), field.name()))
    });
    let columns = domain.exprs().into_iter().map(Ok).chain(values).collect::<Result<Vec<_>>>()?;
    LogicalPlanBuilder::from(joined).project(columns)?.build()
}

/// A join in which the pairs of keys are equal, NULLs too.
pub(super) fn joined(
    left: LogicalPlan,
    right: LogicalPlan,
    keys: impl Iterator<Item = (Column, Column)>,
    filter: Option<Expr>,
    join_type: JoinType,
) -> Result<LogicalPlan> {
    let on: Vec<(Expr, Expr)> = keys.map(|(left, right)| (Expr::Column(left), Expr::Column(right))).collect();
    let nulls = if on.is_empty() { NullEquality::NullEqualsNothing } else { NullEquality::NullEqualsNull };
    let (left, right) = (Arc::new(left), Arc::new(right));
    Join::try_new(left, right, on, filter, join_type, JoinConstraint::On, nulls, false).map(LogicalPlan::Join)
}

fn of_window(window: &Window, domain: &Domain<'_>) -> Result<LogicalPlan> {
    let input = spread(&window.input, domain)?;
    let mut columns: Vec<Expr> = own_columns(&input).collect();
    let mut computed = Vec::new();
    for expr in &window.window_expr {
        let (relation, name) = expr.qualified_name();
        let within = domain.replaced(expr.clone())?.transform_up(|expr| match expr {
            Expr::WindowFunction(mut function) => {
                function.params.partition_by.extend(domain.exprs());
                Ok(Transformed::yes(Expr::WindowFunction(function)))
            }
            other => Ok(Transformed::no(other)),
        });
        let within = within.data()?;
        let (new_relation, new_name) = within.qualified_name();
        columns.push(Expr::Column(Column::new(new_relation, new_name)).alias_qualified(relation, name));
        computed.push(within);
    }
    LogicalPlanBuilder::from(input).window(computed)?.project(columns)?.build()
}

fn of_limit(limit: &Limit, domain: &Domain<'_>) -> Result<LogicalPlan> {
    let (SkipType::Literal(skip), FetchType::Literal(fetch)) =
        (limit.get_skip_type()?, limit.get_fetch_type()?)
    else {
        return Err(unsupported(NOT_SPREAD));
    };
    // ORDER BY stands directly below, or below the list of columns if it names others.
    let (above, ordered) = match limit.input.as_ref() {
        LogicalPlan::Projection(above) if matches!(above.input.as_ref(), LogicalPlan::Sort(_)) => {
            (Some(above), above.input.as_ref())
        }
        other => (None, other),
    };
    let (rows, sorted_by): (&LogicalPlan, &[SortKey]) = match ordered {
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => (sort.input.as_ref(), sort.expr.as_slice()),
        other => (other, &[]),
    };
    let mut keys = Vec::with_capacity(sorted_by.len());
    for key in sorted_by {
        keys.push(SortKey { expr: domain.replaced(key.expr.clone())?, ..key.clone() });
    }
    let rows = spread(rows, domain)?;
    let number = Expr::from(WindowFunction::new(row_number_udwf(), Vec::new()))
        .partition_by(domain.exprs())
        .order_by(keys)
        .build()?;
    let counted = Expr::Column(Column::new_unqualified(number.schema_name().to_string()));
    let place = |rows: usize| lit(u64::try_from(rows).unwrap_or(u64::MAX));
    let mut kept = counted.clone().gt(place(skip));
    if let Some(fetch) = fetch {
        kept = kept.and(counted.lt_eq(place(skip.saturating_add(fetch))));
    }
    let columns = match above {
        Some(above) => domain.exprs().into_iter().chain(domain.all_replaced(&above.expr)?).collect(),
        None => own_columns(&rows).collect::<Vec<_>>(),
    };
    LogicalPlanBuilder::from(rows).window(vec![number])?.filter(kept)?.project(columns)?.build()
}

fn of_join(join: &Join, domain: &Domain<'_>) -> Result<LogicalPlan> {
    let keeps_left = matches!(
        join.join_type,
        JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark
    );
    let keeps_right = matches!(join.join_type, JoinType::Right | JoinType::RightSemi | JoinType::RightAnti);
    if join.null_aware || !(keeps_left || keeps_right || join.join_type == JoinType::Inner) {
        return Err(unsupported(NOT_SPREAD));
    }
    let names_right = domain.is_named_in(&join.right)?;
    let spreads_left = keeps_left || domain.is_named_in(&join.left)? || !(keeps_right || names_right);
    let spreads_right = keeps_right || names_right;
    let side =
        |side: &LogicalPlan, is_spread| if is_spread { spread(side, domain) } else { Ok(side.clone()) };
    let (left, right) = (side(&join.left, spreads_left)?, side(&join.right, spreads_right)?);
    let same = if join.null_equality == NullEquality::NullEqualsNull {
        Operator::IsNotDistinctFrom
    } else {
        Operator::Eq
    };
    let mut conditions = Vec::new();
    for (left, right) in &join.on {
        conditions.push(binary_expr(domain.replaced(left.clone())?, same, domain.replaced(right.clone())?));
    }
    conditions.extend(join.filter.clone().map(|filter| domain.replaced(filter)).transpose()?);
    let (left, right, renamed) = match (spreads_left && spreads_right, keeps_right) {
        (true, true) => domain.renamed(left).map(|(left, renamed)| (left, right, renamed))?,
        (true, false) => domain.renamed(right).map(|(right, renamed)| (left, right, renamed))?,
        (false, _) => (left, right, Vec::new()),
    };
    let own = domain.columns().into_iter().zip(renamed);
    conditions.extend(own.map(|(own, renamed)| {
        binary_expr(Expr::Column(own), Operator::IsNotDistinctFrom, Expr::Column(renamed))
    }));
    let filter = conditions.into_iter().reduce(Expr::and);
    let plan = joined(left, right, std::iter::empty(), filter, join.join_type)?;
    let mut columns: Vec<Expr> =
        domain.exprs().into_iter().chain(join.schema.columns().into_iter().map(Expr::Column)).collect();
    if let (JoinType::LeftMark, Some(mark), Some(named)) =
        (join.join_type, plan.schema().columns().pop(), columns.pop())
    {
        let (relation, name) = named.qualified_name();
        columns.push(Expr::Column(mark).alias_qualified(relation, name));
    }
    LogicalPlanBuilder::from(plan).project(columns)?.build()
}
