//! How many rows of a table with hidden rows a user sees, as earlier scans counted them.
//!
//! The log's counts tell of hidden rows, so the planner gets none of them where rows are hidden, and would choose the order
//! of joins blindly. What was let through tells nothing that its reader did not see: a scan that ran to its end leaves its
//! count here, for the next query with the same sight of the same version.
//!
//! Invariants
//! - A count is kept under the table's identity, its version and the policy's fingerprint (G5).
//! - A scan that a predicate narrowed, or that broke off, leaves nothing.

use std::sync::Arc;

use moka::sync::Cache;

use crate::ids::PolicyFingerprint;
use crate::mutant::Mutant;
use crate::table::Snapshot;

/// Counts that are kept.
const MOST: u64 = 100_000;

/// The counts. One per server.
#[derive(Clone)]
pub(super) struct VisibleRows(Cache<(Arc<str>, u64, PolicyFingerprint), u64>);

impl VisibleRows {
    pub(super) fn new() -> Self {
        Self(Cache::new(MOST))
    }

    /// The number of rows that a snapshot's grant shows, if it was counted.
    pub(super) fn known(&self, snapshot: &Snapshot) -> Option<u64> {
        self.0.get(&Self::key(snapshot))
    }

    /// Keeps the number of rows that were let through of a snapshot.
    pub(super) fn counted(&self, snapshot: &Snapshot, rows: u64) {
        self.0.insert(Self::key(snapshot), rows);
    }

    fn key(snapshot: &Snapshot) -> (Arc<str>, u64, PolicyFingerprint) {
        let (identity, version) = snapshot.identity();
        (identity, version, Mutant::CountOfAnotherPolicy.first_of(snapshot.grant().fingerprint()))
    }
}
