//! Clauses of function calls that the planner reads for aggregates and windows alone: `upper(distinct name)`, `abs(x) over ()`
//! and `lower(name) filter (where …)` would be answered as if they were not there.

use std::ops::ControlFlow;

use datafusion::execution::session_state::SessionState;
use datafusion::sql::sqlparser::ast::{Expr, Function, FunctionArguments, Statement, visit_expressions};

use crate::error::{Error, ErrorKind};

/// Refuses a call of a function for single values with a clause that only aggregates and windows have.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] with the function's name.
pub(super) fn check(statement: &Statement, state: &SessionState) -> Result<(), Error> {
    let found = visit_expressions(statement, |expr| match expr {
        Expr::Function(function) if has_clause(function) && is_scalar(function, state) => {
            ControlFlow::Break(function.name.to_string())
        }
        _ => ControlFlow::Continue(()),
    });
    match found {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(name) => Err(Error::new(
            ErrorKind::InvalidRequest,
            "DISTINCT, FILTER, OVER, ORDER BY and IGNORE NULLS belong to aggregates and windows; leave them out of",
        )
        .echoing(&name)),
    }
}

fn has_clause(function: &Function) -> bool {
    let in_list = match &function.args {
        FunctionArguments::List(list) => list.duplicate_treatment.is_some() || !list.clauses.is_empty(),
        FunctionArguments::None | FunctionArguments::Subquery(_) => false,
    };
    in_list
        || function.filter.is_some()
        || function.null_treatment.is_some()
        || function.over.is_some()
        || !function.within_group.is_empty()
}

fn is_scalar(function: &Function, state: &SessionState) -> bool {
    let name = function.name.to_string().to_lowercase();
    let name = name.trim_matches('"');
    let is_unnest = name == "unnest" || name == "unnest_outer";
    is_unnest
        || state.scalar_functions().contains_key(name)
        || state.higher_order_functions().contains_key(name)
}
