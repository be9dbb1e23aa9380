//! Removes from a filtered batch what its rows do not use.
//!
//! - Filtering a string view copies the views and shares the bytes; filtering a dictionary copies the keys and shares the
//!   values; a list's elements stay where they were. All would carry hidden rows along: into spill files, and out of the
//!   server wherever a buffer is written whole.
//! - The slot of a NULL holds whatever stood there: readers of Parquet move values apart to make room for NULLs and leave
//!   the old ones behind. Kernels copy slots as they are and the wire sends them, so another row's value would travel in
//!   the slot of a visible NULL.
//!
//! So such columns are rebuilt, also if no row of this batch was hidden, because a reader shares one buffer among many
//! batches. What many rows share is copied once: one long value of a file's dictionary, repeated by all rows, would
//! otherwise become as many copies of it.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, GenericByteViewArray, MutableArrayData, RecordBatch, RecordBatchOptions,
    UInt32Array, make_array,
};
use arrow::compute::{cast, take};
use arrow::datatypes::{BinaryViewType, ByteViewType, DataType, StringViewType};
use arrow::error::ArrowError;

use crate::mutant::Mutant;

/// The same rows, sharing no buffer with other rows.
pub(super) fn compact(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().map(compact_array).collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(batch.schema(), columns, &options)
}

/// Bytes that [`compact`] copies of a batch, at the most.
pub(super) fn bytes_to_copy(batch: &RecordBatch) -> usize {
    let of_column = |column: &ArrayRef| match column.data_type() {
        DataType::Utf8View => view_bytes_to_copy(column.as_string_view()),
        DataType::BinaryView => view_bytes_to_copy(column.as_binary_view()),
        data_type if data_type.is_nested() || column.null_count() > 0 => {
            column.to_data().get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size())
        }
        _ => 0,
    };
    batch.columns().iter().map(of_column).sum()
}

fn view_bytes_to_copy<T: ByteViewType>(array: &GenericByteViewArray<T>) -> usize {
    array.total_buffer_bytes_used().min(held(array)) + size_of_val(array.views().as_ref())
}

/// Bytes of the buffers that the values of an array lie in.
fn held<T: ByteViewType>(array: &GenericByteViewArray<T>) -> usize {
    array.data_buffers().iter().map(|buffer| buffer.len()).sum()
}

fn compact_array(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match array.data_type() {
        DataType::Dictionary(_, value_type) => cast(&cast(array, value_type)?, array.data_type()),
        DataType::Utf8View => compact_views::<StringViewType>(&copied(array)?),
        DataType::BinaryView => compact_views::<BinaryViewType>(&copied(array)?),
        data_type if data_type.is_nested() => compact_children(&copied(array)?),
        _ if array.null_count() > 0 && !Mutant::NullSlotsLeft.is_on() => copied(array),
        _ => Ok(Arc::clone(array)),
    }
}

/// The same values in buffers that hold nothing else.
fn compact_views<T: ByteViewType>(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let views = array.as_byte_view::<T>();
    if views.total_buffer_bytes_used() <= held(views) {
        return Ok(Arc::new(views.gc()));
    }
    let mut rows: Vec<u32> = Vec::new();
    let mut seen: HashMap<u128, u32> = HashMap::new();
    let mut codes = Vec::with_capacity(views.len());
    for (row, raw) in views.views().iter().enumerate() {
        if views.is_null(row) {
            codes.push(None);
            continue;
        }
        // A short value stands in its view, of a long one the place does.
        let next = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        let code = *seen.entry(*raw).or_insert(next);
        if code == next {
            rows.push(u32::try_from(row).unwrap_or(u32::MAX));
        }
        codes.push(Some(code));
    }
    let distinct = take(array, &UInt32Array::from(rows), None)?;
    let distinct: ArrayRef = Arc::new(distinct.as_byte_view::<T>().gc());
    copied(&take(&distinct, &UInt32Array::from(codes), None)?)
}

/// The same rows elsewhere, with nothing in the slots of NULLs.
fn copied(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let shared = array.to_data();
    let mut copy = MutableArrayData::new(vec![&shared], true, array.len());
    let mut end = 0;
    if let Some(nulls) = array.nulls() {
        for (start, stop) in nulls.valid_slices() {
            copy.try_extend_nulls(start - end)?;
            copy.try_extend(0, start, stop)?;
            end = stop;
        }
        copy.try_extend_nulls(array.len() - end)?;
    } else {
        copy.try_extend(0, 0, array.len())?;
    }
    Ok(make_array(copy.freeze()))
}

/// The columns below a nested one that was copied, so that it holds no elements but its own.
fn compact_children(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let data = array.to_data();
    let mut children = Vec::with_capacity(data.child_data().len());
    for child in data.child_data() {
        children.push(compact_array(&make_array(child.clone()))?.to_data());
    }
    Ok(make_array(data.into_builder().child_data(children).build()?))
}

#[cfg(test)]
mod tests;
