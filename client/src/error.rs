//! Everything that can go wrong in the client, as one closed enum.
//!
//! `Display` is one line, whatever the server sent: a message is text from the other side of the
//! network and is printed on terminals, so control characters in it are replaced.
//! [`ErrorKind`] is what a caller decides on; the command line turns it into its exit code.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use arrow::error::ArrowError;
use arrow_flight::error::FlightError;
use tonic::{Code, Status};

/// What the caller can do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The caller passed something unusable: correct the call.
    Usage,
    /// The server refused or failed the request: correct the statement.
    Query,
    /// The login or a permission was refused: ask for access.
    Denied,
    /// The server could not be reached or went away: try again.
    Unavailable,
}

/// Why a server URL is not usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlError {
    /// Not a URL at all.
    Malformed,
    /// A scheme other than those of Flight SQL.
    Scheme,
    /// No host.
    Host,
    /// A user name or password inside the URL.
    Credentials,
    /// A path, query or fragment after the port.
    Trailing,
}

/// An error of the client library.
#[derive(Debug)]
pub enum ClientError {
    /// The server URL is not usable.
    Url(UrlError),
    /// The user name is empty or holds a colon.
    UserName,
    /// The token is empty or cannot stand in an HTTP header.
    Token,
    /// A parameter of a prepared statement is not one value.
    Parameter,
    /// No connection to the server, or no TLS session with it.
    Connect {
        /// Address that was tried.
        url: String,
        /// Error of the transport, with its causes.
        source: tonic::transport::Error,
    },
    /// The server could not be reached, or did not answer the login, within the limit.
    ConnectTimeout(Duration),
    /// The query did not finish within the limit that the caller set.
    QueryTimeout(Duration),
    /// The caller cancelled the query.
    Cancelled,
    /// A gRPC status: from the server, or from the transport when the connection broke.
    Status(Box<Status>),
    /// The server accepted the password but sent no bearer token.
    NoBearerToken,
    /// The server wants the result to be fetched from another server. Following would send the
    /// bearer token there.
    ForeignLocation,
    /// An endpoint of the result has no ticket.
    MissingTicket,
    /// The columns changed between two parts of one result.
    SchemaChanged,
    /// The reply to this Flight SQL command does not have the columns that the protocol says.
    UnexpectedReply(&'static str),
    /// Bytes that are not valid Arrow data.
    Decode(Box<FlightError>),
}

impl ClientError {
    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Url(_) | Self::UserName | Self::Token | Self::Parameter => ErrorKind::Usage,
            Self::Connect { .. } | Self::ConnectTimeout(_) => ErrorKind::Unavailable,
            Self::Status(status) => status_kind(status),
            Self::NoBearerToken
            | Self::QueryTimeout(_)
            | Self::Cancelled
            | Self::ForeignLocation
            | Self::MissingTicket
            | Self::SchemaChanged
            | Self::UnexpectedReply(_)
            | Self::Decode(_) => ErrorKind::Query,
        }
    }
}

/// A status that the server sent has no source. One that tonic made from a broken connection
/// has one, under a code such as `Unknown` that says nothing about the cause.
fn status_kind(status: &Status) -> ErrorKind {
    if status.source().is_some() {
        return ErrorKind::Unavailable;
    }
    match status.code() {
        Code::Unauthenticated | Code::PermissionDenied => ErrorKind::Denied,
        Code::Unavailable => ErrorKind::Unavailable,
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::InvalidArgument
        | Code::DeadlineExceeded
        | Code::NotFound
        | Code::AlreadyExists
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Internal
        | Code::DataLoss => ErrorKind::Query,
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(error) => error.fmt(f),
            Self::UserName => f.write_str("the user name is empty or contains a colon"),
            Self::Token => f.write_str("the token is empty or contains characters that no token has"),
            Self::Parameter => f.write_str("a parameter must be exactly one value"),
            Self::Connect { url, source } => {
                write!(f, "cannot reach {url}: {}", one_line(&root_cause(source)))
            }
            Self::ConnectTimeout(limit) => write!(f, "no answer from the server within {limit:?}"),
            Self::QueryTimeout(limit) => write!(f, "the query did not finish within {limit:?}"),
            Self::Cancelled => f.write_str("the query was cancelled"),
            Self::Status(status) => f.write_str(&status_text(status)),
            Self::NoBearerToken => f.write_str("the server sent no token after the login"),
            Self::ForeignLocation => f.write_str(
                "the server points to another server for the result, which is refused to protect the token",
            ),
            Self::MissingTicket => f.write_str("the server announced a result without a ticket"),
            Self::SchemaChanged => f.write_str("the columns changed in the middle of the result"),
            Self::UnexpectedReply(command) => {
                write!(f, "the server's reply to {command} does not follow Flight SQL")
            }
            Self::Decode(error) => write!(f, "unreadable data: {}", one_line(&error.to_string())),
        }
    }
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not a URL; expected grpc://host:port",
            Self::Scheme => "the URL must begin with grpc:// or grpc+tls://",
            Self::Host => "the URL names no host",
            Self::Credentials => "a URL must not contain a user name or password",
            Self::Trailing => "the URL must end after the port",
        })
    }
}

impl Error for ClientError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Connect { source, .. } => Some(source),
            Self::Status(status) => Some(status.as_ref()),
            Self::Decode(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}

impl Error for UrlError {}

impl From<UrlError> for ClientError {
    fn from(error: UrlError) -> Self {
        Self::Url(error)
    }
}

impl From<Status> for ClientError {
    fn from(status: Status) -> Self {
        Self::Status(Box::new(status))
    }
}

impl From<FlightError> for ClientError {
    fn from(error: FlightError) -> Self {
        match error {
            FlightError::Tonic(status) => Self::Status(status),
            other => Self::Decode(Box::new(other)),
        }
    }
}

impl From<ArrowError> for ClientError {
    fn from(error: ArrowError) -> Self {
        Self::Decode(Box::new(error.into()))
    }
}

fn status_text(status: &Status) -> String {
    if let Some(source) = status.source() {
        return format!("the connection broke: {}", one_line(&root_cause(source)));
    }
    if status.message().is_empty() {
        return status.code().description().to_owned();
    }
    one_line(status.message())
}

/// The innermost cause: the outer layers only say "transport error".
fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

fn one_line(text: &str) -> String {
    let printable: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    printable.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
