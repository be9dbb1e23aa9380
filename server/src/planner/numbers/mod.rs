//! Numbers as SQL has them: no digit is lost and nothing wraps around without a word.
//!
//! The engine computes integers modulo a power of two, lets decimals grow beyond their digits, cuts quotients and averages where
//! their type rounds, compares decimals with doubles by a type that holds neither, takes casts out of comparisons that would
//! have changed the value, cuts where a cast rounds, and gives NaN a sign. Each file here answers one of these; its head names the
//! fault.
//!
//! Invariant: all of it is done on analysed plans, above the tables. Nothing here moves an expression, so whoever sees an error
//! sees it of visible rows alone.

mod aggregates;
mod arithmetic;
mod casts;
mod checked;
mod lengths;
mod mixed;
mod nan;
mod quotient;
mod shown;
mod sliding;
mod totals;
mod typed;
mod whole;
mod zeros;

use std::sync::Arc;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use datafusion::optimizer::analyzer::AnalyzerRule;

pub(crate) use self::lengths::type_with_length;
pub(crate) use self::shown::as_written;

type Rules = Vec<Arc<dyn AnalyzerRule + Send + Sync>>;

/// The engine's rule that brings operands to common types; ours takes its place.
const OF_TYPES: &str = "type_coercion";

/// The same analysers with ours: types by [`typed`] instead of the engine's rule, and all arithmetic checked behind the last.
pub(super) fn with_rules(mut rules: Rules) -> Rules {
    for rule in &mut rules {
        if rule.name() == OF_TYPES {
            *rule = Arc::new(typed::ExactTypes);
        }
    }
    rules.push(Arc::new(checked::CheckedArithmetic));
    rules
}

/// The same function, or one to which both zeros are equal.
pub(super) fn scalar(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    zeros::equal(function)
}

/// The same aggregate functions, sums and averages exact.
pub(super) fn aggregates(functions: Vec<Arc<AggregateUDF>>) -> Vec<Arc<AggregateUDF>> {
    functions.into_iter().map(aggregates::exact).collect()
}

/// Whether a call is one that [`with_rules`] puts into plans: its result is a number, or its argument.
pub(super) fn is_own(function: &ScalarUDF) -> bool {
    let inner = function.inner();
    inner.is::<arithmetic::Arithmetic>()
        || inner.is::<casts::Kept>()
        || inner.is::<lengths::Fits>()
        || inner.is::<whole::Nearest>()
}
