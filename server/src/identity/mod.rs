//! Who is asking: how a login becomes a [`Principal`], and what a token proves.
//!
//! ```text
//! user, password ─▶ users: name → hash, role ─▶ Argon2id ─▶ Principal ─▶ sealed token ─▶ client
//!                                                                                          │
//! Principal ◀─────── still configured with this role? ◀─────── open ◀─────── bearer token ◀┘
//! ```
//!
//! Threats and answers
//! - *Guessing names.* A wrong password, an unknown user, an empty user and an empty password have one answer and,
//!   but for the empty ones, one duration: an unknown user is checked against a decoy hash.
//! - *Guessing passwords.* Argon2id makes a guess expensive; half of the cores at the most check them, and a storm of guesses
//!   waits behind the logins of other addresses and names ([`line`]). There is no lock-out: it would let anyone lock out
//!   anyone.
//! - *Choosing a role.* The role comes from the configuration only. Nothing that a client sends is read as a role, a
//!   session tag or an external id.
//! - *Stale tokens.* A token is compared with the configuration of today each time it is used.
//! - *Forged or borrowed tickets.* [`seal`] binds each to its purpose and to its owner's user and role.
//!
//! A token is a bearer credential: whoever has it is the user until it expires, which is why the server should be
//! reached over TLS only.

mod line;
mod password;
mod principal;
mod seal;
mod token;
mod users;

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::time::Duration;

pub(crate) use self::password::hash_password;
pub(crate) use self::principal::Principal;
pub(crate) use self::seal::{Purpose, Sealer};
pub(crate) use self::users::TOKEN_USER;

use self::password::PasswordChecker;
use self::users::Users;
use crate::error::{Error, ErrorKind};
use crate::ids::{PeerNetwork, Secret};
use crate::settings::{Networks, Settings};

/// A successful login.
pub(crate) struct Login {
    /// Who logged in.
    pub(crate) principal: Principal,
    /// The bearer token for the calls that follow, as text for an HTTP header.
    pub(crate) token: Secret,
}

/// Checks passwords and tokens; owns the keys that seal.
pub(crate) struct Identity {
    users: Users,
    passwords: PasswordChecker,
    sealer: Sealer,
    token_lifetime: Duration,
    /// Addresses that say nothing about who is behind them.
    proxies: Networks,
}

impl Identity {
    /// Reads the users and the sealing keys of the configuration. Needs a Tokio runtime if the keys are in a file.
    ///
    /// # Errors
    /// A password hash or a sealing key that is malformed.
    pub(crate) fn new(settings: &Settings) -> Result<Self, Error> {
        let sealer = match &settings.identity.sealing_keys_file {
            Some(file) => Sealer::follow(file)?,
            None => Sealer::new(&settings.identity.sealing_keys)?,
        };
        Ok(Self {
            users: Users::new(&settings.users)?,
            passwords: PasswordChecker::new(),
            sealer,
            token_lifetime: settings.identity.token_ttl,
            proxies: settings.server.proxies.clone(),
        })
    }

    /// Checks a password and issues a token.
    ///
    /// # Arguments
    /// * `peer` - where the login comes from: decides whose turn it is, and nothing else.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthenticated`] with one text for every wrong login; [`ErrorKind::ResourceExhausted`] if too
    /// many logins wait.
    pub(crate) async fn login(
        &self,
        peer: Option<IpAddr>,
        user: &str,
        password: &Secret,
    ) -> Result<Login, Error> {
        let network = peer.filter(|peer| !self.proxies.contain(*peer)).map(PeerNetwork::of);
        let known = self.users.find(user);
        let hash = known.map_or(self.users.decoy(), users::User::password_hash);
        let password_is_right = self.passwords.verify(network, user, password, hash).await?;
        let Some(user) = known.filter(|_| password_is_right) else {
            return Err(Error::new(ErrorKind::Unauthenticated, "user name or password is wrong"));
        };
        Ok(Login {
            principal: user.principal().clone(),
            token: token::issue(&self.sealer, user, self.token_lifetime)?,
        })
    }

    /// The name of the user that a client has named, as the configuration spells it; `None` if there is no such user, and
    /// what was typed may be anything, a password too.
    pub(crate) fn known_name(&self, typed: &str) -> Option<&str> {
        self.users.find(typed).map(|user| user.principal().user())
    }

    /// Who a bearer token stands for today.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthenticated`] if the token is damaged, foreign or expired, or if its user is gone or has
    /// another role by now.
    pub(crate) fn verify(&self, bearer_token: &str) -> Result<Principal, Error> {
        let login = token::open(&self.sealer, bearer_token)?;
        let user = self.users.find(&login.user).ok_or_else(token::invalid)?;
        if user.principal().role().as_str() != login.role_arn {
            return Err(token::invalid());
        }
        Ok(user.principal().clone())
    }

    /// Whether a token was good once and is too old now.
    pub(crate) fn has_expired(&self, bearer_token: &str) -> bool {
        token::has_expired(&self.sealer, bearer_token)
    }

    /// How long a login lasts, and with it the session that begins there.
    pub(crate) fn token_lifetime(&self) -> Duration {
        self.token_lifetime
    }

    /// Seals tickets, handles and sessions.
    pub(crate) fn sealer(&self) -> &Sealer {
        &self.sealer
    }
}
