//! The gate for third-party engines: the caller tag, the claimed permission type, and the query authorisation ids.
//!
//! A refusal of the caller itself is bare, without a reason, exactly as on AWS.

use std::collections::{HashMap, VecDeque};

use serde::Deserialize;
use uuid::Uuid;

use super::answer::Enforcement;
use crate::glue::TableName;
use crate::protocol::{ApiError, ErrorCode};
use crate::state::{ACCOUNT, Account, Caller};

/// The session tag that makes a role session an authorised caller.
const CALLER_TAG: &str = "LakeFormationAuthorizedCaller";
/// How many query authorisations are remembered; the oldest are forgotten first.
const REMEMBERED_QUERIES: usize = 100_000;

/// The part of a query session context that the sandbox looks at.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct QueryContext {
    query_authorization_id: Option<String>,
}

/// The query authorisations given out: each belongs to one principal and one table.
#[derive(Default)]
pub(crate) struct QueryAuthorizations {
    owners: HashMap<String, Owner>,
    order: VecDeque<String>,
}

#[derive(Clone, PartialEq, Eq)]
struct Owner {
    principal: String,
    table: TableName,
}

/// Demands that the account lets external engines in and that this call comes from one.
///
/// # Errors
/// A bare `AccessDeniedException`.
pub(crate) fn require_authorized_caller(account: &Account, caller: &Caller) -> Result<(), ApiError> {
    let tags = caller.role_session().map(|session| &session.tags);
    let tag = tags.and_then(|tags| tags.get(CALLER_TAG)).map(String::as_str);
    if account.governance.settings.admits_engine(ACCOUNT, tag) { Ok(()) } else { Err(ApiError::denied("")) }
}

/// The one permission type that the engine claims to enforce.
///
/// # Errors
/// `InvalidInputException` for an unknown value or more than one, and for none unless `may_be_absent`.
pub(crate) fn claimed_enforcement(types: &[String], may_be_absent: bool) -> Result<Enforcement, ApiError> {
    let claimed = match types {
        [] if may_be_absent => Some(Enforcement::Nothing),
        [only] => Enforcement::from_wire(only),
        _ => None,
    };
    claimed.ok_or_else(|| {
        let values = Enforcement::VALUES;
        ApiError::invalid_input(format!("Supported permission types must be exactly one of: {values}"))
    })
}

/// Demands that the engine claims at least what the policy of the table needs.
///
/// # Errors
/// `PermissionTypeMismatchException`.
pub(crate) fn require_enforcement(claimed: Enforcement, required: Enforcement) -> Result<(), ApiError> {
    if claimed >= required {
        return Ok(());
    }
    Err(ApiError::new(
        ErrorCode::PermissionTypeMismatchException,
        "The permissions on the table need a permission type that the caller does not support",
    ))
}

impl QueryAuthorizations {
    /// The authorisation id of a call: the one it echoes if that is its own, a fresh one if it echoes none.
    ///
    /// # Errors
    /// `InvalidInputException` for an id that was not given to this principal for this table.
    pub(crate) fn authorize(
        &mut self,
        context: Option<&QueryContext>,
        principal: &str,
        table: &TableName,
    ) -> Result<String, ApiError> {
        let owner = Owner { principal: principal.to_owned(), table: table.clone() };
        if let Some(echoed) = context.and_then(|context| context.query_authorization_id.as_deref()) {
            let is_own = self.owners.get(echoed) == Some(&owner);
            return if is_own {
                Ok(echoed.to_owned())
            } else {
                Err(ApiError::invalid_input("The query authorization id is not valid for this table"))
            };
        }
        let fresh = Uuid::new_v4().to_string();
        self.owners.insert(fresh.clone(), owner);
        self.order.push_back(fresh.clone());
        if self.order.len() > REMEMBERED_QUERIES
            && let Some(oldest) = self.order.pop_front()
        {
            self.owners.remove(&oldest);
        }
        Ok(fresh)
    }
}
