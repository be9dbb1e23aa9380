//! `[users.<name>]`: who may log in, and which IAM role stands for them.
//!
//! Invariant: a user exists with both a password hash and a role, or not at all. The role comes from here and
//! from nowhere else: a client that could name its role, tags or external id could choose its own rights.

use std::collections::BTreeMap;
use std::fmt;

use argon2::password_hash::phc::PasswordHash;

use super::problem::Problem;
use super::section::{Given, read};
use super::source::nearest;
use super::value::HIDDEN;
use crate::ids::{RoleArn, Secret};

/// The keys of a user.
pub(super) const KEYS: [&str; 2] = ["password_hash", "role_arn"];

/// Longest user name in bytes: it is echoed in logs and becomes part of the role session's name.
const NAME_LIMIT: usize = 64;

/// One user.
#[derive(Clone)]
pub struct UserSettings {
    /// Argon2 hash of the password as a PHC string, as `lakegate-server hash-password` prints it.
    pub password_hash: Secret,
    /// The IAM role that Lake Formation knows the user as.
    pub role_arn: RoleArn,
}

impl fmt::Debug for UserSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("UserSettings")
            .field("password_hash", &HIDDEN)
            .field("role_arn", &self.role_arn.as_str())
            .finish()
    }
}

/// Users while the sources are being read: a file may give the role and the environment the hash.
#[derive(Default)]
pub(super) struct UserDrafts(BTreeMap<String, Draft>);

#[derive(Default)]
struct Draft {
    password_hash: Option<Secret>,
    role_arn: Option<RoleArn>,
}

impl UserDrafts {
    /// Sets one key of one user.
    pub(super) fn assign(
        &mut self,
        user: &str,
        key: &str,
        origin: String,
        given: &Given<'_>,
    ) -> Result<(), Problem> {
        let draft = self.0.entry(user.to_owned()).or_default();
        match key {
            "password_hash" => draft.password_hash = Some(read(origin, given)?),
            "role_arn" => draft.role_arn = Some(read(origin, given)?),
            _ => {
                return Err(Problem::UnknownKey { nearest: nearest(key, KEYS.into_iter()), origin });
            }
        }
        Ok(())
    }

    /// The users that are complete and sound; what is wrong with the others goes to `problems`.
    pub(super) fn finish(self, problems: &mut Vec<Problem>) -> BTreeMap<String, UserSettings> {
        let mut users = BTreeMap::new();
        for (name, draft) in self.0 {
            let key = |key: &str| format!("users.{name}.{key}");
            if !name_is_sound(&name) {
                problems.push(Problem::Refused {
                    key: format!("users.{name}"),
                    reason: "a user name has 1 to 64 letters, digits or any of . _ - @ +",
                });
            }
            match (draft.password_hash, draft.role_arn) {
                (Some(password_hash), Some(role_arn)) => {
                    if !is_argon2_hash(&password_hash) {
                        problems.push(Problem::Refused {
                            key: key("password_hash"),
                            reason: "expected an Argon2 PHC string as `lakegate-server hash-password` prints it",
                        });
                    }
                    users.insert(name, UserSettings { password_hash, role_arn });
                }
                (password_hash, role_arn) => {
                    let missing =
                        [("password_hash", password_hash.is_none()), ("role_arn", role_arn.is_none())];
                    let missing = missing.into_iter().filter(|(_, is_missing)| *is_missing);
                    problems.extend(missing.map(|(name, _)| Problem::Missing { key: key(name) }));
                }
            }
        }
        users
    }
}

/// The letters that a role session's name may have besides `=` and `,`
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>), so that names need no escaping.
fn name_is_sound(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@+".contains(&byte);
    (1..=NAME_LIMIT).contains(&name.len()) && name.bytes().all(is_allowed)
}

fn is_argon2_hash(hash: &Secret) -> bool {
    PasswordHash::new(hash.expose())
        .is_ok_and(|parsed| parsed.algorithm.as_str().starts_with("argon2") && parsed.hash.is_some())
}
