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

#[tokio::test]
async fn a_users_places_are_counted_once_also_if_its_session_made_room_for_others() {
    let sessions = sessions(10, 1, 0);
    let first = sessions.of(&principal("first"));
    let held = sessions.admit(&first).await.unwrap();
    drop(first);
    sessions.open.forget(&principal("first"));
    let again = sessions.of(&principal("first"));
    assert_eq!(kind(sessions.admit(&again).await), Some(ErrorKind::ResourceExhausted));
    drop(again);
    sessions.open.forget(&principal("first"));
    drop(held);
    assert_eq!(kind(sessions.admit(&sessions.of(&principal("first"))).await), None);
}

#[tokio::test]
async fn with_more_users_than_sessions_nobody_gets_more_places() {
    let settings = SessionSettings {
        max_sessions: 1,
        max_concurrent_queries: 1_000,
        max_concurrent_queries_per_user: 2,
        queue_timeout: Duration::from_millis(1),
        ..SessionSettings::default()
    };
    let sessions = Sessions::new(&settings, THREADS);
    let mut held = Vec::new();
    for round in 0..3 {
        for user in 0..100 {
            let session = sessions.of(&principal(&format!("user{user}")));
            let admitted = sessions.admit(&session).await;
            assert_eq!(admitted.is_ok(), round < 2, "round {round} of user {user}");
            held.extend(admitted);
        }
    }
    drop(held);
    assert_eq!(kind(sessions.admit(&sessions.of(&principal("user7"))).await), None);
}

#[tokio::test]
async fn describing_waits_in_a_queue_of_the_users_own_and_ends_with_a_clear_error() {
    let settings = SessionSettings {
        max_concurrent_descriptions_per_user: 2,
        queue_timeout: Duration::from_millis(50),
        ..SessionSettings::default()
    };
    let sessions = Sessions::new(&settings, THREADS);
    let (busy, other) = (sessions.of(&principal("busy")), sessions.of(&principal("other")));
    let first = sessions.admit_description(&busy).await.unwrap();
    let _second = sessions.admit_description(&busy).await.unwrap();
    assert_eq!(kind(sessions.admit_description(&busy).await), Some(ErrorKind::ResourceExhausted));
    assert_eq!(kind(sessions.admit_description(&other).await), None);
    assert_eq!(kind(sessions.admit(&busy).await), None, "running has places of its own");
    let waiting = sessions.admit_description(&busy);
    drop(first);
    assert_eq!(kind(waiting.await), None);
    let many = (0..QUEUED_PER_USER + 10).map(|_| sessions.admit_description(&busy));
    let held: Vec<_> = futures::future::join_all(many).await;
    assert!(held.iter().filter(|admitted| admitted.is_err()).count() >= 10);
    assert_eq!(busy.queued_descriptions.load(Ordering::Relaxed), 0, "who gave up waits no more");
}

#[tokio::test]
async fn a_users_statement_beyond_its_places_waits_for_one_of_them() {
    let sessions = sessions(10, 1, 0);
    let (busy, other) = (sessions.of(&principal("busy")), sessions.of(&principal("other")));
    let held = sessions.admit(&busy).await.unwrap();
    let (waiting, ()) = tokio::join!(sessions.admit(&busy), async {
        assert_eq!(kind(sessions.admit(&other).await), None, "nobody else waits with it");
        drop(held);
    });
    assert_eq!(kind(waiting), None);
    assert_eq!(busy.queued.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn one_users_tables_are_opened_a_few_at_a_time() {
    let sessions = sessions(10, 10, 10);
    let (busy, other) = (sessions.of(&principal("busy")), sessions.of(&principal("other")));
    let mut held = Vec::new();
    for _ in 0..OPENINGS_PER_USER {
        held.push(sessions.admit_opening(&busy).await.unwrap());
    }
    let patience = Duration::from_millis(1);
    assert!(timeout(patience, sessions.admit_opening(&busy)).await.is_err());
    assert!(timeout(patience, sessions.admit_opening(&other)).await.is_ok());
    drop(held);
    assert!(timeout(patience, sessions.admit_opening(&busy)).await.is_ok());
}
