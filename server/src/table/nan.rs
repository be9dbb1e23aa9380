//! Predicates that NaN satisfies, kept from leaving out what only bounds say that they may.
//!
//! To the engine NaN equals itself and is larger than all numbers, as it is to Spark. Bounds do not count it: JSON has no NaN
//! for Delta's statistics, and Parquet's leave it out (parquet.thrift, `ColumnOrder`). By its bounds a file of small numbers
//! and a NaN has nothing for `x > 5`. So such a comparison gets `OR isnan(x)`, which says the same of every row, and of
//! which bounds say nothing.
//!
//! A NaN with its sign set the engine takes for smaller than all numbers. Of that one bounds go on to say nothing: to keep
//! every file for `x < 5` too would leave no use in the bounds of floats, for a value that only faulty arithmetic writes.
//!
//! Where another part of the conjunction rules NaN out (`x > 5 AND x < 9`), all parts stay as they are.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Result, ScalarValue};
use datafusion::functions::math::isnan;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, InListExpr, Literal};
use datafusion::physical_expr::utils::{collect_columns, conjunction};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr, split_conjunction};

/// A predicate that is true of the same rows, and that bounds without NaN decide rightly.
///
/// # Arguments
/// * `schema` - has the predicate's columns, by their indices.
///
/// # Errors
/// Only a defect.
pub(super) fn with_nan(predicate: &Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let parts = split_conjunction(predicate);
    let ruled_out: HashSet<Column> = parts
        .iter()
        .filter_map(|part| Comparison::of(part, schema))
        .filter_map(Comparison::rules_out)
        .collect();
    let is_open = |comparison: &Comparison| {
        comparison.finds_nan()
            && !collect_columns(&comparison.value).iter().all(|column| ruled_out.contains(column))
    };
    let widen = |expr: Arc<dyn PhysicalExpr>| match Comparison::of(&expr, schema).filter(&is_open) {
        Some(Comparison { value, .. }) => {
            let options = Arc::new(ConfigOptions::default());
            let is_nan = Arc::new(ScalarFunctionExpr::try_new(isnan(), vec![value], schema, options)?);
            Ok(Transformed::yes(
                Arc::new(BinaryExpr::new(expr, Operator::Or, is_nan)) as Arc<dyn PhysicalExpr>
            ))
        }
        None => Ok(Transformed::no(expr)),
    };
    let parts = parts.into_iter().map(|part| Arc::clone(part).transform_up(widen).data());
    Ok(conjunction(parts.collect::<Result<Vec<_>>>()?))
}

/// A value from a column of floats, compared with constants.
struct Comparison {
    value: Arc<dyn PhysicalExpr>,
    /// With the value on the left.
    operator: Operator,
    constants: Vec<ScalarValue>,
}

impl Comparison {
    fn of(expr: &Arc<dyn PhysicalExpr>, schema: &Schema) -> Option<Self> {
        let constant = |expr: &Arc<dyn PhysicalExpr>| Some(expr.downcast_ref::<Literal>()?.value().clone());
        let comparison = if let Some(list) = expr.downcast_ref::<InListExpr>() {
            let operator = if list.negated() { Operator::NotEq } else { Operator::Eq };
            let constants = list.list().iter().map(constant).collect::<Option<_>>()?;
            Self { value: Arc::clone(list.expr()), operator, constants }
        } else {
            let binary = expr.downcast_ref::<BinaryExpr>()?;
            let (value, operator, constant) = match (constant(binary.left()), constant(binary.right())) {
                (None, Some(right)) => (binary.left(), *binary.op(), right),
                (Some(left), None) => (binary.right(), binary.op().swap()?, left),
                _ => return None,
            };
            Self { value: Arc::clone(value), operator, constants: vec![constant] }
        };
        let is_comparison = matches!(
            comparison.operator,
            Operator::Eq
                | Operator::NotEq
                | Operator::Lt
                | Operator::LtEq
                | Operator::Gt
                | Operator::GtEq
                | Operator::IsDistinctFrom
                | Operator::IsNotDistinctFrom
        );
        let is_float = |column: &Column| {
            schema.fields().get(column.index()).is_some_and(|field| field.data_type().is_floating())
        };
        let compares_floats = is_comparison
            && comparison.value.data_type(schema).is_ok_and(|data_type| data_type.is_floating())
            && collect_columns(&comparison.value).iter().any(is_float);
        compares_floats.then_some(comparison)
    }

    /// Whether it may be true of NaN.
    fn finds_nan(&self) -> bool {
        match self.operator {
            Operator::Lt | Operator::LtEq | Operator::Eq | Operator::IsNotDistinctFrom => {
                self.constants.iter().any(is_nan)
            }
            _ => true,
        }
    }

    /// The column that is no NaN in any row for which it is true.
    fn rules_out(self) -> Option<Column> {
        let column = self.value.downcast_ref::<Column>().cloned();
        column.filter(|_| !self.finds_nan())
    }
}

fn is_nan(constant: &ScalarValue) -> bool {
    match constant {
        ScalarValue::Float16(value) => value.is_some_and(|value| value.is_nan()),
        ScalarValue::Float32(value) => value.is_some_and(f32::is_nan),
        ScalarValue::Float64(value) => value.is_some_and(f64::is_nan),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use arrow::datatypes::{DataType, Field};
    use datafusion::common::DFSchema;
    use datafusion::logical_expr::execution_props::ExecutionProps;
    use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
    use datafusion::logical_expr::{Expr, cast, col, in_list, lit, when};
    use datafusion::physical_expr::create_physical_expr;

    use super::*;

    fn widened(predicate: &Expr) -> String {
        let schema = Schema::new(vec![
            Field::new("x", DataType::Float64, true),
            Field::new("y", DataType::Float32, true),
            Field::new("n", DataType::Int64, true),
        ]);
        let names = DFSchema::try_from(schema.clone()).unwrap();
        let (props, context) = (ExecutionProps::new(), PhysicalPlanningContext::default());
        let predicate = create_physical_expr(predicate, &names, &props, &context).unwrap();
        with_nan(&predicate, &schema).unwrap().to_string()
    }

    #[test]
    fn what_nan_satisfies_is_kept_from_bounds_and_nothing_else_is() {
        let nan = || lit(f64::NAN);
        for (predicate, expected) in [
            (col("x").gt(lit(5.0)), "x@0 > 5 OR isnan(x@0)"),
            (lit(5.0).lt_eq(col("x")), "5 <= x@0 OR isnan(x@0)"),
            (col("x").not_eq(lit(5.0)), "x@0 != 5 OR isnan(x@0)"),
            (col("x").eq(nan()), "x@0 = NaN OR isnan(x@0)"),
            (in_list(col("x"), vec![lit(1.0), nan()], false), "x@0 IN (SET) ([1, NaN]) OR isnan(x@0)"),
            (
                cast(col("y"), DataType::Float64).gt(lit(5.0)),
                "CAST(y@1 AS Float64) > 5 OR isnan(CAST(y@1 AS Float64))",
            ),
            (col("x").eq(lit(5.0)), "x@0 = 5"),
            (col("x").lt(lit(5.0)), "x@0 < 5"),
            (in_list(col("x"), vec![lit(1.0)], false), "x@0 IN (SET) ([1])"),
            ((col("x") * lit(1.2)).gt(lit(5.0)), "x@0 * 1.2 > 5 OR isnan(x@0 * 1.2)"),
            (
                when(col("x").lt(lit(1.0)), lit("a")).otherwise(lit("b")).unwrap().not_eq(lit("a")),
                "CASE WHEN x@0 < 1 THEN a ELSE b END != a",
            ),
            (col("n").gt(lit(5_i64)), "n@2 > 5"),
            (cast(col("n"), DataType::Float64).gt(lit(5.5)), "CAST(n@2 AS Float64) > 5.5"),
            (col("x").gt(lit(5.0)).and(col("x").lt_eq(lit(9.0))), "x@0 > 5 AND x@0 <= 9"),
            (col("x").gt(lit(5.0)).and(col("y").lt(lit(9.0_f32))), "(x@0 > 5 OR isnan(x@0)) AND y@1 < 9"),
            (
                col("n").eq(lit(1_i64)).or(col("x").gt(lit(5.0)).and(col("x").lt(lit(9.0)))),
                "n@2 = 1 OR (x@0 > 5 OR isnan(x@0)) AND x@0 < 9",
            ),
        ] {
            assert_eq!(widened(&predicate), expected, "{predicate}");
        }
    }
}
