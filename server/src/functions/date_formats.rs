//! `format_datetime`, by the patterns of Java, and `date_parse`, by those of MySQL. The engine's `to_char` and `to_timestamp` take
//! those of strftime, in which `%i` and `%s` are something else.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder, TimestampMicrosecondArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use chrono::format::{Parsed, StrftimeItems, parse};
use chrono::{DateTime, Datelike, NaiveDateTime, Timelike};
use datafusion::common::Result;

use super::kernel::{Arguments, Kernel, Kind, text};
use super::refused;

const MICROS: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

/// Most letters of one field: a number is filled with zeros to so many.
const MOST_LETTERS: usize = 64;

pub(super) const KERNELS: &[Kernel] = &[
    Kernel {
        name: "format_datetime",
        arguments: &[Kind::Moment, Kind::Text],
        required: 2,
        returns: text,
        call: format_datetime,
    },
    Kernel {
        name: "date_parse",
        arguments: &[Kind::Text, Kind::Text],
        required: 2,
        returns: |_| MICROS,
        call: date_parse,
    },
];

fn format_datetime(arguments: &Arguments) -> Result<ArrayRef> {
    let (array, is_constant) = arguments.array(0);
    // With a zone it is UTC. A date that is too far is an error, not NULL.
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let moments = cast_with_options(array, &MICROS, &strict)?;
    let moments = moments.as_primitive::<TimestampMicrosecondType>();
    let patterns = arguments.texts(1);
    let mut texts = StringBuilder::new();
    for row in 0..arguments.rows {
        let place = if is_constant { 0 } else { row };
        let micros = moments.is_valid(place).then(|| moments.value(place));
        let (Some(micros), Some(pattern)) = (micros, patterns.get(row)) else {
            texts.append_null();
            continue;
        };
        let moment = DateTime::from_timestamp_micros(micros);
        let moment = moment.ok_or_else(|| refused("format_datetime writes no dates that far"))?;
        texts.append_value(formatted(moment.naive_utc(), pattern)?);
    }
    Ok(Arc::new(texts.finish()))
}

fn formatted(moment: NaiveDateTime, pattern: &str) -> Result<String> {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(letter) = rest.chars().next() {
        if letter == '\'' {
            let (quoted, behind) = quoted(rest.get(1..).unwrap_or_default());
            text.push_str(&quoted);
            rest = behind;
            continue;
        }
        let end = rest.find(|other| other != letter).unwrap_or(rest.len());
        let (run, behind) = rest.split_at(end);
        if letter.is_ascii_alphabetic() && run.len() > MOST_LETTERS {
            return Err(refused("format_datetime takes at most 64 letters for one field"));
        }
        match letter.is_ascii_alphabetic() {
            true => field(&mut text, moment, letter, run.len())?,
            false => text.push_str(run),
        }
        rest = behind;
    }
    Ok(text)
}

/// Words in quotes, and what is behind them. Two quotes are one.
fn quoted(text: &str) -> (String, &str) {
    if let Some(behind) = text.strip_prefix('\'') {
        return ("'".to_owned(), behind);
    }
    let mut words = String::new();
    let mut rest = text;
    loop {
        let Some((before, behind)) = rest.split_once('\'') else {
            words.push_str(rest);
            return (words, "");
        };
        words.push_str(before);
        let Some(after) = behind.strip_prefix('\'') else { return (words, behind) };
        words.push('\'');
        rest = after;
    }
}

fn field(text: &mut String, at: NaiveDateTime, letter: char, width: usize) -> Result<()> {
    let is_long = width > 3;
    let half = |hour: u32| if hour.is_multiple_of(12) { 12 } else { hour % 12 };
    let year = |year: i32| if width == 2 { year.rem_euclid(100) } else { year };
    let number = match letter {
        'y' | 'Y' | 'u' => year(at.year()),
        'x' => year(at.iso_week().year()),
        'M' | 'L' if width > 2 => return name(text, at, if is_long { "%B" } else { "%b" }),
        'E' => return name(text, at, if is_long { "%A" } else { "%a" }),
        'a' => return name(text, at, "%p"),
        'G' => {
            text.push_str(if at.year() > 0 { "AD" } else { "BC" });
            return Ok(());
        }
        'z' => {
            text.push_str(if is_long { "Coordinated Universal Time" } else { "UTC" });
            return Ok(());
        }
        'Z' => {
            text.push_str(match width {
                1 => "+0000",
                2 => "+00:00",
                _ => "UTC",
            });
            return Ok(());
        }
        'S' => {
            let digits = format!("{:09}", at.nanosecond() % 1_000_000_000);
            text.push_str(digits.get(..width.min(9)).unwrap_or_default());
            return Ok(());
        }
        'M' | 'L' => of(at.month()),
        'w' => of(at.iso_week().week()),
        'd' => of(at.day()),
        'D' => of(at.ordinal()),
        'e' => of(at.weekday().number_from_monday()),
        'H' => of(at.hour()),
        'k' => of(if at.hour() == 0 { 24 } else { at.hour() }),
        'K' => of(at.hour() % 12),
        'h' => of(half(at.hour())),
        'm' => of(at.minute()),
        's' => of(at.second()),
        _ => {
            return Err(refused(
                "format_datetime meets a letter that is no field of a date or time: put words in quotes",
            ));
        }
    };
    write!(text, "{number:0width$}").map_err(|_| refused("a timestamp cannot be written"))
}

fn of(number: u32) -> i32 {
    i32::try_from(number).unwrap_or_default()
}

fn name(text: &mut String, at: NaiveDateTime, format: &str) -> Result<()> {
    write!(text, "{}", at.format(format)).map_err(|_| refused("a timestamp cannot be written"))
}

fn date_parse(arguments: &Arguments) -> Result<ArrayRef> {
    let (texts, formats) = (arguments.texts(0), arguments.texts(1));
    let mut known: Option<(String, String)> = None;
    let mut moments = Vec::with_capacity(arguments.rows);
    for row in 0..arguments.rows {
        let (Some(text), Some(format)) = (texts.get(row), formats.get(row)) else {
            moments.push(None);
            continue;
        };
        let ours = match known.take().filter(|(format_known, _)| format_known == format) {
            Some((_, ours)) => ours,
            None => as_strftime(format)?,
        };
        let moment = parsed(text, &ours);
        known = Some((format.to_owned(), ours));
        moments.push(Some(
            moment
                .ok_or_else(|| refused("a text is no timestamp of the format that date_parse was given"))?,
        ));
    }
    Ok(Arc::new(TimestampMicrosecondArray::from(moments)))
}

/// A format of MySQL in strftime's letters.
fn as_strftime(format: &str) -> Result<String> {
    let mut ours = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            ours.push(letter);
            continue;
        }
        let letter = match letters.next() {
            Some('a') => "%a",
            Some('b') => "%b",
            Some('c' | 'm') => "%m",
            Some('d' | 'e') => "%d",
            Some('f') if ours.ends_with('.') => {
                ours.pop();
                "%.f"
            }
            Some('H' | 'k') => "%H",
            Some('h' | 'I' | 'l') => "%I",
            Some('i') => "%M",
            Some('j') => "%j",
            Some('M') => "%B",
            Some('p') => "%p",
            Some('r') => "%I:%M:%S %p",
            Some('S' | 's') => "%S",
            Some('T') => "%H:%M:%S",
            Some('v') => "%V",
            Some('W') => "%A",
            Some('x') => "%G",
            Some('Y') => "%Y",
            Some('y') => "%y",
            Some('%') => "%%",
            _ => {
                return Err(refused("date_parse knows no such letter behind %, and %f behind a point alone"));
            }
        };
        ours.push_str(letter);
    }
    Ok(ours)
}

/// What a text says of a moment; what it does not say is that of the start of 1970.
fn parsed(text: &str, format: &str) -> Option<i64> {
    let mut parsed = Parsed::new();
    parse(&mut parsed, text, StrftimeItems::new(format)).ok()?;
    if parsed.year().is_none() && parsed.year_mod_100().is_none() && parsed.isoyear().is_none() {
        parsed.set_year(1970).ok()?;
    }
    if parsed.month().is_none() && parsed.ordinal().is_none() && parsed.isoweek().is_none() {
        parsed.set_month(1).ok()?;
    }
    if parsed.isoweek().is_some() && parsed.weekday().is_none() {
        parsed.set_weekday(chrono::Weekday::Mon).ok()?;
    } else if parsed.day().is_none() && parsed.ordinal().is_none() && parsed.isoweek().is_none() {
        parsed.set_day(1).ok()?;
    }
    match (parsed.hour_div_12(), parsed.hour_mod_12()) {
        (None, None) => {
            parsed.set_hour(0).ok()?;
        }
        (None, Some(_)) => {
            parsed.set_ampm(false).ok()?;
        }
        _ => {}
    }
    if parsed.minute().is_none() {
        parsed.set_minute(0).ok()?;
    }
    let moment = parsed.to_naive_date().ok()?.and_time(parsed.to_naive_time().ok()?);
    Some(moment.and_utc().timestamp_micros())
}
