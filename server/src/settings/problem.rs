//! What can be wrong with a configuration, said in one line each.
//!
//! Invariant: no problem repeats a value. A key name, a section name, a path and an operating system's error
//! are all that is shown, so a start that fails cannot put a secret on a terminal or into a log.

use std::fmt;
use std::path::PathBuf;

/// Everything that is wrong with a configuration. Reported together: fixing one line per start is no way to work.
#[derive(Debug)]
pub struct SettingsError {
    pub(super) problems: Vec<Problem>,
}

/// One thing that is wrong. `origin` is the key as the operator wrote it: `server.address` for the file,
/// `LAKEGATE__SERVER__ADDRESS` for the environment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem {
    Unreadable { origin: String, path: PathBuf, kind: std::io::ErrorKind },
    Syntax { line: usize, message: String },
    UnknownSection { origin: String, nearest: Option<String> },
    UnknownKey { origin: String, nearest: Option<String> },
    NotATable { origin: String },
    Invalid { origin: String, form: &'static str },
    OutOfRange { origin: String, allowed: String },
    Missing { key: String },
    Refused { key: String, reason: &'static str },
}

impl SettingsError {
    pub(super) fn one(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { origin, path, kind } => {
                write!(formatter, "{origin}: cannot read {}: {kind}", path.display())
            }
            Self::Syntax { line, message } => write!(formatter, "line {line}: {message}"),
            Self::UnknownSection { origin, nearest } => {
                write!(formatter, "{origin}: unknown section")?;
                write_nearest(formatter, nearest.as_deref())
            }
            Self::UnknownKey { origin, nearest } => {
                write!(formatter, "{origin}: unknown key")?;
                write_nearest(formatter, nearest.as_deref())
            }
            Self::NotATable { origin } => write!(formatter, "{origin}: expected a section of keys"),
            Self::Invalid { origin, form } => write!(formatter, "{origin}: expected {form}"),
            Self::OutOfRange { origin, allowed } => write!(formatter, "{origin}: expected {allowed}"),
            Self::Missing { key } => write!(formatter, "{key}: required and not set"),
            Self::Refused { key, reason } => write!(formatter, "{key}: {reason}"),
        }
    }
}

fn write_nearest(formatter: &mut fmt::Formatter<'_>, nearest: Option<&str>) -> fmt::Result {
    match nearest {
        Some(nearest) => write!(formatter, "; did you mean {nearest}?"),
        None => Ok(()),
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(formatter, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}
