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

mod cells;
mod decision;
pub(crate) mod filter;
mod grant;
mod policy_cache;
mod refusals;
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
    /// names at several moments: rights have no versions.
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
        let (names, positions) = distinct_names(tables);
        let asked = join_all(names.into_iter().map(|table| self.grant(principal, table, query_id)));
        let grants = asked.await.into_iter().collect::<Result<Vec<Grant>, Error>>()?;
        Ok(positions.into_iter().map(|position| grants[position].clone()).collect())
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
mod tests {
    use super::*;
    use crate::sql::Moment;

    #[test]
    fn a_table_at_several_moments_is_asked_for_once() {
        let at = |table: &str, moment| NamedTable { name: TableName::new("sales", table), moment };
        let tables = [
            at("orders", None),
            at("nation", None),
            at("orders", Some(Moment::Version(1))),
            at("orders", Some(Moment::Timestamp(1))),
        ];
        let (names, positions) = distinct_names(&tables);
        assert_eq!(names, [&TableName::new("sales", "orders"), &TableName::new("sales", "nation")]);
        assert_eq!(positions, [0, 1, 0, 0]);
    }
}
