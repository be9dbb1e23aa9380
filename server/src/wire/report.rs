//! The one place where an error leaves the server.
//!
//! Each error is logged here once, with its internal text, and turned into a status that carries the public text and
//! the query id: a user who quotes the id lets the operator find the internal text. What the client sent is not
//! logged here; the audit trail records statements.

use tonic::Status;
use tonic::metadata::MetadataValue;

use crate::context::RequestContext;
use crate::error::Error;
use crate::telemetry::metrics::RpcMethod;

/// Trailer that names the query, so that a user can quote it.
pub(super) const QUERY_ID_TRAILER: &str = "x-lakegate-query-id";

/// Header of an answer that tells the place of a query in the queue.
pub(super) const QUEUE_HEADER: &str = "x-lakegate-queue-position";

/// Logs an error and makes the status for it.
pub(super) fn status(context: &RequestContext, method: RpcMethod, error: &Error) -> Status {
    tracing::warn!(
        query_id = %context.query_id,
        ?method,
        kind = error.kind().as_str(),
        elapsed_ms = u64::try_from(context.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        internal = error.internal_text(),
        "call failed"
    );
    let mut status = error.to_status();
    if let Ok(query_id) = MetadataValue::try_from(context.query_id.to_string()) {
        status.metadata_mut().insert(QUERY_ID_TRAILER, query_id);
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_status_names_the_query_and_keeps_the_internal_text_to_itself() {
        let context = RequestContext::begin(None, "test", None);
        let error = Error::new(ErrorKind::Unavailable, "try again later").because("canary-internal");
        let status = status(&context, RpcMethod::DoGet, &error);
        let trailer = status.metadata().get(QUERY_ID_TRAILER).and_then(|value| value.to_str().ok());
        assert_eq!(trailer, Some(context.query_id.to_string().as_str()));
        assert!(!format!("{status:?}").contains("canary-internal"));
    }
}
