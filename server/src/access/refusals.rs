//! Refusals that AWS has just given, for at most `access.refusal_ttl`.
//!
//! Without this a statement that names 64 tables which its user may not know costs 64 calls each time that it is sent. What
//! is remembered is what was answered: "not found or not granted" and "not its data"; an error of another kind says nothing
//! about the table. A new right works after this time at the latest, and one that is taken away is no concern of this file.
//!
//! Invariant: a refusal is kept under the principal *and* the table (G5).

use std::time::Duration;

use moka::sync::Cache;

use super::policy_cache::PolicyKey;
use crate::error::{Error, ErrorKind};

/// Most refusals kept, over all principals.
const MOST_REFUSALS: u64 = 20_000;

/// See the file's head.
pub(super) struct Refusals(Option<Cache<PolicyKey, Error>>);

impl Refusals {
    /// # Arguments
    /// * `time_to_live` - zero keeps none.
    pub(super) fn new(time_to_live: Duration) -> Self {
        let is_kept = !time_to_live.is_zero();
        Self(is_kept.then(|| Cache::builder().max_capacity(MOST_REFUSALS).time_to_live(time_to_live).build()))
    }

    /// What was answered a short while ago.
    pub(super) fn of(&self, key: &PolicyKey) -> Option<Error> {
        self.0.as_ref()?.get(key)
    }

    /// Remembers an error, if it is a refusal.
    pub(super) fn remember(&self, key: &PolicyKey, error: &Error) {
        if let Some(refusals) = &self.0
            && matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied)
        {
            refusals.insert(key.clone(), error.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;
    use crate::identity::Principal;
    use crate::ids::{RoleArn, TableName};

    fn key(user: &str, table: &str) -> PolicyKey {
        let role = RoleArn::parse("arn:aws:iam::123456789012:role/shared").unwrap();
        PolicyKey { principal: Principal::for_test(user, role), table: TableName::new("hr", table) }
    }

    #[test]
    fn a_refusal_is_its_principals_and_its_tables_alone() {
        let refusals = Refusals::new(Duration::from_secs(60));
        refusals.remember(&key("anna", "secret"), &Error::no_such_table("hr.secret"));
        let answer = refusals.of(&key("anna", "secret")).unwrap();
        assert_eq!(answer.public_text(), "table not found or not granted: hr.secret");
        assert!(refusals.of(&key("berta", "secret")).is_none());
        assert!(refusals.of(&key("anna", "other")).is_none());
    }

    #[test]
    fn only_what_says_something_about_the_table_is_remembered_and_only_if_asked_to() {
        let refusals = Refusals::new(Duration::from_secs(60));
        for kind in [ErrorKind::Unavailable, ErrorKind::Internal, ErrorKind::ResourceExhausted] {
            refusals.remember(&key("anna", "t"), &Error::new(kind, "not now"));
            assert!(refusals.of(&key("anna", "t")).is_none(), "{kind:?}");
        }
        let none = Refusals::new(Duration::ZERO);
        none.remember(&key("anna", "t"), &Error::no_such_table("hr.t"));
        assert!(none.of(&key("anna", "t")).is_none());
    }
}
