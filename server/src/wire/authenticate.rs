//! From headers to a principal: every call begins here.
//!
//! A [`Caller`] can only be made by [`authenticate`], and every handler wants one, so a handler that forgot to ask who
//! calls does not compile. Who it is, the `authorization` header alone says: other headers are the client's claims.

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use tonic::Request;
use tonic::metadata::MetadataMap;
use zeroize::Zeroizing;

use super::deadline;
use super::sessions::CallSession;
use crate::context::RequestContext;
use crate::error::{Error, ErrorKind};
use crate::identity::{Identity, Login, Principal, TOKEN_USER};
use crate::ids::Secret;

/// Base64 as clients write it: some leave out the padding.
const LENIENT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Who calls, and the call.
pub(super) struct Caller {
    pub(super) context: RequestContext,
    pub(super) principal: Principal,
    pub(super) session: CallSession,
    /// Keeps other files of this room from making one.
    _proof: Proof,
}

struct Proof;

/// What is known about a call before anything is checked.
pub(super) fn context_of<T>(request: &Request<T>) -> RequestContext {
    let metadata = request.metadata();
    let user_agent = metadata.get("user-agent").and_then(|value| value.to_str().ok()).unwrap_or_default();
    RequestContext::begin(request.remote_addr(), user_agent, deadline::client_timeout(metadata))
}

/// The caller that the bearer token stands for.
///
/// # Errors
/// [`ErrorKind::Unauthenticated`] without a valid token.
pub(super) fn authenticate(
    identity: &Identity,
    context: &RequestContext,
    metadata: &MetadataMap,
) -> Result<Caller, Error> {
    let Some(Credentials::Bearer(token)) = credentials(metadata)? else {
        let text = "no bearer token: log in with a handshake, then send its token with each call";
        return Err(Error::new(ErrorKind::Unauthenticated, text));
    };
    let principal = identity.verify(token)?;
    Ok(Caller { context: context.clone(), principal, session: CallSession::of(metadata), _proof: Proof })
}

/// For whom room is made before a call is answered: who a valid token stands for. The call itself is answered to its
/// [`Caller`] only, who is asked for again.
pub(super) fn expected(identity: &Identity, metadata: &MetadataMap) -> Option<Principal> {
    match credentials(metadata) {
        Ok(Some(Credentials::Bearer(token))) => identity.verify(token).ok(),
        _ => None,
    }
}

/// Logs in with user and password, or confirms a token. Gives the token for the calls that follow.
///
/// Tools that know only user and password send a token as the password of the user [`TOKEN_USER`].
///
/// # Errors
/// [`ErrorKind::Unauthenticated`] if the credentials are missing or wrong, and what [`Identity::login`] answers.
pub(super) async fn handshake(
    identity: &Identity,
    context: &RequestContext,
    metadata: &MetadataMap,
) -> Result<Login, Error> {
    match credentials(metadata)? {
        Some(Credentials::Basic { user, password }) if user == TOKEN_USER => {
            confirmed(identity, password.expose())
        }
        Some(Credentials::Basic { user, password }) => {
            identity.login(context.peer.map(|peer| peer.ip()), &user, &password).await
        }
        Some(Credentials::Bearer(token)) => confirmed(identity, token),
        None => {
            Err(Error::new(ErrorKind::Unauthenticated, "a handshake needs user and password, or a token"))
        }
    }
}

fn confirmed(identity: &Identity, token: &str) -> Result<Login, Error> {
    let principal = identity.verify(token)?;
    Ok(Login { principal, token: Secret::new(token.to_owned()) })
}

enum Credentials<'a> {
    Basic { user: String, password: Secret },
    Bearer(&'a str),
}

fn credentials(metadata: &MetadataMap) -> Result<Option<Credentials<'_>>, Error> {
    let Some(header) = metadata.get("authorization") else {
        return Ok(None);
    };
    let (scheme, value) =
        header.to_str().ok().and_then(|text| text.trim().split_once(' ')).ok_or_else(malformed)?;
    let value = value.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Some(Credentials::Bearer(value)));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(malformed());
    }
    let decoded = Zeroizing::new(LENIENT_BASE64.decode(value).map_err(|_| malformed())?);
    let text = std::str::from_utf8(&decoded).map_err(|_| malformed())?;
    // A password may contain colons, a user name may not (RFC 7617).
    let (user, password) = text.split_once(':').ok_or_else(malformed)?;
    Ok(Some(Credentials::Basic { user: user.to_owned(), password: Secret::new(password.to_owned()) }))
}

fn malformed() -> Error {
    Error::new(ErrorKind::Unauthenticated, "the authorization header is neither Basic nor Bearer")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot build its input should stop")]

    use super::*;

    fn headers(authorization: &str) -> MetadataMap {
        let mut metadata = MetadataMap::new();
        metadata.insert("authorization", authorization.parse().unwrap());
        metadata
    }

    fn basic(user_and_password: &str, padded: bool) -> MetadataMap {
        let encoded = base64::engine::general_purpose::STANDARD.encode(user_and_password);
        headers(&format!("Basic {}", if padded { &encoded } else { encoded.trim_end_matches('=') }))
    }

    #[test]
    fn user_and_password_are_read_with_and_without_padding() {
        for padded in [true, false] {
            let metadata = basic("analyst:pass:wörd", padded);
            let Some(Credentials::Basic { user, password }) = credentials(&metadata).unwrap() else {
                unreachable!("basic credentials are recognised")
            };
            assert_eq!((user.as_str(), password.expose()), ("analyst", "pass:wörd"));
        }
    }

    #[test]
    fn a_bearer_token_is_read_whatever_the_schemes_case() {
        for header in ["Bearer abc", "bearer abc", "BEARER  abc "] {
            assert!(
                matches!(credentials(&headers(header)), Ok(Some(Credentials::Bearer("abc")))),
                "{header}"
            );
        }
    }

    #[test]
    fn every_other_header_is_refused_and_a_missing_one_is_missing() {
        for header in ["abc", "Digest abc", "Basic !!!", "Basic YWJj"] {
            assert_eq!(
                credentials(&headers(header)).err().unwrap().kind(),
                ErrorKind::Unauthenticated,
                "{header}"
            );
        }
        assert!(credentials(&MetadataMap::new()).unwrap().is_none());
    }
}
