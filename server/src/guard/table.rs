//! [`GuardedTable`]: a table as one principal may see it, the only `TableProvider` that a user's plan can refer to.
//!
//! Invariants
//! - Its schema holds visible columns only, so names are resolved, expanded (`*`, `USING`, `NATURAL`) and reported as if
//!   the hidden ones did not exist.
//! - It answers nothing but `schema` and `scan`: no statistics, no definition, no constraints, no defaults, no writes.
//! - An earlier version of a table is opened only for a principal from whom nothing of the table is hidden, unless the
//!   settings say otherwise: a right that fits the rows of today may show too much of those of last year.
//! - Predicates help to leave out files, row groups and pages, and are applied above as well. Where rows or cells are hidden
//!   only leak-proof ones on columns without hidden cells go below (G3), and none if the table is strict.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, DFSchema, Result, internal_err};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::expressions::Column as PhysicalColumn;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{PhysicalExpr, conjunction};
use datafusion::physical_plan::ExecutionPlan;
use sha2::{Digest, Sha256};

use super::barrier::{GuardedScanExec, ShownRows};
use super::columns::VisibleColumns;
use super::leakproof::{is_leakproof, is_leakproof_as_it_runs};
use super::rows::RowPolicy;
use super::visible_rows::VisibleRows;
use crate::access::filter::RowFilter;
use crate::access::{Grant, GrantWatch};
use crate::audit::ReadColumns;
use crate::error::{Error, ErrorKind};
use crate::ids::{PolicyFingerprint, TableName};
use crate::mutant::Mutant;
use crate::settings::AccessSettings;
use crate::sql::{Moment, NamedTable};
use crate::table::{ScanRequest, Snapshot, Tables, replace_columns};

const NO_TIME_TRAVEL: &str =
    "time travel on this table is not allowed for you: rows or columns of it are hidden from you";

/// See the file's head.
#[derive(Clone)]
pub(crate) struct GuardedTable {
    snapshot: Arc<Snapshot>,
    moment: Option<Moment>,
    columns: VisibleColumns,
    /// Nothing of the user's goes below the barrier: `access.strict_tables`.
    is_strict: bool,
    counts: VisibleRows,
    /// Rows are sent as they are read: text has the layout of the wire.
    with_offsets: bool,
    /// What scans have read, for the audit trail.
    read: Arc<ReadColumns>,
}

impl GuardedTable {
    /// Opens a table for its grant, at a moment or as it is now, and puts the guard in front of it.
    ///
    /// # Errors
    /// [`ErrorKind::PermissionDenied`] for a moment if the grant is restricted and `access.time_travel_for_restricted` is not
    /// set, before anything of the table is read; what opening it answers; or columns and row filter do not fit the version:
    /// see [`VisibleColumns::reconcile`] and [`RowPolicy::compile`].
    pub(super) async fn open(
        tables: &Tables,
        grant: Grant,
        moment: Option<Moment>,
        settings: &AccessSettings,
        counts: VisibleRows,
    ) -> std::result::Result<Self, Error> {
        if moment.is_some()
            && grant.is_restricted()
            && !settings.time_travel_for_restricted
            && !Mutant::TimeTravelForAll.is_on()
        {
            return Err(
                Error::new(ErrorKind::PermissionDenied, NO_TIME_TRAVEL).echoing(&grant.table().to_string())
            );
        }
        let snapshot = tables.open(grant, moment.as_ref()).await?;
        let full_schema = snapshot.full_schema();
        let columns =
            VisibleColumns::reconcile(snapshot.grant(), &full_schema, settings.allow_placeholder_schema)?;
        let row_filter = snapshot.grant().row_filter();
        let cell_filters = columns.cell_filters(snapshot.grant(), 0..columns.positions().len());
        let in_full_schema: Vec<_> =
            cell_filters.into_iter().map(|(shown, filter)| (columns.positions()[shown], filter)).collect();
        RowPolicy::compile(row_filter, &in_full_schema, &full_schema)?;
        let is_strict = settings.strict_tables.contains(snapshot.grant().table());
        let (snapshot, read) = (Arc::new(snapshot), Arc::default());
        Ok(Self { snapshot, moment, columns, is_strict, counts, with_offsets: false, read })
    }

    /// The table for a query that sends its columns as they are read. A filter copies text anyway.
    pub(super) fn to_be_sent(&self) -> Self {
        if self.hides_values() {
            return self.clone();
        }
        let columns = self.columns.with_offsets(|position| !self.snapshot.is_partition(position));
        Self { columns, with_offsets: true, ..self.clone() }
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

    /// The columns that scans of this statement read for it, for the audit trail: of the visible ones alone.
    pub(crate) fn read_columns(&self) -> Arc<ReadColumns> {
        Arc::clone(&self.read)
    }

    fn note_read(&self, wanted: &[usize], filters: &[Expr]) {
        let fields = self.columns.schema().fields();
        self.read.add(wanted.iter().map(|&position| fields[position].name().as_str()));
        filters.iter().for_each(|filter| {
            self.read.add(filter.column_refs().iter().map(|column| column.name.as_str()));
        });
    }

    /// Whether rows are hidden.
    pub(crate) fn has_row_filter(&self) -> bool {
        self.snapshot.grant().row_filter().is_some()
    }

    /// Whether values of visible columns are hidden, with their rows or alone.
    fn hides_values(&self) -> bool {
        self.snapshot.grant().hides_values()
    }

    /// Whether anything is hidden.
    pub(super) fn is_restricted(&self) -> bool {
        self.snapshot.grant().is_restricted()
    }

    /// The name under which whoever asks logged in.
    pub(super) fn user(&self) -> &str {
        self.snapshot.grant().principal().user()
    }

    /// Whether the grants of the statement that opened it still hold.
    pub(crate) fn watch(&self) -> &GrantWatch {
        self.snapshot.grant().watch()
    }

    /// Bytes of all the table's files; `None` if they hold anything hidden, about which nothing may follow from them.
    pub(super) fn visible_bytes(&self) -> Option<u64> {
        (!self.snapshot.grant().is_restricted()).then(|| self.snapshot.total_bytes())
    }

    /// A digest of the version and of what is visible of it. `None` if anything is hidden: that the table has changed would
    /// tell of hidden rows.
    pub(crate) fn pin(&self) -> Option<[u8; 32]> {
        if self.snapshot.grant().is_restricted() {
            return None;
        }
        let (identity, version) = self.snapshot.identity();
        let digest = Sha256::new()
            .chain_update(env!("CARGO_PKG_VERSION"))
            .chain_update(self.fingerprint().to_string())
            .chain_update(version.to_be_bytes())
            .chain_update(identity.as_bytes());
        Some(digest.finalize().into())
    }

    /// Identifies what is visible, for the audit trail.
    pub(crate) fn fingerprint(&self) -> PolicyFingerprint {
        self.snapshot.grant().fingerprint()
    }

    /// Whether a predicate may work below the barrier.
    fn may_go_below(&self, predicate: &Expr) -> bool {
        match self.hides_values() {
            true => {
                (!self.is_strict || Mutant::StrictIgnored.is_on())
                    && is_leakproof(predicate)
                    && !self.reads_a_masked_column(predicate)
            }
            false => !predicate.is_volatile(),
        }
    }

    /// Below the barrier a masked column still has all its values.
    fn reads_a_masked_column(&self, predicate: &Expr) -> bool {
        let cell_filters = self.snapshot.grant().cell_filters();
        predicate.column_refs().iter().any(|column| cell_filters.contains_key(&column.name))
    }

    /// As [`Self::reads_a_masked_column`], of a predicate over the full schema.
    fn is_on_whole_columns(&self, predicate: &Arc<dyn PhysicalExpr>) -> bool {
        let cell_filters = self.snapshot.grant().cell_filters();
        let columns = collect_columns(predicate);
        columns.iter().all(|column| !cell_filters.contains_key(&column.name().to_ascii_lowercase()))
    }

    /// Filters over visible names, as expressions over the full schema's.
    fn in_full_schema(&self, filters: &[Expr], full_schema: &Schema) -> Result<Vec<Expr>> {
        let rename = |expr: Expr| match &expr {
            Expr::Column(column) => {
                let visible = self.columns.schema().index_of(&column.name)?;
                let position = match Mutant::PredicateOnAnotherColumn.is_on() {
                    true => visible,
                    false => self.columns.positions()[visible],
                };
                let name = full_schema.field(position).name();
                Ok(Transformed::yes(Expr::Column(Column::new_unqualified(name))))
            }
            _ => Ok(Transformed::no(expr)),
        };
        filters.iter().map(|filter| filter.clone().transform(rename).data()).collect()
    }

    /// Positions in the full schema that must be read: the wanted visible columns first, then what only filters need.
    fn positions_to_read<'a>(
        &self,
        wanted: &[usize],
        full_schema: &Schema,
        filters: impl Iterator<Item = &'a RowFilter>,
    ) -> Vec<usize> {
        let mut positions: Vec<usize> = wanted.iter().map(|&index| self.columns.positions()[index]).collect();
        if Mutant::ColumnsByPosition.is_on() {
            positions = wanted.to_vec();
        }
        let filter_columns: BTreeSet<String> = filters.flat_map(RowFilter::columns).collect();
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

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let answer = |filter: &&Expr| match self.may_go_below(filter) {
            true => TableProviderFilterPushDown::Inexact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(answer).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wanted: Vec<usize> = match projection {
            Some(indices) => indices.clone(),
            None => (0..self.columns.positions().len()).collect(),
        };
        self.note_read(&wanted, filters);
        let full_schema = self.snapshot.full_schema();
        // The optimiser may have rewritten a predicate since it asked. What is dropped here is applied above all the same.
        let filters: Vec<Expr> = filters.iter().filter(|filter| self.may_go_below(filter)).cloned().collect();
        let filters = physical(state, self.in_full_schema(&filters, &full_schema)?, &full_schema)?;
        let row_filter = self.snapshot.grant().row_filter();
        let cell_filters = self.columns.cell_filters(self.snapshot.grant(), wanted.iter().copied());
        let needed = row_filter.into_iter().chain(cell_filters.iter().map(|(_, filter)| *filter));
        let positions = self.positions_to_read(&wanted, &full_schema, needed);
        let (shown, condition, limit) = match self.hides_values() {
            true => {
                let read = full_schema.project(&positions)?;
                let policy = RowPolicy::compile(row_filter, &cell_filters, &read).map_err(Error::from)?;
                let is_harmless = |filter: &Arc<dyn PhysicalExpr>| {
                    is_leakproof_as_it_runs(filter) && self.is_on_whole_columns(filter)
                };
                let narrowed_by = all_of(filters.into_iter().filter(is_harmless).collect());
                let pruning = physical(state, policy.pruning_expr().into_iter().collect(), &full_schema)?;
                let condition = all_of(narrowed_by.iter().cloned().chain(pruning).collect());
                let narrowed_by = narrowed_by.map(|predicate| among(predicate, &positions)).transpose()?;
                let narrowed_by = narrowed_by.filter(|_| !Mutant::NarrowedByFilesOnly.is_on());
                let limit = limit.filter(|_| Mutant::LimitBelow.is_on());
                (Some(ShownRows { policy, narrowed_by, counts: self.counts.clone() }), condition, limit)
            }
            false => (None, all_of(filters), limit),
        };
        let request = ScanRequest {
            columns: &positions,
            condition: condition.filter(|_| !Mutant::ExactStatistics.is_on()),
            limit,
            with_offsets: self.with_offsets,
            in_small_parts: self.snapshot.grant().is_restricted(),
        };
        let scan = self
            .snapshot
            .unguarded_scan(state, request)
            .await
            .map_err(|error| self.snapshot.failure(&error))?;
        let visible = Arc::new(self.columns.schema().project(&wanted)?);
        Ok(Arc::new(GuardedScanExec::new(Arc::clone(&self.snapshot), scan, shown, visible)?))
    }
}

/// Predicates as they will run.
fn physical(
    state: &dyn Session,
    predicates: Vec<Expr>,
    schema: &Schema,
) -> Result<Vec<Arc<dyn PhysicalExpr>>> {
    if predicates.is_empty() {
        // Most scans: the schema of a wide table is not copied for nothing.
        return Ok(Vec::new());
    }
    let schema = DFSchema::try_from(schema.clone())?;
    predicates.into_iter().map(|predicate| state.create_physical_expr(predicate, &schema)).collect()
}

fn all_of(predicates: Vec<Arc<dyn PhysicalExpr>>) -> Option<Arc<dyn PhysicalExpr>> {
    (!predicates.is_empty()).then(|| conjunction(predicates))
}

/// A predicate over the full schema, as one over the columns at some positions of it.
fn among(predicate: Arc<dyn PhysicalExpr>, positions: &[usize]) -> Result<Arc<dyn PhysicalExpr>> {
    replace_columns(predicate, |column| match positions.iter().position(|read| *read == column.index()) {
        Some(position) => Ok(Arc::new(PhysicalColumn::new(column.name(), position))),
        None => internal_err!("a predicate over a column that is not read"),
    })
}
