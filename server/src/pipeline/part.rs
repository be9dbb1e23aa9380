//! One part of a result that several endpoints share.
//!
//! Which part a row belongs to follows from the row alone: from a checksum over all its values. So the parts are disjoint
//! and together complete whatever server, thread or order the rows come from, as long as each part sees the same rows. That
//! is what the [`Pin`] is for: a digest of the table's version, of what the user may see of it, and of this program. A part
//! whose table has moved on is refused.
//!
//! Only the rows that the user sees are looked at, after everything else was done to them.

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Schema;
use arrow::row::{RowConverter, SortField};

use crate::error::{Error, ErrorKind};

/// What all parts of one result have in common.
pub(crate) type Pin = [u8; 32];

/// Which part of how many.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Part {
    pub(crate) index: u32,
    /// More than `index`.
    pub(crate) of: u32,
    pub(crate) pin: Pin,
}

impl Part {
    /// Refuses a part of a result that is not the one which was divided.
    ///
    /// # Errors
    /// [`ErrorKind::Expired`].
    pub(super) fn check(&self, pin: Option<Pin>) -> Result<(), Error> {
        match pin == Some(self.pin) {
            true => Ok(()),
            false => {
                let text = "the table has changed since its parts were handed out: send the statement again";
                Err(Error::new(ErrorKind::Expired, text))
            }
        }
    }
}

/// Whether rows of these columns can be divided.
pub(super) fn divides(schema: &Schema) -> bool {
    !schema.fields().is_empty() && RowConverter::supports_fields(&sort_fields(schema))
}

fn sort_fields(schema: &Schema) -> Vec<SortField> {
    schema.fields().iter().map(|field| SortField::new(field.data_type().clone())).collect()
}

/// Keeps the rows of one part.
pub(super) struct Divider {
    part: Part,
    converter: RowConverter,
}

impl Divider {
    /// For batches of this schema.
    ///
    /// # Errors
    /// Only a defect: parts are handed out only if [`divides`].
    pub(super) fn new(part: Part, schema: &Schema) -> Result<Self, Error> {
        let converter = RowConverter::new(sort_fields(schema)).map_err(broken)?;
        Ok(Self { part, converter })
    }

    /// The rows of a batch that belong to the part.
    ///
    /// # Errors
    /// Only a defect.
    pub(super) fn keep(&self, batch: &RecordBatch) -> Result<RecordBatch, Error> {
        let rows = self.converter.convert_columns(batch.columns()).map_err(broken)?;
        let is_mine =
            |row: arrow::row::Row<'_>| crc32fast::hash(row.as_ref()) % self.part.of == self.part.index;
        let mine: BooleanArray = rows.iter().map(|row| Some(is_mine(row))).collect();
        filter_record_batch(batch, &mine).map_err(broken)
    }
}

fn broken(error: impl std::fmt::Display) -> Error {
    Error::internal(format!("a result cannot be divided: {error}"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use std::sync::Arc;

    use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, StringArray, StringViewArray};
    use arrow::datatypes::Int64Type;

    use super::*;

    fn batch(text: ArrayRef) -> RecordBatch {
        let rows = i64::try_from(text.len()).unwrap();
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
        let floats: ArrayRef =
            Arc::new(Float64Array::from_iter((0..rows).map(|row| (row % 3 > 0).then_some(0.5))));
        RecordBatch::try_from_iter_with_nullable([
            ("number", numbers, true),
            ("float", floats, true),
            ("text", text, true),
        ])
        .unwrap()
    }

    fn part(batch: &RecordBatch, index: u32, of: u32) -> Vec<i64> {
        let divider = Divider::new(Part { index, of, pin: [0; 32] }, &batch.schema()).unwrap();
        divider.keep(batch).unwrap().column(0).as_primitive::<Int64Type>().values().to_vec()
    }

    #[test]
    fn parts_are_disjoint_and_together_complete_wherever_a_batch_is_cut() {
        let texts = || (0..1000).map(|row| format!("text {}", row % 7));
        let whole = batch(Arc::new(StringArray::from_iter_values(texts())));
        let as_views = batch(Arc::new(StringViewArray::from_iter_values(texts())));
        let mut all = Vec::new();
        for index in 0..3 {
            let mine = part(&whole, index, 3);
            let cut: Vec<i64> = [whole.slice(0, 501), whole.slice(501, 499)]
                .iter()
                .flat_map(|piece| part(piece, index, 3))
                .collect();
            assert_eq!(mine, cut);
            assert_eq!(mine, part(&as_views, index, 3), "what a text is laid out as does not matter");
            assert!(mine.len() > 200, "{}", mine.len());
            all.extend(mine);
        }
        all.sort_unstable();
        assert_eq!(all, (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn a_part_of_what_has_changed_is_refused() {
        let part = Part { index: 0, of: 2, pin: [1; 32] };
        assert!(part.check(Some([1; 32])).is_ok());
        for pin in [None, Some([2; 32])] {
            assert_eq!(part.check(pin).unwrap_err().kind(), ErrorKind::Expired);
        }
    }
}
