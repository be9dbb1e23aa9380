//! How much one statement may return: `engine.max_result_rows` and `engine.max_result_bytes`.
//!
//! Both count what the user gets, so meeting them tells nothing else. Rows up to the limit are sent as they come, because
//! results are streamed and nobody knows their end before; then an error follows, so that no client takes a part for the whole.
//! A client that wants no more rows than the limit has them before it is told.

use std::sync::Arc;

use arrow::array::RecordBatch;

use crate::error::{Error, ErrorKind};
use crate::guard::batch_bytes;
use crate::settings::EngineSettings;
use crate::telemetry::metrics::{Limit, Metrics};

const LONG: &str =
    "the result has more rows than this server returns for one statement; ask for fewer, or aggregate them";
const LARGE: &str =
    "the result is larger than what this server returns for one statement; ask for fewer columns or rows";

/// The limits; none is as large as a number can be.
#[derive(Clone, Copy)]
pub(super) struct ResultLimits {
    rows: u64,
    bytes: u64,
}

impl ResultLimits {
    pub(super) fn new(settings: &EngineSettings) -> Self {
        let or_none = |limit: u64| if limit == 0 { u64::MAX } else { limit };
        Self { rows: or_none(settings.max_result_rows), bytes: or_none(settings.max_result_bytes.as_u64()) }
    }
}

/// What one statement has returned so far.
pub(super) struct ResultAccount {
    limits: ResultLimits,
    rows: u64,
    bytes: u64,
    metrics: Arc<Metrics>,
}

impl ResultAccount {
    pub(super) fn new(limits: ResultLimits, metrics: Arc<Metrics>) -> Self {
        Self { limits, rows: 0, bytes: 0, metrics }
    }

    /// Counts a batch before it is sent. Gives what may be sent of it, and the error that follows.
    ///
    /// # Errors
    /// [`ErrorKind::ResourceExhausted`] if it goes beyond a limit, behind the rows that do not.
    pub(super) fn take(&mut self, batch: RecordBatch) -> (Option<RecordBatch>, Result<(), Error>) {
        let left = self.limits.rows - self.rows;
        let fits = usize::try_from(left).map_or(batch.num_rows(), |left| left.min(batch.num_rows()));
        let is_cut = fits < batch.num_rows();
        let batch = if is_cut { batch.slice(0, fits) } else { batch };
        self.rows += fits as u64;
        if self.limits.bytes < u64::MAX {
            self.bytes = self.bytes.saturating_add(batch_bytes(&batch) as u64);
            if self.bytes > self.limits.bytes {
                return (None, Err(self.exceeded(Limit::ResultBytes, LARGE)));
            }
        }
        let end = if is_cut { Err(self.exceeded(Limit::ResultRows, LONG)) } else { Ok(()) };
        ((!is_cut || fits > 0).then_some(batch), end)
    }

    fn exceeded(&self, limit: Limit, public: &'static str) -> Error {
        self.metrics.limit_hits.record(limit);
        Error::new(ErrorKind::ResourceExhausted, public)
    }
}
