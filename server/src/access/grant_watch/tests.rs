//! Watches under seeded schedules: rights are revoked, AWS goes away and comes back, statements of two principals share a cache.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::*;
use crate::access::fresh_cache::FreshCache;
use crate::clock::schedules_for_tests::{Chance, Schedule, TestClock, under_all_schedules};

const PACE: Pace = Pace { interval: Duration::from_millis(1000), grace: Duration::from_millis(2500) };

/// Longest time that AWS takes for an answer.
const LONGEST: Duration = Duration::from_millis(80);

const OLD: PolicyFingerprint = PolicyFingerprint::from_digest([1; 32]);
const NEW: PolicyFingerprint = PolicyFingerprint::from_digest([2; 32]);

/// AWS, for two principals of whom the first may lose a right.
#[derive(Clone)]
struct World {
    cache: Arc<FreshCache<&'static str, PolicyFingerprint, TestClock>>,
    clock: TestClock,
    chance: Chance,
    is_changed: Arc<AtomicBool>,
    is_refused: Arc<AtomicBool>,
    is_down: Arc<AtomicBool>,
    questions: Arc<AtomicUsize>,
}

impl World {
    fn of(schedule: &Schedule) -> Self {
        let clock = schedule.clock.clone();
        Self {
            cache: Arc::new(FreshCache::new(100, Duration::from_secs(3600), clock.clone())),
            clock,
            chance: schedule.chance.clone(),
            is_changed: Arc::default(),
            is_refused: Arc::default(),
            is_down: Arc::default(),
            questions: Arc::default(),
        }
    }

    async fn ask(self, principal: &'static str) -> Result<PolicyFingerprint, Error> {
        self.questions.fetch_add(1, Ordering::SeqCst);
        self.clock.sleep(self.chance.time_below(LONGEST)).await;
        self.chance.pause().await;
        if self.is_down.load(Ordering::SeqCst) {
            let is_asked = self.chance.below(2) == 0;
            let kind = if is_asked { ErrorKind::Unavailable } else { ErrorKind::ResourceExhausted };
            return Err(Error::new(kind, "AWS does not answer, or was not asked"));
        }
        if principal == "loser" && self.is_refused.load(Ordering::SeqCst) {
            return Err(Error::no_such_table("t"));
        }
        Ok(if principal == "loser" && self.is_changed.load(Ordering::SeqCst) { NEW } else { OLD })
    }

    async fn now(self, principal: &'static str) -> Result<Fresh<PolicyFingerprint>, Error> {
        let cache = Arc::clone(&self.cache);
        cache.get(&principal, PACE.interval, self.ask(principal)).await
    }

    /// Begins a statement, and resolves when it must end.
    async fn statement(self, principal: &'static str) -> Error {
        let planned = self.clone().now(principal).await.unwrap();
        let world = self.clone();
        until_broken(self.clock.clone(), PACE, planned, move || world.clone().now(principal)).await
    }
}

#[test]
fn a_lost_right_ends_all_statements_of_its_principal_within_the_time_to_live_and_no_other() {
    under_all_schedules(|mut schedule| {
        let world = World::of(&schedule);
        let (clock, chance) = (world.clock.clone(), world.chance.clone());
        let lost_at = Duration::from_secs(2) + chance.time_below(PACE.interval * 2);
        let begins: Vec<Duration> = (0..4).map(|_| chance.time_below(PACE.interval * 2)).collect();
        for begin in begins {
            let world = world.clone();
            schedule.add(async move {
                world.clock.sleep(begin).await;
                let error = world.clone().statement("loser").await;
                assert_eq!(error.kind(), ErrorKind::PermissionDenied);
                let ended_at = world.clock.elapsed();
                assert!(ended_at >= lost_at, "ended before");
                assert!(ended_at <= lost_at + PACE.interval + 2 * LONGEST, "{:?}", ended_at - lost_at);
            });
        }
        let keeper = world.clone();
        schedule.add(async move {
            let end = keeper.clock.now() + Duration::from_secs(8);
            let clock = keeper.clock.clone();
            tokio::select! {
                biased;
                error = keeper.statement("keeper") => unreachable!("{error}"),
                () = clock.sleep_until(end) => {}
            }
        });
        let is_refused = chance.below(2) == 0;
        schedule.add(async move {
            clock.sleep(lost_at).await;
            let what = if is_refused { &world.is_refused } else { &world.is_changed };
            what.store(true, Ordering::SeqCst);
        });
        schedule.run();
    });
}

#[test]
fn statements_of_one_principal_ask_together_once_per_time_to_live() {
    under_all_schedules(|mut schedule| {
        let world = World::of(&schedule);
        let lasts = PACE.interval * 10;
        for _ in 0..6 {
            let world = world.clone();
            schedule.add(async move {
                world.clock.sleep(world.chance.time_below(PACE.interval * 3)).await;
                let clock = world.clock.clone();
                let end = clock.now() + lasts - clock.elapsed();
                tokio::select! {
                    biased;
                    // First: who goes away while it asks makes the next one ask again.
                    () = clock.sleep_until(end) => {}
                    error = world.statement("keeper") => unreachable!("{error}"),
                }
            });
        }
        let counted = world.clone();
        schedule.run();
        let most = usize::try_from(lasts.as_millis() / PACE.interval.as_millis()).unwrap() + 1;
        let questions = counted.questions.load(Ordering::SeqCst);
        assert!(questions <= most && questions >= most / 2, "{questions} questions, of {most} at the most");
    });
}

#[test]
fn without_an_answer_a_statement_goes_on_for_the_grace_and_no_longer() {
    under_all_schedules(|mut schedule| {
        let world = World::of(&schedule);
        let down_at = PACE.interval + world.chance.time_below(PACE.interval);
        let statement = world.clone();
        schedule.add(async move {
            let error = statement.clone().statement("keeper").await;
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            // The last answer came before, and its question was due an interval later.
            let ended_at = statement.clock.elapsed();
            assert!(ended_at > down_at + PACE.grace - LONGEST);
            assert!(ended_at <= down_at + PACE.interval + PACE.grace + LONGEST);
        });
        schedule.add(async move {
            world.clock.sleep(down_at).await;
            world.is_down.store(true, Ordering::SeqCst);
        });
        schedule.run();
    });
}

#[test]
fn an_outage_shorter_than_the_grace_ends_nothing_and_hides_no_revocation() {
    under_all_schedules(|mut schedule| {
        let world = World::of(&schedule);
        let up_again = Duration::from_millis(1500) + PACE.grace - 3 * LONGEST - PACE.interval;
        let statement = world.clone();
        schedule.add(async move {
            let error = statement.clone().statement("loser").await;
            assert_eq!(error.kind(), ErrorKind::PermissionDenied);
            assert!(statement.clock.elapsed() >= up_again);
            assert!(statement.clock.elapsed() <= up_again + PACE.interval + 2 * LONGEST);
        });
        schedule.add(async move {
            world.clock.sleep(Duration::from_millis(500)).await;
            world.is_down.store(true, Ordering::SeqCst);
            world.is_refused.store(true, Ordering::SeqCst);
            world.clock.sleep(up_again - Duration::from_millis(500)).await;
            world.is_down.store(false, Ordering::SeqCst);
        });
        schedule.run();
    });
}

/// The watch as statements hold it, on a runtime.
#[tokio::test]
async fn a_watch_tells_everyone_who_holds_it_and_stops_asking_when_nobody_does() {
    let (tell, told) = tokio::sync::oneshot::channel::<Error>();
    let watch = GrantWatch::start(vec![Box::pin(async { told.await.unwrap() })]);
    let (leaf, broken) = (watch.clone(), watch.broken());
    assert!(leaf.check().is_ok());
    tell.send(changed("test")).unwrap_or_else(|_| unreachable!());
    assert_eq!(broken.await.kind(), ErrorKind::PermissionDenied);
    assert_eq!(leaf.check().unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(watch.clone().check().unwrap_err().kind(), ErrorKind::PermissionDenied);

    let (alive, gone) = tokio::sync::oneshot::channel::<()>();
    let forever = async move {
        let _alive = alive;
        std::future::pending().await
    };
    let watch = GrantWatch::start(vec![Box::pin(forever)]);
    let broken = watch.broken();
    drop(watch);
    drop(broken);
    assert!(gone.await.is_err());
}

#[tokio::test]
async fn a_watch_that_ends_abnormally_is_a_refusal() {
    #[expect(clippy::panic, reason = "on purpose")]
    let watch = GrantWatch::start(vec![Box::pin(async { panic!("on purpose") })]);
    assert_eq!(watch.broken().await.kind(), ErrorKind::Internal);
    assert!(watch.check().is_err());
}
