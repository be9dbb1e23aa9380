//! Seeded schedules over a clock that stands still: what several tasks do with one cache, in any order, the same again for the
//! same seed.
//!
//! One task at a time makes a step, and chance says which of those that can. Time passes only when none can, to the next
//! moment that one waits for. A schedule in which none can and none waits for the time has lost a wake-up, and fails.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use super::Clock;

/// Schedules that a test tries.
pub(crate) const SEEDS: u64 = 1_000;

/// Numbers that follow from a seed (SplitMix64).
#[derive(Clone)]
pub(crate) struct Chance(Arc<Mutex<u64>>);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(seed)))
    }

    /// A number below `limit`.
    pub(crate) fn below(&self, limit: u64) -> u64 {
        let mut state = self.0.lock().unwrap();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    /// A time below `limit`.
    pub(crate) fn time_below(&self, limit: Duration) -> Duration {
        Duration::from_millis(self.below(u64::try_from(limit.as_millis()).unwrap()))
    }

    /// Lets others make a few steps.
    pub(crate) async fn pause(&self) {
        let mut steps = self.below(4);
        poll_fn(|context| {
            if steps == 0 {
                return Poll::Ready(());
            }
            steps -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

/// A clock that a schedule moves.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<Mutex<Time>>);

struct Time {
    began: Instant,
    now: Instant,
    waiting: Vec<(Instant, Waker)>,
}

impl TestClock {
    /// How long it has run.
    pub(crate) fn elapsed(&self) -> Duration {
        let time = self.0.lock().unwrap();
        time.now - time.began
    }

    /// Waits for some time.
    pub(crate) async fn sleep(&self, time: Duration) {
        self.sleep_until(self.now() + time).await;
    }

    /// Goes on to the next moment that somebody waits for, if there is one.
    fn go_on(&self) -> bool {
        let mut time = self.0.lock().unwrap();
        let Some(next) = time.waiting.iter().map(|(when, _)| *when).min() else {
            return false;
        };
        time.now = next;
        let (due, waiting) =
            std::mem::take(&mut time.waiting).into_iter().partition(|(when, _)| *when <= next);
        time.waiting = waiting;
        drop(time);
        let due: Vec<(Instant, Waker)> = due;
        due.into_iter().for_each(|(_, waker)| waker.wake());
        true
    }
}

impl Clock for TestClock {
    fn now(&self) -> Instant {
        self.0.lock().unwrap().now
    }

    fn sleep_until(&self, when: Instant) -> impl Future<Output = ()> + Send {
        poll_fn(move |context| {
            let mut time = self.0.lock().unwrap();
            if time.now >= when {
                return Poll::Ready(());
            }
            time.waiting.push((when, context.waker().clone()));
            Poll::Pending
        })
    }
}

/// Tasks that take turns by chance.
pub(crate) struct Schedule {
    pub(crate) chance: Chance,
    pub(crate) clock: TestClock,
    tasks: Vec<Task>,
}

/// What is left to do of a task, and whether it can make a step.
type Task = (Pin<Box<dyn Future<Output = ()>>>, Arc<Ready>);

/// Whether a task can make a step.
struct Ready(AtomicBool);

impl Wake for Ready {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Schedule {
    pub(crate) fn new(seed: u64) -> Self {
        let now = Instant::now();
        let clock = TestClock(Arc::new(Mutex::new(Time { began: now, now, waiting: Vec::new() })));
        Self { chance: Chance::new(seed), clock, tasks: Vec::new() }
    }

    /// Adds a task.
    pub(crate) fn add(&mut self, task: impl Future<Output = ()> + 'static) {
        self.tasks.push((Box::pin(task), Arc::new(Ready(AtomicBool::new(true)))));
    }

    /// Runs all tasks to their ends.
    pub(crate) fn run(mut self) {
        while !self.tasks.is_empty() {
            let ready: Vec<usize> =
                (0..self.tasks.len()).filter(|&task| self.tasks[task].1.0.load(Ordering::SeqCst)).collect();
            if ready.is_empty() {
                assert!(self.clock.go_on(), "{} tasks wait for nothing", self.tasks.len());
                continue;
            }
            let chosen = ready[usize::try_from(self.chance.below(ready.len() as u64)).unwrap()];
            let (task, wake) = &mut self.tasks[chosen];
            wake.0.store(false, Ordering::SeqCst);
            let waker = Waker::from(Arc::clone(wake));
            if task.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                drop(self.tasks.swap_remove(chosen));
            }
        }
    }
}

/// Runs a test under many schedules. A failure names its seed.
pub(crate) fn under_all_schedules(test: impl Fn(Schedule)) {
    for seed in 0..SEEDS {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test(Schedule::new(seed))));
        if outcome.is_err() {
            panic!("with seed {seed}");
        }
    }
}
