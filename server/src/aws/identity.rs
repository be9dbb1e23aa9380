//! Whether the server has credentials of its own: without them no role can be assumed, and no statement over a table can run.
//!
//! The SDK finds them lazily, at the first call of a user. Here they are looked for from the start, so that readiness can
//! tell before a user has to. What is known: that none were found, or that AWS calls them expired or unknown.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};

/// Time between two looks.
const INTERVAL: Duration = Duration::from_secs(30);

/// Time between two looks while there are none.
const INTERVAL_WITHOUT: Duration = Duration::from_secs(2);

/// How long a look may take; a provider that takes longer gives nobody credentials in time.
const LOOK_LIMIT: Duration = Duration::from_secs(10);

/// What is known of the server's own credentials.
#[derive(Default)]
pub(super) struct OwnIdentity {
    is_absent: AtomicBool,
    is_refused: AtomicBool,
}

impl OwnIdentity {
    /// Looks for the credentials that `provider` gives, now and again, as long as somebody holds the answer. Needs a Tokio
    /// runtime.
    pub(super) fn watch(provider: Option<SharedCredentialsProvider>) -> Arc<Self> {
        let identity = Arc::new(Self::default());
        match provider {
            Some(provider) => drop(tokio::spawn(look(Arc::downgrade(&identity), provider))),
            None => identity.is_absent.store(true, Ordering::Relaxed),
        }
        identity
    }

    /// Whether nothing can work.
    pub(super) fn is_missing(&self) -> bool {
        self.is_absent.load(Ordering::Relaxed) || self.is_refused.load(Ordering::Relaxed)
    }

    /// AWS has just accepted them.
    pub(super) fn accepted(&self) {
        self.is_refused.store(false, Ordering::Relaxed);
    }

    /// AWS has just called them expired or unknown.
    pub(super) fn refused(&self) {
        self.is_refused.store(true, Ordering::Relaxed);
    }
}

async fn look(identity: Weak<OwnIdentity>, provider: SharedCredentialsProvider) {
    loop {
        let found = tokio::time::timeout(LOOK_LIMIT, provider.provide_credentials()).await;
        let problem = match &found {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(super::failure::causes(error)),
            Err(_) => Some("looking for them takes too long".to_owned()),
        };
        let Some(identity) = identity.upgrade() else { return };
        let was_absent = identity.is_absent.swap(problem.is_some(), Ordering::Relaxed);
        match &problem {
            Some(reason) if !was_absent => {
                tracing::error!(%reason, "the server has no AWS credentials of its own: no statement over tables can run");
            }
            None if was_absent => tracing::info!("the server has AWS credentials of its own again"),
            _ => {}
        }
        drop(identity);
        tokio::time::sleep(if problem.is_some() { INTERVAL_WITHOUT } else { INTERVAL }).await;
    }
}
