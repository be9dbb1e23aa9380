//! What Lake Formation lets a principal see of a table, and the credentials to read it.
//!
//! ```text
//!   principal + table ──▶ policy (cached for access.policy_ttl) ──▶ Grant ──▶ CredentialLease ──▶ VendedCredentials
//!                           └─ asked for again while the statement runs ──▶ GrantWatch, which ends it
//! ```
//!
//! Invariants
//! - A [`Grant`] exists only if AWS answered for this very principal and table, and the whole answer was understood:
//!   anything unknown in it refuses the table (G6).
//! - The policy comes first, credentials second, tied together by AWS's query authorisation id.
//! - The cache is keyed by principal *and* table; a grant, and the credentials made through it, serve one query (G5, G7).
//! - Missing and hidden tables get the same answer.
//!
//! The policy is never rebuilt from ListPermissions: that misses tag expressions, attributes and cross-account
//! intersections. AWS decides; this room reads the decision.

mod cells;
mod decision;
pub(crate) mod filter;
mod fresh_cache;
mod grant;
mod grant_watch;
mod policy_cache;
mod refusals;
mod vend;

use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};

use self::fresh_cache::Fresh;
pub(crate) use self::grant::Grant;
use self::grant::Policy;
pub(crate) use self::grant_watch::GrantWatch;
use self::grant_watch::until_broken;
use self::policy_cache::PolicyCache;
pub(crate) use self::vend::CredentialLease;
use crate::aws::{Aws, RoleClient};
use crate::clock::SystemClock;
use crate::error::Error;
use crate::identity::Principal;
use crate::ids::{QueryId, TableName};
use crate::settings::AccessSettings;
use crate::sql::NamedTable;

/// Asks Lake Formation on behalf of principals. One per server.
pub(crate) struct Access {
    aws: Arc<Aws>,
    policies: Arc<PolicyCache>,
}

impl Access {
    /// An authoriser with an empty cache.
    pub(crate) fn new(aws: Arc<Aws>, settings: &AccessSettings) -> Self {
        Self { aws, policies: Arc::new(PolicyCache::new(settings)) }
    }

    /// One grant for each entry of `tables`, in its order. AWS is asked for all at once, and once for a table that the query
    /// names at several moments: rights have no versions. From then on the grants are watched until the last of them, and all
    /// that was made of them, is dropped.
    ///
    /// # Errors
    /// The first refusal in the order of `tables`, whichever came first in time; a query with one refused table gets no
    /// grant at all.
    pub(crate) async fn authorise(
        &self,
        principal: &Principal,
        tables: &[NamedTable],
        query_id: QueryId,
    ) -> Result<Vec<Grant>, Error> {
        if tables.is_empty() {
            return Ok(Vec::new());
        }
        let (names, positions) = distinct_names(tables);
        let client = self.aws.client(principal.role(), principal.user());
        let asked = names.iter().map(|table| self.policies.policy(&client, principal, table, query_id));
        let policies = join_all(asked).await.into_iter().collect::<Result<Vec<_>, Error>>()?;
        let caller = Caller { client, principal: principal.clone(), query_id };
        let watch = GrantWatch::start(policies.iter().map(|policy| self.watched(&caller, policy)).collect());
        let grants: Vec<Grant> =
            policies.into_iter().map(|policy| self.grant(&caller, policy.value, &watch)).collect();
        Ok(positions.into_iter().map(|position| grants[position].clone()).collect())
    }

    fn grant(&self, caller: &Caller, policy: Arc<Policy>, watch: &GrantWatch) -> Grant {
        let Caller { client, principal, query_id } = caller.clone();
        let policies = Arc::clone(&self.policies);
        let lease =
            CredentialLease::new(client, policies, principal, Arc::clone(&policy), watch.clone(), query_id);
        Grant::new(policy, Arc::new(lease))
    }

    /// Resolves when a policy no longer holds.
    fn watched(&self, caller: &Caller, planned: &Fresh<Arc<Policy>>) -> BoxFuture<'static, Error> {
        let (policies, caller, policy) =
            (Arc::clone(&self.policies), caller.clone(), Arc::clone(&planned.value));
        let fingerprint =
            |policy: Fresh<Arc<Policy>>| Fresh { value: policy.value.fingerprint, asked_at: policy.asked_at };
        let (pace, planned) = (policies.pace(), fingerprint(planned.clone()));
        let ask = move || {
            let (policies, caller, policy) = (Arc::clone(&policies), caller.clone(), Arc::clone(&policy));
            async move {
                let Caller { client, principal, query_id } = &caller;
                policies.policy_now(client, principal, &policy.table, *query_id).await.map(fingerprint)
            }
        };
        until_broken(SystemClock, pace, planned, ask).boxed()
    }
}

/// Who asks, and for which query.
#[derive(Clone)]
struct Caller {
    client: Arc<RoleClient>,
    principal: Principal,
    query_id: QueryId,
}

/// The names in `tables`, each once, and where among them each entry's name is.
fn distinct_names(tables: &[NamedTable]) -> (Vec<&TableName>, Vec<usize>) {
    let mut names: Vec<&TableName> = Vec::with_capacity(tables.len());
    let positions = tables
        .iter()
        .map(|table| {
            names.iter().position(|name| **name == table.name).unwrap_or_else(|| {
                names.push(&table.name);
                names.len() - 1
            })
        })
        .collect();
    (names, positions)
}

#[cfg(test)]
mod tests;
