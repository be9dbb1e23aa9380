//! Policies already asked for, per principal and table, for at most `access.policy_ttl`.
//!
//! The time to live is the documented bound on how long a revoked grant still works. [`Refusals`] are kept for a shorter time.
//! Concurrent queries for one entry share one call to AWS.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;

use super::decision;
use super::grant::Policy;
use super::refusals::Refusals;
use crate::aws::RoleClient;
use crate::error::Error;
use crate::identity::Principal;
use crate::ids::{QueryId, TableName};
use crate::mutant::Mutant;
use crate::settings::{AccessSettings, CellMasking};

/// Never a bare string: a key without the principal would hand one user's policy to another.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct PolicyKey {
    pub(super) principal: Principal,
    pub(super) table: TableName,
}

pub(super) struct PolicyCache {
    time_to_live: Duration,
    masking: CellMasking,
    entries: Cache<PolicyKey, Arc<Policy>>,
    refusals: Refusals,
}

impl PolicyCache {
    pub(super) fn new(settings: &AccessSettings) -> Self {
        Self {
            time_to_live: settings.policy_ttl,
            masking: settings.cell_masking,
            entries: Cache::builder()
                .max_capacity(settings.policy_cache_entries)
                .time_to_live(settings.policy_ttl)
                .build(),
            refusals: Refusals::new(settings.refusal_ttl.min(settings.policy_ttl)),
        }
    }

    /// The policy, at most `access.policy_ttl` old.
    pub(super) async fn policy(
        &self,
        client: &RoleClient,
        principal: &Principal,
        table: &TableName,
        query_id: QueryId,
    ) -> Result<Arc<Policy>, Error> {
        if self.time_to_live.is_zero() {
            return self.ask(client, principal, table, query_id).await.map(Arc::new);
        }
        let whose = Mutant::PolicyOfFirstUser.first_of(principal.clone());
        let key = PolicyKey { principal: whose, table: table.clone() };
        let asked = async { self.ask(client, principal, table, query_id).await.map(Arc::new) };
        if let Some(refusal) = self.refusals.of(&key) {
            return Err(refusal);
        }
        self.entries.try_get_with_by_ref(&key, asked).await.map_err(|shared: Arc<Error>| {
            self.refusals.remember(&key, &shared);
            Error::clone(&shared)
        })
    }

    /// The policy as AWS tells it now.
    ///
    /// # Errors
    /// See [`decision::ask`].
    pub(super) async fn ask(
        &self,
        client: &RoleClient,
        principal: &Principal,
        table: &TableName,
        query_id: QueryId,
    ) -> Result<Policy, Error> {
        decision::ask(client, principal, table, query_id, self.masking).await
    }

    /// Forgets an entry that AWS has just contradicted.
    pub(super) async fn forget(&self, principal: &Principal, table: &TableName) {
        let key = PolicyKey { principal: principal.clone(), table: table.clone() };
        self.entries.invalidate(&key).await;
    }
}
