//! STS: `AssumeRole` with session tags, external ids and role chaining, and `GetCallerIdentity`.
//!
//! The tag that makes a session an authorised Lake Formation caller can only be set here, so this file is a wall of
//! the account: a role's trust policy must allow both `sts:AssumeRole` and, when tags are passed, `sts:TagSession`.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, SecondsFormat, Utc};

use crate::iam::{self, Attempt, Role};
use crate::protocol::{ApiError, ErrorCode, Form, Xml};
use crate::state::{ACCOUNT, Account, Caller, Identity, RoleSession, State, TemporaryKey};

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
const DEFAULT_SECONDS: i64 = 3600;
/// AWS caps sessions of roles that were assumed by a role.
const CHAINED_SECONDS: i64 = 3600;
const MAX_TAGS: usize = 50;

/// What `AssumeRole` was asked for.
struct Request<'a> {
    session_name: &'a str,
    external_id: Option<&'a str>,
    seconds: i64,
    tags: Vec<(&'a str, &'a str)>,
    transitive: Vec<&'a str>,
}

/// Answers one STS call.
///
/// # Errors
/// The refusal of the operation.
pub(crate) fn call(state: &State, caller: &Caller, operation: &str, form: &Form) -> Result<String, ApiError> {
    match operation {
        "AssumeRole" => assume_role(&mut state.write(), caller, form, state.clock.now()),
        "GetCallerIdentity" => Ok(caller_identity(&state.read(), caller)),
        _ => Err(ApiError::new(
            ErrorCode::InvalidAction,
            format!("The sandbox has no operation sts:{operation}"),
        )),
    }
}

fn caller_identity(account: &Account, caller: &Caller) -> String {
    let user_id = match &caller.identity {
        Identity::Role(session) => {
            let role_id =
                account.roles.by_arn(&session.role_arn).map_or("AROADELETED", |role| role.id.as_str());
            format!("{role_id}:{}", session.session_name)
        }
        Identity::User(_) | Identity::Table(_) => caller.access_key.clone(),
    };
    Xml::response(NAMESPACE, "GetCallerIdentity", |xml| {
        xml.text("Arn", &caller.shown_arn());
        xml.text("UserId", &user_id);
        xml.text("Account", ACCOUNT);
    })
}

fn assume_role(
    account: &mut Account,
    caller: &Caller,
    form: &Form,
    now: DateTime<Utc>,
) -> Result<String, ApiError> {
    let role_arn = form.require("RoleArn")?;
    let request = Request::read(form)?;
    let role = permitted_role(account, caller, role_arn, &request)?;
    check_duration(caller, role, request.seconds)?;
    let session = session(caller, role, &request)?;
    let role_id = role.id.clone();
    let assumed = Caller { access_key: String::new(), identity: Identity::Role(session.clone()) }.shown_arn();
    let key = account.keys.mint(Identity::Role(session), now, Duration::seconds(request.seconds));
    Ok(Xml::response(NAMESPACE, "AssumeRole", |xml| {
        xml.element("Credentials", |xml| write_key(xml, &key));
        xml.element("AssumedRoleUser", |xml| {
            xml.text("AssumedRoleId", &format!("{role_id}:{}", request.session_name));
            xml.text("Arn", &assumed);
        });
    }))
}

fn write_key(xml: &mut Xml, key: &TemporaryKey) {
    xml.text("AccessKeyId", &key.access_key);
    xml.text("SecretAccessKey", &key.secret);
    xml.text("SessionToken", &key.session_token);
    xml.text("Expiration", &key.expires.to_rfc3339_opts(SecondsFormat::Secs, true));
}

impl<'a> Request<'a> {
    fn read(form: &'a Form) -> Result<Self, ApiError> {
        let unsupported = ["Policy", "SourceIdentity", "SerialNumber", "TokenCode"].into_iter();
        let lists = ["PolicyArns.member.1.arn", "ProvidedContexts.member.1.ProviderArn"];
        if let Some(parameter) = unsupported.chain(lists).find(|name| form.get(name).is_some()) {
            return Err(invalid(format!(
                "The sandbox does not implement the parameter {parameter} of AssumeRole"
            )));
        }
        let session_name = form.require("RoleSessionName")?;
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
        if !(2..=64).contains(&session_name.len()) || !session_name.bytes().all(is_allowed) {
            return Err(invalid("RoleSessionName must match [\\w+=,.@-]{2,64}"));
        }
        let seconds = match form.get("DurationSeconds") {
            None => DEFAULT_SECONDS,
            Some(text) => text.parse().ok().filter(|seconds| (900..=43200).contains(seconds)).ok_or_else(|| {
                invalid(format!(
                    "1 validation error detected: Value '{text}' at 'durationSeconds' failed to satisfy constraint: \
                     Member must have value between 900 and 43200"
                ))
            })?,
        };
        let request = Self {
            session_name,
            external_id: form.get("ExternalId"),
            seconds,
            tags: form.pairs("Tags"),
            transitive: form.members("TransitiveTagKeys"),
        };
        request.check_tags()?;
        Ok(request)
    }

    fn check_tags(&self) -> Result<(), ApiError> {
        let keys: BTreeSet<String> = self.tags.iter().map(|(key, _)| key.to_ascii_lowercase()).collect();
        let fits = |(key, value): &(&str, &str)| (1..=128).contains(&key.len()) && value.len() <= 256;
        if self.tags.len() > MAX_TAGS || !self.tags.iter().all(fits) {
            return Err(invalid("At most 50 tags with keys of 1 to 128 and values of 0 to 256 characters"));
        }
        if keys.len() != self.tags.len() {
            return Err(invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive."));
        }
        if self.transitive.iter().any(|key| !keys.contains(&key.to_ascii_lowercase())) {
            return Err(invalid("The specified transitive tag key must be included in the requested tags."));
        }
        Ok(())
    }
}

/// The role, if identity policy and trust policy both let the caller assume it. A role that does not exist is
/// answered like one that does not trust the caller.
fn permitted_role<'a>(
    account: &'a Account,
    caller: &Caller,
    role_arn: &str,
    request: &Request<'_>,
) -> Result<&'a Role, ApiError> {
    let principal = caller.principal();
    let attempt = Attempt { principal: &principal, external_id: request.external_id, tags: &request.tags };
    let actions: &[&str] =
        if request.tags.is_empty() { &["sts:AssumeRole"] } else { &["sts:AssumeRole", "sts:TagSession"] };
    for action in actions {
        iam::authorize(account, caller, action, &[role_arn])?;
    }
    let role =
        account.roles.by_arn(role_arn).ok_or_else(|| iam::denial(caller, "sts:AssumeRole", role_arn))?;
    match actions.iter().find(|action| !role.trust.allows(action, &attempt)) {
        None => Ok(role),
        Some(action) => Err(iam::denial(caller, action, role_arn)),
    }
}

fn check_duration(caller: &Caller, role: &Role, seconds: i64) -> Result<(), ApiError> {
    if caller.role_session().is_some() && seconds > CHAINED_SECONDS {
        return Err(invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        ));
    }
    if seconds > role.max_session_seconds {
        return Err(invalid(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    Ok(())
}

/// The new session: the tags passed now, and those that the calling session hands down.
fn session(caller: &Caller, role: &Role, request: &Request<'_>) -> Result<RoleSession, ApiError> {
    let mut tags = BTreeMap::new();
    let mut transitive_tags = BTreeSet::new();
    if let Some(parent) = caller.role_session() {
        for key in &parent.transitive_tags {
            if request.tags.iter().any(|(passed, _)| passed.eq_ignore_ascii_case(key)) {
                return Err(invalid(format!("The tag key {key} is inherited and cannot be passed again.")));
            }
            tags.extend(parent.tags.get(key).map(|value| (key.clone(), value.clone())));
            transitive_tags.insert(key.clone());
        }
    }
    for (key, value) in &request.tags {
        tags.insert((*key).to_owned(), (*value).to_owned());
        if request.transitive.iter().any(|named| named.eq_ignore_ascii_case(key)) {
            transitive_tags.insert((*key).to_owned());
        }
    }
    Ok(RoleSession {
        role_name: role.name.clone(),
        role_arn: role.arn.clone(),
        session_name: request.session_name.to_owned(),
        tags,
        transitive_tags,
    })
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::ValidationError, message)
}
