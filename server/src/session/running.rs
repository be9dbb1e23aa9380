//! Which queries run on this server, so that their owners can end them by their ids.
//!
//! A query is known by the id of the call that planned it, which the client was told. A ticket may be redeemed several times at once, so one id may mean several
//! runs, and all of them end. Ids are looked up together with the principal: another user's id is as unknown as one that
//! never was.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::identity::Principal;
use crate::ids::QueryId;

type Key = (Principal, QueryId);

/// The queries that run. As large as the number of queries that admission lets in or lets wait.
#[derive(Clone, Default)]
pub(crate) struct RunningQueries(Arc<Mutex<Register>>);

#[derive(Default)]
struct Register {
    runs: HashMap<Key, Vec<Run>>,
    next_number: u64,
}

struct Run {
    number: u64,
    cancelled: CancellationToken,
}

impl RunningQueries {
    /// A query begins under these ids and is known by them until the answer is dropped.
    pub(crate) fn enter(
        &self,
        principal: &Principal,
        ids: impl IntoIterator<Item = QueryId>,
    ) -> RunningQuery {
        let cancelled = CancellationToken::new();
        let keys: Vec<Key> = ids.into_iter().map(|id| (principal.clone(), id)).collect();
        let mut register = self.register();
        let number = register.next_number;
        register.next_number += 1;
        for key in &keys {
            let run = Run { number, cancelled: cancelled.clone() };
            register.runs.entry(key.clone()).or_default().push(run);
        }
        drop(register);
        RunningQuery { queries: self.clone(), keys, number, cancelled }
    }

    /// Ends the principal's queries of this id. Whether there were any.
    pub(crate) fn cancel(&self, principal: &Principal, id: QueryId) -> bool {
        let register = self.register();
        let Some(runs) = register.runs.get(&(principal.clone(), id)) else {
            return false;
        };
        runs.iter().for_each(|run| run.cancelled.cancel());
        !runs.is_empty()
    }

    fn register(&self) -> MutexGuard<'_, Register> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A query that runs, until dropped.
pub(crate) struct RunningQuery {
    queries: RunningQueries,
    keys: Vec<Key>,
    number: u64,
    cancelled: CancellationToken,
}

impl RunningQuery {
    /// Is cancelled when the query's owner asks to end it.
    pub(crate) fn cancelled(&self) -> &CancellationToken {
        &self.cancelled
    }
}

impl Drop for RunningQuery {
    fn drop(&mut self) {
        let mut register = self.queries.register();
        for key in &self.keys {
            if let Some(runs) = register.runs.get_mut(key) {
                runs.retain(|run| run.number != self.number);
                if runs.is_empty() {
                    register.runs.remove(key);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;
    use crate::ids::RoleArn;

    fn principal(user: &str) -> Principal {
        Principal::for_test(user, RoleArn::parse("arn:aws:iam::123456789012:role/shared").unwrap())
    }

    #[test]
    fn an_owner_ends_all_runs_of_an_id_and_nobody_else_ends_any() {
        let queries = RunningQueries::default();
        let (planned, run) = (QueryId::new(), QueryId::new());
        let owner = principal("owner");
        let first = queries.enter(&owner, [planned, run]);
        let second = queries.enter(&owner, [planned, QueryId::new()]);
        assert!(!queries.cancel(&principal("other"), planned));
        assert!(queries.cancel(&owner, run));
        assert!(first.cancelled().is_cancelled() && !second.cancelled().is_cancelled());
        assert!(queries.cancel(&owner, planned));
        assert!(second.cancelled().is_cancelled());
    }

    #[test]
    fn a_query_that_has_ended_is_forgotten() {
        let queries = RunningQueries::default();
        let (planned, owner) = (QueryId::new(), principal("owner"));
        let first = queries.enter(&owner, [planned]);
        let second = queries.enter(&owner, [planned]);
        drop(first);
        assert!(queries.cancel(&owner, planned));
        drop(second);
        assert!(!queries.cancel(&owner, planned));
        assert!(queries.register().runs.is_empty());
    }
}
