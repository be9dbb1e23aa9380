//! Bearer tokens: a sealed statement that a user logged in.
//!
//! A token says who logged in, as which role and until when. It grants nothing by itself: `Identity::verify` compares
//! it with the configuration of today, so removing a user or changing the role ends every token issued before, on
//! every replica, without a list of revoked tokens. A changed password does not: exchange the sealing keys for that.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lakegate_proto::v1::SealedToken;
use uuid::Uuid;

use super::seal::{Purpose, Sealer};
use super::users::User;
use crate::error::{Error, ErrorKind};
use crate::ids::Secret;

/// Longest token that is looked at, in characters. Ours have a few hundred.
const TOKEN_LIMIT: usize = 4096;

/// Issues a token for a user whose password was just checked.
pub(super) fn issue(sealer: &Sealer, user: &User, lifetime: Duration) -> Result<Secret, Error> {
    let body = SealedToken {
        user: user.principal().user().to_owned(),
        role_arn: user.principal().role().as_str().to_owned(),
        session_id: Uuid::new_v4().to_string(),
    };
    // Who presents a token is known only after it was opened, so it has no owner beside its own content.
    let sealed = sealer.seal(Purpose::Token, None, lifetime, &body)?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(sealed)))
}

/// Opens a token. Its content is authentic, but of the time of its login.
///
/// # Errors
/// [`ErrorKind::Unauthenticated`] for anything but a token of this server that has not expired.
pub(super) fn open(sealer: &Sealer, text: &str) -> Result<SealedToken, Error> {
    if text.len() > TOKEN_LIMIT {
        return Err(invalid());
    }
    let sealed = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
    sealer.open(Purpose::Token, None, &sealed).map_err(|error| match error.kind() {
        // Clients log in again on this code and on no other.
        ErrorKind::Expired => Error::new(ErrorKind::Unauthenticated, "the token has expired: log in again"),
        _ => error,
    })
}

/// Whether a text is a token of this server that was good once.
pub(super) fn has_expired(sealer: &Sealer, text: &str) -> bool {
    let sealed = if text.len() > TOKEN_LIMIT { None } else { URL_SAFE_NO_PAD.decode(text).ok() };
    let opened = sealed.map(|sealed| sealer.open::<SealedToken>(Purpose::Token, None, &sealed));
    matches!(opened, Some(Err(error)) if error.kind() == ErrorKind::Expired)
}

/// The answer for a token that proves nothing.
pub(super) fn invalid() -> Error {
    Purpose::Token.refused()
}
