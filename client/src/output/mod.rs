//! Writes the rows of a result, batch by batch, in the format that was asked for.
//!
//! Invariants
//! - Memory is bounded by one batch, plus the sample that sets the column widths of a table, plus
//!   one screen that is held back for the pager, plus one row group of a Parquet file.
//! - A value that cannot be formatted is an error, never a text that looks like a value.
//! - A file appears under its name only after [`ResultWriter::finish`] (see `destination`).

mod cells;
mod csv;
mod destination;
mod files;
mod fit;
mod json;
mod markdown;
mod screen;
mod table;

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use clap::ValueEnum;
use parquet::errors::ParquetError;

use self::csv::CsvWriter;
use self::destination::Destination;
use self::files::{ArrowFileWriter, ArrowStreamWriter, ParquetWriter};
use self::json::JsonWriter;
use self::markdown::MarkdownWriter;
use self::screen::Screen;
pub(crate) use self::screen::{Pager, is_paging};
use self::table::TableWriter;

/// Output format of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns for people
    Table,
    /// RFC 4180 with a header line
    Csv,
    /// One JSON object per line
    Json,
    /// Table of GitHub Flavored Markdown
    Markdown,
    /// Parquet file, zstd-compressed
    Parquet,
    /// Arrow IPC: a file with -o, a stream on standard output
    Arrow,
}

impl Format {
    /// All names, as a user writes them.
    pub(crate) const NAMES: &str = "table|csv|json|markdown|parquet|arrow";

    /// The format that a file name stands for.
    pub(crate) fn of_file(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "txt" => Some(Self::Table),
            "csv" => Some(Self::Csv),
            "json" | "jsonl" | "ndjson" => Some(Self::Json),
            "md" | "markdown" => Some(Self::Markdown),
            "parquet" => Some(Self::Parquet),
            "arrow" => Some(Self::Arrow),
            _ => None,
        }
    }

    /// Whether only programs can read it.
    pub(crate) fn is_binary(self) -> bool {
        match self {
            Self::Parquet | Self::Arrow => true,
            Self::Table | Self::Csv | Self::Json | Self::Markdown => false,
        }
    }
}

/// Whether a table has a line for each value instead of one for each row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Expanded {
    /// A line for each row
    #[default]
    Off,
    /// A line for each value
    On,
    /// A line for each value if a row does not fit the screen
    Auto,
}

/// The word that a user writes for a choice.
pub(crate) fn name(choice: &impl ValueEnum) -> String {
    choice.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// How a table is laid out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// Widest cell in terminal columns; longer ones are cut.
    pub(crate) max_width: Option<usize>,
    /// Widest line; columns are narrowed and left out to fit.
    pub(crate) screen_width: Option<usize>,
    pub(crate) expanded: Expanded,
    /// Rows to show; the rest is not read.
    pub(crate) limit_rows: Option<usize>,
    /// Whether the table is shown on a terminal, and so may have colours.
    pub(crate) to_terminal: bool,
}

/// Where and how a result is written.
#[derive(Clone, Debug)]
pub(crate) struct OutputPlan {
    pub(crate) format: Format,
    pub(crate) file: Option<PathBuf>,
    /// Whether another result stands there already, which this one is added to.
    pub(crate) follows: bool,
    pub(crate) layout: Layout,
    /// What pages standard output if it is a terminal, and its height in lines.
    pub(crate) screen: Option<(Pager, usize)>,
}

/// Whether a writer wants more rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Appetite {
    More,
    /// The row limit is reached and at least one more row exists.
    Full,
}

/// Why a result could not be written.
#[derive(Debug)]
pub(crate) enum OutputError {
    /// Standard output is a pipe, and its reader closed it.
    ReaderGone,
    Io(io::Error),
    Arrow(ArrowError),
    Parquet(ParquetError),
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) rows: usize,
    /// Columns of a table that were left out because the screen is too narrow.
    pub(crate) hidden_columns: usize,
}

/// A result being written.
pub(crate) struct ResultWriter {
    format: FormatWriter,
    rows: usize,
    is_shown: Arc<AtomicBool>,
}

enum FormatWriter {
    Table(TableWriter<Destination>),
    Csv(CsvWriter<Destination>),
    Json(JsonWriter<Destination>),
    Markdown(MarkdownWriter<Destination>),
    Parquet(Box<ParquetWriter<Destination>>),
    ArrowFile(Box<ArrowFileWriter<Destination>>),
    ArrowStream(Box<ArrowStreamWriter<Destination>>),
}

impl ResultWriter {
    /// Opens the destination and writes what precedes the rows.
    pub(crate) fn open(plan: &OutputPlan, schema: &SchemaRef) -> Result<Self, OutputError> {
        let is_shown = Arc::new(AtomicBool::new(false));
        let mut to = match (&plan.file, &plan.screen) {
            (Some(path), _) => Destination::file(path, plan.follows)?,
            (None, Some((pager, height))) => {
                let screen = Screen::new(*height, pager.clone(), Arc::clone(&is_shown));
                Destination::Screen(Box::new(screen))
            }
            (None, None) => Destination::stdout(),
        };
        if plan.follows
            && !schema.fields().is_empty()
            && matches!(plan.format, Format::Table | Format::Markdown)
        {
            to.write_all(b"\n")?;
        }
        let format = match plan.format {
            Format::Table => FormatWriter::Table(TableWriter::new(to, schema, plan.layout)),
            Format::Csv => FormatWriter::Csv(CsvWriter::new(to, schema)?),
            Format::Json => FormatWriter::Json(JsonWriter::new(to)),
            Format::Markdown => FormatWriter::Markdown(MarkdownWriter::new(to, schema)?),
            Format::Parquet => FormatWriter::Parquet(Box::new(ParquetWriter::new(to, schema)?)),
            Format::Arrow if plan.file.is_some() => {
                FormatWriter::ArrowFile(Box::new(ArrowFileWriter::new(to, schema)?))
            }
            Format::Arrow => FormatWriter::ArrowStream(Box::new(ArrowStreamWriter::new(to, schema)?)),
        };
        Ok(Self { format, rows: 0, is_shown })
    }

    /// Writes one batch, or as much of it as the row limit allows.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<Appetite, OutputError> {
        let mut written = batch.num_rows();
        let mut appetite = Appetite::More;
        match &mut self.format {
            FormatWriter::Table(writer) => {
                written = writer.write(batch)?;
                if written < batch.num_rows() {
                    appetite = Appetite::Full;
                }
            }
            FormatWriter::Csv(writer) => writer.write(batch)?,
            FormatWriter::Json(writer) => writer.write(batch)?,
            FormatWriter::Markdown(writer) => writer.write(batch)?,
            FormatWriter::Parquet(writer) => writer.write(batch)?,
            FormatWriter::ArrowFile(writer) => writer.write(batch)?,
            FormatWriter::ArrowStream(writer) => writer.write(batch)?,
        }
        self.rows += written;
        Ok(appetite)
    }

    /// Whether a terminal shows some of the rows.
    pub(crate) fn is_shown(&self) -> bool {
        self.is_shown.load(Ordering::Relaxed)
    }

    /// Completes the output, puts a file in its place, and waits for the pager.
    pub(crate) fn finish(self) -> Result<Written, OutputError> {
        let mut hidden_columns = 0;
        let destination = match self.format {
            FormatWriter::Table(mut writer) => {
                writer.write_sample()?;
                hidden_columns = writer.hidden_columns();
                writer.finish()
            }
            FormatWriter::Markdown(writer) => writer.finish(),
            FormatWriter::Csv(writer) => writer.finish(),
            FormatWriter::Json(writer) => writer.finish(),
            FormatWriter::Parquet(writer) => writer.finish()?,
            FormatWriter::ArrowFile(writer) => writer.finish()?,
            FormatWriter::ArrowStream(writer) => writer.finish()?,
        };
        destination.commit()?;
        Ok(Written { rows: self.rows, hidden_columns })
    }
}

impl fmt::Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReaderGone => f.write_str("the reader of the output closed it"),
            Self::Io(error) => write!(f, "cannot write the result: {error}"),
            Self::Arrow(error) => write!(f, "cannot write the result: {error}"),
            Self::Parquet(error) => write!(f, "cannot write the result: {error}"),
        }
    }
}

impl From<io::Error> for OutputError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ReaderGone,
            _ => Self::Io(error),
        }
    }
}

impl From<ArrowError> for OutputError {
    fn from(error: ArrowError) -> Self {
        match error {
            ArrowError::IoError(_, source) => source.into(),
            other => Self::Arrow(other),
        }
    }
}

impl From<ParquetError> for OutputError {
    fn from(error: ParquetError) -> Self {
        Self::Parquet(error)
    }
}

#[cfg(test)]
mod tests;
