//! Whether the random tables could tell a broken guard from a whole one, asked of the generators alone.
//!
//! A guard with a known defect would show other rows. If it showed the same rows for most tables, ten thousand equal
//! answers would mean nothing.

use lakegate_tests::oracle::shown_rows;

use super::cell::Cell;
use super::columns::Column;
use super::evaluate::evaluate;
use super::filter::Filter;
use super::marks::{HIDDEN_NUMBER, HIDDEN_TEXT};
use super::peer::batch_of;
use super::table::Table;
use super::tree::Tree;

const TABLES: u64 = 200;

/// How many of [`TABLES`] have a property.
fn count(property: impl Fn(&Table) -> bool) -> u64 {
    (0..TABLES).map(|seed| u64::from(property(&Table::of(seed)))).sum()
}

/// In how many tables a defect of the guard shows other rows.
fn noticed(defect: impl Fn(&Filter, &[Cell]) -> bool) -> u64 {
    count(|table| {
        let Some(filter) = &table.policy.filter else { return false };
        let rows = table.history.live_rows();
        rows.into_iter().any(|row| defect(filter, row) != (evaluate(filter, row) == Some(true)))
    })
}

fn with_swapped_connectives(filter: &Filter) -> Filter {
    let swapped = |operands: &[Filter]| operands.iter().map(with_swapped_connectives).collect();
    match filter {
        Tree::All(operands) => Tree::Any(swapped(operands)),
        Tree::Any(operands) => Tree::All(swapped(operands)),
        Tree::Not(operand) => Tree::Not(Box::new(with_swapped_connectives(operand))),
        leaf @ Tree::Leaf(_) => leaf.clone(),
    }
}

fn without_negations(filter: &Filter) -> Filter {
    let stripped = |operands: &[Filter]| operands.iter().map(without_negations).collect();
    match filter {
        Tree::All(operands) => Tree::All(stripped(operands)),
        Tree::Any(operands) => Tree::Any(stripped(operands)),
        Tree::Not(operand) => without_negations(operand),
        leaf @ Tree::Leaf(_) => leaf.clone(),
    }
}

#[test]
fn a_guard_with_a_defect_would_show_other_rows_of_many_tables() {
    let shows = |filter: &Filter, row: &[Cell]| evaluate(filter, row) == Some(true);
    let dropped = noticed(|_, _| true);
    let null_is_true = noticed(|filter, row| evaluate(filter, row) != Some(false));
    let or_for_and = noticed(|filter, row| shows(&with_swapped_connectives(filter), row));
    let no_negation = noticed(|filter, row| shows(&without_negations(filter), row));
    let first_operand = noticed(|filter, row| match filter {
        Tree::All(operands) | Tree::Any(operands) => shows(&operands[0], row),
        other => shows(other, row),
    });
    let found = [dropped, null_is_true, or_for_and, no_negation, first_operand];
    let least = [TABLES * 4 / 5, TABLES * 3 / 4, TABLES / 2, TABLES / 4, TABLES / 4];
    assert!(
        found.iter().zip(least).all(|(found, least)| *found >= least),
        "{found:?} of {TABLES}, {least:?}"
    );
}

/// The texts are read by the row oracle, which has a parser of its own: a spelling that means something else would make the
/// server wrong for what this test did.
#[test]
fn the_texts_of_policies_mean_what_their_trees_say() {
    for table in (0..TABLES).map(Table::of) {
        let (Some(filter), Some(text)) = (&table.policy.filter, &table.policy.text) else { continue };
        let (rows, columns) = (table.history.live_rows(), table.columns.iter().collect::<Vec<_>>());
        let positions: Vec<usize> = (0..columns.len()).collect();
        let by_tree: Vec<bool> = rows.iter().map(|row| evaluate(filter, row) == Some(true)).collect();
        let by_text = shown_rows(text, &batch_of(&columns, &positions, &rows));
        assert_eq!(by_text, Ok(by_tree), "table seed {}: {text}", table.seed);
    }
}

#[test]
fn most_tables_show_some_rows_and_hide_others() {
    let both = count(|table| {
        let (shown, live) = (table.shown_rows().len(), table.history.live_rows().len());
        0 < shown && shown < live
    });
    assert!(both >= TABLES * 4 / 5, "{both} of {TABLES}");
}

#[test]
fn some_tables_hide_cells_of_visible_rows_and_show_others() {
    let both = count(|table| {
        let (rows, seen) = (table.shown_rows(), table.seen_rows());
        let hidden_cells =
            |position: &&usize| rows.iter().zip(&seen).any(|(row, seen)| row[**position] != seen[**position]);
        let masked = table.policy.visible.iter().filter(hidden_cells).count();
        0 < masked && masked < table.policy.visible.len()
    });
    assert!(both >= TABLES / 5, "{both} of {TABLES}");
}

#[test]
fn columns_by_position_are_not_columns_by_name_in_many_tables() {
    let shifted = count(|table| {
        let by_position = 0..table.policy.visible.len();
        !by_position.eq(table.policy.visible.iter().copied())
    });
    assert!(shifted >= TABLES / 2, "{shifted} of {TABLES}");
}

#[test]
fn marks_stand_in_hidden_rows_and_never_in_visible_cells() {
    let is_mark = |cell: &Cell| match cell {
        Cell::Text(text) => text.starts_with(HIDDEN_TEXT),
        Cell::Whole(value) => *value == HIDDEN_NUMBER,
        _ => false,
    };
    let mut tables_with_marked_numbers = 0;
    for table in (0..TABLES).map(Table::of) {
        for row in table.seen_rows() {
            assert!(!table.policy.visible.iter().any(|position| is_mark(&row[*position])), "{}", table.seed);
        }
        let remark = table.columns.iter().position(Column::is_remark).unwrap();
        let unseen = table.unseen_rows();
        assert!(
            unseen.iter().all(|row| is_mark(&row[remark]) || row[remark] == Cell::Null),
            "{}",
            table.seed
        );
        let is_number = |row: &[Cell]| row.contains(&Cell::Whole(HIDDEN_NUMBER));
        tables_with_marked_numbers += u64::from(unseen.iter().any(|row| is_number(row)));
    }
    assert!(tables_with_marked_numbers >= TABLES / 4, "{tables_with_marked_numbers} of {TABLES}");
}
