//! [`Moment`]: which version of a table is meant, read from a literal.
//!
//! Nothing but literals. Tables are opened before anything of the statement is evaluated, so a parameter, a column or a
//! function has no value yet; and a moment that is written out means the same when the ticket is redeemed.

use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use datafusion::sql::sqlparser::ast::{DataType, Expr, TableVersion, Value};

use crate::error::{Error, ErrorKind};

const VERSION_FORM: &str = "VERSION AS OF takes the number of a version, such as 3";
const TIMESTAMP_FORM: &str = "a moment is written 'YYYY-MM-DD' or 'YYYY-MM-DD HH:MM:SS', as a literal; \
                              a fraction .ffffff and a zone Z or +HH:MM may follow";

const SECONDS_PER_HOUR: i64 = 60 * 60;
const SECONDS_PER_MINUTE: i64 = 60;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// Which version of a table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Moment {
    /// The version of this number.
    Version(u64),
    /// The version that was the newest at this time, in microseconds since the epoch, UTC.
    Timestamp(i64),
}

impl Moment {
    /// Reads a clause behind a table's name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for anything but a literal, [`ErrorKind::Unsupported`] for other kinds of clauses.
    pub(super) fn of(clause: &TableVersion) -> Result<Self, Error> {
        let malformed =
            |form, written: &Expr| Error::new(ErrorKind::InvalidRequest, form).echoing(&written.to_string());
        match clause {
            TableVersion::VersionAsOf(written) => {
                version(written).map(Self::Version).ok_or_else(|| malformed(VERSION_FORM, written))
            }
            TableVersion::TimestampAsOf(written) | TableVersion::ForSystemTimeAsOf(written) => {
                timestamp(written).map(Self::Timestamp).ok_or_else(|| malformed(TIMESTAMP_FORM, written))
            }
            TableVersion::Function(_) | TableVersion::Changes { .. } => Err(Error::new(
                ErrorKind::Unsupported,
                "write VERSION AS OF or TIMESTAMP AS OF to read an earlier version of a table",
            )),
        }
    }

    /// Reads a timestamp that stands alone, without quotes.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for any other form than in a statement.
    pub(crate) fn at(text: &str) -> Result<Self, Error> {
        date_and_time(text)
            .map(Self::Timestamp)
            .ok_or_else(|| Error::new(ErrorKind::InvalidRequest, TIMESTAMP_FORM).echoing(text))
    }

    /// The moment as [`at`](Self::at) reads it; a version's number for one by number.
    pub(super) fn literal(self) -> String {
        let shown = self.to_string();
        shown.split_once(' ').map_or_else(|| shown.clone(), |(_, literal)| literal.to_owned())
    }

    /// The moment as a word that [`from_word`](Self::from_word) reads.
    pub(super) fn to_word(self) -> String {
        match self {
            Self::Version(number) => format!("v{number}"),
            Self::Timestamp(micros) => format!("t{micros}"),
        }
    }

    /// What [`to_word`](Self::to_word) wrote.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        let (kind, number) = word.split_at_checked(1)?;
        match kind {
            "v" => number.parse().ok().map(Self::Version),
            "t" => number.parse().ok().map(Self::Timestamp),
            _ => None,
        }
    }
}

/// As a person reads it: `version 3`, `timestamp 2026-01-31T00:00:00Z`.
impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(number) => write!(formatter, "version {number}"),
            Self::Timestamp(micros) => match DateTime::<Utc>::from_timestamp_micros(*micros) {
                Some(time) => {
                    let format = chrono::SecondsFormat::AutoSi;
                    write!(formatter, "timestamp {}", time.to_rfc3339_opts(format, true))
                }
                None => write!(formatter, "timestamp {micros} µs"),
            },
        }
    }
}

/// Delta's version numbers are signed integers of 64 bits that are not negative.
fn version(written: &Expr) -> Option<u64> {
    let Expr::Value(literal) = written else { return None };
    let Value::Number(digits, false) = &literal.value else { return None };
    let number: u64 = digits.parse().ok()?;
    i64::try_from(number).is_ok().then_some(number)
}

/// `'…'`, `TIMESTAMP '…'` or `DATE '…'`.
fn timestamp(written: &Expr) -> Option<i64> {
    let (literal, is_date) = match written {
        Expr::Value(literal) => (literal, false),
        Expr::TypedString(typed) => match typed.data_type {
            DataType::Timestamp(None, _) => (&typed.value, false),
            DataType::Date => (&typed.value, true),
            _ => return None,
        },
        _ => return None,
    };
    let Value::SingleQuotedString(text) = &literal.value else { return None };
    if is_date && text.len() != "YYYY-MM-DD".len() {
        return None;
    }
    date_and_time(text)
}

/// Microseconds since the epoch. Without a zone the time is UTC.
fn date_and_time(text: &str) -> Option<i64> {
    let (date, rest) = text.split_at_checked("YYYY-MM-DD".len())?;
    let date = NaiveDate::parse_from_str(shaped(date, "0000-00-00")?, "%Y-%m-%d").ok()?;
    if rest.is_empty() {
        return Some(date.and_time(NaiveTime::MIN).and_utc().timestamp_micros());
    }
    let rest = rest.strip_prefix([' ', 'T'])?;
    let (time, rest) = rest.split_at_checked("HH:MM:SS".len())?;
    let time = shaped(time, "00:00:00")?;
    let (micros, zone) = fraction(rest)?;
    let time = NaiveTime::from_hms_micro_opt(
        time[..2].parse().ok()?,
        time[3..5].parse().ok()?,
        time[6..].parse().ok()?,
        micros,
    )?;
    let ahead_of_utc = offset_seconds(zone)? * MICROS_PER_SECOND;
    Some(date.and_time(time).and_utc().timestamp_micros() - ahead_of_utc)
}

/// The text itself if it has a digit wherever the pattern has `0`, and the pattern's letters elsewhere.
fn shaped<'a>(text: &'a str, pattern: &str) -> Option<&'a str> {
    let fits = |(letter, wanted): (u8, u8)| match wanted {
        b'0' => letter.is_ascii_digit(),
        other => letter == other,
    };
    (text.len() == pattern.len() && text.bytes().zip(pattern.bytes()).all(fits)).then_some(text)
}

/// The microseconds of `.f` to `.ffffff`, or 0, and what follows.
fn fraction(text: &str) -> Option<(u32, &str)> {
    let Some(rest) = text.strip_prefix('.') else { return Some((0, text)) };
    let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, zone) = rest.split_at(end);
    if !(1..=6).contains(&digits.len()) {
        return None;
    }
    Some((format!("{digits:0<6}").parse().ok()?, zone))
}

/// How far a zone is ahead of UTC.
fn offset_seconds(zone: &str) -> Option<i64> {
    if zone.is_empty() || zone == "Z" {
        return Some(0);
    }
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let offset = shaped(&zone[1..], "00:00")?;
    let (hours, minutes): (i64, i64) = (offset[..2].parse().ok()?, offset[3..].parse().ok()?);
    let is_possible = hours <= 14 && minutes <= 59;
    is_possible.then(|| sign * (hours * SECONDS_PER_HOUR + minutes * SECONDS_PER_MINUTE))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    const MIDNIGHT: i64 = 1_769_817_600_000_000;

    #[test]
    fn a_timestamp_has_a_date_and_perhaps_a_time_a_fraction_and_a_zone() {
        for (text, micros) in [
            ("2026-01-31", MIDNIGHT),
            ("2026-01-31 00:00:00", MIDNIGHT),
            ("2026-01-31T00:00:00Z", MIDNIGHT),
            ("2026-01-31 00:00:01.5", MIDNIGHT + 1_500_000),
            ("2026-01-31 00:00:00.000001", MIDNIGHT + 1),
            ("2026-01-31 05:30:00+05:30", MIDNIGHT),
            ("2026-01-30T19:00:00.25-05:00", MIDNIGHT + 250_000),
            ("1969-12-31 23:59:59.999999", -1),
        ] {
            assert_eq!(Moment::at(text).unwrap(), Moment::Timestamp(micros), "{text}");
        }
    }

    #[test]
    fn any_other_form_of_a_timestamp_is_refused() {
        for text in [
            "",
            "now",
            "2026",
            "2026-1-31",
            "2026-02-30",
            "2026-13-01",
            "+026-01-31",
            "2026-01-31 ",
            "2026-01-31Z",
            "2026-01-31 00:00",
            "2026-01-31 24:00:00",
            "2026-01-31 00:00:60",
            "2026-01-31 00:00:00.",
            "2026-01-31 00:00:00.1234567",
            "2026-01-31 00:00:00 Z",
            "2026-01-31 00:00:00+5:30",
            "2026-01-31 00:00:00+05:60",
            "2026-01-31 00:00:00+15:00",
            "2026-01-31 00:00:00 Europe/Paris",
            "2026-01-31t00:00:00",
            "２026-01-31",
            "2026-01-3１",
            "2026-01-31 00:00:00ü",
            "1769817600",
        ] {
            let error = Moment::at(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{text}");
            assert!(error.public_text().starts_with(TIMESTAMP_FORM), "{text}");
        }
    }

    #[test]
    fn a_moment_is_shown_in_utc_and_its_word_reads_back() {
        for (moment, shown) in [
            (Moment::Version(3), "version 3"),
            (Moment::Timestamp(MIDNIGHT), "timestamp 2026-01-31T00:00:00Z"),
            (Moment::Timestamp(MIDNIGHT + 1), "timestamp 2026-01-31T00:00:00.000001Z"),
            (Moment::Timestamp(-1), "timestamp 1969-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(moment.to_string(), shown);
            assert_eq!(Moment::from_word(&moment.to_word()), Some(moment));
        }
        for word in ["", "v", "v-1", "x1", "3", "ü1"] {
            assert_eq!(Moment::from_word(word), None, "{word}");
        }
    }
}
