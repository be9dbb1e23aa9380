//! What ends a running statement although nobody drops it: its owner, and the grants on its tables.
//!
//! Invariant: it is noticed also while the statement waits for its client, or has read everything and sorts.

use futures::future::OptionFuture;

use super::ResultStream;
use crate::access::GrantWatch;
use crate::error::{Error, ErrorKind};

impl ResultStream {
    /// Resolves with the reason when the statement must end: its owner asks for that, or the grants on its tables no longer
    /// hold. Who holds the stream then drops it.
    pub(crate) fn ended(&self) -> impl Future<Output = Error> + Send + 'static {
        let cancelled_by_owner = self.running.cancelled().clone();
        let broken = OptionFuture::from(self.batches.watch().map(GrantWatch::broken));
        async move {
            tokio::select! {
                Some(error) = broken => error,
                () = cancelled_by_owner.cancelled() => cancelled(),
            }
        }
    }

    /// Why it ends if it is dropped now.
    pub(super) fn kind_of_end(&self) -> ErrorKind {
        let broken = self.batches.watch().and_then(|watch| watch.check().err());
        broken.map_or(ErrorKind::Cancelled, |error| error.kind())
    }
}

/// How a statement ends whose owner asked for its end.
pub(super) fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "the query was cancelled")
}
