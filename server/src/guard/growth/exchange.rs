//! Puts accounted calls in the place of a plan's expressions that make texts and lists, see [`growth`](super).

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator, ScalarUDF};

use super::FunctionAccount;
use super::call::AccountedFunction;
use super::operators::{ConcatOperator, HandOn, PatternOperator};
use super::patterns;
use crate::guard::function_table::{self, Output, Work};
use crate::planner;

/// Copies (casts, CASE) that a plan may make without a charge: each is about as large as what was charged for its parts.
const FREE_COPIES: usize = 8;

/// The same plan, its calls charged to an account as far as they make much of little or take long.
///
/// # Errors
/// If the plan cannot be walked.
pub(in crate::guard) fn before_optimising(
    plan: LogicalPlan,
    account: &Arc<FunctionAccount>,
) -> Result<LogicalPlan> {
    let exchange = |expr: Expr| match expr {
        Expr::ScalarFunction(ScalarFunction { func, args }) => match function_table::scalar(func.name()) {
            Some(row) if row.output.grows() || row.work == Work::Pairs => {
                Ok(Transformed::yes(AccountedFunction::call(func, row.output, row.work, account, args)))
            }
            _ => Ok(Transformed::no(Expr::ScalarFunction(ScalarFunction { func, args }))),
        },
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::StringConcat, right }) => {
            Ok(Transformed::yes(concatenated(*left, *right, account)))
        }
        other => Ok(Transformed::no(other)),
    };
    let in_node = |node: LogicalPlan| node.map_expressions(|expr| expr.transform_up(exchange));
    plan.transform_down_with_subqueries(in_node).data()
}

/// `left || right`. A chain of them becomes one call: within one another, each would name all that it holds.
fn concatenated(left: Expr, right: Expr, account: &Arc<FunctionAccount>) -> Expr {
    let operands = match left {
        Expr::ScalarFunction(ScalarFunction { func, mut args }) if ConcatOperator::is(&func) => {
            args.push(right);
            args
        }
        left => vec![left, right],
    };
    let concat = Arc::new(ScalarUDF::from(ConcatOperator::new()));
    AccountedFunction::call(concat, Output::Sum, Work::Linear, account, operands)
}

/// The same optimised plan, all else that makes texts and lists charged too, and what compares with patterns that differ from
/// row to row; and how many calls of it are charged.
///
/// # Errors
/// If the plan cannot be walked.
pub(super) fn when_optimised(
    plan: LogicalPlan,
    account: &Arc<FunctionAccount>,
) -> Result<(LogicalPlan, usize)> {
    let mut found = Found::default();
    plan.apply_with_subqueries(|node| node.apply_expressions(|expr| expr.apply(|part| Ok(found.add(part)))))?;
    if found.calls == 0 && found.copies <= FREE_COPIES {
        return Ok((plan, 0));
    }
    let are_copies_charged = found.copies > FREE_COPIES;
    let calls = found.calls + if are_copies_charged { found.copies } else { 0 };
    let in_node = |node: LogicalPlan| {
        // What a scan filters with is looked at by the guard, and never makes more than one value at a time.
        if matches!(node, LogicalPlan::TableScan(_)) {
            return Ok(Transformed::no(node));
        }
        let schema = merge_schema(&node.inputs());
        // The engine names the columns that it makes of a join's keys by what they cast.
        let are_copies_charged = are_copies_charged && !matches!(node, LogicalPlan::Join(_));
        let exchange = Exchange { account, schema: &schema, are_copies_charged };
        node.map_expressions(|expr| exchange.within(expr))
    };
    Ok((plan.transform_down_with_subqueries(in_node).data()?, calls))
}

/// What a plan has to be charged for.
#[derive(Default)]
struct Found {
    calls: usize,
    copies: usize,
}

impl Found {
    fn add(&mut self, expr: &Expr) -> TreeNodeRecursion {
        match expr {
            Expr::ScalarFunction(function) if planner::is_free(&function.func) => {}
            Expr::ScalarFunction(function) => {
                let row = function_table::scalar(function.name());
                let is_free = row.is_some_and(|row| row.output == Output::Fixed && row.work == Work::Linear);
                self.calls += usize::from(!is_free);
            }
            other if has_long_pattern(other) => self.calls += 1,
            other => self.copies += usize::from(may_copy(other)),
        }
        TreeNodeRecursion::Continue
    }
}

/// Whether an expression hands on what others have made, in a copy.
fn may_copy(expr: &Expr) -> bool {
    match expr {
        Expr::Cast(cast) => has_no_width(cast.field.data_type()),
        Expr::TryCast(cast) => has_no_width(cast.field.data_type()),
        Expr::Case(_) | Expr::ScalarSubquery(_) => true,
        _ => false,
    }
}

/// Whether values of a type differ in how many bytes they take.
fn has_no_width(data_type: &DataType) -> bool {
    data_type.primitive_width().is_none() && !matches!(data_type, DataType::Boolean | DataType::Null)
}

/// Parts of a constant pattern that is compared with as the engine does it: nothing that such a one meets takes long.
const SHORT_PATTERN: usize = 64;

/// Whether an expression compares with a pattern that may be another for each row, or takes long.
fn has_long_pattern(expr: &Expr) -> bool {
    let is_long = |pattern: &Expr| match pattern.as_literal() {
        Some(value) => {
            value.try_as_str().flatten().is_some_and(|text| patterns::weight(text) > SHORT_PATTERN)
        }
        None => true,
    };
    match expr {
        Expr::Like(like) | Expr::SimilarTo(like) => is_long(&like.pattern),
        Expr::BinaryExpr(comparison) => PatternOperator::is(comparison.op) && is_long(&comparison.right),
        _ => false,
    }
}

struct Exchange<'a> {
    account: &'a Arc<FunctionAccount>,
    /// The columns that the node's expressions name.
    schema: &'a DFSchema,
    are_copies_charged: bool,
}

impl Exchange<'_> {
    /// From the outside in: asking for the type of what was exchanged already would name all that it holds.
    fn within(&self, expr: Expr) -> Result<Transformed<Expr>> {
        let is_copy = self.are_copies_charged
            && may_copy(&expr)
            // A subquery around this one may name columns that are not here.
            && expr.get_type(self.schema).map_or(true, |data_type| has_no_width(&data_type));
        let exchanged = expr.map_children(|part| self.within(part))?;
        let expr = exchanged.data;
        if is_copy {
            // What a CASE gives are views of what its parts hold; a cast may write its texts anew.
            let output = if matches!(expr, Expr::Case(_)) { Output::Slice } else { Output::Scaled(1) };
            let hand_on = Arc::new(ScalarUDF::from(HandOn::new()));
            let call = AccountedFunction::call(hand_on, output, Work::Linear, self.account, vec![expr]);
            return Ok(Transformed::yes(call));
        }
        match self.call(expr) {
            Ok(call) => Ok(Transformed::yes(call)),
            Err(expr) => Ok(Transformed::new_transformed(*expr, exchanged.transformed)),
        }
    }

    /// The accounted call for an expression, or the expression if there is none.
    fn call(&self, expr: Expr) -> std::result::Result<Expr, Box<Expr>> {
        match expr {
            Expr::ScalarFunction(ScalarFunction { func, args })
                if !func.inner().is::<AccountedFunction>() =>
            {
                match function_table::scalar(func.name()) {
                    Some(row) if row.output != Output::Fixed || row.work != Work::Linear => {
                        Ok(AccountedFunction::call(func, row.output, row.work, self.account, args))
                    }
                    _ => Err(Box::new(Expr::ScalarFunction(ScalarFunction { func, args }))),
                }
            }
            expr if has_long_pattern(&expr) => match PatternOperator::of(expr) {
                Ok((operator, operands)) => {
                    let function = Arc::new(ScalarUDF::from(operator));
                    let (output, work) = (Output::Fixed, Work::Pattern);
                    Ok(AccountedFunction::call(function, output, work, self.account, operands))
                }
                Err(expr) => Err(expr),
            },
            expr => Err(Box::new(expr)),
        }
    }
}
