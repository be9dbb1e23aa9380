//! Random histories of a table: which files its commits add and remove, and which of their rows a deletion vector deletes.
//!
//! A commit touches a file at most once. A vector that is replaced only grows, and may take all rows of its file.

use rand::RngExt;
use rand::rngs::StdRng;

use super::cell::{Cell, Kind, Row};
use super::chance::some_of;
use super::columns::{Column, Role};

/// A data file.
#[derive(Clone, Debug)]
pub(super) struct DataFile {
    pub(super) rows: Vec<Row>,
    /// The columns of which the log knows smallest and largest value and the number of NULLs.
    pub(super) bounded: Vec<usize>,
    pub(super) group_rows: usize,
}

/// A file of the table at some version, with the positions of its deleted rows in ascending order.
#[derive(Clone, Debug)]
pub(super) struct Version {
    pub(super) file: usize,
    pub(super) deleted: Vec<u32>,
}

impl Version {
    pub(super) fn holds(&self, row: usize) -> bool {
        !self.deleted.iter().any(|deleted| *deleted as usize == row)
    }
}

/// One action of a commit.
#[derive(Clone, Debug)]
pub(super) enum Action {
    Add(Version),
    Remove(Version),
}

/// All files that a table ever had, its commits after the first, and what is left of it.
#[derive(Clone, Debug)]
pub(super) struct History {
    pub(super) files: Vec<DataFile>,
    pub(super) commits: Vec<Vec<Action>>,
    pub(super) live: Vec<Version>,
}

impl History {
    pub(super) fn random(columns: &[Column], random: &mut StdRng) -> Self {
        let mut history = Self { files: Vec::new(), commits: Vec::new(), live: Vec::new() };
        for _ in 0..random.random_range(2..=6) {
            let mut actions = history.changes(random);
            for _ in 0..random.random_range(1..=3) {
                let added = Version { file: history.files.len(), deleted: Vec::new() };
                history.files.push(random_file(columns, random));
                history.live.push(added.clone());
                actions.push(Action::Add(added));
            }
            history.commits.push(actions);
        }
        history
    }

    /// Removes some files, and puts some of those back with more rows deleted.
    fn changes(&mut self, random: &mut StdRng) -> Vec<Action> {
        let mut actions = Vec::new();
        for version in std::mem::take(&mut self.live) {
            if random.random_bool(0.6) {
                self.live.push(version);
                continue;
            }
            if random.random_bool(0.2) {
                actions.push(Action::Remove(version));
                continue;
            }
            let reduced = with_more_deleted(&version, self.files[version.file].rows.len(), random);
            // One commit may not remove and add the same: with the same vector it would be.
            if reduced.deleted != version.deleted {
                actions.extend([Action::Remove(version), Action::Add(reduced.clone())]);
            }
            self.live.push(reduced);
        }
        actions
    }

    /// The rows of the newest version.
    pub(super) fn live_rows(&self) -> Vec<&Row> {
        let rows = self.live.iter().flat_map(|version| {
            let rows = self.files[version.file].rows.iter().enumerate();
            rows.filter(|(position, _)| version.holds(*position)).map(|(_, row)| row)
        });
        rows.collect()
    }

    /// Whether the newest version has a row of a file.
    pub(super) fn is_live(&self, file: usize, row: usize) -> bool {
        self.live.iter().any(|version| version.file == file && version.holds(row))
    }
}

fn with_more_deleted(version: &Version, rows: usize, random: &mut StdRng) -> Version {
    let share = random.random_range(0.0..=0.7);
    let mut deleted: Vec<u32> = (0..u32::try_from(rows).unwrap())
        .filter(|row| version.deleted.contains(row) || random.random_bool(share))
        .collect();
    if deleted.is_empty() {
        deleted.push(0);
    }
    Version { file: version.file, deleted }
}

fn random_file(columns: &[Column], random: &mut StdRng) -> DataFile {
    let partition: Row = columns
        .iter()
        .map(|column| if column.is_partition() { column.random_cell(random) } else { Cell::Null })
        .collect();
    let row = |random: &mut StdRng| -> Row {
        let cells = columns.iter().zip(&partition);
        cells
            .map(|(column, fixed)| match column.is_partition() {
                true => fixed.clone(),
                false => column.random_cell(random),
            })
            .collect()
    };
    let rows = (0..random.random_range(3..=20)).map(|_| row(random)).collect();
    let boundable: Vec<usize> =
        (0..columns.len()).filter(|position| has_bounds(&columns[*position])).collect();
    let bounded = match random.random_bool(0.7) {
        true => some_of(&boundable, 1, 0.7, random),
        false => Vec::new(),
    };
    DataFile { rows, bounded, group_rows: random.random_range(3..=9) }
}

fn has_bounds(column: &Column) -> bool {
    matches!(column.role, Role::Data | Role::Remark { .. })
        && !matches!(column.kind, Kind::Boolean | Kind::Record)
}
