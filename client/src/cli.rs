//! The arguments of `lakegate`, and what can be decided from them without a server.

use std::io::Read;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::failure::{Failure, UsageError};
use crate::output::{Expanded, Format, Layout, OutputPlan, Pager};
use crate::terminal::Size;

const AFTER_HELP: &str = "\
Without a command it starts the shell; \\? there lists what it knows.

Environment:
  LAKEGATE_PASSWORD  password of the user; asked for in a terminal when it is not set
  LAKEGATE_TOKEN     bearer token, used instead of user and password
  LAKEGATE_CONFIG    file with profiles [default: ~/.config/lakegate/config.toml]
  LAKEGATE_HISTORY   file with the shell's history; empty for none
  PAGER              shows what is taller than the screen [default: less]
  NO_COLOR           no colours

Exit codes:
  0 done   1 query failed   2 wrong usage   3 login or permission refused
  4 server not reachable    130 interrupted";

/// Query tables that AWS Lake Formation governs, through a Lakegate server.
#[derive(Debug, Parser)]
#[command(name = "lakegate", version, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Where to connect and as whom. What is not given here comes from the profile, or from the environment.
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// Profile with server and login [env: LAKEGATE_PROFILE]
    #[arg(short = 'P', long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Server: grpc://host:port, or grpc+tls://host:port [env: LAKEGATE_URL] [default: grpc://127.0.0.1:32010]
    #[arg(long, global = true)]
    pub(crate) url: Option<String>,
    /// User to log in as [env: LAKEGATE_USER]
    #[arg(short, long, global = true)]
    pub(crate) user: Option<String>,
    /// File holding a bearer token, used instead of user and password
    #[arg(long, global = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) token_file: Option<PathBuf>,
    /// Certificates to trust instead of the machine's own (PEM) [env: LAKEGATE_TLS_CA]
    #[arg(long, global = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) tls_ca: Option<PathBuf>,
    /// Give up on a query after this many seconds
    #[arg(long, global = true, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) timeout: Option<u64>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the shell, or run the statements and commands that standard input holds
    Shell {
        #[command(flatten)]
        output: OutputArgs,
    },
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
    /// Print the completion script for a command shell
    Completions {
        /// The command shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write those of all commands into a folder
    Man {
        /// Folder for the pages
        #[arg(value_name = "FOLDER", value_hint = clap::ValueHint::DirPath)]
        folder: Option<PathBuf>,
    },
}

/// How and where rows are written.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct OutputArgs {
    /// Output format [default: by the name of the -o file, otherwise table]
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// Write to a file, which appears only when the result is complete
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
    /// Show a line for each value instead of one for each row
    #[arg(short = 'x', long, value_enum, value_name = "WHEN", num_args = 0..=1, require_equals = true,
          default_value = "off", default_missing_value = "on")]
    pub(crate) expanded: Expanded,
    /// Cut table cells to this many characters [default: whole; in a terminal so that lines fit]
    #[arg(long, value_name = "N")]
    max_width: Option<NonZeroUsize>,
    /// Show only the first rows of a table
    #[arg(long, value_name = "N")]
    limit_rows: Option<usize>,
    /// Print what is taller than the screen too
    #[arg(long)]
    pub(crate) no_pager: bool,
}

impl OutputArgs {
    /// Checks the arguments against each other and against standard output, which may be a terminal of some size.
    pub(crate) fn plan(&self, terminal: Option<Size>) -> Result<OutputPlan, UsageError> {
        let format = self.resolve_format()?;
        let shortens = self.max_width.is_some() || self.limit_rows.is_some();
        if shortens && format != Format::Table {
            return Err(UsageError::OnlyForTable);
        }
        let terminal = terminal.filter(|_| self.output.is_none());
        if format == Format::Parquet && self.output.is_none() {
            return Err(UsageError::NeedsOutputFile);
        }
        if format == Format::Arrow && terminal.is_some() {
            return Err(UsageError::BinaryToTerminal);
        }
        if self.output.as_deref().is_some_and(Path::is_dir) {
            return Err(UsageError::OutputIsDirectory);
        }
        let pager = if self.no_pager { Pager::None } else { Pager::from_environment() };
        // Who names a width wants the lines as long as that makes them.
        let fits = self.max_width.is_none();
        Ok(OutputPlan {
            format,
            file: self.output.clone(),
            follows: false,
            layout: Layout {
                max_width: self.max_width.map(NonZeroUsize::get),
                screen_width: terminal.filter(|_| fits).map(|size| size.columns),
                expanded: self.expanded,
                limit_rows: self.limit_rows,
                to_terminal: terminal.is_some(),
            },
            screen: terminal.map(|size| (pager, size.rows)),
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

pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|source| Failure::Read { path: path.to_owned(), source })
}

fn read_stdin() -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().read_to_end(&mut bytes);
    read.map_err(|source| Failure::Read { path: PathBuf::from("standard input"), source })?;
    Ok(bytes)
}

pub(crate) fn text(bytes: Vec<u8>, otherwise: UsageError) -> Result<String, UsageError> {
    String::from_utf8(bytes).map_err(|_| otherwise)
}

#[cfg(test)]
mod tests;
