//! [`Grant`]: the proof that a principal may read a table, and the exact extent of it.
//!
//! Only `access` can make one, and everything below the wire that touches a table asks for one; so code that forgot
//! the check does not compile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::filter::RowFilter;
use super::grant_watch::GrantWatch;
use super::vend::CredentialLease;
use crate::aws::GlueTable;
use crate::identity::Principal;
use crate::ids::{PolicyFingerprint, QueryId, TableName};
use crate::mutant::Mutant;

/// What of a table is hidden from a principal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Restriction {
    /// Nothing.
    None,
    /// Columns, and of the others nothing.
    Columns,
    /// Values of visible columns, with their rows or alone; perhaps columns as well.
    Values,
}

impl Restriction {
    /// # Arguments
    /// * `authorized_columns` - in lower case.
    /// * `hides_values` - whether rows or cells are filtered.
    pub(super) fn of(glue: &GlueTable, authorized_columns: &BTreeSet<String>, hides_values: bool) -> Self {
        if hides_values {
            return Self::Values;
        }
        let is_hidden = |name: &str| !authorized_columns.contains(&name.to_ascii_lowercase());
        match glue.columns.iter().any(|column| is_hidden(&column.name)) {
            true if !Mutant::HiddenColumnsAreNoRestriction.is_on() => Self::Columns,
            _ => Self::None,
        }
    }
}

/// One table's policy for one principal, understood in full.
pub(super) struct Policy {
    pub(super) table: TableName,
    pub(super) catalog_id: String,
    pub(super) glue: GlueTable,
    pub(super) authorized_columns: BTreeSet<String>,
    pub(super) row_filter: Option<RowFilter>,
    /// By column, in lower case.
    pub(super) cell_filters: BTreeMap<String, RowFilter>,
    pub(super) restriction: Restriction,
    pub(super) fingerprint: PolicyFingerprint,
    pub(super) query_authorization_id: String,
    /// The query that asked; AWS saw this id together with the authorisation id.
    pub(super) asked_by: QueryId,
}

/// What one principal may see of one table, for one query. Whose it is, its lease knows. A query that reads several versions
/// of a table clones it for each.
#[derive(Clone)]
pub(crate) struct Grant {
    policy: Arc<Policy>,
    lease: Arc<CredentialLease>,
}

impl Grant {
    pub(super) fn new(policy: Arc<Policy>, lease: Arc<CredentialLease>) -> Self {
        Self { policy, lease }
    }

    /// Which table.
    pub(crate) fn table(&self) -> &TableName {
        &self.policy.table
    }

    /// The account id of the catalog that holds the table.
    pub(crate) fn catalog_id(&self) -> &str {
        &self.policy.catalog_id
    }

    /// The table's entry in the catalog, hidden columns included: never to be shown.
    pub(crate) fn glue(&self) -> &GlueTable {
        &self.policy.glue
    }

    /// The columns that may be shown, in lower case. Never empty.
    pub(crate) fn authorized_columns(&self) -> &BTreeSet<String> {
        &self.policy.authorized_columns
    }

    /// The rows that may be shown; `None` means all.
    pub(crate) fn row_filter(&self) -> Option<&RowFilter> {
        self.policy.row_filter.as_ref()
    }

    /// The columns, in lower case, that show their values in some of the shown rows only, with the filter that says in which.
    pub(crate) fn cell_filters(&self) -> &BTreeMap<String, RowFilter> {
        &self.policy.cell_filters
    }

    /// Whether values of visible columns are hidden: with their rows, or alone.
    pub(crate) fn hides_values(&self) -> bool {
        self.policy.restriction == Restriction::Values
    }

    /// Whether anything of the table is hidden from the principal.
    pub(crate) fn is_restricted(&self) -> bool {
        self.policy.restriction != Restriction::None
    }

    /// Identifies what is visible; equal for equal sights only.
    pub(crate) fn fingerprint(&self) -> PolicyFingerprint {
        self.policy.fingerprint
    }

    /// Whose it is.
    pub(crate) fn principal(&self) -> &Principal {
        self.lease.principal()
    }

    /// Whether it still holds, together with the other grants of its statement.
    pub(crate) fn watch(&self) -> &GrantWatch {
        self.lease.watch()
    }

    /// Where the credentials for this grant come from, now and when they must be renewed.
    pub(crate) fn lease(&self) -> &Arc<CredentialLease> {
        &self.lease
    }
}
