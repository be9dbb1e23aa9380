//! The class and the text of every error.

use super::*;

fn server_says(code: Code, message: &str) -> ClientError {
    ClientError::from(Status::new(code, message))
}

#[test]
fn refused_logins_and_permissions_are_denials() {
    for code in [Code::Unauthenticated, Code::PermissionDenied] {
        assert_eq!(server_says(code, "no").kind(), ErrorKind::Denied);
    }
}

#[test]
fn a_server_that_says_unavailable_is_unavailable() {
    assert_eq!(server_says(Code::Unavailable, "draining").kind(), ErrorKind::Unavailable);
}

#[test]
fn every_other_code_of_the_server_is_a_failed_query() {
    for code in [
        Code::Cancelled,
        Code::Unknown,
        Code::InvalidArgument,
        Code::DeadlineExceeded,
        Code::NotFound,
        Code::AlreadyExists,
        Code::ResourceExhausted,
        Code::FailedPrecondition,
        Code::Aborted,
        Code::OutOfRange,
        Code::Unimplemented,
        Code::Internal,
        Code::DataLoss,
    ] {
        assert_eq!(server_says(code, "x").kind(), ErrorKind::Query, "{code:?}");
    }
}

#[test]
fn a_status_that_wraps_a_broken_connection_is_unavailable_and_names_the_cause() {
    let broken = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "reset by peer");
    let error = ClientError::from(Status::from_error(Box::new(broken)));
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("reset by peer"), "{error}");
}

#[test]
fn a_message_of_the_server_becomes_one_printable_line() {
    let error = server_says(Code::InvalidArgument, "line one\nline two\u{1b}[31m\r\n");
    assert_eq!(error.to_string(), "line one line two [31m");
}

#[test]
fn an_empty_message_is_replaced_by_the_meaning_of_its_code() {
    assert!(!server_says(Code::PermissionDenied, "").to_string().is_empty());
}

#[test]
fn undecodable_data_is_a_failed_query() {
    let error = ClientError::from(ArrowError::IpcError("bad\nmagic".into()));
    assert_eq!(error.kind(), ErrorKind::Query);
    assert!(error.to_string().contains("bad magic"), "{error}");
}
