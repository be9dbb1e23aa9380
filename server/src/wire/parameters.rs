//! Bound parameters: the only Arrow data that a client sends, so the only place where a stranger's bytes meet a decoder.
//!
//! arrow-ipc trusts its input in ways a server cannot afford: a compressed buffer declares its own decompressed size
//! and gets it allocated, lengths and offsets are used before they are compared, and some malformed schemas end in a
//! panic. So a message is admitted by its parts before it is decoded:
//! - few bytes, few rows, flat types only, no compression;
//! - every buffer lies within the body, every column has a value for each row;
//! - dictionaries are whole, and become their values at once, which may not be larger than what a bind may send.
//!
//! What is left runs in a task of its own, where a panic becomes an error of the one call.
//!
//! Clients invent the columns' names (`0`, `1`, …), so parameters are bound by position and the names mean nothing.

use std::collections::HashMap;
use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::buffer::Buffer;
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow_flight::FlightData;
use arrow_ipc::reader::{StreamReader, read_dictionary, read_record_batch};
use arrow_ipc::writer::StreamWriter;
use arrow_ipc::{MetadataVersion, root_as_message};
use futures::{Stream, StreamExt};
use tonic::Status;

use crate::error::{Error, ErrorKind};

/// Bytes of all messages of one bind together. A bound handle travels in each call that uses it.
const MAX_BYTES: usize = 1024 * 1024;

/// Bytes that the values of dictionaries may take at the most while they are laid out, by a bound that is quick to compute.
const MAX_UNPACKED_BYTES: usize = 64 * 1024 * 1024;

/// Rows of one bind: the statement runs once for each.
const MAX_ROWS: usize = 1_000;

/// Messages of one bind: a schema, a message for each row, and some that are empty.
const MAX_MESSAGES: usize = MAX_ROWS + 16;

/// Columns of one bind; PostgreSQL's limit, which drivers know.
const MAX_COLUMNS: usize = 65_535;

/// Reads what follows a bind command: its first message is `first`, which also carried the command.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] for anything but rows of plain values, or for none; [`ErrorKind::ResourceExhausted`]
/// for more bytes or rows than a bind may have.
pub(super) async fn receive<S>(first: FlightData, rest: S) -> Result<RecordBatch, Error>
where
    S: Stream<Item = Result<FlightData, Status>>,
{
    let mut rest = std::pin::pin!(rest);
    let mut bytes = 0;
    let mut messages = Vec::new();
    let mut next = Some(Ok(first));
    while let Some(message) = next {
        let message = message
            .map_err(|_| Error::new(ErrorKind::Cancelled, "the parameters were not sent to the end"))?;
        bytes += message.data_header.len() + message.data_body.len();
        if bytes > MAX_BYTES || messages.len() == MAX_MESSAGES {
            return Err(Error::new(ErrorKind::ResourceExhausted, "the parameters are too large"));
        }
        // The command's own message may carry nothing but the command.
        if !message.data_header.is_empty() {
            messages.push(message);
        }
        next = rest.next().await;
    }
    // A panic of the decoder ends this task only.
    tokio::task::spawn_blocking(move || decode(&messages)).await.map_err(|_| malformed())?
}

fn decode(messages: &[FlightData]) -> Result<RecordBatch, Error> {
    let (schema_message, batches) = messages.split_first().ok_or_else(no_row)?;
    let schema = decode_schema(schema_message)?;
    let mut rows = 0;
    let mut decoded = Vec::new();
    let mut dictionaries = HashMap::new();
    let plain = plain_schema(&schema);
    let mut unpacked_bytes = 0;
    for message in batches {
        let header = root_as_message(&message.data_header).map_err(|_| malformed())?;
        if header.version() < MetadataVersion::V4 {
            return Err(malformed());
        }
        // One copy of at most a megabyte gives aligned memory, which the network does not promise.
        let body = Buffer::from(message.data_body.as_ref());
        if let Some(dictionary) = header.header_as_dictionary_batch() {
            decode_dictionary(&header, dictionary, &body, &schema, &mut dictionaries)?;
            continue;
        }
        let batch = decode_batch(&header, &body, &schema, &dictionaries, MAX_ROWS - rows)?;
        rows += batch.num_rows();
        decoded.push(without_dictionaries(batch, &plain, &mut unpacked_bytes)?);
    }
    match rows {
        0 => Err(no_row()),
        _ => concat_batches(&plain, &decoded).map_err(|_| malformed()),
    }
}

fn decode_schema(message: &FlightData) -> Result<SchemaRef, Error> {
    let header = root_as_message(&message.data_header).map_err(|_| malformed())?;
    let encoded = header.header_as_schema().ok_or_else(malformed)?;
    let columns = encoded.fields().ok_or_else(malformed)?;
    if columns.len() > MAX_COLUMNS {
        return Err(Error::new(ErrorKind::ResourceExhausted, "the parameters have too many columns"));
    }
    let schema: Schema = arrow_ipc::convert::fb_to_schema(encoded);
    match schema.fields().iter().find(|field| !is_plain(field.data_type())) {
        Some(_) => Err(Error::new(ErrorKind::InvalidRequest, "a parameter has a type that cannot be bound")),
        None => Ok(Arc::new(schema)),
    }
}

/// # Arguments
/// * `most_rows` - so many rows there may still be.
fn decode_batch(
    header: &arrow_ipc::Message<'_>,
    body: &Buffer,
    schema: &SchemaRef,
    dictionaries: &HashMap<i64, ArrayRef>,
    most_rows: usize,
) -> Result<RecordBatch, Error> {
    let batch = header.header_as_record_batch().ok_or_else(malformed)?;
    let rows = usize::try_from(batch.length()).map_err(|_| malformed())?;
    if rows > most_rows {
        let text = "there are too many rows of parameters: a statement runs at most 1000 times at once";
        return Err(Error::new(ErrorKind::ResourceExhausted, text));
    }
    check_parts(&batch, schema.fields().len(), body)?;
    read_record_batch(body, batch, Arc::clone(schema), dictionaries, None, &header.version())
        .map_err(|_| malformed())
}

/// The values of one dictionary.
fn decode_dictionary(
    header: &arrow_ipc::Message<'_>,
    dictionary: arrow_ipc::DictionaryBatch<'_>,
    body: &Buffer,
    schema: &SchemaRef,
    dictionaries: &mut HashMap<i64, ArrayRef>,
) -> Result<(), Error> {
    if dictionary.isDelta() {
        return Err(malformed());
    }
    check_parts(&dictionary.data().ok_or_else(malformed)?, 1, body)?;
    read_dictionary(body, dictionary, schema, dictionaries, &header.version()).map_err(|_| malformed())
}

/// What the decoder believes of a message.
fn check_parts(batch: &arrow_ipc::RecordBatch<'_>, columns: usize, body: &Buffer) -> Result<(), Error> {
    if batch.compression().is_some() {
        return Err(Error::new(ErrorKind::InvalidRequest, "compressed parameters are not accepted"));
    }
    let a_value_each = |node: &arrow_ipc::FieldNode| {
        node.length() == batch.length() && (0..=batch.length()).contains(&node.null_count())
    };
    let nodes = batch.nodes().ok_or_else(malformed)?;
    if nodes.len() != columns || !nodes.iter().all(a_value_each) {
        return Err(malformed());
    }
    let within_body = |buffer: &arrow_ipc::Buffer| {
        let (Ok(offset), Ok(length)) = (usize::try_from(buffer.offset()), usize::try_from(buffer.length()))
        else {
            return false;
        };
        offset.checked_add(length).is_some_and(|end| end <= body.len())
    };
    match batch.buffers().ok_or_else(malformed)?.iter().all(within_body) {
        true => Ok(()),
        false => Err(malformed()),
    }
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

/// The rows with values in place of keys.
///
/// # Arguments
/// * `unpacked_bytes` - what the values of all batches take so far.
fn without_dictionaries(
    rows: RecordBatch,
    plain: &SchemaRef,
    unpacked_bytes: &mut usize,
) -> Result<RecordBatch, Error> {
    let dictionaries = || rows.columns().iter().filter_map(|column| column.as_any_dictionary_opt());
    if dictionaries().next().is_none() {
        return Ok(rows);
    }
    let too_large = || Error::new(ErrorKind::ResourceExhausted, "the parameters are too large");
    // Each row may take the longest value, and no value is longer than all of them.
    let longest: usize = dictionaries().map(|column| column.values().get_buffer_memory_size()).sum();
    if longest.saturating_mul(rows.num_rows()) > MAX_UNPACKED_BYTES {
        return Err(too_large());
    }
    let columns = rows.columns().iter().zip(plain.fields());
    let columns = columns.map(|(column, field)| cast(column, field.data_type()));
    let columns: Vec<ArrayRef> = columns.collect::<Result<_, _>>().map_err(|_| malformed())?;
    for column in &columns {
        *unpacked_bytes += column.to_data().get_slice_memory_size().map_err(|_| malformed())?;
    }
    if *unpacked_bytes > MAX_BYTES {
        return Err(too_large());
    }
    RecordBatch::try_new(Arc::clone(plain), columns).map_err(|_| malformed())
}

fn is_plain(data_type: &DataType) -> bool {
    match data_type {
        DataType::Null
        | DataType::Boolean
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView => true,
        DataType::FixedSizeBinary(bytes) => *bytes > 0,
        DataType::Dictionary(keys, values) => {
            keys.is_dictionary_key_type() && !matches!(**values, DataType::Dictionary(..)) && is_plain(values)
        }
        other => other.is_primitive(),
    }
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

#[cfg(test)]
mod tests;
