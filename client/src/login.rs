//! Where to connect and as whom, put together from options, profile, environment and prompt.
//!
//! Order: option, profile that was named, environment, default profile, prompt. Two rules protect secrets:
//! there is no option for one, because what stands on a command line is visible in the process list; and the secret
//! of a profile goes only to that profile's server and for that profile's user, whatever else is overridden.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lakegate_client::{ConnectOptions, Credentials, ServerUrl};

use crate::cli::{ServerArgs, read_file, text};
use crate::failure::{Failure, UsageError};
use crate::profile::{self, Profile, SecretSource};

const DEFAULT_URL: &str = "grpc://127.0.0.1:32010";

/// How to log in.
pub(crate) struct Login {
    pub(crate) options: ConnectOptions,
    /// The profile in use.
    pub(crate) profile: Option<String>,
    /// The user, unless a token tells.
    pub(crate) user: Option<String>,
}

/// A profile, and whether the user named it.
struct Chosen {
    profile: Option<Profile>,
    is_named: bool,
}

impl Chosen {
    /// The first value in the order of the sources.
    fn pick<T>(
        &self,
        option: Option<T>,
        of_profile: impl Fn(&Profile) -> Option<T>,
        environment: impl Fn() -> Option<T>,
    ) -> Option<T> {
        let of_profile = || self.profile.as_ref().and_then(&of_profile);
        if self.is_named {
            option.or_else(of_profile).or_else(environment)
        } else {
            option.or_else(environment).or_else(of_profile)
        }
    }
}

/// Reads everything that is needed, and may ask for the password.
///
/// # Errors
/// What is missing, unreadable or malformed.
pub(crate) fn log_in(args: &ServerArgs) -> Result<Login, Failure> {
    let named = args.profile.clone().or_else(|| variable("LAKEGATE_PROFILE"));
    let profile = profile::find(named.as_deref())?;
    let chosen = Chosen { profile, is_named: named.is_some() };

    let url = chosen.pick(args.url.clone(), |profile| Some(profile.url.clone()), || variable("LAKEGATE_URL"));
    let url: ServerUrl = url.as_deref().unwrap_or(DEFAULT_URL).parse()?;
    let user = chosen.pick(args.user.clone(), |profile| profile.user.clone(), || variable("LAKEGATE_USER"));
    let user = user.filter(|user| !user.is_empty());
    let tls_ca = chosen.pick(
        args.tls_ca.clone(),
        |profile| profile.tls_ca.clone(),
        || variable("LAKEGATE_TLS_CA").map(PathBuf::from),
    );
    let timeout = chosen.pick(args.timeout, |profile| profile.timeout, || None);

    let secret = secret(args, &chosen, &url, user.as_deref())?;
    let is_token = matches!(secret, Secret::Token(_));
    let credentials = match secret {
        Secret::Token(token) => Credentials::token(token)?,
        Secret::Password(password) => {
            Credentials::password(user.clone().ok_or(UsageError::NoUser)?, password)?
        }
    };
    let mut options = ConnectOptions::new(url, credentials);
    if let Some(seconds) = timeout {
        options = options.with_query_timeout(Duration::from_secs(seconds));
    }
    if let Some(path) = tls_ca {
        options = options.with_ca_certificates(read_file(&path)?);
    }
    let profile = chosen.profile.map(|profile| profile.name);
    Ok(Login { options, profile, user: user.filter(|_| !is_token) })
}

/// Deliberately without `Debug`.
enum Secret {
    Password(String),
    Token(String),
}

fn secret(
    args: &ServerArgs,
    chosen: &Chosen,
    url: &ServerUrl,
    user: Option<&str>,
) -> Result<Secret, Failure> {
    if let Some(path) = &args.token_file {
        return token_of_file(path);
    }
    let of_profile = || match &chosen.profile {
        Some(profile) if is_meant_for(profile, url, user) => secret_of_profile(profile),
        _ => Ok(None),
    };
    let found = if chosen.is_named {
        first(of_profile, || secret_of_environment(user))?
    } else {
        first(|| secret_of_environment(user), of_profile)?
    };
    if let Some(secret) = found {
        return Ok(secret);
    }
    match user {
        Some(user) => Ok(Secret::Password(ask_password(user)?)),
        None => Err(UsageError::NoUser.into()),
    }
}

type Found = Result<Option<Secret>, Failure>;

fn first(one: impl FnOnce() -> Found, other: impl FnOnce() -> Found) -> Found {
    match one()? {
        Some(secret) => Ok(Some(secret)),
        None => other(),
    }
}

/// Whether the secret of a profile may go to this server for this user.
fn is_meant_for(profile: &Profile, url: &ServerUrl, user: Option<&str>) -> bool {
    let same_server = profile.url.parse::<ServerUrl>().is_ok_and(|of_profile| of_profile == *url);
    let same_user = profile.user.is_none() || profile.user.as_deref() == user;
    same_server && same_user
}

fn secret_of_profile(profile: &Profile) -> Found {
    let run = |command: &str| profile::run_command(&profile.name, command);
    Ok(match &profile.secret {
        None => None,
        Some(SecretSource::Password(password)) => Some(Secret::Password(password.clone())),
        Some(SecretSource::PasswordCommand(command)) => Some(Secret::Password(run(command)?)),
        Some(SecretSource::TokenFile(path)) => Some(token_of_file(path)?),
        Some(SecretSource::TokenCommand(command)) => Some(Secret::Token(run(command)?)),
    })
}

fn secret_of_environment(user: Option<&str>) -> Found {
    if let Some(token) = secret_variable("LAKEGATE_TOKEN")? {
        return Ok(Some(Secret::Token(token)));
    }
    if user.is_none() {
        return Ok(None);
    }
    Ok(secret_variable("LAKEGATE_PASSWORD")?.map(Secret::Password))
}

fn token_of_file(path: &Path) -> Result<Secret, Failure> {
    let token = text(read_file(path)?, UsageError::SecretNotText)?;
    Ok(Secret::Token(token.trim().to_owned()))
}

/// A variable that is set but empty counts as not set.
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name)?.into_string().ok().filter(|value| !value.is_empty())
}

fn secret_variable(name: &str) -> Result<Option<String>, UsageError> {
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
