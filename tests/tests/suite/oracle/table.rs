//! A table with its policy, all of it made from one seed.

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::cell::{Cell, Row};
use super::columns::{Column, random_columns};
use super::history::History;
use super::marks::mark;
use super::policy::{Policy, Restriction};

/// A table, its files and what the restricted user may see of it.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) seed: u64,
    pub(super) columns: Vec<Column>,
    pub(super) history: History,
    pub(super) policy: Policy,
}

impl Table {
    pub(super) fn of(seed: u64) -> Self {
        let random = &mut StdRng::seed_from_u64(seed);
        let columns = random_columns(random);
        let mut history = History::random(&columns, random);
        let policy = Policy::random(&columns, &history.live_rows(), random);
        let policy = policy.parted(&columns, &history.live_rows(), seed);
        mark(&mut history, &columns, &policy, random);
        Self { seed, columns, history, policy }
    }

    /// A table of which one thing is hidden.
    pub(super) fn restricted(seed: u64, restriction: Restriction) -> Self {
        let random = &mut StdRng::seed_from_u64(seed);
        let columns = random_columns(random);
        let mut history = History::random(&columns, random);
        let policy = Policy::of(restriction, &columns, &history.live_rows(), random);
        mark(&mut history, &columns, &policy, random);
        Self { seed, columns, history, policy }
    }

    /// The rows as a guard would show them that hides columns and nothing else.
    pub(super) fn unguarded_rows(&self) -> Vec<Row> {
        self.history.live_rows().into_iter().cloned().collect()
    }

    /// The rows that are visible, with all their columns.
    pub(super) fn shown_rows(&self) -> Vec<&Row> {
        self.history.live_rows().into_iter().filter(|row| self.policy.shows(row)).collect()
    }

    /// The rows that are visible, as they are seen: with NULL in the cells that are not.
    pub(super) fn seen_rows(&self) -> Vec<Row> {
        let cell = |row: &Row, position: usize| match self.policy.shows_cell(row, position) {
            true => row[position].clone(),
            false => Cell::Null,
        };
        let seen = |row: &Row| (0..row.len()).map(|position| cell(row, position)).collect();
        self.shown_rows().into_iter().map(seen).collect()
    }

    /// Rows that no query may see: hidden by the policy, deleted, or of older versions.
    pub(super) fn unseen_rows(&self) -> Vec<&Row> {
        let files = self.history.files.iter().enumerate();
        files
            .flat_map(|(file, data)| {
                let rows = data.rows.iter().enumerate();
                rows.filter(move |(position, row)| {
                    !self.history.is_live(file, *position) || !self.policy.shows(row)
                })
                .map(|(_, row)| row)
            })
            .collect()
    }

    /// The visible columns in the order of the schema.
    pub(super) fn visible_columns(&self) -> Vec<&Column> {
        self.policy.visible.iter().map(|position| &self.columns[*position]).collect()
    }

    /// The names of the columns that must behave as absent.
    pub(super) fn hidden_names(&self) -> Vec<String> {
        let columns = self.columns.iter().enumerate();
        let hidden = columns.filter(|(position, _)| !self.policy.visible.contains(position));
        hidden.map(|(_, column)| column.name.clone()).collect()
    }
}
