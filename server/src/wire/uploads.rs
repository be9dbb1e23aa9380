//! What clients are still sending: how long it may take, how much of it is held, and how many calls of one user do it at once.
//!
//! gRPC reads a call's message before anybody looks at it, and waits for the rest as long as the client likes. So each
//! request's body is read through here:
//! - that of a call without a valid token is not read at all (`gate`);
//! - any other has to be there within `server.upload_timeout`, and is no longer than one message may be;
//! - one user has `server.max_uploads_per_user` of them at once, and [`MAX_BYTES_PER_USER`] in all of them; more wait, and those
//!   that would wait behind many are refused.
//!
//! What has been received belongs to the call that it began: to its statement, or to the bind that it is for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures::{StreamExt, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use tonic::{Code, Status};

use crate::error::{Error, ErrorKind};
use crate::identity::Principal;

/// Bytes of one user's calls that were received while the calls are still being sent; at least one message fits.
const MAX_BYTES_PER_USER: usize = 64 * 1024 * 1024;

/// Calls of one user that wait to be received; more are refused.
const MAX_WAITING_PER_USER: usize = 256;

/// How long a call to the health service may take to be sent, which needs no login, and its bytes.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_HEALTH_BYTES: usize = 1024;

const TOO_SLOW: &str = "the request was not sent to its end in time";
const TOO_LARGE: &str = "the request is larger than this server allows";
const TOO_MANY: &str = "you have too many requests on their way; wait for one to arrive";

/// Calls of one message do not wait behind streams that their clients keep open.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Kind {
    Message,
    Stream,
}

/// All that clients with a login are sending. Keeps nothing of a user who sends nothing.
pub(super) struct Uploads {
    timeout: Duration,
    most: usize,
    most_bytes: usize,
    lanes: Mutex<HashMap<Key, Lane>>,
}

type Key = (Principal, Kind);

/// One user's.
struct Lane {
    users: usize,
    turns: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
}

/// One call's part in a lane, until dropped.
struct Entry {
    uploads: Arc<Uploads>,
    key: Key,
    turns: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
}

/// One call's request.
struct Upload {
    chunks: BodyDataStream,
    deadline: Instant,
    bytes_left: usize,
    /// Absent for what needs no login.
    entry: Option<Entry>,
    turn: Option<OwnedSemaphorePermit>,
    held: Option<OwnedSemaphorePermit>,
}

impl Uploads {
    /// # Arguments
    /// * `timeout` - for one call.
    /// * `most` - calls of one user at once.
    /// * `most_bytes` - of one call.
    pub(super) fn new(timeout: Duration, most: usize, most_bytes: usize) -> Arc<Self> {
        Arc::new(Self { timeout, most, most_bytes, lanes: Mutex::default() })
    }

    /// A request of a user, within its limits.
    pub(super) fn limited(self: &Arc<Self>, user: Principal, kind: Kind, body: Body) -> Body {
        let Some(entry) = self.enter((user, kind)) else {
            return Body::from_stream(stream::once(async {
                Err::<Bytes, _>(Status::resource_exhausted(TOO_MANY))
            }));
        };
        let deadline = Instant::now() + self.timeout;
        Upload::new(body, deadline, self.most_bytes, Some(entry)).into_body()
    }

    fn enter(self: &Arc<Self>, key: Key) -> Option<Entry> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = lanes.entry(key.clone()).or_insert_with(|| Lane {
            users: 0,
            turns: Arc::new(Semaphore::new(self.most)),
            bytes: Arc::new(Semaphore::new(MAX_BYTES_PER_USER.max(self.most_bytes))),
        });
        if lane.users >= self.most + MAX_WAITING_PER_USER {
            return None;
        }
        lane.users += 1;
        let (turns, bytes) = (Arc::clone(&lane.turns), Arc::clone(&lane.bytes));
        Some(Entry { uploads: Arc::clone(self), key, turns, bytes })
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut lanes = self.uploads.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = lanes.get_mut(&self.key) {
            lane.users -= 1;
            if lane.users == 0 {
                lanes.remove(&self.key);
            }
        }
    }
}

/// A request to the health service.
pub(super) fn for_health(body: Body) -> Body {
    Upload::new(body, Instant::now() + HEALTH_TIMEOUT, MAX_HEALTH_BYTES, None).into_body()
}

impl Upload {
    fn new(body: Body, deadline: Instant, bytes_left: usize, entry: Option<Entry>) -> Self {
        Self { chunks: body.into_data_stream(), deadline, bytes_left, entry, turn: None, held: None }
    }

    fn into_body(self) -> Body {
        Body::from_stream(stream::try_unfold(self, |mut upload| async move {
            Ok::<_, Status>(upload.next().await?.map(|chunk| (chunk, upload)))
        }))
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Status> {
        let deadline = self.deadline;
        let next = timeout_at(deadline, self.next_in_time()).await;
        next.unwrap_or_else(|_elapsed| Err(Status::deadline_exceeded(TOO_SLOW)))
    }

    async fn next_in_time(&mut self) -> Result<Option<Bytes>, Status> {
        if let (Some(entry), None) = (&self.entry, &self.turn) {
            self.turn = Some(acquired(&entry.turns, 1).await?);
        }
        let Some(chunk) = self.chunks.next().await else { return Ok(None) };
        let chunk = chunk.map_err(|error| Status::from_error(error.into_inner()))?;
        let left = self.bytes_left.checked_sub(chunk.len());
        self.bytes_left = left.ok_or_else(|| Status::resource_exhausted(TOO_LARGE))?;
        if let Some(entry) = &self.entry {
            let bytes = acquired(&entry.bytes, chunk.len()).await?;
            match &mut self.held {
                Some(held) => held.merge(bytes),
                None => self.held = Some(bytes),
            }
        }
        Ok(Some(chunk))
    }
}

async fn acquired(of: &Arc<Semaphore>, count: usize) -> Result<OwnedSemaphorePermit, Status> {
    let count = u32::try_from(count).map_err(|_| Status::resource_exhausted(TOO_LARGE))?;
    // Nobody closes it.
    Arc::clone(of).acquire_many_owned(count).await.map_err(|_| Status::internal("internal error"))
}

/// Why a client's stream ended before its end.
pub(super) fn broken_off(status: &Status) -> Error {
    match status.code() {
        Code::DeadlineExceeded => Error::new(ErrorKind::DeadlineExceeded, TOO_SLOW),
        Code::OutOfRange => Error::new(ErrorKind::ResourceExhausted, TOO_LARGE),
        Code::ResourceExhausted if status.message() == TOO_MANY => {
            Error::new(ErrorKind::ResourceExhausted, TOO_MANY)
        }
        Code::ResourceExhausted => Error::new(ErrorKind::ResourceExhausted, TOO_LARGE),
        _ => Error::new(ErrorKind::Cancelled, "the request was not sent to its end"),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot build its input should stop")]

    use std::convert::Infallible;

    use super::*;
    use crate::ids::RoleArn;

    const LONG: Duration = Duration::from_secs(600);

    fn user(name: &str) -> Principal {
        Principal::for_test(name, RoleArn::parse("arn:aws:iam::123456789012:role/shared").unwrap())
    }

    fn of(chunks: &[&'static [u8]]) -> Body {
        let chunks: Vec<_> =
            chunks.iter().map(|chunk| Ok::<_, Infallible>(Bytes::from_static(chunk))).collect();
        Body::from_stream(stream::iter(chunks))
    }

    /// Sends something and then nothing, not even its end.
    fn half_open(first: &'static [u8]) -> Body {
        let first = stream::iter([Ok::<_, Infallible>(Bytes::from_static(first))]);
        Body::from_stream(first.chain(stream::pending()))
    }

    async fn refusal(body: Body) -> Status {
        let mut chunks = body.into_data_stream();
        loop {
            if let Err(error) = chunks.next().await.unwrap() {
                let mut chain =
                    std::iter::successors(Some(&error as &(dyn std::error::Error + 'static)), |error| {
                        error.source()
                    });
                return chain.find_map(|error| error.downcast_ref::<Status>()).unwrap().clone();
            }
        }
    }

    async fn whole(body: Body) -> Bytes {
        axum::body::to_bytes(body, usize::MAX).await.unwrap()
    }

    #[tokio::test]
    async fn a_request_that_is_not_sent_to_its_end_is_ended_in_time() {
        let uploads = Uploads::new(Duration::from_millis(50), 1, 100);
        assert_eq!(whole(uploads.limited(user("a"), Kind::Stream, of(&[b"one", b"two"]))).await, "onetwo");
        let status = refusal(uploads.limited(user("a"), Kind::Stream, half_open(b"one"))).await;
        assert_eq!(broken_off(&status).kind(), ErrorKind::DeadlineExceeded);
        assert!(uploads.lanes.lock().unwrap().is_empty(), "nothing is kept of it");
    }

    #[tokio::test]
    async fn a_request_that_is_too_large_is_ended() {
        let uploads = Uploads::new(LONG, 1, 5);
        let status = refusal(uploads.limited(user("a"), Kind::Message, of(&[b"one", b"two"]))).await;
        assert_eq!(broken_off(&status).kind(), ErrorKind::ResourceExhausted);
        let status = refusal(for_health(of(&[&[0; MAX_HEALTH_BYTES], b"x"]))).await;
        assert_eq!(status.code(), Code::ResourceExhausted);
    }

    #[tokio::test]
    async fn one_users_half_open_streams_hold_up_that_users_streams_alone() {
        let uploads = Uploads::new(LONG, 1, 100);
        let mut held = uploads.limited(user("a"), Kind::Stream, half_open(b"one")).into_data_stream();
        assert_eq!(held.next().await.unwrap().unwrap(), "one");
        assert_eq!(whole(uploads.limited(user("b"), Kind::Stream, of(&[b"one"]))).await, "one");
        assert_eq!(whole(uploads.limited(user("a"), Kind::Message, of(&[b"one"]))).await, "one");
        let waits = uploads.limited(user("a"), Kind::Stream, of(&[b"one"]));
        let mut waits = std::pin::pin!(whole(waits));
        assert!(futures::poll!(&mut waits).is_pending());
        drop(held);
        assert_eq!(waits.await, "one");
    }

    #[tokio::test]
    async fn requests_that_would_wait_behind_many_are_refused() {
        let uploads = Uploads::new(LONG, 1, 100);
        let enter = || uploads.limited(user("a"), Kind::Stream, half_open(b"one"));
        let held: Vec<Body> = (0..=MAX_WAITING_PER_USER).map(|_| enter()).collect();
        let status = refusal(enter()).await;
        assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, TOO_MANY));
        drop(held);
        assert!(uploads.lanes.lock().unwrap().is_empty());
    }
}
