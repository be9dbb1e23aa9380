//! The form of audit records. Field names are a promise to whoever reads the trail: add, never rename.

use std::net::SocketAddr;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::TableAudit;

/// Who did something, and from where.
#[derive(Serialize)]
pub(super) struct Who<'a> {
    pub(super) user: &'a str,
    pub(super) role: &'a str,
    pub(super) peer: Option<SocketAddr>,
    pub(super) user_agent: &'a str,
}

/// Written before a statement runs.
#[derive(Serialize)]
pub(super) struct Started<'a> {
    pub(super) ts: DateTime<Utc>,
    pub(super) event: &'static str,
    pub(super) query_id: String,
    pub(super) execution_id: String,
    #[serde(flatten)]
    pub(super) who: Who<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) command: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) statement: Option<&'a str>,
    /// Length of the whole text: longer than `statement` if that was cut.
    pub(super) statement_bytes: usize,
}

/// Written when a statement was planned for a client that may run it later: it has learned names by then.
#[derive(Serialize)]
pub(super) struct Planned<'a> {
    #[serde(flatten)]
    pub(super) started: Started<'a>,
    pub(super) tables: Vec<Table>,
    pub(super) planning_ms: u64,
    pub(super) aws_ms: u64,
}

/// Written when a statement ended. Durations in milliseconds.
#[derive(Serialize)]
pub(super) struct Finished<'a> {
    pub(super) ts: DateTime<Utc>,
    pub(super) event: &'static str,
    pub(super) query_id: String,
    pub(super) execution_id: String,
    pub(super) user: &'a str,
    pub(super) role: &'a str,
    pub(super) tables: Vec<Table>,
    /// Databases and tables that a listing told of, `names_total` of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) names: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) names_total: Option<usize>,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) outcome: &'static str,
    pub(super) planning_ms: u64,
    pub(super) aws_ms: u64,
    pub(super) queue_ms: u64,
    pub(super) plan_ms: u64,
    pub(super) execute_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_row_ms: Option<u64>,
    pub(super) total_ms: u64,
}

/// One table of a statement.
#[derive(Serialize)]
pub(super) struct Table {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    columns: Option<Vec<String>>,
    row_filter: bool,
    policy: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of_version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of_timestamp: Option<DateTime<Utc>>,
}

impl Table {
    /// A table that is named; what of it will be read is not known.
    pub(super) fn named(table: &TableAudit) -> Self {
        Self {
            name: table.name.to_string(),
            columns: None,
            row_filter: table.row_filter,
            policy: table.policy.to_string(),
            as_of_version: table.as_of_version,
            as_of_timestamp: table.as_of_timestamp,
        }
    }

    /// A table that was read.
    pub(super) fn read(table: &TableAudit) -> Self {
        Self { columns: Some(table.columns.names()), ..Self::named(table) }
    }
}

/// Written when a login, a cancellation or a change of the session has happened, or was refused.
#[derive(Serialize)]
pub(super) struct Happened<'a> {
    pub(super) ts: DateTime<Utc>,
    pub(super) event: &'static str,
    pub(super) query_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<&'a str>,
    pub(super) peer: Option<SocketAddr>,
    pub(super) user_agent: &'a str,
    /// How somebody logged in, or tried to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) how: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'static str>,
    /// Query ids of what was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cancelled: Option<Vec<String>>,
    /// Names of options that were changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) options: Option<Vec<Changed>>,
    /// Records of this kind that were left out since the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) left_out: Option<u64>,
}

/// One option of a session.
#[derive(Serialize)]
pub(super) struct Changed {
    pub(super) name: &'static str,
    /// The new value as it was sent; only with `audit.log_statements`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<String>,
}

/// Since when records could not be written. It is written when they can be again.
#[derive(Serialize)]
pub(super) struct Interrupted {
    ts: DateTime<Utc>,
    event: &'static str,
}

impl Interrupted {
    pub(super) fn now() -> Self {
        Self { ts: Utc::now(), event: "audit.interrupted" }
    }
}
