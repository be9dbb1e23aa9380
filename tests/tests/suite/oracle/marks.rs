//! Marks on everything that is hidden: rows of older versions, deleted rows, rows that the policy hides, hidden columns.
//!
//! A mark is a value that stands nowhere else. One that appears in an answer or an error text was leaked; a marked number
//! makes a division or a cast fail that no visible row makes fail; and bounds in the log are wide of those of the visible
//! rows. Only cells that no filter reads are marked, so that the verdicts stay as they are.

use std::collections::BTreeSet;

use rand::RngExt;
use rand::rngs::StdRng;

use super::cell::{Cell, Row};
use super::columns::{Column, Role};
use super::filter::columns_of;
use super::history::History;
use super::policy::Policy;

/// The beginning of every marked text.
pub(super) const HIDDEN_TEXT: &str = "hidden-7f3a";

/// The marked number.
pub(super) const HIDDEN_NUMBER: i64 = 7777;

/// Bytes that the padding of a table's rows has together: more than a table may have whose plan gets one thread.
const PADDING_BYTES: usize = 1_300_000;

/// Marks the files of a table.
pub(super) fn mark(history: &mut History, columns: &[Column], policy: &Policy, random: &mut StdRng) {
    let filtered = policy.filters().flat_map(columns_of).collect();
    let padding = PADDING_BYTES / history.live_rows().len();
    let mut marker = Marker { columns, policy, filtered, padding, marks: 0, random };
    let shown: Vec<Vec<bool>> = (0..)
        .zip(&history.files)
        .map(|(file, data)| {
            let rows = data.rows.iter().enumerate();
            rows.map(|(position, row)| history.is_live(file, position) && policy.shows(row)).collect()
        })
        .collect();
    for (data, shown) in history.files.iter_mut().zip(shown) {
        for (row, is_shown) in data.rows.iter_mut().zip(shown) {
            marker.mark(row, is_shown);
        }
    }
}

struct Marker<'a> {
    columns: &'a [Column],
    policy: &'a Policy,
    filtered: BTreeSet<usize>,
    padding: usize,
    marks: usize,
    random: &'a mut StdRng,
}

impl Marker<'_> {
    fn mark(&mut self, row: &mut Row, is_shown: bool) {
        let shown_cells: Vec<bool> =
            (0..row.len()).map(|position| self.policy.shows_cell(row, position)).collect();
        for (position, column) in self.columns.iter().enumerate() {
            let is_hidden = !is_shown || !shown_cells[position];
            let is_fixed = column.is_partition() || self.filtered.contains(&position);
            if is_hidden && !is_fixed {
                self.mark_cell(&mut row[position], column.role);
            }
        }
    }

    fn mark_cell(&mut self, cell: &mut Cell, role: Role) {
        self.marks += 1;
        let text = format!("{HIDDEN_TEXT}-{}", self.marks);
        match (&*cell, role) {
            (_, Role::Padding) => *cell = Cell::Text(text + &".".repeat(self.padding)),
            (Cell::Text(_), Role::Remark { .. }) => *cell = Cell::Text(text),
            (Cell::Text(_), _) if self.random.random_bool(0.6) => *cell = Cell::Text(text),
            (Cell::Whole(_), _) if self.random.random_bool(0.6) => *cell = Cell::Whole(HIDDEN_NUMBER),
            _ => {}
        }
    }
}
