//! What is compared with a column is brought to the type that columns have in Delta.
//!
//! Moments have microseconds, and UTC or no zone. The engine compares them in nanoseconds wherever a text, a date, or a function
//! like `now` is on the other side. That ends in the year 2262, and lakes are full of rows that are valid until 9999-12-31. What
//! the other side has beyond microseconds is cut off. It also puts a cast around the column, below which no file is left out. So
//! the other side is changed before the engine sees it. No result has another type by that: comparisons are true or false.
//!
//! What is compared with a decimal is the matter of [`planner`](crate::planner).
//!
//! `timestamp` in SQL is the same type as in Delta, and so are the names for it and for texts and bytes that other engines know.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::datatype::DataTypeExt;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::planner::TypePlanner;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Cast, Expr, ExprSchemable, LogicalPlan};
use datafusion::optimizer::analyzer::{Analyzer, AnalyzerRule};
use datafusion::sql::sqlparser::ast::{DataType as SqlType, TimezoneInfo};

use crate::planner;

/// The engine's own rules behind ours.
pub(super) fn analyzer_rules() -> Vec<Arc<dyn AnalyzerRule + Send + Sync>> {
    let mut rules: Vec<Arc<dyn AnalyzerRule + Send + Sync>> = vec![Arc::new(ComparedAsDelta)];
    rules.extend(Analyzer::new().rules);
    rules
}

/// A moment; with a zone it is UTC, as in every Delta table.
fn moment(has_zone: bool) -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, has_zone.then(|| Arc::from("UTC")))
}

/// The types of SQL that Delta has, by the names of other engines too.
#[derive(Debug)]
pub(super) struct DeltaTypes;

impl TypePlanner for DeltaTypes {
    fn plan_type_field(&self, sql_type: &SqlType) -> Result<Option<FieldRef>> {
        let planned = match sql_type {
            SqlType::Timestamp(None | Some(6), zone) => {
                moment(matches!(zone, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone))
            }
            SqlType::TimestampNtz(None | Some(6)) | SqlType::Datetime(None | Some(6)) => moment(false),
            SqlType::CharacterVarying(None) | SqlType::CharVarying(None) | SqlType::Character(None) => {
                DataType::Utf8View
            }
            SqlType::Binary(None) | SqlType::Varbinary(None) | SqlType::Blob(None) => DataType::Binary,
            other => return planner::type_with_length(other),
        };
        Ok(Some(planned.into_nullable_field_ref()))
    }
}

/// See the file's head.
#[derive(Debug)]
struct ComparedAsDelta;

impl AnalyzerRule for ComparedAsDelta {
    fn name(&self) -> &'static str {
        "compared_as_delta"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        Ok(plan.transform_up_with_subqueries(compared)?.data)
    }
}

fn compared(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let schema = merge_schema(&plan.inputs());
    let names = NamePreserver::new(&plan);
    plan.map_expressions(|expr| {
        let name = names.save(&expr);
        let rewritten = expr.transform_up(|expr| compared_expr(expr, &schema))?;
        Ok(rewritten.update_data(|expr| name.restore(expr)))
    })
}

fn compared_expr(mut expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let mut sides: Vec<&mut Expr> = match &mut expr {
        Expr::BinaryExpr(binary) if binary.op.supports_propagation() => {
            vec![binary.left.as_mut(), binary.right.as_mut()]
        }
        Expr::Between(between) => {
            vec![between.expr.as_mut(), between.low.as_mut(), between.high.as_mut()]
        }
        Expr::InList(list) => std::iter::once(list.expr.as_mut()).chain(&mut list.list).collect(),
        _ => return Ok(Transformed::no(expr)),
    };
    let types: Vec<DataType> = sides.iter().map(|side| side.get_type(schema)).collect::<Result<_>>()?;
    let mut is_changed = false;
    for (side, found) in sides.iter_mut().zip(&types) {
        let changed = types.iter().find_map(|wanted| brought(side, found, wanted));
        if let Some(changed) = changed {
            **side = changed;
            is_changed = true;
        }
    }
    Ok(Transformed::new_transformed(expr, is_changed))
}

/// One side of a comparison, as it is compared with a side of another type.
fn brought(side: &Expr, found: &DataType, other: &DataType) -> Option<Expr> {
    match (found, other) {
        (
            DataType::Timestamp(TimeUnit::Nanosecond, _)
            | DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Date32
            | DataType::Date64,
            DataType::Timestamp(TimeUnit::Microsecond, _),
        ) => Some(Expr::Cast(Cast::new(Box::new(side.clone()), other.clone()))),
        _ => None,
    }
}
