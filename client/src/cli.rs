//! The arguments of `lakegate`, and what can be decided from them without a server.
//!
//! There is no argument for a password or a token: what stands on a command line is visible in the
//! process list and stays in the shell's history.

use std::io::{IsTerminal, Read};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use lakegate_client::{ConnectOptions, Credentials};

use crate::failure::{Failure, UsageError};
use crate::output::{Format, Layout, OutputPlan};

const ENVIRONMENT: &str = "\
Environment:
  LAKEGATE_PASSWORD  password of the user; asked for in a terminal when it is not set
  LAKEGATE_TOKEN     bearer token, used instead of user and password
  NO_COLOR           no colours

Exit codes:
  0 done   1 query failed   2 wrong usage   3 login or permission refused
  4 server not reachable    130 interrupted";

/// Query tables that AWS Lake Formation governs, through a Lakegate server.
#[derive(Debug, Parser)]
#[command(name = "lakegate", version, after_help = ENVIRONMENT)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where to connect and as whom.
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// Server: grpc://host:port, or grpc+tls://host:port
    #[arg(long, global = true, env = "LAKEGATE_URL", default_value = "grpc://127.0.0.1:32010")]
    pub(crate) url: String,
    /// User to log in as
    #[arg(short, long, global = true, env = "LAKEGATE_USER")]
    pub(crate) user: Option<String>,
    /// File holding a bearer token, used instead of user and password
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Certificates to trust instead of the machine's own (PEM)
    #[arg(long, global = true, value_name = "FILE", env = "LAKEGATE_TLS_CA")]
    pub(crate) tls_ca: Option<PathBuf>,
    /// Give up on a query after this many seconds
    #[arg(long, global = true, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) timeout: Option<u64>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run one SQL statement, from the argument, from a file, or from standard input
    Query {
        /// SQL statement
        #[arg(conflicts_with = "file")]
        sql: Option<String>,
        /// Read the statement from a file
        #[arg(short, long, value_name = "FILE")]
        file: Option<PathBuf>,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// List databases
    #[command(visible_alias = "schemas")]
    Databases {
        #[command(flatten)]
        output: OutputArgs,
    },
    /// List tables
    Tables {
        /// Database, or a LIKE pattern for databases
        database: Option<String>,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Show the columns of a table
    Describe {
        /// Table, as database.table
        table: String,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Log in, and print the name and version of the server
    Ping,
    /// Print the version of this program
    Version,
}

/// How and where rows are written.
#[derive(Debug, Args)]
pub(crate) struct OutputArgs {
    /// Output format [default: by the name of the -o file, otherwise table]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Write to a file, which appears only when the result is complete
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Cut table cells to this many characters [default: 64 in a terminal, otherwise whole]
    #[arg(long, value_name = "N")]
    max_width: Option<NonZeroUsize>,
    /// Show only the first rows of a table
    #[arg(long, value_name = "N")]
    limit_rows: Option<usize>,
}

/// Widest cell in a terminal, unless the user says otherwise.
const TERMINAL_CELL_WIDTH: usize = 64;

impl OutputArgs {
    /// Checks the arguments against each other and against standard output.
    pub(crate) fn plan(self, stdout_is_terminal: bool) -> Result<OutputPlan, UsageError> {
        let format = self.resolve_format()?;
        let shortens = self.max_width.is_some() || self.limit_rows.is_some();
        if shortens && format != Format::Table {
            return Err(UsageError::OnlyForTable);
        }
        let to_terminal = self.output.is_none() && stdout_is_terminal;
        if format == Format::Parquet && self.output.is_none() {
            return Err(UsageError::NeedsOutputFile);
        }
        if format == Format::Arrow && to_terminal {
            return Err(UsageError::BinaryToTerminal);
        }
        if self.output.as_deref().is_some_and(Path::is_dir) {
            return Err(UsageError::OutputIsDirectory);
        }
        let default_width = to_terminal.then_some(TERMINAL_CELL_WIDTH);
        Ok(OutputPlan {
            format,
            file: self.output,
            layout: Layout {
                max_width: self.max_width.map(NonZeroUsize::get).or(default_width),
                limit_rows: self.limit_rows,
                to_terminal,
            },
        })
    }

    fn resolve_format(&self) -> Result<Format, UsageError> {
        match (self.format, &self.output) {
            (Some(format), _) => Ok(format),
            (None, None) => Ok(Format::Table),
            (None, Some(file)) => Format::of_file(file).ok_or(UsageError::FormatUnknown),
        }
    }
}

impl ServerArgs {
    /// Reads the URL, the credentials and the certificates. May ask for the password.
    pub(crate) fn connect_options(&self) -> Result<ConnectOptions, Failure> {
        let url = self.url.parse()?;
        let mut options = ConnectOptions::new(url, self.credentials()?);
        if let Some(seconds) = self.timeout {
            options = options.with_query_timeout(Duration::from_secs(seconds));
        }
        if let Some(path) = &self.tls_ca {
            options = options.with_ca_certificates(read_file(path)?);
        }
        Ok(options)
    }

    fn credentials(&self) -> Result<Credentials, Failure> {
        if let Some(path) = &self.token_file {
            let token = text(read_file(path)?, UsageError::SecretNotText)?;
            return Ok(Credentials::token(token.trim())?);
        }
        if let Some(token) = secret_from_environment("LAKEGATE_TOKEN")? {
            return Ok(Credentials::token(token)?);
        }
        let user = self.user.as_deref().unwrap_or_default();
        if user.is_empty() {
            return Err(UsageError::NoUser.into());
        }
        let password = match secret_from_environment("LAKEGATE_PASSWORD")? {
            Some(password) => password,
            None => ask_password(user)?,
        };
        Ok(Credentials::password(user, password)?)
    }
}

/// The SQL text of `query`: the argument, the file, or standard input to its end.
pub(crate) fn statement(sql: Option<String>, file: Option<&Path>) -> Result<String, Failure> {
    let statement = match (sql, file) {
        (Some(sql), _) => sql,
        (None, Some(path)) => text(read_file(path)?, UsageError::StatementNotText)?,
        (None, None) => text(read_stdin()?, UsageError::StatementNotText)?,
    };
    if statement.trim().is_empty() {
        return Err(UsageError::EmptyStatement.into());
    }
    Ok(statement)
}

/// Splits `database.table`. Names are lower-cased, as SQL does with names that are not quoted.
pub(crate) fn table_name(name: &str) -> Result<(String, String), UsageError> {
    let (database, table) = name.split_once('.').ok_or(UsageError::TableName)?;
    if database.is_empty() || table.is_empty() || table.contains('.') {
        return Err(UsageError::TableName);
    }
    Ok((database.to_lowercase(), table.to_lowercase()))
}

fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|source| Failure::Read { path: path.to_owned(), source })
}

fn read_stdin() -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().read_to_end(&mut bytes);
    read.map_err(|source| Failure::Read { path: PathBuf::from("standard input"), source })?;
    Ok(bytes)
}

fn text(bytes: Vec<u8>, otherwise: UsageError) -> Result<String, UsageError> {
    String::from_utf8(bytes).map_err(|_| otherwise)
}

/// A variable that is set but empty counts as not set.
fn secret_from_environment(name: &str) -> Result<Option<String>, UsageError> {
    let Some(value) = std::env::var_os(name) else {
        return Ok(None);
    };
    let value = value.into_string().map_err(|_| UsageError::SecretNotText)?;
    Ok((!value.is_empty()).then_some(value))
}

/// Asks on the controlling terminal, so that it also works while SQL comes from standard input.
fn ask_password(user: &str) -> Result<String, Failure> {
    if !std::io::stderr().is_terminal() {
        return Err(UsageError::NoPassword.into());
    }
    rpassword::prompt_password(format!("Password for {user}: ")).map_err(Failure::Prompt)
}

#[cfg(test)]
mod tests;
