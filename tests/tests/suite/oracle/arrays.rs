//! Cells as Arrow arrays: what the table's files hold and what the peer is given.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array, StringArray,
    StructArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::Field;
use arrow::temporal_conversions::date32_to_datetime;

use super::cell::{Cell, DECIMAL_SCALE, Kind, RECORD_FIELDS};

/// Digits of every decimal column.
const DECIMAL_PRECISION: u8 = 12;

/// Cells of one column.
pub(super) fn array(kind: Kind, cells: &[&Cell]) -> ArrayRef {
    match kind {
        Kind::Long => Arc::new(Int64Array::from(values(cells, whole))),
        Kind::Integer => {
            let narrow = |cell: &Cell| whole(cell).and_then(|value| i32::try_from(value).ok());
            Arc::new(Int32Array::from(values(cells, narrow)))
        }
        Kind::Text => Arc::new(StringArray::from(values(cells, |cell| match cell {
            Cell::Text(value) => Some(value.clone()),
            _ => None,
        }))),
        Kind::Boolean => Arc::new(BooleanArray::from(values(cells, |cell| match cell {
            Cell::Boolean(value) => Some(*value),
            _ => None,
        }))),
        Kind::Double => Arc::new(Float64Array::from(values(cells, |cell| match cell {
            Cell::Double(value) => Some(*value),
            _ => None,
        }))),
        Kind::Decimal => {
            let unscaled = values(cells, |cell| match cell {
                Cell::Decimal(value) => Some(*value),
                _ => None,
            });
            let scale = i8::try_from(DECIMAL_SCALE).unwrap();
            let array = Decimal128Array::from(unscaled).with_precision_and_scale(DECIMAL_PRECISION, scale);
            Arc::new(array.unwrap())
        }
        Kind::Date => Arc::new(Date32Array::from(values(cells, |cell| match cell {
            Cell::Date(value) => Some(*value),
            _ => None,
        }))),
        Kind::Record => Arc::new(records(cells)),
    }
}

fn whole(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Whole(value) => Some(*value),
        _ => None,
    }
}

/// The cells as values, none of which may be of another kind.
fn values<T>(cells: &[&Cell], value: impl Fn(&Cell) -> Option<T>) -> Vec<Option<T>> {
    let of = |cell: &&Cell| match cell {
        Cell::Null => None,
        other => Some(value(other).unwrap_or_else(|| panic!("of another kind: {other:?}"))),
    };
    cells.iter().map(of).collect()
}

fn records(cells: &[&Cell]) -> StructArray {
    let children = RECORD_FIELDS.iter().enumerate().map(|(field, (name, kind))| {
        let children: Vec<&Cell> = cells
            .iter()
            .map(|cell| match cell {
                Cell::Record(fields) => &fields[field],
                other => *other,
            })
            .collect();
        let child = array(*kind, &children);
        (Field::new(*name, child.data_type().clone(), true), child)
    });
    let (fields, children): (Vec<Field>, Vec<ArrayRef>) = children.unzip();
    let is_valid: Vec<bool> = cells.iter().map(|cell| **cell != Cell::Null).collect();
    StructArray::new(fields.into(), children, Some(NullBuffer::from(is_valid)))
}

/// A day as SQL and Delta spell it.
pub(super) fn date_text(days: i32) -> String {
    date32_to_datetime(days).unwrap().date().to_string()
}
