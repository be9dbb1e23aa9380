//! How many refusals are recorded.
//!
//! Whoever is not logged in can be refused as often as it likes, and would fill the disk; so those records have a budget, and
//! the next one tells how many were left out.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Records of refusals that may be written at once.
const REFUSALS_AT_ONCE: f64 = 200.0;

/// Records of refusals that may be written each second, in the long run.
const REFUSALS_PER_SECOND: f64 = 10.0;

/// How many refusals may be recorded now.
#[derive(Default)]
pub(super) struct RefusalBudget(Mutex<Spent>);

#[derive(Default)]
struct Spent {
    /// Records above what time has given back.
    count: f64,
    at: Option<Instant>,
    left_out: u64,
}

impl RefusalBudget {
    /// Whether one more may be recorded, and how many were left out before it.
    pub(super) fn take(&self) -> Option<u64> {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let passed = spent.at.map_or(0.0, |at| now.duration_since(at).as_secs_f64());
        spent.at = Some(now);
        spent.count = (spent.count - passed * REFUSALS_PER_SECOND).max(0.0);
        if spent.count + 1.0 > REFUSALS_AT_ONCE {
            spent.left_out += 1;
            return None;
        }
        spent.count += 1.0;
        Some(std::mem::take(&mut spent.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_refusals_is_cut_and_what_was_left_out_is_counted() {
        let budget = RefusalBudget::default();
        let taken = (0..1000).filter(|_| budget.take().is_some()).count();
        assert!((200..900).contains(&taken), "{taken}");
        budget.0.lock().unwrap_or_else(PoisonError::into_inner).count = 0.0;
        assert_eq!(budget.take(), Some(1000 - taken as u64));
    }
}
