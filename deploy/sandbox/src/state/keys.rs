//! Access keys and who stands behind them: the two IAM users, role sessions, and keys vended for one table.
//!
//! Invariants: a temporary key is worth nothing without its session token and after its expiry; both are compared
//! in constant time. An expired key is remembered for a while so that it is answered as expired, not as unknown.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Duration, Utc};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::ACCOUNT;
use crate::sigv4::AuthFailure;

/// How long an expired key is still told from an unknown one.
const REMEMBER_EXPIRED: Duration = Duration::hours(1);

/// The IAM users of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IamUser {
    /// May do everything that IAM governs, and is data lake administrator in the default settings.
    Administrator,
    /// The identity of the query server: may assume roles and nothing else.
    Server,
}

/// A session of an IAM role.
#[derive(Debug, Clone)]
pub(crate) struct RoleSession {
    /// The name without the path, unique in the account.
    pub(crate) role_name: String,
    pub(crate) role_arn: String,
    pub(crate) session_name: String,
    pub(crate) tags: BTreeMap<String, String>,
    /// Keys of `tags` that sessions assumed from this one inherit.
    pub(crate) transitive_tags: BTreeSet<String>,
}

/// What a vended key opens: reading below one S3 prefix.
#[derive(Debug, Clone)]
pub(crate) struct TableScope {
    pub(crate) bucket: String,
    /// Without leading or trailing slash; empty for a whole bucket.
    pub(crate) prefix: String,
    /// For whom the key was vended.
    pub(crate) principal: String,
    /// The role of the registered location, whose own rights bound what the key opens.
    pub(crate) location_role: String,
}

/// Who signed a call.
#[derive(Debug, Clone)]
pub(crate) enum Identity {
    User(IamUser),
    Role(RoleSession),
    Table(TableScope),
}

/// The authenticated signer of a call.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) access_key: String,
    pub(crate) identity: Identity,
}

/// A freshly minted temporary key.
#[derive(Clone)]
pub(crate) struct TemporaryKey {
    pub(crate) access_key: String,
    pub(crate) secret: String,
    pub(crate) session_token: String,
    pub(crate) expires: DateTime<Utc>,
}

struct Key {
    secret: String,
    identity: Identity,
    /// `None` for the keys of users, which neither expire nor carry a token.
    session: Option<Session>,
}

struct Session {
    token: String,
    expires: DateTime<Utc>,
}

/// Every key of the account.
pub(crate) struct KeyStore {
    keys: HashMap<String, Key>,
}

impl IamUser {
    pub(crate) const ALL: [Self; 2] = [Self::Administrator, Self::Server];

    pub(crate) fn arn(self) -> String {
        let name = match self {
            Self::Administrator => "sandbox-admin",
            Self::Server => "lakegate-server",
        };
        format!("arn:aws:iam::{ACCOUNT}:user/{name}")
    }
}

impl Caller {
    /// The ARN that Lake Formation and trust policies know: for a session that of its role.
    pub(crate) fn principal(&self) -> String {
        match &self.identity {
            Identity::User(user) => user.arn(),
            Identity::Role(session) => session.role_arn.clone(),
            Identity::Table(scope) => scope.principal.clone(),
        }
    }

    /// The ARN that error texts and `GetCallerIdentity` show: for a session the assumed role with its name.
    pub(crate) fn shown_arn(&self) -> String {
        match &self.identity {
            Identity::User(user) => user.arn(),
            Identity::Role(session) => {
                format!("arn:aws:sts::{ACCOUNT}:assumed-role/{}/{}", session.role_name, session.session_name)
            }
            Identity::Table(_) => {
                format!("arn:aws:sts::{ACCOUNT}:assumed-role/AWSLF-00-AT/{}", self.access_key)
            }
        }
    }

    /// The role session behind the call, if it is one.
    pub(crate) fn role_session(&self) -> Option<&RoleSession> {
        match &self.identity {
            Identity::Role(session) => Some(session),
            Identity::User(_) | Identity::Table(_) => None,
        }
    }
}

impl Default for KeyStore {
    fn default() -> Self {
        let user = |access_key: &str, secret: &str, user| {
            let key = Key { secret: secret.to_owned(), identity: Identity::User(user), session: None };
            (access_key.to_owned(), key)
        };
        let keys = HashMap::from([
            user(crate::ADMIN_ACCESS_KEY, crate::ADMIN_SECRET_KEY, IamUser::Administrator),
            user(crate::SERVER_ACCESS_KEY, crate::SERVER_SECRET_KEY, IamUser::Server),
        ]);
        Self { keys }
    }
}

impl KeyStore {
    /// The secret of a key, for checking a signature.
    pub(crate) fn secret(&self, access_key: &str) -> Option<&str> {
        self.keys.get(access_key).map(|key| key.secret.as_str())
    }

    /// Who stands behind a key whose signature was found good, given the session token sent with it.
    ///
    /// # Errors
    /// Unknown key, missing or wrong token, or a session that is over at `now`.
    pub(crate) fn caller(
        &self,
        access_key: &str,
        token: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Caller, AuthFailure> {
        let key = self.keys.get(access_key).ok_or(AuthFailure::UnknownKey)?;
        match (&key.session, token) {
            (None, None) => {}
            (Some(session), Some(token)) if session.token.as_bytes().ct_eq(token.as_bytes()).into() => {
                if session.expires <= now {
                    return Err(AuthFailure::Expired);
                }
            }
            _ => return Err(AuthFailure::UnknownKey),
        }
        Ok(Caller { access_key: access_key.to_owned(), identity: key.identity.clone() })
    }

    /// The ARN behind a key, whoever uses it.
    pub(crate) fn principal(&self, access_key: &str) -> Option<String> {
        let key = self.keys.get(access_key)?;
        Some(Caller { access_key: access_key.to_owned(), identity: key.identity.clone() }.principal())
    }

    /// Mints a temporary key for `identity` that lives from `now` for `life`.
    pub(crate) fn mint(&mut self, identity: Identity, now: DateTime<Utc>, life: Duration) -> TemporaryKey {
        let expires = now + life;
        self.keys.retain(|_, key| {
            key.session.as_ref().is_none_or(|session| session.expires + REMEMBER_EXPIRED > now)
        });
        let minted = TemporaryKey {
            access_key: format!("ASIA{}", &random_hex().to_uppercase()[..16]),
            secret: random_hex()[..20].to_owned() + &random_hex()[..20],
            session_token: format!("FwoG{}{}{}", random_hex(), random_hex(), random_hex()),
            expires,
        };
        let session = Session { token: minted.session_token.clone(), expires };
        let key = Key { secret: minted.secret.clone(), identity, session: Some(session) };
        self.keys.insert(minted.access_key.clone(), key);
        minted
    }

    /// Ends the session of one key at `now`. Keys of users have none.
    pub(crate) fn expire(&mut self, access_key: &str, now: DateTime<Utc>) {
        if let Some(session) = self.keys.get_mut(access_key).and_then(|key| key.session.as_mut()) {
            session.expires = session.expires.min(now);
        }
    }

    /// Ends every temporary session at `now` and says how many there were.
    pub(crate) fn expire_sessions(&mut self, now: DateTime<Utc>) -> usize {
        let mut ended = 0;
        for session in self.keys.values_mut().filter_map(|key| key.session.as_mut()) {
            if session.expires > now {
                session.expires = now;
                ended += 1;
            }
        }
        ended
    }
}

fn random_hex() -> String {
    Uuid::new_v4().simple().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session_key(store: &mut KeyStore) -> TemporaryKey {
        let scope = TableScope {
            bucket: "b".into(),
            prefix: "t".into(),
            principal: "p".into(),
            location_role: "r".into(),
        };
        store.mint(Identity::Table(scope), Utc::now(), Duration::minutes(15))
    }

    #[test]
    fn a_temporary_key_needs_its_own_token() {
        let mut store = KeyStore::default();
        let (mine, other) = (session_key(&mut store), session_key(&mut store));
        let ask = |token: Option<&str>| store.caller(&mine.access_key, token, Utc::now()).map(|_| ());
        assert_eq!(ask(Some(&mine.session_token)), Ok(()));
        assert_eq!(ask(Some(&other.session_token)), Err(AuthFailure::UnknownKey));
        assert_eq!(ask(None), Err(AuthFailure::UnknownKey));
    }

    #[test]
    fn a_user_key_takes_no_token() {
        let store = KeyStore::default();
        assert!(store.caller(crate::ADMIN_ACCESS_KEY, Some("x"), Utc::now()).is_err());
        assert!(store.caller(crate::ADMIN_ACCESS_KEY, None, Utc::now()).is_ok());
    }

    #[test]
    fn expiry_is_told_from_ignorance() {
        let mut store = KeyStore::default();
        let key = session_key(&mut store);
        assert_eq!(store.expire_sessions(Utc::now()), 1);
        let answer = store.caller(&key.access_key, Some(&key.session_token), Utc::now());
        assert_eq!(answer.map(|_| ()), Err(AuthFailure::Expired));
    }

    #[test]
    fn minted_access_keys_have_twenty_characters() {
        let key = session_key(&mut KeyStore::default());
        assert_eq!(key.access_key.len(), 20);
        assert_eq!(key.secret.len(), 40);
        assert!(key.session_token.len() > 90);
    }
}
