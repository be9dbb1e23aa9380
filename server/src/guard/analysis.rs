//! Plans in their types: analysed before anybody is told of their columns, and optimised after that.
//!
//! Before it is analysed a plan knows the types of its columns only roughly. What is announced is what an analysed plan says, so
//! that rows are never brought to a type in which they were not computed.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::Result as PlanResult;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;

use super::redact::from_datafusion;
use crate::error::Error;
use crate::planner;

/// A plan whose operands have the types in which they are computed. Before that, a UNION or a CASE has the type of its first
/// branch, whatever the others are.
pub(super) fn analysed(state: &SessionState, plan: LogicalPlan) -> Result<LogicalPlan, Error> {
    state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {}).map_err(from_datafusion)
}

/// An analysed plan, and the plan that values are put into if it has parameters.
///
/// # Errors
/// The planner's.
pub(super) fn typed(
    state: &SessionState,
    plan: LogicalPlan,
) -> Result<(LogicalPlan, Option<LogicalPlan>), Error> {
    if plan.get_parameter_types().map_err(from_datafusion)?.is_empty() {
        return Ok((analysed(state, plan)?, None));
    }
    let unbound = planner::typed_by_place(plan).map_err(from_datafusion)?;
    // What a parameter without a type stands for may decide whether the rest fits; that is known when it is bound.
    let plan = analysed(state, unbound.clone()).unwrap_or_else(|_| unbound.clone());
    Ok((plan, Some(unbound)))
}

/// An analysed plan, optimised.
pub(super) fn optimised(state: &SessionState, analysed: LogicalPlan) -> PlanResult<LogicalPlan> {
    state.optimizer().optimize(analysed, state, |_, _| {})
}

/// The columns of a statement with values, nullable where the statement without them is: a client that prepares a statement
/// is told of its columns before it binds anything.
pub(super) fn as_announced(bound: &SchemaRef, announced: &SchemaRef) -> SchemaRef {
    let fields = bound.fields().iter().zip(announced.fields()).map(|(bound, announced)| {
        let is_nullable = bound.is_nullable() || announced.is_nullable();
        bound.as_ref().clone().with_nullable(is_nullable)
    });
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), bound.metadata().clone()))
}
