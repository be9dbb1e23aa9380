//! Behaviour of admission.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;
use crate::ids::RoleArn;

fn principal(user: &str) -> Principal {
    Principal::for_test(user, RoleArn::parse("arn:aws:iam::123456789012:role/shared").unwrap())
}

/// Threads that plan.
const THREADS: usize = 3;

fn sessions(all: usize, per_user: usize, queue: usize) -> Sessions {
    let settings = SessionSettings {
        max_concurrent_queries: all,
        max_concurrent_queries_per_user: per_user,
        max_queued_queries: queue,
        queue_timeout: Duration::from_millis(50),
        ..SessionSettings::default()
    };
    Sessions::new(&settings, THREADS)
}

fn kind(result: Result<Admission, Error>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

#[tokio::test]
async fn users_of_one_role_have_sessions_of_their_own() {
    let sessions = sessions(10, 1, 0);
    let first = sessions.of(&principal("first"));
    let second = sessions.of(&principal("second"));
    let _held = sessions.admit(&first).await.unwrap();
    assert_eq!(kind(sessions.admit(&first).await), Some(ErrorKind::ResourceExhausted));
    assert_eq!(kind(sessions.admit(&second).await), None);
}

#[tokio::test]
async fn a_full_server_says_so_after_the_wait_and_takes_up_work_again() {
    let sessions = sessions(1, 5, 1);
    let session = sessions.of(&principal("user"));
    let held = sessions.admit(&session).await.unwrap();
    assert_eq!(kind(sessions.admit(&session).await), Some(ErrorKind::Unavailable));
    drop(held);
    assert_eq!(kind(sessions.admit(&session).await), None);
    assert_eq!(sessions.waiting.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn the_queue_tells_the_next_place_only_while_the_server_is_full() {
    let sessions = sessions(1, 5, 5);
    let session = sessions.of(&principal("user"));
    let patience = Duration::from_millis(1);
    assert_eq!(sessions.place_in_queue(patience).await, None);
    let held = sessions.admit(&session).await.unwrap();
    assert_eq!(sessions.place_in_queue(patience).await, Some(1));
    drop(held);
    assert_eq!(sessions.place_in_queue(patience).await, None);
}

#[tokio::test]
async fn one_users_planning_leaves_a_thread_to_others() {
    let sessions = sessions(10, 10, 10);
    let (busy, other) = (sessions.of(&principal("busy")), sessions.of(&principal("other")));
    let first = busy.planning().turn().await;
    let _second = busy.planning().turn().await;
    let patience = Duration::from_millis(1);
    assert!(timeout(patience, busy.planning().turn()).await.is_err());
    assert!(timeout(patience, other.planning().turn()).await.is_ok());
    drop(first);
    assert!(timeout(patience, busy.planning().turn()).await.is_ok());
}
