//! Plans that a short text makes huge: refused before they are optimised.
//!
//! The text's limits (`sql`) do not see what the planner makes of it: CUBE of n columns is 2ⁿ groupings, and `select *` over
//! a wide table writes out its columns at every level. Optimising such a plan takes the machine's memory, which nobody
//! charges for, and keeps a thread beyond any deadline, as it never waits.
//!
//! The parts of expressions are weighed and not counted ([`weights`](super::weights)), before a plan is optimised and again
//! when that has put in casts of its own.
//!
//! Refused too is what makes much of nothing where nobody charges for it: types of which one NULL takes gigabytes, and lists
//! and texts that a window collects again for each row.
//!
//! Invariants
//! - What is counted here is shared in memory, so that counting is cheap until the limit and stops there.
//! - The limits leave room for what people and their tools write: dozens of joins in one place, thousands of columns.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::expr::{AggregateFunction, GroupingSet, ScalarFunction};
use datafusion::logical_expr::{Expr, LogicalPlan, Operator};

use super::function_table::{self, Role, Work};
use super::naming;
use super::orderings::window_keys;
use super::redact::from_datafusion;
use super::weights::{substituted, weight};
use crate::error::{Error, ErrorKind};
use crate::sql::{MOST_FIXED_BYTES, SUBQUERY_LIMIT};

/// Nodes of a plan, subqueries included.
const MOST_NODES: usize = 4_000;

/// Parts of all expressions of a plan together, each as often as planning may meet it.
const MOST_EXPRESSIONS: usize = 500_000;

/// Parts that conditions and keys may gain when their columns are replaced by what these stand for.
const MOST_SUBSTITUTED: usize = 100_000;

/// Fields of all nodes' columns together, nested ones included.
const MOST_FIELDS: usize = 200_000;

/// Ways in which one aggregation groups its rows.
const MOST_GROUPINGS: usize = 256;

/// Tables joined with one another: which of them an equality belongs to is looked for in all. (MySQL has 61.)
const MOST_JOINS: usize = 64;

/// Keys that one node or one aggregate sorts by. Each is compared with all others.
const MOST_SORT_KEYS: usize = 500;

/// Keys that one window divides and sorts by. All pairs of them are compared for each.
const MOST_WINDOW_KEYS: usize = 64;

/// Centroids that an approximate percentile may keep: room for all of them is made for each group before the first value.
const MOST_CENTROIDS: u64 = 10_000;

/// DISTINCT aggregates of one grouped aggregation. The engine keeps a set of values for each of them and each group, and counts
/// what these take only when a batch is done.
const MOST_DISTINCT: usize = 16;

/// Regular expressions: each takes as long to make as all the rest of a query.
const MOST_REGULAR_EXPRESSIONS: usize = 200;

pub(super) const MULTIPLIED: &str = "the query is too complex: it has too many parts, or multiplies them";

const UNBOUNDED: &str = "the query asks for values of a type that is not supported here";

/// Refuses a plan that is too large to be optimised.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`].
pub(super) fn check(plan: &LogicalPlan) -> std::result::Result<(), Error> {
    let too_complex = |text| Err(Error::new(ErrorKind::InvalidRequest, text));
    // Nothing else walks a plan that names its parts again and again.
    if has_more_nodes(plan, MOST_NODES).map_err(from_datafusion)? {
        return too_complex(MULTIPLIED);
    }
    if is_nested_deeper(plan, SUBQUERY_LIMIT).map_err(from_datafusion)? {
        return too_complex("the query is too complex: its subqueries are nested too deeply");
    }
    let mut size = Size::default();
    plan.apply_with_subqueries(|node| size.add(node)).map_err(from_datafusion)?;
    if size.is_too_large() || naming::is_too_long(plan) || substituted(plan) > MOST_SUBSTITUTED {
        return too_complex(MULTIPLIED);
    }
    size.refusal.map_or(Ok(()), too_complex)
}

fn has_more_nodes(plan: &LogicalPlan, most: usize) -> Result<bool> {
    let mut nodes = 0;
    plan.apply_with_subqueries(|_| {
        nodes += 1;
        Ok(if nodes > most { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(nodes > most)
}

/// Whether there are subqueries of expressions within more than `most` others. The text's own limit does not see through names.
fn is_nested_deeper(plan: &LogicalPlan, most: usize) -> Result<bool> {
    let mut is_deeper = false;
    plan.apply(|node| {
        node.apply_subqueries(|subquery| {
            is_deeper |= most == 0 || is_nested_deeper(subquery, most - 1)?;
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(if is_deeper { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(is_deeper)
}

/// The joins of a plan's first join, as far as nothing but joins is between them.
fn joins_together(plan: &LogicalPlan) -> usize {
    match plan {
        LogicalPlan::Join(join) => 1 + joins_together(&join.left) + joins_together(&join.right),
        _ => 0,
    }
}

fn is_regular_expression(expr: &Expr) -> bool {
    match expr {
        Expr::BinaryExpr(comparison) => matches!(
            comparison.op,
            Operator::RegexMatch | Operator::RegexIMatch | Operator::RegexNotMatch | Operator::RegexNotIMatch
        ),
        Expr::SimilarTo(_) => true,
        Expr::ScalarFunction(function) => {
            function_table::scalar(function.name()).is_some_and(|row| row.work == Work::Pattern)
        }
        _ => false,
    }
}

#[derive(Default)]
struct Size {
    expressions: usize,
    fields: usize,
    groupings: usize,
    /// DISTINCT aggregates, the most of one node with groups.
    distinct: usize,
    /// The most in one place.
    joins: usize,
    /// The most of one node.
    sort_keys: usize,
    /// The most of one window.
    window_keys: usize,
    regular_expressions: usize,
    /// Why an expression is refused, whatever the size.
    refusal: Option<&'static str>,
}

impl Size {
    fn is_too_large(&self) -> bool {
        self.expressions > MOST_EXPRESSIONS
            || self.fields > MOST_FIELDS
            || self.groupings > MOST_GROUPINGS
            || self.distinct > MOST_DISTINCT
            || self.joins > MOST_JOINS
            || self.sort_keys > MOST_SORT_KEYS
            || self.window_keys > MOST_WINDOW_KEYS
            || self.regular_expressions > MOST_REGULAR_EXPRESSIONS
    }

    fn walk_on(&self) -> TreeNodeRecursion {
        if self.is_too_large() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue }
    }

    fn add(&mut self, node: &LogicalPlan) -> Result<TreeNodeRecursion> {
        self.joins = self.joins.max(joins_together(node));
        for field in node.schema().fields() {
            self.fields += fields_of(field.data_type(), MOST_FIELDS.saturating_sub(self.fields));
        }
        match node {
            LogicalPlan::Aggregate(aggregate) => {
                let groupings = aggregate.group_expr.iter().map(groupings).fold(1, usize::saturating_mul);
                self.groupings = self.groupings.max(groupings);
                if !aggregate.group_expr.is_empty() {
                    let distinct = aggregate.aggr_expr.iter().filter(|expr| is_distinct(expr)).count();
                    self.distinct = self.distinct.max(distinct);
                }
            }
            LogicalPlan::Sort(sort) => self.sort_keys = self.sort_keys.max(sort.expr.len()),
            LogicalPlan::Window(window) => {
                let keys = window.window_expr.iter().map(window_keys).max();
                self.window_keys = self.window_keys.max(keys.unwrap_or_default());
            }
            // SQL takes their types from its literals, a Substrait plan from anywhere.
            LogicalPlan::Values(_) | LogicalPlan::EmptyRelation(_)
                if !node.schema().fields().iter().all(|field| is_bounded(field.data_type())) =>
            {
                self.refusal = self.refusal.or(Some(UNBOUNDED));
            }
            _ => {}
        }
        if self.is_too_large() {
            return Ok(TreeNodeRecursion::Stop);
        }
        node.apply_expressions(|expr| {
            self.expressions = self.expressions.saturating_add(weight(expr));
            expr.apply(|part| {
                self.refusal = self.refusal.or_else(|| refusal(part));
                self.regular_expressions += usize::from(is_regular_expression(part));
                if let Expr::AggregateFunction(aggregate) = part {
                    self.sort_keys = self.sort_keys.max(aggregate.params.order_by.len());
                }
                Ok(TreeNodeRecursion::Continue)
            })?;
            Ok(self.walk_on())
        })?;
        Ok(self.walk_on())
    }
}

fn is_distinct(expr: &Expr) -> bool {
    match expr {
        Expr::Alias(alias) => is_distinct(&alias.expr),
        Expr::AggregateFunction(aggregate) => aggregate.params.distinct,
        _ => false,
    }
}

fn refusal(expr: &Expr) -> Option<&'static str> {
    let asked_for = match expr {
        Expr::Literal(value, _) => Some(value.data_type()),
        Expr::Placeholder(placeholder) => placeholder.field.as_ref().map(|field| field.data_type().clone()),
        Expr::Cast(cast) => Some(cast.field.data_type().clone()),
        Expr::TryCast(cast) => Some(cast.field.data_type().clone()),
        Expr::ScalarFunction(ScalarFunction { func, args })
            if function_table::plays(func.name(), Role::Casts) =>
        {
            args.get(1).and_then(Expr::as_literal).and_then(|name| name.try_as_str()??.parse().ok())
        }
        Expr::AggregateFunction(aggregate) if has_many_centroids(aggregate) => {
            return Some("an approximate percentile can keep 10000 centroids: ask for fewer");
        }
        Expr::WindowFunction(window)
            if function_table::aggregate(window.fun.name()).is_some_and(|row| row.collects) =>
        {
            return Some(
                "array_agg and string_agg cannot be window functions here: aggregate, and join the result",
            );
        }
        _ => None,
    };
    let is_refused = asked_for.is_some_and(|data_type| !is_bounded(&data_type));
    is_refused.then_some(UNBOUNDED)
}

/// Whether an approximate percentile asks for more centroids than there is room for.
fn has_many_centroids(aggregate: &AggregateFunction) -> bool {
    let place = match aggregate.func.name() {
        "approx_percentile_cont" => 2,
        "approx_percentile_cont_with_weight" => 3,
        _ => return false,
    };
    let number = aggregate.params.args.get(place).and_then(Expr::as_literal);
    let number = number.and_then(|number| number.cast_to(&DataType::UInt64).ok());
    matches!(number, Some(ScalarValue::UInt64(Some(centroids))) if centroids > MOST_CENTROIDS)
}

/// Whether values of a type take about as many bytes as are in them.
fn is_bounded(data_type: &DataType) -> bool {
    match data_type {
        DataType::FixedSizeBinary(bytes) => (0..=MOST_FIXED_BYTES).contains(bytes),
        DataType::List(item) | DataType::Map(item, _) => is_bounded(item.data_type()),
        DataType::Struct(fields) => fields.iter().all(|field| is_bounded(field.data_type())),
        DataType::Dictionary(_, value) => !value.is_nested() && is_bounded(value),
        other => !other.is_nested(),
    }
}

/// The fields of a type, itself included; counting ends where they are more than `left`.
pub(super) fn fields_of(data_type: &DataType, left: usize) -> usize {
    let mut counted = 0;
    let mut waiting = vec![data_type];
    while let Some(data_type) = waiting.pop() {
        counted += 1;
        if counted > left {
            break;
        }
        match data_type {
            DataType::Struct(fields) => waiting.extend(fields.iter().map(|field| field.data_type())),
            DataType::List(item)
            | DataType::LargeList(item)
            | DataType::ListView(item)
            | DataType::FixedSizeList(item, _)
            | DataType::Map(item, _) => waiting.push(item.data_type()),
            _ => {}
        }
    }
    counted
}

fn groupings(expr: &Expr) -> usize {
    match expr {
        Expr::GroupingSet(GroupingSet::Cube(columns)) => u32::try_from(columns.len())
            .ok()
            .and_then(|columns| 2_usize.checked_pow(columns))
            .unwrap_or(usize::MAX),
        Expr::GroupingSet(GroupingSet::Rollup(columns)) => columns.len() + 1,
        Expr::GroupingSet(GroupingSet::GroupingSets(sets)) => sets.len(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests;
