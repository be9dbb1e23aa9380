//! The line of logins whose passwords are to be checked: who is next, and who is turned away when it is full.
//!
//! A check takes tens of milliseconds of a core, so whoever can reach the port can make the line long. First come, first
//! served would let one of them keep everybody else out. So each login is weighed by what its network address and its name
//! have in the line already, and by how often a password was wrong for either lately. The lightest is next; the heaviest
//! makes room when the line is full. A storm from one address, or for one name, thus waits for itself:
//!
//! | login | weighed down by |
//! |---|---|
//! | of the storm | its address and its name |
//! | of the same name, from elsewhere | the name |
//! | of another name, from the same address | the address |
//! | any other | nothing |
//!
//! Invariants
//! - Nobody is refused for what others did while there is room in the line: a weight decides about order, never about a
//!   right password. There is no lock-out.
//! - Names weigh by what was tried, whether they exist or not, so that neither answers nor waiting tell which do.
//! - Memory is bounded: the line has a length, and wrong passwords are counted in a table of fixed size, by a hash that
//!   nobody outside can compute. Two names that share a counter share their weight, no more.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::error::{Error, ErrorKind};
use crate::ids::PeerNetwork;

/// Longest wait for a turn. Whoever waits longer has given up, or is part of a storm.
const PATIENCE: Duration = Duration::from_secs(30);

/// Counters of wrong passwords.
const COUNTERS: usize = 4096;

/// Time after which a wrong password counts half.
const HALF_LIFE: Duration = Duration::from_secs(10);

/// By what a login is weighed: its address, unless many clients share it, and its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Weighed {
    peer: Option<u64>,
    name: u64,
}

impl Weighed {
    fn keys(self) -> impl Iterator<Item = u64> {
        self.peer.into_iter().chain([self.name])
    }
}

/// Logins that wait for a turn, and turns.
pub(super) struct Line {
    state: Mutex<State>,
    hasher: RandomState,
    longest: usize,
}

struct State {
    free: usize,
    /// In the order of their arrival.
    waiting: Vec<Waiting>,
    /// How many wait or have their turn, by key.
    present: HashMap<u64, usize>,
    wrong: WrongPasswords,
    next_number: u64,
}

struct Waiting {
    number: u64,
    login: Weighed,
    turn: oneshot::Sender<Turn>,
}

/// The right to check a password, until dropped.
pub(super) struct Turn {
    line: Arc<Line>,
    login: Weighed,
}

/// A place in the line, until dropped.
struct Place<'a> {
    line: &'a Line,
    number: u64,
    login: Weighed,
}

impl Line {
    /// # Arguments
    /// * `turns` - at the same time.
    /// * `longest` - logins that may wait.
    pub(super) fn new(turns: usize, longest: usize) -> Arc<Self> {
        let state = State {
            free: turns,
            waiting: Vec::new(),
            present: HashMap::new(),
            wrong: WrongPasswords::new(Instant::now()),
            next_number: 0,
        };
        Arc::new(Self { state: Mutex::new(state), hasher: RandomState::new(), longest })
    }

    /// By what a login is weighed.
    ///
    /// # Arguments
    /// * `peer` - absent for an address that says nothing about who is behind it.
    pub(super) fn weighed(&self, peer: Option<PeerNetwork>, name: &str) -> Weighed {
        // The kind of key is hashed too: a name may look like an address.
        let peer = peer.map(|peer| self.hasher.hash_one((0_u8, peer)));
        Weighed { peer, name: self.hasher.hash_one((1_u8, name)) }
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// [`ErrorKind::ResourceExhausted`] if the line is full of lighter logins, or the wait was too long.
    pub(super) async fn turn(self: &Arc<Self>, login: Weighed) -> Result<Turn, Error> {
        let (place, turn) = {
            let mut state = self.state();
            if state.free > 0 && state.waiting.is_empty() {
                state.free -= 1;
                state.comes(login);
                return Ok(Turn { line: Arc::clone(self), login });
            }
            if state.waiting.len() >= self.longest {
                state.make_room(login)?;
            }
            let number = state.next_number;
            state.next_number += 1;
            state.comes(login);
            let (sender, receiver) = oneshot::channel();
            state.waiting.push(Waiting { number, login, turn: sender });
            (Place { line: self, number, login }, receiver)
        };
        let turn = timeout(PATIENCE, turn).await.ok().and_then(Result::ok);
        drop(place);
        turn.ok_or_else(too_many)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives free turns to the lightest of those who wait.
    fn go_on(self: &Arc<Self>) {
        loop {
            let (next, turn) = {
                let mut state = self.state();
                if state.free == 0 {
                    return;
                }
                let Some(next) = state.lightest() else { return };
                let next = state.waiting.remove(next);
                state.free -= 1;
                // The place in the line, which its holder gives back, becomes a turn.
                state.comes(next.login);
                let login = next.login;
                (next, Turn { line: Arc::clone(self), login })
            };
            // Who has gone in the meantime gives the turn back by dropping it.
            let _ = next.turn.send(turn);
        }
    }
}

impl State {
    fn comes(&mut self, login: Weighed) {
        login.keys().for_each(|key| *self.present.entry(key).or_default() += 1);
    }

    fn goes(&mut self, login: Weighed) {
        for key in login.keys() {
            if let Some(count) = self.present.get_mut(&key) {
                *count -= 1;
                if *count == 0 {
                    self.present.remove(&key);
                }
            }
        }
    }

    fn weight(&self, login: Weighed) -> usize {
        let of = |key| self.present.get(&key).copied().unwrap_or_default() + self.wrong.count(key);
        login.keys().map(of).sum()
    }

    fn lightest(&mut self) -> Option<usize> {
        self.wrong.fade(Instant::now());
        let weights = self.waiting.iter().map(|waiting| self.weight(waiting.login));
        weights.enumerate().min_by_key(|(place, weight)| (*weight, *place)).map(|(place, _)| place)
    }

    /// Turns the heaviest away, the last of several, for a login that is lighter.
    fn make_room(&mut self, login: Weighed) -> Result<(), Error> {
        self.wrong.fade(Instant::now());
        let weights = self.waiting.iter().map(|waiting| self.weight(waiting.login)).enumerate();
        let heaviest = weights.max_by_key(|(place, weight)| (*weight, *place));
        // As it would weigh in the line.
        let own = self.weight(login) + login.keys().count();
        match heaviest {
            Some((place, weight)) if weight > own => {
                // Its receiver is told by the sender's end, and gives the place back.
                self.waiting.remove(place);
                Ok(())
            }
            _ => Err(too_many()),
        }
    }
}

impl Turn {
    /// Remembers that the password was wrong.
    pub(super) fn was_wrong(&self) {
        let mut state = self.line.state();
        state.wrong.fade(Instant::now());
        self.login.keys().for_each(|key| state.wrong.add(key));
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.line.state();
        state.goes(self.login);
        state.free += 1;
        drop(state);
        self.line.go_on();
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.line.state();
        state.goes(self.login);
        state.waiting.retain(|waiting| waiting.number != self.number);
    }
}

/// How often passwords were wrong lately.
struct WrongPasswords {
    counters: Vec<u32>,
    faded: Instant,
}

impl WrongPasswords {
    fn new(now: Instant) -> Self {
        Self { counters: vec![0; COUNTERS], faded: now }
    }

    fn place(key: u64) -> usize {
        usize::try_from(key % COUNTERS as u64).unwrap_or_default()
    }

    fn add(&mut self, key: u64) {
        let counter = &mut self.counters[Self::place(key)];
        *counter = counter.saturating_add(1);
    }

    fn count(&self, key: u64) -> usize {
        self.counters[Self::place(key)] as usize
    }

    fn fade(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.faded).as_secs() / HALF_LIFE.as_secs();
        if passed > 0 {
            let halvings = u32::try_from(passed).unwrap_or(u32::MAX);
            let faded = |counter: &mut u32| *counter = counter.checked_shr(halvings).unwrap_or_default();
            self.counters.iter_mut().for_each(faded);
            self.faded = now;
        }
    }
}

fn too_many() -> Error {
    Error::new(ErrorKind::ResourceExhausted, "too many logins at once: try again")
}

#[cfg(test)]
mod tests;
