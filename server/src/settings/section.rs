//! The macro that turns the annotated list of `keys.rs` into structs, defaults, readers and the reference.
//!
//! One list is the only source: a key cannot exist without a type, a default and a sentence that explains it,
//! and the documentation cannot drift from the code.

use std::ops::RangeInclusive;

use super::problem::Problem;
use super::value::SettingValue;

/// A value on its way into a setting, with the place it came from.
pub(super) enum Given<'a> {
    File(&'a toml::Value),
    Environment(&'a str),
}

/// One key as the reference and the effective configuration show it.
pub(super) struct Entry {
    pub(super) key: &'static str,
    pub(super) kind: &'static str,
    /// The value as TOML, secrets hidden; `None` if it is not set.
    pub(super) value: Option<String>,
    /// The allowed range in words.
    pub(super) allowed: Option<String>,
    pub(super) doc: String,
}

/// A section of the configuration, seen without its type.
pub(super) trait Section {
    fn name(&self) -> &'static str;
    fn doc(&self) -> &'static str;
    fn keys(&self) -> &'static [&'static str];
    /// Sets one key of `keys()`; a key that is not in the list changes nothing.
    fn assign(&mut self, key: &str, origin: String, given: &Given<'_>) -> Result<(), Problem>;
    fn entries(&self) -> Vec<Entry>;
}

/// Reads one value; `origin` names it in the problem.
pub(super) fn read<T: SettingValue>(origin: String, given: &Given<'_>) -> Result<T, Problem> {
    let value = match given {
        Given::File(value) => T::from_file(value),
        Given::Environment(text) => T::parse(text),
    };
    value.ok_or(Problem::Invalid { origin, form: T::FORM })
}

/// Like [`read`], and refuses what is outside `range`.
pub(super) fn read_within<T: SettingValue + PartialOrd>(
    origin: String,
    given: &Given<'_>,
    range: &RangeInclusive<T>,
) -> Result<T, Problem> {
    let value = read(origin.clone(), given)?;
    if !range.contains(&value) {
        return Err(Problem::OutOfRange { origin, allowed: range_in_words(range) });
    }
    Ok(value)
}

/// For example `1KiB to 64MiB`.
pub(super) fn range_in_words<T: SettingValue>(range: &RangeInclusive<T>) -> String {
    let show = |bound: &T| bound.show().unwrap_or_default().replace('"', "");
    format!("{} to {}", show(range.start()), show(range.end()))
}

/// Makes one struct per section and `Settings` around them. See `keys.rs` for the form of the list.
macro_rules! settings {
    ($(
        #[doc = $section_doc:literal]
        section $section:ident: $Section:ident {
            $(
                $(#[doc = $doc:literal])+
                $key:ident: $kind:ty = $default:expr $(, within $range:expr)?;
            )+
        }
    )+) => {
        $(
            #[doc = $section_doc]
            #[derive(Clone)]
            pub struct $Section {
                $($(#[doc = $doc])+ pub $key: $kind,)+
            }

            impl Default for $Section {
                fn default() -> Self {
                    Self { $($key: $default,)+ }
                }
            }

            impl Section for $Section {
                fn name(&self) -> &'static str {
                    stringify!($section)
                }

                fn doc(&self) -> &'static str {
                    $section_doc.trim_ascii()
                }

                fn keys(&self) -> &'static [&'static str] {
                    &[$(stringify!($key)),+]
                }

                fn assign(&mut self, key: &str, origin: String, given: &Given<'_>) -> Result<(), Problem> {
                    match key {
                        $(stringify!($key) => {
                            self.$key = settings!(@read origin, given $(, $range)?)?;
                        })+
                        _ => {}
                    }
                    Ok(())
                }

                fn entries(&self) -> Vec<Entry> {
                    vec![$(Entry {
                        key: stringify!($key),
                        kind: <$kind as SettingValue>::KIND,
                        value: self.$key.show(),
                        allowed: None::<String>$(.or_else(|| Some(range_in_words::<$kind>(&($range)))))?,
                        doc: [$($doc.trim_ascii()),+].join(" "),
                    }),+]
                }
            }

            impl std::fmt::Debug for $Section {
                fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    debug_section(self, formatter)
                }
            }
        )+

        /// The whole configuration, checked. Plain data: components are built from it, never looked up in it later.
        #[derive(Clone, Default, Debug)]
        pub struct Settings {
            $(#[doc = $section_doc] pub $section: $Section,)+
            /// Who may log in, by user name.
            pub users: BTreeMap<String, UserSettings>,
        }

        impl Settings {
            pub(super) fn sections(&self) -> Vec<&dyn Section> {
                vec![$(&self.$section),+]
            }

            pub(super) fn section_mut(&mut self, name: &str) -> Option<&mut dyn Section> {
                match name {
                    $(stringify!($section) => Some(&mut self.$section),)+
                    _ => None,
                }
            }
        }
    };
    (@read $origin:ident, $given:ident) => { read($origin, $given) };
    (@read $origin:ident, $given:ident, $range:expr) => { read_within($origin, $given, &($range)) };
}

pub(super) use settings;

/// `Debug` through the same door as the effective configuration, so that secrets stay hidden in both.
pub(super) fn debug_section(
    section: &dyn Section,
    formatter: &mut std::fmt::Formatter<'_>,
) -> std::fmt::Result {
    let mut lines = formatter.debug_map();
    for entry in section.entries() {
        lines.entry(&entry.key, &entry.value);
    }
    lines.finish()
}
