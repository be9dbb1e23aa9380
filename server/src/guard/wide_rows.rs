//! Batches of rows that are wide, in pieces.
//!
//! A column of views shares its bytes among rows: a value of a megabyte that thousands of rows repeat takes no more memory
//! than one. Whoever writes such rows out one by one takes all of it. So what leaves the barrier is cut where the values of
//! its rows come to [`LARGEST`], by the rows alone: nothing else decides where.

use std::collections::VecDeque;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use datafusion::common::Result;
use futures::stream::{self, Stream, StreamExt};

use super::row_size::{batch_bytes, each_row};

/// Values of the rows of one batch, in bytes. One row may have more.
const LARGEST: usize = 32 << 20;

/// The same rows.
pub(super) fn cut(
    batches: impl Stream<Item = Result<RecordBatch>> + Send + 'static,
) -> impl Stream<Item = Result<RecordBatch>> + Send {
    batches.flat_map(|batch| {
        let pieces = match batch {
            Ok(batch) => pieces(batch, LARGEST).into_iter().map(Ok).collect(),
            Err(error) => VecDeque::from([Err(error)]),
        };
        stream::iter(pieces)
    })
}

/// Whether rows may share bytes, so that they are larger than what they take.
fn may_share(batch: &RecordBatch) -> bool {
    let used = |column: &ArrayRef| match column.data_type() {
        DataType::Utf8View => column.as_string_view().total_buffer_bytes_used(),
        DataType::BinaryView => column.as_binary_view().total_buffer_bytes_used(),
        _ => 0,
    };
    batch.columns().iter().map(used).fold(0, usize::saturating_add) > LARGEST
}

fn pieces(batch: RecordBatch, largest: usize) -> VecDeque<RecordBatch> {
    if batch.num_rows() <= 1 || !may_share(&batch) || batch_bytes(&batch) <= largest {
        return VecDeque::from([batch]);
    }
    let mut sizes = vec![0_usize; batch.num_rows()];
    for column in batch.columns() {
        for (size, bytes) in sizes.iter_mut().zip(each_row(column.as_ref())) {
            *size = size.saturating_add(bytes);
        }
    }
    let mut cut = VecDeque::new();
    let (mut start, mut held) = (0, 0_usize);
    for (row, size) in sizes.iter().enumerate() {
        if row > start && held.saturating_add(*size) > largest {
            cut.push_back(batch.slice(start, row - start));
            (start, held) = (row, 0);
        }
        held = held.saturating_add(*size);
    }
    cut.push_back(batch.slice(start, batch.num_rows() - start));
    cut
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use std::sync::Arc;

    use arrow::array::StringViewBuilder;

    use super::*;

    #[test]
    fn rows_that_share_a_long_value_leave_in_pieces_of_a_bounded_size() {
        let mut builder = StringViewBuilder::new();
        let block = builder.append_block(vec![b'a'; 1 << 20].into());
        for _ in 0..100 {
            builder.try_append_view(block, 0, 1 << 20).unwrap();
        }
        let column: ArrayRef = Arc::new(builder.finish());
        let batch = RecordBatch::try_from_iter([("text", column)]).unwrap();
        let cut = pieces(batch, LARGEST);
        let rows: Vec<usize> = cut.iter().map(RecordBatch::num_rows).collect();
        // Each row has a view, too.
        assert_eq!(rows, [31, 31, 31, 7]);
    }
}
