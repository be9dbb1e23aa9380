//! The one error type of the server, and the one table that turns it into a gRPC status.
//!
//! An error has a closed [`ErrorKind`], a public text and an internal text. The public text is a constant,
//! optionally followed by words that the client itself sent (invariant G8). The internal text says what really
//! happened, with AWS's own words, for the operator's log; it has no `Display`, so no format string can carry
//! it to a client by accident.

use std::fmt;

use tonic::{Code, Status};

use crate::mutant::Mutant;

/// What a client can do about an error. Closed: a new kind forces a decision in every match.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// The request is malformed or the SQL is wrong: change it.
    InvalidRequest,
    /// Who asks is not known: log in (again).
    Unauthenticated,
    /// Who asks is known and may not do this.
    PermissionDenied,
    /// No such table, or none that the principal may know of: both answer alike.
    NotFound,
    /// The request is right but this server does not do it.
    Unsupported,
    /// A sealed ticket or handle has expired: ask again.
    Expired,
    /// A limit on size, memory or concurrency was reached.
    ResourceExhausted,
    /// The statement ran longer than it may.
    DeadlineExceeded,
    /// The client went away or asked to stop.
    Cancelled,
    /// AWS or this server cannot answer now: try again later.
    Unavailable,
    /// The table's data or metadata cannot be read as it should be: its owner must act.
    DataInvalid,
    /// A defect of this server.
    Internal,
}

impl ErrorKind {
    /// The word for this kind in logs, metrics and the audit trail.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::Unauthenticated => "unauthenticated",
            Self::PermissionDenied => "permission_denied",
            Self::NotFound => "not_found",
            Self::Unsupported => "unsupported",
            Self::Expired => "expired",
            Self::ResourceExhausted => "resource_exhausted",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::Cancelled => "cancelled",
            Self::Unavailable => "unavailable",
            Self::DataInvalid => "data_invalid",
            Self::Internal => "internal",
        }
    }

    fn code(self) -> Code {
        match self {
            Self::InvalidRequest => Code::InvalidArgument,
            Self::Unauthenticated => Code::Unauthenticated,
            Self::PermissionDenied => Code::PermissionDenied,
            Self::NotFound => Code::NotFound,
            Self::Unsupported => Code::Unimplemented,
            Self::Expired => Code::FailedPrecondition,
            Self::ResourceExhausted => Code::ResourceExhausted,
            Self::DeadlineExceeded => Code::DeadlineExceeded,
            Self::Cancelled => Code::Cancelled,
            Self::Unavailable => Code::Unavailable,
            Self::DataInvalid => Code::DataLoss,
            Self::Internal => Code::Internal,
        }
    }
}

/// What really happened, for the log only. Deliberately without `Display`.
#[derive(Clone, Default)]
struct InternalText(String);

/// How AWS has answered a call that failed, for the log only: its own words name roles and resources.
#[derive(Clone)]
pub(crate) struct AwsAnswer {
    /// Service and operation.
    pub(crate) operation: &'static str,
    /// AWS's error code; empty if there was no answer.
    pub(crate) code: String,
    /// By what AWS knows the call; empty if there was no answer.
    pub(crate) request_id: String,
    /// AWS's message, or why there was no answer.
    pub(crate) message: String,
}

impl AwsAnswer {
    /// There was no answer.
    pub(crate) fn none(operation: &'static str, message: String) -> Self {
        Self { operation, code: String::new(), request_id: String::new(), message }
    }
}

/// An error on its way to a client. See the file's head for its three parts.
#[derive(Clone)]
pub struct Error {
    kind: ErrorKind,
    constant: &'static str,
    sent_by_client: Option<String>,
    internal: InternalText,
    /// The internal text may repeat what the client's statement says.
    quotes_statement: bool,
    aws: Option<Box<AwsAnswer>>,
}

/// How much of the client's own words an error repeats, in characters.
const ECHO_LIMIT: usize = 400;

impl Error {
    /// An error with a constant public text and no internal one.
    pub fn new(kind: ErrorKind, public: &'static str) -> Self {
        Self {
            kind,
            constant: public,
            sent_by_client: None,
            internal: InternalText::default(),
            quotes_statement: false,
            aws: None,
        }
    }

    /// Adds words that the client itself sent, or that it may see anyway such as a visible column's name.
    /// They are cut at a character boundary.
    #[must_use]
    pub fn echoing(mut self, sent_by_client: &str) -> Self {
        self.sent_by_client = Some(sent_by_client.chars().take(ECHO_LIMIT).collect());
        self
    }

    /// Adds what the operator needs to know.
    #[must_use]
    pub fn because(mut self, internal: impl Into<String>) -> Self {
        self.internal = InternalText(internal.into());
        self
    }

    /// As [`because`](Self::because), with words that may repeat the client's statement, literals as well.
    #[must_use]
    pub fn because_quoting(mut self, internal: impl Into<String>) -> Self {
        self.quotes_statement = true;
        self.because(internal)
    }

    /// Adds how AWS has answered.
    #[must_use]
    pub(crate) fn answered_by_aws(mut self, answer: AwsAnswer) -> Self {
        self.aws = Some(Box::new(answer));
        self
    }

    /// A defect of this server; the client learns nothing but that.
    pub fn internal(internal: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, "internal error").because(internal)
    }

    /// The answer for a table that does not exist, and word for word the same for one that the principal may
    /// not know of: the difference would reveal that it exists.
    pub fn no_such_table(name_as_sent: &str) -> Self {
        Self::new(ErrorKind::NotFound, "table not found or not granted").echoing(name_as_sent)
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The text that a client may see.
    pub fn public_text(&self) -> String {
        match &self.sent_by_client {
            _ if Mutant::InternalTextShown.is_on() => format!("{}: {}", self.constant, self.internal.0),
            Some(words) => format!("{}: {words}", self.constant),
            None => self.constant.to_owned(),
        }
    }

    /// The text for the operator's log; may name paths, ARNs and AWS's own messages.
    pub fn internal_text(&self) -> &str {
        &self.internal.0
    }

    /// The part of the public text that is the same for everybody.
    pub(crate) fn constant_text(&self) -> &'static str {
        self.constant
    }

    /// Whether the internal text may repeat what the client's statement says.
    pub(crate) fn quotes_statement(&self) -> bool {
        self.quotes_statement
    }

    /// How AWS has answered the call that failed.
    pub(crate) fn aws_answer(&self) -> Option<&AwsAnswer> {
        self.aws.as_deref()
    }

    /// The gRPC status that a client gets: code and public text, nothing else.
    pub fn to_status(&self) -> Status {
        Status::new(self.kind.code(), self.public_text())
    }
}

/// Prints the public text only: `Display` may end in a client's hands.
impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.public_text())
    }
}

/// As `Display`: DataFusion prints nested errors with `Debug` now and then.
impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {self}", self.kind.as_str())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_display_nor_debug_nor_status_carries_the_internal_text() {
        let error = Error::new(ErrorKind::Unavailable, "try again later").because("canary-internal");
        let status = error.to_status();
        let printed = format!("{error} {error:?} {status} {status:?}");
        assert!(!printed.contains("canary-internal"), "{printed}");
        assert_eq!(error.internal_text(), "canary-internal");
    }

    #[test]
    fn echoed_words_are_cut_between_characters() {
        let error = Error::no_such_table(&"ü".repeat(10_000));
        assert!(error.public_text().chars().count() < 500);
    }
}
