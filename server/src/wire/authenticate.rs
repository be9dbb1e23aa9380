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
use crate::audit::{AuditTrail, LoginWay};
use crate::context::RequestContext;
use crate::error::{Error, ErrorKind};
use crate::identity::{Identity, Login, Principal, TOKEN_USER};
use crate::ids::Secret;
use crate::telemetry::metrics::{LoginOutcome, Metrics};

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

impl Caller {
    /// User and role, as records name them.
    pub(super) fn named(&self) -> (&str, &str) {
        (self.principal.user(), self.principal.role().as_str())
    }
}

/// What is known about a call before anything is checked.
pub(super) fn context_of<T>(request: &Request<T>) -> RequestContext {
    let metadata = request.metadata();
    let user_agent = metadata.get("user-agent").and_then(|value| value.to_str().ok()).unwrap_or_default();
    RequestContext::begin(request.remote_addr(), user_agent, deadline::client_timeout(metadata))
}

/// The caller that the bearer token stands for. A call without one is recorded.
///
/// # Errors
/// [`ErrorKind::Unauthenticated`] without a valid token.
pub(super) fn authenticate(
    identity: &Identity,
    audit: &AuditTrail,
    context: &RequestContext,
    metadata: &MetadataMap,
) -> Result<Caller, Error> {
    let verified = credentials(metadata).and_then(|credentials| match credentials {
        Some(Credentials::Bearer(token)) => identity.verify(token),
        _ => {
            let text = "no bearer token: log in with a handshake, then send its token with each call";
            Err(Error::new(ErrorKind::Unauthenticated, text))
        }
    });
    let principal = verified.inspect_err(|error| audit.token_refused(context, error.constant_text()))?;
    // Nobody has set it before.
    let _ = context.user.set(principal.user().to_owned());
    Ok(Caller { context: context.clone(), principal, session: CallSession::of(metadata), _proof: Proof })
}

/// Whether a call brings a token that was good once. It may close what it opened, since closing does nothing here.
pub(super) fn has_expired(identity: &Identity, metadata: &MetadataMap) -> bool {
    match credentials(metadata) {
        Ok(Some(Credentials::Bearer(token))) => identity.has_expired(token),
        _ => false,
    }
}

/// For whom room is made before a call is answered: who a valid token stands for. The call itself is answered to its
/// [`Caller`] only, who is asked for again.
pub(super) fn expected(identity: &Identity, metadata: &MetadataMap) -> Option<Principal> {
    match credentials(metadata) {
        Ok(Some(Credentials::Bearer(token))) => identity.verify(token).ok(),
        _ => None,
    }
}

/// Logs in with user and password, or confirms a token. Gives the token for the calls that follow. Whatever comes of it is
/// recorded and counted.
///
/// Tools that know only user and password send a token as the password of the user [`TOKEN_USER`].
///
/// # Errors
/// [`ErrorKind::Unauthenticated`] if the credentials are missing or wrong, and what [`Identity::login`] answers.
pub(super) async fn handshake(
    identity: &Identity,
    audit: &AuditTrail,
    metrics: &Metrics,
    context: &RequestContext,
    metadata: &MetadataMap,
) -> Result<Login, Error> {
    let read = credentials(metadata);
    let how = match &read {
        Ok(Some(Credentials::Basic { user, .. })) if user == TOKEN_USER => LoginWay::Token,
        Ok(Some(Credentials::Basic { .. })) => LoginWay::Password,
        Ok(Some(Credentials::Bearer(_))) => LoginWay::Token,
        Ok(None) | Err(_) => LoginWay::Unreadable,
    };
    let mut typed = None;
    let checked = match read {
        Ok(Some(Credentials::Basic { user, password })) if user == TOKEN_USER => {
            confirmed(identity, password.expose())
        }
        Ok(Some(Credentials::Basic { user, password })) => {
            let address = context.peer.map(|peer| peer.ip());
            let checked = identity.login(address, &user, &password).await;
            typed = Some(user);
            checked
        }
        Ok(Some(Credentials::Bearer(token))) => confirmed(identity, token),
        Ok(None) => {
            Err(Error::new(ErrorKind::Unauthenticated, "a handshake needs user and password, or a token"))
        }
        Err(error) => Err(error),
    };
    let recorded = match checked {
        Ok(login) => {
            let (user, role) = (login.principal.user(), login.principal.role().as_str());
            let _ = context.user.set(user.to_owned());
            audit.logged_in(context, user, role, how).map(|()| login)
        }
        Err(error) => {
            let known = typed.as_deref().and_then(|name| identity.known_name(name));
            audit.login_refused(context, known, how, error.kind());
            Err(error)
        }
    };
    let outcome = recorded.as_ref().map(|_| LoginOutcome::Succeeded);
    metrics.record_login(outcome.unwrap_or_else(|error| LoginOutcome::of(error.kind())));
    recorded
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
