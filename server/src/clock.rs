//! Where time comes from: the system, or a test that moves it by hand.

use std::future::Future;
use std::time::Instant;

/// Tells the time and waits for it.
pub(crate) trait Clock: Clone + Send + Sync + 'static {
    /// The time.
    fn now(&self) -> Instant;

    /// Waits until `when`.
    fn sleep_until(&self, when: Instant) -> impl Future<Output = ()> + Send;
}

/// The system's time, and the timers of the runtime on which it waits.
#[derive(Clone, Copy, Default)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, when: Instant) -> impl Future<Output = ()> + Send {
        tokio::time::sleep_until(when.into())
    }
}

#[cfg(test)]
pub(crate) mod schedules_for_tests;
