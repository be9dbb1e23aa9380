//! What metrics are told apart by.
//!
//! Invariant: each label is a closed enum, and each list names all of its values; the counters are arrays of a list's length.

use crate::error::ErrorKind;

/// How something ended.
pub(crate) type Outcome = Result<(), ErrorKind>;

/// The word for an outcome in metrics and the audit trail.
pub(crate) fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Ok(()) => "ok",
        Err(kind) => kind.as_str(),
    }
}

/// A method of the Flight service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RpcMethod {
    Handshake,
    ListFlights,
    GetFlightInfo,
    PollFlightInfo,
    GetSchema,
    DoGet,
    DoPut,
    DoExchange,
    DoAction,
    ListActions,
}

pub(super) const RPC_METHODS: [(RpcMethod, &str); 10] = [
    (RpcMethod::Handshake, "Handshake"),
    (RpcMethod::ListFlights, "ListFlights"),
    (RpcMethod::GetFlightInfo, "GetFlightInfo"),
    (RpcMethod::PollFlightInfo, "PollFlightInfo"),
    (RpcMethod::GetSchema, "GetSchema"),
    (RpcMethod::DoGet, "DoGet"),
    (RpcMethod::DoPut, "DoPut"),
    (RpcMethod::DoExchange, "DoExchange"),
    (RpcMethod::DoAction, "DoAction"),
    (RpcMethod::ListActions, "ListActions"),
];

/// Why a connection was closed before its first call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ConnectionRefusal {
    /// There are as many as there may be.
    TooMany,
    /// One address has as many without a login as it may have.
    TooManyOfAddress,
    /// Nobody logged in over it for too long.
    NoLogin,
    /// TLS on a port without.
    TlsOnPlaintext,
    /// HTTP/2 without TLS on a port with.
    PlaintextOnTls,
    /// HTTP/1, with or without TLS.
    Http1,
    /// Neither TLS nor HTTP.
    UnknownProtocol,
    /// TLS that came to no agreement; also a missing or unknown certificate of the client.
    TlsHandshake,
    /// Too little was said for too long.
    Timeout,
}

pub(super) const CONNECTION_REFUSALS: [(ConnectionRefusal, &str); 9] = [
    (ConnectionRefusal::TooMany, "too_many"),
    (ConnectionRefusal::TooManyOfAddress, "too_many_of_address"),
    (ConnectionRefusal::NoLogin, "no_login"),
    (ConnectionRefusal::TlsOnPlaintext, "tls_on_plaintext"),
    (ConnectionRefusal::PlaintextOnTls, "plaintext_on_tls"),
    (ConnectionRefusal::Http1, "http1"),
    (ConnectionRefusal::UnknownProtocol, "unknown_protocol"),
    (ConnectionRefusal::TlsHandshake, "tls_handshake"),
    (ConnectionRefusal::Timeout, "timeout"),
];

pub(super) const OUTCOMES: [Outcome; 13] = [
    Ok(()),
    Err(ErrorKind::InvalidRequest),
    Err(ErrorKind::Unauthenticated),
    Err(ErrorKind::PermissionDenied),
    Err(ErrorKind::NotFound),
    Err(ErrorKind::Unsupported),
    Err(ErrorKind::Expired),
    Err(ErrorKind::ResourceExhausted),
    Err(ErrorKind::DeadlineExceeded),
    Err(ErrorKind::Cancelled),
    Err(ErrorKind::Unavailable),
    Err(ErrorKind::DataInvalid),
    Err(ErrorKind::Internal),
];

/// A limit of the settings that ends a statement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Limit {
    /// `engine.max_result_rows`
    ResultRows,
    /// `engine.max_result_bytes`
    ResultBytes,
    /// `engine.max_scanned_bytes`
    ScannedBytes,
}

pub(super) const LIMITS: [(Limit, &str); 3] = [
    (Limit::ResultRows, "result_rows"),
    (Limit::ResultBytes, "result_bytes"),
    (Limit::ScannedBytes, "scanned_bytes"),
];

/// How an attempt to log in has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LoginOutcome {
    /// Somebody is logged in.
    Succeeded,
    /// No such user, or another password, or a token that is none.
    Wrong,
    /// There are too many attempts.
    Busy,
    /// This server could not check it, or not record it.
    Failed,
}

pub(super) const LOGIN_OUTCOMES: [(LoginOutcome, &str); 4] = [
    (LoginOutcome::Succeeded, "succeeded"),
    (LoginOutcome::Wrong, "wrong"),
    (LoginOutcome::Busy, "busy"),
    (LoginOutcome::Failed, "failed"),
];

impl LoginOutcome {
    /// The outcome of an attempt that this error has ended.
    pub(crate) fn of(error: ErrorKind) -> Self {
        match error {
            ErrorKind::Unauthenticated => Self::Wrong,
            ErrorKind::ResourceExhausted => Self::Busy,
            _ => Self::Failed,
        }
    }
}
