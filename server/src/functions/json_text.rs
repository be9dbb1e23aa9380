//! JSON texts and the paths into them. A value is a part of the text it stands in, so a number keeps its digits.
//!
//! Invariant: [`Json::of`] has seen that the whole text is JSON, so what walks over it may rely on that; where it does not find
//! what it expects, it ends.

use serde::de::IgnoredAny;

/// Steps of a path. Each walks over the value that the one before led to.
const MOST_STEPS: usize = 100;

/// A JSON value: the part of a valid text that it is.
#[derive(Clone, Copy)]
pub(super) struct Json<'a>(&'a str);

/// One step of a path.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Step {
    Name(String),
    Item(usize),
}

impl<'a> Json<'a> {
    /// The value of a text; `None` if that is not JSON.
    pub(super) fn of(text: &'a str) -> Option<Self> {
        serde_json::from_str::<IgnoredAny>(text).is_ok().then(|| Self(text.trim_ascii()))
    }

    /// The value that a path leads to, if there is one.
    pub(super) fn at(self, path: &[Step]) -> Option<Self> {
        path.iter().try_fold(self, |value, step| match step {
            Step::Name(name) => value.fields().find(|(key, _)| key == name).map(|(_, value)| value),
            Step::Item(index) => value.items().nth(*index),
        })
    }

    /// The values of an array; none of anything else.
    pub(super) fn items(self) -> impl Iterator<Item = Json<'a>> {
        let mut rest = self.0.strip_prefix('[').unwrap_or_default().trim_ascii_start();
        std::iter::from_fn(move || {
            let (value, behind) = first_value(rest)?;
            rest = behind.strip_prefix(',').unwrap_or_default().trim_ascii_start();
            Some(value)
        })
    }

    /// The fields of an object; none of anything else.
    pub(super) fn fields(self) -> impl Iterator<Item = (String, Json<'a>)> {
        let mut rest = self.0.strip_prefix('{').unwrap_or_default().trim_ascii_start();
        std::iter::from_fn(move || {
            let (key, behind) = first_value(rest)?;
            let (value, behind) = first_value(behind.strip_prefix(':')?.trim_ascii_start())?;
            rest = behind.strip_prefix(',').unwrap_or_default().trim_ascii_start();
            Some((key.string()?, value))
        })
    }

    pub(super) fn is_array(self) -> bool {
        self.0.starts_with('[')
    }

    /// Whether it is an object or an array.
    pub(super) fn is_nested(self) -> bool {
        self.0.starts_with(['[', '{'])
    }

    /// A string without its quotes and escapes; a number or truth value as it is written; `None` for all else.
    pub(super) fn scalar(self) -> Option<String> {
        if self.is_nested() || self.0 == "null" {
            return None;
        }
        if self.0.starts_with('"') { self.string() } else { Some(self.0.to_owned()) }
    }

    fn string(self) -> Option<String> {
        serde_json::from_str(self.0).ok()
    }

    /// The text without white space between its parts.
    pub(super) fn compact(self) -> String {
        let mut compact = String::with_capacity(self.0.len());
        let (mut is_string, mut is_escaped) = (false, false);
        for letter in self.0.chars() {
            match letter {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                '"' => is_string = !is_string,
                letter if !is_string && letter.is_ascii_whitespace() => continue,
                _ => {}
            }
            compact.push(letter);
        }
        compact
    }
}

/// The value at the start of a text, and what is behind it and its white space.
fn first_value(text: &str) -> Option<(Json<'_>, &str)> {
    let (mut depth, mut is_string, mut is_escaped) = (0_usize, false, false);
    let mut end = text.len();
    for (place, letter) in text.bytes().enumerate() {
        match letter {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => is_string = !is_string,
            _ if is_string => {}
            b'[' | b'{' => depth += 1,
            b',' | b':' | b']' | b'}' if depth == 0 => {
                end = place;
                break;
            }
            b']' | b'}' => depth -= 1,
            _ => {}
        }
    }
    let (value, behind) = text.split_at_checked(end)?;
    let value = value.trim_ascii_end();
    (!value.is_empty()).then_some((Json(value), behind))
}

/// Reads a path such as `$.store.book[0]["title"]`; `None` for any other form, and for one that is too long.
pub(super) fn path(text: &str) -> Option<Vec<Step>> {
    let mut rest = text.trim().strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if steps.len() == MOST_STEPS {
            return None;
        }
        let (step, behind) = step(rest)?;
        steps.push(step);
        rest = behind;
    }
    Some(steps)
}

fn step(text: &str) -> Option<(Step, &str)> {
    if let Some(name) = text.strip_prefix('.') {
        let end = name.find(['.', '[']).unwrap_or(name.len());
        let (name, behind) = name.split_at(end);
        let is_name = name.chars().all(|letter| letter.is_alphanumeric() || "_-$@:".contains(letter));
        return (is_name && !name.is_empty()).then(|| (Step::Name(name.to_owned()), behind));
    }
    let inner = text.strip_prefix('[')?;
    match inner.chars().next()? {
        quote @ ('"' | '\'') => {
            let (name, behind) = inner.get(1..)?.split_once(quote)?;
            Some((Step::Name(name.to_owned()), behind.strip_prefix(']')?))
        }
        _ => {
            let (index, behind) = inner.split_once(']')?;
            Some((Step::Item(index.trim().parse().ok()?), behind))
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    #[test]
    fn a_path_leads_to_the_text_that_stands_there() {
        let text =
            r#" {"a": [1, {"b": "x,\"]}"}, 2.50], "c\u0064": {"e f": null}, "n": 20000000000000000001} "#;
        for (at, found) in [
            ("$", Some(r#"{"a":[1,{"b":"x,\"]}"},2.50],"c\u0064":{"e f":null},"n":20000000000000000001}"#)),
            ("$.a[1].b", Some(r#""x,\"]}""#)),
            ("$.a[2]", Some("2.50")),
            ("$['cd'][\"e f\"]", Some("null")),
            ("$.n", Some("20000000000000000001")),
            ("$.a[3]", None),
            ("$.a.b", None),
            ("$.z", None),
        ] {
            let steps = path(at).unwrap();
            let value = Json::of(text).unwrap().at(&steps);
            assert_eq!(value.map(Json::compact).as_deref(), found, "{at}");
        }
        assert!(Json::of("{").is_none() && Json::of("").is_none() && Json::of("[1] 2").is_none());
        assert_eq!(Json::of("[]").unwrap().items().count(), 0);
        for bad in ["", "a", "$.", "$[", "$[x]", "$..a", "$['a'", "$[*]"] {
            assert_eq!(path(bad), None, "{bad}");
        }
        let long = |steps: usize| format!("${}", "[0]".repeat(steps));
        assert!(path(&long(MOST_STEPS)).is_some() && path(&long(MOST_STEPS + 1)).is_none());
    }
}
