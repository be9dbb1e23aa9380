//! Sessions of principals, and admission: who may start a query now, and who runs which.
//!
//! Invariants
//! - Everything here is keyed by [`Principal`]; two users share no session, also when they share a role.
//! - Numbers are bounded: sessions, running queries, waiting queries. A bound that is reached is an error that says so.
//! - A place is given back by dropping its [`Admission`], however the query ended.
//! - Where there are several threads, one user's statements are planned on all but one at most. Planning never waits, so
//!   without this a user who has many statements described, which takes no place, would make everyone wait.

mod running;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use moka::sync::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

pub(crate) use self::running::{RunningQueries, RunningQuery};
use crate::error::{Error, ErrorKind};
use crate::identity::Principal;
use crate::settings::SessionSettings;

/// What one principal has open here.
pub(crate) struct Session {
    principal: Principal,
    places: Arc<Semaphore>,
    planning: Arc<Semaphore>,
}

impl Session {
    /// Whose session it is.
    pub(crate) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Where the user's statements wait to be planned.
    pub(crate) fn planning(&self) -> Planning {
        Planning(Arc::clone(&self.planning))
    }
}

/// The planning of one user's statements.
#[derive(Clone)]
pub(crate) struct Planning(Arc<Semaphore>);

impl Planning {
    /// Waits until one more statement may be planned, which it may until the answer is dropped.
    pub(crate) async fn turn(self) -> PlanningTurn {
        // Nobody closes the semaphore, which is the only way not to get its permit.
        PlanningTurn { _permit: self.0.acquire_owned().await.ok() }
    }
}

/// The right to plan one statement, until dropped.
pub(crate) struct PlanningTurn {
    _permit: Option<OwnedSemaphorePermit>,
}

/// All sessions. One per server.
pub(crate) struct Sessions {
    open: Cache<Principal, Arc<Session>>,
    running: RunningQueries,
    places: Arc<Semaphore>,
    places_per_user: usize,
    planning_per_user: usize,
    waiting: Arc<AtomicUsize>,
    max_waiting: usize,
    queue_timeout: Duration,
}

impl Sessions {
    /// No session is open yet.
    ///
    /// # Arguments
    /// * `threads` - that plan.
    pub(crate) fn new(settings: &SessionSettings, threads: usize) -> Self {
        Self {
            open: Cache::builder()
                .max_capacity(settings.max_sessions as u64)
                .time_to_idle(settings.idle_timeout)
                .build(),
            running: RunningQueries::default(),
            places: Arc::new(Semaphore::new(settings.max_concurrent_queries)),
            places_per_user: settings.max_concurrent_queries_per_user,
            planning_per_user: threads.saturating_sub(1).max(1),
            waiting: Arc::default(),
            max_waiting: settings.max_queued_queries,
            queue_timeout: settings.queue_timeout,
        }
    }

    /// The principal's session, opened if need be. The longest unused one makes room when there are too many.
    pub(crate) fn of(&self, principal: &Principal) -> Arc<Session> {
        self.open.get_with_by_ref(principal, || {
            Arc::new(Session {
                principal: principal.clone(),
                places: Arc::new(Semaphore::new(self.places_per_user)),
                planning: Arc::new(Semaphore::new(self.planning_per_user)),
            })
        })
    }

    /// The queries that run now. They outlive a session that makes room for others.
    pub(crate) fn running(&self) -> &RunningQueries {
        &self.running
    }

    /// Waits at most `patience` until a query could begin at once. `Some` is the place that it would have in the queue if
    /// it came now. A place is not held: who comes first takes it.
    pub(crate) async fn place_in_queue(&self, patience: Duration) -> Option<usize> {
        match timeout(patience, self.places.acquire()).await {
            Ok(_) => None,
            Err(_) => Some(self.waiting.load(Ordering::Relaxed) + 1),
        }
    }

    /// Waits for a place to run a query.
    ///
    /// # Errors
    /// [`ErrorKind::ResourceExhausted`] if the principal has too many queries running, [`ErrorKind::Unavailable`] if the
    /// server does.
    pub(crate) async fn admit(&self, session: &Session) -> Result<Admission, Error> {
        let own = Arc::clone(&session.places).try_acquire_owned().map_err(|_| {
            Error::new(ErrorKind::ResourceExhausted, "you have too many queries running; wait for one to end")
        })?;
        let everyones = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => place,
            Err(_) => self.wait().await?,
        };
        Ok(Admission { _own: own, _everyones: everyones })
    }

    async fn wait(&self) -> Result<OwnedSemaphorePermit, Error> {
        let full = || Error::new(ErrorKind::Unavailable, "the server is busy; try again later");
        let _waiting = Waiting::enter(&self.waiting, self.max_waiting).ok_or_else(full)?;
        match timeout(self.queue_timeout, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(full()),
        }
    }
}

/// The right to run one query, until dropped.
pub(crate) struct Admission {
    _own: OwnedSemaphorePermit,
    _everyones: OwnedSemaphorePermit,
}

/// A place in the queue, until dropped.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn enter(count: &Arc<AtomicUsize>, limit: usize) -> Option<Self> {
        count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| {
                (waiting < limit).then_some(waiting + 1)
            })
            .ok()
            .map(|_| Self(Arc::clone(count)))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod interleaving_tests;
#[cfg(test)]
mod tests;
