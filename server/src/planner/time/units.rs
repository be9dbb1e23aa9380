//! The units that `date_trunc` cuts to.

use super::clock::{DAY, SECOND, civil, days};

/// A unit of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unit {
    /// So many microseconds, a part of a day.
    Part(i64),
    Day,
    Week,
    Month,
    Quarter,
    Year,
    Decade,
    Century,
    Millennium,
}

impl Unit {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "microsecond" => Self::Part(1),
            "millisecond" => Self::Part(SECOND / 1_000),
            "second" => Self::Part(SECOND),
            "minute" => Self::Part(60 * SECOND),
            "hour" => Self::Part(3_600 * SECOND),
            "day" => Self::Day,
            "week" => Self::Week,
            "month" => Self::Month,
            "quarter" => Self::Quarter,
            "year" => Self::Year,
            "decade" => Self::Decade,
            "century" => Self::Century,
            "millennium" => Self::Millennium,
            _ => return None,
        })
    }

    /// The first day of the unit in which a day is; days since 1970.
    pub(super) fn first_day(self, day: i64) -> i64 {
        let of_month = |months: i64| {
            let (year, month, _) = civil(day);
            days(year, month - (month - 1) % months, 1)
        };
        // Decades begin with years that end with 0, centuries with those that end with 01, as in PostgreSQL.
        let of_years = |years: i64, first: i64| {
            let (year, _, _) = civil(day);
            days((year - first).div_euclid(years) * years + first, 1, 1)
        };
        match self {
            Self::Part(_) | Self::Day => day,
            // 1970 began on a Thursday, weeks begin on Mondays.
            Self::Week => day - (day + 3).rem_euclid(7),
            Self::Month => of_month(1),
            Self::Quarter => of_month(3),
            Self::Year => of_month(12),
            Self::Decade => of_years(10, 0),
            Self::Century => of_years(100, 1),
            Self::Millennium => of_years(1_000, 1),
        }
    }

    /// The beginning of the unit in which a time is, in microseconds; `None` if that is before all times.
    pub(super) fn beginning(self, time: i64) -> Option<i64> {
        match self {
            Self::Part(length) => time.checked_sub(time.rem_euclid(length)),
            unit => unit.first_day(time.div_euclid(DAY)).checked_mul(DAY),
        }
    }
}
