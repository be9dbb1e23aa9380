//! Delta tables for tests: from where they come, how they get into the sandbox's account, and how answers are compared.
//!
//! ```text
//!   reference (archives) ─┐
//!                         ├─▶ TableFiles ─▶ lake (S3, Glue, Lake Formation) ─▶ server ─▶ rows ─ compared with ─ expected rows
//!   writer (by hand)     ─┘
//! ```
//! A table is kept in memory as its files, so that a test can damage one before it reaches the account.

pub(crate) mod grants;
pub(crate) mod hostile;
pub(crate) mod lake;
pub(crate) mod peer;
pub(crate) mod reference;
pub(crate) mod rows;
pub(crate) mod schema;
pub(crate) mod vector;
pub(crate) mod writer;

use std::collections::BTreeMap;

use serde_json::Value;

/// The files of one Delta table: path below the table's folder, as S3 spells the key, and content.
#[derive(Clone, Default)]
pub(crate) struct TableFiles(pub(crate) BTreeMap<String, Vec<u8>>);

impl TableFiles {
    /// The path of a commit.
    pub(crate) fn commit(version: u64) -> String {
        format!("_delta_log/{version:020}.json")
    }

    /// The actions of all commits that are kept as JSON, oldest first. Lines that are not JSON are left out.
    pub(crate) fn actions(&self) -> Vec<Value> {
        let is_commit = |path: &str| {
            let name = path.strip_prefix("_delta_log/").and_then(|name| name.strip_suffix(".json"));
            name.is_some_and(|name| name.len() == 20 && name.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let commits = self.0.iter().filter(|(path, _)| is_commit(path));
        commits
            .flat_map(|(_, content)| content.split(|byte| *byte == b'\n'))
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect()
    }

    /// Replaces each action of one commit by what `change` makes of it.
    pub(crate) fn edit_commit(&mut self, version: u64, mut change: impl FnMut(&mut Value)) {
        let content = self.0.get_mut(&Self::commit(version)).unwrap();
        let mut lines = Vec::new();
        for line in content.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let mut action: Value = serde_json::from_slice(line).unwrap();
            change(&mut action);
            lines.push(action.to_string());
        }
        *content = lines.join("\n").into_bytes();
    }

    /// The first path that has all of `parts`, in any order.
    pub(crate) fn path_with(&self, parts: &[&str]) -> String {
        let mut found = self.0.keys().filter(|path| parts.iter().all(|part| path.contains(part)));
        let first = found.next().unwrap_or_else(|| panic!("no file with {parts:?} in its path"));
        first.clone()
    }
}
