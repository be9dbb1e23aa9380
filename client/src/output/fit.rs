//! How wide each column of a table is shown, so that a line fits the screen.
//!
//! Text gives way to numbers, because a cut number is a wrong number: first the widest columns of text are narrowed
//! down to [`NARROWEST`]. If that is not enough, columns in the middle are left out, and one with `…` stands for them.

/// A column of text is not made narrower than this, the width of a date.
const NARROWEST: usize = 10;

/// Between two columns stands ` | `.
pub(super) const SEPARATOR: usize = 3;

/// A column as wide as its header and values want it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Natural {
    pub(super) width: usize,
    pub(super) is_number: bool,
}

/// One column on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// Index of the column, or `None` where columns are left out.
    pub(super) column: Option<usize>,
    pub(super) width: usize,
}

/// The columns to show, each at most as wide as it wants to be. Without a `screen` all are shown whole.
pub(super) fn fit(columns: &[Natural], screen: Option<usize>) -> Vec<Slot> {
    let whole = slots(columns, usize::MAX);
    let Some(screen) = screen.filter(|screen| line_width(&whole) > *screen) else {
        return whole;
    };
    let widest = columns.iter().map(|column| column.width).max().unwrap_or_default();
    let caps = (NARROWEST..=widest.min(screen)).rev();
    if let Some(fitting) = caps.map(|cap| slots(columns, cap)).find(|slots| line_width(slots) <= screen) {
        return fitting;
    }
    without_middle(&slots(columns, NARROWEST), screen)
}

/// Whether the columns fit without narrowing any.
pub(super) fn fits_whole(columns: &[Natural], screen: usize) -> bool {
    line_width(&slots(columns, usize::MAX)) <= screen
}

/// All columns, those of text not wider than `cap`.
fn slots(columns: &[Natural], cap: usize) -> Vec<Slot> {
    let narrowed = |column: &Natural| if column.is_number { column.width } else { column.width.min(cap) };
    let slot = |(index, column)| Slot { column: Some(index), width: narrowed(column) };
    columns.iter().enumerate().map(slot).collect()
}

fn line_width(slots: &[Slot]) -> usize {
    let values: usize = slots.iter().map(|slot| slot.width).sum();
    values + SEPARATOR * slots.len().saturating_sub(1)
}

/// Takes columns from the left and the right in turn, as long as they and the mark between them fit. The first is
/// always shown.
fn without_middle(all: &[Slot], screen: usize) -> Vec<Slot> {
    const MARK: Slot = Slot { column: None, width: 1 };
    let mut left = 1;
    let mut right = 0;
    loop {
        let grow_left = left <= right;
        let (more_left, more_right) = if grow_left { (left + 1, right) } else { (left, right + 1) };
        if more_left + more_right >= all.len() {
            break;
        }
        let candidate = [&all[..more_left], &[MARK], &all[all.len() - more_right..]].concat();
        if line_width(&candidate) > screen {
            break;
        }
        (left, right) = (more_left, more_right);
    }
    let first = all.get(..left).unwrap_or(all);
    let mark: &[Slot] = if left + right < all.len() { &[MARK] } else { &[] };
    [first, mark, &all[all.len() - right..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn text(width: usize) -> Natural {
        Natural { width, is_number: false }
    }

    const fn number(width: usize) -> Natural {
        Natural { width, is_number: true }
    }

    fn widths(slots: &[Slot]) -> Vec<usize> {
        slots.iter().map(|slot| slot.width).collect()
    }

    #[test]
    fn columns_that_fit_are_shown_whole() {
        let columns = [text(10), number(5)];
        assert_eq!(widths(&fit(&columns, Some(18))), [10, 5]);
        assert_eq!(widths(&fit(&columns, None)), [10, 5]);
        assert_eq!(widths(&fit(&[text(2), text(3), number(1)], Some(80))), [2, 3, 1]);
        assert!(fits_whole(&columns, 18) && !fits_whole(&columns, 17));
    }

    #[test]
    fn the_widest_texts_are_narrowed_first_and_numbers_never() {
        let columns = [text(100), text(12), number(30)];
        let slots = fit(&columns, Some(80));
        assert_eq!(widths(&slots), [32, 12, 30]);
        assert_eq!(line_width(&slots), 80);
    }

    #[test]
    fn when_narrow_texts_do_not_fit_either_the_middle_is_left_out() {
        let columns = [text(20); 10];
        let slots = fit(&columns, Some(60));
        let shown: Vec<Option<usize>> = slots.iter().map(|slot| slot.column).collect();
        assert_eq!(shown, [Some(0), Some(1), None, Some(8), Some(9)]);
        assert!(line_width(&slots) <= 60);
    }

    #[test]
    fn a_screen_narrower_than_one_column_still_shows_the_first() {
        let slots = fit(&[number(50), number(50), text(3)], Some(20));
        assert_eq!(slots[0].column, Some(0));
        assert_eq!(slots.len(), 2);
        assert_eq!(fit(&[number(50)], Some(20)).len(), 1);
        assert!(fit(&[], Some(20)).is_empty());
    }
}
