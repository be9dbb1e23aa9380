//! The wire schema: one schema per query, in the announcement, in the prepared statement and in the stream.
//!
//! ADBC refuses a stream whose names, types or nullability differ from what was announced, and what DataFusion
//! produces does differ: a physical plan may know a column never to be null where the logical plan did not, and
//! columns from Parquet are views. So the wire schema is computed from the logical schema alone, and each batch is
//! brought to it.
//!
//! - Views, dictionaries, run-ends and large lists become their plain types: several drivers know no others. Texts and
//!   binaries become views again, message by message, for a client that asks for them: what lay behind the engine's own
//!   views is more than the result.
//! - Nullability is the logical schema's. A batch may promise more than that, never less.
//! - Metadata is dropped, but for keys that Arrow itself defines: file formats and table formats keep internals there.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryViewArray, RecordBatch, RecordBatchOptions, StringViewArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Field, FieldRef, Schema, SchemaRef};
use arrow_flight::{IpcMessage, SchemaAsIpc};
use arrow_ipc::writer::IpcWriteOptions;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::error::Error;

/// Arrow's own namespace for metadata keys: extension types and Flight SQL's column descriptions.
const ARROW_METADATA_PREFIX: &str = "ARROW:";

/// The schema in which a result of this logical schema travels.
pub(super) fn wire_schema(logical: &Schema) -> SchemaRef {
    let fields: Vec<FieldRef> = logical.fields().iter().map(wire_field).collect();
    Arc::new(Schema::new(fields))
}

fn wire_field(field: &FieldRef) -> FieldRef {
    let metadata = field
        .metadata()
        .iter()
        .filter(|(key, _)| key.starts_with(ARROW_METADATA_PREFIX))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let plain = Field::new(field.name(), wire_type(field.data_type()), field.is_nullable());
    Arc::new(plain.with_metadata(metadata))
}

fn wire_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::Dictionary(_, values) => wire_type(values),
        DataType::RunEndEncoded(_, values) => wire_type(values.data_type()),
        DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) => {
            DataType::Decimal128(DECIMAL128_MAX_PRECISION, *scale)
        }
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item) => DataType::List(wire_field(item)),
        DataType::FixedSizeList(item, length) => DataType::FixedSizeList(wire_field(item), *length),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(wire_field).collect()),
        DataType::Map(entries, sorted) => DataType::Map(wire_field(entries), *sorted),
        other => other.clone(),
    }
}

/// The schema that a client is told of a result of this logical schema.
///
/// # Arguments
/// * `view_types` - whether it asks for views.
pub(super) fn announced(logical: &Schema, view_types: bool) -> SchemaRef {
    let wire = wire_schema(logical);
    if view_types { with_views(&wire) } else { wire }
}

/// A wire schema with views of texts and binaries.
pub(super) fn with_views(wire: &SchemaRef) -> SchemaRef {
    let as_view = |field: &FieldRef| match field.data_type() {
        DataType::Utf8 => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View)),
        DataType::Binary => Arc::new(field.as_ref().clone().with_data_type(DataType::BinaryView)),
        _ => Arc::clone(field),
    };
    Arc::new(Schema::new(wire.fields().iter().map(as_view).collect::<Vec<_>>()))
}

/// A message's rows as they were [`announced`].
///
/// # Errors
/// Only a defect.
pub(super) fn as_announced(message: RecordBatch, announced: &SchemaRef) -> Result<RecordBatch, Error> {
    if message.schema_ref() == announced {
        return Ok(message);
    }
    // The views of a slice keep all that it was cut from, and the encoder writes all that views keep.
    let compact = |column: &ArrayRef, field: &FieldRef| -> ArrayRef {
        match (column.as_string_opt::<i32>(), column.as_binary_opt::<i32>(), field.data_type()) {
            (Some(texts), _, DataType::Utf8View) => Arc::new(StringViewArray::from(texts).gc()),
            (_, Some(binaries), DataType::BinaryView) => Arc::new(BinaryViewArray::from(binaries).gc()),
            _ => Arc::clone(column),
        }
    };
    let columns = message.columns().iter().zip(announced.fields());
    let columns: Vec<ArrayRef> = columns.map(|(column, field)| compact(column, field)).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(message.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(announced), columns, &options)
        .map_err(|error| Error::internal(format!("a message does not fit the announced schema: {error}")))
}

/// SHA-256 of a wire schema, to notice that it is no longer what a ticket's holder was told.
pub(super) fn digest(schema: &Schema) -> Result<[u8; 32], Error> {
    Ok(Sha256::digest(encapsulated(schema)?).into())
}

/// A schema as an encapsulated IPC message (continuation, length, flatbuffer), which is what FlightInfo, prepared
/// statements and GetTables carry.
pub(super) fn encapsulated(schema: &Schema) -> Result<Bytes, Error> {
    let message: Result<IpcMessage, _> = SchemaAsIpc::new(schema, &IpcWriteOptions::default()).try_into();
    let IpcMessage(bytes) =
        message.map_err(|error| Error::internal(format!("schema cannot be encoded: {error}")))?;
    Ok(bytes)
}

/// Brings a batch to its wire schema. Columns that already have their wire type are passed on without a copy.
///
/// # Errors
/// [`crate::error::ErrorKind::Internal`] if the batch does not fit: the engine broke its word about its schema.
pub(super) fn coerce(batch: RecordBatch, wire: &SchemaRef) -> Result<RecordBatch, Error> {
    if batch.num_columns() != wire.fields().len() {
        return Err(Error::internal("a result batch has another number of columns than was announced"));
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let columns = batch.columns().iter().zip(wire.fields()).map(|(column, field)| plain(column, field));
    let columns: Vec<ArrayRef> = columns.collect::<Result<_, _>>()?;
    RecordBatch::try_new_with_options(Arc::clone(wire), columns, &options).map_err(|error| {
        Error::internal(format!("a result batch does not fit the announced schema: {error}"))
    })
}

fn plain(column: &ArrayRef, field: &Field) -> Result<ArrayRef, Error> {
    if column.data_type() == field.data_type() {
        return Ok(Arc::clone(column));
    }
    if !differ_in_layout(column.data_type(), field.data_type()) {
        let (from, to) = (column.data_type(), field.data_type());
        return Err(Error::internal(format!("a result column is {from} and was announced as {to}")));
    }
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    // The kernel's own error text may quote a value of the column, which belongs in no log.
    cast_with_options(column, field.data_type(), &strict).map_err(|_| {
        let (from, to) = (column.data_type(), field.data_type());
        Error::internal(format!("a result column of type {from} cannot travel as {to}"))
    })
}

/// Whether two types hold the same values in different layouts. A cast between any others could change a value, and has no
/// place here: what was announced and what was computed differ then, which is a defect.
fn differ_in_layout(from: &DataType, to: &DataType) -> bool {
    wire_shape(from) == wire_shape(to)
}

/// The type in which a column of this type would travel, without the names of what is inside of lists and maps, which tell
/// nothing of values, and without what is said of NULL.
fn wire_shape(data_type: &DataType) -> DataType {
    let inside = |field: &FieldRef| Arc::new(Field::new("", wire_shape(field.data_type()), true));
    match wire_type(data_type) {
        DataType::LargeUtf8 => DataType::Utf8,
        DataType::LargeBinary | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::List(item) => DataType::List(inside(&item)),
        DataType::FixedSizeList(item, _) => DataType::List(inside(&item)),
        DataType::Map(entries, _) => DataType::Map(inside(&entries), false),
        DataType::Struct(fields) => {
            let shape = |field: &FieldRef| Field::new(field.name(), wire_shape(field.data_type()), true);
            DataType::Struct(fields.iter().map(shape).collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests;
