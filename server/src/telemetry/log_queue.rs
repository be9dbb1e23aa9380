//! The way of log lines to standard error: a bounded queue and a thread.
//!
//! Whoever logs never waits. A reader of standard error that stalls, such as a full pipe, costs lines and nothing else:
//! they are counted, and once it reads again the log says how many are missing. No other part of a serving process writes
//! to standard error, because whoever does holds a lock that the next one waits for; so panics are told here as well.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

/// Most lines that wait to be written.
const QUEUE_LINES: usize = 8192;

/// Most bytes of lines that wait to be written.
const QUEUE_BYTES: usize = 8 * 1024 * 1024;

/// How long the end of the process waits for lines that are not written yet.
const FLUSH_LIMIT: Duration = Duration::from_secs(1);

/// Time between two looks at what waits, while the end of the process waits for it.
const FLUSH_INTERVAL: Duration = Duration::from_millis(5);

/// The queue of this process, once logging was started.
static QUEUE: OnceLock<LogQueue> = OnceLock::new();

/// The queue's end to which lines are handed. Cheap to clone.
#[derive(Clone)]
pub(super) struct LogQueue {
    lines: SyncSender<Vec<u8>>,
    /// Bytes that are not written yet, those in writing included.
    waiting: Arc<AtomicUsize>,
    /// Lines that were never written.
    dropped: Arc<AtomicU64>,
}

impl LogQueue {
    /// Starts the thread.
    ///
    /// # Errors
    /// If there is none to be had.
    pub(super) fn start(writer: impl Write + Send + 'static) -> io::Result<Self> {
        let (lines, queued) = sync_channel(QUEUE_LINES);
        let (waiting, dropped) = (Arc::<AtomicUsize>::default(), Arc::<AtomicU64>::default());
        let of_thread = (Arc::clone(&waiting), Arc::clone(&dropped));
        std::thread::Builder::new()
            .name("lakegate-log".to_owned())
            .spawn(move || write_all(&queued, &of_thread.0, &of_thread.1, writer))?;
        Ok(Self { lines, waiting, dropped })
    }

    /// Makes this the queue of the process: the one that [`flush`] waits for.
    pub(super) fn install(&self) {
        // A process that has one already keeps it: then this is a test.
        let _ = QUEUE.set(self.clone());
    }

    fn push(&self, line: &[u8]) {
        let bytes = line.len();
        if self.waiting.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) > QUEUE_BYTES
            || self.lines.try_send(line.to_vec()).is_err()
        {
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn write_all(queued: &Receiver<Vec<u8>>, waiting: &AtomicUsize, dropped: &AtomicU64, mut writer: impl Write) {
    let mut told = 0;
    while let Ok(line) = queued.recv() {
        let is_written = writer.write_all(&line).and_then(|()| writer.flush()).is_ok();
        dropped.fetch_add(u64::from(!is_written), Ordering::Relaxed);
        waiting.fetch_sub(line.len(), Ordering::Relaxed);
        let missing = dropped.load(Ordering::Relaxed) - told;
        // Nobody hears it where nothing can be written, and saying so would go on for ever.
        if is_written && missing > 0 {
            // Into the queue from which a line was just taken, so that there is room for it.
            tracing::warn!(lines = missing, "lines are missing here: they could not be written in time");
            told += missing;
        }
    }
}

/// Lines of this process that never reached standard error.
pub(super) fn dropped() -> u64 {
    QUEUE.get().map_or(0, |queue| queue.dropped.load(Ordering::Relaxed))
}

/// Waits until all lines are written, for a short while at most.
pub(crate) fn flush() {
    let Some(queue) = QUEUE.get() else { return };
    let began = Instant::now();
    while queue.waiting.load(Ordering::Relaxed) > 0 && began.elapsed() < FLUSH_LIMIT {
        std::thread::sleep(FLUSH_INTERVAL);
    }
}

impl<'a> MakeWriter<'a> for LogQueue {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { queue: self.clone(), bytes: Vec::new() }
    }
}

/// One line; handed over when it is dropped.
pub(super) struct Line {
    queue: LogQueue,
    bytes: Vec<u8>,
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.bytes.is_empty() {
            self.queue.push(&self.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot build its input should stop")]

    use std::sync::mpsc::{Sender, channel};

    use super::*;

    /// Takes a line whenever it is allowed to.
    struct Stalling {
        turns: Receiver<()>,
        lines: Sender<Vec<u8>>,
    }

    impl Write for Stalling {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.turns.recv().map_err(io::Error::other)?;
            self.lines.send(line.to_vec()).map_err(io::Error::other)?;
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_stalls_costs_lines_that_are_counted_and_nobody_waits() {
        let (turn, turns) = channel();
        let (lines, written) = channel();
        let queue = LogQueue::start(Stalling { turns, lines }).unwrap();
        for number in 0..QUEUE_LINES + 100 {
            write!(queue.make_writer(), "{number}").unwrap();
        }
        // One line may be with the thread.
        let lost = queue.dropped.load(Ordering::Relaxed);
        assert!((99..=100).contains(&lost), "{lost}");
        turn.send(()).unwrap();
        assert_eq!(written.recv().unwrap(), b"0", "what came first is kept");
    }

    #[test]
    fn lines_that_are_too_large_together_are_dropped_too() {
        let (_turn, turns) = channel();
        let (lines, _written) = channel();
        let queue = LogQueue::start(Stalling { turns, lines }).unwrap();
        (0..3).for_each(|_| queue.push(&vec![b'x'; QUEUE_BYTES / 2]));
        assert!(queue.dropped.load(Ordering::Relaxed) > 0);
    }
}
