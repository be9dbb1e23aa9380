//! What can go wrong in a call to AWS, reduced to what the rooms above decide on.
//!
//! Classified by error *code*, never by the SDK's enum variant: Lake Formation throws codes that its model does not
//! list (`lake-formation` reference, GetUnfilteredTableMetadata), and the SDK delivers those as `Unhandled`.
//! A code that is not known here is [`FailureKind::Unknown`], and every caller treats that as a refusal.

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::error::{AwsAnswer, Error, ErrorKind};

/// The reactions that callers choose between.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FailureKind {
    /// The role may not do this, or the object is hidden from it.
    AccessDenied,
    /// The object does not exist.
    NotFound,
    /// The policy needs a capability that the call did not claim.
    PermissionTypeMismatch,
    /// AWS rejects the request's shape; a defect of this server, or a limit that it ran into.
    InvalidInput,
    /// The user's role could not be assumed.
    RoleNotAssumable,
    /// The session was no longer valid although this server thought it was.
    SessionExpired,
    /// Throttled, or AWS is not reachable, or it answered with a server error.
    Unavailable,
    /// The user has asked for too much in a short time; AWS was not asked.
    TooManyCalls,
    /// Anything else.
    Unknown,
}

/// A failed call. Its text is for the operator's log only, hence no `Display`.
#[derive(Clone)]
pub(crate) struct AwsFailure {
    kind: FailureKind,
    internal: String,
    answer: Option<Box<AwsAnswer>>,
}

/// What IAM says of an action that no policy allows.
const REFUSED_BY_IAM: &str = "is not authorized to perform";

/// Header by which AWS names an answer. Most services spell it so, the XML ones as well.
const REQUEST_ID_HEADERS: [&str; 2] = ["x-amzn-requestid", "x-amz-request-id"];

impl AwsFailure {
    /// A failure that this server found itself, such as a response without a required member.
    pub(crate) fn new(kind: FailureKind, internal: impl Into<String>) -> Self {
        Self { kind, internal: internal.into(), answer: None }
    }

    /// Classifies what the SDK returned for `operation`.
    pub(super) fn from_sdk<E>(operation: &'static str, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let (kind, answer) = match &error {
            SdkError::ServiceError(service) => {
                let status = service.raw().status().as_u16();
                let kind = classify(service.err().code().unwrap_or_default(), status);
                let headers = service.raw().headers();
                let request_id = REQUEST_ID_HEADERS.iter().find_map(|name| headers.get(*name));
                let answer = AwsAnswer {
                    operation,
                    code: service.err().code().unwrap_or_default().to_owned(),
                    request_id: request_id.unwrap_or_default().to_owned(),
                    message: service.err().message().unwrap_or_default().to_owned(),
                };
                (kind, answer)
            }
            SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
                (FailureKind::Unavailable, AwsAnswer::none(operation, causes(&error)))
            }
            _ if lacks_credentials(&error) => {
                (FailureKind::Unavailable, AwsAnswer::none(operation, causes(&error)))
            }
            _ => (FailureKind::Unknown, AwsAnswer::none(operation, causes(&error))),
        };
        let internal = format!("{operation}: {} {}", answer.code, answer.message);
        Self { kind, internal, answer: Some(Box::new(answer)) }
    }

    /// The same failure, taken for another kind.
    pub(super) fn of_kind(self, kind: FailureKind) -> Self {
        Self { kind, ..self }
    }

    /// An error for a client that takes what AWS has said along, for the log.
    pub(crate) fn explain(&self, error: Error) -> Error {
        let error = error.because(self.internal.clone());
        match &self.answer {
            Some(answer) => error.answered_by_aws(AwsAnswer::clone(answer)),
            None => error,
        }
    }

    /// The reaction that this failure asks for.
    pub(crate) fn kind(&self) -> FailureKind {
        self.kind
    }

    /// For the log.
    pub(crate) fn internal_text(&self) -> &str {
        &self.internal
    }

    /// Warns if it is IAM that refuses the call: whoever sets up roles wants to know, since a listing that is refused looks
    /// like one of nothing. What Lake Formation does not grant is no mistake.
    pub(crate) fn warn_of_iam(&self, user: &str) {
        if let Some(answer) = self.answer.as_ref().filter(|answer| answer.message.contains(REFUSED_BY_IAM)) {
            tracing::warn!(
                user,
                aws_operation = answer.operation,
                aws_code = answer.code,
                aws_request_id = answer.request_id,
                aws_message = answer.message,
                "IAM refuses a listing to the user's role, so that it looks empty"
            );
        }
    }

    /// The client's error where the call does not concern one named table.
    pub(crate) fn into_error(self) -> Error {
        let error = match self.kind {
            FailureKind::RoleNotAssumable => Error::new(
                ErrorKind::PermissionDenied,
                "your login's AWS role cannot be used; ask your administrator",
            ),
            FailureKind::AccessDenied | FailureKind::NotFound => {
                Error::new(ErrorKind::NotFound, "not found or not granted")
            }
            FailureKind::SessionExpired | FailureKind::Unavailable => {
                Error::new(ErrorKind::Unavailable, "AWS does not answer now; try again later")
            }
            FailureKind::TooManyCalls => Error::new(
                ErrorKind::ResourceExhausted,
                "you have asked for too many tables and lists in a short time; wait a few seconds",
            ),
            FailureKind::PermissionTypeMismatch | FailureKind::InvalidInput | FailureKind::Unknown => {
                Error::new(
                    ErrorKind::Unavailable,
                    "AWS refused a call of this server; ask your administrator",
                )
            }
        };
        self.explain(error)
    }
}

/// Whether a call was never sent because the session that signs it could not be had. The next statement asks for that session
/// first, and is told why there is none.
fn lacks_credentials(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |cause| cause.source());
    causes.any(|cause| cause.is::<CredentialsError>())
}

/// An error with its causes, in words: each says what the one before does not.
pub(super) fn causes(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !words.contains(&text) {
            words = format!("{words}: {text}");
        }
        cause = inner.source();
    }
    words
}

/// Maps an AWS error code to a kind.
///
/// # Arguments
/// * `code` - the error code as the service spells it, without a namespace.
/// * `status` - the HTTP status, which decides for codes that are not listed.
pub(super) fn classify(code: &str, status: u16) -> FailureKind {
    match code {
        "AccessDeniedException" | "AccessDenied" => FailureKind::AccessDenied,
        "EntityNotFoundException" => FailureKind::NotFound,
        "PermissionTypeMismatchException" => FailureKind::PermissionTypeMismatch,
        "InvalidInputException" | "ValidationException" | "ValidationError" => FailureKind::InvalidInput,
        "ExpiredTokenException" | "ExpiredToken" | "InvalidClientTokenId" | "UnrecognizedClientException" => {
            FailureKind::SessionExpired
        }
        "ThrottlingException"
        | "Throttling"
        | "ThrottledException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "SlowDown"
        | "InternalServiceException"
        | "InternalFailure"
        | "ServiceUnavailable"
        | "OperationTimeoutException" => FailureKind::Unavailable,
        _ if status >= 500 => FailureKind::Unavailable,
        _ => FailureKind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_code_is_never_taken_for_permission_or_absence() {
        assert_eq!(classify("SomethingNewException", 400), FailureKind::Unknown);
        assert_eq!(classify("", 403), FailureKind::Unknown);
    }

    #[test]
    fn a_server_error_without_a_known_code_may_be_tried_again() {
        assert_eq!(classify("", 503), FailureKind::Unavailable);
    }

    #[test]
    fn the_words_of_aws_stay_out_of_the_clients_error() {
        let failure = AwsFailure::new(FailureKind::AccessDenied, "arn:aws:iam::canary");
        let error = failure.into_error();
        assert!(!format!("{error} {error:?} {:?}", error.to_status()).contains("canary"));
    }
}
