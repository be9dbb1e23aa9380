//! Plans a Substrait plan over the names of one query.
//!
//! The same tables, functions and checks as for SQL: what comes out is a plan like the planner's, and goes the same way.
//!
//! Invariants
//! - A table is one of the query's own; a plan cannot bring a file, a location or an extension that reads.
//! - A condition of a read stands in a filter above the scan, as if SQL had asked for it. DataFusion's consumer puts it into
//!   the scan and trusts that the table applies it, but what of it may go below the barrier is decided when the plan is
//!   optimised.
//! - What names nothing cannot grow in names: a column that comes from an expression is called by all of it, and the next
//!   relation can refer to it by its number a thousand times.
//! - Reading ends where relations look up too many columns. It never waits, so no deadline could end it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use arrow::datatypes::Field;
use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use datafusion::common::{
    Column, DFSchema, Result, TableReference, exec_datafusion_err, not_impl_err, plan_err,
};
use datafusion::datasource::source_as_provider;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::planner::ContextProvider;
use datafusion::logical_expr::{Expr, Filter, LogicalPlan, LogicalPlanBuilder};
use datafusion_substrait::extensions::Extensions;
use datafusion_substrait::logical_plan::consumer::{
    SubstraitConsumer, from_read_rel, from_scalar_function, from_substrait_plan_with_consumer,
    from_substrait_rel,
};
use datafusion_substrait::substrait::proto::expression::ScalarFunction;
use datafusion_substrait::substrait::proto::{ReadRel, Rel};
use futures::FutureExt;

use super::names::QueryNames;
use crate::sql::SubstraitPlan;

/// Longest name of a column, in bytes; those of tables are shorter.
const NAME_BYTES: usize = 256;

/// Most columns that may be looked up while a plan is read.
const LOOKUP_LIMIT: usize = 200_000_000;

impl QueryNames<'_> {
    /// Turns a Substrait plan into one of ours.
    ///
    /// # Errors
    /// DataFusion's, in its words.
    pub(super) fn plan_substrait(&self, plan: &SubstraitPlan) -> Result<LogicalPlan> {
        let extensions = Extensions::try_from(&plan.message().extensions)?;
        let consumer = Consumer {
            names: self,
            plan,
            extensions,
            outer: RwLock::default(),
            lookups: AtomicUsize::default(),
        };
        // Nothing in it waits: names are looked up in memory.
        let planned = from_substrait_plan_with_consumer(&consumer, plan.message()).now_or_never();
        planned.ok_or_else(|| exec_datafusion_err!("a Substrait plan waits for something"))?
    }
}

/// Looks up what a plan names.
struct Consumer<'a> {
    names: &'a QueryNames<'a>,
    plan: &'a SubstraitPlan,
    extensions: Extensions,
    /// The schemas around a subquery, the innermost last.
    outer: RwLock<Vec<Arc<DFSchema>>>,
    /// How many columns were looked up so far, by a guess: each relation looks each of its columns up in a list of as many.
    lookups: AtomicUsize,
}

#[async_trait]
impl SubstraitConsumer for Consumer<'_> {
    async fn resolve_table_ref(&self, reference: &TableReference) -> Result<Option<Arc<dyn TableProvider>>> {
        let name = self.plan.planner_name(reference)?;
        source_as_provider(&self.names.get_table_source(name)?).map(Some)
    }

    async fn consume_rel(&self, relation: &Rel) -> Result<LogicalPlan> {
        let plan = from_substrait_rel(self, relation).await?;
        let width = plan.schema().fields().len();
        let lookups = width.saturating_mul(width);
        if self.lookups.fetch_add(lookups, Ordering::Relaxed).saturating_add(lookups) > LOOKUP_LIMIT {
            return plan_err!("it has many columns in many relations");
        }
        with_short_names(plan)
    }

    async fn consume_read(&self, read: &ReadRel) -> Result<LogicalPlan> {
        let Some(condition) = read.filter.as_deref() else { return from_read_rel(self, read).await };
        let selected = ReadRel { filter: None, ..read.clone() };
        // The condition is over all columns, also those that are not selected.
        let whole = from_read_rel(self, &ReadRel { projection: None, ..selected.clone() }).await?;
        let condition = self.consume_expression(condition, whole.schema()).await?;
        let filtered = LogicalPlan::Filter(Filter::try_new(condition, Arc::new(whole))?);
        if read.projection.is_none() {
            return Ok(filtered);
        }
        let columns = from_read_rel(self, &selected).await?.schema().columns();
        LogicalPlanBuilder::from(filtered).project(columns.into_iter().map(Expr::Column))?.build()
    }

    async fn consume_scalar_function(
        &self,
        function: &ScalarFunction,
        input_schema: &DFSchema,
    ) -> Result<Expr> {
        let name = self.extensions.functions.get(&function.function_reference);
        // It is written out with each side twice, which nested doubles with each level.
        if name.is_some_and(|name| name.split(':').next() == Some("xor")) {
            return not_impl_err!("xor: compare the two sides with not_equal");
        }
        from_scalar_function(self, function, input_schema).await
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

/// The same plan, with short names for columns whose names repeat the expressions that they come from.
fn with_short_names(plan: LogicalPlan) -> Result<LogicalPlan> {
    let is_long = |field: &Field| field.name().len() > NAME_BYTES;
    if !plan.schema().fields().iter().any(|field| is_long(field)) {
        return Ok(plan);
    }
    let named = plan.schema().iter().enumerate().map(|(position, (qualifier, field))| {
        let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
        if is_long(field) { column.alias(format!("column {position}")) } else { column }
    });
    let named: Vec<Expr> = named.collect();
    LogicalPlanBuilder::from(plan).project(named)?.build()
}
