//! Values as text for people: in tables, in records, in Markdown.

use arrow::array::{Array, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::OutputError;

/// Shown for NULL. On a terminal it is dimmed, which a text `NULL` is not.
const NULL: &str = "NULL";

/// One value as text.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) is_null: bool,
}

/// The rows of a batch as text.
pub(super) struct Rows<'a> {
    columns: Vec<Source<'a>>,
}

/// A time outside the range of calendars is an error, not a text that looks like a value.
const OPTIONS: FormatOptions<'static> = FormatOptions::new().with_display_error(false);

impl<'a> Rows<'a> {
    pub(super) fn new(batch: &'a RecordBatch) -> Result<Self, OutputError> {
        let columns =
            batch.columns().iter().map(|array| Source::new(array.as_ref())).collect::<Result<_, _>>()?;
        Ok(Self { columns })
    }

    /// The values of a row; `show` turns the text of a value into what is printed.
    pub(super) fn row(&self, row: usize, show: impl Fn(&str) -> String) -> Result<Vec<Cell>, OutputError> {
        self.columns.iter().map(|source| source.cell(row, &show)).collect()
    }
}

/// The values of one column of a batch.
struct Source<'a> {
    formatter: ArrayFormatter<'a>,
    nulls: Option<NullBuffer>,
}

impl<'a> Source<'a> {
    fn new(array: &'a dyn Array) -> Result<Self, OutputError> {
        Ok(Self { formatter: ArrayFormatter::try_new(array, &OPTIONS)?, nulls: array.logical_nulls() })
    }

    fn cell(&self, row: usize, show: impl Fn(&str) -> String) -> Result<Cell, OutputError> {
        let is_null = self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        if is_null {
            return Ok(Cell { text: NULL.to_owned(), is_null });
        }
        let value = self.formatter.value(row).try_to_string()?;
        Ok(Cell { text: show(&value), is_null })
    }
}

/// The text, or its beginning and `…` if it is wider than `limit`.
pub(super) fn cut(text: &str, limit: Option<usize>) -> String {
    let Some(limit) = limit else {
        return text.to_owned();
    };
    if text.width() <= limit {
        return text.to_owned();
    }
    let mut width = 1;
    let mut shortened = String::new();
    for c in text.chars() {
        width += c.width().unwrap_or(0);
        if width > limit {
            break;
        }
        shortened.push(c);
    }
    shortened.push('…');
    shortened
}
