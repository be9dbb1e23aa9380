//! Pieces of what a join compares.

#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

use arrow::array::{AsArray, Int64Array};
use arrow::datatypes::Int64Type;
use futures::{FutureExt, TryStreamExt, stream};

use super::*;

fn batch(numbers: std::ops::Range<i64>) -> RecordBatch {
    RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from_iter_values(numbers)) as _)]).unwrap()
}

fn pieces(rows: usize) -> Pieces {
    let batches = stream::iter([Ok(batch(0..5)), Ok(batch(5..7))]);
    let batches = RecordBatchStreamAdapter::new(batch(0..0).schema(), batches);
    Pieces::of(Box::pin(batches), rows, None)
}

#[tokio::test]
async fn rows_come_in_their_order_and_no_piece_is_larger_than_asked() {
    let pieces: Vec<RecordBatch> = pieces(2).try_collect().await.unwrap();
    let numbers: Vec<_> =
        pieces.iter().map(|piece| piece.column(0).as_primitive::<Int64Type>().values().to_vec()).collect();
    assert_eq!(numbers, [vec![0, 1], vec![2, 3], vec![4], vec![5, 6]]);
}

#[test]
fn pieces_that_are_quick_grow_and_slow_ones_shrink_again() {
    let mut pieces = pieces(1);
    (pieces.rows, pieces.fewest) = (64, Some(64));
    for (milliseconds, rows) in [(1, 128), (1, 256), (50, 256), (500, 128), (500, 64), (500, 64)] {
        pieces.adapt(Duration::from_millis(milliseconds));
        assert_eq!(pieces.rows, rows);
    }
}

#[tokio::test]
async fn after_each_piece_others_may_run() {
    let mut pieces = pieces(2);
    assert!(pieces.next().now_or_never().flatten().is_some());
    assert!(pieces.next().now_or_never().is_none(), "a pause");
    assert!(pieces.next().now_or_never().flatten().is_some());
}
