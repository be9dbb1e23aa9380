//! Profiles: names for servers, in a file of the user.
//!
//! The file is `LAKEGATE_CONFIG`, or `lakegate/config.toml` in the user's configuration folder. A profile should name
//! a command or a file that gives its secret. A password in the file itself is taken only if nobody else can read the
//! file, and a command only if nobody else can write it. No error repeats the content of the file.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use serde::Deserialize;

/// What the file may hold.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    /// The profile that is used when none is named.
    default: Option<String>,
    #[serde(default)]
    profile: BTreeMap<String, Entry>,
}

/// One profile as it is written. Deliberately without `Debug`: it may hold a password.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    url: String,
    user: Option<String>,
    tls_ca: Option<PathBuf>,
    timeout: Option<u64>,
    password: Option<String>,
    password_command: Option<String>,
    token_file: Option<PathBuf>,
    token_command: Option<String>,
}

/// A server and how to log in to it.
pub(crate) struct Profile {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) user: Option<String>,
    pub(crate) tls_ca: Option<PathBuf>,
    pub(crate) timeout: Option<u64>,
    pub(crate) secret: Option<SecretSource>,
}

/// Where the secret of a profile comes from.
pub(crate) enum SecretSource {
    Password(String),
    PasswordCommand(String),
    TokenFile(PathBuf),
    TokenCommand(String),
}

/// Why a profile cannot be used.
#[derive(Debug)]
pub(crate) enum ProfileError {
    Read { path: PathBuf, source: io::Error },
    Malformed { path: PathBuf, line: usize, problem: String },
    Unknown { name: String, known: Vec<String> },
    NoFile { name: String },
    SeveralSecrets { name: String },
    OthersCanRead { path: PathBuf },
    OthersCanWrite { path: PathBuf },
    CommandFailed { name: String, status: ExitStatus },
    CommandNotStarted { name: String, source: io::Error },
    CommandOutput { name: String },
}

/// The profile of that name; without a name the default one, if the file names one.
///
/// # Errors
/// Everything of [`ProfileError`] except for what commands can do.
pub(crate) fn find(name: Option<&str>) -> Result<Option<Profile>, ProfileError> {
    let Some(path) = path() else {
        return none_for(name);
    };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !is_path_given() => return none_for(name),
        Err(source) => return Err(ProfileError::Read { path, source }),
    };
    let content = parse(&path, &text)?;
    check_access(&path, &content)?;
    choose(content, name, path.parent().unwrap_or(Path::new("")))
}

/// Without a file there is no profile.
fn none_for(name: Option<&str>) -> Result<Option<Profile>, ProfileError> {
    match name {
        Some(name) => Err(ProfileError::NoFile { name: name.to_owned() }),
        None => Ok(None),
    }
}

const PATH_VARIABLE: &str = "LAKEGATE_CONFIG";

fn is_path_given() -> bool {
    std::env::var_os(PATH_VARIABLE).is_some_and(|path| !path.is_empty())
}

fn path() -> Option<PathBuf> {
    if is_path_given() {
        return std::env::var_os(PATH_VARIABLE).map(PathBuf::from);
    }
    let folder = user_folder("XDG_CONFIG_HOME", ".config")?;
    Some(folder.join("config.toml"))
}

/// This program's folder of one kind, by the XDG Base Directory Specification, which ignores relative paths.
pub(crate) fn user_folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = match named {
        Some(folder) => folder,
        None => std::env::home_dir().filter(|home| !home.as_os_str().is_empty())?.join(below_home),
    };
    Some(folder.join("lakegate"))
}

/// The error tells line and problem; the parser's own text would show the line, which may hold a password.
fn parse(path: &Path, text: &str) -> Result<Content, ProfileError> {
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1;
        ProfileError::Malformed { path: path.to_owned(), line, problem: error.message().to_owned() }
    })
}

fn choose(mut content: Content, name: Option<&str>, folder: &Path) -> Result<Option<Profile>, ProfileError> {
    let Some(name) = name.map(str::to_owned).or(content.default.take()) else {
        return Ok(None);
    };
    let Some(entry) = content.profile.remove(&name) else {
        let known = content.profile.into_keys().collect();
        return Err(ProfileError::Unknown { name, known });
    };
    let sources = [
        entry.password.map(SecretSource::Password),
        entry.password_command.map(SecretSource::PasswordCommand),
        entry.token_file.map(|file| SecretSource::TokenFile(resolve(folder, &file))),
        entry.token_command.map(SecretSource::TokenCommand),
    ];
    let mut sources = sources.into_iter().flatten();
    let secret = sources.next();
    if sources.next().is_some() {
        return Err(ProfileError::SeveralSecrets { name });
    }
    let tls_ca = entry.tls_ca.map(|file| resolve(folder, &file));
    Ok(Some(Profile { name, url: entry.url, user: entry.user, tls_ca, timeout: entry.timeout, secret }))
}

/// A path beside the file, or below the home folder if it begins with `~`.
fn resolve(folder: &Path, path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::home_dir()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => folder.join(path),
    }
}

#[cfg(unix)]
fn check_access(path: &Path, content: &Content) -> Result<(), ProfileError> {
    use std::os::unix::fs::PermissionsExt;

    const OTHERS_READ_OR_WRITE: u32 = 0o077;
    const OTHERS_WRITE: u32 = 0o022;
    let read = |source| ProfileError::Read { path: path.to_owned(), source };
    let mode = std::fs::metadata(path).map_err(read)?.permissions().mode();
    let mut entries = content.profile.values();
    if mode & OTHERS_READ_OR_WRITE != 0 && entries.clone().any(|entry| entry.password.is_some()) {
        return Err(ProfileError::OthersCanRead { path: path.to_owned() });
    }
    let has_command = |entry: &Entry| entry.password_command.is_some() || entry.token_command.is_some();
    if mode & OTHERS_WRITE != 0 && entries.any(has_command) {
        return Err(ProfileError::OthersCanWrite { path: path.to_owned() });
    }
    Ok(())
}

/// Who can read a file cannot be told here, so no password is taken from one.
#[cfg(not(unix))]
fn check_access(path: &Path, content: &Content) -> Result<(), ProfileError> {
    if content.profile.values().any(|entry| entry.password.is_some()) {
        return Err(ProfileError::OthersCanRead { path: path.to_owned() });
    }
    Ok(())
}

/// Runs the command of a profile, which may ask its user something, and returns the first line that it prints.
pub(crate) fn run_command(profile: &str, command: &str) -> Result<String, ProfileError> {
    let name = profile.to_owned();
    let output =
        Command::new("sh").arg("-c").arg(command).stderr(Stdio::inherit()).stdin(Stdio::inherit()).output();
    let output = match output {
        Ok(output) if output.status.success() => output.stdout,
        Ok(output) => return Err(ProfileError::CommandFailed { name, status: output.status }),
        Err(source) => return Err(ProfileError::CommandNotStarted { name, source }),
    };
    let text = String::from_utf8(output).ok();
    let first = text.as_deref().and_then(|text| text.lines().next()).filter(|line| !line.is_empty());
    first.map(str::to_owned).ok_or(ProfileError::CommandOutput { name })
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, source } => write!(f, "cannot read {}: {source}", path.display()),
            Self::Malformed { path, line, problem } => {
                write!(f, "{}, line {line}: {problem}", path.display())
            }
            Self::Unknown { name, known } if known.is_empty() => {
                write!(f, "no profile {name}: there are none")
            }
            Self::Unknown { name, known } => write!(f, "no profile {name}; there are {}", known.join(", ")),
            Self::NoFile { name } => write!(f, "no profile {name}: there is no file with profiles"),
            Self::SeveralSecrets { name } => {
                write!(
                    f,
                    "profile {name} has more than one of password, password_command, token_file, token_command"
                )
            }
            Self::OthersCanRead { path } => {
                write!(f, "{} holds a password and can be read by others", path.display())
            }
            Self::OthersCanWrite { path } => {
                write!(f, "{} names a command and can be written by others", path.display())
            }
            Self::CommandFailed { name, status } => {
                write!(f, "the command of profile {name} failed: {status}")
            }
            Self::CommandNotStarted { name, source } => {
                write!(f, "the command of profile {name} did not start: {source}")
            }
            Self::CommandOutput { name } => write!(f, "the command of profile {name} printed no text"),
        }
    }
}

#[cfg(test)]
mod tests;
