//! What tables may hold in memory: logs and deletion vectors, while they are read and for as long as anybody has them.
//!
//! The caches bound what is kept; what is read for a query that waits, and what a query holds that the cache gave up, are
//! bounded here. It belongs to no statement: one that describes a table reads its log before it runs, and many share it.
//!
//! Invariants
//! - What is charged is given back when its [`Charge`] is dropped, whatever became of the work.
//! - Nothing waits for the budget: what finds no room is refused, and the others go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, ErrorKind};

/// See the file's head. One per server.
#[derive(Debug)]
pub(super) struct Budget {
    limit: u64,
    used: AtomicU64,
}

impl Budget {
    /// # Arguments
    /// * `limit` - in bytes.
    pub(super) fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self { limit, used: AtomicU64::new(0) })
    }

    /// Takes bytes of the budget.
    ///
    /// # Errors
    /// [`ErrorKind::ResourceExhausted`] if fewer are left.
    pub(super) fn charge(self: &Arc<Self>, bytes: u64) -> Result<Charge, Error> {
        self.take(bytes)?;
        Ok(Charge { budget: Arc::clone(self), bytes })
    }

    fn take(&self, bytes: u64) -> Result<(), Error> {
        let add = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= self.limit);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).map(drop).map_err(|used| {
            Error::new(
                ErrorKind::ResourceExhausted,
                "the server has no memory left for logs and deletion vectors of tables; try again later, or ask \
                 your administrator to raise table.memory_limit",
            )
            .because(format!("{bytes} bytes more than the {used} of {} in use", self.limit))
        })
    }
}

/// Bytes of a budget, given back when this is dropped.
#[derive(Debug)]
pub(super) struct Charge {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Charge {
    /// How many.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes more bytes, or gives some back.
    ///
    /// # Errors
    /// [`ErrorKind::ResourceExhausted`] if fewer are left; what was taken before stays taken.
    pub(super) fn resize(&mut self, bytes: u64) -> Result<(), Error> {
        match bytes.checked_sub(self.bytes) {
            Some(more) => self.budget.take(more)?,
            None => drop(self.budget.used.fetch_sub(self.bytes - bytes, Ordering::Relaxed)),
        }
        self.bytes = bytes;
        Ok(())
    }

    /// Takes more bytes.
    ///
    /// # Errors
    /// As [`resize`](Self::resize).
    pub(super) fn grow(&mut self, more: u64) -> Result<(), Error> {
        self.resize(self.bytes.saturating_add(more))
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    #[test]
    fn what_finds_no_room_is_refused_and_what_was_taken_is_given_back() {
        let budget = Budget::new(100);
        let mut first = budget.charge(60).unwrap();
        assert_eq!(budget.charge(41).unwrap_err().kind(), ErrorKind::ResourceExhausted);
        let second = budget.charge(40).unwrap();
        assert!(first.grow(1).is_err());
        first.resize(10).unwrap();
        first.grow(50).unwrap();
        drop((first, second));
        assert_eq!(budget.used.load(Ordering::Relaxed), 0);
    }
}
