//! [`TableSet`]: the tables that a setting is for.

use std::collections::BTreeSet;

use super::value::{SettingValue, quoted};
use crate::ids::TableName;

/// What stands for all tables.
const ALL: &str = "*";

/// Some tables by name, or all.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct TableSet {
    is_all: bool,
    names: BTreeSet<TableName>,
}

impl TableSet {
    /// Whether a table is among them.
    pub fn contains(&self, table: &TableName) -> bool {
        self.is_all || self.names.contains(table)
    }

    fn of<'a>(items: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut set = Self::default();
        for item in items.into_iter().map(str::trim) {
            match item.split_once('.') {
                None if item == ALL => set.is_all = true,
                Some((database, table)) if !database.is_empty() && !table.is_empty() => {
                    set.names.insert(TableName::new(database, table));
                }
                _ => return None,
            }
        }
        Some(set)
    }
}

impl SettingValue for TableSet {
    const KIND: &'static str = "list of tables";
    const FORM: &'static str =
        "a list such as [\"hr.employees\"] or [\"*\"], in an environment variable separated by commas";

    fn parse(text: &str) -> Option<Self> {
        Self::of(text.split(',').filter(|item| !item.trim().is_empty()))
    }

    fn from_file(value: &toml::Value) -> Option<Self> {
        let items: Option<Vec<&str>> = value.as_array()?.iter().map(toml::Value::as_str).collect();
        Self::of(items?)
    }

    fn show(&self) -> Option<String> {
        let names = self.names.iter().map(|name| quoted(&name.to_string()));
        let all = self.is_all.then(|| quoted(ALL));
        Some(format!("[{}]", all.into_iter().chain(names).collect::<Vec<_>>().join(", ")))
    }
}
