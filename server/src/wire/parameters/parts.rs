//! What the decoder would believe of a message, looked at before it does.
//!
//! A message's head is a flatbuffer, in which any number of fields may be one and the same, so that a megabyte of head can
//! stand for gigabytes of schema; and any number of a body's buffers may be the same bytes. An honest writer shares nothing:
//! a head is therefore read up to a size that grows with its own, and the buffers of a body may not be longer together than
//! the body is.

use std::sync::Arc;

use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow_ipc::{MetadataVersion, root_as_message_with_opts};

use super::malformed;
use super::size::{Budget, too_large};
use crate::error::{Error, ErrorKind};

/// Columns of one bind; PostgreSQL's limit, which drivers know. What a column takes, `COLUMN_BYTES`, ends most binds before.
const MAX_COLUMNS: usize = 65_535;

/// What a column takes beside its values and its name, in bytes: its field, and its part of a batch with its padding.
const COLUMN_BYTES: usize = 256;

/// How many times its own size a head may have when what it shares is counted as often as it is used. Heads of honest
/// writers share the tables of their fields and stay below three.
const MAX_HEAD_GROWTH: usize = 8;

/// For small heads, in bytes.
const SMALL_HEAD_BYTES: usize = 4096;

/// Tables in tables of a head. A field's dictionary lies deepest, with four.
const MAX_HEAD_DEPTH: usize = 16;

/// Reads a head.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] if it is none or too old; [`ErrorKind::ResourceExhausted`] if it stands for much more than
/// it is.
pub(super) fn head(bytes: &[u8]) -> Result<arrow_ipc::Message<'_>, Error> {
    let mut limits = options_of(root_as_message_with_opts);
    limits.max_depth = MAX_HEAD_DEPTH;
    limits.max_apparent_size = bytes.len().saturating_mul(MAX_HEAD_GROWTH).saturating_add(SMALL_HEAD_BYTES);
    let head = root_as_message_with_opts(&limits, bytes).map_err(|_| malformed())?;
    if head.version() < MetadataVersion::V4 {
        return Err(malformed());
    }
    Ok(head)
}

/// The options that a reader of flatbuffers takes, as they are without anybody's wish.
fn options_of<O: Default, T>(_reader: fn(&O, &'static [u8]) -> T) -> O {
    O::default()
}

/// The columns that the first head announces.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] if it announces none, or one of a type that cannot be bound;
/// [`ErrorKind::ResourceExhausted`] if they are too many or too large.
pub(super) fn schema(bytes: &[u8], budget: &mut Budget) -> Result<SchemaRef, Error> {
    let head = head(bytes)?;
    let encoded = head.header_as_schema().ok_or_else(malformed)?;
    let columns = encoded.fields().ok_or_else(malformed)?;
    if columns.len() > MAX_COLUMNS {
        return Err(Error::new(ErrorKind::ResourceExhausted, "the parameters have too many columns"));
    }
    budget.take(columns.len().saturating_mul(COLUMN_BYTES))?;
    let schema: Schema = arrow_ipc::convert::fb_to_schema(encoded);
    for field in schema.fields() {
        let texts = field.metadata().iter().map(|(key, value)| key.len() + value.len());
        budget.take(field.name().len() + texts.sum::<usize>())?;
        if !is_plain(field.data_type()) {
            let text = "a parameter has a type that cannot be bound";
            return Err(Error::new(ErrorKind::InvalidRequest, text));
        }
    }
    // What describes the whole is of no use here.
    Ok(Arc::new(Schema::new(schema.fields)))
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

/// Checks a batch of columns, or of one dictionary's values.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] if its parts do not fit together or lie outside of the body;
/// [`ErrorKind::ResourceExhausted`] if they are more than the body.
pub(super) fn check(batch: &arrow_ipc::RecordBatch<'_>, columns: usize, body: &Buffer) -> Result<(), Error> {
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
    let mut left = body.len();
    for buffer in batch.buffers().ok_or_else(malformed)? {
        let offset = usize::try_from(buffer.offset()).map_err(|_| malformed())?;
        let length = usize::try_from(buffer.length()).map_err(|_| malformed())?;
        if offset.checked_add(length).is_none_or(|end| end > body.len()) {
            return Err(malformed());
        }
        left = left.checked_sub(length).ok_or_else(too_large)?;
    }
    Ok(())
}
