//! Who a request acts for.
//!
//! Invariant: only this room makes a [`Principal`] (its constructor is private to `identity`), so holding one is
//! proof that a login or a sealed token was checked. User and role always come as the pair that the configuration
//! names: neither can be exchanged alone.

use std::fmt;
use std::sync::Arc;

use crate::ids::RoleArn;

/// A user and the IAM role that stands for that user towards AWS. Cheap to clone.
///
/// Equality and hash cover both, so a cache keyed by a principal never serves a user whose role has changed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Principal {
    user: Arc<str>,
    role: Arc<RoleArn>,
}

impl Principal {
    pub(super) fn new(user: &str, role: RoleArn) -> Self {
        Self { user: Arc::from(user), role: Arc::new(role) }
    }

    /// The user's name as the configuration spells it.
    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    /// The role that every AWS call for this user is made as.
    pub(crate) fn role(&self) -> &RoleArn {
        &self.role
    }

    /// A principal without a login, for the unit tests and fuzz targets of other rooms only.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn for_test(user: &str, role: RoleArn) -> Self {
        Self::new(user, role)
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} as {}", self.user, self.role.as_str())
    }
}
