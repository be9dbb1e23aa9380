//! From RowFilter and CellFilters to what is shown: which rows, and of which columns only some cells.
//!
//! A principal with several data cells filters on one table may see different columns in different rows. AWS then sends
//! for each column the union of the filters that have it, and as row filter the union of all. It does not document whether
//! the row or the cell is hidden, so such an answer is refused unless the operator has decided for NULL
//! (`access.cell_masking`).
//!
//! Invariants
//! - Each authorised column has exactly one cell filter, and no other column has one. Anything else is refused.
//! - A row is shown only if the row filter is TRUE for it *and* at least one of its cells is granted. The second follows
//!   from the first in every answer that AWS should give; it is demanded because a row of nothing but NULLs would still be
//!   counted.
//! - A column whose filter is the row filter is whole: in a shown row the filter is TRUE. Every other column has a filter
//!   of its own here, compared as trees, so that two spellings that only mean the same are told apart and cost a test, never
//!   a cell.

use std::collections::{BTreeMap, BTreeSet};

use super::filter::{self, ParsedFilter, RowFilter};
use crate::aws::UnfilteredTable;
use crate::mutant::Mutant;
use crate::settings::CellMasking;

/// The rows and cells that a policy shows.
pub(super) struct ShownCells {
    /// `None` means all rows.
    pub(super) row_filter: Option<RowFilter>,
    /// By column: in which of the shown rows it has its value.
    pub(super) cell_filters: BTreeMap<String, RowFilter>,
}

impl ShownCells {
    /// Reads an answer's filters.
    ///
    /// # Arguments
    /// * `columns` - the authorised ones, in lower case.
    ///
    /// # Errors
    /// Why they are refused, for the operator.
    pub(super) fn of(
        answer: &UnfilteredTable,
        columns: &BTreeSet<String>,
        masking: CellMasking,
    ) -> Result<Self, String> {
        let row_filter = parse(answer.row_filter.as_deref().ok_or("RowFilter is absent")?)?;
        let cell_filters = answer.cell_filters.as_deref().unwrap_or_default();
        if cell_filters.is_empty() {
            return match row_filter {
                ParsedFilter::AllRows => Ok(Self { row_filter: None, cell_filters: BTreeMap::new() }),
                ParsedFilter::Rows(_) => Err("RowFilter without CellFilters".to_owned()),
            };
        }
        let cells = by_column(cell_filters, columns)?;
        let is_uniform = cells.values().all(|filter| *filter == row_filter);
        if !is_uniform && masking == CellMasking::Refuse {
            return Err("cell filters differ from column to column, and access.cell_masking is refuse".into());
        }
        Ok(Self::combined(row_filter, cells))
    }

    fn combined(row_filter: ParsedFilter, cells: BTreeMap<String, ParsedFilter>) -> Self {
        let is_whole = |filter: &ParsedFilter| *filter == ParsedFilter::AllRows || *filter == row_filter;
        let shows_a_cell_of_each_row = cells.values().any(is_whole);
        let cell_filters: BTreeMap<String, RowFilter> = cells
            .into_iter()
            .filter(|(_, filter)| !is_whole(filter))
            .filter_map(|(column, filter)| Some((column, rows(filter)?)))
            .collect();
        let row_filter = match rows(row_filter) {
            row_filter if shows_a_cell_of_each_row => row_filter,
            row_filter => Some(with_a_cell(row_filter, &cell_filters)),
        };
        Self { row_filter, cell_filters }
    }

    /// All filters, those of the rows first.
    pub(super) fn filters(&self) -> impl Iterator<Item = &RowFilter> {
        self.row_filter.iter().chain(self.cell_filters.values())
    }
}

/// The rows of a filter of which at least one cell is granted.
fn with_a_cell(row_filter: Option<RowFilter>, cell_filters: &BTreeMap<String, RowFilter>) -> RowFilter {
    let mut distinct: Vec<&RowFilter> = Vec::new();
    for filter in cell_filters.values() {
        if !distinct.contains(&filter) {
            distinct.push(filter);
        }
    }
    let any_cell = RowFilter::any(distinct.into_iter().cloned());
    match row_filter {
        Some(row_filter) if row_filter == any_cell => row_filter,
        Some(row_filter) => RowFilter::all([row_filter, any_cell]),
        None => any_cell,
    }
}

/// Each column's filter.
fn by_column(
    cell_filters: &[(Option<String>, Option<String>)],
    columns: &BTreeSet<String>,
) -> Result<BTreeMap<String, ParsedFilter>, String> {
    let mut cells = BTreeMap::new();
    for (column, expression) in cell_filters {
        let column = column.as_deref().ok_or("a cell filter names no column")?.to_ascii_lowercase();
        let expression = parse(expression.as_deref().ok_or("a cell filter has no expression")?)?;
        if !columns.contains(&column) {
            return Err("a cell filter names a column that is not authorised".to_owned());
        }
        if cells.insert(column, expression).is_some() {
            return Err("two cell filters for one column".to_owned());
        }
    }
    if cells.len() != columns.len() {
        return Err("an authorised column has no cell filter".to_owned());
    }
    Ok(cells)
}

fn rows(filter: ParsedFilter) -> Option<RowFilter> {
    match filter {
        ParsedFilter::AllRows => None,
        ParsedFilter::Rows(filter) => Some(filter),
    }
}

fn parse(text: &str) -> Result<ParsedFilter, String> {
    if Mutant::UnreadableFilterIgnored.is_on() && filter::parse(text).is_err() {
        return Ok(ParsedFilter::AllRows);
    }
    filter::parse(text).map_err(|error| format!("row filter: {error}"))
}
