//! Dates, timestamps and intervals: no hour is dropped, no far year overflows, and one moment has one clock.
//!
//! The engine's fault answered here: a date beside an interval stays a date, whatever hours the interval has; and beside a
//! timestamp it becomes one of nanoseconds, which end in 2262. Those of functions are named in the files beside this one.
//!
//! `date + interval` is a date if the interval is a constant of days and months, and a timestamp otherwise: the type follows from
//! the statement, not from values.

mod bins;
mod clock;
mod days;
mod factors;
mod intervals;
mod parts;
mod truncation;
mod units;
mod zones;

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    BinaryExpr, Cast, Expr, ExprSchemable, LogicalPlan, Operator, ScalarUDF, TryCast,
};

pub(crate) use self::factors::IntervalFactors;

/// A timestamp without a zone.
const MOMENT: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

/// The function, if it is one of these, for all moments.
pub(super) fn exact(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    match function.name() {
        "date_part" => parts::exact(function),
        "date_trunc" => truncation::exact(function),
        "date_bin" => bins::exact(function),
        _ => function,
    }
}

/// Whether a call is one that is put into plans here.
pub(super) fn is_own(function: &ScalarUDF) -> bool {
    let inner = function.inner();
    inner.is::<intervals::OfInterval>()
        || inner.is::<zones::Shown>()
        || inner.is::<factors::Scaled>()
        || inner.is::<days::DaysLater>()
}

/// The operator that a call stands for which is put into plans here, to be shown.
pub(super) fn as_written(call: &ScalarFunction) -> Option<Expr> {
    days::as_written(call)
}

/// The expression, its dates and intervals in types that hold what it computes.
pub(super) fn of_expr(mut expr: Expr, schema: &DFSchema) -> Result<Expr> {
    match &mut expr {
        Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::Plus | Operator::Minus), right }) => {
            let (left_type, right_type) = (left.get_type(schema)?, right.get_type(schema)?);
            if is_date(&left_type) && takes_hours(right, &right_type) {
                cast(left, &MOMENT);
            } else if *op == Operator::Plus && is_date(&right_type) && takes_hours(left, &left_type) {
                cast(right, &MOMENT);
            } else if *op == Operator::Minus
                && let Some(moment) = common_moment(&[left_type.clone(), right_type.clone()])
            {
                for (side, found) in [(left, left_type), (right, right_type)] {
                    if found != moment && !found.is_null() {
                        cast(side, &moment);
                    }
                }
            } else if left_type == DataType::Date32 && right_type.is_integer() {
                let (date, days) = (std::mem::take(left.as_mut()), std::mem::take(right.as_mut()));
                expr = days::later(date, days, &right_type, *op == Operator::Plus);
            } else if *op == Operator::Plus && left_type.is_integer() && right_type == DataType::Date32 {
                let (days, date) = (std::mem::take(left.as_mut()), std::mem::take(right.as_mut()));
                expr = days::later(date, days, &left_type, true);
            }
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if op.supports_propagation() => {
            by_length(vec![left.as_mut(), right.as_mut()], schema)?;
        }
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::IsDistinctFrom | Operator::IsNotDistinctFrom,
            right,
        }) => by_length(vec![left.as_mut(), right.as_mut()], schema)?,
        Expr::Between(between) => {
            by_length(vec![between.expr.as_mut(), between.low.as_mut(), between.high.as_mut()], schema)?;
        }
        Expr::InList(list) => {
            by_length(std::iter::once(list.expr.as_mut()).chain(&mut list.list).collect(), schema)?;
        }
        Expr::ScalarFunction(ScalarFunction { func, args }) if func.name() == "date_part" => {
            // EXTRACT is planned with the engine's own.
            *func = parts::exact(Arc::clone(func));
            if let [_, value] = args.as_mut_slice()
                && matches!(value.get_type(schema)?, DataType::Duration(_))
            {
                *value = intervals::in_days(std::mem::take(value));
            }
        }
        Expr::Cast(Cast { expr, field }) | Expr::TryCast(TryCast { expr, field }) => {
            if let DataType::Timestamp(_, None) = field.data_type()
                && let DataType::Timestamp(_, Some(zone)) = expr.get_type(schema)?
                && zones::is_foreign(&zone)
            {
                **expr = zones::shown(std::mem::take(expr.as_mut()), &zone);
            }
        }
        _ => {}
    }
    Ok(expr)
}

/// Dates beside parameters that are intervals, as timestamps: whatever is bound, the type stays.
pub(super) fn beside_parameters(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut is_changed = false;
    let changed = plan.transform_up_with_subqueries(|node| {
        let schema = merge_schema(&node.inputs());
        let names = NamePreserver::new(&node);
        let node = node.map_expressions(|expr| {
            let name = names.save(&expr);
            let changed = expr.transform_up(|expr| {
                let is_beside = matches!(&expr, Expr::BinaryExpr(binary)
                    if matches!(*binary.left, Expr::Placeholder(_)) || matches!(*binary.right, Expr::Placeholder(_)));
                if !is_beside {
                    return Ok(Transformed::no(expr));
                }
                let before = expr.clone();
                let expr = of_expr(expr, &schema)?;
                Ok(Transformed::new_transformed(expr.clone(), expr != before))
            })?;
            Ok(changed.update_data(|expr| name.restore(expr)))
        })?;
        // Also above what was changed: its columns have other types.
        is_changed |= node.transformed;
        if is_changed { node.map_data(LogicalPlan::recompute_schema) } else { Ok(node) }
    })?;
    Ok(changed.data)
}

fn is_date(found: &DataType) -> bool {
    matches!(found, DataType::Date32 | DataType::Date64)
}

fn cast(date: &mut Expr, moment: &DataType) {
    let inner = std::mem::take(date);
    *date = Expr::Cast(Cast::new(Box::new(inner), moment.clone()));
}

/// Whether an expression is an interval that may have hours.
fn takes_hours(expr: &Expr, found: &DataType) -> bool {
    matches!(found, DataType::Interval(_)) && !has_days_only(expr)
}

fn has_days_only(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(ScalarValue::IntervalMonthDayNano(value), _) => {
            value.is_none_or(|value| value.nanoseconds == 0)
        }
        Expr::Literal(ScalarValue::IntervalYearMonth(_), _) => true,
        Expr::Negative(inner) => has_days_only(inner),
        Expr::Alias(alias) => has_days_only(&alias.expr),
        Expr::ScalarFunction(call) => factors::kept_days(&call.func, &call.args).is_some_and(has_days_only),
        _ => false,
    }
}

/// Intervals that are compared with one another, or with differences of timestamps, by their lengths.
fn by_length(sides: Vec<&mut Expr>, schema: &DFSchema) -> Result<()> {
    let types = sides.iter().map(|side| side.get_type(schema)).collect::<Result<Vec<_>>>()?;
    let is_text =
        |found: &DataType| matches!(found, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let is_measured = |found: &DataType| matches!(found, DataType::Interval(_) | DataType::Duration(_));
    let has_interval = types.iter().any(|found| matches!(found, DataType::Interval(_)));
    if !has_interval || !types.iter().all(|found| is_measured(found) || is_text(found) || found.is_null()) {
        return Ok(());
    }
    for (side, found) in sides.into_iter().zip(&types) {
        *side = intervals::length(std::mem::take(side), found);
    }
    Ok(())
}

/// The type in which dates and timestamps are brought together, if the engine would take nanoseconds for those of which some have
/// fewer digits: `coalesce(valid_to, now())` is for the year 9999 too. Digits beyond microseconds are cut off.
pub(super) fn common_moment(types: &[DataType]) -> Option<DataType> {
    let is_moment =
        |found: &DataType| matches!(found, DataType::Timestamp(_, _)) || is_date(found) || found.is_null();
    if !types.iter().all(is_moment) {
        return None;
    }
    let is_nanos = |found: &DataType| matches!(found, DataType::Timestamp(TimeUnit::Nanosecond, _));
    let stamps = || types.iter().filter(|found| matches!(found, DataType::Timestamp(_, _)));
    let is_mixed = stamps().any(is_nanos) && !stamps().all(is_nanos);
    if !is_mixed && !types.iter().any(is_date) {
        return None;
    }
    let zones: Vec<Option<&Arc<str>>> = stamps()
        .filter_map(|found| match found {
            DataType::Timestamp(_, zone) => Some(zone.as_ref()),
            _ => None,
        })
        .collect();
    let first = zones.first()?;
    // Those without a zone are read by the clock of UTC.
    let is_utc = |zone: &Option<&Arc<str>>| zone.is_none_or(|zone| !zones::is_foreign(zone));
    let have_one_clock = zones.iter().all(|zone| zone == first) || zones.iter().all(is_utc);
    let zone = zones.iter().flatten().next().map(|zone| Arc::clone(zone));
    have_one_clock.then_some(DataType::Timestamp(TimeUnit::Microsecond, zone))
}
