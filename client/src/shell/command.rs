//! The commands of the shell, which begin with a backslash as in psql.

use std::fmt;
use std::path::PathBuf;

use clap::ValueEnum;
use rustyline::completion::unescape;

use crate::cli;
use crate::output::{Expanded, Format};

/// All commands, with what they do.
pub(super) const HELP: &str = "\
\\d, \\dt [DATABASE]     tables, tables of a database
\\d [DATABASE.]TABLE    columns of a table
\\dn                    databases
\\x [on|off|auto]       a line for each value; auto: if a row does not fit
\\timing [on|off]       how long each statement took
\\format [FORMAT]       table, csv, json, markdown; parquet and arrow with \\o
\\o [FILE]              results go to a file; without one, back to the screen
\\i FILE                run the statements of a file
\\pager [on|off]        page what is taller than the screen, through $PAGER
\\conninfo              server and user
\\?                     this help
\\q                     leave, as Ctrl-D does

A statement ends with ; or \\g, or \\gx to show its result expanded.
Tab completes, Ctrl-R searches the history, Ctrl-C cancels a query or drops
the line.";

/// Names of all commands, for completion.
pub(super) const NAMES: [&str; 14] =
    ["?", "conninfo", "d", "dn", "dt", "format", "g", "gx", "i", "o", "pager", "q", "timing", "x"];

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Help,
    Quit,
    /// Tables of the databases that match the pattern, or of all.
    Tables(Option<String>),
    /// Columns of the only table of that name, or tables of the databases that match it.
    Named(String),
    Columns {
        database: String,
        table: String,
    },
    Databases,
    ConnectionInfo,
    /// To this, or to the other of the two.
    Timing(Option<bool>),
    Pager(Option<bool>),
    Expanded(Option<Expanded>),
    Format(Option<Format>),
    Output(Option<PathBuf>),
    Include(PathBuf),
}

/// Why a command is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CommandError {
    Unknown(String),
    Argument { command: &'static str, expected: &'static str },
    IncludesTooDeep,
}

/// Reads what follows the backslash.
pub(super) fn parse(text: &str) -> Result<Command, CommandError> {
    let (name, argument) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let argument = unquoted(argument.trim().trim_end_matches(';').trim_end());
    let given = (!argument.is_empty()).then(|| argument.to_owned());
    Ok(match name.trim_end_matches(';') {
        "?" | "h" | "help" => Command::Help,
        "q" | "quit" => Command::Quit,
        "d" if argument.contains('.') => columns(argument)?,
        "d" if given.is_some() => Command::Named(argument.to_lowercase()),
        "d" | "dt" => Command::Tables(given.map(|pattern| pattern.to_lowercase())),
        "dn" | "l" => Command::Databases,
        "conninfo" => Command::ConnectionInfo,
        "timing" => Command::Timing(switch("timing", argument)?),
        "pager" => Command::Pager(switch("pager", argument)?),
        "x" => Command::Expanded(word(argument, "x", "on, off or auto")?),
        "format" => Command::Format(word(argument, "format", Format::NAMES)?),
        "o" => Command::Output(given.as_deref().map(file_name)),
        "i" | "include" => match given.as_deref() {
            Some(file) => Command::Include(file_name(file)),
            None => return Err(CommandError::Argument { command: "i", expected: "a file" }),
        },
        _ => return Err(CommandError::Unknown(name.to_owned())),
    })
}

/// Words that are understood without a backslash, because everybody tries them.
pub(super) fn bare_command(input: &str) -> Option<&'static str> {
    match input.trim().trim_end_matches(';') {
        "exit" | "quit" => Some("q"),
        "help" => Some("?"),
        _ => None,
    }
}

/// The name of a file, with the escapes that completion puts before spaces.
fn file_name(argument: &str) -> PathBuf {
    let escape = if cfg!(windows) { None } else { Some('\\') };
    PathBuf::from(unescape(argument, escape).as_ref())
}

fn unquoted(argument: &str) -> &str {
    let without = |quote: char| argument.strip_prefix(quote)?.strip_suffix(quote);
    without('\'').or_else(|| without('"')).unwrap_or(argument)
}

fn columns(name: &str) -> Result<Command, CommandError> {
    let expected = "DATABASE.TABLE";
    let (database, table) =
        cli::table_name(name).map_err(|_| CommandError::Argument { command: "d", expected })?;
    Ok(Command::Columns { database, table })
}

fn switch(command: &'static str, argument: &str) -> Result<Option<bool>, CommandError> {
    match argument.to_ascii_lowercase().as_str() {
        "" => Ok(None),
        "on" => Ok(Some(true)),
        "off" => Ok(Some(false)),
        _ => Err(CommandError::Argument { command, expected: "on or off" }),
    }
}

fn word<V: ValueEnum>(
    argument: &str,
    command: &'static str,
    expected: &'static str,
) -> Result<Option<V>, CommandError> {
    if argument.is_empty() {
        return Ok(None);
    }
    let value = V::from_str(argument, true).map_err(|_| CommandError::Argument { command, expected })?;
    Ok(Some(value))
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "no command \\{name}; \\? lists them"),
            Self::Argument { command, expected } => write!(f, "\\{command} wants {expected}"),
            Self::IncludesTooDeep => f.write_str("files include each other too deeply"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed call fails the test")]

    use super::*;

    #[test]
    fn commands_are_read_with_their_arguments() {
        for (text, expected) in [
            ("d", Command::Tables(None)),
            ("dt sales", Command::Tables(Some("sales".into()))),
            ("d Sales", Command::Named("sales".into())),
            ("d Sales.Nation;", Command::Columns { database: "sales".into(), table: "nation".into() }),
            ("dn", Command::Databases),
            ("x", Command::Expanded(None)),
            ("x auto", Command::Expanded(Some(Expanded::Auto))),
            ("timing OFF", Command::Timing(Some(false))),
            ("format csv", Command::Format(Some(Format::Csv))),
            ("o 'my file.csv'", Command::Output(Some("my file.csv".into()))),
            ("o", Command::Output(None)),
            ("i a b.sql", Command::Include("a b.sql".into())),
            ("i a\\ b.sql", Command::Include("a b.sql".into())),
            ("q", Command::Quit),
        ] {
            assert_eq!(parse(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn a_wrong_command_is_told_what_would_be_right() {
        for (text, expected) in [
            ("dx", "no command \\dx; \\? lists them"),
            ("timing maybe", "\\timing wants on or off"),
            ("format xml", "\\format wants table|csv|json|markdown|parquet|arrow"),
            ("i", "\\i wants a file"),
            ("d a.b.c", "\\d wants DATABASE.TABLE"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn every_name_that_is_completed_is_a_command_and_in_the_help() {
        for name in NAMES.iter().filter(|name| !["g", "gx"].contains(name)) {
            assert!(!matches!(parse(name), Err(CommandError::Unknown(_))), "{name}");
        }
        for line in HELP.lines().filter_map(|line| line.strip_prefix('\\')) {
            let name = line.split_whitespace().next().unwrap().trim_end_matches(',');
            assert!(NAMES.contains(&name), "{name}");
        }
    }
}
