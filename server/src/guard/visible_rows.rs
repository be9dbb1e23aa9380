//! How many rows of a table with hidden rows a user sees, as earlier scans of that user counted them.
//!
//! The log's counts tell of hidden rows, so the planner gets none of them where rows are hidden, and would choose the order
//! of joins blindly. What was let through tells nothing that its reader did not see: a scan that ran to its end leaves its
//! count here, for the next query of the same user with the same sight of the same version.
//!
//! Invariants
//! - A count is kept under the principal, the table's identity, its version and the policy's fingerprint (G5). Of two users
//!   with one policy neither sees by the order of joined rows what the other has read.
//! - A scan that a predicate narrowed, or that broke off, leaves nothing.

use std::sync::Arc;

use moka::sync::Cache;

use crate::identity::Principal;
use crate::ids::PolicyFingerprint;
use crate::mutant::Mutant;
use crate::table::Snapshot;

/// Counts that are kept.
const MOST: u64 = 100_000;

/// Who counted, and what.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    principal: Principal,
    table: Arc<str>,
    version: u64,
    policy: PolicyFingerprint,
}

/// The counts. One per server.
#[derive(Clone)]
pub(super) struct VisibleRows(Cache<Key, u64>);

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

    fn key(snapshot: &Snapshot) -> Key {
        let ((table, version), grant) = (snapshot.identity(), snapshot.grant());
        let seen_by = (grant.principal().clone(), grant.fingerprint());
        let (principal, policy) = Mutant::CountOfAnotherPolicy.first_of(seen_by);
        Key { principal, table, version, policy }
    }
}
