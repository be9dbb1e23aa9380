//! [`FreshCache`]: answers that are used again while they are young, and asked for once however many wait.
//!
//! Invariants
//! - An answer is as old as its question: it says what was true when that was sent, not when the answer arrived.
//! - One question at a time for a key. Who waits for it gets its answer, also if that is an error; an error is told to those
//!   alone who waited, and never kept.
//! - A question whose asker went away tells nothing: the next who waits asks again.
//! - What is forgotten while it is asked for is told to those who wait, and not kept.
//! - An entry that is evicted while it is in use stays with those who use it; the next question begins a new one.

use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use moka::sync::Cache;
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::error::Error;

/// An answer, and when its question was sent.
#[derive(Clone, Debug)]
pub(super) struct Fresh<V> {
    pub(super) value: V,
    pub(super) asked_at: Instant,
}

/// See the file's head.
pub(super) struct FreshCache<K, V, C> {
    clock: C,
    slots: Cache<K, Arc<Slot<V>>>,
}

/// A key's place. Whoever holds `last` asks.
struct Slot<V> {
    /// Questions that have ended with an answer or an error.
    ended: AtomicU64,
    last: Mutex<Last<V>>,
}

enum Last<V> {
    None,
    Answer(Fresh<V>),
    Failure(Error),
}

impl<V> Default for Slot<V> {
    fn default() -> Self {
        Self { ended: AtomicU64::new(0), last: Mutex::new(Last::None) }
    }
}

impl<K, V, C> FreshCache<K, V, C>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    C: Clock,
{
    /// # Arguments
    /// * `capacity` - most entries.
    /// * `idle` - how long an entry is kept that nobody asks for.
    pub(super) fn new(capacity: u64, idle: Duration, clock: C) -> Self {
        Self { clock, slots: Cache::builder().max_capacity(capacity).time_to_idle(idle).build() }
    }

    /// The answer for `key`, younger than `max_age`: the one that is kept, or that of `ask`.
    ///
    /// # Errors
    /// That of `ask`, or of the question that was waited for.
    pub(super) async fn get(
        &self,
        key: &K,
        max_age: Duration,
        ask: impl Future<Output = Result<V, Error>>,
    ) -> Result<Fresh<V>, Error> {
        let slot = self.slots.get_with_by_ref(key, Arc::default);
        let ended_before = slot.ended.load(Ordering::Acquire);
        let mut last = slot.last.lock().await;
        let asked_at = self.clock.now();
        match &*last {
            Last::Answer(kept) if asked_at.saturating_duration_since(kept.asked_at) < max_age => {
                return Ok(kept.clone());
            }
            Last::Failure(error) if slot.ended.load(Ordering::Acquire) > ended_before => {
                return Err(error.clone());
            }
            _ => {}
        }
        let answer = ask.await.map(|value| Fresh { value, asked_at });
        *last = match &answer {
            Ok(fresh) => Last::Answer(fresh.clone()),
            Err(error) => Last::Failure(error.clone()),
        };
        slot.ended.fetch_add(1, Ordering::Release);
        answer
    }

    /// Drops what is kept for `key`, and what is being asked for it.
    pub(super) fn forget(&self, key: &K) {
        self.slots.invalidate(key);
    }
}

#[cfg(test)]
mod tests;
