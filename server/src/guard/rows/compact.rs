//! Removes from a filtered batch what its rows do not use.
//!
//! Filtering a string view copies the views and shares the bytes; filtering a dictionary copies the keys and shares the
//! values. Both would carry the text of hidden rows along: into spill files, and out of the server wherever a buffer is
//! written whole. So such columns are rebuilt, also if no row of this batch was hidden, because a reader shares one
//! buffer among many batches. Other layouts are addressed by offsets, and whoever writes them cuts at those.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, MutableArrayData, RecordBatch, RecordBatchOptions, make_array};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

/// The same rows, sharing no buffer with other rows.
pub(super) fn compact(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().map(compact_array).collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(batch.schema(), columns, &options)
}

fn compact_array(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let data_type = array.data_type();
    match data_type {
        _ if !shares_values(data_type) => Ok(Arc::clone(array)),
        DataType::Utf8View => Ok(Arc::new(array.as_string_view().gc())),
        DataType::BinaryView => Ok(Arc::new(array.as_binary_view().gc())),
        DataType::Dictionary(_, value_type) => cast(&cast(array, value_type)?, data_type),
        _ => compact_children(array),
    }
}

/// Lists, maps and structs around such columns.
fn compact_children(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    // A copy through offsets first: below a slice of lists lie the elements of the lists outside of it as well.
    let shared = array.to_data();
    let mut copy = MutableArrayData::new(vec![&shared], false, array.len());
    copy.try_extend(0, 0, array.len())?;
    let data = copy.freeze();
    let mut children = Vec::with_capacity(data.child_data().len());
    for child in data.child_data() {
        children.push(compact_array(&make_array(child.clone()))?.to_data());
    }
    Ok(make_array(data.into_builder().child_data(children).build()?))
}

fn shares_values(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8View | DataType::BinaryView | DataType::Dictionary(_, _) => true,
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => shares_values(field.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| shares_values(field.data_type())),
        DataType::RunEndEncoded(_, values) => shares_values(values.data_type()),
        DataType::Union(fields, _) => fields.iter().any(|(_, field)| shares_values(field.data_type())),
        _ => false,
    }
}
