//! The types a setting may have: how each is read from text or TOML, and how it is shown.
//!
//! Invariants: a type reads back what it shows; a secret shows as `***`; nothing here fails with the text that
//! it was given, so a password typed under the wrong key is not repeated on a terminal or in a log.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::ids::{RoleArn, Secret};

/// What stands for a secret wherever settings are shown.
pub(super) const HIDDEN: &str = "***";

/// A type that a setting may have.
pub(super) trait SettingValue: Sized {
    /// The type's name in the reference.
    const KIND: &'static str;
    /// What a valid value looks like, for the error line: "expected {FORM}".
    const FORM: &'static str;

    /// Reads the text of an environment variable, or of a TOML string.
    fn parse(text: &str) -> Option<Self>;

    /// Reads a value of the configuration file.
    fn from_file(value: &toml::Value) -> Option<Self> {
        value.as_str().and_then(Self::parse)
    }

    /// The value as TOML, secrets hidden; `None` if it is not set.
    fn show(&self) -> Option<String>;
}

/// A number of bytes, written `"512MiB"`.
///
/// It shows itself in the largest unit that divides it, so that what is shown is exactly what is used.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ByteSize(u64);

const UNITS: [(&str, u32); 5] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10), ("B", 0)];

impl ByteSize {
    /// So many KiB.
    pub const fn kib(count: u64) -> Self {
        Self(count << 10)
    }

    /// So many MiB.
    pub const fn mib(count: u64) -> Self {
        Self(count << 20)
    }

    /// So many GiB.
    pub const fn gib(count: u64) -> Self {
        Self(count << 30)
    }

    /// So many bytes.
    pub const fn bytes(count: u64) -> Self {
        Self(count)
    }

    /// The number of bytes.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The number of bytes, at most what this machine can address.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl SettingValue for ByteSize {
    const KIND: &'static str = "size";
    const FORM: &'static str = "a size such as \"512MiB\" (units B, KiB, MiB, GiB, TiB)";

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits_end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
        let (digits, unit) = text.split_at(digits_end);
        let count: u64 = digits.parse().ok()?;
        let unit = unit.trim();
        if unit.is_empty() {
            return (count == 0).then_some(Self(0));
        }
        let (_, shift) = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
        count.checked_mul(1 << shift).map(Self)
    }

    fn show(&self) -> Option<String> {
        let (name, shift) = UNITS
            .iter()
            .find(|(_, shift)| self.0 != 0 && self.0.is_multiple_of(1 << shift))
            .unwrap_or(&("B", 0));
        Some(format!("\"{}{name}\"", self.0 >> shift))
    }
}

/// How much of the server's own running is logged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogLevel {
    /// Failures of this server only.
    Error,
    /// Also what an operator should look at.
    Warn,
    /// Also starts, stops and refusals.
    Info,
    /// Also each step of a query; no data.
    Debug,
    /// Everything.
    Trace,
}

/// How log lines look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// What happens to a table that shows different columns in different rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CellMasking {
    /// It is refused.
    Refuse,
    /// A cell that is not granted is NULL.
    Null,
}

/// What happens to a text column that holds bytes which are not UTF-8.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InvalidText {
    /// The statement ends with an error that names the column.
    Refuse,
    /// They are shown as U+FFFD.
    Replace,
}

/// A closed set of words as a setting; the words are written once.
macro_rules! word_setting {
    ($kind:ty, $form:literal, $($word:literal => $variant:path),+) => {
        impl SettingValue for $kind {
            const KIND: &'static str = $form;
            const FORM: &'static str = concat!("one of ", $form);

            fn parse(text: &str) -> Option<Self> {
                match text.trim() {
                    $($word => Some($variant),)+
                    _ => None,
                }
            }

            fn show(&self) -> Option<String> {
                match self {
                    $($variant => Some(concat!('"', $word, '"').to_owned()),)+
                }
            }
        }
    };
}

word_setting!(LogLevel, "error, warn, info, debug, trace",
    "error" => Self::Error, "warn" => Self::Warn, "info" => Self::Info, "debug" => Self::Debug, "trace" => Self::Trace);
word_setting!(CellMasking, "refuse, null", "refuse" => Self::Refuse, "null" => Self::Null);
word_setting!(InvalidText, "refuse, replace", "refuse" => Self::Refuse, "replace" => Self::Replace);
word_setting!(LogFormat, "text, json", "text" => Self::Text, "json" => Self::Json);

macro_rules! whole_number_setting {
    ($($kind:ty),+) => {$(
        impl SettingValue for $kind {
            const KIND: &'static str = "number";
            const FORM: &'static str = "a whole number, not negative";

            fn parse(text: &str) -> Option<Self> {
                text.trim().parse().ok()
            }

            fn from_file(value: &toml::Value) -> Option<Self> {
                value.as_integer().and_then(|number| Self::try_from(number).ok())
            }

            fn show(&self) -> Option<String> {
                Some(self.to_string())
            }
        }
    )+};
}

whole_number_setting!(u32, u64, usize);

impl SettingValue for bool {
    const KIND: &'static str = "true or false";
    const FORM: &'static str = "true or false";

    fn parse(text: &str) -> Option<Self> {
        text.trim().parse().ok()
    }

    fn from_file(value: &toml::Value) -> Option<Self> {
        value.as_bool()
    }

    fn show(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl SettingValue for Duration {
    const KIND: &'static str = "duration";
    const FORM: &'static str = "a duration such as \"30s\" or \"1h 30m\"";

    fn parse(text: &str) -> Option<Self> {
        humantime::parse_duration(text.trim()).ok()
    }

    fn show(&self) -> Option<String> {
        Some(format!("\"{}\"", humantime::format_duration(*self)))
    }
}

impl SettingValue for SocketAddr {
    const KIND: &'static str = "address";
    const FORM: &'static str = "an IP address and port such as \"127.0.0.1:32010\" or \"[::1]:32010\"";

    fn parse(text: &str) -> Option<Self> {
        text.trim().parse().ok()
    }

    fn show(&self) -> Option<String> {
        Some(format!("\"{self}\""))
    }
}

impl SettingValue for String {
    const KIND: &'static str = "text";
    const FORM: &'static str = "a text that is not empty";

    fn parse(text: &str) -> Option<Self> {
        (!text.trim().is_empty()).then(|| text.to_owned())
    }

    fn show(&self) -> Option<String> {
        Some(quoted(self))
    }
}

impl SettingValue for PathBuf {
    const KIND: &'static str = "path";
    const FORM: &'static str = "a path";

    fn parse(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self::from(text))
    }

    fn show(&self) -> Option<String> {
        Some(quoted(&self.to_string_lossy()))
    }
}

impl SettingValue for Url {
    const KIND: &'static str = "URL";
    const FORM: &'static str = "a URL such as \"https://host\", without user, password, query or fragment";

    fn parse(text: &str) -> Option<Self> {
        let url = Self::parse(text.trim()).ok()?;
        let is_plain = matches!(url.scheme(), "http" | "https")
            && url.host().is_some()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        is_plain.then_some(url)
    }

    fn show(&self) -> Option<String> {
        Some(quoted(self.as_str()))
    }
}

impl SettingValue for RoleArn {
    const KIND: &'static str = "role ARN";
    const FORM: &'static str = "a role ARN such as \"arn:aws:iam::123456789012:role/lakegate/analyst\"";

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text)
    }

    fn show(&self) -> Option<String> {
        Some(quoted(self.as_str()))
    }
}

impl SettingValue for Secret {
    const KIND: &'static str = "secret";
    const FORM: &'static str = "a text that is not empty";

    fn parse(text: &str) -> Option<Self> {
        (!text.trim().is_empty()).then(|| Self::new(text.to_owned()))
    }

    fn show(&self) -> Option<String> {
        Some(format!("\"{HIDDEN}\""))
    }
}

/// Empty text means "not set", so that an environment variable can take a value of the file back.
impl<T: SettingValue> SettingValue for Option<T> {
    const KIND: &'static str = T::KIND;
    const FORM: &'static str = T::FORM;

    fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(None);
        }
        T::parse(text).map(Some)
    }

    fn show(&self) -> Option<String> {
        self.as_ref().and_then(T::show)
    }
}

impl SettingValue for Vec<String> {
    const KIND: &'static str = "list of texts";
    const FORM: &'static str = "a list of texts, in an environment variable separated by commas";

    fn parse(text: &str) -> Option<Self> {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        Some(items.map(str::to_owned).collect())
    }

    fn from_file(value: &toml::Value) -> Option<Self> {
        value.as_array()?.iter().map(String::from_file).collect()
    }

    fn show(&self) -> Option<String> {
        let items: Vec<String> = self.iter().map(|item| quoted(item)).collect();
        Some(format!("[{}]", items.join(", ")))
    }
}

impl SettingValue for Vec<Secret> {
    const KIND: &'static str = "list of secrets";
    const FORM: &'static str = "a list of texts, in an environment variable separated by commas";

    fn parse(text: &str) -> Option<Self> {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        Some(items.map(|item| Secret::new(item.to_owned())).collect())
    }

    fn from_file(value: &toml::Value) -> Option<Self> {
        value.as_array()?.iter().map(Secret::from_file).collect()
    }

    fn show(&self) -> Option<String> {
        let hidden = vec![format!("\"{HIDDEN}\""); self.len()];
        Some(format!("[{}]", hidden.join(", ")))
    }
}

/// A TOML string literal.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
