//! [`SealedPlan`]: a physical plan of which every leaf was seen to be guarded or constant (G1).
//!
//! The check is a second lock: by construction no unguarded scan can get into a plan. If a new way in is ever found, the
//! query fails here instead of leaking. Leaves are allow-listed by name; an unknown leaf refuses the plan.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::placeholder_row::PlaceholderRowExec;

use super::barrier::GuardedScanExec;
use super::explain::ExplainExec;
use super::growth::Ended;
use crate::access::GrantWatch;
use crate::error::Error;

/// A plan that may run. Only this file makes one, and the engine takes nothing else.
pub(crate) struct SealedPlan {
    plan: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
    schema: SchemaRef,
    is_quick: bool,
    watch: Option<GrantWatch>,
    ended: Ended,
}

impl SealedPlan {
    /// Checks every leaf.
    ///
    /// # Arguments
    /// * `schema` - what the client was or will be told about the result.
    /// * `is_quick` - it reads little, and does about as much as it reads.
    /// * `watch` - over the grants on its tables; `None` if it has none.
    /// * `ended` - is asked by calls that take long.
    ///
    /// # Errors
    /// An internal one that names the first leaf which is neither guarded nor constant.
    pub(super) fn seal(
        plan: Arc<dyn ExecutionPlan>,
        context: Arc<TaskContext>,
        schema: SchemaRef,
        is_quick: bool,
        watch: Option<GrantWatch>,
        ended: Ended,
    ) -> Result<Self, Error> {
        check(plan.as_ref())?;
        Ok(Self { plan, context, schema, is_quick, watch, ended })
    }

    /// The result's columns, as the logical plan declares them.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Whether it reads little, and does about as much as it reads.
    pub(crate) fn is_quick(&self) -> bool {
        self.is_quick
    }

    /// Whether the grants on its tables still hold; `None` if it has none. Whoever runs the plan ends it when they do not.
    pub(crate) fn watch(&self) -> Option<&GrantWatch> {
        self.watch.as_ref()
    }

    /// What is to be told when nobody waits for the rows any more.
    pub(crate) fn ended(&self) -> Ended {
        self.ended.clone()
    }

    /// Gives the plan to the engine.
    pub(crate) fn into_parts(self) -> (Arc<dyn ExecutionPlan>, Arc<TaskContext>) {
        (self.plan, self.context)
    }
}

fn check(plan: &dyn ExecutionPlan) -> Result<(), Error> {
    let children = plan.children();
    if children.is_empty() && !is_guarded_or_constant(plan) {
        return Err(Error::internal(format!("a leaf of the plan is not guarded: {}", plan.name())));
    }
    children.into_iter().try_for_each(|child| check(child.as_ref()))
}

fn is_guarded_or_constant(leaf: &dyn ExecutionPlan) -> bool {
    let in_memory = leaf
        .downcast_ref::<DataSourceExec>()
        .is_some_and(|source| source.data_source().downcast_ref::<MemorySourceConfig>().is_some());
    // An explanation without a plan below it is text.
    in_memory
        || leaf.is::<GuardedScanExec>()
        || leaf.is::<ExplainExec>()
        || leaf.is::<EmptyExec>()
        || leaf.is::<PlaceholderRowExec>()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use arrow::datatypes::Schema;
    use datafusion::datasource::physical_plan::{FileScanConfigBuilder, ParquetSource};
    use datafusion::datasource::table_schema::TableSchema;
    use datafusion::execution::object_store::ObjectStoreUrl;
    use datafusion::physical_plan::limit::GlobalLimitExec;

    use super::*;

    #[test]
    fn a_leaf_that_is_neither_guarded_nor_constant_refuses_the_plan() {
        let schema = Arc::new(Schema::empty());
        let source = ParquetSource::new(TableSchema::builder(Arc::clone(&schema)).build());
        let files = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), Arc::new(source)).build();
        let unguarded: Arc<dyn ExecutionPlan> = DataSourceExec::from_data_source(files);
        let constant: Arc<dyn ExecutionPlan> = Arc::new(EmptyExec::new(Arc::clone(&schema)));
        let rows: Arc<dyn ExecutionPlan> = MemorySourceConfig::try_new_exec(&[vec![]], schema, None).unwrap();
        let above = |leaf| GlobalLimitExec::new(leaf, 0, None);
        assert!(check(&above(unguarded)).is_err());
        assert!(check(&above(constant)).is_ok() && check(&above(rows)).is_ok());
    }
}
