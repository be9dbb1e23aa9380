//! The sessions that are kept.
//!
//! Invariant: a principal has one session at a time. One that made room for others, but is still used, is found again: with
//! two, a user could hold the places of both.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use moka::sync::Cache;

use super::Session;
use crate::identity::Principal;

/// See the file's head.
pub(super) struct OpenSessions {
    /// Kept although nobody may use them now.
    kept: Cache<Principal, Arc<Session>>,
    all: Mutex<All>,
}

#[derive(Default)]
struct All {
    sessions: HashMap<Principal, Weak<Session>>,
    /// As many as there may be until those are removed that are gone.
    most: usize,
}

impl OpenSessions {
    /// # Arguments
    /// * `most` - sessions that are kept unused.
    /// * `idle` - how long one is kept unused.
    pub(super) fn new(most: usize, idle: Duration) -> Self {
        Self {
            kept: Cache::builder().max_capacity(most as u64).time_to_idle(idle).build(),
            all: Mutex::default(),
        }
    }

    /// The session of a principal, made by `open` if there is none.
    pub(super) fn get_or_open(&self, principal: &Principal, open: impl FnOnce() -> Session) -> Arc<Session> {
        self.kept.get_with_by_ref(principal, || {
            let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(session) = all.sessions.get(principal).and_then(Weak::upgrade) {
                return session;
            }
            if all.sessions.len() >= all.most {
                all.sessions.retain(|_, session| session.strong_count() > 0);
                // What is removed at once grows with what there is, so that each costs little.
                all.most = 2 * all.sessions.len() + 64;
            }
            let session = Arc::new(open());
            all.sessions.insert(principal.clone(), Arc::downgrade(&session));
            session
        })
    }

    /// Makes room for as many others as there may be.
    #[cfg(test)]
    pub(super) fn forget(&self, principal: &Principal) {
        self.kept.invalidate(principal);
        self.kept.run_pending_tasks();
    }
}
