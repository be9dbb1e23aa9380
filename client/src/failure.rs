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
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use lakegate_client::{ClientError, ErrorKind};
use tonic::Code;
use unicode_width::UnicodeWidthStr;

use crate::output::{Format, OutputError};
use crate::profile::ProfileError;
use crate::shell::CommandError;
use crate::terminal::{Style, escape, note};

/// Why a run did not end with success.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The arguments do not fit together.
    Usage(UsageError),
    /// A profile cannot be used.
    Profile(ProfileError),
    /// A command of the shell is wrong.
    Command(CommandError),
    /// A file named on the command line, or standard input, cannot be read.
    Read { path: PathBuf, source: io::Error },
    /// The password prompt failed.
    Prompt(io::Error),
    /// The server, or the way to it.
    Client(ClientError),
    /// The server refused the text of a statement, and said where: the lines that point there.
    Located { error: ClientError, excerpt: String },
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
    OneResultPerFile,
    UnfinishedStatement,
}

impl Failure {
    /// The exit code of the process.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Client(error) | Self::Located { error, .. } => match error.kind() {
                ErrorKind::Query => 1,
                ErrorKind::Usage => 2,
                ErrorKind::Denied => 3,
                ErrorKind::Unavailable => 4,
            },
            // The reader of a pipe that has seen enough is not an error.
            Self::Output(OutputError::ReaderGone) => 0,
            Self::Output(_) | Self::NoSuchTable(_) | Self::Runtime(_) => 1,
            Self::Usage(_) | Self::Profile(_) | Self::Command(_) | Self::Read { .. } | Self::Prompt(_) => 2,
            Self::Interrupted => 130,
        }
    }

    /// Whether the user is told about it.
    pub(crate) fn is_silent(&self) -> bool {
        matches!(self, Self::Interrupted | Self::Output(OutputError::ReaderGone))
    }

    /// Points to the place in the statement that the server's message names, if it names one.
    pub(crate) fn at(self, sql: &str) -> Self {
        match self {
            Self::Client(error) => match excerpt(sql, &error.to_string()) {
                Some(excerpt) => Self::Located { error, excerpt },
                None => Self::Client(error),
            },
            other => other,
        }
    }

    /// Tells the user on standard error: what failed, where, and what may help.
    pub(crate) fn print(&self) {
        if self.is_silent() {
            return;
        }
        let style = Style::of_stream(io::stderr().is_terminal());
        note(&format!("{} {}", style.red("error:"), escape(&self.to_string())));
        if let Self::Located { excerpt, .. } = self {
            note(excerpt);
        }
        if let Some(hint) = self.hint() {
            note(&format!("{} {hint}", style.bold("hint:")));
        }
        if let Some(id) = self.query_id() {
            note(&format!("{} {}", style.bold("query id:"), escape(id)));
        }
    }

    /// By what the server's operator finds the statement in log and audit trail, if the server has told it.
    fn query_id(&self) -> Option<&str> {
        let (Self::Client(ClientError::Status(status))
        | Self::Located { error: ClientError::Status(status), .. }) = self
        else {
            return None;
        };
        status.metadata().get(QUERY_ID_TRAILER)?.to_str().ok()
    }

    /// What the user can do about it, where that is not plain from the error.
    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Client(error) | Self::Located { error, .. } => hint(error),
            Self::Profile(ProfileError::OthersCanRead { .. }) => {
                Some("chmod 600 it, or use password_command instead")
            }
            Self::Profile(ProfileError::OthersCanWrite { .. }) => Some("chmod 600 it"),
            Self::NoSuchTable(_) => Some(LISTING),
            _ => None,
        }
    }
}

/// Trailer with the id of the statement that has failed.
const QUERY_ID_TRAILER: &str = "x-lakegate-query-id";

const LISTING: &str = "`lakegate tables`, in the shell \\d, lists what you may read";

fn hint(error: &ClientError) -> Option<&'static str> {
    match error {
        ClientError::Connect { .. } => {
            let cause = error.to_string();
            Some(if cause.contains("certificate") {
                "--tls-ca FILE names the certificates to trust"
            } else if cause.contains("InvalidContentType") {
                "the server seems to have no TLS: grpc:// instead of grpc+tls://"
            } else {
                "--url, LAKEGATE_URL or a profile says where the server is"
            })
        }
        ClientError::ConnectTimeout(_) => Some("is the port right, and open in the firewall?"),
        ClientError::QueryTimeout(_) => Some("--timeout SECONDS, or timeout in the profile, is the limit"),
        ClientError::Status(status) => match status.code() {
            _ if std::error::Error::source(status.as_ref()).is_some() => {
                Some("a server with TLS wants grpc+tls://; otherwise see whether it still runs")
            }
            Code::Unauthenticated => Some("check user and password, or get a new token"),
            Code::NotFound => Some(LISTING),
            _ => None,
        },
        _ => None,
    }
}

/// The line of the statement that a message such as `… at Line: 1, Column: 8` means, with a mark under the place.
fn excerpt(sql: &str, message: &str) -> Option<String> {
    let (_, place) = message.rsplit_once(" at Line: ")?;
    let (line, column) = place.split_once(", Column: ")?;
    let digits = |text: &str| text.trim_end_matches(|c: char| !c.is_ascii_digit()).parse::<usize>().ok();
    let (line, column) = (digits(line)?, digits(column)?);
    let text = sql.lines().nth(line.checked_sub(1)?)?;
    let before: String = text.chars().take(column.checked_sub(1)?).collect();
    let label = format!("{line} | ");
    let indent = label.len() + escape(&before).width();
    Some(format!("{label}{}\n{}^", escape(text), " ".repeat(indent)))
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(error) => error.fmt(f),
            Self::Profile(error) => error.fmt(f),
            Self::Command(error) => error.fmt(f),
            Self::Read { path, source } => write!(f, "cannot read {}: {source}", path.display()),
            Self::Prompt(source) => write!(f, "cannot ask for the password: {source}"),
            Self::Client(error) | Self::Located { error, .. } => error.fmt(f),
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
            Self::NoUser => f.write_str("no user: give -u USER, LAKEGATE_USER, a profile, or a token"),
            Self::NoPassword => {
                f.write_str("no password: set LAKEGATE_PASSWORD, or run in a terminal to be asked")
            }
            Self::SecretNotText => f.write_str("LAKEGATE_PASSWORD or the token is not UTF-8 text"),
            Self::TableName => f.write_str("a table is named as database.table"),
            Self::FormatUnknown => {
                write!(f, "the file name does not tell the format: give --format {}", Format::NAMES)
            }
            Self::NeedsOutputFile => f.write_str("parquet needs a file: -o FILE, in the shell \\o FILE"),
            Self::BinaryToTerminal => {
                f.write_str("arrow is binary: -o FILE, in the shell \\o FILE, or a pipe to a program")
            }
            Self::OnlyForTable => {
                f.write_str("--max-width and --limit-rows shorten what is shown, and need --format table")
            }
            Self::OutputIsDirectory => f.write_str("the output file is a directory"),
            Self::OneResultPerFile => {
                f.write_str("parquet and arrow hold one result per file: \\o FILE starts another")
            }
            Self::UnfinishedStatement => f.write_str("the input ends inside a statement or a quote"),
        }
    }
}

impl From<UsageError> for Failure {
    fn from(error: UsageError) -> Self {
        Self::Usage(error)
    }
}

impl From<ProfileError> for Failure {
    fn from(error: ProfileError) -> Self {
        Self::Profile(error)
    }
}

impl From<CommandError> for Failure {
    fn from(error: CommandError) -> Self {
        Self::Command(error)
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
    #![expect(clippy::unwrap_used, reason = "a failed call fails the test")]

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
    fn the_query_id_is_told_if_the_server_tells_it() {
        let mut status = tonic::Status::internal("internal error");
        assert_eq!(Failure::Client(ClientError::Status(Box::new(status.clone()))).query_id(), None);
        status.metadata_mut().insert(QUERY_ID_TRAILER, "0193".parse().unwrap());
        assert_eq!(Failure::Client(ClientError::Status(Box::new(status))).query_id(), Some("0193"));
    }

    #[test]
    fn the_place_that_the_server_names_is_shown_in_the_statement() {
        let sql = "select a\n\tfrom \u{6771} selec";
        let message = "not SQL: ParserError(\"found: selec at Line: 2, Column: 9\")";
        // A tab is shown as its escape, and the letter takes two columns.
        assert_eq!(excerpt(sql, message).unwrap(), "2 | \\tfrom 東 selec\n              ^");
        for elsewhere in ["found: x at Line: 9, Column: 1", "found: x at Line: 0, Column: 0", "no place"] {
            assert_eq!(excerpt(sql, elsewhere), None);
        }
    }

    #[test]
    fn a_reader_that_has_seen_enough_is_a_silent_success() {
        let failure = Failure::Output(OutputError::ReaderGone);
        assert!(failure.is_silent());
        assert_eq!(failure.exit_code(), 0);
    }
}
