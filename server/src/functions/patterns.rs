//! `regexp_extract`, `regexp_extract_all` and `regexp_split`.
//!
//! The engine's `regexp_match` leaves out groups that took no part in a match, so that the others are at the wrong places: these
//! are no spellings of it.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListBuilder, StringBuilder};
use datafusion::common::Result;
use regex::{Captures, Regex};

use super::kernel::{Arguments, Kernel, Kind, text, texts};
use super::refused;

pub(super) const KERNELS: &[Kernel] = &[
    Kernel {
        name: "regexp_extract",
        arguments: &[Kind::Text, Kind::Text, Kind::Whole],
        required: 2,
        returns: text,
        call: regexp_extract,
    },
    Kernel {
        name: "regexp_extract_all",
        arguments: &[Kind::Text, Kind::Text, Kind::Whole],
        required: 2,
        returns: texts,
        call: regexp_extract_all,
    },
    Kernel {
        name: "regexp_split",
        arguments: &[Kind::Text, Kind::Text],
        required: 2,
        returns: texts,
        call: regexp_split,
    },
];

/// The last regular expression, compiled: rows mostly share it.
#[derive(Default)]
struct Compiled(Option<(String, Regex)>);

impl Compiled {
    fn get(&mut self, pattern: &str) -> Result<&Regex> {
        let known = self.0.take().filter(|(known, _)| known == pattern);
        let compiled = match known {
            Some(compiled) => compiled,
            None => {
                let regex = Regex::new(pattern).map_err(|_| {
                    refused("a regular expression cannot be read; there are no back references and no look-around")
                })?;
                (pattern.to_owned(), regex)
            }
        };
        Ok(&self.0.insert(compiled).1)
    }
}

/// Texts, patterns and groups, row by row.
fn each_row(
    arguments: &Arguments,
    mut row_of: impl FnMut(Option<(&str, &Regex, usize)>) -> Result<()>,
) -> Result<()> {
    let (values, patterns) = (arguments.texts(0), arguments.texts(1));
    let groups = arguments.has(2).then(|| arguments.wholes(2));
    let mut compiled = Compiled::default();
    for row in 0..arguments.rows {
        let group = groups.as_ref().map_or(Some(0), |groups| groups.get(row));
        let (Some(value), Some(pattern), Some(group)) = (values.get(row), patterns.get(row), group) else {
            row_of(None)?;
            continue;
        };
        let regex = compiled.get(pattern)?;
        let group = usize::try_from(group).ok().filter(|group| *group < regex.captures_len());
        let group = group.ok_or_else(|| refused("a regular expression has no group of that number"))?;
        row_of(Some((value, regex, group)))?;
    }
    Ok(())
}

fn group_of<'a>(captures: &Captures<'a>, group: usize) -> Option<&'a str> {
    captures.get(group).map(|found| found.as_str())
}

fn regexp_extract(arguments: &Arguments) -> Result<ArrayRef> {
    let mut found = StringBuilder::new();
    each_row(arguments, |row| {
        let part = row.and_then(|(value, regex, group)| group_of(&regex.captures(value)?, group));
        found.append_option(part);
        Ok(())
    })?;
    Ok(Arc::new(found.finish()))
}

fn regexp_extract_all(arguments: &Arguments) -> Result<ArrayRef> {
    let mut lists = ListBuilder::new(StringBuilder::new());
    each_row(arguments, |row| {
        if let Some((value, regex, group)) = row {
            for captures in regex.captures_iter(value) {
                lists.values().append_option(group_of(&captures, group));
            }
        }
        lists.append(row.is_some());
        Ok(())
    })?;
    Ok(Arc::new(lists.finish()))
}

fn regexp_split(arguments: &Arguments) -> Result<ArrayRef> {
    let mut lists = ListBuilder::new(StringBuilder::new());
    each_row(arguments, |row| {
        if let Some((value, regex, _)) = row {
            for part in regex.split(value) {
                lists.values().append_value(part);
            }
        }
        lists.append(row.is_some());
        Ok(())
    })?;
    Ok(Arc::new(lists.finish()))
}
