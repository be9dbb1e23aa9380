//! [`GuardedTable`]: a table as one principal may see it, the only `TableProvider` that a user's plan can refer to.
//!
//! Invariants
//! - Its schema holds visible columns only, so names are resolved, expanded (`*`, `USING`, `NATURAL`) and reported as if
//!   the hidden ones did not exist.
//! - It answers nothing but `schema` and `scan`: no statistics, no definition, no constraints, no defaults, no writes.
//! - An earlier version of a table is opened only for a principal from whom nothing of the table is hidden, unless the
//!   settings say otherwise: a right that fits the rows of today may show too much of those of last year.
//! - No predicate of the user goes below the barrier (G3): pushdown is declined, and a filter that a caller hands over
//!   all the same is an error rather than ignored, for ignoring it would return rows that the query excluded.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;

use super::barrier::GuardedScanExec;
use super::columns::VisibleColumns;
use super::rows::RowPolicy;
use super::session;
use crate::access::Grant;
use crate::access::filter::RowFilter;
use crate::error::{Error, ErrorKind};
use crate::ids::{PolicyFingerprint, TableName};
use crate::settings::AccessSettings;
use crate::sql::{Moment, NamedTable};
use crate::table::{Snapshot, Tables};

const NO_TIME_TRAVEL: &str =
    "time travel on this table is not allowed for you: rows or columns of it are hidden from you";

/// See the file's head.
#[derive(Clone)]
pub(crate) struct GuardedTable {
    snapshot: Arc<Snapshot>,
    moment: Option<Moment>,
    columns: VisibleColumns,
}

impl GuardedTable {
    /// Opens a table for its grant, at a moment or as it is now, and puts the guard in front of it.
    ///
    /// # Errors
    /// [`ErrorKind::PermissionDenied`] for a moment if the grant is restricted and `access.time_travel_for_restricted` is not
    /// set, before anything of the table is read; what opening it answers; or columns and row filter do not fit the version:
    /// see [`VisibleColumns::reconcile`] and [`RowPolicy::compile`].
    pub(crate) async fn open(
        tables: &Tables,
        grant: Grant,
        moment: Option<Moment>,
        settings: &AccessSettings,
    ) -> std::result::Result<Self, Error> {
        if moment.is_some() && grant.is_restricted() && !settings.time_travel_for_restricted {
            return Err(
                Error::new(ErrorKind::PermissionDenied, NO_TIME_TRAVEL).echoing(&grant.table().to_string())
            );
        }
        let snapshot = tables.open(grant, moment.as_ref()).await?;
        Self::new(snapshot, moment, settings.allow_placeholder_schema)
    }

    fn new(
        snapshot: Snapshot,
        moment: Option<Moment>,
        allow_placeholder_schema: bool,
    ) -> std::result::Result<Self, Error> {
        let full_schema = snapshot.full_schema();
        let columns = VisibleColumns::reconcile(snapshot.grant(), &full_schema, allow_placeholder_schema)?;
        if let Some(filter) = snapshot.grant().row_filter() {
            RowPolicy::compile(filter, &full_schema)?;
        }
        Ok(Self { snapshot: Arc::new(snapshot), moment, columns })
    }

    /// The table's name.
    pub(crate) fn name(&self) -> &TableName {
        self.snapshot.grant().table()
    }

    /// The moment that was asked for; `None` is now.
    pub(crate) fn moment(&self) -> Option<Moment> {
        self.moment
    }

    /// The name by which the planner asks for the table.
    pub(super) fn planner_name(&self) -> TableName {
        NamedTable { name: self.name().clone(), moment: self.moment }.planner_name()
    }

    /// The visible columns' names, for the audit trail.
    pub(crate) fn column_names(&self) -> Vec<String> {
        self.columns.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    /// Whether rows are hidden.
    pub(crate) fn has_row_filter(&self) -> bool {
        self.snapshot.grant().row_filter().is_some()
    }

    /// Identifies what is visible, for the audit trail.
    pub(crate) fn fingerprint(&self) -> PolicyFingerprint {
        self.snapshot.grant().fingerprint()
    }

    /// Positions in the full schema that must be read: the wanted visible columns first, then what only the filter needs.
    fn positions_to_read(
        &self,
        wanted: &[usize],
        full_schema: &Schema,
        filter: Option<&RowFilter>,
    ) -> Vec<usize> {
        let mut positions: Vec<usize> = wanted.iter().map(|&index| self.columns.positions()[index]).collect();
        let filter_columns = filter.map(RowFilter::columns).unwrap_or_default();
        for (position, field) in full_schema.fields().iter().enumerate() {
            let is_needed = filter_columns.contains(&field.name().to_ascii_lowercase());
            if is_needed && !positions.contains(&position) {
                positions.push(position);
            }
        }
        positions
    }
}

impl fmt::Debug for GuardedTable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "GuardedTable({})", self.name())
    }
}

#[async_trait]
impl TableProvider for GuardedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.columns.schema())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if !filters.is_empty() {
            return internal_err!("a filter was handed to a guarded table");
        }
        let wanted: Vec<usize> = match projection {
            Some(indices) => indices.clone(),
            None => (0..self.columns.positions().len()).collect(),
        };
        let full_schema = self.snapshot.full_schema();
        let filter = self.snapshot.grant().row_filter();
        let positions = self.positions_to_read(&wanted, &full_schema, filter);
        let read_schema = Arc::new(full_schema.project(&positions)?);
        let policy = filter
            .map(|filter| RowPolicy::compile(filter, &read_schema))
            .transpose()
            .map_err(|error| external(error.into()))?;
        let pruning: Vec<Expr> = policy.iter().map(RowPolicy::pruning_expr).collect();

        let inner_state = session::for_scan(state, &self.snapshot).map_err(external)?;
        let unguarded = self
            .snapshot
            .unguarded_provider()
            .scan(&inner_state, Some(&positions), &pruning, None)
            .await
            .map_err(|error| external(self.snapshot.failure(&error)))?;
        let options = state.config_options();
        let parallel = unguarded.repartitioned(options.execution.target_partitions, options)?;
        let visible = Arc::new(self.columns.schema().project(&wanted)?);
        let leaf = GuardedScanExec::new(
            Arc::clone(&self.snapshot),
            parallel.unwrap_or(unguarded),
            inner_state.runtime_env(),
            policy,
            visible,
        )?;
        Ok(Arc::new(leaf))
    }
}

fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
