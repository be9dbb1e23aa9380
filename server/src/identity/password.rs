//! Passwords: hashing and checking with Argon2id.
//!
//! Argon2 is slow and takes memory on purpose (19 MiB and tens of milliseconds with the default parameters), which
//! makes a login the cheapest way to load this server from outside. So half of the cores at the most hash at the same time,
//! and the others wait in a [`Line`] of bounded length, which is fair by address and by name.
//! Hashing runs on blocking threads, and the turn travels into the blocking closure: a client that hangs up does
//! not free a place that is still in use.

use std::sync::Arc;
use std::thread;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

use super::line::Line;
use crate::error::{Error, ErrorKind};
use crate::ids::{PeerNetwork, Secret};

/// Logins that may wait for their turn; each waits for tens of milliseconds per place in front of it.
const QUEUE_LIMIT: usize = 128;

/// Longest password, in bytes: hashing time grows with the length.
const PASSWORD_LIMIT: usize = 1024;

/// Hashes a password with Argon2id, its recommended parameters and a fresh salt.
///
/// Returns the PHC string (`$argon2id$v=19$…`) that `users.<name>.password_hash` takes. Takes tens of milliseconds
/// of CPU time: not for an async task.
///
/// # Errors
/// An empty password or one of more than 1024 bytes; no randomness from the operating system.
pub(crate) fn hash_password(password: &Secret) -> Result<String, Error> {
    if !is_acceptable(password) {
        return Err(Error::new(ErrorKind::InvalidRequest, "a password has 1 to 1024 bytes"));
    }
    let hash: PasswordHash = Argon2::default()
        .hash_password(password.expose().as_bytes())
        .map_err(|error| Error::internal(format!("hashing a password: {error}")))?;
    Ok(hash.to_string())
}

/// Checks passwords, a bounded number at a time.
pub(super) struct PasswordChecker {
    line: Arc<Line>,
}

impl PasswordChecker {
    /// A checker that uses half of this machine's cores at the most.
    pub(super) fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self::with_limits((cores / 2).max(1), QUEUE_LIMIT)
    }

    fn with_limits(concurrent: usize, queued: usize) -> Self {
        Self { line: Line::new(concurrent, queued) }
    }

    /// Whether `password` is the one that `hash` was made of. Takes the same time for yes and no.
    ///
    /// # Arguments
    /// * `peer` - where the login comes from; absent for an address that many share.
    /// * `name` - for whom it is, whether there is such a user or not.
    ///
    /// # Errors
    /// [`ErrorKind::ResourceExhausted`] if too many logins wait already.
    pub(super) async fn verify(
        &self,
        peer: Option<PeerNetwork>,
        name: &str,
        password: &Secret,
        hash: &Arc<PasswordHash>,
    ) -> Result<bool, Error> {
        if !is_acceptable(password) {
            return Ok(false);
        }
        let turn = self.line.turn(self.line.weighed(peer, name)).await?;
        let password = password.clone();
        let hash = Arc::clone(hash);
        tokio::task::spawn_blocking(move || {
            let is_right = Argon2::default().verify_password(password.expose().as_bytes(), &*hash).is_ok();
            if !is_right {
                turn.was_wrong();
            }
            is_right
        })
        .await
        .map_err(|error| Error::internal(format!("checking a password: {error}")))
    }
}

fn is_acceptable(password: &Secret) -> bool {
    (1..=PASSWORD_LIMIT).contains(&password.expose().len())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed test may panic")]

    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    fn hash_of(password: &str) -> Arc<PasswordHash> {
        Arc::new(PasswordHash::new(&hash_password(&secret(password)).unwrap()).unwrap())
    }

    #[tokio::test]
    async fn only_the_hashed_password_verifies() {
        let checker = PasswordChecker::new();
        let hash = hash_of("correct horse");
        assert!(checker.verify(None, "analyst", &secret("correct horse"), &hash).await.unwrap());
        for wrong in ["", "correct horse ", "Correct horse", "correct"] {
            assert!(!checker.verify(None, "analyst", &secret(wrong), &hash).await.unwrap(), "{wrong:?}");
        }
    }

    #[test]
    fn hashing_the_same_password_twice_gives_different_texts() {
        let password = secret("correct horse");
        let first = hash_password(&password).unwrap();
        assert!(first.starts_with("$argon2id$v=19$"), "{first}");
        assert_ne!(first, hash_password(&password).unwrap());
    }

    #[test]
    fn empty_and_overlong_passwords_are_not_hashed() {
        for password in [String::new(), "x".repeat(PASSWORD_LIMIT + 1)] {
            let error = hash_password(&Secret::new(password)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        }
    }

    #[tokio::test]
    async fn a_login_beyond_the_queue_is_turned_away_at_once() {
        let checker = PasswordChecker::with_limits(1, 0);
        let hash = hash_of("correct horse");
        let place = checker.line.turn(checker.line.weighed(None, "analyst")).await.unwrap();
        let error = checker.verify(None, "analyst", &secret("correct horse"), &hash).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResourceExhausted);
        drop(place);
        assert!(checker.verify(None, "analyst", &secret("correct horse"), &hash).await.unwrap());
    }
}
