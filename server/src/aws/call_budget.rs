//! How many calls to AWS one user may cause.
//!
//! A statement of 400 bytes can name 64 tables that nobody knows, each of which costs a call; sent again and again with
//! other names no cache would stop it, and the account's quota is everybody's. So each user has calls to spend, which come
//! back with time. Who has none left waits for the next one, and is refused where that would take long.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::failure::{AwsFailure, FailureKind};

/// Calls are saved up for so long: the first question of a session may be for everything there is.
const SAVED: Duration = Duration::from_secs(20);

/// Longest wait for a call.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The calls of one user.
pub(super) struct CallBudget {
    /// Between two calls, once none are saved.
    interval: Duration,
    /// When all calls so far would have been made, one in each interval.
    paid_until: Mutex<Instant>,
}

impl CallBudget {
    /// # Arguments
    /// * `per_second` - calls; 0 is no limit.
    pub(super) fn new(per_second: u32) -> Self {
        let interval = Duration::from_secs(1).checked_div(per_second).unwrap_or_default();
        // Long ago: all is saved.
        let now = Instant::now();
        Self { interval, paid_until: Mutex::new(now.checked_sub(SAVED).unwrap_or(now)) }
    }

    /// Spends one call, when it is its turn.
    ///
    /// # Errors
    /// [`FailureKind::TooManyCalls`].
    pub(super) async fn spend(&self) -> Result<(), AwsFailure> {
        let now = Instant::now();
        let turn = self.next_turn(now)?;
        if turn > now {
            sleep_until(turn).await;
        }
        Ok(())
    }

    fn next_turn(&self, now: Instant) -> Result<Instant, AwsFailure> {
        let mut paid_until = self.paid_until.lock().unwrap_or_else(PoisonError::into_inner);
        let saved_since = now.checked_sub(SAVED).unwrap_or(now);
        let turn = (*paid_until).max(saved_since) + self.interval;
        if turn > now + LONGEST_WAIT {
            return Err(AwsFailure::new(FailureKind::TooManyCalls, "the user's calls to AWS are spent"));
        }
        *paid_until = turn;
        Ok(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(budget: &CallBudget, now: Instant) -> usize {
        (0..1_000_000).take_while(|_| budget.next_turn(now).is_ok()).count()
    }

    #[tokio::test]
    async fn saved_calls_are_spent_at_once_and_then_come_back_with_time() {
        let budget = CallBudget::new(10);
        let now = Instant::now() + SAVED;
        let at_once = (0..).take_while(|_| budget.next_turn(now).is_ok_and(|turn| turn <= now)).count();
        assert!((195..=200).contains(&at_once), "{at_once}");
        let with_a_wait = turns(&budget, now);
        assert!((45..=50).contains(&with_a_wait), "{with_a_wait}");
        let later = turns(&budget, now + Duration::from_secs(1));
        assert!((9..=11).contains(&later), "{later}");
        let much_later = turns(&budget, now + 100 * SAVED);
        assert!((245..=250).contains(&much_later), "no more is saved: {much_later}");
    }

    #[tokio::test]
    async fn who_waits_is_not_refused_and_who_would_wait_long_is() {
        let budget = CallBudget::new(1);
        let mut refused = None;
        for _ in 0..40 {
            if let Err(failure) = tokio::time::timeout(Duration::ZERO, budget.spend()).await.unwrap_or(Ok(()))
            {
                refused = Some(failure.kind());
            }
        }
        assert_eq!(refused, Some(FailureKind::TooManyCalls));
    }

    #[tokio::test]
    async fn without_a_limit_nobody_waits() {
        let budget = CallBudget::new(0);
        let now = Instant::now();
        assert!((0..10_000).all(|_| budget.next_turn(now).is_ok_and(|turn| turn <= now)));
    }
}
