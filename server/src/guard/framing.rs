//! Rows of a table that holds anything hidden: one stream, whose order and whose batches follow from the visible rows alone.
//!
//! A scan is cut into parts by sizes that count hidden rows and columns, and its batches end where row groups do. Passed on
//! as they come, they would tell of both: by the order of rows, by where batches end, by the last digits of a sum of
//! floats. So the parts are handed on one after the other ([`read_ahead`](super::read_ahead)), and cut into batches of one
//! length.

use arrow::array::RecordBatch;
use arrow::compute::BatchCoalescer;
use datafusion::common::Result;
use futures::stream::{self, Stream, StreamExt};

use crate::mutant::Mutant;

/// The same rows; `at_end` is told how many they were when all have passed.
pub(super) fn counted(
    rows: impl Stream<Item = Result<RecordBatch>> + Send + 'static,
    at_end: impl FnOnce(u64) + Send + 'static,
) -> impl Stream<Item = Result<RecordBatch>> + Send {
    let state = (Box::pin(rows), 0, at_end);
    stream::try_unfold(state, |(mut rows, count, at_end)| async move {
        match rows.next().await.transpose()? {
            Some(batch) => {
                let count = count + batch.num_rows() as u64;
                Ok(Some((batch, (rows, count, at_end))))
            }
            None => {
                at_end(count);
                Ok(None)
            }
        }
    })
}

/// Passes a stream through a coalescer, which says how large batches become.
pub(super) fn rechunked(
    batches: impl Stream<Item = Result<RecordBatch>> + Send + 'static,
    coalescer: BatchCoalescer,
) -> impl Stream<Item = Result<RecordBatch>> + Send {
    let state = (Box::pin(batches), coalescer, false);
    stream::try_unfold(state, |(mut batches, mut coalescer, mut is_finished)| async move {
        loop {
            if let Some(batch) = coalescer.next_completed_batch() {
                return Ok(Some((batch, (batches, coalescer, is_finished))));
            }
            if is_finished {
                return Ok(None);
            }
            match batches.next().await {
                Some(batch) => {
                    coalescer.push_batch(batch?)?;
                    if Mutant::BatchesAsTheyCome.is_on() {
                        coalescer.finish_buffered_batch()?;
                    }
                }
                None => {
                    coalescer.finish_buffered_batch()?;
                    is_finished = true;
                }
            }
        }
    })
}
