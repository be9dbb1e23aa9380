//! The account's clock: the machine's, moved by as much as a test wants.
//!
//! It moves on two scales. Sessions and vended keys begin and end by the first; the second is what the time of a signature is
//! compared with. They go together unless a test takes them apart: an hour that has passed for keys would otherwise be an
//! hour of skew for every signature. The dates of S3 objects and of catalog entries are always the machine's.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

/// The furthest that the clock can be moved, in seconds: ten years.
const FURTHEST: i64 = 10 * 366 * 24 * 3600;

/// How far the account's clock is ahead of the machine's, in seconds; negative: behind it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockOffsets {
    /// For the life of sessions and vended keys.
    pub seconds: i64,
    /// For the check of signatures.
    pub signature_seconds: i64,
}

impl ClockOffsets {
    /// A clock that is wrong by some seconds for all purposes.
    #[must_use]
    pub fn skewed(seconds: i64) -> Self {
        Self { seconds, signature_seconds: seconds }
    }

    /// A clock that is right for signatures, and ahead by some seconds for the life of keys.
    #[must_use]
    pub fn for_keys(seconds: i64) -> Self {
        Self { seconds, signature_seconds: 0 }
    }
}

/// See the file's head.
#[derive(Default)]
pub(crate) struct Clock {
    keys: AtomicI64,
    signatures: AtomicI64,
}

impl Clock {
    /// The time by which keys live.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        Utc::now() + Duration::seconds(self.keys.load(Ordering::Relaxed))
    }

    /// The time that signatures are compared with.
    pub(crate) fn signature_now(&self) -> DateTime<Utc> {
        Utc::now() + Duration::seconds(self.signatures.load(Ordering::Relaxed))
    }

    pub(crate) fn offsets(&self) -> ClockOffsets {
        ClockOffsets {
            seconds: self.keys.load(Ordering::Relaxed),
            signature_seconds: self.signatures.load(Ordering::Relaxed),
        }
    }

    /// # Errors
    /// The offset is larger than ten years.
    pub(crate) fn set(&self, offsets: ClockOffsets) -> Result<(), &'static str> {
        let is_possible = |seconds: i64| (-FURTHEST..=FURTHEST).contains(&seconds);
        if !is_possible(offsets.seconds) || !is_possible(offsets.signature_seconds) {
            return Err("a clock can be moved by ten years at the most");
        }
        self.keys.store(offsets.seconds, Ordering::Relaxed);
        self.signatures.store(offsets.signature_seconds, Ordering::Relaxed);
        Ok(())
    }
}
