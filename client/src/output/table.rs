//! Aligned columns for people.
//!
//! The first rows are held back to measure them; then the widths are fixed and the rest streams.
//! A later value that is wider than its column is written whole and pushes its line out: losing
//! alignment is better than losing a value. Only a limit that the reader can see (`…`) cuts values.

use std::io::Write;

use arrow::array::{Array, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::datatypes::SchemaRef;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Layout, OutputError};
use crate::terminal::{Style, escape};

/// Rows that are measured before the first is written.
const SAMPLE_ROWS: usize = 1000;

/// Shown for NULL. On a terminal it is dimmed, which a text `NULL` is not.
const NULL: &str = "NULL";

/// Writes a table to `out`.
pub(super) struct TableWriter<W> {
    out: W,
    layout: Layout,
    style: Style,
    columns: Vec<Column>,
    /// Rows that wait for the widths; `None` once the widths are fixed.
    sample: Option<Vec<Vec<Cell>>>,
    rows: usize,
}

struct Column {
    header: String,
    width: usize,
    is_number: bool,
}

struct Cell {
    text: String,
    is_null: bool,
}

impl<W: Write> TableWriter<W> {
    pub(super) fn new(out: W, schema: &SchemaRef, layout: Layout) -> Self {
        let columns = schema
            .fields()
            .iter()
            .map(|field| {
                let header = cut(&escape(field.name()), layout);
                Column { width: header.width(), header, is_number: field.data_type().is_numeric() }
            })
            .collect();
        Self {
            out,
            layout,
            style: Style::of_stream(layout.to_terminal),
            columns,
            sample: Some(Vec::new()),
            rows: 0,
        }
    }

    /// Writes the rows of a batch up to the row limit, and returns how many those were.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<usize, OutputError> {
        let room = match self.layout.limit_rows {
            Some(limit) => limit.saturating_sub(self.rows),
            None => usize::MAX,
        };
        let accepted = batch.num_rows().min(room);
        let options = FormatOptions::new().with_display_error(false);
        let sources = batch
            .columns()
            .iter()
            .map(|array| Source::new(array, &options))
            .collect::<Result<Vec<_>, _>>()?;
        for row in 0..accepted {
            let cells =
                sources.iter().map(|source| source.cell(row, self.layout)).collect::<Result<Vec<_>, _>>()?;
            self.write_row(cells)?;
        }
        self.rows += accepted;
        self.out.flush()?;
        Ok(accepted)
    }

    pub(super) fn finish(mut self) -> Result<W, OutputError> {
        self.write_sample()?;
        Ok(self.out)
    }

    fn write_row(&mut self, cells: Vec<Cell>) -> Result<(), OutputError> {
        let Some(sample) = &mut self.sample else {
            let line = self.line(&cells);
            self.out.write_all(line.as_bytes())?;
            return Ok(());
        };
        sample.push(cells);
        if sample.len() < SAMPLE_ROWS {
            return Ok(());
        }
        self.write_sample()
    }

    /// Fixes the widths, and writes the header and the rows that waited for it.
    fn write_sample(&mut self) -> Result<(), OutputError> {
        let Some(sample) = self.sample.take() else {
            return Ok(());
        };
        if self.columns.is_empty() {
            return Ok(());
        }
        for row in &sample {
            for (column, cell) in self.columns.iter_mut().zip(row) {
                column.width = column.width.max(cell.text.width());
            }
        }
        let mut text = self.header();
        for row in &sample {
            text.push_str(&self.line(row));
        }
        self.out.write_all(text.as_bytes())?;
        Ok(())
    }

    fn header(&self) -> String {
        let names = self.join(self.columns.iter().map(|column| {
            let painted = self.style.bold(&column.header).into_owned();
            (painted, column.header.width())
        }));
        let rule: Vec<_> = self.columns.iter().map(|column| "-".repeat(column.width)).collect();
        format!("{names}{}\n", rule.join("-+-"))
    }

    fn line(&self, cells: &[Cell]) -> String {
        self.join(cells.iter().map(|cell| {
            let painted =
                if cell.is_null { self.style.dim(&cell.text).into_owned() } else { cell.text.clone() };
            (painted, cell.text.width())
        }))
    }

    /// Pads each text, given with its width on the screen, to its column.
    fn join(&self, texts: impl Iterator<Item = (String, usize)>) -> String {
        let mut line = String::new();
        let last = self.columns.len().saturating_sub(1);
        for (index, (column, (text, width))) in self.columns.iter().zip(texts).enumerate() {
            let padding = " ".repeat(column.width.saturating_sub(width));
            if index > 0 {
                line.push_str(" | ");
            }
            if column.is_number {
                line.push_str(&padding);
            }
            line.push_str(&text);
            if !column.is_number && index < last {
                line.push_str(&padding);
            }
        }
        line.push('\n');
        line
    }
}

/// The values of one column of a batch.
struct Source<'a> {
    formatter: ArrayFormatter<'a>,
    nulls: Option<NullBuffer>,
}

impl<'a> Source<'a> {
    fn new(array: &'a dyn Array, options: &FormatOptions<'a>) -> Result<Self, OutputError> {
        Ok(Self { formatter: ArrayFormatter::try_new(array, options)?, nulls: array.logical_nulls() })
    }

    fn cell(&self, row: usize, layout: Layout) -> Result<Cell, OutputError> {
        let is_null = self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        if is_null {
            let text = NULL.to_owned();
            return Ok(Cell { text, is_null });
        }
        let value = self.formatter.value(row).try_to_string()?;
        let text = cut(&escape(&value), layout);
        Ok(Cell { text, is_null })
    }
}

/// The text, or its beginning and `…` if it is wider than a cell may be.
fn cut(text: &str, layout: Layout) -> String {
    let Some(limit) = layout.max_width else {
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
