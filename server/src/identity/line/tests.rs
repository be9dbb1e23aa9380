//! Who is next, and who is turned away.

#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::*;

type Waits = Pin<Box<dyn Future<Output = Result<Turn, Error>> + Send>>;

fn login(line: &Line, address: &str, name: &str) -> Weighed {
    line.weighed(Some(PeerNetwork::of(address.parse::<IpAddr>().unwrap())), name)
}

fn asks(line: &Arc<Line>, address: &str, name: &str) -> Waits {
    let (line, login) = (Arc::clone(line), login(line, address, name));
    Box::pin(async move { line.turn(login).await })
}

fn polled(waits: &mut Waits) -> Poll<Result<Turn, Error>> {
    waits.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

fn is_turned_away(waits: &mut Waits) -> bool {
    matches!(polled(waits), Poll::Ready(Err(error)) if error.kind() == ErrorKind::ResourceExhausted)
}

/// A line whose only turn is taken and whose places are full of one storm.
fn full(of: usize, storm: impl Fn(usize) -> (String, String)) -> (Arc<Line>, Turn, Vec<Waits>) {
    let line = Line::new(1, of);
    let (address, name) = storm(0);
    let Poll::Ready(Ok(turn)) = polled(&mut asks(&line, &address, &name)) else { unreachable!("free") };
    let waiting = (1..=of).map(|number| {
        let (address, name) = storm(number);
        let mut waits = asks(&line, &address, &name);
        assert!(polled(&mut waits).is_pending());
        waits
    });
    let waiting = waiting.collect();
    (line, turn, waiting)
}

#[tokio::test]
async fn a_storm_from_one_address_makes_room_for_others_and_waits_for_itself() {
    let (line, turn, mut storm) = full(4, |number| ("10.0.0.1".to_owned(), format!("name{number}")));
    assert!(is_turned_away(&mut asks(&line, "10.0.0.1", "analyst")));
    let mut elsewhere = asks(&line, "10.0.0.2", "analyst");
    assert!(polled(&mut elsewhere).is_pending());
    assert!(is_turned_away(storm.last_mut().unwrap()), "the last of the storm has made room");
    drop(turn);
    assert!(matches!(polled(&mut elsewhere), Poll::Ready(Ok(_))), "it was next");
    assert!(storm[..3].iter_mut().all(|waits| !is_turned_away(waits)));
}

#[tokio::test]
async fn a_storm_for_one_name_makes_room_for_other_names_from_other_addresses() {
    let (line, turn, _storm) = full(4, |number| (format!("10.0.{number}.1"), "analyst".to_owned()));
    let mut other = asks(&line, "10.1.0.1", "support");
    assert!(polled(&mut other).is_pending());
    drop(turn);
    assert!(matches!(polled(&mut other), Poll::Ready(Ok(_))));
}

#[tokio::test]
async fn the_right_owner_of_a_name_comes_before_those_who_try_it_from_one_address() {
    let (line, turn, _storm) = full(4, |_| ("10.0.0.1".to_owned(), "analyst".to_owned()));
    turn.was_wrong();
    let mut owner = asks(&line, "10.0.0.2", "analyst");
    assert!(polled(&mut owner).is_pending());
    drop(turn);
    assert!(matches!(polled(&mut owner), Poll::Ready(Ok(_))));
}

#[tokio::test]
async fn wrong_passwords_weigh_also_when_the_line_has_become_short_and_fade() {
    let line = Line::new(1, 4);
    for _ in 0..8 {
        line.turn(login(&line, "10.0.0.1", "x")).await.unwrap().was_wrong();
    }
    // By chance another key may share a counter with one of the storm's.
    let calm = (0..).map(|number| (format!("10.0.1.{number}"), format!("calm{number}")));
    let is_calm = |(address, name): &(String, String)| line.state().weight(login(&line, address, name)) == 0;
    let (address, name) = calm.into_iter().find(is_calm).unwrap();
    let turn = line.turn(line.weighed(None, "y")).await.unwrap();
    let mut stormy = asks(&line, "10.0.0.1", "z");
    assert!(polled(&mut stormy).is_pending());
    let mut calm: Vec<Waits> = (0..3).map(|_| asks(&line, &address, &name)).collect();
    assert!(calm.iter_mut().all(|waits| polled(waits).is_pending()));
    drop(turn);
    assert!(matches!(polled(&mut calm[0]), Poll::Ready(Ok(_))), "it came later and is lighter");

    let mut wrong = WrongPasswords::new(Instant::now());
    wrong.add(7);
    wrong.add(7);
    let began = wrong.faded;
    wrong.fade(began + HALF_LIFE);
    assert_eq!(wrong.count(7), 1);
    wrong.fade(began + HALF_LIFE * 100);
    assert_eq!(wrong.count(7), 0);
}

#[tokio::test]
async fn an_address_that_many_share_does_not_weigh() {
    let line = Line::new(1, 2);
    let turn = line.turn(line.weighed(None, "a")).await.unwrap();
    let (first, second) = (line.weighed(None, "b"), line.weighed(None, "c"));
    assert_eq!(first.peer, None);
    let mut waits: Vec<Waits> = [first, second]
        .into_iter()
        .map(|login| {
            let line = Arc::clone(&line);
            Box::pin(async move { line.turn(login).await }) as Waits
        })
        .collect();
    assert!(waits.iter_mut().all(|waits| polled(waits).is_pending()));
    drop(turn);
    assert!(matches!(polled(&mut waits[0]), Poll::Ready(Ok(_))));
}

#[tokio::test]
async fn whoever_gives_up_leaves_no_trace() {
    let (line, turn, storm) = full(4, |_| ("10.0.0.1".to_owned(), "analyst".to_owned()));
    drop(storm);
    assert_eq!(line.state().waiting.len(), 0);
    drop(turn);
    assert!(line.state().present.is_empty());
    assert_eq!(line.state().free, 1);
}
