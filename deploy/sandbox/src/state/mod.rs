//! The whole account: one plain value behind one lock, and the call counters beside it.
//!
//! Every operation runs under the lock from its checks to its effect, so no call sees half of another. Nothing is
//! written to disk except the bytes of S3 objects: an account lives as long as its server.

mod clock;
mod keys;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::faults::Faults;
use crate::glue::Catalog;
use crate::iam::Roles;
use crate::lakeformation::Governance;

pub use clock::ClockOffsets;

pub(crate) use clock::Clock;
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

/// One request to S3 with a signature of a known key, whether it was allowed or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Request {
    /// The operation, such as `GetObject`.
    pub operation: String,
    /// The bucket; empty for requests about the account.
    pub bucket: String,
    /// The object's key, or the prefix of a listing.
    pub key: String,
}

/// The account with its lock, and what was asked of it.
#[derive(Default)]
pub(crate) struct State {
    account: RwLock<Account>,
    counters: Mutex<BTreeMap<String, u64>>,
    /// `None` while nobody records: a demo runs for days, and every object has a name of its own.
    s3_requests: Mutex<Option<Vec<S3Request>>>,
    /// What goes wrong on demand.
    pub(crate) faults: Faults,
    /// What time it is in the account.
    pub(crate) clock: Clock,
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

    /// Keeps S3 requests from now on.
    pub(crate) fn record_s3(&self) {
        *self.s3_requests.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
    }

    /// What was kept since [`Self::record_s3`]; keeps nothing any more.
    pub(crate) fn recorded_s3(&self) -> Vec<S3Request> {
        self.s3_requests.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
    }

    /// Keeps one S3 request, if somebody records.
    pub(crate) fn note_s3(&self, operation: &str, bucket: &str, key: &str) {
        if let Some(requests) = self.s3_requests.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            let (operation, bucket, key) = (operation.to_owned(), bucket.to_owned(), key.to_owned());
            requests.push(S3Request { operation, bucket, key });
        }
    }
}
