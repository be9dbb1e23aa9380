//! Trust policies: who may assume a role, and with which tags and external id.
//!
//! Understood are the principals `AWS` (account root, user, role) and `Service` (parsed, since the role of a
//! registered location names one; no service calls the sandbox, so it never matches), the actions `sts:AssumeRole`
//! and `sts:TagSession`, and `StringEquals`/`StringLike` on `sts:ExternalId`, `aws:RequestTag/<key>` and
//! `aws:PrincipalArn`. Anything else is refused when the role is created: a condition that is not evaluated is a hole.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::policy::{Effect, OneOrMany, Verdict, verdict_of, wildcard};
use crate::state::ACCOUNT;

/// A parsed trust policy.
#[derive(Debug, Clone)]
pub(crate) struct TrustPolicy {
    statements: Vec<Statement>,
}

/// A document that is not a trust policy of the supported language.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TrustError {
    /// No JSON, or a clause that the sandbox does not know.
    Syntax(String),
    UnsupportedAction(String),
    UnsupportedCondition(String),
    UnsupportedPrincipal(String),
}

/// One attempt to assume a role.
pub(crate) struct Attempt<'a> {
    /// The ARN of the calling user or role.
    pub(crate) principal: &'a str,
    pub(crate) external_id: Option<&'a str>,
    pub(crate) tags: &'a [(&'a str, &'a str)],
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RawDocument {
    #[serde(rename = "Version")]
    _version: Option<String>,
    #[serde(rename = "Id")]
    _id: Option<String>,
    statement: OneOrMany<RawStatement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RawStatement {
    #[serde(rename = "Sid")]
    _sid: Option<String>,
    effect: Effect,
    principal: RawPrincipal,
    action: OneOrMany<String>,
    #[serde(default)]
    condition: BTreeMap<String, BTreeMap<String, OneOrMany<String>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RawPrincipal {
    #[serde(rename = "AWS")]
    aws: Option<OneOrMany<String>>,
    #[serde(rename = "Service")]
    _service: Option<OneOrMany<String>>,
}

#[derive(Debug, Clone)]
struct Statement {
    effect: Effect,
    principals: Vec<Principal>,
    actions: Vec<String>,
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone)]
enum Principal {
    WholeAccount,
    Exactly(String),
}

#[derive(Debug, Clone)]
struct Condition {
    key: ConditionKey,
    is_pattern: bool,
    values: Vec<String>,
}

#[derive(Debug, Clone)]
enum ConditionKey {
    ExternalId,
    RequestTag(String),
    PrincipalArn,
}

impl TrustPolicy {
    /// Parses a trust policy.
    ///
    /// # Errors
    /// The document is no JSON or goes beyond the supported language.
    pub(crate) fn parse(text: &str) -> Result<Self, TrustError> {
        let document: RawDocument =
            serde_json::from_str(text).map_err(|error| TrustError::Syntax(error.to_string()))?;
        let statements = document.statement.into_vec().into_iter().map(Statement::parse);
        Ok(Self { statements: statements.collect::<Result<_, _>>()? })
    }

    /// Whether the policy lets this attempt perform `action` (`sts:AssumeRole` or `sts:TagSession`).
    pub(crate) fn allows(&self, action: &str, attempt: &Attempt<'_>) -> bool {
        let matching = self.statements.iter().filter(|statement| statement.matches(action, attempt));
        verdict_of(matching.map(|statement| statement.effect)) == Verdict::Allow
    }
}

impl Statement {
    fn parse(raw: RawStatement) -> Result<Self, TrustError> {
        let actions = raw.action.into_vec();
        if let Some(other) = actions.iter().find(|action| !is_supported_action(action)) {
            return Err(TrustError::UnsupportedAction(other.clone()));
        }
        let principals = raw.principal.aws.map(OneOrMany::into_vec).unwrap_or_default();
        let principals = principals.into_iter().map(Principal::parse).collect::<Result<_, _>>()?;
        let mut conditions = Vec::new();
        for (operator, tests) in raw.condition {
            let is_pattern = match operator.as_str() {
                "StringEquals" => false,
                "StringLike" => true,
                _ => return Err(TrustError::UnsupportedCondition(operator)),
            };
            for (key, values) in tests {
                let key = ConditionKey::parse(&key).ok_or(TrustError::UnsupportedCondition(key))?;
                conditions.push(Condition { key, is_pattern, values: values.into_vec() });
            }
        }
        Ok(Self { effect: raw.effect, principals, actions, conditions })
    }

    fn matches(&self, action: &str, attempt: &Attempt<'_>) -> bool {
        self.actions.iter().any(|named| named.eq_ignore_ascii_case(action))
            && self.principals.iter().any(|principal| principal.matches(attempt.principal))
            && self.conditions.iter().all(|condition| condition.holds(attempt))
    }
}

fn is_supported_action(action: &str) -> bool {
    ["sts:AssumeRole", "sts:TagSession"].iter().any(|supported| supported.eq_ignore_ascii_case(action))
}

impl Principal {
    fn parse(text: String) -> Result<Self, TrustError> {
        if text == ACCOUNT || text == format!("arn:aws:iam::{ACCOUNT}:root") {
            return Ok(Self::WholeAccount);
        }
        let is_exact_arn = text.starts_with("arn:aws:iam::") && !text.contains(['*', '?']);
        if is_exact_arn { Ok(Self::Exactly(text)) } else { Err(TrustError::UnsupportedPrincipal(text)) }
    }

    fn matches(&self, arn: &str) -> bool {
        match self {
            Self::WholeAccount => arn.starts_with(&format!("arn:aws:iam::{ACCOUNT}:")),
            Self::Exactly(expected) => expected == arn,
        }
    }
}

impl ConditionKey {
    fn parse(key: &str) -> Option<Self> {
        const REQUEST_TAG: &str = "aws:requesttag/";
        let lower = key.to_ascii_lowercase();
        match lower.as_str() {
            "sts:externalid" => Some(Self::ExternalId),
            "aws:principalarn" => Some(Self::PrincipalArn),
            _ => lower.strip_prefix(REQUEST_TAG).map(|tag| Self::RequestTag(tag.to_owned())),
        }
    }
}

impl Condition {
    /// A key that the attempt does not carry fails its condition.
    fn holds(&self, attempt: &Attempt<'_>) -> bool {
        let actual = match &self.key {
            ConditionKey::ExternalId => attempt.external_id,
            ConditionKey::PrincipalArn => Some(attempt.principal),
            ConditionKey::RequestTag(key) => {
                attempt.tags.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(key)).map(|(_, value)| *value)
            }
        };
        let Some(actual) = actual else { return false };
        self.values.iter().any(
            |value| {
                if self.is_pattern { wildcard(value, actual) } else { value == actual }
            },
        )
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    const SERVER: &str = "arn:aws:iam::123456789012:user/lakegate-server";

    fn policy(statement: &str) -> Result<TrustPolicy, TrustError> {
        TrustPolicy::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#))
    }

    fn attempt<'a>(external_id: Option<&'a str>, tags: &'a [(&'a str, &'a str)]) -> Attempt<'a> {
        Attempt { principal: SERVER, external_id, tags }
    }

    #[test]
    fn a_condition_on_something_not_sent_fails() {
        let trust = policy(&format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"{SERVER}"}},"Action":["sts:AssumeRole","sts:TagSession"],
                "Condition":{{"StringEquals":{{"sts:ExternalId":"x"}},"StringLike":{{"aws:RequestTag/Caller":"lake*"}}}}}}"#
        ))
        .unwrap();
        let allows =
            |external_id, tags: &[(&str, &str)]| trust.allows("sts:AssumeRole", &attempt(external_id, tags));
        assert!(allows(Some("x"), &[("caller", "lakegate")]));
        assert!(!allows(None, &[("caller", "lakegate")]));
        assert!(!allows(Some("x"), &[]));
        assert!(!allows(Some("x"), &[("caller", "other")]));
    }

    #[test]
    fn the_account_root_stands_for_every_principal_of_the_account_only() {
        let trust = policy(
            r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"sts:AssumeRole"}"#,
        )
        .unwrap();
        assert!(trust.allows("sts:AssumeRole", &attempt(None, &[])));
        assert!(!trust.allows("sts:TagSession", &attempt(None, &[])));
        let foreign = Attempt { principal: "arn:aws:iam::999999999999:user/x", external_id: None, tags: &[] };
        assert!(!trust.allows("sts:AssumeRole", &foreign));
    }

    #[test]
    fn a_service_principal_lets_no_caller_in() {
        let trust = policy(
            r#"{"Effect":"Allow","Principal":{"Service":"lakeformation.amazonaws.com"},"Action":"sts:AssumeRole"}"#,
        )
        .unwrap();
        assert!(!trust.allows("sts:AssumeRole", &attempt(None, &[])));
    }

    #[test]
    fn clauses_outside_the_language_are_refused() {
        let everybody = r#"{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}"#;
        let wildcard =
            r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::*:root"},"Action":"sts:AssumeRole"}"#;
        let action = r#"{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:*"}"#;
        let key = r#"{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole",
                      "Condition":{"StringEquals":{"aws:SourceIp":"1.2.3.4"}}}"#;
        let operator = r#"{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole",
                           "Condition":{"StringNotEquals":{"sts:ExternalId":"x"}}}"#;
        for statement in [everybody, wildcard, action, key, operator] {
            assert!(policy(statement).is_err(), "{statement}");
        }
    }
}
