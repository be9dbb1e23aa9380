//! Plans a Substrait plan over the names of one query.
//!
//! The same tables, functions and checks as for SQL: what comes out is a plan like the planner's, and goes the same way.
//!
//! Invariants
//! - A table is one of the query's own; a plan cannot bring a file, a location or an extension that reads.
//! - A condition of a read stands in a filter above the scan, as if SQL had asked for it. DataFusion's consumer puts it into
//!   the scan and trusts that the table applies it, but what of it may go below the barrier is decided when the plan is
//!   optimised.

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, TableReference, exec_datafusion_err};
use datafusion::datasource::source_as_provider;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::planner::ContextProvider;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Filter, LogicalPlan, TableScan};
use datafusion_substrait::extensions::Extensions;
use datafusion_substrait::logical_plan::consumer::{SubstraitConsumer, from_substrait_plan_with_consumer};
use futures::FutureExt;

use super::names::QueryNames;
use crate::sql::SubstraitPlan;

impl QueryNames<'_> {
    /// Turns a Substrait plan into one of ours.
    ///
    /// # Errors
    /// DataFusion's, in its words.
    pub(super) fn plan_substrait(&self, plan: &SubstraitPlan) -> Result<LogicalPlan> {
        let extensions = Extensions::try_from(&plan.message().extensions)?;
        let consumer = Consumer { names: self, plan, extensions, outer: RwLock::default() };
        // Nothing in it waits: names are looked up in memory.
        let planned = from_substrait_plan_with_consumer(&consumer, plan.message()).now_or_never();
        let planned =
            planned.ok_or_else(|| exec_datafusion_err!("a Substrait plan waits for something"))??;
        Ok(planned.transform_up_with_subqueries(above_its_scan)?.data)
    }
}

/// Looks up what a plan names.
struct Consumer<'a> {
    names: &'a QueryNames<'a>,
    plan: &'a SubstraitPlan,
    extensions: Extensions,
    /// The schemas around a subquery, the innermost last.
    outer: RwLock<Vec<Arc<DFSchema>>>,
}

#[async_trait]
impl SubstraitConsumer for Consumer<'_> {
    async fn resolve_table_ref(&self, reference: &TableReference) -> Result<Option<Arc<dyn TableProvider>>> {
        let name = self.plan.planner_name(reference)?;
        source_as_provider(&self.names.get_table_source(name)?).map(Some)
    }

    fn get_extensions(&self) -> &Extensions {
        &self.extensions
    }

    fn get_function_registry(&self) -> &impl FunctionRegistry {
        self.names.state()
    }

    fn push_outer_schema(&self, schema: Arc<DFSchema>) {
        self.outer.write().unwrap_or_else(PoisonError::into_inner).push(schema);
    }

    fn pop_outer_schema(&self) {
        self.outer.write().unwrap_or_else(PoisonError::into_inner).pop();
    }

    fn get_outer_schema(&self, steps_out: usize) -> Option<Arc<DFSchema>> {
        let outer = self.outer.read().unwrap_or_else(PoisonError::into_inner);
        outer.len().checked_sub(steps_out).and_then(|index| outer.get(index).cloned())
    }
}

/// Moves the conditions that stand in a scan into a filter.
fn above_its_scan(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let LogicalPlan::TableScan(scan) = node else { return Ok(Transformed::no(node)) };
    let Some(condition) = conjunction(scan.filters.iter().cloned()) else {
        return Ok(Transformed::no(LogicalPlan::TableScan(scan)));
    };
    let scan = LogicalPlan::TableScan(TableScan { filters: Vec::new(), ..scan });
    Ok(Transformed::yes(LogicalPlan::Filter(Filter::try_new(condition, Arc::new(scan))?)))
}
