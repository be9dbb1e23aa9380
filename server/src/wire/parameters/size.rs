//! How many bytes bound values are when each of them stands for itself, and the budget from which they are taken.
//!
//! What was sent says little about it: the keys of a dictionary and the views of a text may name the same bytes any number
//! of times, and a NULL of a wide type takes its whole width. So values are counted by their types and rows, before
//! anything of that size is allocated, and then laid out without sharing, so that nothing later can make more of them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;

use super::malformed;
use crate::error::{Error, ErrorKind};

const BITS: usize = 8;

/// Bytes that values may still take.
pub(super) struct Budget {
    left: usize,
}

impl Budget {
    pub(super) fn new(bytes: usize) -> Self {
        Self { left: bytes }
    }

    /// Takes bytes away.
    ///
    /// # Errors
    /// [`ErrorKind::ResourceExhausted`] if there are not so many left.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), Error> {
        self.left = self.left.checked_sub(bytes).ok_or_else(too_large)?;
        Ok(())
    }
}

pub(super) fn too_large() -> Error {
    Error::new(ErrorKind::ResourceExhausted, "the parameters are too large")
}

/// The values of a column without dictionary and without shared bytes, paid from `budget`.
///
/// # Arguments
/// * `plain` - the column's type, or that of its dictionary's values.
///
/// # Errors
/// [`ErrorKind::ResourceExhausted`] if they are larger than what is left.
pub(super) fn laid_out(column: &ArrayRef, plain: &DataType, budget: &mut Budget) -> Result<ArrayRef, Error> {
    budget.take(bytes(column.as_ref()))?;
    let values = if column.data_type() == plain {
        Arc::clone(column)
    } else {
        cast(column, plain).map_err(|_| malformed())?
    };
    match plain {
        DataType::Utf8View => {
            fits_again(&values, budget)?;
            Ok(Arc::new(values.as_string_view().gc()))
        }
        DataType::BinaryView => {
            fits_again(&values, budget)?;
            Ok(Arc::new(values.as_binary_view().gc()))
        }
        _ => Ok(values),
    }
}

/// Views of a dictionary's values were paid by their keys. A NULL's key pays nothing, but its view may name bytes.
fn fits_again(views: &ArrayRef, budget: &mut Budget) -> Result<(), Error> {
    budget.take(view_bytes(views.as_ref(), 0..views.len()))
}

/// Bytes of all values of a column, each for itself.
pub(super) fn bytes(column: &dyn Array) -> usize {
    let Some(dictionary) = column.as_any_dictionary_opt() else {
        return plain_bytes(column, column.len(), 0..column.len());
    };
    let values = dictionary.values();
    if values.is_empty() {
        return plain_bytes(values.as_ref(), column.len(), 0..0);
    }
    let keys = dictionary.normalized_keys();
    let keys = keys.into_iter().enumerate().filter(|(row, _)| column.is_valid(*row)).map(|(_, key)| key);
    plain_bytes(values.as_ref(), column.len(), keys)
}

/// Bytes of `rows` values of which those at `places` are not NULL.
fn plain_bytes(values: &dyn Array, rows: usize, places: impl Iterator<Item = usize>) -> usize {
    let validity = rows.div_ceil(BITS);
    let data = match values.data_type() {
        DataType::Utf8 => text_bytes(rows, size_of::<i32>(), places, |place| {
            values.as_string::<i32>().value_length(place).unsigned_abs() as usize
        }),
        DataType::Binary => text_bytes(rows, size_of::<i32>(), places, |place| {
            values.as_binary::<i32>().value_length(place).unsigned_abs() as usize
        }),
        DataType::LargeUtf8 => text_bytes(rows, size_of::<i64>(), places, |place| {
            usize::try_from(values.as_string::<i64>().value_length(place)).unwrap_or(usize::MAX)
        }),
        DataType::LargeBinary => text_bytes(rows, size_of::<i64>(), places, |place| {
            usize::try_from(values.as_binary::<i64>().value_length(place)).unwrap_or(usize::MAX)
        }),
        DataType::Utf8View | DataType::BinaryView => {
            rows.saturating_mul(size_of::<u128>()).saturating_add(view_bytes(values, places))
        }
        fixed => rows.saturating_mul(fixed_bits(fixed)).div_ceil(BITS),
    };
    validity.saturating_add(data)
}

fn text_bytes(
    rows: usize,
    offset_bytes: usize,
    places: impl Iterator<Item = usize>,
    length: impl Fn(usize) -> usize,
) -> usize {
    let offsets = rows.saturating_add(1).saturating_mul(offset_bytes);
    places.fold(offsets, |sum, place| sum.saturating_add(length(place)))
}

/// Bytes that views name, those of other types none.
fn view_bytes(values: &dyn Array, places: impl Iterator<Item = usize>) -> usize {
    let views = match values.data_type() {
        DataType::Utf8View => values.as_string_view().views(),
        DataType::BinaryView => values.as_binary_view().views(),
        _ => return 0,
    };
    // The length is the lower half of a view's lower half.
    let length = |view: u128| usize::try_from(view & u128::from(u32::MAX)).unwrap_or(usize::MAX);
    places.fold(0, |sum: usize, place| sum.saturating_add(length(views[place])))
}

/// Bits of one value of a type whose values have one width. A type that is none of them is too large.
fn fixed_bits(data_type: &DataType) -> usize {
    match data_type {
        DataType::Null => 0,
        DataType::Boolean => 1,
        DataType::FixedSizeBinary(bytes) => {
            usize::try_from(*bytes).unwrap_or(usize::MAX).saturating_mul(BITS)
        }
        other => other.primitive_width().map_or(usize::MAX, |bytes| bytes.saturating_mul(BITS)),
    }
}

#[cfg(test)]
mod tests {
    //! That what values take is counted before it is made.

    #![expect(clippy::unwrap_used, reason = "a test that cannot build its input should stop")]

    use arrow::array::{
        BooleanArray, DictionaryArray, FixedSizeBinaryArray, Int8Array, Int64Array, NullArray, StringArray,
        StringViewArray, new_empty_array,
    };
    use arrow::buffer::Buffer;
    use arrow::datatypes::Int8Type;

    use super::*;

    fn dictionary(keys: Int8Array, values: ArrayRef) -> ArrayRef {
        Arc::new(DictionaryArray::<Int8Type>::new(keys, values))
    }

    #[test]
    fn plain_values_are_their_width_times_their_rows() {
        assert_eq!(bytes(&Int64Array::from(vec![1; 16])), 2 + 16 * 8);
        assert_eq!(bytes(&BooleanArray::from(vec![true; 16])), 2 + 2);
        assert_eq!(bytes(&NullArray::new(16)), 2);
        assert_eq!(bytes(&StringArray::from(vec!["four", "", "six666"])), 1 + 4 * 4 + 10);
        let fixed = FixedSizeBinaryArray::new(3, Buffer::from([0; 9]), None);
        assert_eq!(bytes(&fixed), 1 + 9);
    }

    #[test]
    fn a_null_of_a_wide_type_takes_its_whole_width_also_without_a_dictionary() {
        let wide = DataType::FixedSizeBinary(i32::MAX);
        let nulls = dictionary(Int8Array::new_null(1000), new_empty_array(&wide));
        assert_eq!(bytes(&nulls), 125 + 1000 * 2_147_483_647);
        assert!(laid_out(&nulls, &wide, &mut Budget::new(1 << 30)).is_err());
    }

    #[test]
    fn a_dictionarys_value_counts_as_often_as_it_is_named() {
        let values = Arc::new(StringArray::from(vec!["x".repeat(100), "y".to_owned()]));
        let keys = Int8Array::from(vec![Some(0), Some(0), None, Some(1)]);
        assert_eq!(bytes(&dictionary(keys, values)), 1 + 5 * 4 + 201);
    }

    #[test]
    fn views_of_the_same_bytes_are_laid_out_and_pay_each_for_itself() {
        let long = "x".repeat(1000);
        let mut views = StringViewArray::from(vec![long.as_str()]);
        let view = views.views()[0];
        let buffers: Vec<Buffer> = views.data_buffers().to_vec();
        views = StringViewArray::try_new(vec![view; 50].into(), buffers, None).unwrap();
        let column: ArrayRef = Arc::new(views);
        assert_eq!(bytes(column.as_ref()), 7 + 50 * (16 + 1000));
        assert!(laid_out(&column, &DataType::Utf8View, &mut Budget::new(60_000)).is_err());
        let laid_out = laid_out(&column, &DataType::Utf8View, &mut Budget::new(110_000)).unwrap();
        let held: usize = laid_out.as_string_view().data_buffers().iter().map(Buffer::len).sum();
        assert_eq!(held, 50 * 1000);
        let one = column.slice(0, 1);
        let kept = super::laid_out(&one, &DataType::Utf8View, &mut Budget::new(10_000)).unwrap();
        assert_eq!(kept.as_string_view().value(0), long);
    }
}
