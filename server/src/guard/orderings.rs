//! Computed columns of sorted rows: hidden from whoever asks in which orders rows come.
//!
//! The physical planner derives in which orders a node's rows come from those of its input and from what it computes of them.
//! It lists all of them: nine truth values that rows are sorted by, and one AND of them, come in 9! orders, and four casts of each
//! of five sort keys in 5⁵. A text of five hundred bytes took a thread and gigabytes. So where a node computes something of
//! rows that are sorted by many keys, or much of sorted rows, what it computes goes through a function that says nothing of
//! orders.
//!
//! Invariant: the columns keep their names, types and values. What is lost is that a second sort by such a column might have
//! been left out.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};

/// Sort keys of which anything may be computed in view of the planner: 4! orders are few.
const MOST_KEYS: usize = 4;

/// Columns that may be computed of sorted rows in view of the planner.
const MOST_COMPUTED: usize = 8;

/// The same plan, in which no node has more orders than the planner can list.
///
/// # Errors
/// If the plan cannot be walked.
pub(super) fn bounded(plan: LogicalPlan) -> Result<LogicalPlan> {
    plan.transform_up_with_subqueries(
        |node| if has_many(&node)? { hidden(node) } else { Ok(Transformed::no(node)) },
    )
    .data()
}

fn has_many(node: &LogicalPlan) -> Result<bool> {
    if !matches!(node, LogicalPlan::Projection(_) | LogicalPlan::Aggregate(_) | LogicalPlan::Join(_)) {
        return Ok(false);
    }
    let mut computed = 0;
    node.apply_expressions(|expr| {
        computed += usize::from(is_computed(expr));
        Ok(TreeNodeRecursion::Continue)
    })?;
    if computed == 0 {
        return Ok(false);
    }
    let mut keys = 0;
    for input in node.inputs() {
        input.apply(|below| {
            keys += sort_keys(below);
            Ok(TreeNodeRecursion::Continue)
        })?;
    }
    Ok(keys > MOST_KEYS || (keys > 0 && computed > MOST_COMPUTED))
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
    match expr {
        Expr::Alias(alias) => is_computed(&alias.expr),
        Expr::Column(_) | Expr::Literal(..) | Expr::AggregateFunction(_) | Expr::GroupingSet(_) => false,
        _ => true,
    }
}

fn hidden(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    node.map_expressions(|expr| match expr {
        expr if !is_computed(&expr) => Ok(Transformed::no(expr)),
        Expr::Alias(mut alias) => {
            *alias.expr = UNORDERED.call(vec![*alias.expr]);
            Ok(Transformed::yes(Expr::Alias(alias)))
        }
        expr => Ok(Transformed::yes(UNORDERED.call(vec![expr]))),
    })
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
            let bounded = bounded(plan.clone()).unwrap();
            assert_eq!(bounded.schema(), plan.schema());
            assert_eq!(bounded.display_indent().to_string().contains("unordered("), is_hidden, "{plan}");
        }
    }
}
