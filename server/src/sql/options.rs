//! The options of a session: what a statement's text leaves open.
//!
//! A closed list. A client gives an option as text, by a header, a session action or `SET`; it is read here, so that the
//! three agree about names and forms. An unknown name is refused: an option that is ignored in silence gives wrong answers.

use std::fmt;
use std::time::Duration;

use super::moment::Moment;
use crate::error::{Error, ErrorKind};
use crate::ids::CATALOG;

/// Longest name of a default database; Glue allows as much.
const SCHEMA_LIMIT: usize = 255;

/// Most endpoints of one result. Each reads the whole table, and drivers open all of them at once.
const MAX_ENDPOINTS: u32 = 32;

const TIMEOUT_FORM: &str = "a statement timeout is a duration such as '30s' or '5m'";

/// The name of an option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SessionOption {
    Catalog,
    Schema,
    AsOf,
    StatementTimeout,
    Compression,
    Endpoints,
    ViewTypes,
    TimeZone,
}

impl SessionOption {
    /// All of them, in the order in which they are shown.
    pub(crate) const ALL: [Self; 8] = [
        Self::Catalog,
        Self::Schema,
        Self::AsOf,
        Self::StatementTimeout,
        Self::Compression,
        Self::Endpoints,
        Self::ViewTypes,
        Self::TimeZone,
    ];

    /// As `SET`, `SHOW` and the session actions spell it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Catalog => "catalog",
            Self::Schema => "schema",
            Self::AsOf => "as_of",
            Self::StatementTimeout => "statement_timeout",
            Self::Compression => "compression",
            Self::Endpoints => "endpoints",
            Self::ViewTypes => "view_types",
            Self::TimeZone => "timezone",
        }
    }

    /// What it does, for `SHOW ALL`.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Catalog => "the data catalog; there is one",
            Self::Schema => "database of tables that are named without one",
            Self::AsOf => "timestamp of tables for which a statement names no version",
            Self::StatementTimeout => "longest run of a statement, within the server's own limit",
            Self::Compression => "compression of results: none, lz4 or zstd",
            Self::Endpoints => "into how many parts a result without an order may be divided",
            Self::ViewTypes => "texts and binaries of results as Arrow's views: true or false",
            Self::TimeZone => "time zone of timestamps; there is one",
        }
    }

    /// The option of a name, in any case.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|option| option.name().eq_ignore_ascii_case(name))
    }
}

/// How the buffers of a result are compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Compression {
    Lz4,
    Zstd,
}

impl fmt::Display for Compression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        })
    }
}

/// The values of all options; the default is what a session begins with.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct SessionOptions {
    /// The database of tables that are named without one.
    pub(crate) schema: Option<String>,
    /// The moment of tables for which the text asks for none.
    pub(crate) as_of: Option<Moment>,
    /// Shortens the server's own limit.
    pub(crate) statement_timeout: Option<Duration>,
    /// Absent: results are not compressed, which every client can read.
    pub(crate) compression: Option<Compression>,
    /// Absent: one, in which rows keep their order in every client.
    pub(crate) endpoints: Option<u32>,
    /// Whether texts and binaries travel as views, which several drivers do not know.
    pub(crate) view_types: bool,
}

impl SessionOptions {
    /// Gives an option its value; `None` is its default.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for a value that it cannot have.
    pub(crate) fn set(&mut self, option: SessionOption, value: Option<&str>) -> Result<(), Error> {
        let value = value.map(str::trim);
        match option {
            SessionOption::Catalog => check_catalog(value)?,
            SessionOption::Schema => self.schema = value.map(schema).transpose()?.flatten(),
            SessionOption::AsOf => self.as_of = value.map(Moment::at).transpose()?,
            SessionOption::StatementTimeout => self.statement_timeout = value.map(timeout).transpose()?,
            SessionOption::Compression => self.compression = value.map(compression).transpose()?.flatten(),
            SessionOption::Endpoints => self.endpoints = value.map(endpoints).transpose()?,
            SessionOption::ViewTypes => self.view_types = value.map(truth).transpose()?.unwrap_or_default(),
            SessionOption::TimeZone => check_time_zone(value)?,
        }
        Ok(())
    }

    /// The value of an option in the form in which it can be set; `None` if it has its default.
    pub(crate) fn get(&self, option: SessionOption) -> Option<String> {
        match option {
            SessionOption::Catalog => Some(CATALOG.to_owned()),
            SessionOption::Schema => self.schema.clone(),
            SessionOption::AsOf => self.as_of.map(Moment::literal),
            SessionOption::StatementTimeout => {
                self.statement_timeout.map(|timeout| humantime::format_duration(timeout).to_string())
            }
            SessionOption::Compression => self.compression.map(|compression| compression.to_string()),
            SessionOption::Endpoints => self.endpoints.map(|endpoints| endpoints.to_string()),
            SessionOption::ViewTypes => self.view_types.then(|| true.to_string()),
            SessionOption::TimeZone => Some("UTC".to_owned()),
        }
    }
}

fn check_catalog(value: Option<&str>) -> Result<(), Error> {
    match value {
        Some(other) if !other.is_empty() && !other.eq_ignore_ascii_case(CATALOG) => {
            Err(Error::new(ErrorKind::InvalidRequest, "the only catalog is awsdatacatalog, not")
                .echoing(other))
        }
        _ => Ok(()),
    }
}

fn check_time_zone(value: Option<&str>) -> Result<(), Error> {
    let is_utc = |zone: &str| ["utc", "etc/utc", "gmt", "z", "+00:00", "0", "local", ""].contains(&zone);
    match value {
        Some(other) if !is_utc(&other.to_ascii_lowercase()) => Err(Error::new(
            ErrorKind::InvalidRequest,
            "the session's time zone is UTC; write timestamps AT TIME ZONE to see them in",
        )
        .echoing(other)),
        _ => Ok(()),
    }
}

/// Whether there is such a database is not told here, where nobody knows who asks.
fn schema(text: &str) -> Result<Option<String>, Error> {
    if text.chars().count() > SCHEMA_LIMIT || text.chars().any(char::is_control) {
        return Err(Error::new(ErrorKind::InvalidRequest, "a schema cannot be called so").echoing(text));
    }
    Ok(Some(text.to_ascii_lowercase()).filter(|name| !name.is_empty()))
}

fn timeout(text: &str) -> Result<Duration, Error> {
    humantime::parse_duration(text)
        .ok()
        .filter(|timeout| timeout.as_millis() > 0)
        .ok_or_else(|| Error::new(ErrorKind::InvalidRequest, TIMEOUT_FORM).echoing(text))
}

fn compression(text: &str) -> Result<Option<Compression>, Error> {
    match text.to_ascii_lowercase().as_str() {
        "" | "none" => Ok(None),
        "lz4" => Ok(Some(Compression::Lz4)),
        "zstd" => Ok(Some(Compression::Zstd)),
        _ => {
            Err(Error::new(ErrorKind::InvalidRequest, "results are compressed by none, lz4 or zstd, not by")
                .echoing(text))
        }
    }
}

fn endpoints(text: &str) -> Result<u32, Error> {
    let allowed = text.parse().ok().filter(|number| (1..=MAX_ENDPOINTS).contains(number));
    allowed.ok_or_else(|| {
        Error::new(ErrorKind::InvalidRequest, "a result has 1 to 32 endpoints, not").echoing(text)
    })
}

fn truth(text: &str) -> Result<bool, Error> {
    let text = text.to_ascii_lowercase();
    text.parse().map_err(|_| Error::new(ErrorKind::InvalidRequest, "true or false, not").echoing(&text))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    #[test]
    fn what_is_shown_can_be_set() {
        let mut options = SessionOptions::default();
        for (option, value) in [
            (SessionOption::Catalog, "AwsDataCatalog"),
            (SessionOption::Schema, " Sales "),
            (SessionOption::AsOf, "2026-01-31 10:00:00.25+02:00"),
            (SessionOption::StatementTimeout, "1h 30m"),
            (SessionOption::Compression, "ZSTD"),
            (SessionOption::Endpoints, "4"),
            (SessionOption::ViewTypes, "TRUE"),
            (SessionOption::TimeZone, "utc"),
        ] {
            options.set(option, Some(value)).unwrap();
        }
        assert_eq!(options.get(SessionOption::Schema).as_deref(), Some("sales"));
        let mut copy = SessionOptions::default();
        for option in SessionOption::ALL {
            assert_eq!(SessionOption::named(&option.name().to_uppercase()), Some(option));
            copy.set(option, options.get(option).as_deref()).unwrap();
        }
        assert_eq!(copy, options);
        SessionOption::ALL.into_iter().for_each(|option| copy.set(option, None).unwrap());
        assert_eq!(copy, SessionOptions::default());
    }

    #[test]
    fn a_value_that_says_nothing_clear_is_refused() {
        for (option, value) in [
            (SessionOption::Catalog, "other"),
            (SessionOption::Schema, "sales\u{1}v3"),
            (SessionOption::AsOf, "yesterday"),
            (SessionOption::AsOf, ""),
            (SessionOption::StatementTimeout, "30"),
            (SessionOption::StatementTimeout, "0s"),
            (SessionOption::StatementTimeout, "-1s"),
            (SessionOption::Compression, "gzip"),
            (SessionOption::Endpoints, "0"),
            (SessionOption::Endpoints, "33"),
            (SessionOption::ViewTypes, "1"),
        ] {
            let mut options = SessionOptions::default();
            let error = options.set(option, Some(value)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{value}");
            assert_eq!(options, SessionOptions::default());
        }
    }
}
