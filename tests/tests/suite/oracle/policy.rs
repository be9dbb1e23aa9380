//! What a restricted user may see of a table: some columns, and the rows for which a row filter is TRUE.
//!
//! Most filters are chosen to tell a broken guard from a whole one: they hide a good share of the rows and show another,
//! and for some rows they are unknown. A few are left as they fall, so that tables occur of which all or nothing is shown.

use rand::RngExt;
use rand::rngs::StdRng;

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
}

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
        Self { visible, lists_hidden: random.random_bool(0.5), filter, text }
    }

    /// Whether a row of the newest version is visible.
    pub(super) fn shows(&self, row: &Row) -> bool {
        self.filter.as_ref().is_none_or(|filter| evaluate(filter, row) == Some(true))
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
