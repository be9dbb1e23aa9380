//! Credentials for one table and one query: asked for when S3 is first needed, renewed while a long scan runs.
//!
//! Invariants (G7): a lease belongs to one grant, and gives out nothing once the grant's watch says that it no longer holds.
//! Keys are renewed only under the policy that the query was planned with; if it changed, the lease ends and with it the
//! scan, because rows already sent and rows to come would follow different rules.
//! After one refusal a lease never answers again, so that a retry cannot turn a denial into part of an answer.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;

use super::decision;
use super::grant::Policy;
use super::grant_watch::GrantWatch;
use super::policy_cache::PolicyCache;
use crate::aws::{FailureKind, RoleClient, TableCredentials};
use crate::error::{Error, ErrorKind};
use crate::identity::Principal;
use crate::ids::{QueryId, Secret};

/// Credentials are renewed this long before they end: a request signed at the last moment may be retried for a while.
const RENEWAL_MARGIN: Duration = Duration::from_secs(120);

/// Keys that open the files of one table. No `Debug`: they must not reach a log.
pub(crate) struct VendedCredentials {
    access_key_id: String,
    secret_access_key: Secret,
    session_token: Secret,
    expires_at: SystemTime,
    vended_paths: Vec<String>,
}

impl VendedCredentials {
    /// The access key's id.
    pub(crate) fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The signing key.
    pub(crate) fn secret_access_key(&self) -> &Secret {
        &self.secret_access_key
    }

    /// The session token that goes with every request.
    pub(crate) fn session_token(&self) -> &Secret {
        &self.session_token
    }

    /// The S3 locations that AWS says these keys open; may be empty, which says nothing.
    pub(crate) fn vended_paths(&self) -> &[String] {
        &self.vended_paths
    }
}

enum State {
    Unused,
    Valid(Arc<VendedCredentials>),
    Refused(Error),
}

/// The right of one query to credentials for one table.
pub(crate) struct CredentialLease {
    client: Arc<RoleClient>,
    policies: Arc<PolicyCache>,
    principal: Principal,
    policy: Arc<Policy>,
    watch: GrantWatch,
    query_id: QueryId,
    state: Mutex<State>,
}

impl CredentialLease {
    pub(super) fn new(
        client: Arc<RoleClient>,
        policies: Arc<PolicyCache>,
        principal: Principal,
        policy: Arc<Policy>,
        watch: GrantWatch,
        query_id: QueryId,
    ) -> Self {
        Self { client, policies, principal, policy, watch, query_id, state: Mutex::new(State::Unused) }
    }

    /// Whom it serves.
    pub(super) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Whether the grants of its query still hold.
    pub(super) fn watch(&self) -> &GrantWatch {
        &self.watch
    }

    /// Credentials that stay valid for at least [`RENEWAL_MARGIN`].
    ///
    /// # Errors
    /// The refusal of AWS, and from then on always the same one; or `Unavailable`, which may pass; or why the query must end.
    pub(crate) async fn current(&self) -> Result<Arc<VendedCredentials>, Error> {
        self.watch.check()?;
        let mut state = self.state.lock().await;
        let renewed = match &*state {
            State::Refused(error) => return Err(error.clone()),
            State::Valid(held) if held.expires_at > SystemTime::now() + RENEWAL_MARGIN => {
                return Ok(Arc::clone(held));
            }
            State::Valid(_) => self.renew().await,
            State::Unused => self.vend(&self.policy).await,
        };
        match renewed {
            Ok(credentials) => {
                let credentials = Arc::new(credentials);
                *state = State::Valid(Arc::clone(&credentials));
                Ok(credentials)
            }
            Err(error) => {
                if error.kind() != ErrorKind::Unavailable {
                    self.policies.forget(&self.principal, &self.policy.table);
                    *state = State::Refused(error.clone());
                }
                Err(error)
            }
        }
    }

    /// Asks for credentials anew if the policy is still the one that the query was planned with.
    async fn renew(&self) -> Result<VendedCredentials, Error> {
        let table = &self.policy.table;
        let now = self.policies.policy_now(&self.client, &self.principal, table, self.query_id).await?.value;
        if now.fingerprint != self.policy.fingerprint {
            return Err(Error::new(
                ErrorKind::PermissionDenied,
                "the permissions on a table changed while the query ran; run it again",
            )
            .because(format!("policy of {table} changed between vending and renewal")));
        }
        self.vend(&now).await
    }

    async fn vend(&self, policy: &Policy) -> Result<VendedCredentials, Error> {
        let table = &policy.table;
        let arn = self.client.table_arn(&policy.catalog_id, table.database(), table.table());
        let audit_note = format!("lakegate user={} query={}", self.principal.user(), self.query_id);
        let issued = self
            .client
            .table_credentials(&arn, policy.asked_by, &policy.query_authorization_id, &audit_note)
            .await
            .map_err(|failure| match failure.kind() {
                FailureKind::InvalidInput | FailureKind::Unknown => {
                    let text = "AWS gives no credentials for this table";
                    failure.explain(Error::new(ErrorKind::PermissionDenied, text).echoing(&table.to_string()))
                }
                _ => decision::refusal(failure, table),
            })?;
        Ok(VendedCredentials::from(issued))
    }
}

impl From<TableCredentials> for VendedCredentials {
    fn from(issued: TableCredentials) -> Self {
        Self {
            access_key_id: issued.access_key_id,
            secret_access_key: issued.secret_access_key,
            session_token: issued.session_token,
            expires_at: issued.expires_at,
            vended_paths: issued.vended_paths,
        }
    }
}
