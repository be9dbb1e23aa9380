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
//! batches.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, MutableArrayData, RecordBatch, RecordBatchOptions, make_array};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use crate::mutant::Mutant;

/// The same rows, sharing no buffer with other rows.
pub(super) fn compact(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().map(compact_array).collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(batch.schema(), columns, &options)
}

fn compact_array(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match array.data_type() {
        DataType::Dictionary(_, value_type) => cast(&cast(array, value_type)?, array.data_type()),
        DataType::Utf8View => Ok(Arc::new(copied(array)?.as_string_view().gc())),
        DataType::BinaryView => Ok(Arc::new(copied(array)?.as_binary_view().gc())),
        data_type if data_type.is_nested() => compact_children(&copied(array)?),
        _ if array.null_count() > 0 && !Mutant::NullSlotsLeft.is_on() => copied(array),
        _ => Ok(Arc::clone(array)),
    }
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
