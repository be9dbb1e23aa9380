//! Clocks: the day and the time that a moment has in a zone, all in microseconds, and the civil calendar.
//!
//! A moment counts microseconds since 1970 in UTC. What a clock of a zone shows is written as the moment at which one of UTC shows
//! the same.

use arrow::array::timezone::Tz;
use chrono::{DateTime, Offset, TimeZone};
use datafusion::common::Result;

pub(super) const SECOND: i64 = 1_000_000;
pub(super) const DAY: i64 = 86_400 * SECOND;

/// The clock of a zone.
pub(super) struct Clock(Option<Tz>);

impl Clock {
    /// # Arguments
    /// * `zone` - a name or an offset; none is the clock of UTC.
    ///
    /// # Errors
    /// If there is no such zone.
    pub(super) fn of(zone: Option<&str>) -> Result<Self> {
        match zone {
            None | Some("UTC" | "+00:00" | "Z") => Ok(Self(None)),
            Some(zone) => Ok(Self(Some(zone.parse()?))),
        }
    }

    pub(super) fn is_utc(&self) -> bool {
        self.0.is_none()
    }

    /// What the clock shows at a moment.
    pub(super) fn shown(&self, moment: i64) -> Option<i64> {
        moment.checked_add(self.offset_at(moment)?)
    }

    /// The first moment at which the clock shows this, near another moment: where a clock is set back it shows the hour twice.
    pub(super) fn moment(&self, shown: i64, near: i64) -> Option<i64> {
        let offset = self.offset_at(near)?;
        let likely = shown.checked_sub(offset)?;
        let other = self.offset_at(likely)?;
        if other == offset {
            return Some(likely);
        }
        let later = shown.checked_sub(other)?;
        // Nobody sees what a clock skips that is set forward: the moment of the change stands for it.
        Some(if self.offset_at(later)? == other { later } else { likely.max(later) })
    }

    fn offset_at(&self, moment: i64) -> Option<i64> {
        let Some(zone) = &self.0 else { return Some(0) };
        let utc = DateTime::from_timestamp_micros(moment)?.naive_utc();
        Some(i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()) * SECOND)
    }
}

/// Year and month, from 1 to 12, and day of a number of days since 1970.
pub(super) fn civil(days: i64) -> (i64, i64, i64) {
    // Years begin in March, so that a leap day is the last one: see H. Hinnant, "chrono-compatible low-level date algorithms".
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The days since 1970 of a date.
pub(super) fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The days of a month.
pub(super) fn length_of_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_each_others_inverse() {
        for number in (-719_162..2_932_897).step_by(13) {
            let (year, month, day) = civil(number);
            assert_eq!(days(year, month, day), number);
            assert!((1..=length_of_month(year, month)).contains(&day));
        }
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(-719_162), (1, 1, 1));
        assert_eq!(civil(2_932_896), (9999, 12, 31));
    }
}
