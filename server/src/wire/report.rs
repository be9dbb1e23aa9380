//! The one place where an error leaves the server.
//!
//! Each error is logged here once, with its internal text, and turned into a status that carries the public text and
//! the query id: a user who quotes the id lets the operator find the internal text. What the client sent, also as far as
//! an error repeats it, is logged only if `audit.log_statements` lets statements be recorded.

use tonic::Status;
use tonic::metadata::MetadataValue;

use crate::context::RequestContext;
use crate::error::Error;
use crate::telemetry;
use crate::telemetry::metrics::RpcMethod;

/// Trailer that names the query, so that a user can quote it.
pub(super) const QUERY_ID_TRAILER: &str = "x-lakegate-query-id";

/// Header of an answer that tells the place of a query in the queue.
pub(super) const QUEUE_HEADER: &str = "x-lakegate-queue-position";

/// Logs an error and makes the status for it.
pub(super) fn status(context: &RequestContext, method: RpcMethod, error: &Error) -> Status {
    log(context, method, error, telemetry::repeats_statements());
    let mut status = error.to_status();
    if let Ok(query_id) = MetadataValue::try_from(context.query_id.to_string()) {
        status.metadata_mut().insert(QUERY_ID_TRAILER, query_id);
    }
    status
}

fn log(context: &RequestContext, method: RpcMethod, error: &Error, repeats_statements: bool) {
    let (answer, internal) = texts(error, repeats_statements);
    let aws = error.aws_answer();
    let told = |text: Option<&String>| text.filter(|text| !text.is_empty()).cloned();
    tracing::warn!(
        query_id = %context.query_id,
        user = context.user.get(),
        peer = context.peer.map(tracing::field::display),
        ?method,
        kind = error.kind().as_str(),
        elapsed_ms = u64::try_from(context.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        answer,
        internal,
        aws_operation = aws.map(|aws| aws.operation),
        aws_code = told(aws.map(|aws| &aws.code)),
        aws_request_id = told(aws.map(|aws| &aws.request_id)),
        aws_message = told(aws.map(|aws| &aws.message)),
        "call failed"
    );
}

/// What the client is answered and what it is not told, as far as the log may hold either. What AWS has said has fields of
/// its own.
fn texts(error: &Error, repeats_statements: bool) -> (String, Option<&str>) {
    let answer = if repeats_statements { error.public_text() } else { error.constant_text().to_owned() };
    let is_secret = error.quotes_statement() && !repeats_statements;
    let internal = Some(error.internal_text()).filter(|text| !text.is_empty() && !is_secret);
    (answer, internal.filter(|_| error.aws_answer().is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn what_a_statement_says_is_in_no_line_unless_statements_may_be_repeated() {
        let error = Error::new(ErrorKind::InvalidRequest, "the query cannot be planned")
            .echoing("canary-echo")
            .because_quoting("canary-quoted");
        assert_eq!(texts(&error, false), ("the query cannot be planned".to_owned(), None));
        let (answer, internal) = texts(&error, true);
        assert!(answer.contains("canary-echo") && internal == Some("canary-quoted"));
        let other = Error::new(ErrorKind::Unavailable, "try again later").because("disk full");
        assert_eq!(texts(&other, false).1, Some("disk full"));
    }

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
