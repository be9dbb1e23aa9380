//! Plans that a short text makes huge: refused before they are optimised.
//!
//! The text's limits (`sql`) do not see what the planner makes of it. A common table expression that is named twice stands
//! in the plan twice, so that forty of them, each naming the one before twice, are a plan of 2⁴⁰ nodes; a struct of two
//! structs doubles a type in the same way, and CUBE of n columns is 2ⁿ groupings. Optimising such a plan takes the
//! machine's memory, which nobody charges for, and keeps a thread beyond any deadline, as it never waits.
//!
//! Invariants
//! - What is counted here is shared in memory, so that counting is cheap until the limit and stops there.
//! - The limits leave room for what people and their tools write: hundreds of joins, thousands of columns.

use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::GroupingSet;
use datafusion::logical_expr::{Expr, LogicalPlan};

use super::redact::from_datafusion;
use crate::error::{Error, ErrorKind};

/// Nodes of a plan, subqueries included.
const MOST_NODES: usize = 4_000;

/// Parts of all expressions of a plan together.
const MOST_EXPRESSIONS: usize = 500_000;

/// Fields of all nodes' columns together, nested ones included.
const MOST_FIELDS: usize = 200_000;

/// Ways in which one aggregation groups its rows.
const MOST_GROUPINGS: usize = 256;

/// Refuses a plan that is too large to be optimised.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`].
pub(super) fn check(plan: &LogicalPlan) -> std::result::Result<(), Error> {
    let mut size = Size::default();
    plan.apply_with_subqueries(|node| size.add(node)).map_err(from_datafusion)?;
    match size.is_too_large() {
        true => Err(Error::new(
            ErrorKind::InvalidRequest,
            "the query is too complex: it multiplies its own parts",
        )),
        false => Ok(()),
    }
}

#[derive(Default)]
struct Size {
    nodes: usize,
    expressions: usize,
    fields: usize,
    groupings: usize,
}

impl Size {
    fn is_too_large(&self) -> bool {
        self.nodes > MOST_NODES
            || self.expressions > MOST_EXPRESSIONS
            || self.fields > MOST_FIELDS
            || self.groupings > MOST_GROUPINGS
    }

    fn walk_on(&self) -> TreeNodeRecursion {
        if self.is_too_large() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue }
    }

    fn add(&mut self, node: &LogicalPlan) -> Result<TreeNodeRecursion> {
        self.nodes += 1;
        for field in node.schema().fields() {
            self.fields += fields_of(field.data_type(), MOST_FIELDS.saturating_sub(self.fields));
        }
        if let LogicalPlan::Aggregate(aggregate) = node {
            let groupings = aggregate.group_expr.iter().map(groupings).fold(1, usize::saturating_mul);
            self.groupings = self.groupings.max(groupings);
        }
        if self.is_too_large() {
            return Ok(TreeNodeRecursion::Stop);
        }
        node.apply_expressions(|expr| {
            expr.apply(|_| {
                self.expressions += 1;
                Ok(self.walk_on())
            })
        })?;
        Ok(self.walk_on())
    }
}

/// The fields of a type, itself included; counting ends where they are more than `left`.
fn fields_of(data_type: &DataType, left: usize) -> usize {
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
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use datafusion::logical_expr::{LogicalPlanBuilder, col, lit};

    use super::*;

    fn one() -> LogicalPlan {
        LogicalPlanBuilder::empty(true).project([lit(1).alias("x")]).unwrap().build().unwrap()
    }

    /// Each step names the one before twice.
    fn doubled(times: usize) -> LogicalPlan {
        (0..times).fold(one(), |plan, _| {
            let right = LogicalPlanBuilder::from(plan.clone()).alias("q").unwrap().build().unwrap();
            let both = LogicalPlanBuilder::from(plan).alias("p").unwrap().cross_join(right).unwrap();
            both.project([col("p.x").alias("x")]).unwrap().build().unwrap()
        })
    }

    #[test]
    fn a_plan_that_names_its_parts_twice_again_and_again_is_refused_at_once() {
        assert!(check(&doubled(5)).is_ok());
        assert_eq!(check(&doubled(60)).unwrap_err().kind(), ErrorKind::InvalidRequest);
    }

    #[test]
    fn a_type_that_doubles_is_counted_up_to_the_limit_only() {
        let double = |inner: DataType| {
            let field = |name| arrow::datatypes::Field::new(name, inner.clone(), true);
            DataType::Struct(vec![field("a"), field("b")].into())
        };
        let huge = (0..40).fold(DataType::Int64, |inner, _| double(inner));
        assert_eq!(fields_of(&huge, 1000), 1001);
        assert_eq!(fields_of(&double(double(DataType::Int64)), 1000), 7);
    }

    #[test]
    fn a_cube_of_many_columns_is_refused() {
        let cube = |columns: usize| {
            let names: Vec<String> = (0..columns).map(|number| format!("c{number}")).collect();
            let expressions: Vec<Expr> = names.iter().map(|name| lit(1).alias(name)).collect();
            let columns = names.iter().map(col).collect();
            let groups = [Expr::GroupingSet(GroupingSet::Cube(columns))];
            let plan = LogicalPlanBuilder::empty(true).project(expressions).unwrap();
            plan.aggregate(groups, Vec::<Expr>::new()).unwrap().build().unwrap()
        };
        assert!(check(&cube(8)).is_ok());
        assert!(check(&cube(9)).is_err());
    }
}
