//! Operands in the types in which they are computed: the engine's coercion, with what [`mixed`] knows better before each step.
//!
//! It takes the place of the engine's rule and not one before it, because a type is known only when all below it are: a CASE has
//! the type of its first branch until its branches were brought together, and so a rule that comes before would compare that.
//!
//! The engine's fault besides: the type of `round(decimal, 1)` follows from the constant, which it sees only when the cast
//! around it is folded, long after the other side of a comparison was fitted to the type without it.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRewriter};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Cast, Expr, ExprSchemable, LogicalPlan, Union};
use datafusion::optimizer::analyzer::AnalyzerRule;
use datafusion::optimizer::analyzer::type_coercion::TypeCoercionRewriter;

use super::{mixed, whole};
use crate::planner::{relations, similar, time};

/// A function whose type follows from a constant argument.
const BY_CONSTANT: &str = "round";

/// See the file's head.
#[derive(Debug)]
pub(super) struct ExactTypes;

impl AnalyzerRule for ExactTypes {
    fn name(&self) -> &'static str {
        "exact_types"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        Ok(plan.transform_up_with_subqueries(typed)?.data)
    }
}

/// The columns that a node's expressions may name.
pub(super) fn columns_of(plan: &LogicalPlan) -> Result<DFSchema> {
    let mut schema = merge_schema(&plan.inputs());
    if let LogicalPlan::TableScan(scan) = plan {
        schema.merge(&DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())?);
    }
    Ok(schema)
}

fn typed(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let schema = columns_of(&plan)?;
    let plan = match plan {
        LogicalPlan::Filter(mut filter) => {
            filter.predicate = filter.predicate.cast_to(&DataType::Boolean, &schema)?;
            LogicalPlan::Filter(filter)
        }
        other => other,
    };
    let names = NamePreserver::new(&plan);
    let plan = plan.map_expressions(|expr| {
        let name = names.save(&expr);
        let typed = expr.transform_up(|expr| typed_expr(expr, &schema))?;
        Ok(typed.update_data(|expr| name.restore(expr)))
    })?;
    plan.map_data(|plan| relations::with_common_types(plan, united))?
        .map_data(mixed::of_node)?
        .map_data(|plan| TypeCoercionRewriter::new(&schema).coerce_plan(plan))?
        .map_data(LogicalPlan::recompute_schema)
}

/// The types of the columns of a UNION of these.
fn united(inputs: Vec<Arc<LogicalPlan>>) -> Result<Vec<DataType>> {
    let union = mixed::of_node(LogicalPlan::Union(Union::try_new_with_loose_types(inputs)?))?;
    let union = TypeCoercionRewriter::new(&DFSchema::empty()).coerce_plan(union)?;
    Ok(union.schema().fields().iter().map(|field| field.data_type().clone()).collect())
}

fn typed_expr(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let expr = match expr {
        Expr::SimilarTo(similar) => similar::as_regular_expression(similar)?,
        other => time::of_expr(whole::rounded(other, schema)?, schema)?,
    };
    let expr = mixed::of_expr(expr, schema)?;
    let typed = TypeCoercionRewriter::new(schema).f_up(expr)?;
    Ok(typed.update_data(with_constants))
}

/// A call whose type follows from a constant, that constant in its own type.
fn with_constants(expr: Expr) -> Expr {
    match expr {
        Expr::ScalarFunction(ScalarFunction { func, args }) if func.name() == BY_CONSTANT => {
            let args = args.into_iter().map(folded).collect();
            Expr::ScalarFunction(ScalarFunction::new_udf(func, args))
        }
        other => other,
    }
}

fn folded(expr: Expr) -> Expr {
    let value = match &expr {
        Expr::Cast(Cast { expr, field }) => match expr.as_ref() {
            Expr::Literal(value, _) => value.cast_to(field.data_type()).ok(),
            _ => None,
        },
        _ => None,
    };
    value.map_or(expr, |value| Expr::Literal(value, None))
}
