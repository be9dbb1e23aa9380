//! The cache under seeded schedules: whoever asks when, goes away, fails, revokes or forgets.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures::future::{AbortHandle, abortable};

use super::*;
use crate::clock::schedules_for_tests::{Chance, Schedule, TestClock, under_all_schedules};
use crate::error::ErrorKind;

const MAX_AGE: Duration = Duration::from_millis(100);

/// Longest time of one question.
const LONGEST: Duration = Duration::from_millis(60);

type Key = &'static str;

/// What a key's policy is, and how it is asked for: somewhere between question and answer the truth is read.
struct World {
    cache: FreshCache<Key, (Key, u64), TestClock>,
    clock: TestClock,
    chance: Chance,
    truth: Cell<u64>,
    fails: Cell<bool>,
    in_flight: RefCell<Vec<Key>>,
    most_in_flight: Cell<usize>,
    questions: Cell<usize>,
}

/// Takes a question off the list, also that of one who goes away.
struct Asking(Rc<World>, Key);

impl Drop for Asking {
    fn drop(&mut self) {
        let mut in_flight = self.0.in_flight.borrow_mut();
        let place = in_flight.iter().position(|key| *key == self.1).unwrap();
        in_flight.remove(place);
    }
}

impl World {
    fn of(schedule: &Schedule) -> Rc<Self> {
        Rc::new(Self {
            cache: FreshCache::new(100, Duration::from_secs(3600), schedule.clock.clone()),
            clock: schedule.clock.clone(),
            chance: schedule.chance.clone(),
            truth: Cell::new(0),
            fails: Cell::new(false),
            in_flight: RefCell::default(),
            most_in_flight: Cell::default(),
            questions: Cell::default(),
        })
    }

    async fn ask(self: Rc<Self>, key: Key) -> Result<(Key, u64), Error> {
        self.questions.set(self.questions.get() + 1);
        self.in_flight.borrow_mut().push(key);
        let for_key = self.in_flight.borrow().iter().filter(|other| **other == key).count();
        self.most_in_flight.set(self.most_in_flight.get().max(for_key));
        let asking = Asking(Rc::clone(&self), key);
        self.chance.pause().await;
        self.clock.sleep(self.chance.time_below(LONGEST / 2)).await;
        let (truth, fails) = (self.truth.get(), self.fails.get());
        self.clock.sleep(self.chance.time_below(LONGEST / 2)).await;
        self.chance.pause().await;
        drop(asking);
        match fails {
            true => Err(Error::new(ErrorKind::Unavailable, "down")),
            false => Ok((key, truth)),
        }
    }

    async fn get(self: &Rc<Self>, key: Key) -> Result<Fresh<(Key, u64)>, Error> {
        self.cache.get(&key, MAX_AGE, Rc::clone(self).ask(key)).await
    }
}

/// A right is revoked at some moment: nobody is told of it by an answer whose question is older than answers may be.
#[test]
fn an_answer_is_never_used_after_its_time_however_the_questions_interleave() {
    under_all_schedules(|mut schedule| {
        let world = World::of(&schedule);
        let revoked_at: Rc<Cell<Option<Instant>>> = Rc::default();
        for key in ["one", "one", "one", "other"] {
            let (world, revoked_at) = (Rc::clone(&world), Rc::clone(&revoked_at));
            schedule.add(async move {
                for _ in 0..5 {
                    let began = world.clock.now();
                    let found = world.get(key).await.unwrap();
                    let now = world.clock.now();
                    assert_eq!(found.value.0, key, "the answer of another principal");
                    assert!(found.asked_at >= began || now - found.asked_at < MAX_AGE);
                    let must_know = revoked_at.get().is_some_and(|revoked| revoked < found.asked_at);
                    assert!(found.value.1 == 1 || !must_know, "asked after it was revoked");
                    world.clock.sleep(world.chance.time_below(MAX_AGE)).await;
                }
            });
        }
        let revoker = Rc::clone(&world);
        schedule.add(async move {
            revoker.clock.sleep(revoker.chance.time_below(MAX_AGE * 3)).await;
            revoker.truth.set(1);
            revoked_at.set(Some(revoker.clock.now()));
        });
        let counted = Rc::clone(&world);
        schedule.run();
        assert_eq!(counted.most_in_flight.get(), 1, "two questions for one key at a time");
    });
}

#[test]
fn who_waits_for_one_who_goes_away_asks_and_is_answered() {
    under_all_schedules(|mut schedule| {
        let world = World::of(&schedule);
        let answered: Rc<Cell<usize>> = Rc::default();
        let mut handles: Vec<AbortHandle> = Vec::new();
        for _ in 0..3 {
            let one = Rc::clone(&world);
            let (leaver, handle) = abortable(async move { one.get("one").await });
            handles.push(handle);
            schedule.add(async move { drop(leaver.await) });
        }
        for _ in 0..3 {
            let (world, answered) = (Rc::clone(&world), Rc::clone(&answered));
            schedule.add(async move {
                world.chance.pause().await;
                world.get("one").await.unwrap();
                answered.set(answered.get() + 1);
            });
        }
        let killer = Rc::clone(&world);
        schedule.add(async move {
            for handle in handles {
                killer.clock.sleep(killer.chance.time_below(LONGEST)).await;
                handle.abort();
            }
        });
        let counted = Rc::clone(&world);
        schedule.run();
        assert_eq!(answered.get(), 3);
        assert_eq!(counted.most_in_flight.get(), 1);
    });
}

#[test]
fn an_error_is_told_to_those_who_wait_for_it_and_to_nobody_later() {
    under_all_schedules(|mut schedule| {
        let world = World::of(&schedule);
        world.fails.set(true);
        for _ in 0..4 {
            let world = Rc::clone(&world);
            schedule.add(async move { assert!(world.get("one").await.is_err()) });
        }
        let later = Rc::clone(&world);
        schedule.add(async move {
            // All four have asked, or wait for the one who does.
            later.clock.sleep(LONGEST * 5).await;
            assert!(later.questions.get() <= 4);
            later.fails.set(false);
            assert_eq!(later.get("one").await.unwrap().value, ("one", 0));
        });
        schedule.run();
    });
}

#[test]
fn those_who_wait_for_one_question_are_told_its_error_without_asking_themselves() {
    let mut schedule = Schedule::new(7);
    let world = World::of(&schedule);
    world.fails.set(true);
    let blocker = Rc::clone(&world);
    schedule.add(async move { assert!(blocker.get("one").await.is_err()) });
    for _ in 0..9 {
        let world = Rc::clone(&world);
        schedule.add(async move {
            while world.questions.get() == 0 {
                world.chance.pause().await;
            }
            assert!(world.get("one").await.is_err());
        });
    }
    let counted = Rc::clone(&world);
    schedule.run();
    assert_eq!(counted.questions.get(), 1);
}

#[test]
fn what_was_forgotten_is_asked_for_again_by_all_who_come_later() {
    under_all_schedules(|mut schedule| {
        let world = World::of(&schedule);
        let forgotten_at: Rc<Cell<Option<Instant>>> = Rc::default();
        for _ in 0..4 {
            let (world, forgotten_at) = (Rc::clone(&world), Rc::clone(&forgotten_at));
            schedule.add(async move {
                for _ in 0..4 {
                    let before = forgotten_at.get();
                    let found = world.get("one").await.unwrap();
                    assert!(before.is_none_or(|forgotten| found.asked_at >= forgotten));
                    world.clock.sleep(world.chance.time_below(LONGEST)).await;
                }
            });
        }
        let forgetful = Rc::clone(&world);
        schedule.add(async move {
            for _ in 0..3 {
                forgetful.clock.sleep(forgetful.chance.time_below(LONGEST)).await;
                forgetful.cache.forget(&"one");
                forgotten_at.set(Some(forgetful.clock.now()));
            }
        });
        schedule.run();
    });
}
