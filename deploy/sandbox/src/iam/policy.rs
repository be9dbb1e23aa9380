//! Identity policies: which actions a role may call on which resources.
//!
//! The language is small on purpose: Allow and Deny, actions and resources with `*` and `?`. A document with
//! anything else (conditions, `NotAction`, …) is refused when it is attached, since ignoring a clause would grant.

use serde::Deserialize;

/// A parsed identity policy.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    statements: Vec<Statement>,
}

/// What a policy says about one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allow,
    Deny,
    /// No statement matches.
    Silent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Effect {
    Allow,
    Deny,
}

/// JSON that AWS lets one write as a value or as a list of values.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document {
    #[serde(rename = "Version")]
    _version: Option<String>,
    #[serde(rename = "Id")]
    _id: Option<String>,
    statement: OneOrMany<Statement>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Statement {
    #[serde(rename = "Sid")]
    _sid: Option<String>,
    effect: Effect,
    action: OneOrMany<String>,
    resource: OneOrMany<String>,
}

impl<T> OneOrMany<T> {
    pub(super) fn as_slice(&self) -> &[T] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }

    pub(super) fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(value) => vec![value],
            Self::Many(values) => values,
        }
    }
}

impl Policy {
    /// Parses a policy document.
    ///
    /// # Errors
    /// The document is no JSON or uses a part of the language that the sandbox lacks.
    pub(crate) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let document: Document = serde_json::from_str(text)?;
        Ok(Self { statements: document.statement.into_vec() })
    }

    /// The verdict on `action` (`service:Operation`) on `resource` (an ARN, or `*` for calls that name none).
    pub(crate) fn verdict(&self, action: &str, resource: &str) -> Verdict {
        let matching = self.statements.iter().filter(|statement| statement.matches(action, resource));
        verdict_of(matching.map(|statement| statement.effect))
    }
}

/// A Deny beats every Allow, whatever their order.
pub(super) fn verdict_of(effects: impl Iterator<Item = Effect>) -> Verdict {
    effects.fold(Verdict::Silent, |verdict, effect| match (verdict, effect) {
        (Verdict::Deny, _) | (_, Effect::Deny) => Verdict::Deny,
        (_, Effect::Allow) => Verdict::Allow,
    })
}

impl Statement {
    fn matches(&self, action: &str, resource: &str) -> bool {
        let action = action.to_ascii_lowercase();
        let action_matches =
            self.action.as_slice().iter().any(|pattern| wildcard(&pattern.to_ascii_lowercase(), &action));
        action_matches && self.resource.as_slice().iter().any(|pattern| wildcard(pattern, resource))
    }
}

/// Whether `text` matches `pattern`, in which `*` stands for any run of characters and `?` for exactly one.
pub(crate) fn wildcard(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut position) = (0, 0);
    // The last star seen and where its run began; extending that run is the only way back that is ever needed.
    let mut star: Option<(usize, usize)> = None;
    while position < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, position));
                at += 1;
            }
            Some(&wanted) if wanted == '?' || wanted == text[position] => {
                at += 1;
                position += 1;
            }
            _ => match star {
                Some((star_at, run_start)) => {
                    star = Some((star_at, run_start + 1));
                    at = star_at + 1;
                    position = run_start + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|&rest| rest == '*')
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    #[test]
    fn wildcards_match_as_in_iam() {
        let cases = [
            ("*", "", true),
            ("glue:Get*", "glue:GetTable", true),
            ("glue:Get*", "glue:UpdateTable", false),
            ("arn:aws:s3:::b/*/x", "arn:aws:s3:::b/a/b/x", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*ab", "aab", true),
            ("", "a", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(wildcard(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_deny_beats_an_allow_in_any_order() {
        for (first, second) in [("Allow", "Deny"), ("Deny", "Allow")] {
            let text = format!(
                r#"{{"Statement":[{{"Effect":"{first}","Action":"s3:*","Resource":"*"}},
                    {{"Effect":"{second}","Action":["s3:getobject"],"Resource":"*"}}]}}"#
            );
            let policy = Policy::parse(&text).unwrap();
            assert_eq!(policy.verdict("s3:GetObject", "arn:aws:s3:::b/k"), Verdict::Deny);
        }
    }

    #[test]
    fn what_is_not_mentioned_is_not_allowed() {
        let policy =
            Policy::parse(r#"{"Statement":{"Effect":"Allow","Action":"a:B","Resource":"arn:x"}}"#).unwrap();
        assert_eq!(policy.verdict("a:B", "arn:x"), Verdict::Allow);
        assert_eq!(policy.verdict("a:B", "*"), Verdict::Silent);
        assert_eq!(policy.verdict("a:C", "arn:x"), Verdict::Silent);
    }

    #[test]
    fn clauses_outside_the_language_are_refused() {
        let condition = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{}}}"#;
        let not_action = r#"{"Statement":{"Effect":"Allow","NotAction":"*","Resource":"*"}}"#;
        assert!(Policy::parse(condition).is_err());
        assert!(Policy::parse(not_action).is_err());
    }
}
