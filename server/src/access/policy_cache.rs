//! Policies already asked for, per principal and table, for at most `access.policy_ttl`.
//!
//! The time to live is the documented bound on how long a revoked grant still works. [`Refusals`] are kept for a shorter time.
//! Concurrent queries for one entry share one call to AWS, and so do the statements that ask again while they run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::decision;
use super::fresh_cache::{Fresh, FreshCache};
use super::grant::Policy;
use super::grant_watch::Pace;
use super::refusals::Refusals;
use crate::aws::RoleClient;
use crate::clock::{Clock, SystemClock};
use crate::error::Error;
use crate::identity::Principal;
use crate::ids::{QueryId, TableName};
use crate::mutant::Mutant;
use crate::settings::{AccessSettings, CellMasking};

/// Shortest time between two questions of one running statement about one table, also where `access.policy_ttl` is shorter.
const MIN_RECHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Never a bare string: a key without the principal would hand one user's policy to another.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct PolicyKey {
    pub(super) principal: Principal,
    pub(super) table: TableName,
}

pub(super) struct PolicyCache {
    time_to_live: Duration,
    pace: Pace,
    masking: CellMasking,
    entries: FreshCache<PolicyKey, Arc<Policy>, SystemClock>,
    refusals: Refusals,
}

impl PolicyCache {
    pub(super) fn new(settings: &AccessSettings) -> Self {
        let interval = settings.policy_ttl.max(MIN_RECHECK_INTERVAL);
        Self {
            time_to_live: settings.policy_ttl,
            pace: Pace { interval, grace: settings.policy_grace },
            masking: settings.cell_masking,
            entries: FreshCache::new(settings.policy_cache_entries, interval, SystemClock),
            refusals: Refusals::new(settings.refusal_ttl.min(settings.policy_ttl)),
        }
    }

    /// How running statements ask again.
    pub(super) fn pace(&self) -> Pace {
        self.pace
    }

    /// The policy for a statement that begins, at most `access.policy_ttl` old.
    pub(super) async fn policy(
        &self,
        client: &RoleClient,
        principal: &Principal,
        table: &TableName,
        query_id: QueryId,
    ) -> Result<Fresh<Arc<Policy>>, Error> {
        if self.time_to_live.is_zero() {
            let asked_at: Instant = SystemClock.now();
            let value = Arc::new(self.ask(client, principal, table, query_id).await?);
            return Ok(Fresh { value, asked_at });
        }
        self.younger_than(self.time_to_live, client, principal, table, query_id).await
    }

    /// The policy for a statement that runs, younger than the interval of [`pace`](Self::pace).
    pub(super) async fn policy_now(
        &self,
        client: &RoleClient,
        principal: &Principal,
        table: &TableName,
        query_id: QueryId,
    ) -> Result<Fresh<Arc<Policy>>, Error> {
        self.younger_than(self.pace.interval, client, principal, table, query_id).await
    }

    async fn younger_than(
        &self,
        max_age: Duration,
        client: &RoleClient,
        principal: &Principal,
        table: &TableName,
        query_id: QueryId,
    ) -> Result<Fresh<Arc<Policy>>, Error> {
        let whose = Mutant::PolicyOfFirstUser.first_of(principal.clone());
        let key = PolicyKey { principal: whose, table: table.clone() };
        let asked = async { self.ask(client, principal, table, query_id).await.map(Arc::new) };
        if let Some(refusal) = self.refusals.of(&key) {
            return Err(refusal);
        }
        let answer = self.entries.get(&key, max_age, asked).await;
        if let Err(error) = &answer {
            self.refusals.remember(&key, error);
        }
        answer
    }

    /// The policy as AWS tells it now.
    ///
    /// # Errors
    /// See [`decision::ask`].
    async fn ask(
        &self,
        client: &RoleClient,
        principal: &Principal,
        table: &TableName,
        query_id: QueryId,
    ) -> Result<Policy, Error> {
        decision::ask(client, principal, table, query_id, self.masking).await
    }

    /// Forgets an entry that AWS has just contradicted.
    pub(super) fn forget(&self, principal: &Principal, table: &TableName) {
        self.entries.forget(&PolicyKey { principal: principal.clone(), table: table.clone() });
    }
}
