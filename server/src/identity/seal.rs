//! Sealing: how this server hands out state and gets it back unread and unchanged.
//!
//! Tokens, tickets and prepared handles travel to the client and return. They hold SQL text and literals, so they
//! are encrypted, not only signed; and they are bound to their owner, so that one user's ticket is noise in the
//! hands of another.
//!
//! ```text
//! version (1) ‖ key id (4) ‖ nonce (24) ‖ XChaCha20-Poly1305( expiry (8, ms since 1970) ‖ protobuf )
//! associated data = version ‖ purpose ‖ 0                                       without an owner
//!                 = version ‖ purpose ‖ 1 ‖ length of user ‖ user ‖ role        with one
//! ```
//!
//! Invariants
//! - A value opens only with the purpose and the owner that it was sealed with. Whatever else goes wrong (damage,
//!   another key, another owner, another purpose) has one answer, so trying tells nothing.
//! - Nothing is decoded before the tag was verified: the protobuf decoder never sees a stranger's bytes.
//! - A sealed value proves what was asked, never that it is allowed: the caller authorises again.
//! - Keys are wiped when dropped and cannot be printed.
//!
//! A nonce of 192 bits may be drawn at random without counting (draft-irtf-cfrg-xchacha, section 3.1), so replicas
//! that share a key need no coordination. The key id only says which key of the ring to try: the first key seals,
//! all of them open, so keys are exchanged by adding the new one at the end everywhere, then moving it to the front. A
//! ring that comes from a file is exchanged while it is in use.

use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, Generate, Payload};
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};
use chrono::{DateTime, Utc};
use prost::Message;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::Principal;
use crate::error::{Error, ErrorKind};
use crate::ids::Secret;
use crate::mutant::Mutant;
use crate::reload::{Content, Followed};

const VERSION: u8 = 1;
const KEY_ID_BYTES: usize = 4;
const NONCE_BYTES: usize = 24;
const EXPIRY_BYTES: usize = 8;
const KEY_ID_CONTEXT: &[u8] = b"lakegate sealing key id";

/// What a sealed value is for. Part of what is authenticated: a ticket cannot be presented as a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// A bearer token.
    Token,
    /// A ticket that fetches the result of a statement.
    Ticket,
    /// The handle of a prepared statement.
    Prepared,
    /// The options of a session.
    Session,
}

impl Purpose {
    fn byte(self) -> u8 {
        match self {
            Self::Token => 1,
            Self::Ticket => 2,
            Self::Prepared => 3,
            Self::Session => 4,
        }
    }

    /// The one answer for whatever does not open.
    pub(super) fn refused(self) -> Error {
        match self {
            Self::Token => Error::new(ErrorKind::Unauthenticated, "the token is not valid: log in again"),
            Self::Ticket => {
                Error::new(ErrorKind::PermissionDenied, "the ticket is damaged or was issued to someone else")
            }
            Self::Prepared => Error::new(
                ErrorKind::PermissionDenied,
                "the statement handle is damaged or was issued to someone else",
            ),
            Self::Session => Error::new(
                ErrorKind::PermissionDenied,
                "the session cookie is damaged or was issued to someone else: connect again",
            ),
        }
    }

    fn expired(self) -> Error {
        let text = match self {
            Self::Token => "the token has expired: log in again",
            Self::Ticket => "the ticket has expired: send the statement again",
            Self::Prepared => "the prepared statement has expired: prepare it again",
            Self::Session => "the session has expired: connect again",
        };
        Error::new(ErrorKind::Expired, text)
    }
}

/// One key of the ring. No `Debug`; the cipher wipes its key when dropped.
struct SealingKey {
    id: [u8; KEY_ID_BYTES],
    cipher: XChaCha20Poly1305,
}

impl SealingKey {
    fn new(key: &Key) -> Self {
        let digest = Sha256::new().chain_update(KEY_ID_CONTEXT).chain_update(key).finalize();
        let mut id = [0; KEY_ID_BYTES];
        id.copy_from_slice(&digest[..KEY_ID_BYTES]);
        Self { id, cipher: XChaCha20Poly1305::new(key) }
    }

    fn from_base64(text: &Secret) -> Result<Self, SealingKeyError> {
        let bytes =
            STANDARD.decode(text.expose()).map(Zeroizing::new).map_err(|_| SealingKeyError::NotBase64)?;
        let key: &Key = bytes.as_slice().try_into().map_err(|_| SealingKeyError::WrongLength)?;
        Ok(Self::new(key))
    }

    fn random() -> Result<Self, Error> {
        let mut key = Key::try_generate().map_err(no_randomness)?;
        let sealing_key = Self::new(&key);
        key.as_mut_slice().zeroize();
        Ok(sealing_key)
    }
}

/// Why a configured sealing key cannot be used. Never carries the key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SealingKeyError {
    NotBase64,
    WrongLength,
}

impl SealingKeyError {
    fn text(self) -> &'static str {
        match self {
            Self::NotBase64 => "a key is not base64",
            Self::WrongLength => "a key is not 32 bytes long",
        }
    }
}

/// The keys of one moment.
struct KeyRing {
    /// Seals, and opens.
    current: SealingKey,
    /// Only open.
    others: Vec<SealingKey>,
}

impl KeyRing {
    /// A ring of base64 keys, the first one current; `None` without any.
    fn new(keys: &[Secret]) -> Result<Option<Self>, SealingKeyError> {
        let keys = keys.iter().map(SealingKey::from_base64).collect::<Result<Vec<_>, _>>()?;
        let mut keys = keys.into_iter();
        Ok(keys.next().map(|current| Self { current, others: keys.collect() }))
    }

    /// Reads a file with one key per line; empty lines and those that begin with `#` are left out.
    fn from_file(contents: &[Content]) -> Result<Self, Error> {
        let malformed = |internal: &str| {
            Error::new(ErrorKind::InvalidRequest, "identity.sealing_keys_file is malformed").because(internal)
        };
        let mut keys = Vec::new();
        for content in contents {
            let text = std::str::from_utf8(content).map_err(|_| malformed("it is not text"))?;
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
            keys.extend(lines.map(|line| Secret::new(line.to_owned())));
        }
        let ring = Self::new(&keys).map_err(|error| malformed(error.text()))?;
        ring.ok_or_else(|| malformed("it holds no key"))
    }
}

/// Seals and opens with a ring of keys.
pub(crate) struct Sealer {
    ring: Followed<KeyRing>,
}

impl Sealer {
    /// A ring of base64 keys of 32 bytes each; the first one seals. Without any, a random key that lives as long
    /// as this process.
    ///
    /// # Errors
    /// A key that is not base64 or not 32 bytes long; no randomness from the operating system.
    pub(super) fn new(keys: &[Secret]) -> Result<Self, Error> {
        let invalid = |error: SealingKeyError| {
            Error::new(ErrorKind::InvalidRequest, "identity.sealing_keys is malformed").because(error.text())
        };
        let ring = match KeyRing::new(keys).map_err(invalid)? {
            Some(ring) => ring,
            None => {
                tracing::warn!("identity.sealing_keys is empty: sessions end with this process");
                KeyRing { current: SealingKey::random()?, others: Vec::new() }
            }
        };
        Ok(Self { ring: Followed::fixed(ring) })
    }

    /// The ring of a file, now and whenever the file has changed. Needs a Tokio runtime.
    ///
    /// # Errors
    /// A file that cannot be read now, or holds no key or a malformed one. Later ones are logged.
    pub(super) fn follow(file: &Path) -> Result<Self, Error> {
        let ring = Followed::start("sealing keys", vec![file.to_owned()], KeyRing::from_file)?;
        Ok(Self { ring })
    }

    /// Seals `body` for `owner` until `lifetime` from now.
    ///
    /// # Errors
    /// Only a defect or an operating system without randomness.
    pub(crate) fn seal<M: Message>(
        &self,
        purpose: Purpose,
        owner: Option<&Principal>,
        lifetime: Duration,
        body: &M,
    ) -> Result<Vec<u8>, Error> {
        self.seal_at(Utc::now(), purpose, owner, lifetime, body)
    }

    /// Opens what [`seal`](Self::seal) made for the same purpose and owner.
    ///
    /// # Errors
    /// [`ErrorKind::Expired`] after its lifetime. Everything else has one answer per purpose:
    /// [`ErrorKind::Unauthenticated`] for a token, [`ErrorKind::PermissionDenied`] for a ticket, a handle or a session.
    pub(crate) fn open<M: Message + Default>(
        &self,
        purpose: Purpose,
        owner: Option<&Principal>,
        sealed: &[u8],
    ) -> Result<M, Error> {
        self.open_at(Utc::now(), purpose, owner, sealed)
    }

    fn seal_at<M: Message>(
        &self,
        now: DateTime<Utc>,
        purpose: Purpose,
        owner: Option<&Principal>,
        lifetime: Duration,
        body: &M,
    ) -> Result<Vec<u8>, Error> {
        let expiry = expiry_after(now, lifetime);
        let mut plaintext = Vec::with_capacity(EXPIRY_BYTES + body.encoded_len());
        plaintext.extend_from_slice(&expiry.to_be_bytes());
        plaintext.extend_from_slice(&body.encode_to_vec());
        let nonce = XNonce::try_generate().map_err(no_randomness)?;
        let payload = Payload { msg: &plaintext, aad: &associated_data(purpose, owner) };
        let ring = self.ring.load();
        let ciphertext = ring
            .current
            .cipher
            .encrypt(&nonce, payload)
            .map_err(|_| Error::internal("a value was too long to seal"))?;

        let mut sealed = Vec::with_capacity(1 + KEY_ID_BYTES + NONCE_BYTES + ciphertext.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&ring.current.id);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        Ok(sealed)
    }

    fn open_at<M: Message + Default>(
        &self,
        now: DateTime<Utc>,
        purpose: Purpose,
        owner: Option<&Principal>,
        sealed: &[u8],
    ) -> Result<M, Error> {
        let plaintext = self.decrypt(purpose, owner, sealed).ok_or_else(|| purpose.refused())?;
        let (expiry, body) =
            plaintext.split_first_chunk::<EXPIRY_BYTES>().ok_or_else(|| purpose.refused())?;
        if now.timestamp_millis() >= i64::from_be_bytes(*expiry) && !Mutant::NeverExpires.is_on() {
            return Err(purpose.expired());
        }
        M::decode(body).map_err(|_| purpose.refused())
    }

    fn decrypt(&self, purpose: Purpose, owner: Option<&Principal>, sealed: &[u8]) -> Option<Vec<u8>> {
        let (version, rest) = sealed.split_first()?;
        if *version != VERSION {
            return None;
        }
        let (key_id, rest) = rest.split_first_chunk::<KEY_ID_BYTES>()?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_BYTES>()?;
        let nonce = XNonce::from(*nonce);
        let aad = associated_data(purpose, owner);
        let ring = self.ring.load();
        // Ids are short, so two keys may share one: every key with this id is tried.
        std::iter::once(&ring.current)
            .chain(&ring.others)
            .filter(|key| key.id == *key_id)
            .find_map(|key| key.cipher.decrypt(&nonce, Payload { msg: ciphertext, aad: &aad }).ok())
    }
}

/// Binds a sealed value to its format, its purpose and its owner. The user's length comes first, so no other pair
/// of user and role gives the same bytes.
fn associated_data(purpose: Purpose, owner: Option<&Principal>) -> Vec<u8> {
    let mut data = vec![VERSION, purpose.byte()];
    let Some(principal) = owner.filter(|_| !Mutant::SealedForAnyone.is_on()) else {
        data.push(0);
        return data;
    };
    data.push(1);
    data.extend_from_slice(&(principal.user().len() as u64).to_be_bytes());
    data.extend_from_slice(principal.user().as_bytes());
    data.extend_from_slice(principal.role().as_str().as_bytes());
    data
}

/// A lifetime too long for the clock's range never expires, which is what its author asked for.
fn expiry_after(now: DateTime<Utc>, lifetime: Duration) -> i64 {
    let lifetime_ms = i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX);
    now.timestamp_millis().saturating_add(lifetime_ms)
}

fn no_randomness(_: impl Sized) -> Error {
    Error::internal("the operating system gave no random bytes")
}

#[cfg(test)]
mod tests;
