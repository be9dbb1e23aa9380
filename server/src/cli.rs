//! The command line: serve, show the configuration, hash a password.
//!
//! Arguments and environment are parameters, so that only `main` touches the process. Exit status 0 is success, 64 a
//! wrong command line or configuration (`EX_USAGE` of `sysexits.h`: nothing was started), 1 a server that failed, 128 and a
//! signal's number a server that a second signal has ended at once.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::app::{self, Stopped};
use crate::error::{Error, ErrorKind};
use crate::identity::hash_password;
use crate::ids::Secret;
use crate::settings::{Settings, SettingsError, reference};

/// Exit status for a wrong command line or configuration.
const EXIT_USAGE: u8 = 64;

/// What shells add to the number of a signal that has ended a process.
const EXIT_SIGNAL: u8 = 128;

/// How long the last words may take: nobody may read standard error.
const LAST_WORDS_TIMEOUT: Duration = Duration::from_secs(1);

/// Names the configuration file when `--config` does not.
const CONFIG_VARIABLE: &str = "LAKEGATE_CONFIG";

/// Arrow Flight SQL over Delta tables, with each user's AWS Lake Formation permissions enforced.
#[derive(Parser)]
#[command(name = "lakegate-server", version)]
struct Arguments {
    /// Configuration file [default: $LAKEGATE_CONFIG, else ./lakegate.toml if it exists]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Print the effective configuration, secrets hidden
    Config {
        /// Print the reference of all settings instead
        #[arg(long)]
        reference: bool,
    },
    /// Read a password and print the hash that users.<name>.password_hash takes
    HashPassword,
}

/// Why the command failed.
enum Failure {
    Settings(SettingsError),
    Server(Error),
    Io(io::Error),
    PasswordsDiffer,
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::Settings(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Server(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Runs one command to its end.
pub fn run(
    arguments: impl Iterator<Item = OsString>,
    environment: impl Iterator<Item = (String, String)>,
) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(answer) => return answer_of_clap(&answer),
    };
    match execute(arguments, environment.collect()) {
        Ok(status) => status,
        Err(failure) => report(&failure),
    }
}

fn execute(arguments: Arguments, environment: Vec<(String, String)>) -> Result<ExitCode, Failure> {
    let from_environment = environment.iter().find(|(name, _)| name == CONFIG_VARIABLE);
    let config = arguments.config.or_else(|| from_environment.map(|(_, path)| PathBuf::from(path)));
    match arguments.command {
        None => serve(Settings::load(config, environment.into_iter())?),
        Some(Command::Config { reference: true }) => print(&reference()),
        Some(Command::Config { reference: false }) => {
            print(&Settings::load(config, environment.into_iter())?.to_toml())
        }
        Some(Command::HashPassword) => print(&format!("{}\n", hash_password(&read_password()?)?)),
    }
}

fn serve(settings: Settings) -> Result<ExitCode, Failure> {
    Ok(match app::serve(settings)? {
        Stopped::Drained => ExitCode::SUCCESS,
        Stopped::AtOnce(signal) => ExitCode::from(EXIT_SIGNAL.saturating_add(signal)),
    })
}

fn print(text: &str) -> Result<ExitCode, Failure> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        // The reader has seen enough, as in `… | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        written => Ok(written.map(|()| ExitCode::SUCCESS)?),
    }
}

/// Asks twice on a terminal, where a typing error would go unseen; reads one line otherwise.
fn read_password() -> Result<Secret, Failure> {
    if io::stdin().is_terminal() {
        let password = Secret::new(rpassword::prompt_password("Password: ")?);
        let again = Secret::new(rpassword::prompt_password("Again: ")?);
        return if password == again { Ok(password) } else { Err(Failure::PasswordsDiffer) };
    }
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    let line = Secret::new(line);
    Ok(Secret::new(line.expose().trim_end_matches(['\r', '\n']).to_owned()))
}

/// Help and version go to standard output with status 0, complaints to standard error.
fn answer_of_clap(answer: &clap::Error) -> ExitCode {
    let is_complaint = answer.use_stderr();
    match answer.print() {
        Ok(()) if !is_complaint => ExitCode::SUCCESS,
        _ => ExitCode::from(EXIT_USAGE),
    }
}

/// Says on standard error what went wrong; the internal text too, since it is the operator who reads it.
fn report(failure: &Failure) -> ExitCode {
    let (text, status) = match failure {
        Failure::Settings(error) => (format!("configuration:\n{error}"), EXIT_USAGE),
        Failure::PasswordsDiffer => ("the two passwords differ".to_owned(), EXIT_USAGE),
        Failure::Io(error) => (error.to_string(), 1),
        Failure::Server(error) => {
            let status = if error.kind() == ErrorKind::InvalidRequest { EXIT_USAGE } else { 1 };
            (format!("{error}: {}", error.internal_text()), status)
        }
    };
    let line = format!("error: {}\n", text.trim_end().trim_end_matches(':'));
    let (told, heard) = mpsc::channel();
    // When standard error is gone or nobody reads it there is nobody to tell; the status still says it.
    std::thread::spawn(move || told.send(io::stderr().write_all(line.as_bytes())));
    let _ = heard.recv_timeout(LAST_WORDS_TIMEOUT);
    ExitCode::from(status)
}
