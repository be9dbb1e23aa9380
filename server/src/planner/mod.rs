//! Plans between the user's words and the engine: what the engine would answer wrongly is planned rightly, or refused.
//!
//! Whoever reads a plan here is outside of the gate: no row is let through by anything in this room, and nothing of it reaches
//! below a guarded scan.
//!
//! - [`parameters`]: the types of parameters.
//! - [`descriptions`]: what drivers are told of a result's columns.
//! - [`numbers`]: arithmetic, casts, sums and averages.
//! - [`ranks`]: numbers of rows.
//! - [`relations`]: joined columns, set operations and subqueries.
//! - [`time`]: dates, timestamps and intervals.
//! - [`extremes`], [`shifts`], [`similar`]: single functions and operators.

mod delegated;
mod descriptions;
mod extremes;
mod limited_distinct;
mod numbers;
mod parameters;
mod ranks;
mod relations;
mod shifts;
mod similar;
mod time;

use std::sync::Arc;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};
use datafusion::optimizer::analyzer::AnalyzerRule;

pub(crate) use self::descriptions::{described, described_table};
pub(crate) use self::limited_distinct::LimitedDistinct;
pub(crate) use self::numbers::{as_written, type_with_length};
pub(crate) use self::parameters::{BesideTime, typed_by_place};
pub(crate) use self::relations::{make_plannable, of_several_rows, with_joined_columns, with_lone_rows};
pub(crate) use self::time::IntervalFactors;

type AnalyzerRules = Vec<Arc<dyn AnalyzerRule + Send + Sync>>;

/// The same analysers with those of this room.
pub(crate) fn analyzer_rules(rules: AnalyzerRules) -> AnalyzerRules {
    relations::with_rules(numbers::with_rules(rules))
}

/// The same aggregate functions, those of this room in the place of the engine's.
pub(crate) fn aggregates(functions: Vec<Arc<AggregateUDF>>) -> Vec<Arc<AggregateUDF>> {
    numbers::aggregates(functions.into_iter().map(extremes::in_order).collect())
}

/// The same function, or that of this room in its place.
pub(crate) fn scalar(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    numbers::scalar(time::exact(function))
}

/// The same window functions, those that number rows with a bigint.
pub(crate) fn windows(functions: Vec<Arc<WindowUDF>>) -> Vec<Arc<WindowUDF>> {
    functions.into_iter().map(ranks::in_bigint).map(shifts::over_whole).collect()
}

/// Whether a call is one that this room puts into plans, and makes nothing that has no fixed width.
pub(crate) fn is_free(function: &ScalarUDF) -> bool {
    numbers::is_own(function) || relations::is_own(function) || time::is_own(function)
}
