//! Aligned columns for people, or one line per value (`\x`).
//!
//! The first rows are held back to measure them; then the widths are fixed and the rest streams.
//! On a screen the widths are such that a line fits (see `fit`), and what is cut ends with `…`. Elsewhere a later
//! value that is wider than its column is written whole and pushes its line out: losing alignment is better than
//! losing a value.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use unicode_width::UnicodeWidthStr;

use super::cells::{Cell, Rows, cut};
use super::fit::{Natural, SEPARATOR, Slot, fit, fits_whole};
use super::{Expanded, Layout, OutputError};
use crate::terminal::{Style, escape};

/// Rows that are measured before the first is written, and the text in them that is enough to stop earlier.
const SAMPLE_ROWS: usize = 1000;
const SAMPLE_BYTES: usize = 4 * 1024 * 1024;

/// Writes a table to `out`.
pub(super) struct TableWriter<W> {
    out: W,
    layout: Layout,
    style: Style,
    headers: Vec<Header>,
    shape: Shape,
    rows: usize,
}

struct Header {
    text: String,
    is_number: bool,
}

/// How rows are laid out.
enum Shape {
    /// Not decided yet: these rows wait for it.
    Undecided { sample: Vec<Vec<Cell>>, bytes: usize },
    /// A line for each row.
    Columns(Vec<Slot>),
    /// A line for each value, with names of this width before them.
    Records { names: usize },
}

impl<W: Write> TableWriter<W> {
    pub(super) fn new(out: W, schema: &SchemaRef, layout: Layout) -> Self {
        let header = |field: &arrow::datatypes::FieldRef| Header {
            text: cut(&escape(field.name()), layout.max_width),
            is_number: field.data_type().is_numeric(),
        };
        let headers: Vec<Header> = schema.fields().iter().map(header).collect();
        let shape = match layout.expanded {
            Expanded::On => Shape::records(&headers),
            Expanded::Off | Expanded::Auto => Shape::Undecided { sample: Vec::new(), bytes: 0 },
        };
        Self { out, layout, style: Style::of_stream(layout.to_terminal), headers, shape, rows: 0 }
    }

    /// Writes the rows of a batch up to the row limit, and returns how many those were.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<usize, OutputError> {
        let room = match self.layout.limit_rows {
            Some(limit) => limit.saturating_sub(self.rows),
            None => usize::MAX,
        };
        let accepted = batch.num_rows().min(room);
        let limit = self.cell_limit();
        let rows = Rows::new(batch)?;
        for row in 0..accepted {
            let cells = rows.row(row, |value| cut(&escape(value), limit))?;
            self.rows += 1;
            self.write_row(cells)?;
        }
        self.out.flush()?;
        Ok(accepted)
    }

    /// After [`TableWriter::write_sample`].
    pub(super) fn finish(self) -> W {
        self.out
    }

    /// How many columns were left out because the screen is too narrow.
    pub(super) fn hidden_columns(&self) -> usize {
        match &self.shape {
            Shape::Columns(slots) => {
                self.headers.len() - slots.iter().filter(|slot| slot.column.is_some()).count()
            }
            Shape::Undecided { .. } | Shape::Records { .. } => 0,
        }
    }

    /// No cell of a line is wider than the screen, so nothing wider has to be kept.
    fn cell_limit(&self) -> Option<usize> {
        let screen = match self.layout.expanded {
            Expanded::Off => self.layout.screen_width,
            Expanded::On | Expanded::Auto => None,
        };
        self.layout.max_width.into_iter().chain(screen).min()
    }

    fn write_row(&mut self, cells: Vec<Cell>) -> Result<(), OutputError> {
        let text = match &mut self.shape {
            Shape::Undecided { sample, bytes } => {
                *bytes += cells.iter().map(|cell| cell.text.len()).sum::<usize>();
                sample.push(cells);
                let is_full = sample.len() >= SAMPLE_ROWS || *bytes >= SAMPLE_BYTES;
                return if is_full { self.write_sample() } else { Ok(()) };
            }
            Shape::Columns(slots) => {
                self.style.line(&self.headers, slots, &cells, self.layout.screen_width.is_some())
            }
            Shape::Records { names } => self.style.record(self.rows, &self.headers, *names, &cells),
        };
        self.out.write_all(text.as_bytes())?;
        Ok(())
    }

    /// Decides the layout, and writes the header and the rows that waited for it.
    pub(super) fn write_sample(&mut self) -> Result<(), OutputError> {
        let Shape::Undecided { sample, .. } = &mut self.shape else {
            return Ok(());
        };
        let sample = std::mem::take(sample);
        let naturals = naturals(&self.headers, &sample);
        let screen = self.layout.screen_width;
        let overflows = screen.is_some_and(|screen| !fits_whole(&naturals, screen));
        if self.layout.expanded == Expanded::Auto && overflows {
            self.shape = Shape::records(&self.headers);
        } else {
            let slots = fit(&naturals, screen);
            if !slots.is_empty() {
                self.out.write_all(self.style.header(&self.headers, &slots).as_bytes())?;
            }
            self.shape = Shape::Columns(slots);
        }
        if self.headers.is_empty() {
            return Ok(());
        }
        let rows = self.rows;
        for (index, cells) in sample.into_iter().enumerate() {
            self.rows = index + 1;
            self.write_row(cells)?;
        }
        self.rows = rows;
        Ok(())
    }
}

impl Shape {
    fn records(headers: &[Header]) -> Self {
        Self::Records { names: headers.iter().map(|header| header.text.width()).max().unwrap_or_default() }
    }
}

/// The widths that the columns want after these rows.
fn naturals(headers: &[Header], sample: &[Vec<Cell>]) -> Vec<Natural> {
    let natural = |header: &Header| Natural { width: header.text.width(), is_number: header.is_number };
    let mut columns: Vec<Natural> = headers.iter().map(natural).collect();
    for row in sample {
        for (column, cell) in columns.iter_mut().zip(row) {
            column.width = column.width.max(cell.text.width());
        }
    }
    columns
}

/// What stands where columns are left out.
const HIDDEN: &str = "…";

impl Style {
    fn header(self, headers: &[Header], slots: &[Slot]) -> String {
        let names = join(slots.iter().map(|slot| match slot.column {
            Some(column) => {
                let header = &headers[column];
                let text = cut(&header.text, Some(slot.width));
                let width = text.width();
                (*slot, self.bold(&text).into_owned(), width, header.is_number)
            }
            None => (*slot, HIDDEN.to_owned(), 1, false),
        }));
        let rule: Vec<_> = slots.iter().map(|slot| "-".repeat(slot.width)).collect();
        format!("{names}{}\n", rule.join("-+-"))
    }

    /// One row. Values that are too wide are cut if `cuts`, except for numbers.
    fn line(self, headers: &[Header], slots: &[Slot], cells: &[Cell], cuts: bool) -> String {
        join(slots.iter().map(|slot| {
            let Some(column) = slot.column else {
                return (*slot, HIDDEN.to_owned(), 1, false);
            };
            let (cell, is_number) = (&cells[column], headers[column].is_number);
            let limit = (cuts && !is_number).then_some(slot.width);
            let text = cut(&cell.text, limit);
            let width = text.width();
            (*slot, self.value(text, cell.is_null), width, is_number)
        }))
    }

    /// One row with a line for each value.
    fn record(self, number: usize, headers: &[Header], names: usize, cells: &[Cell]) -> String {
        let title = format!("-[ row {number} ]");
        let rule = "-".repeat((names + SEPARATOR).saturating_sub(title.width()).max(1));
        let mut text = format!("{}\n", self.dim(&format!("{title}{rule}")));
        for (header, cell) in headers.iter().zip(cells) {
            let padding = " ".repeat(names.saturating_sub(header.text.width()));
            let value = self.value(cell.text.clone(), cell.is_null);
            text.push_str(&format!("{}{padding} | {value}\n", self.bold(&header.text)));
        }
        text
    }

    fn value(self, text: String, is_null: bool) -> String {
        if is_null { self.dim(&text).into_owned() } else { text }
    }
}

/// Pads each text, given with its slot and its width on the screen, to its slot: numbers to the right.
fn join(texts: impl ExactSizeIterator<Item = (Slot, String, usize, bool)>) -> String {
    let mut line = String::new();
    let last = texts.len().saturating_sub(1);
    for (index, (slot, text, width, is_number)) in texts.enumerate() {
        let padding = " ".repeat(slot.width.saturating_sub(width));
        if index > 0 {
            line.push_str(" | ");
        }
        if is_number {
            line.push_str(&padding);
        }
        line.push_str(&text);
        if !is_number && index < last {
            line.push_str(&padding);
        }
    }
    line.push('\n');
    line
}
