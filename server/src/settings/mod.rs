//! The configuration: plain typed data, read once, checked whole, then handed to the components.
//!
//! ```text
//! defaults (keys.rs) ─▶ AWS_REGION, AWS_ENDPOINT_URL ─▶ lakegate.toml ─▶ LAKEGATE__SECTION__KEY ─▶ checks ─▶ Settings
//! ```
//!
//! Invariants: every key has one annotated definition (`keys.rs`), from which structs, defaults and the reference
//! come; no unknown key is ignored; no value is ever repeated in an error; secrets show as `***`; the process
//! environment is an argument, so only `main` reads it and tests need none.

mod check;
mod keys;
mod networks;
mod problem;
mod reference;
mod section;
mod source;
mod table_set;
#[cfg(test)]
mod tests;
mod users;
mod value;

use std::path::{Path, PathBuf};

use self::problem::Problem;
use self::source::Builder;

pub use self::keys::{
    AccessSettings, AdminSettings, AuditSettings, AwsSettings, EngineSettings, IdentitySettings, LogSettings,
    ServerSettings, SessionSettings, Settings, TableSettings,
};
pub use self::networks::Networks;
pub use self::problem::SettingsError;
pub use self::reference::reference;
pub use self::table_set::TableSet;
pub use self::users::UserSettings;
pub use self::value::{ByteSize, CellMasking, InvalidText, LogFormat, LogLevel};

/// The file that is read if no other is named and this one exists.
const DEFAULT_FILE: &str = "lakegate.toml";

impl Settings {
    /// Reads `path`, or `./lakegate.toml` if that exists, and applies `environment` over it.
    ///
    /// # Errors
    /// Everything that is wrong with the file, the variables and the files they name.
    pub fn load(
        path: Option<PathBuf>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        let is_required = path.is_some();
        let path = path.unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !is_required => String::new(),
            Err(error) => return Err(SettingsError::one(cannot_read(&path, &error))),
        };
        Self::from_toml(&text, environment)
    }

    /// Reads settings from the text of a configuration file and a set of environment variables.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn from_toml(
        text: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        let file: toml::Table =
            text.parse().map_err(|error| SettingsError::one(syntax_problem(text, &error)))?;
        let mut environment: Vec<(String, String)> = environment.collect();
        environment.sort();

        let mut builder = Builder::default();
        builder.apply_aws_variables(&environment);
        builder.apply_file(&file);
        builder.apply_environment(&environment);
        let (settings, mut problems) = builder.finish();
        problems.extend(check::check(&settings));
        if problems.is_empty() { Ok(settings) } else { Err(SettingsError { problems }) }
    }
}

fn cannot_read(path: &Path, error: &std::io::Error) -> Problem {
    Problem::Unreadable { origin: "configuration".to_owned(), path: path.to_owned(), kind: error.kind() }
}

/// Only the line's number and the parser's own words: its full report would quote the line, which may hold a secret.
fn syntax_problem(text: &str, error: &toml::de::Error) -> Problem {
    let offset = error.span().map_or(0, |span| span.start);
    let line = text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1;
    Problem::Syntax { line, message: error.message().to_owned() }
}
