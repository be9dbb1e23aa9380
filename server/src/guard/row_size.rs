//! The size of rows, as a sum over rows.
//!
//! Arrow's own measures count whole buffers, or offsets and bitmaps per array, so the same rows measure differently
//! when they arrive in other pieces. Messages are cut by this size and limits are met by it, and neither may tell how rows
//! arrived or what else stands in their buffers. So here the size of two neighbouring slices is exactly the size of both
//! together, and only values count.

use arrow::array::{
    Array, ArrayRef, AsArray, GenericByteArray, GenericByteViewArray, OffsetSizeTrait, RecordBatch,
};
use arrow::datatypes::{ByteArrayType, ByteViewType, DataType, Schema};

/// What a value of a type without a width of its own is taken to need, in bytes.
const ASSUMED_WIDTH: usize = 24;

/// Longest value that stands in its view.
const INLINE_BYTES: usize = 12;

/// Bytes that the rows of a batch need, without bitmaps and padding.
pub(crate) fn batch_bytes(batch: &RecordBatch) -> usize {
    batch.columns().iter().map(|column| array_bytes(column.as_ref())).sum()
}

/// Bytes that the values of an array need.
pub(super) fn array_bytes(array: &dyn Array) -> usize {
    match array.data_type() {
        DataType::Utf8 => text_bytes(array.as_string::<i32>()),
        DataType::LargeUtf8 => text_bytes(array.as_string::<i64>()),
        DataType::Binary => text_bytes(array.as_binary::<i32>()),
        DataType::LargeBinary => text_bytes(array.as_binary::<i64>()),
        DataType::Utf8View => view_bytes(array.as_string_view()),
        DataType::BinaryView => view_bytes(array.as_binary_view()),
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            list_bytes(list.value_offsets(), list.values().as_ref())
        }
        DataType::Map(_, _) => {
            let map = array.as_map();
            list_bytes(map.value_offsets(), map.entries())
        }
        DataType::Dictionary(_, _) => {
            let (dictionary, slots) = (array.as_any_dictionary(), size_of::<i64>() * array.len());
            let values: Vec<usize> = each_row(dictionary.values().as_ref()).collect();
            let keys = if values.is_empty() { Vec::new() } else { dictionary.normalized_keys() };
            slots + keys.into_iter().filter_map(|key| values.get(key)).sum::<usize>()
        }
        DataType::FixedSizeList(_, _) => array_bytes(array.as_fixed_size_list().values().as_ref()),
        DataType::Struct(_) => {
            array.as_struct().columns().iter().map(|column| array_bytes(column.as_ref())).sum()
        }
        other => fixed_width(other).unwrap_or(ASSUMED_WIDTH) * array.len(),
    }
}

/// Bytes of the longest value of an array, at the most.
pub(super) fn longest_bytes(array: &dyn Array) -> usize {
    let longest = match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().offsets().lengths().max(),
        DataType::LargeUtf8 => array.as_string::<i64>().offsets().lengths().max(),
        DataType::Binary => array.as_binary::<i32>().offsets().lengths().max(),
        DataType::LargeBinary => array.as_binary::<i64>().offsets().lengths().max(),
        DataType::Utf8View => array.as_string_view().iter().flatten().map(str::len).max(),
        DataType::BinaryView => array.as_binary_view().iter().flatten().map(<[u8]>::len).max(),
        other => match fixed_width(other) {
            Some(width) => Some(width),
            None => each_row(array).max(),
        },
    };
    longest.unwrap_or_default()
}

/// Bytes of each value.
pub(super) fn each_row(array: &dyn Array) -> impl Iterator<Item = usize> + '_ {
    (0..array.len()).map(|row| array_bytes(array.slice(row, 1).as_ref()))
}

fn text_bytes<T: ByteArrayType>(array: &GenericByteArray<T>) -> usize {
    size_of::<T::Offset>() * array.len() + span(array.value_offsets()).1
}

/// Views, and the values that do not fit into them. The view of a NULL may hold anything.
fn view_bytes<T: ByteViewType>(array: &GenericByteViewArray<T>) -> usize {
    let beside = |value: &T::Native| -> usize {
        let bytes: &[u8] = value.as_ref();
        if bytes.len() > INLINE_BYTES { bytes.len() } else { 0 }
    };
    size_of::<u128>() * array.len() + array.iter().flatten().map(beside).sum::<usize>()
}

fn list_bytes(offsets: &[i32], values: &dyn Array) -> usize {
    size_of::<i32>() * offsets.len().saturating_sub(1) + array_bytes(items_of(offsets, values).as_ref())
}

/// The items of lists; a slice of lists shares its values with the whole.
fn items_of(offsets: &[i32], values: &dyn Array) -> ArrayRef {
    let (start, length) = span(offsets);
    values.slice(start, length)
}

/// Items of lists, those of their items included; of anything else its values.
pub(super) fn items_within(list: &dyn Array) -> usize {
    let DataType::List(_) = list.data_type() else {
        return list.len();
    };
    let list = list.as_list::<i32>();
    let values = items_of(list.value_offsets(), list.values().as_ref());
    values.len().saturating_add(items_within(values.as_ref()))
}

/// Where the values of a slice start, and how many there are.
fn span<O: OffsetSizeTrait>(offsets: &[O]) -> (usize, usize) {
    match (offsets.first(), offsets.last()) {
        (Some(first), Some(last)) => (first.as_usize(), last.as_usize() - first.as_usize()),
        _ => (0, 0),
    }
}

/// Bytes that a row of this schema is taken to need before any row was seen.
pub(crate) fn assumed_row_bytes(schema: &Schema) -> usize {
    schema.fields().iter().map(|field| assumed_bytes(field.data_type())).sum()
}

fn assumed_bytes(data_type: &DataType) -> usize {
    match data_type {
        DataType::Struct(fields) => fields.iter().map(|field| assumed_bytes(field.data_type())).sum(),
        other => fixed_width(other).unwrap_or(ASSUMED_WIDTH),
    }
}

fn fixed_width(data_type: &DataType) -> Option<usize> {
    match data_type {
        DataType::Null => Some(0),
        DataType::Boolean => Some(1),
        DataType::FixedSizeBinary(bytes) => usize::try_from(*bytes).ok(),
        other => other.primitive_width(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        BooleanArray, Int64Array, LargeBinaryArray, ListArray, NullArray, StringArray, StringViewArray,
        StructArray,
    };
    use arrow::datatypes::{Field, Int64Type};

    use super::*;

    #[test]
    fn two_slices_together_measure_what_the_whole_does() {
        let lists = [Some(vec![Some(1)]), None, Some(vec![]), Some(vec![Some(2), Some(3)]), Some(vec![None])];
        let texts = StringArray::from(vec![Some("a"), Some("bb"), None, Some(""), Some("ccccc")]);
        let field = Arc::new(Field::new("text", DataType::Utf8, true));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists)),
            Arc::new(StructArray::from(vec![(field, Arc::new(texts.clone()) as ArrayRef)])),
            Arc::new(texts),
            Arc::new(StringViewArray::from(vec![
                Some("a"),
                None,
                Some("longer than what stands inline"),
                None,
                Some(""),
            ])),
            Arc::new(LargeBinaryArray::from_vec(vec![b"1", b"22", b"", b"4444", b"5"])),
            Arc::new(BooleanArray::from(vec![true; 5])),
            Arc::new(Int64Array::from(vec![7; 5])),
            Arc::new(NullArray::new(5)),
        ];
        for column in columns {
            let whole = array_bytes(column.as_ref());
            for cut in 0..=5 {
                let parts = [column.slice(0, cut), column.slice(cut, 5 - cut)];
                let together: usize = parts.iter().map(|part| array_bytes(part.as_ref())).sum();
                assert_eq!(together, whole, "{} cut at {cut}", column.data_type());
            }
        }
    }

    #[test]
    fn only_the_rows_of_a_slice_count() {
        let texts = StringArray::from(vec!["x".repeat(1000), "y".to_owned()]);
        assert_eq!(array_bytes(&texts.slice(1, 1)), 4 + 1);
    }
}
