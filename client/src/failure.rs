//! How a run of the command line ends, and the exit code for each ending.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | everything was written |
//! | 1 | the query failed, or its result could not be written completely |
//! | 2 | wrong usage |
//! | 3 | login or permission refused |
//! | 4 | server not reachable, or the connection broke |
//! | 130 | interrupted (128 + SIGINT) |

use std::fmt;
use std::io;
use std::path::PathBuf;

use lakegate_client::{ClientError, ErrorKind};

use crate::output::{Format, OutputError};

/// Why a run did not end with success.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The arguments do not fit together.
    Usage(UsageError),
    /// A file named on the command line, or standard input, cannot be read.
    Read { path: PathBuf, source: io::Error },
    /// The password prompt failed.
    Prompt(io::Error),
    /// The server, or the way to it.
    Client(ClientError),
    /// Writing the result.
    Output(OutputError),
    /// `describe` found no table of that name that the user may see.
    NoSuchTable(String),
    /// The operating system gave no threads.
    Runtime(io::Error),
    /// Ctrl-C.
    Interrupted,
}

/// Arguments that do not fit together, beyond what the argument parser itself checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UsageError {
    EmptyStatement,
    StatementNotText,
    NoUser,
    NoPassword,
    SecretNotText,
    TableName,
    FormatUnknown,
    NeedsOutputFile,
    BinaryToTerminal,
    OnlyForTable,
    OutputIsDirectory,
}

impl Failure {
    /// The exit code of the process.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Client(error) => match error.kind() {
                ErrorKind::Query => 1,
                ErrorKind::Usage => 2,
                ErrorKind::Denied => 3,
                ErrorKind::Unavailable => 4,
            },
            // The reader of a pipe that has seen enough is not an error.
            Self::Output(OutputError::ReaderGone) => 0,
            Self::Output(_) | Self::NoSuchTable(_) | Self::Runtime(_) => 1,
            Self::Usage(_) | Self::Read { .. } | Self::Prompt(_) => 2,
            Self::Interrupted => 130,
        }
    }

    /// Whether the user is told about it.
    pub(crate) fn is_silent(&self) -> bool {
        matches!(self, Self::Interrupted | Self::Output(OutputError::ReaderGone))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(error) => error.fmt(f),
            Self::Read { path, source } => write!(f, "cannot read {}: {source}", path.display()),
            Self::Prompt(source) => write!(f, "cannot ask for the password: {source}"),
            Self::Client(error) => error.fmt(f),
            Self::Output(error) => error.fmt(f),
            Self::NoSuchTable(name) => write!(f, "no table {name} is visible to you"),
            Self::Runtime(source) => write!(f, "cannot start: {source}"),
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyStatement => f.write_str("the SQL statement is empty"),
            Self::StatementNotText => f.write_str("the SQL statement is not UTF-8 text"),
            Self::NoUser => f.write_str("no user: give -u USER, LAKEGATE_USER, or a token"),
            Self::NoPassword => {
                f.write_str("no password: set LAKEGATE_PASSWORD, or run in a terminal to be asked")
            }
            Self::SecretNotText => f.write_str("LAKEGATE_PASSWORD or the token is not UTF-8 text"),
            Self::TableName => f.write_str("a table is named as database.table"),
            Self::FormatUnknown => {
                write!(f, "the file name does not tell the format: give --format {}", Format::NAMES)
            }
            Self::NeedsOutputFile => f.write_str("parquet needs a file: give -o FILE"),
            Self::BinaryToTerminal => {
                f.write_str("arrow is binary: give -o FILE, or pipe the output to a program")
            }
            Self::OnlyForTable => {
                f.write_str("--max-width and --limit-rows shorten what is shown, and need --format table")
            }
            Self::OutputIsDirectory => f.write_str("the output file is a directory"),
        }
    }
}

impl From<UsageError> for Failure {
    fn from(error: UsageError) -> Self {
        Self::Usage(error)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}

impl From<OutputError> for Failure {
    fn from(error: OutputError) -> Self {
        Self::Output(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ending_has_the_documented_exit_code() {
        let lost = io::Error::other("disk full");
        for (failure, code) in [
            (Failure::Client(ClientError::SchemaChanged), 1),
            (Failure::NoSuchTable("a.b".into()), 1),
            (Failure::Output(OutputError::Io(lost)), 1),
            (Failure::Usage(UsageError::NoUser), 2),
            (Failure::Client(ClientError::UserName), 2),
            (Failure::Interrupted, 130),
        ] {
            assert_eq!(failure.exit_code(), code, "{failure}");
        }
    }

    #[test]
    fn an_unreachable_server_exits_with_four() {
        let limit = std::time::Duration::from_secs(1);
        let failure = Failure::Client(ClientError::ConnectTimeout(limit));
        assert_eq!(failure.exit_code(), 4);
    }

    #[test]
    fn a_reader_that_has_seen_enough_is_a_silent_success() {
        let failure = Failure::Output(OutputError::ReaderGone);
        assert!(failure.is_silent());
        assert_eq!(failure.exit_code(), 0);
    }
}
