//! Sessions of users' roles: `sts:AssumeRole` with the tag that makes this server a trusted query engine.
//!
//! Lake Formation answers `GetUnfilteredTableMetadata` and `GetTemporaryGlueTableCredentials` only for sessions that
//! carry the tag `LakeFormationAuthorizedCaller` with a value that the account registered
//! (AWS: "Registering a third-party query engine"). Whoever can make such a session sees everything that the role's
//! user may see, unfiltered; so the tag's value and the external id come from the operator's configuration alone.
//!
//! A session is shared by all queries of one user and renewed before it expires. Renewal is single-flight.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_sts::types::Tag;
use tokio::sync::Mutex;

use super::failure::{AwsFailure, FailureKind};
use super::identity::OwnIdentity;
use crate::ids::{RoleArn, Secret};
use crate::settings::AwsSettings;

/// The session tag's key. The API reference names another one in prose; this is the one that works.
const CALLER_TAG_KEY: &str = "LakeFormationAuthorizedCaller";

/// A session is renewed this long before it ends, so that no signed request expires on its way.
const RENEWAL_MARGIN: Duration = Duration::from_secs(120);

/// Longest role session name (STS API: RoleSessionName, 2 to 64 characters).
const SESSION_NAME_LIMIT: usize = 64;

/// The session of one user's role.
pub(super) struct RoleSession {
    sts: aws_sdk_sts::Client,
    role: RoleArn,
    session_name: String,
    external_id: Option<Secret>,
    caller_tag: Secret,
    duration: Duration,
    own_identity: Arc<OwnIdentity>,
    current: Mutex<Option<Credentials>>,
}

impl RoleSession {
    pub(super) fn new(
        sts: aws_sdk_sts::Client,
        role: RoleArn,
        user: &str,
        external_id: Option<Secret>,
        settings: &AwsSettings,
        own_identity: Arc<OwnIdentity>,
    ) -> Self {
        Self {
            sts,
            role,
            session_name: session_name(user),
            external_id,
            caller_tag: settings.caller_tag.clone(),
            duration: settings.session_duration,
            own_identity,
            current: Mutex::new(None),
        }
    }

    /// The role whose session this is.
    pub(super) fn role(&self) -> &RoleArn {
        &self.role
    }

    /// Credentials that are valid for at least [`RENEWAL_MARGIN`].
    ///
    /// # Errors
    /// [`FailureKind::RoleNotAssumable`] if STS refuses the role; another kind if this server cannot ask now.
    pub(super) async fn credentials(&self) -> Result<Credentials, AwsFailure> {
        let mut current = self.current.lock().await;
        if let Some(credentials) = current.as_ref().filter(|held| is_fresh(held)) {
            return Ok(credentials.clone());
        }
        let renewed = self.assume_role().await?;
        *current = Some(renewed.clone());
        Ok(renewed)
    }

    /// Forgets credentials that AWS has just called expired, so that the next query assumes the role anew.
    pub(super) async fn discard(&self) {
        *self.current.lock().await = None;
    }

    async fn assume_role(&self) -> Result<Credentials, AwsFailure> {
        let tag = Tag::builder()
            .key(CALLER_TAG_KEY)
            .value(self.caller_tag.expose())
            .build()
            .map_err(|error| AwsFailure::new(FailureKind::InvalidInput, error.to_string()))?;
        let duration = i32::try_from(self.duration.as_secs()).unwrap_or(i32::MAX);
        let answer = self
            .sts
            .assume_role()
            .role_arn(self.role.as_str())
            .role_session_name(&self.session_name)
            .set_external_id(self.external_id.as_ref().map(|id| id.expose().to_owned()))
            .duration_seconds(duration)
            .tags(tag)
            .send()
            .await
            .map_err(|error| {
                let failure = AwsFailure::from_sdk("sts:AssumeRole", error);
                if failure.kind() == FailureKind::SessionExpired {
                    self.own_identity.refused();
                }
                match failure.kind() {
                    // Said of the user's role. Everything else is about this server: its own session, its clock, the network.
                    FailureKind::AccessDenied | FailureKind::InvalidInput => {
                        failure.of_kind(FailureKind::RoleNotAssumable)
                    }
                    _ => failure,
                }
            })?;
        self.own_identity.accepted();
        let issued = answer.credentials.ok_or_else(|| {
            AwsFailure::new(FailureKind::RoleNotAssumable, "sts:AssumeRole answered without credentials")
        })?;
        let expiry = SystemTime::try_from(issued.expiration)
            .map_err(|error| AwsFailure::new(FailureKind::RoleNotAssumable, error.to_string()))?;
        Ok(Credentials::new(
            issued.access_key_id,
            issued.secret_access_key,
            Some(issued.session_token),
            Some(expiry),
            "lakegate-assume-role",
        ))
    }
}

fn is_fresh(credentials: &Credentials) -> bool {
    credentials.expiry().is_some_and(|expiry| expiry > SystemTime::now() + RENEWAL_MARGIN)
}

/// Makes a role session name from a user name: STS allows `[\w+=,.@-]{2,64}`; anything else becomes `-`.
fn session_name(user: &str) -> String {
    let name: String = user
        .chars()
        .map(|character| match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '+' | '=' | ',' | '.' | '@' | '-' => character,
            _ => '-',
        })
        .take(SESSION_NAME_LIMIT)
        .collect();
    if name.len() < 2 { format!("{name}--") } else { name }
}

/// Hands a session's credentials to the SDK's clients.
struct SessionProvider(Arc<RoleSession>);

pub(super) fn credentials_provider(session: &Arc<RoleSession>) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(SessionProvider(Arc::clone(session)))
}

impl fmt::Debug for SessionProvider {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SessionProvider")
    }
}

impl ProvideCredentials for SessionProvider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            self.0
                .credentials()
                .await
                .map_err(|failure| CredentialsError::provider_error(failure.internal_text().to_owned()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_name_keeps_to_the_letters_that_sts_allows() {
        assert_eq!(session_name("anna.müller@example.com"), "anna.m-ller@example.com");
        assert_eq!(session_name("x"), "x--");
        assert_eq!(session_name(&"a".repeat(100)).len(), SESSION_NAME_LIMIT);
    }
}
