//! The binary formats: Parquet, and Arrow IPC as a file or as a stream.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::{FileWriter, StreamWriter};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::OutputError;

/// A row group is held in memory, encoded, until it is complete.
const ROW_GROUP_BYTES: usize = 128 * 1024 * 1024;

/// Writes one Parquet file.
pub(super) struct ParquetWriter<W: Write + Send> {
    writer: ArrowWriter<W>,
}

impl<W: Write + Send> ParquetWriter<W> {
    pub(super) fn new(out: W, schema: &SchemaRef) -> Result<Self, OutputError> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
            .set_created_by(concat!("lakegate ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let writer = ArrowWriter::try_new(out, SchemaRef::clone(schema), Some(properties))?;
        Ok(Self { writer })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        Ok(self.writer.write(batch)?)
    }

    pub(super) fn finish(self) -> Result<W, OutputError> {
        Ok(self.writer.into_inner()?)
    }
}

/// Writes an Arrow IPC file, which can be read at random.
pub(super) struct ArrowFileWriter<W: Write> {
    writer: FileWriter<W>,
}

impl<W: Write> ArrowFileWriter<W> {
    pub(super) fn new(out: W, schema: &SchemaRef) -> Result<Self, OutputError> {
        let writer = FileWriter::try_new(out, schema)?;
        Ok(Self { writer })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        Ok(self.writer.write(batch)?)
    }

    pub(super) fn finish(self) -> Result<W, OutputError> {
        Ok(self.writer.into_inner()?)
    }
}

/// Writes an Arrow IPC stream, which a reader can follow while it is written.
pub(super) struct ArrowStreamWriter<W: Write> {
    writer: StreamWriter<W>,
}

impl<W: Write> ArrowStreamWriter<W> {
    pub(super) fn new(out: W, schema: &SchemaRef) -> Result<Self, OutputError> {
        let writer = StreamWriter::try_new(out, schema)?;
        Ok(Self { writer })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        self.writer.write(batch)?;
        Ok(self.writer.flush()?)
    }

    pub(super) fn finish(self) -> Result<W, OutputError> {
        Ok(self.writer.into_inner()?)
    }
}
