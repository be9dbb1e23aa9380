//! Sessions of principals, and admission: who may start a query now, and who runs which.
//!
//! Invariants
//! - Everything here is keyed by [`Principal`]; two users share no session, also when they share a role.
//! - Numbers are bounded: sessions, running queries, waiting queries. A bound that is reached is an error that says so.
//! - A place is given back by dropping its [`Admission`], however the query ended.
//! - Who holds a place keeps its session, whichever sessions make room for others meanwhile: a user's places are counted once.
//! - Describing has places of its own, per user and for all: it plans, reads logs and asks AWS as running does, but ends soon.
//! - A user's statements wait for places of the user's own first, in a queue of the user's own, so that whoever asks for many
//!   keeps nobody else waiting.
//! - Where there are several threads, one user's statements are planned on all but one at most. Planning never waits, so
//!   without this a user who has many statements described, which takes no place, would make everyone wait.

mod open;
mod running;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use self::open::OpenSessions;
pub(crate) use self::running::{RunningQueries, RunningQuery};
use crate::error::{Error, ErrorKind};
use crate::identity::Principal;
use crate::settings::SessionSettings;

/// Statements of one user that wait for the user's own places to run, and as many to be described; more are refused.
const QUEUED_PER_USER: usize = 64;

/// Tables that are opened at once for one user and for all users. Opening one may read its log.
const OPENINGS_PER_USER: usize = 8;
const OPENINGS: usize = 64;

/// What one principal has open here.
pub(crate) struct Session {
    principal: Principal,
    places: Arc<Semaphore>,
    /// Statements that wait for a place to run.
    queued: Arc<AtomicUsize>,
    planning: Arc<Semaphore>,
    describing: Arc<Semaphore>,
    /// Descriptions that wait for a place.
    queued_descriptions: Arc<AtomicUsize>,
    opening: Arc<Semaphore>,
}

impl Session {
    /// Whose session it is.
    pub(crate) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Where the user's statements wait to be planned.
    pub(crate) fn planning(self: &Arc<Self>) -> Planning {
        Planning(Arc::clone(self))
    }
}

/// The planning of one user's statements.
#[derive(Clone)]
pub(crate) struct Planning(Arc<Session>);

impl Planning {
    /// Waits until one more statement may be planned, which it may until the answer is dropped.
    pub(crate) async fn turn(self) -> PlanningTurn {
        // Nobody closes the semaphore, which is the only way not to get its permit.
        let permit = Arc::clone(&self.0.planning).acquire_owned().await.ok();
        PlanningTurn { _permit: permit, _session: self.0 }
    }
}

/// The right to plan one statement, until dropped.
pub(crate) struct PlanningTurn {
    _permit: Option<OwnedSemaphorePermit>,
    _session: Arc<Session>,
}

/// All sessions. One per server.
pub(crate) struct Sessions {
    open: OpenSessions,
    running: RunningQueries,
    places: Arc<Semaphore>,
    places_per_user: usize,
    planning_per_user: usize,
    describing: Arc<Semaphore>,
    describing_per_user: usize,
    opening: Arc<Semaphore>,
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
            open: OpenSessions::new(settings.max_sessions, settings.idle_timeout),
            running: RunningQueries::default(),
            places: Arc::new(Semaphore::new(settings.max_concurrent_queries)),
            places_per_user: settings.max_concurrent_queries_per_user,
            planning_per_user: threads.saturating_sub(1).max(1),
            describing: Arc::new(Semaphore::new(settings.max_concurrent_queries)),
            describing_per_user: settings.max_concurrent_descriptions_per_user,
            opening: Arc::new(Semaphore::new(OPENINGS)),
            waiting: Arc::default(),
            max_waiting: settings.max_queued_queries,
            queue_timeout: settings.queue_timeout,
        }
    }

    /// The principal's session, opened if need be. The longest unused one makes room when there are too many.
    pub(crate) fn of(&self, principal: &Principal) -> Arc<Session> {
        self.open.get_or_open(principal, || Session {
            principal: principal.clone(),
            places: Arc::new(Semaphore::new(self.places_per_user)),
            queued: Arc::default(),
            planning: Arc::new(Semaphore::new(self.planning_per_user)),
            describing: Arc::new(Semaphore::new(self.describing_per_user)),
            queued_descriptions: Arc::default(),
            opening: Arc::new(Semaphore::new(OPENINGS_PER_USER)),
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
    /// [`ErrorKind::ResourceExhausted`] if the principal has too many queries running or waiting, [`ErrorKind::Unavailable`] if
    /// the server does.
    pub(crate) async fn admit(&self, session: &Arc<Session>) -> Result<Admission, Error> {
        let text = "you have too many queries running; wait for one to end";
        let own = self.own_place(&session.places, &session.queued, text).await?;
        let everyones = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => place,
            Err(_) => self.wait().await?,
        };
        Ok(Admission { _own: own, _everyones: everyones, _session: Arc::clone(session) })
    }

    /// Waits for a place to describe a query.
    ///
    /// # Errors
    /// [`ErrorKind::ResourceExhausted`] if too many of the principal wait already, [`ErrorKind::Unavailable`] if the server
    /// is busy.
    pub(crate) async fn admit_description(&self, session: &Arc<Session>) -> Result<Admission, Error> {
        let full = || Error::new(ErrorKind::Unavailable, "the server is busy; try again later");
        let text = "you have too many statements being planned; wait for one of them";
        let own = self.own_place(&session.describing, &session.queued_descriptions, text).await?;
        let everyones = timeout(self.queue_timeout, Arc::clone(&self.describing).acquire_owned());
        let everyones = everyones.await.ok().and_then(Result::ok).ok_or_else(full)?;
        Ok(Admission { _own: own, _everyones: everyones, _session: Arc::clone(session) })
    }

    /// Waits for one of the user's own places.
    ///
    /// # Errors
    /// [`ErrorKind::ResourceExhausted`] with this text if there is none for too long, or too many wait already.
    async fn own_place(
        &self,
        places: &Arc<Semaphore>,
        queued: &Arc<AtomicUsize>,
        text: &'static str,
    ) -> Result<OwnedSemaphorePermit, Error> {
        if let Ok(place) = Arc::clone(places).try_acquire_owned() {
            return Ok(place);
        }
        let too_many = || Error::new(ErrorKind::ResourceExhausted, text);
        let _queued = Waiting::enter(queued, QUEUED_PER_USER).ok_or_else(too_many)?;
        let place = timeout(self.queue_timeout, Arc::clone(places).acquire_owned());
        place.await.ok().and_then(Result::ok).ok_or_else(too_many)
    }

    /// Waits until one more table may be opened for the principal, which it may until the answer is dropped.
    ///
    /// # Errors
    /// Only a defect.
    pub(crate) async fn admit_opening(&self, session: &Arc<Session>) -> Result<Admission, Error> {
        let closed = |_| Error::internal("the places for opening tables are closed");
        let own = Arc::clone(&session.opening).acquire_owned().await.map_err(closed)?;
        let everyones = Arc::clone(&self.opening).acquire_owned().await.map_err(closed)?;
        Ok(Admission { _own: own, _everyones: everyones, _session: Arc::clone(session) })
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

/// The right to run or describe one query, or to open one table, until dropped.
pub(crate) struct Admission {
    _own: OwnedSemaphorePermit,
    _everyones: OwnedSemaphorePermit,
    _session: Arc<Session>,
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
