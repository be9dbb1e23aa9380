//! The users of the configuration: name → password hash and role.
//!
//! The configuration is the only source of a user's role (no header, parameter or token of a client can name one),
//! and a user without an entry cannot log in: there is no default role.
//!
//! An unknown user is checked against a decoy hash with the same cost as a known one, so the time of an answer does
//! not tell which names exist. The decoy has the parameters of the costliest configured hash; the times are alike if
//! all hashes were made with the same parameters, as those of `lakegate-server hash-password` are.

use std::collections::HashMap;
use std::sync::Arc;

use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};

use super::Principal;
use crate::error::{Error, ErrorKind};
use crate::settings::UserSettings;

/// The name with which a client logs in whose password is a token.
pub(crate) const TOKEN_USER: &str = "token";

/// What the decoy hash is made of. No secret: its outcome is never used.
const DECOY_PASSWORD: &[u8] = b"decoy";
const DECOY_SALT: &[u8] = b"lakegate-decoy-salt";

/// One configured user.
pub(super) struct User {
    principal: Principal,
    password_hash: Arc<PasswordHash>,
}

impl User {
    /// Who this user is after a successful login.
    pub(super) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// What the password is checked against.
    pub(super) fn password_hash(&self) -> &Arc<PasswordHash> {
        &self.password_hash
    }
}

/// All configured users.
pub(super) struct Users {
    by_name: HashMap<String, User>,
    decoy: Arc<PasswordHash>,
}

impl Users {
    /// Checks and takes over the configured users.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for an empty or reserved name or a hash that is not a complete Argon2 PHC string; names
    /// the user, never the hash.
    pub(super) fn new<'a>(
        configured: impl IntoIterator<Item = (&'a String, &'a UserSettings)>,
    ) -> Result<Self, Error> {
        let mut by_name = HashMap::new();
        let mut costliest: Option<Params> = None;
        for (name, settings) in configured {
            if name.is_empty() {
                return Err(Error::new(ErrorKind::InvalidRequest, "a user has an empty name"));
            }
            if name == TOKEN_USER {
                let text = "no user can be called so, because the password of that name is a token";
                return Err(Error::new(ErrorKind::InvalidRequest, text).echoing(name));
            }
            let (hash, params) = read_hash(settings.password_hash.expose()).ok_or_else(|| {
                Error::new(
                    ErrorKind::InvalidRequest,
                    "password_hash is not a complete Argon2 PHC string for user",
                )
                .echoing(name)
            })?;
            if costliest.as_ref().is_none_or(|known| cost(&params) > cost(known)) {
                costliest = Some(params);
            }
            let user = User {
                principal: Principal::new(name, settings.role_arn.clone()),
                password_hash: Arc::new(hash),
            };
            by_name.insert(name.clone(), user);
        }
        Ok(Self { by_name, decoy: Arc::new(decoy(costliest.unwrap_or_default())?) })
    }

    /// The user of exactly this name.
    pub(super) fn find(&self, name: &str) -> Option<&User> {
        self.by_name.get(name)
    }

    /// What the password of an unknown user is checked against.
    pub(super) fn decoy(&self) -> &Arc<PasswordHash> {
        &self.decoy
    }
}

/// A PHC string without salt or hash parses as well, and would refuse every password at once: a mistake to find at
/// the start, not at a login.
fn read_hash(text: &str) -> Option<(PasswordHash, Params)> {
    let hash = PasswordHash::new(text).ok()?;
    Algorithm::try_from(hash.algorithm.as_str()).ok()?;
    let params = Params::try_from(&hash).ok()?;
    (hash.salt.is_some() && hash.hash.is_some()).then_some((hash, params))
}

fn cost(params: &Params) -> u64 {
    u64::from(params.m_cost()) * u64::from(params.t_cost())
}

fn decoy(params: Params) -> Result<PasswordHash, Error> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_with_salt(DECOY_PASSWORD, DECOY_SALT)
        .map_err(|error| Error::internal(format!("making the decoy hash: {error}")))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed test may panic")]

    use super::*;
    use crate::ids::{RoleArn, Secret};

    /// Hashes of nothing in particular, which differ in what they cost.
    const CHEAP: &str =
        "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzYWx0$nOmFXAVhWNNpJHFaUFUsAsaAmWwbjsPmDzYaPNtQp1M";
    const COSTLY: &str =
        "$argon2id$v=19$m=128,t=3,p=1$c29tZXNhbHRzYWx0$nOmFXAVhWNNpJHFaUFUsAsaAmWwbjsPmDzYaPNtQp1M";

    fn users(hashes: &[&str]) -> Result<Users, Error> {
        let role = RoleArn::parse("arn:aws:iam::123456789012:role/lakegate/analyst").unwrap();
        let configured: Vec<(String, UserSettings)> = hashes
            .iter()
            .enumerate()
            .map(|(number, hash)| {
                let password_hash = Secret::new((*hash).to_owned());
                (format!("user{number}"), UserSettings { password_hash, role_arn: role.clone() })
            })
            .collect();
        Users::new(configured.iter().map(|(name, settings)| (name, settings)))
    }

    fn decoy_params(hashes: &[&str]) -> (u32, u32) {
        let params = Params::try_from(&**users(hashes).unwrap().decoy()).unwrap();
        (params.m_cost(), params.t_cost())
    }

    #[test]
    fn an_unknown_user_costs_as_much_as_a_known_one() {
        assert_eq!(decoy_params(&[CHEAP]), (64, 1));
        assert_eq!(decoy_params(&[CHEAP, COSTLY, CHEAP]), (128, 3));
        assert_eq!(decoy_params(&[]), (Params::DEFAULT_M_COST, Params::DEFAULT_T_COST));
    }

    #[test]
    fn an_incomplete_hash_is_found_at_the_start_and_not_printed() {
        for hash in [
            "",
            "canary",
            "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRjYW5hcnk",
            "$scrypt$ln=1,r=8,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
        ] {
            let error = users(&[hash]).err().unwrap();
            assert_eq!(
                error.public_text(),
                "password_hash is not a complete Argon2 PHC string for user: user0"
            );
            assert!(error.internal_text().is_empty());
        }
    }
}
