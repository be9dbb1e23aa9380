//! What Lake Formation lets a principal see of a table, and the credentials to read it.
//!
//! ```text
//!   principal + table ──▶ policy (cached for access.policy_ttl) ──▶ Grant ──▶ CredentialLease ──▶ VendedCredentials
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

mod decision;
pub(crate) mod filter;
mod grant;
mod policy_cache;
mod vend;

use std::sync::Arc;

use futures::future::join_all;

pub(crate) use self::grant::Grant;
use self::policy_cache::PolicyCache;
pub(crate) use self::vend::CredentialLease;
use crate::aws::Aws;
use crate::error::Error;
use crate::identity::Principal;
use crate::ids::{QueryId, TableName};
use crate::settings::AccessSettings;

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

    /// One grant for each table of a query, asked for all at once.
    ///
    /// # Errors
    /// The first refusal in the order of `tables`, whichever came first in time; a query with one refused table gets no
    /// grant at all.
    pub(crate) async fn authorise(
        &self,
        principal: &Principal,
        tables: &[TableName],
        query_id: QueryId,
    ) -> Result<Vec<Grant>, Error> {
        let asked = join_all(tables.iter().map(|table| self.grant(principal, table, query_id)));
        asked.await.into_iter().collect()
    }

    async fn grant(
        &self,
        principal: &Principal,
        table: &TableName,
        query_id: QueryId,
    ) -> Result<Grant, Error> {
        let client = self.aws.client(principal.role(), principal.user());
        let policy = self.policies.policy(&client, principal, table, query_id).await?;
        let lease = CredentialLease::new(
            client,
            Arc::clone(&self.policies),
            principal.clone(),
            Arc::clone(&policy),
            query_id,
        );
        Ok(Grant::new(policy, Arc::new(lease)))
    }
}
