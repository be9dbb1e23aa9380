//! [`GrantWatch`]: whether the grants of a running statement still hold.
//!
//! A statement may run for hours, and most of its bytes may come from caches that no credentials guard. So its grants are
//! asked about again whenever their policies have become older than `access.policy_ttl`, by a task of the I/O runtime that
//! needs neither batches to flow nor a client to read: a statement that sorts, or that waits for its client, ends as well.
//!
//! Who looks: the guarded leaf before it hands on a batch, the lease before it gives out keys, the statement's stream before
//! it hands on rows, and the connection while it waits for its client.
//!
//! Invariants
//! - A policy with another fingerprint, or a refusal, ends the statement with one error. Rows already sent and rows to come
//!   would follow different rules.
//! - AWS that does not answer, not in a way that is understood, or that is not asked because the user's calls are spent, is no
//!   refusal: the statement goes on for `access.policy_grace` after the question was due, and ends then.
//! - All statements of a principal ask through one cache, so that together they ask once per table and time to live.
//! - A watch that ended abnormally counts as a refusal.
//! - The task ends with the last clone of the watch.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::{BoxFuture, select_all};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::fresh_cache::Fresh;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind};
use crate::ids::PolicyFingerprint;

/// Longest time between two questions while AWS does not answer.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// See the file's head. Cheap to clone.
#[derive(Clone)]
pub(crate) struct GrantWatch {
    broken: watch::Receiver<Option<Error>>,
    _task: Arc<AbortOnDropHandle<()>>,
}

impl GrantWatch {
    /// Watches the grants of one statement from now on, on the runtime that calls this.
    ///
    /// # Arguments
    /// * `grants` - at least one; each resolves when its grant no longer holds, see [`until_broken`].
    pub(super) fn start(grants: Vec<BoxFuture<'static, Error>>) -> Self {
        let (tell, broken) = watch::channel(None);
        let task = tokio::spawn(async move {
            let (error, ..) = select_all(grants).await;
            // Fails only if no clone is left to be told.
            let _ = tell.send(Some(error));
        });
        Self { broken, _task: Arc::new(AbortOnDropHandle::new(task)) }
    }

    /// Whether the grants still hold, as far as is known. One load of an atomic while they do.
    ///
    /// # Errors
    /// Why the statement must end.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.broken.has_changed() {
            Ok(false) => Ok(()),
            _ => Err(why(self.broken.borrow().as_ref())),
        }
    }

    /// Resolves when the grants no longer hold, with the reason.
    pub(crate) fn broken(&self) -> impl Future<Output = Error> + Send + 'static {
        let watch = self.clone();
        async move {
            let mut broken = watch.broken.clone();
            match broken.wait_for(Option::is_some).await {
                Ok(reason) => why(reason.as_ref()),
                Err(_) => why(None),
            }
        }
    }
}

fn why(reason: Option<&Error>) -> Error {
    let abnormal = || Error::internal("the watch over a statement's grants ended abnormally");
    reason.cloned().unwrap_or_else(abnormal)
}

/// How often a grant is asked about, and for how long it holds without an answer.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    /// Oldest policy that a running statement relies on.
    pub(super) interval: Duration,
    /// How long it goes on after that while AWS does not answer.
    pub(super) grace: Duration,
}

/// Resolves when a policy no longer holds, with the error that ends the statement.
///
/// # Arguments
/// * `planned` - the policy that the statement was planned with, and when it was asked for.
/// * `ask` - asks for the policy as it is now, or was less than an interval ago.
pub(super) async fn until_broken<C, A>(
    clock: C,
    pace: Pace,
    planned: Fresh<PolicyFingerprint>,
    mut ask: impl FnMut() -> A,
) -> Error
where
    C: Clock,
    A: Future<Output = Result<Fresh<PolicyFingerprint>, Error>>,
{
    let mut due = planned.asked_at + pace.interval;
    loop {
        clock.sleep_until(due).await;
        match answered(&clock, due, pace, &mut ask).await {
            Ok(now) if now.value == planned.value => due = now.asked_at + pace.interval,
            Ok(_) => return changed("another fingerprint"),
            Err(error) if tells_nothing(&error) => return unconfirmed(&error),
            Err(error) => return changed(error.internal_text()),
        }
    }
}

/// Whether an error says nothing of the grant: AWS did not answer, or was not asked because the user's calls to it are spent.
fn tells_nothing(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::ResourceExhausted)
}

/// The answer to a question that is due, asked again until there is one or the grace has passed.
async fn answered<C, A>(
    clock: &C,
    due: Instant,
    pace: Pace,
    ask: &mut impl FnMut() -> A,
) -> Result<Fresh<PolicyFingerprint>, Error>
where
    C: Clock,
    A: Future<Output = Result<Fresh<PolicyFingerprint>, Error>>,
{
    let mut last = Error::new(ErrorKind::Unavailable, "no answer").because("AWS has not answered in time");
    let asking = async {
        loop {
            match ask().await {
                Err(error) if tells_nothing(&error) => last = error,
                answer => return answer,
            }
            clock.sleep_until(clock.now() + RETRY_INTERVAL.min(pace.interval)).await;
        }
    };
    tokio::select! {
        biased;
        answer = asking => return answer,
        () = clock.sleep_until(due + pace.grace) => {}
    }
    Err(last)
}

fn changed(reason: &str) -> Error {
    Error::new(
        ErrorKind::PermissionDenied,
        "the permissions on a table changed while the statement ran; run it again",
    )
    .because(format!("asked again while the statement ran: {reason}"))
}

fn unconfirmed(error: &Error) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "AWS could not be asked for too long whether the statement may go on; run it again later",
    )
    .because(format!("access.policy_grace has passed: {}", error.internal_text()))
}

#[cfg(test)]
mod tests;
