//! What is known about one request from its arrival to its end, carried through every room.
//!
//! The query id is made here, once, and is the same in the log, in the audit trail and in the audit context that
//! AWS CloudTrail records. A call that redeems a ticket takes over the id of the call that planned it, so that a statement
//! has one, which is the one that its client was told. Nothing in it decides access: a user agent and a peer address are evidence, not proof.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::ids::QueryId;

/// Longest user agent that is kept, in characters. It is never parsed.
const USER_AGENT_LIMIT: usize = 256;

/// One request. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct RequestContext {
    /// Identifies the request everywhere.
    pub(crate) query_id: QueryId,
    /// Wall-clock time of arrival, for records.
    pub(crate) received_at: DateTime<Utc>,
    /// Monotonic time of arrival, for durations.
    pub(crate) started: Instant,
    /// The connection's other end, if the transport knows it.
    pub(crate) peer: Option<SocketAddr>,
    /// The client's own name for itself.
    pub(crate) user_agent: String,
    /// Who calls, once that is known; for the log.
    pub(crate) user: Arc<OnceLock<String>>,
    /// The client's `grpc-timeout`, counted from `started`.
    pub(crate) client_timeout: Option<Duration>,
}

/// When a call ends whose client has not said when, in any case.
const NO_DEADLINE: Duration = Duration::from_secs(24 * 3600);

impl RequestContext {
    /// Until when the client waits.
    pub(crate) fn client_deadline(&self) -> Instant {
        self.started + self.client_timeout.unwrap_or(NO_DEADLINE)
    }

    /// A context that begins now.
    pub(crate) fn begin(
        peer: Option<SocketAddr>,
        user_agent: &str,
        client_timeout: Option<Duration>,
    ) -> Self {
        Self {
            query_id: QueryId::new(),
            received_at: Utc::now(),
            started: Instant::now(),
            peer,
            user_agent: user_agent.chars().take(USER_AGENT_LIMIT).collect(),
            user: Arc::default(),
            client_timeout,
        }
    }
}
