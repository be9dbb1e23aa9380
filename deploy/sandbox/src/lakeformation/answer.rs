//! From the slices of a table to what Lake Formation tells an engine: authorised columns, row filter, cell filters,
//! and the permission type that an engine must claim to be told anything.
//!
//! The wire forms follow measurements on real accounts: columns in alphabetical order, the literal `TRUE` where
//! nothing is filtered, and one cell filter per authorised column.

use std::collections::BTreeSet;

use super::permissions::{Rows, Slice};

/// The literal for "every row".
pub(crate) const EVERY_ROW: &str = "TRUE";

/// What an engine claims to be able to enforce, in the order of AWS: each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Enforcement {
    /// No claim; only credentials may be asked for so.
    Nothing,
    Columns,
    CellFilters,
    NestedColumns,
    NestedCells,
}

/// The access of one principal to one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableAnswer {
    /// Alphabetical; empty for a principal that may see the table but read nothing.
    pub(crate) authorized_columns: Vec<String>,
    pub(crate) row_filter: String,
    /// Column and filter, one per authorised column and in the same order.
    pub(crate) cell_filters: Vec<(String, String)>,
    /// The least that an engine must enforce.
    pub(crate) requires: Enforcement,
}

impl Enforcement {
    /// The values of `SupportedPermissionTypes`, as AWS lists them when it refuses a request.
    pub(crate) const VALUES: &str = "[COLUMN_PERMISSION, CELL_FILTER_PERMISSION, NESTED_PERMISSION, \
                                     NESTED_CELL_PERMISSION, DATA_LOCATION_PERMISSION]";

    pub(crate) fn from_wire(name: &str) -> Option<Self> {
        match name {
            "COLUMN_PERMISSION" => Some(Self::Columns),
            "CELL_FILTER_PERMISSION" => Some(Self::CellFilters),
            "NESTED_PERMISSION" => Some(Self::NestedColumns),
            "NESTED_CELL_PERMISSION" => Some(Self::NestedCells),
            _ => None,
        }
    }
}

impl TableAnswer {
    /// Joins `slices` of a table that has the columns `all`.
    pub(crate) fn new(slices: &[Slice], all: &BTreeSet<String>) -> Self {
        let authorized: BTreeSet<&String> = slices.iter().flat_map(|slice| &slice.columns).collect();
        let cell_filters: Vec<(String, String)> = authorized
            .iter()
            .map(|column| {
                let showing = slices.iter().filter(|slice| slice.columns.contains(*column));
                ((*column).clone(), any_of(showing.map(|slice| &slice.rows)))
            })
            .collect();
        let is_filtered = cell_filters.iter().any(|(_, filter)| filter != EVERY_ROW);
        let requires = if is_filtered {
            Enforcement::CellFilters
        } else if authorized.len() < all.len() && !authorized.is_empty() {
            Enforcement::Columns
        } else {
            Enforcement::Nothing
        };
        Self {
            authorized_columns: authorized.into_iter().cloned().collect(),
            row_filter: any_of(slices.iter().map(|slice| &slice.rows)),
            cell_filters,
            requires,
        }
    }
}

/// One filter for rows that any of `rows` shows. An all-rows member swallows the rest.
fn any_of<'a>(rows: impl Iterator<Item = &'a Rows>) -> String {
    let mut expressions: Vec<&str> = Vec::new();
    for rows in rows {
        match rows {
            Rows::All => return EVERY_ROW.to_owned(),
            Rows::Matching(expression) if !expressions.contains(&expression.as_str()) => {
                expressions.push(expression)
            }
            Rows::Matching(_) => {}
        }
    }
    match expressions.as_slice() {
        [only] => (*only).to_owned(),
        several => {
            several.iter().map(|expression| format!("({expression})")).collect::<Vec<_>>().join(" OR ")
        }
    }
}
