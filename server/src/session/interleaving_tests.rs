//! Admission under seeded schedules: statements of two users begin, wait, give up and end in any order.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::cell::RefCell;
use std::rc::Rc;

use futures::future::abortable;

use super::*;
use crate::clock::schedules_for_tests::under_all_schedules;
use crate::ids::RoleArn;

const AT_ONCE: usize = 3;
const PER_USER: usize = 2;
const STATEMENTS: usize = 5;

/// Who runs.
#[derive(Default)]
struct Running {
    by_user: [usize; 2],
    admitted: usize,
    refused: usize,
}

#[test]
fn places_are_never_exceeded_never_lost_and_wait_for_nobody_who_went_away() {
    // Patience is real time, and never ends here; its timers want a runtime.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _entered = runtime.enter();
    under_all_schedules(|mut schedule| {
        let settings = SessionSettings {
            max_concurrent_queries: AT_ONCE,
            max_concurrent_queries_per_user: PER_USER,
            max_queued_queries: 2 * STATEMENTS,
            queue_timeout: Duration::from_secs(3600),
            ..SessionSettings::default()
        };
        let sessions = Rc::new(Sessions::new(&settings, 2));
        let running: Rc<RefCell<Running>> = Rc::default();
        for number in 0..2 * STATEMENTS {
            let user = number % 2;
            let role = RoleArn::parse("arn:aws:iam::123456789012:role/shared").unwrap();
            let principal = Principal::for_test(["first", "second"][user], role);
            let (sessions, running) = (Rc::clone(&sessions), Rc::clone(&running));
            let (clock, chance) = (schedule.clock.clone(), schedule.chance.clone());
            let (its_chance, its_clock) = (chance.clone(), clock.clone());
            let (statement, handle) = abortable(async move {
                its_chance.pause().await;
                let session = sessions.of(&principal);
                let Ok(admission) = sessions.admit(&session).await else {
                    running.borrow_mut().refused += 1;
                    return;
                };
                let place = Place::take(Rc::clone(&running), user);
                its_clock.sleep(its_chance.time_below(Duration::from_millis(20))).await;
                its_chance.pause().await;
                drop((place, admission));
            });
            schedule.add(async move {
                // Aborted or not, it has given its places back.
                let _ = statement.await;
            });
            if number % 3 == 0 {
                schedule.add(async move {
                    clock.sleep(chance.time_below(Duration::from_millis(20))).await;
                    handle.abort();
                });
            }
        }
        let (after, done) = (Rc::clone(&sessions), Rc::clone(&running));
        schedule.run();
        assert_eq!(after.places.available_permits(), AT_ONCE);
        assert_eq!(after.waiting.load(Ordering::Relaxed), 0);
        assert_eq!(done.borrow().by_user, [0, 0]);
        assert!(done.borrow().admitted > 0);
    });
}

/// A statement that runs.
struct Place(Rc<RefCell<Running>>, usize);

impl Place {
    fn take(running: Rc<RefCell<Running>>, user: usize) -> Self {
        {
            let mut now = running.borrow_mut();
            now.admitted += 1;
            now.by_user[user] += 1;
            assert!(now.by_user[user] <= PER_USER, "more of one user than may run");
            assert!(now.by_user.iter().sum::<usize>() <= AT_ONCE, "more than may run");
        }
        Self(running, user)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.borrow_mut().by_user[self.1] -= 1;
    }
}
