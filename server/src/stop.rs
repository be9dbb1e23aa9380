//! Whether anybody still waits for what is computed without ever waiting itself: reading SQL and planning.
//!
//! A task that never waits cannot be ended by dropping it, nor by a timer: it would keep its thread for as long as the text
//! of a hostile client wants. So such work asks here again and again, between the steps that it is made of.
//!
//! Invariant: outside of [`Stop::scope`] nothing is ever stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::time::timeout_at;

use crate::error::{Error, ErrorKind};

/// When work has to end.
#[derive(Clone)]
pub(crate) struct Stop {
    deadline: Instant,
    abandoned: Arc<AtomicBool>,
}

/// Who waits for the work. It is told to stop when this is dropped.
pub(crate) struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

tokio::task_local! {
    static CURRENT: Stop;
}

impl Stop {
    /// Ends work at the deadline, or when nobody waits for it any more.
    pub(crate) fn at(deadline: Instant) -> (Self, Waiting) {
        let abandoned = Arc::new(AtomicBool::new(false));
        (Self { deadline, abandoned: Arc::clone(&abandoned) }, Waiting(abandoned))
    }

    /// Work that [`check`] can end.
    pub(crate) async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    fn check(&self) -> Result<(), Error> {
        if self.abandoned.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Cancelled, "the query was cancelled"));
        }
        if Instant::now() >= self.deadline {
            return Err(timed_out());
        }
        Ok(())
    }
}

/// What is done by the deadline. Work that is dropped there waits for something, or is told by a [`Stop`].
///
/// # Errors
/// The work's own; [`ErrorKind::DeadlineExceeded`].
pub(crate) async fn in_time<T>(
    deadline: Instant,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    timeout_at(deadline.into(), work).await.unwrap_or_else(|_| Err(timed_out()))
}

fn timed_out() -> Error {
    Error::new(ErrorKind::DeadlineExceeded, "the statement ran longer than it may")
}

/// Goes on only if the work around it is still wanted.
///
/// # Errors
/// [`ErrorKind::Cancelled`] and [`ErrorKind::DeadlineExceeded`].
pub(crate) fn check() -> Result<(), Error> {
    // Outside of any scope there is nobody who could have gone.
    CURRENT.try_with(Stop::check).unwrap_or(Ok(()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn work_ends_when_its_time_is_over_or_nobody_waits_for_it() {
        assert!(check().is_ok());
        let later = Instant::now() + Duration::from_secs(3600);
        let (stop, waiting) = Stop::at(later);
        stop.scope(async {
            assert!(check().is_ok());
            drop(waiting);
            assert_eq!(check().map_err(|error| error.kind()), Err(ErrorKind::Cancelled));
        })
        .await;
        let (stop, _waiting) = Stop::at(Instant::now());
        let kind = stop.scope(async { check().map_err(|error| error.kind()) }).await;
        assert_eq!(kind, Err(ErrorKind::DeadlineExceeded));
    }
}
