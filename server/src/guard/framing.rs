//! Rows of a table that holds anything hidden: one stream, whose order and whose batches follow from the visible rows alone.
//!
//! A scan is cut into parts by sizes that count hidden rows and columns, and its batches end where row groups do. Passed on
//! as they come, they would tell of both: by the order of rows, by where batches end, by the last digits of a sum of
//! floats. So the parts are read at the same time, but handed on one after the other, and cut into batches of one length.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::BatchCoalescer;
use arrow::datatypes::Schema;
use datafusion::common::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::common::spawn_buffered;
use futures::stream::{self, Stream, StreamExt};

use crate::mutant::Mutant;

/// Bytes that one part may be ahead of its turn, by estimate.
const AHEAD_BYTES: usize = 32 * 1024 * 1024;

/// What a value of a type without a width of its own is taken to need, in bytes.
const ASSUMED_WIDTH: usize = 32;

/// The rows of all parts in their order.
///
/// # Arguments
/// * `parts` - begins to read a part when it is asked for it.
/// * `at_once` - parts that are read at the same time.
/// * `batch_rows` - rows of a part's batches, at the most.
pub(super) fn one_after_the_other(
    mut parts: VecDeque<Box<dyn FnOnce() -> Result<SendableRecordBatchStream> + Send>>,
    at_once: usize,
    batch_rows: usize,
    schema: &Schema,
) -> impl Stream<Item = Result<RecordBatch>> + Send + use<> {
    let ahead = batches_ahead(schema, batch_rows);
    let is_single = parts.len() == 1;
    let mut begun = VecDeque::new();
    let turns = stream::iter(std::iter::from_fn(move || {
        while begun.len() < at_once
            && let Some(begin) = parts.pop_front()
        {
            begun.push_back(match begin() {
                Ok(part) if is_single => part.boxed(),
                Ok(part) => spawn_buffered(part, ahead).boxed(),
                Err(error) => stream::once(async { Err(error) }).boxed(),
            });
        }
        begun.pop_front()
    }));
    turns.flatten()
}

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

fn batches_ahead(schema: &Schema, batch_rows: usize) -> usize {
    let width =
        |field: &Arc<arrow::datatypes::Field>| field.data_type().primitive_width().unwrap_or(ASSUMED_WIDTH);
    let row: usize = schema.fields().iter().map(width).sum();
    (AHEAD_BYTES / (row * batch_rows).max(1)).clamp(2, 256)
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
