//! What a statement turned out to read: columns of tables, names of the catalog.
//!
//! Scans and listings add to these while a statement is planned and runs; its Finished record shows them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::TableAudit;

/// Most names of the catalog in one record; their number is told in full.
const NAMES_LIMIT: usize = 1000;

/// What a statement was authorised for, and how long that took.
#[derive(Default)]
pub(crate) struct Authorised {
    pub(crate) tables: Vec<TableAudit>,
    pub(crate) listed: Arc<ListedNames>,
    /// The time in which AWS was asked for the permissions.
    pub(crate) aws: Duration,
}

/// The columns of one table that the scans of a statement have read.
#[derive(Default)]
pub(crate) struct ReadColumns(Mutex<BTreeSet<String>>);

impl ReadColumns {
    /// A scan reads these.
    pub(crate) fn add<'a>(&self, names: impl Iterator<Item = &'a str>) {
        let mut columns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for name in names {
            if !columns.contains(name) {
                columns.insert(name.to_owned());
            }
        }
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// Databases and tables of which a statement was told that they exist.
#[derive(Default)]
pub(crate) struct ListedNames(Mutex<Listed>);

#[derive(Default)]
struct Listed {
    names: BTreeSet<String>,
    total: usize,
}

impl ListedNames {
    /// A listing told of these.
    pub(crate) fn add(&self, names: impl ExactSizeIterator<Item = String>) {
        let mut listed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listed.total += names.len();
        let room = NAMES_LIMIT.saturating_sub(listed.names.len());
        listed.names.extend(names.take(room));
    }

    pub(super) fn shown(&self) -> (Vec<String>, usize) {
        let listed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (listed.names.iter().cloned().collect(), listed.total)
    }
}
