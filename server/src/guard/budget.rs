//! How much the scans of one statement may hand to it: `engine.max_scanned_bytes`.
//!
//! What counts are the bytes that leave the barrier, value by value: of the columns that the statement uses, of the rows
//! and cells that its user may see. It would be cheaper to count the files that are chosen, and closer to what S3 is paid
//! for; but their sizes count hidden rows and columns, and how many of them are chosen follows from bounds of hidden
//! values. A limit that can be met by a query would then tell both: the user would move a predicate until the error comes
//! and go. So the rule is one for all tables, and it is a function of the visible rows alone. That the server reads more
//! than it hands over is the time that a query takes, which is not promised to tell nothing.
//!
//! Invariants
//! - One budget serves all scans of one statement, and no other statement.
//! - A batch counts before anybody sees it; the one that is too many is not handed over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arrow::array::RecordBatch;

use super::row_size::batch_bytes;
use crate::error::{Error, ErrorKind};
use crate::telemetry::metrics::{Limit, Metrics};

/// See the file's head.
pub(super) struct ScanBudget {
    left: AtomicU64,
    is_exceeded: AtomicBool,
    metrics: Arc<Metrics>,
}

impl ScanBudget {
    /// A budget of `bytes`.
    pub(super) fn new(bytes: u64, metrics: Arc<Metrics>) -> Self {
        Self { left: AtomicU64::new(bytes), is_exceeded: AtomicBool::new(false), metrics }
    }

    /// Takes the bytes of a batch.
    ///
    /// # Errors
    /// [`ErrorKind::ResourceExhausted`] if fewer are left, and from then on for every batch.
    pub(super) fn take(&self, batch: &RecordBatch) -> Result<(), Error> {
        let bytes = batch_bytes(batch) as u64;
        let taken =
            self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        if taken.is_ok() {
            return Ok(());
        }
        // Nothing fits any more. Other scans of the statement may meet the limit as well; it counts once.
        self.left.store(0, Ordering::Relaxed);
        if !self.is_exceeded.swap(true, Ordering::Relaxed) {
            self.metrics.limit_hits.record(Limit::ScannedBytes);
        }
        Err(Error::new(
            ErrorKind::ResourceExhausted,
            "the statement reads more bytes of its tables than this server allows; use fewer columns or rows",
        ))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use arrow::array::{ArrayRef, Int64Array};

    use super::*;

    fn batch(rows: i64) -> RecordBatch {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
        RecordBatch::try_from_iter([("id", column)]).unwrap()
    }

    #[test]
    fn a_budget_is_spent_to_the_last_byte_and_then_ends_every_scan() {
        let metrics = Arc::new(Metrics::default());
        let budget = ScanBudget::new(8 * 10, Arc::clone(&metrics));
        budget.take(&batch(6)).unwrap();
        budget.take(&batch(4)).unwrap();
        budget.take(&batch(0)).unwrap();
        let budget = ScanBudget::new(8 * 10, metrics);
        budget.take(&batch(6)).unwrap();
        assert_eq!(budget.take(&batch(5)).unwrap_err().kind(), ErrorKind::ResourceExhausted);
        assert!(budget.take(&batch(1)).is_err(), "what would still have fitted");
    }
}
