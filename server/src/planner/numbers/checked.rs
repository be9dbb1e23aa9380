//! Puts checked arithmetic, kept casts and lengths of texts into an analysed plan: see [`arithmetic`](super::arithmetic),
//! [`casts`](super::casts) and [`lengths`](super::lengths).
//!
//! What the engine computes rightly stays as it is, so that it sees as much of a plan as before: times, and quotients of integers.
//! No operation of decimals does, since the engine's optimiser takes `d % 1` for 0 and `d / 1` for `d`, whose type is another; and
//! none of doubles, whose [NaN](super::nan) may have a sign.

use arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::binary::BinaryTypeCoercer;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator};
use datafusion::optimizer::analyzer::AnalyzerRule;

use super::arithmetic::{Arithmetic, Step};
use super::typed::columns_of;
use super::{casts, is_own, lengths};

/// Calls within one another; what is deeper becomes one call. Each of a few is seen by the engine, which computes it once where
/// several expressions have it, but they name all that they hold whenever they are asked for their type.
const CALLS_WITHIN: usize = 8;

/// See the file's head.
#[derive(Debug)]
pub(super) struct CheckedArithmetic;

impl AnalyzerRule for CheckedArithmetic {
    fn name(&self) -> &'static str {
        "checked_arithmetic"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let mut is_changed = false;
        let in_node = |plan: LogicalPlan| {
            let schema = columns_of(&plan)?;
            let names = NamePreserver::new(&plan);
            let plan = plan.map_expressions(|expr| renamed(expr, &names, &schema))?;
            is_changed |= plan.transformed;
            // Also above what was changed: whether a column can be NULL may have changed with it.
            if is_changed { plan.map_data(LogicalPlan::recompute_schema) } else { Ok(plan) }
        };
        Ok(plan.transform_up_with_subqueries(in_node)?.data)
    }
}

/// The expression of a node, rewritten and called as before.
fn renamed(expr: Expr, names: &NamePreserver, schema: &DFSchema) -> Result<Transformed<Expr>> {
    // An alias would hide what it is.
    if matches!(expr, Expr::GroupingSet(_)) {
        return expr.map_children(|key| renamed(key, names, schema));
    }
    let name = names.save(&expr);
    Ok(rewritten(expr, schema)?.update_data(|expr| name.restore(expr)))
}

/// The expression, rewritten from the outside in: chains of operators are as deep as a statement is long, and only the engine's
/// own walk has a stack for that.
fn rewritten(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let through = |expr: Expr, is_changed| Transformed::new(expr, is_changed, TreeNodeRecursion::Jump);
    expr.transform_down(|expr| match &expr {
        Expr::BinaryExpr(binary) if is_arithmetic(binary.op) => {
            let operation = Operation::of(expr, schema)?;
            let is_changed = operation.is_changed;
            Ok(through(operation.into_expr(), is_changed))
        }
        Expr::Negative(_) => {
            let operation = Operation::of(expr, schema)?;
            let is_changed = operation.is_changed;
            Ok(through(operation.into_expr(), is_changed))
        }
        Expr::Cast(_) | Expr::TryCast(_) => {
            let inner = expr.map_children(|inner| rewritten(inner, schema))?;
            let before = inner.data.clone();
            let cast = casts::kept(lengths::applied(inner.data, schema)?, schema)?;
            let is_changed = inner.transformed || cast != before;
            Ok(through(cast, is_changed))
        }
        // The plan was here before.
        Expr::ScalarFunction(function) if is_own(&function.func) => Ok(through(expr, false)),
        _ => Ok(Transformed::no(expr)),
    })
}

fn is_arithmetic(op: Operator) -> bool {
    matches!(
        op,
        Operator::Plus
            | Operator::Minus
            | Operator::Multiply
            | Operator::Divide
            | Operator::Modulo
            | Operator::BitwiseShiftLeft
            | Operator::BitwiseShiftRight
    )
}

/// An expression of numbers with its type.
struct Operation {
    steps: Vec<Step>,
    operands: Vec<Expr>,
    data_type: DataType,
    /// How many calls its operands have within one another.
    depth: usize,
    /// Some step of it has to be checked.
    is_checked: bool,
    /// It is no longer what it was.
    is_changed: bool,
}

impl Operation {
    /// The expression, all below it rewritten.
    fn of(mut expr: Expr, schema: &DFSchema) -> Result<Self> {
        // Chains lean to the left.
        let mut others = Vec::new();
        let mut operation = loop {
            match expr {
                Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_arithmetic(op) => {
                    others.push((op, *right));
                    expr = *left;
                }
                Expr::Negative(operand) => break Self::of(*operand, schema)?.negated(),
                other => break Self::operand(other, schema)?,
            }
        };
        while let Some((op, right)) = others.pop() {
            operation = operation.applied(op, Self::of(right, schema)?)?;
        }
        Ok(operation)
    }

    fn operand(expr: Expr, schema: &DFSchema) -> Result<Self> {
        let data_type = expr.get_type(schema)?;
        let rewritten = rewritten(expr, schema)?;
        Ok(Self::single(rewritten.data, data_type, 0, rewritten.transformed))
    }

    fn single(expr: Expr, data_type: DataType, depth: usize, is_changed: bool) -> Self {
        let (steps, operands) = (vec![Step::Operand(0)], vec![expr]);
        Self { steps, operands, data_type, depth, is_checked: false, is_changed }
    }

    fn is_number(&self) -> bool {
        self.data_type.is_integer() || self.data_type.is_decimal() || is_float(&self.data_type)
    }

    fn negated(mut self) -> Self {
        let is_number = self.is_number();
        self.steps.push(Step::Negate);
        if !is_number {
            return self.into_operand();
        }
        let must_be_checked = self.data_type.is_integer() || is_float(&self.data_type);
        self.is_checked |= must_be_checked;
        self.is_changed |= must_be_checked;
        self
    }

    fn applied(mut self, op: Operator, right: Self) -> Result<Self> {
        let result = BinaryTypeCoercer::new(&self.data_type, &op, &right.data_type).get_result_type()?;
        let are_numbers = self.is_number() && right.is_number();
        let must_be_checked = must_be_checked(&self.data_type, op, &right.data_type);
        let before = self.operands.len();
        self.steps.extend(right.steps.into_iter().map(|step| match step {
            Step::Operand(place) => Step::Operand(before + place),
            other => other,
        }));
        self.operands.extend(right.operands);
        self.steps.push(Step::Apply(op, result.clone()));
        self.data_type = result;
        self.depth = self.depth.max(right.depth);
        self.is_checked |= must_be_checked | right.is_checked;
        self.is_changed |= must_be_checked | right.is_changed;
        let is_own_call = self.is_checked && self.depth < CALLS_WITHIN;
        if are_numbers && !is_own_call { Ok(self) } else { Ok(self.into_operand()) }
    }

    /// The operation as one operand of others.
    fn into_operand(self) -> Self {
        let (data_type, is_changed) = (self.data_type.clone(), self.is_changed);
        let depth = self.depth + usize::from(self.is_checked);
        Self::single(self.into_expr(), data_type, depth, is_changed)
    }

    fn into_expr(self) -> Expr {
        if self.is_checked {
            return Arithmetic::call(self.steps, self.data_type, self.operands);
        }
        self.unchecked()
    }

    /// By the engine's own operators.
    fn unchecked(self) -> Expr {
        let mut operands = self.operands.into_iter();
        let mut values: Vec<Expr> = Vec::new();
        for step in self.steps {
            let value = match step {
                // Each stands there once, in order.
                Step::Operand(_) => operands.next().unwrap_or_default(),
                Step::Negate => Expr::Negative(Box::new(values.pop().unwrap_or_default())),
                Step::Apply(op, _) => {
                    let right = values.pop().unwrap_or_default();
                    let left = values.pop().unwrap_or_default();
                    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))
                }
            };
            values.push(value);
        }
        values.pop().unwrap_or_default()
    }
}

/// Whether values of a type may be NaN.
fn is_float(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Float32 | DataType::Float64)
}

/// Whether the engine would compute an operation wrongly, or simplify it to another one.
fn must_be_checked(left: &DataType, op: Operator, right: &DataType) -> bool {
    let divides = matches!(op, Operator::Divide | Operator::Modulo);
    let are_dates = *left == DataType::Date32 && *right == DataType::Date32;
    (left.is_decimal() && right.is_decimal())
        || (is_float(left) && is_float(right))
        || (left.is_integer() && right.is_integer() && !divides)
        // A number of days; the engine takes it for a duration when it estimates what a condition lets through, and fails.
        || (are_dates && op == Operator::Minus)
}
