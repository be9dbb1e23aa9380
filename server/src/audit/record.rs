//! The form of audit records. Field names are a promise to whoever reads the trail: add, never rename.

use std::net::SocketAddr;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::TableAudit;

/// Written before a statement runs.
#[derive(Serialize)]
pub(super) struct Started<'a> {
    pub(super) ts: DateTime<Utc>,
    pub(super) event: &'static str,
    pub(super) query_id: String,
    pub(super) user: &'a str,
    pub(super) role: &'a str,
    pub(super) peer: Option<SocketAddr>,
    pub(super) user_agent: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) statement: Option<&'a str>,
    /// Length of the whole text: longer than `statement` if that was cut.
    pub(super) statement_bytes: usize,
}

/// Written when a statement ended. Durations in milliseconds.
#[derive(Serialize)]
pub(super) struct Finished<'a> {
    pub(super) ts: DateTime<Utc>,
    pub(super) event: &'static str,
    pub(super) query_id: String,
    pub(super) user: &'a str,
    pub(super) role: &'a str,
    pub(super) tables: Vec<Table<'a>>,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) outcome: &'static str,
    pub(super) queue_ms: u64,
    pub(super) plan_ms: u64,
    pub(super) execute_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_row_ms: Option<u64>,
    pub(super) total_ms: u64,
}

/// One table of a statement.
#[derive(Serialize)]
pub(super) struct Table<'a> {
    name: String,
    columns: &'a [String],
    row_filter: bool,
    policy: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of_version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of_timestamp: Option<DateTime<Utc>>,
}

impl<'a> From<&'a TableAudit> for Table<'a> {
    fn from(table: &'a TableAudit) -> Self {
        Self {
            name: table.name.to_string(),
            columns: &table.columns,
            row_filter: table.row_filter,
            policy: table.policy.to_string(),
            as_of_version: table.as_of_version,
            as_of_timestamp: table.as_of_timestamp,
        }
    }
}
