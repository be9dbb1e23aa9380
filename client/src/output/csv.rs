//! CSV with the quoting rules of RFC 4180 and a header line.
//!
//! Three choices that the RFC leaves open:
//! - Lines end with a line feed alone, which every CSV reader takes and line tools expect.
//! - NULL is an empty field and an empty text is `""`, so that the two stay apart. The one
//!   exception is NULL in a result of one column, also `""`: many readers skip an empty line.
//! - Nested values are JSON, in a quoted field.

use std::io::Write;

use arrow::array::{Array, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{FieldRef, SchemaRef};
use arrow::json::writer::{EncoderOptions, NullableEncoder};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::OutputError;
use super::json::StrictTime;

/// Writes CSV to `out`.
pub(super) struct CsvWriter<W> {
    out: W,
}

impl<W: Write> CsvWriter<W> {
    /// Writes the header.
    pub(super) fn new(mut out: W, schema: &SchemaRef) -> Result<Self, OutputError> {
        let mut line = String::new();
        for (index, field) in schema.fields().iter().enumerate() {
            if index > 0 {
                line.push(',');
            }
            push_field(&mut line, field.name());
        }
        line.push('\n');
        out.write_all(line.as_bytes())?;
        Ok(Self { out })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        let text_options = FormatOptions::new().with_display_error(false);
        let time = StrictTime::default();
        let json_options = time.encoder_options();
        let schema = batch.schema();
        let mut columns = schema
            .fields()
            .iter()
            .zip(batch.columns())
            .map(|(field, array)| Column::new(field, array, &text_options, &json_options))
            .collect::<Result<Vec<_>, _>>()?;

        let single = columns.len() == 1;
        let mut line = String::new();
        let mut value = String::new();
        for row in 0..batch.num_rows() {
            line.clear();
            for (index, column) in columns.iter_mut().enumerate() {
                if index > 0 {
                    line.push(',');
                }
                value.clear();
                if column.read(row, &mut value)? {
                    push_field(&mut line, &value);
                } else if single {
                    line.push_str("\"\"");
                }
            }
            line.push('\n');
            self.out.write_all(line.as_bytes())?;
        }
        time.check()?;
        self.out.flush()?;
        Ok(())
    }

    pub(super) fn finish(self) -> W {
        self.out
    }
}

/// How the values of one column become text.
struct Column<'a> {
    nulls: Option<NullBuffer>,
    values: Values<'a>,
}

enum Values<'a> {
    Scalar(ArrayFormatter<'a>),
    Nested(NullableEncoder<'a>),
}

impl<'a> Column<'a> {
    fn new(
        field: &'a FieldRef,
        array: &'a dyn Array,
        text_options: &FormatOptions<'a>,
        json_options: &'a EncoderOptions,
    ) -> Result<Self, OutputError> {
        let values = if field.data_type().is_nested() {
            Values::Nested(arrow::json::writer::make_encoder(field, array, json_options)?)
        } else {
            Values::Scalar(ArrayFormatter::try_new(array, text_options)?)
        };
        Ok(Self { nulls: array.logical_nulls(), values })
    }

    /// Appends the value of a row to `text`; `false` means NULL.
    fn read(&mut self, row: usize, text: &mut String) -> Result<bool, OutputError> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return Ok(false);
        }
        match &mut self.values {
            Values::Scalar(formatter) => formatter.value(row).write(text)?,
            Values::Nested(encoder) => {
                let mut json = Vec::new();
                encoder.encode(row, &mut json);
                text.push_str(&String::from_utf8_lossy(&json));
            }
        }
        Ok(true)
    }
}

/// Appends a field, quoted if it is empty or holds a character that has a meaning in CSV.
fn push_field(line: &mut String, value: &str) {
    let needs_quotes = value.is_empty() || value.contains([',', '"', '\n', '\r']);
    if !needs_quotes {
        line.push_str(value);
        return;
    }
    line.push('"');
    line.push_str(&value.replace('"', "\"\""));
    line.push('"');
}
