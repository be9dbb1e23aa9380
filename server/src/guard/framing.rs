//! Rows of a table that holds anything hidden: one stream, whose order and whose batches follow from the visible rows alone.
//!
//! A scan is cut into parts by sizes that count hidden rows and columns, and its batches end where row groups do. Passed on
//! as they come, they would tell of both: by the order of rows, by where batches end, by the last digits of a sum of
//! floats. So the parts are read at the same time, but handed on one after the other, and cut into batches of one length.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::BatchCoalescer;
use datafusion::common::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use futures::stream::{self, BoxStream, Stream, StreamExt};
use tokio::sync::Semaphore;

use crate::mutant::Mutant;

/// Kibibytes that one part may be ahead of its turn; nobody charges for them.
const AHEAD_KIBIBYTES: u32 = 32 * 1024;

/// Batches that one part may be ahead of its turn, however small.
const AHEAD_BATCHES: usize = 256;

/// The rows of all parts in their order.
///
/// # Arguments
/// * `parts` - begins to read a part when it is asked for it.
/// * `at_once` - parts that are read at the same time.
pub(super) fn one_after_the_other(
    mut parts: VecDeque<Box<dyn FnOnce() -> Result<SendableRecordBatchStream> + Send>>,
    at_once: usize,
) -> impl Stream<Item = Result<RecordBatch>> + Send + use<> {
    let is_single = parts.len() == 1;
    let mut begun = VecDeque::new();
    let turns = stream::iter(std::iter::from_fn(move || {
        while begun.len() < at_once
            && let Some(begin) = parts.pop_front()
        {
            begun.push_back(match begin() {
                Ok(part) if is_single => part.boxed(),
                Ok(part) => ahead(part),
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

/// The same batches, read by a task of its own before they are asked for. Dropping the stream ends the task.
fn ahead(mut part: SendableRecordBatchStream) -> BoxStream<'static, Result<RecordBatch>> {
    let mut reader = RecordBatchReceiverStreamBuilder::new(part.schema(), AHEAD_BATCHES);
    let (sender, room) = (reader.tx(), Arc::new(Semaphore::new(AHEAD_KIBIBYTES as usize)));
    let taken = Arc::clone(&room);
    reader.spawn(async move {
        while let Some(batch) = part.next().await {
            // The semaphore is never closed. Room is given back where a batch is taken out.
            let Ok(room) = room.acquire_many(kibibytes(&batch)).await else { break };
            room.forget();
            if sender.send(batch).await.is_err() {
                break;
            }
        }
        Ok(())
    });
    let give_back = move |batch: &Result<RecordBatch>| taken.add_permits(kibibytes(batch) as usize);
    reader.build().inspect(give_back).boxed()
}

fn kibibytes(batch: &Result<RecordBatch>) -> u32 {
    let bytes = batch.as_ref().map_or(0, RecordBatch::get_array_memory_size);
    u32::try_from(bytes / 1024).unwrap_or(u32::MAX).clamp(1, AHEAD_KIBIBYTES)
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
