//! The only room that talks to the AWS SDK: Security Token Service, Glue Data Catalog, Lake Formation.
//!
//! Invariants
//! - Every Glue and Lake Formation call is signed with the session of one *user's* role. The server's own
//!   identity signs nothing but `sts:AssumeRole`, so a defect in a room above cannot read as the server.
//! - Retries have one owner: the SDK's standard retry mode, configured here. No caller loops around a call.
//! - What AWS says in an error never leaves as text: it becomes an [`AwsFailure`], whose words are for the log.
//! - Lists are complete or an error: pagination is followed to its end, with a guard against a token that repeats.
//!
//! The SDK's types stay in this folder; other rooms see plain data with the facts that they decide on.

mod call_budget;
mod calls;
mod failure;
mod glue;
mod identity;
mod lakeformation;
mod session;

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::tls;
use moka::sync::Cache;

use self::call_budget::CallBudget;
use self::calls::CallCounter;
pub(crate) use self::failure::{AwsFailure, FailureKind};
pub(crate) use self::glue::{GlueColumn, GlueTable, UnfilteredTable};
use self::identity::OwnIdentity;
pub(crate) use self::lakeformation::TableCredentials;
use self::session::RoleSession;
use crate::ids::{RoleArn, Secret};
use crate::settings::AwsSettings;
use crate::telemetry::metrics::Metrics;

/// Most principals whose SDK clients are kept; beyond that the least recently used are dropped and made anew.
const CLIENT_CACHE_ENTRIES: u64 = 10_000;

/// How long unused clients of a principal are kept.
const CLIENT_IDLE: Duration = Duration::from_secs(2 * 3600);

/// The way to AWS. One per server.
pub(crate) struct Aws {
    shared: SdkConfig,
    sts: aws_sdk_sts::Client,
    settings: AwsSettings,
    external_id: Option<Secret>,
    metrics: Arc<Metrics>,
    own_identity: Arc<OwnIdentity>,
    clients: Cache<ClientKey, Arc<RoleClient>>,
}

/// A user's role together with the name that CloudTrail shows for the session: two users of one role never
/// share a session, so each call is attributed to the person who caused it.
#[derive(Clone, PartialEq, Eq, Hash)]
struct ClientKey {
    role: RoleArn,
    user: String,
}

/// Clients that act as one user's role.
pub(crate) struct RoleClient {
    session: Arc<RoleSession>,
    /// What questions about names are paid from; credentials follow from a policy, and are not.
    calls: CallBudget,
    glue: aws_sdk_glue::Client,
    lakeformation: aws_sdk_lakeformation::Client,
    region: String,
}

impl Aws {
    /// Reads the server's own credentials from the SDK's default chain (environment, profile, instance or pod
    /// role) lazily, and connects nowhere yet.
    ///
    /// # Arguments
    /// * `external_id` - sent with each AssumeRole; fixed by the operator, never by a client.
    pub(crate) async fn connect(
        settings: &AwsSettings,
        external_id: Option<&Secret>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(settings.connect_timeout)
            .operation_timeout(settings.call_timeout)
            // So that a call whose answer is lost has time left to be tried again.
            .operation_attempt_timeout(settings.call_timeout / settings.max_attempts.max(1))
            .build();
        let retries = RetryConfig::standard().with_max_attempts(settings.max_attempts);
        let http_client = aws_smithy_http_client::Builder::new()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
            .build_https();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(settings.region.clone()))
            .http_client(http_client)
            .timeout_config(timeouts)
            .retry_config(retries);
        if let Some(endpoint) = &settings.endpoint_url {
            loader = loader.endpoint_url(endpoint.as_str());
        }
        let shared = loader.load().await;
        let sts = aws_sdk_sts::config::Builder::from(&shared)
            .interceptor(CallCounter::new(Arc::clone(&metrics)))
            .build();
        Self {
            sts: aws_sdk_sts::Client::from_conf(sts),
            own_identity: OwnIdentity::watch(shared.credentials_provider()),
            metrics,
            shared,
            settings: settings.clone(),
            external_id: external_id.cloned(),
            clients: Cache::builder().max_capacity(CLIENT_CACHE_ENTRIES).time_to_idle(CLIENT_IDLE).build(),
        }
    }

    /// The clients that act as `role` for `user`. Makes no call; the first use assumes the role.
    pub(crate) fn client(&self, role: &RoleArn, user: &str) -> Arc<RoleClient> {
        let key = ClientKey { role: role.clone(), user: user.to_owned() };
        self.clients.get_with_by_ref(&key, || Arc::new(self.new_client(&key)))
    }

    /// Whether the server knows that it has no credentials of its own, without which no role can be assumed.
    pub(crate) fn has_no_identity(&self) -> bool {
        self.own_identity.is_missing()
    }

    fn new_client(&self, key: &ClientKey) -> RoleClient {
        let session = Arc::new(RoleSession::new(
            self.sts.clone(),
            key.role.clone(),
            &key.user,
            self.external_id.clone(),
            &self.settings,
            Arc::clone(&self.own_identity),
        ));
        let credentials = session::credentials_provider(&session);
        let glue = aws_sdk_glue::config::Builder::from(&self.shared)
            .credentials_provider(credentials.clone())
            .identity_cache(aws_sdk_glue::config::IdentityCache::no_cache())
            .interceptor(CallCounter::new(Arc::clone(&self.metrics)))
            .build();
        let lakeformation = aws_sdk_lakeformation::config::Builder::from(&self.shared)
            .credentials_provider(credentials)
            .identity_cache(aws_sdk_lakeformation::config::IdentityCache::no_cache())
            .interceptor(CallCounter::new(Arc::clone(&self.metrics)))
            .build();
        RoleClient {
            session,
            calls: CallBudget::new(self.settings.calls_per_second_per_user),
            glue: aws_sdk_glue::Client::from_conf(glue),
            lakeformation: aws_sdk_lakeformation::Client::from_conf(lakeformation),
            region: self.settings.region.clone(),
        }
    }
}
