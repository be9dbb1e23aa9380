//! The closed list of AWS error codes that the sandbox answers, with their HTTP status per protocol.
//!
//! Clients match on the code, so a code is an enum value and never a string made at the place of failure.

use http::StatusCode;

use super::Protocol;

/// A refused call: an AWS code and the text that goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) code: ErrorCode,
    /// Empty for a bare error, as Lake Formation answers an engine that is not an authorised caller.
    pub(crate) message: String,
}

macro_rules! error_codes {
    ($($code:ident),+ $(,)?) => {
        /// Error codes, spelled as on the wire.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum ErrorCode { $($code),+ }

        impl ErrorCode {
            /// The code on the wire.
            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$code => stringify!($code)),+ }
            }
        }
    };
}

error_codes!(
    AccessDenied,
    AccessDeniedException,
    AlreadyExistsException,
    AuthorizationHeaderMalformed,
    EntityAlreadyExists,
    EntityNotFoundException,
    ExpiredToken,
    ExpiredTokenException,
    IncompleteSignature,
    InternalError,
    InternalFailure,
    InternalServiceException,
    InvalidAccessKeyId,
    InvalidAction,
    InvalidClientTokenId,
    InvalidInputException,
    InvalidSignatureException,
    MalformedPolicyDocument,
    MissingAuthenticationToken,
    MissingAuthenticationTokenException,
    NoSuchEntity,
    PermissionTypeMismatchException,
    RequestEntityTooLarge,
    RequestTimeTooSkewed,
    SerializationException,
    ServiceUnavailable,
    SignatureDoesNotMatch,
    SlowDown,
    Throttling,
    ThrottlingException,
    UnknownOperationException,
    UnrecognizedClientException,
    ValidationError,
);

impl ApiError {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(crate) fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidInputException, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::EntityNotFoundException, message)
    }

    pub(crate) fn denied(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::AccessDeniedException, message)
    }

    /// The HTTP status of this error in `protocol`.
    pub(crate) fn status(&self, protocol: Protocol) -> StatusCode {
        use ErrorCode as E;
        match self.code {
            E::InternalError | E::InternalFailure | E::InternalServiceException => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
            E::ServiceUnavailable | E::SlowDown => StatusCode::SERVICE_UNAVAILABLE,
            E::RequestEntityTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            E::NoSuchEntity => StatusCode::NOT_FOUND,
            E::EntityAlreadyExists => StatusCode::CONFLICT,
            _ if protocol == Protocol::AwsJson => StatusCode::BAD_REQUEST,
            E::UnknownOperationException => StatusCode::NOT_FOUND,
            E::ExpiredToken if protocol == Protocol::RestXml => StatusCode::BAD_REQUEST,
            E::AccessDenied
            | E::AccessDeniedException
            | E::ExpiredToken
            | E::ExpiredTokenException
            | E::InvalidAccessKeyId
            | E::InvalidClientTokenId
            | E::InvalidSignatureException
            | E::MissingAuthenticationToken
            | E::MissingAuthenticationTokenException
            | E::RequestTimeTooSkewed
            | E::SignatureDoesNotMatch
            | E::UnrecognizedClientException => StatusCode::FORBIDDEN,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}
