//! The same values under other names.
//!
//! Nested types carry the names of their fields. A scan's are those of the files, the policy's and the user's are those of
//! the table. Nothing is copied; only the descriptions change.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use crate::error::Error;

/// A column under another type that differs in names, metadata and nullability of nested fields only.
///
/// # Errors
/// [`ErrorKind::Internal`](crate::error::ErrorKind::Internal) if the types differ in more, or values are NULL that must
/// not be.
pub(super) fn relabelled(column: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, Error> {
    relabel(column, wanted).map_err(|error| Error::internal(format!("column type: {error}")))
}

fn relabel(column: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, ArrowError> {
    if column.data_type() == wanted {
        return Ok(Arc::clone(column));
    }
    match (column.data_type(), wanted) {
        (DataType::Struct(have), DataType::Struct(fields)) if have.len() == fields.len() => {
            let source = column.as_struct();
            let children = source
                .columns()
                .iter()
                .zip(fields)
                .map(|(child, field)| relabel(child, field.data_type()))
                .collect::<Result<Vec<_>, _>>()?;
            let nulls = source.nulls().cloned();
            Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), children, nulls, source.len())?))
        }
        (DataType::List(_), DataType::List(item)) => {
            let source = column.as_list::<i32>();
            let values = relabel(source.values(), item.data_type())?;
            let (offsets, nulls) = (source.offsets().clone(), source.nulls().cloned());
            Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets, values, nulls)?))
        }
        (DataType::Map(..), DataType::Map(entries, sorted)) => {
            let source = column.as_map();
            let pairs: ArrayRef = Arc::new(source.entries().clone());
            let pairs = relabel(&pairs, entries.data_type())?.as_struct().clone();
            let (offsets, nulls) = (source.offsets().clone(), source.nulls().cloned());
            Ok(Arc::new(MapArray::try_new(Arc::clone(entries), offsets, pairs, nulls, *sorted)?))
        }
        (have, wanted) => Err(ArrowError::SchemaError(format!("{have} is not {wanted}"))),
    }
}
