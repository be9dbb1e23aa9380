//! Which rows leave, and when a filter is no longer asked.

#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::Int64Type;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, lit};
use futures::TryStreamExt;

use super::*;

const BATCH_ROWS: usize = 8;

fn key() -> Arc<dyn PhysicalExpr> {
    Arc::new(Column::new("key", 0))
}

/// `key < bound`, once it is fed.
fn dynamic(bound: Option<i64>) -> Arc<dyn PhysicalExpr> {
    let filter = DynamicFilterPhysicalExpr::new(vec![key()], lit(true));
    if let Some(bound) = bound {
        filter.update(Arc::new(BinaryExpr::new(key(), Operator::Lt, lit(bound)))).unwrap();
    }
    Arc::new(filter)
}

fn batch(keys: impl IntoIterator<Item = i64>) -> RecordBatch {
    let keys: ArrayRef = Arc::new(Int64Array::from_iter_values(keys));
    RecordBatch::try_from_iter([("key", keys)]).unwrap()
}

/// The batches that leave, when the keys from 0 come in batches of 8.
async fn leave(batches: i64, filters: &[Arc<dyn PhysicalExpr>]) -> Vec<Vec<i64>> {
    let schema = batch([]).schema();
    let coming = (0..batches).map(|number| Ok(batch(number * 8..(number + 1) * 8)));
    let rows = RecordBatchStreamAdapter::new(schema, futures::stream::iter(coming.collect::<Vec<_>>()));
    let left: Vec<RecordBatch> =
        narrowed(Box::pin(rows), filters, Asked::All, BATCH_ROWS).try_collect().await.unwrap();
    left.iter().map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
}

#[tokio::test]
async fn rows_that_a_filter_rules_out_do_not_leave_and_small_batches_are_put_together() {
    let odd = Arc::new(BinaryExpr::new(key(), Operator::Modulo, lit(2_i64)));
    let filter = DynamicFilterPhysicalExpr::new(vec![key()], lit(true));
    filter.update(Arc::new(BinaryExpr::new(odd, Operator::Eq, lit(1_i64)))).unwrap();
    let left = leave(4, &[Arc::new(filter), dynamic(Some(20))]).await;
    assert_eq!(left, [vec![1, 3, 5, 7, 9, 11, 13, 15], vec![17, 19]]);
}

#[tokio::test]
async fn a_filter_that_knows_nothing_yet_keeps_all_rows() {
    assert_eq!(leave(2, &[dynamic(None)]).await.concat(), (0..16).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_filter_that_rules_out_everything_leaves_nothing() {
    let filter = DynamicFilterPhysicalExpr::new(vec![key()], lit(true));
    filter.update(lit(false)).unwrap();
    assert!(leave(2, &[Arc::new(filter)]).await.is_empty());
}

#[tokio::test]
async fn a_filter_that_lets_most_rows_through_rests() {
    let first_judged = i64::try_from(JUDGED_AFTER * BATCH_ROWS).unwrap();
    let left = leave(i64::try_from(JUDGED_AFTER + 2).unwrap(), &[dynamic(Some(first_judged))]).await.concat();
    assert_eq!(left.len(), (JUDGED_AFTER + 2) * BATCH_ROWS, "rows after the first window pass unasked");
}

#[tokio::test]
async fn a_filter_that_fails_or_computes_its_key_is_left_out() {
    let failing = DynamicFilterPhysicalExpr::new(vec![key()], lit(true));
    let divided: Arc<dyn PhysicalExpr> = Arc::new(BinaryExpr::new(key(), Operator::Divide, lit(0_i64)));
    failing.update(Arc::new(BinaryExpr::new(Arc::clone(&divided), Operator::Eq, lit(1_i64)))).unwrap();
    let computed = DynamicFilterPhysicalExpr::new(vec![divided], lit(false));
    assert_eq!(leave(2, &[Arc::new(failing), Arc::new(computed)]).await.concat().len(), 16);
}

/// Bounds of nested values are compared otherwise than the values are joined.
#[tokio::test]
async fn a_filter_over_nested_keys_is_not_asked() {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..8));
    let field = arrow::datatypes::Field::new("number", arrow::datatypes::DataType::Int64, true);
    let nested: ArrayRef = Arc::new(arrow::array::StructArray::from(vec![(Arc::new(field), numbers)]));
    let nested = RecordBatch::try_from_iter([("key", nested)]).unwrap();
    let filter = DynamicFilterPhysicalExpr::new(vec![key()], lit(true));
    filter.update(lit(false)).unwrap();
    let coming = futures::stream::iter([Ok(nested.clone())]);
    let rows = Box::pin(RecordBatchStreamAdapter::new(nested.schema(), coming));
    let left: Vec<RecordBatch> =
        narrowed(rows, &[Arc::new(filter)], Asked::All, BATCH_ROWS).try_collect().await.unwrap();
    assert_eq!(left, [nested]);
}

#[tokio::test]
async fn where_only_complete_filters_are_asked_one_that_grows_keeps_all_rows() {
    let asked = async |is_complete: bool| {
        let filter = DynamicFilterPhysicalExpr::new(vec![key()], lit(true));
        filter.update(lit(false)).unwrap();
        if is_complete {
            filter.mark_complete();
        }
        let coming = futures::stream::iter([Ok(batch(0..8))]);
        let rows = Box::pin(RecordBatchStreamAdapter::new(batch([]).schema(), coming));
        let left = narrowed(rows, &[Arc::new(filter)], Asked::Complete, BATCH_ROWS);
        let left: Vec<RecordBatch> = left.try_collect().await.unwrap();
        left.iter().map(RecordBatch::num_rows).sum::<usize>()
    };
    assert_eq!(asked(true).await, 0);
    assert_eq!(asked(false).await, 8);
}
