//! The closed list of a user's predicates that may work below the barrier.
//!
//! Below the barrier a predicate may meet hidden rows, or bounds of them. It is harmless there if nothing of that can be
//! seen: it cannot fail whatever the value is, and it writes nothing down. What it leaves out must not depend on hidden
//! values either: bounds that hidden rows widen bring visible rows along, on which another expression of the query may
//! then fail. So the barrier applies it to each row, besides the row filter, and exactly the same rows leave whatever the
//! bounds were. What remains is time, and whoever minds that sets `access.strict_tables`.
//!
//! A column of which only some cells are shown has all of them below: a predicate on it is on no list (`table.rs`).
//!
//! For the same reason the filters that joins and sorts make while they run have no place below: when they are ready, and
//! so what they leave out, is chance.
//!
//! On the list: a bare column compared with constants of its own type, a list of such constants, a test for NULL, a boolean
//! column itself, and AND, OR and NOT of these. Not on it: casts, functions, arithmetic, patterns, other columns. Each predicate is checked as the
//! planner sees it and again as it will run, because the way from one to the other may add a cast.

use std::sync::Arc;

use datafusion::logical_expr::{BinaryExpr as LogicalBinary, Expr, Operator};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{
    BinaryExpr, Column, InListExpr, IsNotNullExpr, IsNullExpr, Literal, NotExpr,
};

use crate::mutant::Mutant;

/// Whether a predicate is on the list, as the planner has it.
pub(super) fn is_leakproof(predicate: &Expr) -> bool {
    let is_column = |expr: &Expr| matches!(expr, Expr::Column(_));
    let is_constant = |expr: &Expr| matches!(expr, Expr::Literal(..));
    match predicate {
        _ if Mutant::AnyPredicateBelow.is_on() => true,
        Expr::BinaryExpr(LogicalBinary { left, op: Operator::And | Operator::Or, right }) => {
            is_leakproof(left) && is_leakproof(right)
        }
        Expr::BinaryExpr(LogicalBinary { left, op, right }) if is_comparison(*op) => {
            (is_column(left) && is_constant(right)) || (is_constant(left) && is_column(right))
        }
        Expr::Column(_) => true,
        Expr::Not(operand) => is_leakproof(operand),
        Expr::IsNull(operand) | Expr::IsNotNull(operand) => is_column(operand),
        Expr::Between(between) => {
            is_column(&between.expr) && is_constant(&between.low) && is_constant(&between.high)
        }
        Expr::InList(list) => is_column(&list.expr) && list.list.iter().all(is_constant),
        _ => false,
    }
}

/// Whether a predicate is on the list, as it will run.
pub(super) fn is_leakproof_as_it_runs(predicate: &Arc<dyn PhysicalExpr>) -> bool {
    let is_column = |expr: &Arc<dyn PhysicalExpr>| expr.is::<Column>();
    let is_constant = |expr: &Arc<dyn PhysicalExpr>| expr.is::<Literal>();
    if let Some(binary) = predicate.downcast_ref::<BinaryExpr>()
        && !Mutant::AnyPredicateBelow.is_on()
    {
        let (left, right) = (binary.left(), binary.right());
        return match binary.op() {
            Operator::And | Operator::Or => is_leakproof_as_it_runs(left) && is_leakproof_as_it_runs(right),
            op if is_comparison(*op) => {
                (is_column(left) && is_constant(right)) || (is_constant(left) && is_column(right))
            }
            _ => false,
        };
    }
    if is_column(predicate) || Mutant::AnyPredicateBelow.is_on() {
        return true;
    }
    if let Some(not) = predicate.downcast_ref::<NotExpr>() {
        return is_leakproof_as_it_runs(not.arg());
    }
    if let Some(list) = predicate.downcast_ref::<InListExpr>() {
        return is_column(list.expr()) && list.list().iter().all(is_constant);
    }
    let null_test = predicate.downcast_ref::<IsNullExpr>().map(IsNullExpr::arg);
    let null_test = null_test.or_else(|| predicate.downcast_ref::<IsNotNullExpr>().map(IsNotNullExpr::arg));
    null_test.is_some_and(is_column)
}

fn is_comparison(op: Operator) -> bool {
    matches!(
        op,
        Operator::Eq | Operator::NotEq | Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use arrow::datatypes::{DataType, Field, Schema};
    use datafusion::common::{DFSchema, ScalarValue};
    use datafusion::logical_expr::execution_props::ExecutionProps;
    use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
    use datafusion::logical_expr::{cast, col, lit};
    use datafusion::physical_expr::create_physical_expr;

    use super::*;

    /// Both checks on one predicate over the columns `id` and `other`, which are 64-bit integers, `name`, a text, and `active`.
    fn checks(predicate: &Expr) -> (bool, bool) {
        let fields = [
            Field::new("id", DataType::Int64, true),
            Field::new("other", DataType::Int64, true),
            Field::new("name", DataType::Utf8, true),
            Field::new("active", DataType::Boolean, true),
        ];
        let schema = DFSchema::try_from(Schema::new(fields.to_vec())).unwrap();
        let physical = create_physical_expr(
            predicate,
            &schema,
            &ExecutionProps::new(),
            &PhysicalPlanningContext::default(),
        )
        .unwrap();
        (is_leakproof(predicate), is_leakproof_as_it_runs(&physical))
    }

    #[test]
    fn comparisons_of_bare_columns_with_constants_may_go_below() {
        let id = || col("id");
        for predicate in [
            id().eq(lit(5_i64)),
            lit(5_i64).lt(id()),
            id().between(lit(1_i64), lit(9_i64)),
            id().in_list(vec![lit(1_i64), lit(2_i64)], true),
            id().is_null().or(col("name").is_not_null().and(id().not_eq(lit(3_i64)))),
            Expr::Not(Box::new(id().gt(lit(5_i64)))),
            id().eq(lit(ScalarValue::Int64(None))),
            col("active").or(Expr::Not(Box::new(col("active")))),
        ] {
            assert_eq!(checks(&predicate), (true, true), "{predicate}");
        }
    }

    #[test]
    fn whatever_may_fail_or_compute_stays_above() {
        let id = || col("id");
        for predicate in [
            (lit(1_i64) / (id() - lit(5_i64))).gt(lit(0_i64)),
            cast(col("name"), DataType::Int64).eq(lit(5_i64)),
            id().eq(col("other")),
            id().in_list(vec![lit(1_i64), col("other")], false),
            col("name").like(lit("a%")),
            id().gt(lit(0_i64)).and((id() + lit(1_i64)).gt(lit(0_i64))),
            (id() + lit(1_i64)).is_null(),
            lit(true),
        ] {
            assert_eq!(checks(&predicate), (false, false), "{predicate}");
        }
    }
}
