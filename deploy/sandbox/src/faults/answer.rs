//! The words in which each service refuses a struck request.
//!
//! Evidence: the lists of common errors in the API references of STS, Glue and Lake Formation, and the list of error codes in
//! that of S3; `InternalServiceException` is in the service models of Glue and Lake Formation, throttling codes are in none
//! of the two and come all the same.

use super::FaultKind;
use crate::protocol::{ApiError, ErrorCode, Service};

const EXPIRED: &str = "The security token included in the request is expired";

/// The refusal of a struck request; `None` for faults that are not told in words.
pub(crate) fn refusal(kind: FaultKind, service: Service, operation: &str) -> Option<ApiError> {
    let (code, text) = match kind {
        FaultKind::Throttle => throttled(service),
        FaultKind::InternalError => defect(service),
        FaultKind::Unavailable => overloaded(service),
        FaultKind::Expire => expired(service),
        FaultKind::Revoke => return Some(denied(service, operation)),
        FaultKind::Latency | FaultKind::Truncate | FaultKind::Reset => return None,
    };
    Some(ApiError::new(code, text))
}

fn throttled(service: Service) -> (ErrorCode, &'static str) {
    match service {
        Service::S3 => (ErrorCode::SlowDown, "Please reduce your request rate."),
        Service::Sts | Service::Iam => (ErrorCode::Throttling, "Rate exceeded"),
        Service::Glue | Service::LakeFormation => (ErrorCode::ThrottlingException, "Rate exceeded"),
    }
}

fn defect(service: Service) -> (ErrorCode, &'static str) {
    match service {
        Service::S3 => (ErrorCode::InternalError, "We encountered an internal error. Please try again."),
        Service::Sts | Service::Iam => (
            ErrorCode::InternalFailure,
            "The request processing has failed because of an unknown error, exception or failure.",
        ),
        Service::Glue | Service::LakeFormation => {
            (ErrorCode::InternalServiceException, "An internal service error occurred.")
        }
    }
}

fn overloaded(service: Service) -> (ErrorCode, &'static str) {
    let text = match service {
        Service::S3 => "Service is unable to handle request.",
        _ => "The request has failed due to a temporary failure of the server.",
    };
    (ErrorCode::ServiceUnavailable, text)
}

fn expired(service: Service) -> (ErrorCode, &'static str) {
    match service {
        Service::S3 => (ErrorCode::ExpiredToken, "The provided token has expired."),
        Service::Sts | Service::Iam => (ErrorCode::ExpiredToken, EXPIRED),
        Service::Glue | Service::LakeFormation => (ErrorCode::ExpiredTokenException, EXPIRED),
    }
}

fn denied(service: Service, operation: &str) -> ApiError {
    match service {
        Service::S3 => ApiError::new(ErrorCode::AccessDenied, "Access Denied"),
        Service::Sts | Service::Iam => ApiError::new(
            ErrorCode::AccessDenied,
            format!("User is not authorized to perform: {}:{operation}", service.name()),
        ),
        Service::Glue | Service::LakeFormation => {
            ApiError::denied("Insufficient Lake Formation permission(s): Required Select")
        }
    }
}
