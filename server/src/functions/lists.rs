//! `slice`: so many items of a list, counted from its end if the start is negative. The engine's `array_slice` takes a negative
//! length for a place, and a start before the list for its first item.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MutableArrayData, make_array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::DataType;
use datafusion::common::Result;

use super::kernel::{Arguments, Kernel, Kind, as_first};
use super::refused;

pub(super) const KERNELS: &[Kernel] = &[Kernel {
    name: "slice",
    arguments: &[Kind::List, Kind::Whole, Kind::Whole],
    required: 3,
    returns: as_first,
    call: slice,
}];

fn slice(arguments: &Arguments) -> Result<ArrayRef> {
    let (array, is_constant) = arguments.array(0);
    let lists = array.as_list::<i32>();
    let (starts, lengths) = (arguments.wholes(1), arguments.wholes(2));
    let items = lists.values().to_data();
    let mut taken = MutableArrayData::new(vec![&items], false, 0);
    let mut offsets = vec![0_i32];
    let mut valid = Vec::with_capacity(arguments.rows);
    for row in 0..arguments.rows {
        let place = if is_constant { 0 } else { row };
        let given = (lists.is_valid(place), starts.get(row), lengths.get(row));
        if let (true, Some(start), Some(length)) = given {
            let (first, count) = span(lists.value_length(place), start, length)?;
            let first = first + from_offset(lists.value_offsets()[place])?;
            taken.try_extend(0, first, first + count)?;
        }
        valid.push(matches!(given, (true, Some(_), Some(_))));
        let end = i32::try_from(taken.len());
        offsets.push(end.map_err(|_| refused("slice makes more items than a column of lists can have"))?);
    }
    let DataType::List(item) = lists.data_type() else { return Err(refused("slice takes a list")) };
    let offsets = OffsetBuffer::new(offsets.into());
    let items = make_array(taken.freeze());
    let nulls = Some(NullBuffer::from(valid));
    Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets, items, nulls)?))
}

fn from_offset(offset: i32) -> Result<usize> {
    usize::try_from(offset).map_err(|_| refused("a list cannot be read"))
}

/// The first place and the number of what is taken of a list of so many items.
fn span(items: i32, start: i64, length: i64) -> Result<(usize, usize)> {
    if start == 0 || length < 0 {
        return Err(refused(
            "slice begins at 1, or at -1 from the end, and takes a length that is not negative",
        ));
    }
    let items = i64::from(items);
    let first = if start > 0 { start - 1 } else { items.saturating_add(start) };
    let left = items.saturating_sub(first).min(length);
    let is_within = (0..items).contains(&first);
    let whole = |number: i64| usize::try_from(number).unwrap_or_default();
    Ok(if is_within { (whole(first), whole(left)) } else { (0, 0) })
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn a_span_is_within_its_list_and_counted_from_both_ends() {
        for (start, length, found) in [
            (2, 2, (1, 2)),
            (-2, 2, (2, 2)),
            (3, 10, (2, 2)),
            (2, 0, (1, 0)),
            (5, 1, (0, 0)),
            (-5, 2, (0, 0)),
            (i64::MIN, i64::MAX, (0, 0)),
            (i64::MAX, i64::MAX, (0, 0)),
            (-4, i64::MAX, (0, 4)),
        ] {
            assert_eq!(span(4, start, length).ok(), Some(found), "{start}, {length}");
        }
        assert!(span(4, 0, 1).is_err() && span(4, 1, -1).is_err());
    }
}
