//! Writes the rows of a result, batch by batch, in the format that was asked for.
//!
//! Invariants
//! - Memory is bounded by one batch, plus the sample that sets the column widths of a table, plus
//!   one row group of a Parquet file.
//! - A value that cannot be formatted is an error, never a text that looks like a value.
//! - A file appears under its name only after [`ResultWriter::finish`] (see `destination`).

mod csv;
mod destination;
mod files;
mod json;
mod table;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use clap::ValueEnum;
use parquet::errors::ParquetError;

use self::csv::CsvWriter;
use self::destination::Destination;
use self::files::{ArrowFileWriter, ArrowStreamWriter, ParquetWriter};
use self::json::JsonWriter;
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
    /// Parquet file, zstd-compressed
    Parquet,
    /// Arrow IPC: a file with -o, a stream on standard output
    Arrow,
}

impl Format {
    /// All names, as a user writes them.
    pub(crate) const NAMES: &str = "table|csv|json|parquet|arrow";

    /// The format that a file name stands for.
    pub(crate) fn of_file(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "txt" => Some(Self::Table),
            "csv" => Some(Self::Csv),
            "json" | "jsonl" | "ndjson" => Some(Self::Json),
            "parquet" => Some(Self::Parquet),
            "arrow" => Some(Self::Arrow),
            _ => None,
        }
    }
}

/// How a table is laid out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// Widest cell in terminal columns; longer ones are cut.
    pub(crate) max_width: Option<usize>,
    /// Rows to show; the rest is not read.
    pub(crate) limit_rows: Option<usize>,
    /// Whether the table is shown on a terminal, and so may have colours.
    pub(crate) to_terminal: bool,
}

/// Where and how a result is written.
#[derive(Debug)]
pub(crate) struct OutputPlan {
    pub(crate) format: Format,
    pub(crate) file: Option<PathBuf>,
    pub(crate) layout: Layout,
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

/// A result being written.
pub(crate) struct ResultWriter {
    format: FormatWriter,
    rows: usize,
}

enum FormatWriter {
    Table(TableWriter<Destination>),
    Csv(CsvWriter<Destination>),
    Json(JsonWriter<Destination>),
    Parquet(Box<ParquetWriter<Destination>>),
    ArrowFile(Box<ArrowFileWriter<Destination>>),
    ArrowStream(Box<ArrowStreamWriter<Destination>>),
}

impl ResultWriter {
    /// Opens the destination and writes what precedes the rows.
    pub(crate) fn open(plan: &OutputPlan, schema: &SchemaRef) -> Result<Self, OutputError> {
        let to = match &plan.file {
            Some(path) => Destination::file(path)?,
            None => Destination::stdout(),
        };
        let format = match plan.format {
            Format::Table => FormatWriter::Table(TableWriter::new(to, schema, plan.layout)),
            Format::Csv => FormatWriter::Csv(CsvWriter::new(to, schema)?),
            Format::Json => FormatWriter::Json(JsonWriter::new(to)),
            Format::Parquet => FormatWriter::Parquet(Box::new(ParquetWriter::new(to, schema)?)),
            Format::Arrow if plan.file.is_some() => {
                FormatWriter::ArrowFile(Box::new(ArrowFileWriter::new(to, schema)?))
            }
            Format::Arrow => FormatWriter::ArrowStream(Box::new(ArrowStreamWriter::new(to, schema)?)),
        };
        Ok(Self { format, rows: 0 })
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
            FormatWriter::Parquet(writer) => writer.write(batch)?,
            FormatWriter::ArrowFile(writer) => writer.write(batch)?,
            FormatWriter::ArrowStream(writer) => writer.write(batch)?,
        }
        self.rows += written;
        Ok(appetite)
    }

    /// Completes the output and puts a file in its place. Returns the number of rows written.
    pub(crate) fn finish(self) -> Result<usize, OutputError> {
        let destination = match self.format {
            FormatWriter::Table(writer) => writer.finish()?,
            FormatWriter::Csv(writer) => writer.finish(),
            FormatWriter::Json(writer) => writer.finish(),
            FormatWriter::Parquet(writer) => writer.finish()?,
            FormatWriter::ArrowFile(writer) => writer.finish()?,
            FormatWriter::ArrowStream(writer) => writer.finish()?,
        };
        destination.commit()?;
        Ok(self.rows)
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
