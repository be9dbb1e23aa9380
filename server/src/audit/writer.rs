//! The thread that writes the trail, and the queue before it.
//!
//! ```text
//! statements, logins … ─ push, never waits ─▶ queue ─▶ one thread ─▶ Sink ─▶ file or standard error
//!          ▲                                              │
//!          └──────────── acknowledged or refused ◀────────┘
//! ```
//!
//! Nobody else touches the disk, so one that hangs holds this thread and nothing else. Invariants
//! - What begins something (a Started record) is acknowledged when it was written, and refused when it cannot be. Such
//!   lines have a bound in bytes; beyond it they are refused at once.
//! - What ends something (a Finished record) is always taken: there is at most one for each Started that was written,
//!   so admission bounds them. It is kept until it could be written, before everything that came later.
//! - What happens at once (a login, a plan) is taken while the trail works and there is room, and kept likewise; what
//!   cannot be undone (a refusal, a cancellation) is taken as long as there is room.
//! - An end is written only if its beginning was.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::record::Interrupted;
use super::sink::{Sink, line};
use crate::telemetry::metrics::Metrics;

/// Most bytes of lines that wait to be written, but for ends.
const QUEUE_BYTES: usize = 16 * 1024 * 1024;

/// How long one write may take before the trail counts as failing.
const SLOW_WRITE: Duration = Duration::from_secs(2);

/// Time between two looks whether the file still stands at its path, and between two attempts to write what was kept.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Whether the beginning of something was written.
pub(super) type Beginning = Arc<AtomicBool>;

/// The answer to a beginning: whether it was written.
pub(super) type Acknowledgement = oneshot::Receiver<bool>;

enum Role {
    Begins(Beginning, oneshot::Sender<bool>),
    Ends(Beginning),
    Happened,
}

struct Entry {
    line: String,
    role: Role,
    /// Its failure was counted already.
    is_counted: bool,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<Entry>,
    /// Bytes of lines that are no ends.
    bytes: usize,
    is_writing: bool,
    /// The thread sleeps; waking it is what handing over costs most, so that is done only then.
    is_asleep: bool,
    must_reopen: bool,
    is_closed: bool,
}

/// What the writer and those who hand it lines share.
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    written: Condvar,
    /// The last write has failed.
    is_failing: AtomicBool,
    began: Instant,
    /// Milliseconds from `began` to the beginning of the write that goes on, and one; 0 if there is none.
    write_since: AtomicU64,
    metrics: Arc<Metrics>,
}

/// The way to the writer. Dropping the last one lets the thread end when everything is written.
pub(super) struct Writer(Arc<Shared>);

impl Writer {
    /// Starts the thread.
    ///
    /// # Errors
    /// What opening answers, also that it takes too long; and if there is no thread to be had.
    pub(super) fn start(
        open: impl FnOnce() -> io::Result<Sink> + Send + 'static,
        metrics: Arc<Metrics>,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            waiting: Mutex::default(),
            changed: Condvar::new(),
            written: Condvar::new(),
            is_failing: AtomicBool::new(false),
            began: Instant::now(),
            write_since: AtomicU64::new(0),
            metrics,
        });
        let (opened, answer) = std::sync::mpsc::channel();
        let of_thread = Arc::clone(&shared);
        // Opening may hang too, as a pipe that nobody reads does.
        std::thread::Builder::new().name("lakegate-audit".to_owned()).spawn(move || match open() {
            Ok(sink) => {
                let _ = opened.send(Ok(()));
                of_thread.run(sink);
            }
            Err(error) => {
                let _ = opened.send(Err(error));
            }
        })?;
        let too_long = |_| Err(io::Error::new(io::ErrorKind::TimedOut, "opening it takes too long"));
        answer.recv_timeout(SLOW_WRITE).unwrap_or_else(too_long)?;
        Ok(Self(shared))
    }

    /// Hands over the beginning of something. `None` if there is no room, or a write hangs.
    pub(super) fn begins(&self, line: String) -> Option<(Beginning, Acknowledgement)> {
        if self.0.is_stuck() {
            self.0.metrics.audit_failures.add(1);
            return None;
        }
        let (sender, acknowledgement) = oneshot::channel();
        let beginning = Beginning::default();
        let role = Role::Begins(Arc::clone(&beginning), sender);
        self.0.push_if_there_is_room(line, role).then_some((beginning, acknowledgement))
    }

    /// Hands over the end of something.
    pub(super) fn ends(&self, line: String, beginning: Beginning) {
        self.0.push(&mut self.0.waiting(), line, Role::Ends(beginning));
    }

    /// Hands over what happens if it is recorded. Whether it was taken, which it is as long as the trail works.
    pub(super) fn happens(&self, line: String) -> bool {
        if self.is_failing() {
            self.0.metrics.audit_failures.add(1);
            return false;
        }
        self.0.push_if_there_is_room(line, Role::Happened)
    }

    /// Hands over what has happened in any case. It is kept if there is room.
    pub(super) fn has_happened(&self, line: String) {
        self.0.push_if_there_is_room(line, Role::Happened);
    }

    /// Counts a record that could not even be handed over.
    pub(super) fn count_failure(&self) {
        self.0.metrics.audit_failures.add(1);
    }

    /// Whether records cannot be written now.
    pub(super) fn is_failing(&self) -> bool {
        self.0.is_failing.load(Ordering::Relaxed) || self.0.is_stuck()
    }

    /// Opens the file anew before the next record.
    pub(super) fn reopen(&self) {
        self.0.waiting().must_reopen = true;
        self.0.changed.notify_one();
    }

    /// Waits until everything was written, at most `limit`. How many lines are left.
    pub(super) fn flush(&self, limit: Duration) -> usize {
        let is_busy = |waiting: &mut Waiting| waiting.is_writing || !waiting.lines.is_empty();
        let waited = self.0.written.wait_timeout_while(self.0.waiting(), limit, is_busy);
        let (waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        waiting.lines.len() + usize::from(waiting.is_writing)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.waiting().is_closed = true;
        self.0.changed.notify_one();
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stuck(&self) -> bool {
        let since = self.write_since.load(Ordering::Relaxed);
        since > 0 && u128::from(self.milliseconds().saturating_sub(since)) > SLOW_WRITE.as_millis()
    }

    fn milliseconds(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    fn push(&self, waiting: &mut MutexGuard<'_, Waiting>, line: String, role: Role) {
        waiting.lines.push_back(Entry { line, role, is_counted: false });
        if std::mem::take(&mut waiting.is_asleep) {
            self.changed.notify_one();
        }
    }

    fn push_if_there_is_room(&self, line: String, role: Role) -> bool {
        let mut waiting = self.waiting();
        if waiting.bytes.saturating_add(line.len()) > QUEUE_BYTES {
            self.metrics.audit_failures.add(1);
            return false;
        }
        waiting.bytes += line.len();
        self.push(&mut waiting, line, role);
        true
    }

    /// The thread's work.
    fn run(&self, mut sink: Sink) {
        while let Some(work) = self.next() {
            let since = self.milliseconds();
            self.write_since.store(since, Ordering::Relaxed);
            let (outcome, entry) = match work {
                Work::Reopen => (sink.reopen(), None),
                Work::Look => (sink.follow_path(), None),
                Work::Write(entry) => (sink.write(&entry.line), Some(entry)),
            };
            self.write_since.store(0, Ordering::Relaxed);
            match outcome {
                Ok(()) => self.succeeded(entry),
                Err(error) => self.failed(&error, entry),
            }
        }
    }

    /// Waits for something to do. `None` when there will be nothing more.
    fn next(&self) -> Option<Work> {
        let mut waiting = self.waiting();
        let mut is_time = false;
        loop {
            if std::mem::take(&mut waiting.must_reopen) {
                return Some(Work::Reopen);
            }
            // What was kept is tried again from time to time, and when somebody wants to begin something.
            let is_worth_trying = is_time
                || !self.is_failing.load(Ordering::Relaxed)
                || waiting.lines.iter().any(|entry| matches!(entry.role, Role::Begins(..)));
            if is_worth_trying && let Some(entry) = waiting.lines.pop_front() {
                if entry.is_superfluous() {
                    self.tell_if_done(&waiting);
                    continue;
                }
                waiting.is_writing = true;
                return Some(Work::Write(entry));
            }
            if is_time {
                return Some(Work::Look);
            }
            if waiting.is_closed {
                return None;
            }
            waiting.is_asleep = true;
            let woken = self.changed.wait_timeout(waiting, LOOK_INTERVAL);
            let (again, elapsed) = woken.unwrap_or_else(PoisonError::into_inner);
            (waiting, is_time) = (again, elapsed.timed_out());
            waiting.is_asleep = false;
        }
    }

    /// A look alone says nothing about whether there is room to write.
    fn succeeded(&self, entry: Option<Entry>) {
        let Some(entry) = entry else { return };
        if self.is_failing.swap(false, Ordering::Relaxed) {
            tracing::info!("the audit trail can be written again");
        }
        let mut waiting = self.waiting();
        waiting.is_writing = false;
        self.answer(&mut waiting, entry, true);
        self.tell_if_done(&waiting);
    }

    /// Keeps what must not be lost, and refuses what may not begin.
    fn failed(&self, error: &io::Error, entry: Option<Entry>) {
        let mut waiting = self.waiting();
        waiting.is_writing = false;
        let (refused, mut kept): (VecDeque<Entry>, VecDeque<Entry>) = entry
            .into_iter()
            .chain(std::mem::take(&mut waiting.lines))
            .partition(|entry| matches!(entry.role, Role::Begins(..)));
        if let Some(first) = kept.front_mut().filter(|first| !first.is_counted) {
            first.is_counted = true;
            self.metrics.audit_failures.add(1);
        }
        if !self.is_failing.swap(true, Ordering::Relaxed) {
            tracing::error!(%error, "the audit trail cannot be written: nothing new runs");
            // Written first as soon as that is possible, so it is also how that is found out.
            if let Ok(line) = line(&Interrupted::now()) {
                waiting.bytes += line.len();
                kept.push_front(Entry { line, role: Role::Happened, is_counted: true });
            }
        }
        waiting.lines = kept;
        refused.into_iter().for_each(|entry| self.answer(&mut waiting, entry, false));
        self.tell_if_done(&waiting);
    }

    fn tell_if_done(&self, waiting: &Waiting) {
        if waiting.lines.is_empty() && !waiting.is_writing {
            self.written.notify_all();
        }
    }

    /// Ends an entry's way.
    fn answer(&self, waiting: &mut Waiting, entry: Entry, is_written: bool) {
        if !matches!(entry.role, Role::Ends(_)) {
            waiting.bytes -= entry.line.len();
        }
        if let Role::Begins(beginning, acknowledge) = entry.role {
            beginning.store(is_written, Ordering::Relaxed);
            if !is_written {
                self.metrics.audit_failures.add(1);
            }
            // Whoever waited may be gone.
            let _ = acknowledge.send(is_written);
        }
    }
}

enum Work {
    Write(Entry),
    Look,
    Reopen,
}

impl Entry {
    /// The end of what never began.
    fn is_superfluous(&self) -> bool {
        matches!(&self.role, Role::Ends(beginning) if !beginning.load(Ordering::Relaxed))
    }
}
