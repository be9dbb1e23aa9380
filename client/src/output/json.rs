//! JSON lines: one object per row, with every column in every object.
//!
//! NULL is `null`, so a reader that learns the columns from the first line learns all of them.
//! Decimals and 64-bit integers keep all their digits. Binary values are hexadecimal text.

use std::io::Write;
use std::sync::{Arc, OnceLock};

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::FieldRef;
use arrow::error::ArrowError;
use arrow::json::writer::{
    Encoder, EncoderFactory, EncoderOptions, LineDelimited, NullableEncoder, Writer, WriterBuilder,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::OutputError;

/// Writes JSON lines to `out`.
pub(super) struct JsonWriter<W: Write> {
    writer: Writer<W, LineDelimited>,
    time: StrictTime,
}

impl<W: Write> JsonWriter<W> {
    pub(super) fn new(out: W) -> Self {
        let time = StrictTime::default();
        let writer = WriterBuilder::new()
            .with_explicit_nulls(true)
            .with_encoder_factory(Arc::new(time.clone()))
            .build(out);
        Self { writer, time }
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        self.writer.write(batch)?;
        self.time.check()?;
        self.writer.get_mut().flush()?;
        Ok(())
    }

    pub(super) fn finish(self) -> W {
        self.writer.into_inner()
    }
}

/// Encodes dates and times like the JSON writer of Arrow, except that a value outside the range
/// of calendars becomes an error. Arrow's own encoder cannot fail, and writes the text of the
/// error where the value should stand.
#[derive(Clone, Debug, Default)]
pub(super) struct StrictTime {
    first_error: Arc<OnceLock<String>>,
}

impl StrictTime {
    /// Options for encoders that report to this object.
    pub(super) fn encoder_options(&self) -> EncoderOptions {
        EncoderOptions::default().with_explicit_nulls(true).with_encoder_factory(Arc::new(self.clone()))
    }

    /// Fails if a value so far could not be encoded.
    pub(super) fn check(&self) -> Result<(), OutputError> {
        match self.first_error.get() {
            Some(error) => Err(OutputError::Arrow(ArrowError::JsonError(error.clone()))),
            None => Ok(()),
        }
    }
}

impl EncoderFactory for StrictTime {
    fn make_default_encoder<'a>(
        &self,
        _field: &'a FieldRef,
        array: &'a dyn Array,
        _options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        if !array.data_type().is_temporal() {
            return Ok(None);
        }
        let options = FormatOptions::new().with_display_error(false);
        let encoder = StrictTimeEncoder {
            formatter: ArrayFormatter::try_new(array, &options)?,
            first_error: Arc::clone(&self.first_error),
        };
        let nulls = array.nulls().cloned();
        Ok(Some(NullableEncoder::new(Box::new(encoder), nulls)))
    }
}

struct StrictTimeEncoder<'a> {
    formatter: ArrayFormatter<'a>,
    first_error: Arc<OnceLock<String>>,
}

impl Encoder for StrictTimeEncoder<'_> {
    fn encode(&mut self, index: usize, out: &mut Vec<u8>) {
        match self.formatter.value(index).try_to_string() {
            Ok(text) => {
                // Digits, letters and `-:.+` only: nothing that JSON would have to escape.
                out.push(b'"');
                out.extend_from_slice(text.as_bytes());
                out.push(b'"');
            }
            Err(error) => {
                self.first_error.get_or_init(|| error.to_string());
                out.extend_from_slice(b"null");
            }
        }
    }
}
