//! What a restricted user may see of a table: some columns, and the rows for which a row filter is TRUE.
//!
//! Of some tables the user is shown two such parts. A row is visible if it is one of either part's, and a cell of it if it
//! is one of a part that has its column; the other cells are NULL.
//!
//! Most filters are chosen to tell a broken guard from a whole one: they hide a good share of the rows and show another,
//! and for some rows they are unknown. A few are left as they fall, so that tables occur of which all or nothing is shown.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::cell::Row;
use super::chance::some_of;
use super::columns::{Column, Role};
use super::evaluate::evaluate;
use super::filter::Filter;
use super::filters::random_filter;
use super::spelling::spell;

/// Filters among which one is looked for.
const CANDIDATES: usize = 80;

/// The policy of one table.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    /// Positions of the visible columns, in ascending order.
    pub(super) visible: Vec<usize>,
    /// Whether Lake Formation is told which columns are hidden, and not which are visible.
    pub(super) lists_hidden: bool,
    /// `None` shows all rows.
    pub(super) filter: Option<Filter>,
    /// The filter as the text that Lake Formation is given.
    pub(super) text: Option<String>,
    /// Another part, and the columns of the one that the filter is for. Together they have all visible columns.
    pub(super) second: Option<Second>,
    /// Whether the grant is one on the table or some of its columns, without a data cells filter.
    pub(super) is_plain: bool,
}

/// One thing that a policy may hide, and nothing else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Restriction {
    /// Some rows.
    Rows,
    /// Some rows, and some cells of others.
    Cells,
    /// Some columns.
    Columns,
    Nothing,
}

impl Restriction {
    pub(super) const ALL: [Self; 4] = [Self::Rows, Self::Cells, Self::Columns, Self::Nothing];
}

/// See [`Policy::second`].
#[derive(Clone, Debug)]
pub(super) struct Second {
    /// Positions of columns that `Policy::filter` is for.
    pub(super) firsts: Vec<usize>,
    /// Positions of columns that the other filter is for.
    pub(super) columns: Vec<usize>,
    filter: Filter,
    /// The filter as the text that Lake Formation is given.
    pub(super) text: String,
}

/// One table in so many is shown in two parts.
const PARTED: u64 = 3;

impl Policy {
    /// # Arguments
    /// * `rows` - the rows of the newest version.
    pub(super) fn random(columns: &[Column], rows: &[&Row], random: &mut StdRng) -> Self {
        let seeable: Vec<usize> =
            (0..columns.len()).filter(|position| columns[*position].role != Role::Padding).collect();
        let mut visible = match random.random_bool(0.85) {
            true => some_of(&seeable, 3, 0.65, random),
            false => seeable,
        };
        let remark = columns.iter().position(Column::is_remark).unwrap();
        if !visible.contains(&remark) && random.random_bool(0.7) {
            visible.push(remark);
        }
        // Lake Formation has no grant that hides a partition key.
        let keys = (0..columns.len()).filter(|position| columns[*position].is_partition());
        visible.extend(keys.filter(|key| !visible.contains(key)).collect::<Vec<_>>());
        visible.sort_unstable();
        let filter = random.random_bool(0.93).then(|| telling_filter(columns, rows, random));
        let text = filter.as_ref().map(|filter| spell(filter, columns, random));
        let lists_hidden = random.random_bool(0.5);
        Self { visible, lists_hidden, filter, text, second: None, is_plain: false }
    }

    /// A policy that hides one thing.
    pub(super) fn of(
        restriction: Restriction,
        columns: &[Column],
        rows: &[&Row],
        random: &mut StdRng,
    ) -> Self {
        let all = 0..columns.len();
        let hides_rows = matches!(restriction, Restriction::Rows | Restriction::Cells);
        // Nobody sees the padding of hidden rows but who sees everything.
        let is_seeable = |position: &usize| columns[*position].role != Role::Padding;
        let visible = match restriction {
            Restriction::Nothing => all.collect(),
            Restriction::Rows | Restriction::Cells => all.filter(is_seeable).collect(),
            Restriction::Columns => {
                let (keys, mut others): (Vec<usize>, Vec<usize>) =
                    all.filter(is_seeable).partition(|position| columns[*position].is_partition());
                others.remove(random.random_range(0..others.len()));
                let mut visible = [keys, some_of(&others, 2, 0.65, random)].concat();
                visible.sort_unstable();
                visible
            }
        };
        let filter = hides_rows.then(|| telling_filter(columns, rows, random));
        let text = filter.as_ref().map(|filter| spell(filter, columns, random));
        let (lists_hidden, is_plain) = (random.random_bool(0.5), !hides_rows && random.random_bool(0.7));
        let policy = Self { visible, lists_hidden, filter, text, second: None, is_plain };
        if restriction == Restriction::Cells { policy.in_parts(columns, rows, random) } else { policy }
    }

    /// The same columns in two parts, for one table in [`PARTED`].
    ///
    /// Chance is that of a number of its own, so that other tables stay what they were.
    pub(super) fn parted(self, columns: &[Column], rows: &[&Row], seed: u64) -> Self {
        if seed % PARTED != PARTED - 2 {
            return self;
        }
        self.in_parts(columns, rows, &mut StdRng::seed_from_u64(!seed))
    }

    /// The same columns in two parts, if they can be divided.
    fn in_parts(mut self, columns: &[Column], rows: &[&Row], random: &mut StdRng) -> Self {
        let (mut firsts, mut seconds) = (Vec::new(), Vec::new());
        for position in &self.visible {
            let part = if columns[*position].is_partition() { 0 } else { random.random_range(0..4_u8) };
            if part != 1 {
                firsts.push(*position);
            }
            if part != 2 {
                seconds.push(*position);
            }
        }
        if firsts.is_empty() || seconds.is_empty() {
            return self;
        }
        let filter = telling_filter(columns, rows, random);
        let text = spell(&filter, columns, random);
        self.second = Some(Second { firsts, columns: seconds, filter, text });
        self
    }

    /// Whether a row of the newest version is visible.
    pub(super) fn shows(&self, row: &Row) -> bool {
        self.shows_first(row) || self.second.as_ref().is_some_and(|second| second.shows(row))
    }

    /// Whether a cell of a row of the newest version is visible.
    pub(super) fn shows_cell(&self, row: &Row, position: usize) -> bool {
        let Some(second) = &self.second else {
            return self.visible.contains(&position) && self.shows_first(row);
        };
        let by_first = second.firsts.contains(&position) && self.shows_first(row);
        by_first || (second.columns.contains(&position) && second.shows(row))
    }

    /// All filters.
    pub(super) fn filters(&self) -> impl Iterator<Item = &Filter> {
        self.filter.iter().chain(self.second.iter().map(|second| &second.filter))
    }

    fn shows_first(&self, row: &Row) -> bool {
        self.filter.as_ref().is_none_or(|filter| evaluate(filter, row) == Some(true))
    }
}

impl Second {
    fn shows(&self, row: &Row) -> bool {
        evaluate(&self.filter, row) == Some(true)
    }
}

fn telling_filter(columns: &[Column], rows: &[&Row], random: &mut StdRng) -> Filter {
    let mut filter = random_filter(columns, rows, random);
    if random.random_bool(0.06) {
        return filter;
    }
    for _ in 0..CANDIDATES {
        if is_telling(&filter, rows) {
            break;
        }
        filter = random_filter(columns, rows, random);
    }
    filter
}

fn is_telling(filter: &Filter, rows: &[&Row]) -> bool {
    let verdicts: Vec<Option<bool>> = rows.iter().map(|row| evaluate(filter, row)).collect();
    let shown = verdicts.iter().filter(|verdict| **verdict == Some(true)).count();
    let share = shown as f64 / rows.len() as f64;
    (0.15..=0.8).contains(&share) && verdicts.contains(&None)
}
