//! The time limit of one query, counted once from its start to its last row.
//!
//! gRPC's own client timeout ends with the response headers, so it would never stop a result that
//! trickles. Each call therefore gets what is left of the limit, as a `grpc-timeout` header so
//! that the server gives up at the same moment, and as a timer here for a server that does not.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::error::ClientError;

/// `grpc-timeout` has at most eight digits (gRPC over HTTP/2, "Timeout").
const MAX_HEADER_MILLIS: u128 = 99_999_999;

/// A point in time after which a query fails, or none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Option<Limit>);

#[derive(Clone, Copy, Debug)]
struct Limit {
    length: Duration,
    end: Instant,
}

impl Deadline {
    /// Starts the clock. A limit too long to be represented is no limit.
    pub(crate) fn start(limit: Option<Duration>) -> Self {
        Self(limit.and_then(|length| {
            let end = Instant::now().checked_add(length)?;
            Some(Limit { length, end })
        }))
    }

    /// Value of the `grpc-timeout` header for a call that starts now, or `None` without a limit.
    pub(crate) fn header(self) -> Option<String> {
        let limit = self.0?;
        let left = limit.end.saturating_duration_since(Instant::now());
        // Rounded up, so that our own timer fires first and names the limit.
        let millis = (left.as_millis() + 1).min(MAX_HEADER_MILLIS);
        Some(format!("{millis}m"))
    }

    /// Waits for `call`, but not beyond the deadline.
    pub(crate) async fn wait<T, E: Into<ClientError>>(
        self,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, ClientError> {
        let Some(limit) = self.0 else {
            return call.await.map_err(Into::into);
        };
        match timeout_at(limit.end, call).await {
            Ok(result) => result.map_err(Into::into),
            Err(_) => Err(ClientError::QueryTimeout(limit.length)),
        }
    }
}
