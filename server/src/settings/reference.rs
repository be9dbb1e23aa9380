//! Shows settings: the effective ones as TOML, and the reference of all keys as Markdown.
//!
//! Both walk the same entries, in which secrets are already hidden.

use std::fmt::Write as _;

use super::Settings;
use super::section::Entry;
use super::value::{HIDDEN, quoted};

impl Settings {
    /// The effective settings as a configuration file, secrets replaced by `***`.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        for section in self.sections() {
            line(&mut text, format_args!("[{}]", section.name()));
            for Entry { key, value, .. } in section.entries() {
                match value {
                    Some(value) => line(&mut text, format_args!("{key} = {value}")),
                    None => line(&mut text, format_args!("# {key} is not set")),
                }
            }
            text.push('\n');
        }
        for (name, user) in &self.users {
            line(&mut text, format_args!("[users.{}]", quoted(name)));
            line(&mut text, format_args!("password_hash = \"{HIDDEN}\""));
            line(&mut text, format_args!("role_arn = {}\n", quoted(user.role_arn.as_str())));
        }
        text
    }
}

/// The reference of all keys, one Markdown table per section.
pub fn reference() -> String {
    let mut text = String::new();
    for section in Settings::default().sections() {
        line(&mut text, format_args!("#### `[{}]`\n\n{}\n", section.name(), section.doc()));
        line(&mut text, format_args!("| key | type | default | meaning |\n|---|---|---|---|"));
        for entry in section.entries() {
            let Entry { key, kind, value, allowed, doc } = entry;
            let value = value.map_or_else(|| "not set".to_owned(), |value| format!("`{value}`"));
            let allowed = allowed.map(|allowed| format!(" ({allowed})")).unwrap_or_default();
            line(&mut text, format_args!("| `{key}` | {kind} | {value} | {doc}{allowed} |"));
        }
        text.push('\n');
    }
    text.push_str(USERS_REFERENCE);
    text
}

const USERS_REFERENCE: &str = "\
#### `[users.<name>]`

One section per user who may log in. User names are case-sensitive.

| key | type | default | meaning |
|---|---|---|---|
| `password_hash` | secret | required | Argon2 hash of the password, as `lakegate-server hash-password` prints it. |
| `role_arn` | role ARN | required | The IAM role that Lake Formation knows this user as. |
";

/// Writing to a `String` cannot fail; the result only exists because the trait has one.
fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    let _ = writeln!(text, "{arguments}");
}
