//! Several parts of a scan, read at the same time and handed on one after the other.
//!
//! Parts begin in their order, as many at once as there are threads: one that has nothing to read makes room for the next
//! although its turn has not come. What was read before its turn waits here, within a bound that all parts share. The part
//! whose turn it is may always go on, by one batch if there is no other room, so that the others cannot block it.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::execution::SendableRecordBatchStream;
use futures::stream;
use futures::stream::{BoxStream, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// What may wait for its turn, in kibibytes; nobody charges for it.
const ROOM_KIBIBYTES: u32 = 64 * 1024;

/// Batches of one part that may wait for their turn, however small.
const MOST_BATCHES: usize = 1024;

/// Begins to read a part.
pub(super) type Begin = Box<dyn FnOnce() -> Result<SendableRecordBatchStream> + Send>;

/// The batches of all parts in their order.
///
/// # Arguments
/// * `at_once` - parts that are read at the same time.
pub(super) fn one_after_the_other(
    mut parts: VecDeque<Begin>,
    at_once: usize,
) -> BoxStream<'static, Result<RecordBatch>> {
    if parts.len() == 1
        && let Some(only) = parts.pop_front()
    {
        return match only() {
            Ok(batches) => batches.boxed(),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        };
    }
    let (hand_on, begun) = mpsc::unbounded_channel();
    let starter = SpawnedTask::spawn(begin_all(parts, at_once, hand_on));
    let turns = Turns { begun, now: None, starter: Some(starter) };
    stream::try_unfold(turns, |mut turns| async move { Ok(turns.next().await?.map(|batch| (batch, turns))) })
        .boxed()
}

/// A batch, and the room that it takes until its turn.
type Waiting = (Result<RecordBatch>, OwnedSemaphorePermit);

/// A part that is read, or was. Dropping it ends that.
struct Begun {
    batches: mpsc::Receiver<Waiting>,
    /// Has room for one batch once it is the part's turn.
    turn: Arc<Semaphore>,
    reader: SpawnedTask<()>,
}

async fn begin_all(parts: VecDeque<Begin>, at_once: usize, hand_on: mpsc::UnboundedSender<Begun>) {
    let threads = Arc::new(Semaphore::new(at_once.max(1)));
    let room = Arc::new(Semaphore::new(ROOM_KIBIBYTES as usize));
    for begin in parts {
        // Semaphores are closed nowhere.
        let Ok(thread) = Arc::clone(&threads).acquire_owned().await else { return };
        let (sender, batches) = mpsc::channel(MOST_BATCHES);
        let turn = Arc::new(Semaphore::new(0));
        let reader = SpawnedTask::spawn(read(begin, sender, Arc::clone(&room), Arc::clone(&turn), thread));
        if hand_on.send(Begun { batches, turn, reader }).is_err() {
            return;
        }
    }
}

async fn read(
    begin: Begin,
    sender: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
    turn: Arc<Semaphore>,
    _thread: OwnedSemaphorePermit,
) {
    let mut batches = match begin() {
        Ok(batches) => batches.boxed(),
        Err(error) => stream::once(async { Err(error) }).boxed(),
    };
    while let Some(batch) = batches.next().await {
        let taken = tokio::select! {
            biased;
            taken = Arc::clone(&room).acquire_many_owned(kibibytes(&batch)) => taken,
            taken = Arc::clone(&turn).acquire_owned() => taken,
        };
        let Ok(taken) = taken else { return };
        if sender.send((batch, taken)).await.is_err() {
            return;
        }
    }
}

fn kibibytes(batch: &Result<RecordBatch>) -> u32 {
    let bytes = batch.as_ref().map_or(0, RecordBatch::get_array_memory_size);
    u32::try_from(bytes / 1024).unwrap_or(u32::MAX).clamp(1, ROOM_KIBIBYTES)
}

struct Turns {
    begun: mpsc::UnboundedReceiver<Begun>,
    now: Option<Begun>,
    starter: Option<SpawnedTask<()>>,
}

impl Turns {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let Some(now) = &mut self.now else {
                let Some(begun) = self.begun.recv().await else {
                    ended(self.starter.take()).await?;
                    return Ok(None);
                };
                begun.turn.add_permits(1);
                self.now = Some(begun);
                continue;
            };
            match now.batches.recv().await {
                Some((batch, _)) => return batch.map(Some),
                None => ended(self.now.take().map(|now| now.reader)).await?,
            }
        }
    }
}

/// A task that panicked must not look like the end of its rows.
async fn ended(task: Option<SpawnedTask<()>>) -> Result<()> {
    match task {
        Some(task) => {
            let end = task.join().await;
            end.map_err(|error| exec_datafusion_err!("a part of a scan ended abnormally: {error}"))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use arrow::array::{ArrayRef, AsArray, Int64Array};
    use arrow::datatypes::{Int64Type, SchemaRef};
    use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
    use futures::TryStreamExt;

    use super::*;

    fn batch(number: i64, rows: usize) -> RecordBatch {
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![number; rows]));
        RecordBatch::try_from_iter([("n", numbers)]).unwrap()
    }

    fn schema() -> SchemaRef {
        batch(0, 0).schema()
    }

    fn part(batches: impl futures::Stream<Item = Result<RecordBatch>> + Send + 'static) -> Begin {
        Box::new(move || Ok(Box::pin(RecordBatchStreamAdapter::new(schema(), batches)) as _))
    }

    async fn numbers(parts: Vec<Begin>) -> Result<Vec<i64>> {
        let batches: Vec<RecordBatch> = one_after_the_other(parts.into(), 2).try_collect().await?;
        Ok(batches.iter().map(|batch| batch.column(0).as_primitive::<Int64Type>().value(0)).collect())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn rows_come_in_the_order_of_the_parts_whoever_is_first() {
        let slow = stream::once(async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok(batch(1, 1))
        });
        let parts =
            vec![part(slow), part(stream::iter([])), part(stream::iter([Ok(batch(2, 1)), Ok(batch(3, 1))]))];
        assert_eq!(numbers(parts).await.unwrap(), [1, 2, 3]);
        assert_eq!(numbers(Vec::new()).await.unwrap(), [0; 0]);
    }

    /// Each part holds more than there is room for, so all but the first wait for their turns.
    #[tokio::test(flavor = "multi_thread")]
    async fn parts_that_are_ahead_never_block_the_one_whose_turn_it_is() {
        let made = Arc::new(AtomicUsize::new(0));
        let parts: Vec<Begin> = (0..4)
            .map(|number| {
                let made = Arc::clone(&made);
                part(stream::iter(0..40).map(move |_| {
                    made.fetch_add(1, Ordering::Relaxed);
                    Ok(batch(number, 512 * 1024))
                }))
            })
            .collect();
        let mut batches = one_after_the_other(parts.into(), 2);
        assert!(batches.next().await.is_some());
        tokio::time::sleep(Duration::from_millis(100)).await;
        let room = ROOM_KIBIBYTES as usize / (512 * 8);
        assert!(made.load(Ordering::Relaxed) <= room + 4, "{made:?} batches, room for {room}");
        assert_eq!(batches.try_fold(1, |count, _| async move { Ok(count + 1) }).await.unwrap(), 160);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_error_and_a_panic_are_errors_and_not_the_end() {
        let failing: Begin = Box::new(|| Err(exec_datafusion_err!("no such part")));
        assert!(numbers(vec![part(stream::iter([Ok(batch(1, 1))])), failing]).await.is_err());
        let panicking = stream::iter([1]).map(|_| -> Result<RecordBatch> { panic!("on purpose") });
        assert!(numbers(vec![part(stream::iter([Ok(batch(1, 1))])), part(panicking)]).await.is_err());
    }
}
