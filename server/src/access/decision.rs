//! Reads Lake Formation's answer into a policy, or refuses the table.
//!
//! Every member is judged; what is absent, unknown or contradictory refuses (G6). The rules and the payloads that
//! were measured on real accounts:
//! - `AuthorizedColumns` absent or empty: the principal may describe the table, not read it.
//! - `RowFilter` is always present; only the literal `TRUE`, in any case, means "all rows".
//! - An unrestricted column comes with a cell filter `TRUE`; a filtered one with the same text as `RowFilter`.
//!   What becomes of filters that differ from column to column is said in [`cells`](super::cells).

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::cells::ShownCells;
use super::filter::RowFilter;
use super::grant::{Policy, Restriction};
use crate::aws::{AwsFailure, FailureKind, GlueTable, RoleClient, UnfilteredTable};
use crate::error::{Error, ErrorKind};
use crate::identity::Principal;
use crate::ids::{PolicyFingerprint, QueryId, TableName};
use crate::mutant::Mutant;
use crate::settings::CellMasking;

/// Asks AWS as the principal and judges the answer.
///
/// # Errors
/// [`Error::no_such_table`] for a missing and for a hidden table; other kinds for tables that the principal may know
/// of but not read here.
pub(super) async fn ask(
    client: &RoleClient,
    principal: &Principal,
    table: &TableName,
    query_id: QueryId,
    masking: CellMasking,
) -> Result<Policy, Error> {
    let catalog_id = principal.role().account();
    let answer = client
        .unfiltered_table(catalog_id, table, query_id)
        .await
        .map_err(|failure| refusal(failure, table))?;
    judge(answer, catalog_id, table, query_id, masking)
}

/// The error for a failed call that concerned one table.
pub(super) fn refusal(failure: AwsFailure, table: &TableName) -> Error {
    match failure.kind() {
        FailureKind::AccessDenied if Mutant::HiddenTableTold.is_on() => {
            Error::new(ErrorKind::PermissionDenied, "this table is not for you")
        }
        FailureKind::AccessDenied | FailureKind::NotFound => {
            failure.explain(Error::no_such_table(&table.to_string()))
        }
        FailureKind::PermissionTypeMismatch => failure.explain(unenforceable(table, String::new())),
        _ => failure.into_error(),
    }
}

fn judge(
    answer: UnfilteredTable,
    catalog_id: &str,
    table: &TableName,
    query_id: QueryId,
    masking: CellMasking,
) -> Result<Policy, Error> {
    check_identity(&answer.table, catalog_id, table)?;
    let authorized_columns = authorized_columns(&answer, table)?;
    check_kind(&answer, table)?;
    let shown = ShownCells::of(&answer, &authorized_columns, masking)
        .map_err(|reason| unenforceable(table, reason))?;
    for filter in shown.filters() {
        refuse_padded_strings(filter, &answer.table).map_err(|reason| unenforceable(table, reason))?;
    }
    let query_authorization_id = answer
        .query_authorization_id
        .ok_or_else(|| unenforceable(table, "the answer has no QueryAuthorizationId"))?;
    let fingerprint = fingerprint(catalog_id, table, &answer.table, &authorized_columns, &shown);
    let hides_values = shown.row_filter.is_some() || !shown.cell_filters.is_empty();
    Ok(Policy {
        table: table.clone(),
        restriction: Restriction::of(&answer.table, &authorized_columns, hides_values),
        catalog_id: catalog_id.to_owned(),
        glue: answer.table,
        authorized_columns,
        row_filter: shown.row_filter,
        cell_filters: shown.cell_filters,
        fingerprint,
        query_authorization_id,
        asked_by: query_id,
    })
}

/// The answer must be about the table that was asked for; anything else is a substitution.
fn check_identity(glue: &GlueTable, catalog_id: &str, table: &TableName) -> Result<(), Error> {
    let database = glue.database.as_deref().unwrap_or_default();
    let same_name = TableName::new(database, &glue.name) == *table;
    let same_catalog = glue.catalog_id.as_deref().is_none_or(|answered| answered == catalog_id);
    if same_name && same_catalog {
        return Ok(());
    }
    Err(Error::no_such_table(&table.to_string())
        .because("GetUnfilteredTableMetadata answered about another table than was asked for"))
}

fn authorized_columns(answer: &UnfilteredTable, table: &TableName) -> Result<BTreeSet<String>, Error> {
    let names = answer.authorized_columns.as_deref().unwrap_or_default();
    if names.is_empty() {
        return Err(Error::new(
            ErrorKind::PermissionDenied,
            "you may see that this table exists but not its data",
        )
        .echoing(&table.to_string())
        .because("AuthorizedColumns is absent or empty"));
    }
    let folded: BTreeSet<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
    if folded.len() != names.len() {
        return Err(unenforceable(table, "AuthorizedColumns names a column twice"));
    }
    Ok(folded)
}

/// Refuses kinds of catalog entries whose policy this server does not enforce or whose data it does not read.
fn check_kind(answer: &UnfilteredTable, table: &TableName) -> Result<(), Error> {
    let unsupported = |public| Err(Error::new(ErrorKind::Unsupported, public).echoing(&table.to_string()));
    if answer.table.is_resource_link {
        return unsupported("resource links are not supported; name the table that the link points to");
    }
    if answer.table.is_view || answer.is_view_or_protected {
        return unsupported("views of the data catalog are not supported");
    }
    if answer.table.is_federated {
        return unsupported("federated tables are not supported");
    }
    if answer.table.has_rls_policy {
        return Err(unenforceable(table, "the table has a row-level security policy (RLSProperties)"));
    }
    if !answer.is_registered {
        return unsupported("the table's location is not registered with Lake Formation");
    }
    Ok(())
}

/// AWS's engines disagree on whether `char(n)` compares with its padding, so a filter on one has no single meaning.
fn refuse_padded_strings(filter: &RowFilter, glue: &GlueTable) -> Result<(), String> {
    let padded = glue.columns.iter().find(|column| {
        column.hive_type.trim_start().to_ascii_lowercase().starts_with("char(")
            && filter.columns().contains(&column.name.to_ascii_lowercase())
    });
    match padded {
        Some(_) => Err("the row filter compares a char(n) column".to_owned()),
        None => Ok(()),
    }
}

fn unenforceable(table: &TableName, reason: impl Into<String>) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "this table has a Lake Formation policy that this server cannot enforce",
    )
    .echoing(&table.to_string())
    .because(reason)
}

/// Hashes everything that decides what is visible. Each part is preceded by its length, so that no two different
/// policies hash the same bytes.
fn fingerprint(
    catalog_id: &str,
    table: &TableName,
    glue: &GlueTable,
    columns: &BTreeSet<String>,
    shown: &ShownCells,
) -> PolicyFingerprint {
    let mut digest = Sha256::new();
    let mut add = |part: &str| {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part.as_bytes());
    };
    add(catalog_id);
    add(table.database());
    add(table.table());
    add(glue.serde_path.as_deref().unwrap_or_default());
    add(glue.location.as_deref().unwrap_or_default());
    columns.iter().for_each(|column| add(column));
    add("rows");
    add(&shown.row_filter.as_ref().map(RowFilter::canonical).unwrap_or_default());
    for (column, filter) in &shown.cell_filters {
        add(column);
        add(&filter.canonical());
    }
    PolicyFingerprint::from_digest(digest.finalize().into())
}

#[cfg(test)]
mod tests;
