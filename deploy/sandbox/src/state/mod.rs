//! The whole account: one plain value behind one lock, and the call counters beside it.
//!
//! Every operation runs under the lock from its checks to its effect, so no call sees half of another. Nothing is
//! written to disk except the bytes of S3 objects: an account lives as long as its server.

mod keys;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::glue::Catalog;
use crate::iam::Roles;
use crate::lakeformation::Governance;

pub(crate) use keys::{Caller, IamUser, Identity, KeyStore, RoleSession, TableScope, TemporaryKey};

/// The account that the sandbox is.
pub(crate) const ACCOUNT: &str = "123456789012";
/// The only Region of the sandbox.
pub(crate) const REGION: &str = "us-east-1";

/// What all services share.
#[derive(Default)]
pub(crate) struct Account {
    pub(crate) keys: KeyStore,
    pub(crate) roles: Roles,
    pub(crate) catalog: Catalog,
    pub(crate) governance: Governance,
}

/// The account with its lock, and how often each operation was called.
#[derive(Default)]
pub(crate) struct State {
    account: RwLock<Account>,
    counters: Mutex<BTreeMap<String, u64>>,
}

impl State {
    // A panic under the lock is a defect of the sandbox; later calls still answer from what was written.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Account> {
        self.account.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Account> {
        self.account.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one signed call, whatever becomes of it.
    pub(crate) fn count(&self, operation: String) {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        *counters.entry(operation).or_default() += 1;
    }

    pub(crate) fn counters(&self) -> BTreeMap<String, u64> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
