//! IAM, as far as the lake needs it: roles with a trust policy and inline identity policies.
//!
//! Only the account's administrator calls IAM. What a call may do is decided by [`authorize`] for all services: the
//! administrator everything, the server user its two STS calls, a role session what its role's policies say.

mod policy;
mod trust;

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use uuid::Uuid;

pub(crate) use policy::{Policy, Verdict};
pub(crate) use trust::{Attempt, TrustPolicy};

use crate::protocol::{ApiError, ErrorCode, Form, Xml};
use crate::sigv4::percent_encode;
use crate::state::{ACCOUNT, Account, Caller, IamUser, Identity, State};

const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";
const MAX_SESSION_SECONDS: std::ops::RangeInclusive<i64> = 3600..=43200;

/// A role of the account.
pub(crate) struct Role {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) id: String,
    pub(crate) trust: TrustPolicy,
    /// The longest session, in seconds, that a caller may ask for.
    pub(crate) max_session_seconds: i64,
    path: String,
    trust_text: String,
    policies: BTreeMap<String, Policy>,
    created: DateTime<Utc>,
}

/// The roles of the account by name.
#[derive(Default)]
pub(crate) struct Roles(BTreeMap<String, Role>);

impl Roles {
    pub(crate) fn by_arn(&self, arn: &str) -> Option<&Role> {
        self.0.values().find(|role| role.arn == arn)
    }

    fn require(&mut self, name: &str) -> Result<&mut Role, ApiError> {
        let missing =
            || ApiError::new(ErrorCode::NoSuchEntity, format!("The role with name {name} cannot be found."));
        self.0.get_mut(name).ok_or_else(missing)
    }
}

impl Role {
    /// Whether the role's own policies allow `action` on `resource`.
    pub(crate) fn allows(&self, action: &str, resource: &str) -> bool {
        let verdicts: Vec<Verdict> =
            self.policies.values().map(|policy| policy.verdict(action, resource)).collect();
        verdicts.contains(&Verdict::Allow) && !verdicts.contains(&Verdict::Deny)
    }

    fn write(&self, xml: &mut Xml) {
        xml.element("Role", |xml| {
            xml.text("Path", &self.path);
            xml.text("RoleName", &self.name);
            xml.text("RoleId", &self.id);
            xml.text("Arn", &self.arn);
            xml.text("CreateDate", &self.created.to_rfc3339_opts(SecondsFormat::Secs, true));
            xml.text("AssumeRolePolicyDocument", &percent_encode(&self.trust_text, false));
            xml.text("MaxSessionDuration", &self.max_session_seconds.to_string());
        });
    }
}

/// Whether the caller's identity may perform `action` on `resource` at all.
pub(crate) fn is_allowed(account: &Account, caller: &Caller, action: &str, resource: &str) -> bool {
    match &caller.identity {
        Identity::User(IamUser::Administrator) => true,
        Identity::User(IamUser::Server) => ["sts:AssumeRole", "sts:TagSession"].contains(&action),
        Identity::Role(session) => {
            account.roles.by_arn(&session.role_arn).is_some_and(|role| role.allows(action, resource))
        }
        Identity::Table(_) => false,
    }
}

/// Demands that the caller's identity may perform `action` on every one of `resources`.
///
/// # Errors
/// Access denied in the words of IAM, with the code of the action's service.
pub(crate) fn authorize(
    account: &Account,
    caller: &Caller,
    action: &str,
    resources: &[&str],
) -> Result<(), ApiError> {
    match resources.iter().find(|resource| !is_allowed(account, caller, action, resource)) {
        None => Ok(()),
        Some(resource) => Err(denial(caller, action, resource)),
    }
}

/// The refusal of `action` on `resource`.
pub(crate) fn denial(caller: &Caller, action: &str, resource: &str) -> ApiError {
    let is_query_service = action.starts_with("sts:") || action.starts_with("iam:");
    let code = if is_query_service { ErrorCode::AccessDenied } else { ErrorCode::AccessDeniedException };
    let who = caller.shown_arn();
    ApiError::new(code, format!("User: {who} is not authorized to perform: {action} on resource: {resource}"))
}

/// Answers one IAM call.
///
/// # Errors
/// The refusal of the operation.
pub(crate) fn call(state: &State, caller: &Caller, operation: &str, form: &Form) -> Result<String, ApiError> {
    let mut account = state.write();
    let resource = form.get("RoleName").map_or_else(|| "*".to_owned(), |name| role_arn("/", name));
    if !matches!(caller.identity, Identity::User(IamUser::Administrator)) {
        return Err(denial(caller, &format!("iam:{operation}"), &resource));
    }
    let roles = &mut account.roles;
    match operation {
        "CreateRole" => create_role(roles, form),
        "GetRole" => {
            let role = roles.require(form.require("RoleName")?)?;
            Ok(Xml::response(NAMESPACE, operation, |xml| role.write(xml)))
        }
        "DeleteRole" => {
            let name = form.require("RoleName")?;
            roles.require(name)?;
            roles.0.remove(name);
            Ok(empty(operation))
        }
        "UpdateAssumeRolePolicy" => {
            let text = form.require("PolicyDocument")?;
            let role = roles.require(form.require("RoleName")?)?;
            role.trust = parse_trust(text)?;
            role.trust_text = text.to_owned();
            Ok(empty(operation))
        }
        "PutRolePolicy" => {
            let policy = Policy::parse(form.require("PolicyDocument")?).map_err(malformed)?;
            let policy_name = form.require("PolicyName")?.to_owned();
            roles.require(form.require("RoleName")?)?.policies.insert(policy_name, policy);
            Ok(empty(operation))
        }
        _ => Err(ApiError::new(
            ErrorCode::InvalidAction,
            format!("The sandbox has no operation iam:{operation}"),
        )),
    }
}

fn create_role(roles: &mut Roles, form: &Form) -> Result<String, ApiError> {
    let name = form.require("RoleName")?;
    let path = form.get("Path").unwrap_or("/");
    let is_path = path.starts_with('/') && path.ends_with('/') && path.is_ascii();
    let is_name =
        name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b));
    if !is_path || !is_name {
        return Err(ApiError::new(
            ErrorCode::ValidationError,
            "The role name or path has characters IAM refuses",
        ));
    }
    if roles.0.contains_key(name) {
        let text = format!("Role with name {name} already exists.");
        return Err(ApiError::new(ErrorCode::EntityAlreadyExists, text));
    }
    let max_session_seconds = match form.get("MaxSessionDuration") {
        None => *MAX_SESSION_SECONDS.start(),
        Some(text) => {
            text.parse().ok().filter(|seconds| MAX_SESSION_SECONDS.contains(seconds)).ok_or_else(|| {
                ApiError::new(ErrorCode::ValidationError, "MaxSessionDuration must be between 3600 and 43200")
            })?
        }
    };
    let trust_text = form.require("AssumeRolePolicyDocument")?;
    let role = Role {
        name: name.to_owned(),
        arn: role_arn(path, name),
        id: format!("AROA{}", &Uuid::new_v4().simple().to_string().to_uppercase()[..17]),
        trust: parse_trust(trust_text)?,
        max_session_seconds,
        path: path.to_owned(),
        trust_text: trust_text.to_owned(),
        policies: BTreeMap::new(),
        created: Utc::now(),
    };
    let answer = Xml::response(NAMESPACE, "CreateRole", |xml| role.write(xml));
    roles.0.insert(name.to_owned(), role);
    Ok(answer)
}

fn role_arn(path: &str, name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role{path}{name}")
}

fn empty(operation: &str) -> String {
    Xml::response(NAMESPACE, operation, |_| {})
}

fn parse_trust(text: &str) -> Result<TrustPolicy, ApiError> {
    TrustPolicy::parse(text)
        .map_err(|error| ApiError::new(ErrorCode::MalformedPolicyDocument, format!("{error:?}")))
}

fn malformed(error: serde_json::Error) -> ApiError {
    ApiError::new(ErrorCode::MalformedPolicyDocument, error.to_string())
}
