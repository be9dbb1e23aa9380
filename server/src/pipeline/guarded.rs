//! A statement between its authorisation and its plan.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use datafusion::execution::runtime_env::RuntimeEnv;

use super::Description;
use super::part::{self, Pin};
use crate::catalog::Listing;
use crate::error::Error;
use crate::guard::{Guard, GuardedQuery, GuardedTable};
use crate::sql::Statement;

/// A statement whose tables were opened for its principal, to be planned on the CPU runtime.
pub(super) struct GuardedStatement {
    pub(super) guard: Arc<Guard>,
    pub(super) statement: Statement,
    pub(super) tables: Vec<GuardedTable>,
    pub(super) listing: Listing,
    pub(super) runtime: Arc<RuntimeEnv>,
}

impl GuardedStatement {
    pub(super) fn describe(self, values: Option<&RecordBatch>) -> Result<Description, Error> {
        let is_ordered = self.statement.is_ordered();
        let watch = self.tables.first().map(|table| table.watch().clone());
        let pin = self.pin();
        let query = self.plan()?;
        let parameters = query.parameters()?;
        let pin = pin.filter(|_| query.is_divisible());
        let schema = if values.is_some() { query.bind(values)?.schema()? } else { query.schema() };
        let pin = pin.filter(|_| part::divides(&schema));
        // Opening the tables and planning may have taken longer than a policy is believed.
        watch.map_or(Ok(()), |watch| watch.check())?;
        Ok(Description { schema, parameters, is_ordered, pin, aws: Duration::ZERO })
    }

    /// What the statement reads, if it is one table of which nothing is hidden.
    pub(super) fn pin(&self) -> Option<Pin> {
        match self.tables.as_slice() {
            [only] => only.pin(),
            _ => None,
        }
    }

    pub(super) fn plan(self) -> Result<GuardedQuery, Error> {
        self.guard.plan(self.statement, self.tables, self.listing, self.runtime)
    }
}
