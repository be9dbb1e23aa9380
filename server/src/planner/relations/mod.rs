//! Joined columns, set operations and subqueries as the SQL standard has them.
//!
//! The engine gives the left column where a join merges two, forgets how often rows occur in EXCEPT ALL and INTERSECT ALL, and
//! turns subqueries into joins by moving conditions over operators that they cannot be moved over. Each file here answers one
//! of these, or another fault of that kind; its head names it.
//!
//! Invariant: plans are rewritten above the tables, of whose rows they see the visible ones alone.

mod dependent;
mod lateral;
mod lone_rows;
mod no_row;
mod one_row;
mod right;
mod set_operations;
mod shapes;
mod subqueries;
mod using;
mod written;

use std::cell::Cell;
use std::sync::Arc;

use datafusion::common::{DataFusionError, TableReference};
use datafusion::logical_expr::ScalarUDF;
use datafusion::optimizer::analyzer::AnalyzerRule;

pub(crate) use self::lone_rows::with_lone_rows;
pub(crate) use self::one_row::of_several_rows;
pub(super) use self::set_operations::with_common_types;
pub(crate) use self::using::with_joined_columns;
pub(crate) use self::written::make_plannable;
use crate::error::{Error, ErrorKind};

type Rules = Vec<Arc<dyn AnalyzerRule + Send + Sync>>;

/// The same analysers with ours: which values may be NULL before types are brought together, set operations and subqueries when
/// all types are known.
pub(super) fn with_rules(rules: Rules) -> Rules {
    let mut with_ours: Rules = vec![Arc::new(no_row::NoRow)];
    with_ours.extend(rules);
    with_ours.push(Arc::new(set_operations::CountedRows));
    with_ours.push(Arc::new(subqueries::Subqueries));
    with_ours
}

/// Whether a call is one that [`with_rules`] puts into plans: its result is its argument.
pub(super) fn is_own(function: &ScalarUDF) -> bool {
    function.inner().is::<one_row::OneRow>()
}

/// Names of relations that nobody else writes, each given once in a plan.
#[derive(Default)]
struct Fresh(Cell<usize>);

impl Fresh {
    fn name(&self) -> TableReference {
        let number = self.0.get() + 1;
        self.0.set(number);
        // The letter is one of private use.
        TableReference::bare(format!("subquery\u{e6f4}{number}"))
    }
}

/// What a query asks for and cannot be planned.
fn unsupported(text: &'static str) -> DataFusionError {
    Error::new(ErrorKind::Unsupported, text).into()
}
