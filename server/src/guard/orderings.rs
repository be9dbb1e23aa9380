//! Orders of rows that are hidden from the planner, because it would list too many.
//!
//! The physical planner derives in which orders a node's rows come from those of its inputs and from what it computes of them.
//! It lists all of them: nine truth values that rows are sorted by, and one AND of them, come in 9! orders, four casts of each
//! of five sort keys in 5⁵, and a join has each order of one side with each of the other. A text of five hundred bytes took a
//! thread and gigabytes. So what goes through the function `unordered` comes in no order as far as the planner knows:
//! - what a node computes, if rows are sorted by many keys somewhere below it, or if it computes much and they are by any;
//! - the left side of a join, if rows are sorted below both sides.
//!
//! Invariant: all columns keep their names, types and values. What is lost is that a second sort by them might have been left
//! out.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::expr::GroupingSet;
use datafusion::logical_expr::{
    ColumnarValue, Expr, Join, LogicalPlan, Projection, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};

/// Sort keys of which anything may be computed in view of the planner: 4! orders are few.
const MOST_KEYS: usize = 4;

/// Columns that may be computed of sorted rows in view of the planner.
const MOST_COMPUTED: usize = 8;

/// The same plan, in which no node has more orders than the planner can list.
///
/// # Errors
/// If the plan cannot be walked.
pub(super) fn with_few(plan: LogicalPlan) -> Result<LogicalPlan> {
    plan.transform_up_with_subqueries(|node| match node {
        LogicalPlan::Join(join) => of_join(join),
        LogicalPlan::Projection(_) | LogicalPlan::Aggregate(_) => of_computed(node),
        other => Ok(Transformed::no(other)),
    })
    .data()
}

fn of_join(mut join: Join) -> Result<Transformed<LogicalPlan>> {
    let (left, right) = (keys_below(&join.left)?, keys_below(&join.right)?);
    if left > 0 && right > 0 {
        let columns = join.left.schema().columns().into_iter().map(|column| {
            let (relation, name) = (column.relation.clone(), column.name.clone());
            unordered(Expr::Column(column)).alias_qualified(relation, name)
        });
        let projection = Projection::try_new(columns.collect(), Arc::clone(&join.left))?;
        join.left = Arc::new(LogicalPlan::Projection(projection));
    }
    let keys = join.on.iter_mut().flat_map(|(left, right)| [left, right]);
    let computed: Vec<&mut Expr> = keys.filter(|key| is_computed(key)).collect();
    if is_many(left + right, computed.len()) {
        for key in computed {
            // The planner makes a column of it, which must not be named like one that is there, as a cast is like what it casts.
            let name = key.to_string();
            *key = unordered(std::mem::take(key)).alias(name);
        }
    }
    Ok(Transformed::yes(LogicalPlan::Join(join)))
}

fn of_computed(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let mut computed = 0;
    node.apply_expressions(|expr| {
        computed += count_computed(expr);
        Ok(TreeNodeRecursion::Continue)
    })?;
    let keys = match node.inputs().as_slice() {
        [input] if computed > 0 => keys_below(input)?,
        _ => 0,
    };
    if !is_many(keys, computed) {
        return Ok(Transformed::no(node));
    }
    node.map_expressions(|expr| Ok(Transformed::yes(hidden(expr))))
}

fn is_many(keys: usize, computed: usize) -> bool {
    computed > 0 && (keys > MOST_KEYS || (keys > 0 && computed > MOST_COMPUTED))
}

/// By how many keys rows are sorted on their way through a plan.
fn keys_below(plan: &LogicalPlan) -> Result<usize> {
    let mut keys = 0;
    plan.apply(|node| {
        keys += sort_keys(node);
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(keys)
}

/// By how many keys a node sorts its rows.
fn sort_keys(node: &LogicalPlan) -> usize {
    match node {
        LogicalPlan::Sort(sort) => sort.expr.len(),
        LogicalPlan::Window(window) => window.window_expr.iter().map(window_keys).sum(),
        _ => 0,
    }
}

/// By how many keys a window divides and sorts its rows.
pub(super) fn window_keys(expr: &Expr) -> usize {
    match expr {
        Expr::Alias(alias) => window_keys(&alias.expr),
        Expr::WindowFunction(window) => window.params.partition_by.len() + window.params.order_by.len(),
        _ => 0,
    }
}

fn is_computed(expr: &Expr) -> bool {
    count_computed(expr) > 0
}

fn count_computed(expr: &Expr) -> usize {
    match expr {
        Expr::Alias(alias) => count_computed(&alias.expr),
        Expr::GroupingSet(set) => set.distinct_expr().into_iter().map(count_computed).sum(),
        Expr::Column(_) | Expr::Literal(..) | Expr::AggregateFunction(_) => 0,
        _ => 1,
    }
}

/// The same expression, if computed by the function that says nothing of orders.
fn hidden(expr: Expr) -> Expr {
    let all = |exprs: Vec<Expr>| exprs.into_iter().map(hidden).collect();
    match expr {
        Expr::Alias(mut alias) => {
            *alias.expr = hidden(*alias.expr);
            Expr::Alias(alias)
        }
        Expr::GroupingSet(GroupingSet::Rollup(exprs)) => Expr::GroupingSet(GroupingSet::Rollup(all(exprs))),
        Expr::GroupingSet(GroupingSet::Cube(exprs)) => Expr::GroupingSet(GroupingSet::Cube(all(exprs))),
        Expr::GroupingSet(GroupingSet::GroupingSets(sets)) => {
            Expr::GroupingSet(GroupingSet::GroupingSets(sets.into_iter().map(all).collect()))
        }
        expr if is_computed(&expr) => unordered(expr),
        expr => expr,
    }
}

fn unordered(expr: Expr) -> Expr {
    UNORDERED.call(vec![expr])
}

static UNORDERED: LazyLock<ScalarUDF> =
    LazyLock::new(|| ScalarUDF::from(Unordered { signature: Signature::any(1, Volatility::Immutable) }));

/// Gives its argument back.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Unordered {
    signature: Signature,
}

impl ScalarUDFImpl for Unordered {
    fn name(&self) -> &'static str {
        "unordered"
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let [value] = args else {
            return plan_err!("one value");
        };
        Ok(value.schema_name().to_string())
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let [data_type] = arg_types else {
            return plan_err!("one value");
        };
        Ok(data_type.clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let [field] = args.arg_fields else {
            return plan_err!("one value");
        };
        Ok(Arc::clone(field))
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.pop() {
            Some(value) => Ok(value),
            None => plan_err!("one value"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use datafusion::logical_expr::{LogicalPlanBuilder, cast, col, lit};

    use super::*;

    /// Casts of rows that are sorted by so many keys.
    fn casts(keys: usize, casts: usize) -> LogicalPlan {
        let names: Vec<String> = (0..keys).map(|number| format!("k{number}")).collect();
        let rows =
            LogicalPlanBuilder::empty(true).project(names.iter().map(|name| lit(1).alias(name))).unwrap();
        let sorted = rows.sort(names.iter().map(|name| col(name).sort(true, false))).unwrap();
        let computed = (0..casts).map(|number| cast(col("k0"), DataType::Int64).alias(format!("c{number}")));
        sorted.project(computed.chain([col("k0")])).unwrap().build().unwrap()
    }

    #[test]
    fn much_that_is_computed_of_sorted_rows_says_nothing_of_orders_and_is_otherwise_the_same() {
        for (plan, is_hidden) in
            [(casts(4, 8), false), (casts(5, 1), true), (casts(1, 9), true), (casts(9, 0), false)]
        {
            let bounded = with_few(plan.clone()).unwrap();
            assert_eq!(bounded.schema(), plan.schema());
            assert_eq!(bounded.display_indent().to_string().contains("unordered("), is_hidden, "{plan}");
        }
    }
}
