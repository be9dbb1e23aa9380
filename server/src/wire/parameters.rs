//! Bound parameters: the only Arrow data that a client sends, so the only place where a stranger's bytes meet a decoder.
//!
//! arrow-ipc trusts its input in ways a server cannot afford: a compressed buffer declares its own decompressed size
//! and gets it allocated, lengths and offsets are used before they are compared, what is shared is copied as often as it is
//! named, and some malformed schemas end in a panic. So a message is admitted by its parts before it is decoded (`parts`):
//! - few bytes, few rows, flat types only, no compression;
//! - every buffer lies within the body, no two of them share bytes, every column has a value for each row;
//! - dictionaries are whole, and become their values at once.
//!
//! Values are counted by what they are when each stands for itself, before they become that (`size`). So what leaves this
//! file, and whatever is made of it, is a small multiple of `MAX_DECODED_BYTES` at the most.
//!
//! Decoding runs on the threads for planning, in the user's turn, and a panic of the decoder is an error of the one call.
//!
//! Clients invent the columns' names (`0`, `1`, …), so parameters are bound by position and the names mean nothing.

mod parts;
mod size;

use std::collections::HashMap;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::buffer::Buffer;
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow_flight::FlightData;
use arrow_ipc::reader::{StreamReader, read_dictionary, read_record_batch};
use arrow_ipc::writer::StreamWriter;
use futures::{Stream, StreamExt};
use tonic::Status;

use self::size::{Budget, laid_out, too_large};
use super::uploads;
use crate::error::{Error, ErrorKind};

/// Bytes of all messages of one bind together. A bound handle travels in each call that uses it.
const MAX_BYTES: usize = 1024 * 1024;

/// Bytes that the columns of one bind take once each of their values stands for itself. Without dictionaries and shared
/// bytes that is about what was sent.
const MAX_DECODED_BYTES: usize = 2 * 1024 * 1024;

/// Rows of one bind: the statement runs once for each.
const MAX_ROWS: usize = 1_000;

/// Messages of one bind: a schema, a message for each row, and some that are empty.
const MAX_MESSAGES: usize = MAX_ROWS + 16;

/// What a client sent to be bound, not yet looked at.
pub(super) struct Received(Vec<ReceivedMessage>);

/// A copy, since what arrived may keep a whole packet of other things in memory, and is not aligned.
struct ReceivedMessage {
    head: Vec<u8>,
    body: Buffer,
}

/// Takes what follows a bind command: its first message is `first`, which also carried the command.
///
/// # Errors
/// [`ErrorKind::ResourceExhausted`] for more bytes than a bind may have, and [`uploads::broken_off`] for a stream that ends
/// before its end.
pub(super) async fn receive<S>(first: FlightData, rest: S) -> Result<Received, Error>
where
    S: Stream<Item = Result<FlightData, Status>>,
{
    let mut rest = std::pin::pin!(rest);
    let mut bytes = 0;
    let mut count = 0;
    let mut messages = Vec::new();
    let mut next = Some(Ok(first));
    while let Some(message) = next {
        let message = message.map_err(|status| uploads::broken_off(&status))?;
        bytes += message.data_header.len() + message.data_body.len();
        count += 1;
        if bytes > MAX_BYTES || count > MAX_MESSAGES {
            return Err(too_large());
        }
        // The command's own message may carry nothing but the command.
        if !message.data_header.is_empty() {
            let (head, body) = (message.data_header.to_vec(), Buffer::from(message.data_body.as_ref()));
            messages.push(ReceivedMessage { head, body });
        }
        next = rest.next().await;
    }
    Ok(Received(messages))
}

impl Received {
    /// Messages as heads and bodies.
    #[cfg(any(test, fuzzing))]
    pub(super) fn of(messages: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Self {
        let messages = messages.into_iter();
        Self(messages.map(|(head, body)| ReceivedMessage { head, body: Buffer::from(body) }).collect())
    }

    /// The rows of values. Takes as long as a bind of the largest size needs: not for an I/O thread.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for anything but rows of plain values, or for none;
    /// [`ErrorKind::ResourceExhausted`] for more rows, columns or bytes than a bind may have.
    pub(super) fn decode(self) -> Result<RecordBatch, Error> {
        catch_unwind(AssertUnwindSafe(|| decode(self.0))).unwrap_or_else(|_panic| Err(malformed()))
    }
}

fn decode(messages: Vec<ReceivedMessage>) -> Result<RecordBatch, Error> {
    let mut messages = messages.into_iter();
    let mut budget = Budget::new(MAX_DECODED_BYTES);
    let schema = parts::schema(&messages.next().ok_or_else(no_row)?.head, &mut budget)?;
    let plain = plain_schema(&schema);
    let mut rows = 0;
    let mut decoded = Vec::new();
    let mut dictionaries = HashMap::new();
    for ReceivedMessage { head, body } in messages {
        let head = parts::head(&head)?;
        if let Some(dictionary) = head.header_as_dictionary_batch() {
            decode_dictionary(&head, dictionary, &body, &schema, &mut dictionaries)?;
            continue;
        }
        let batch = decode_batch(&head, &body, &schema, &dictionaries, MAX_ROWS - rows)?;
        rows += batch.num_rows();
        decoded.push(laid_out_rows(&batch, &plain, &mut budget)?);
    }
    match rows {
        0 => Err(no_row()),
        _ => concat_batches(&plain, &decoded).map_err(|_| malformed()),
    }
}

/// # Arguments
/// * `most_rows` - so many rows there may still be.
fn decode_batch(
    head: &arrow_ipc::Message<'_>,
    body: &Buffer,
    schema: &SchemaRef,
    dictionaries: &HashMap<i64, ArrayRef>,
    most_rows: usize,
) -> Result<RecordBatch, Error> {
    let batch = head.header_as_record_batch().ok_or_else(malformed)?;
    let rows = usize::try_from(batch.length()).map_err(|_| malformed())?;
    if rows > most_rows {
        let text = "there are too many rows of parameters: a statement runs at most 1000 times at once";
        return Err(Error::new(ErrorKind::ResourceExhausted, text));
    }
    parts::check(&batch, schema.fields().len(), body)?;
    read_record_batch(body, batch, Arc::clone(schema), dictionaries, None, &head.version())
        .map_err(|_| malformed())
}

/// The values of one dictionary.
fn decode_dictionary(
    head: &arrow_ipc::Message<'_>,
    dictionary: arrow_ipc::DictionaryBatch<'_>,
    body: &Buffer,
    schema: &SchemaRef,
    dictionaries: &mut HashMap<i64, ArrayRef>,
) -> Result<(), Error> {
    if dictionary.isDelta() {
        return Err(malformed());
    }
    let values = dictionary.data().ok_or_else(malformed)?;
    // A value without a byte of its own is of no use in a dictionary, and its number is only a claim.
    if usize::try_from(values.length()).map_err(|_| malformed())? > MAX_BYTES {
        return Err(too_large());
    }
    parts::check(&values, 1, body)?;
    read_dictionary(body, dictionary, schema, dictionaries, &head.version()).map_err(|_| malformed())
}

/// The same columns with values in place of keys.
fn plain_schema(schema: &SchemaRef) -> SchemaRef {
    let plain = |field: &FieldRef| match field.data_type() {
        DataType::Dictionary(_, values) => {
            Arc::new(field.as_ref().clone().with_data_type(values.as_ref().clone()))
        }
        _ => Arc::clone(field),
    };
    Arc::new(Schema::new(schema.fields().iter().map(plain).collect::<Vec<_>>()))
}

/// The rows with values in place of keys, none of which share bytes.
fn laid_out_rows(rows: &RecordBatch, plain: &SchemaRef, budget: &mut Budget) -> Result<RecordBatch, Error> {
    let columns = rows.columns().iter().zip(plain.fields());
    let columns = columns.map(|(column, field)| laid_out(column, field.data_type(), budget));
    let columns = columns.collect::<Result<Vec<ArrayRef>, Error>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(plain), columns, &options).map_err(|_| malformed())
}

fn malformed() -> Error {
    Error::new(ErrorKind::InvalidRequest, "the parameters are not a valid Arrow stream")
}

fn no_row() -> Error {
    Error::new(ErrorKind::InvalidRequest, "there is no row of parameters")
}

/// A row as bytes for a sealed ticket or handle.
///
/// # Errors
/// Only a defect.
pub(super) fn to_bytes(row: Option<&RecordBatch>) -> Result<Vec<u8>, Error> {
    let Some(row) = row else { return Ok(Vec::new()) };
    let encode = || {
        let mut writer = StreamWriter::try_new(Vec::new(), &row.schema())?;
        writer.write(row)?;
        writer.into_inner()
    };
    encode().map_err(|error| Error::internal(format!("parameters cannot be encoded: {error}")))
}

/// The row that [`to_bytes`] encoded. Only for bytes that were sealed: they are decoded without checks.
///
/// # Errors
/// Only a defect.
pub(super) fn from_sealed_bytes(bytes: &[u8]) -> Result<Option<RecordBatch>, Error> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let broken = |error: ArrowError| Error::internal(format!("sealed parameters cannot be decoded: {error}"));
    let mut reader = StreamReader::try_new(Cursor::new(bytes), None).map_err(broken)?;
    reader.next().transpose().map_err(broken)
}

/// What may be assumed of rows that were decoded.
#[cfg(any(test, fuzzing))]
pub(super) fn assert_bounded(rows: &RecordBatch) {
    assert!((1..=MAX_ROWS).contains(&rows.num_rows()), "{} rows", rows.num_rows());
    let values: usize = rows.columns().iter().map(|column| size::bytes(column.as_ref())).sum();
    assert!(values <= MAX_DECODED_BYTES, "{values} bytes of values");
    // Alignment and what arrays are beside their buffers.
    let held = rows.get_array_memory_size();
    assert!(held <= 2 * MAX_DECODED_BYTES, "{held} bytes held");
    assert!(rows.columns().iter().all(|column| !matches!(column.data_type(), DataType::Dictionary(..))));
}

#[cfg(test)]
mod tests;
