//! A table of GitHub Flavored Markdown, for issues, chats and documents.
//!
//! Every value shows in the rendered table as the text that it is: what has a meaning in Markdown or HTML is escaped.
//! NULL is in italics, which a text `NULL` is not. Columns are not padded, so that rows stream.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::OutputError;
use super::cells::Rows;
use crate::terminal::escape;

/// Writes a Markdown table to `out`.
pub(super) struct MarkdownWriter<W> {
    out: W,
}

impl<W: Write> MarkdownWriter<W> {
    /// Writes the header.
    pub(super) fn new(mut out: W, schema: &SchemaRef) -> Result<Self, OutputError> {
        let names = schema.fields().iter().map(|field| literal(field.name()));
        let rules = schema.fields().iter().map(|field| {
            let rule = if field.data_type().is_numeric() { "---:" } else { "---" };
            rule.to_owned()
        });
        let header = format!("{}{}", line(names), line(rules));
        out.write_all(header.as_bytes())?;
        Ok(Self { out })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        let rows = Rows::new(batch)?;
        for row in 0..batch.num_rows() {
            let cells = rows.row(row, literal)?;
            let texts =
                cells.into_iter().map(|cell| if cell.is_null { "*NULL*".to_owned() } else { cell.text });
            self.out.write_all(line(texts).as_bytes())?;
        }
        self.out.flush()?;
        Ok(())
    }

    pub(super) fn finish(self) -> W {
        self.out
    }
}

fn line(texts: impl Iterator<Item = String>) -> String {
    let mut line = String::from("|");
    for text in texts {
        line.push(' ');
        line.push_str(&text);
        line.push_str(" |");
    }
    line.push('\n');
    line
}

/// The text so that Markdown shows it as it is.
fn literal(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    let mut before = None;
    while let Some(letter) = letters.next() {
        match letter {
            // A line break inside a cell.
            '\n' => shown.push_str("<br>"),
            '\r' => {}
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '&' => shown.push_str("&amp;"),
            '\\' | '`' | '*' | '[' | ']' | '|' | '~' => {
                shown.push('\\');
                shown.push(letter);
            }
            // Inside a word it means nothing, and names are full of it.
            '_' if !(is_word(before) && is_word(letters.peek().copied())) => shown.push_str("\\_"),
            other => shown.push_str(&escape(other.encode_utf8(&mut [0; 4]))),
        }
        before = Some(letter);
    }
    shown
}

fn is_word(letter: Option<char>) -> bool {
    letter.is_some_and(char::is_alphanumeric)
}
