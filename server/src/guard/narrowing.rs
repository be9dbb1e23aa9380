//! Rows that a join or a sort above will drop anyway, dropped before they leave the leaf.
//!
//! A join whose one side is read knows which keys can still match, a sort with a limit knows what is too large: both say so
//! in a dynamic filter. The scan leaves out files and row groups by it; here it is asked for each row, which saves handing
//! rows to other threads, hashing them, and looking them up in vain. Whoever made the filter applies it as well, so leaving
//! one out is never wrong: one that fails is not asked again, and one that lets most rows through rests, since then the
//! question costs more than it saves.
//!
//! Where rows are hidden, only the rows that were let through are asked, after they were cut into batches by their number: a
//! dynamic filter is made of visible rows and leaves out visible rows. The scan never sees it there, because which files and
//! row groups it leaves out would follow from bounds of hidden values. And it is asked there only if it was complete before the
//! first row, as that of a join is: one that grows while rows are read leaves out what depends on which thread was first, and
//! a visible row may be one on which the query fails.

use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::{BatchCoalescer, filter_record_batch};
use arrow::datatypes::Schema;
use datafusion::common::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column, DynamicFilterPhysicalExpr};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::scalar::ScalarValue;
use futures::{FutureExt, StreamExt};

use super::framing::rechunked;

/// Batches after which a filter is judged, and for which it rests if it does not pay.
const JUDGED_AFTER: usize = 4;
const RESTS_FOR: usize = 64;

/// Of eight rows so many may pass a filter that is worth asking.
const PAYS_UP_TO_EIGHTHS: usize = 6;

/// Which filters are asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    All,
    /// Those that were complete before the first row.
    Complete,
}

/// The same rows without those that a filter rules out, small batches put together until they have `batch_rows`.
pub(super) fn narrowed(
    rows: SendableRecordBatchStream,
    filters: &[Arc<dyn PhysicalExpr>],
    asked: Asked,
    batch_rows: usize,
) -> SendableRecordBatchStream {
    let schema = rows.schema();
    let mut trials: Vec<Trial> = filters.iter().filter_map(|filter| Trial::new(filter, &schema)).collect();
    if trials.is_empty() {
        return rows;
    }
    let large = Some(batch_rows / 2);
    let coalescer =
        BatchCoalescer::new(Arc::clone(&schema), batch_rows).with_biggest_coalesce_batch_size(large);
    let mut is_begun = asked == Asked::All;
    let kept = rows.map(move |batch| {
        let batch = batch?;
        if !std::mem::replace(&mut is_begun, true) {
            trials.retain(Trial::is_complete);
        }
        keep(batch, &mut trials)
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, rechunked(kept, coalescer)))
}

fn keep(mut batch: RecordBatch, trials: &mut [Trial]) -> Result<RecordBatch> {
    for trial in trials {
        if let Some(kept) = trial.ask(&batch) {
            batch = filter_record_batch(&batch, &kept)?;
        }
    }
    Ok(batch)
}

/// A filter, and whether it has paid so far.
struct Trial {
    filter: Arc<dyn PhysicalExpr>,
    asked: usize,
    seen: usize,
    passed: usize,
    rests: usize,
}

impl Trial {
    /// Filters over bare columns only: a computed key could fail on a row that another predicate drops first. And none over
    /// nested ones: the engine compares those with bounds otherwise than a join does.
    fn new(filter: &Arc<dyn PhysicalExpr>, schema: &Schema) -> Option<Self> {
        let dynamic = filter.downcast_ref::<DynamicFilterPhysicalExpr>()?;
        let is_flat = |key: &Arc<dyn PhysicalExpr>| {
            key.is::<Column>() && key.data_type(schema).is_ok_and(|data_type| !data_type.is_nested())
        };
        dynamic.children().into_iter().all(is_flat).then(|| Self {
            filter: Arc::clone(filter),
            asked: 0,
            seen: 0,
            passed: 0,
            rests: 0,
        })
    }

    /// Whether the filter will not change any more.
    fn is_complete(&self) -> bool {
        let dynamic = self.filter.downcast_ref::<DynamicFilterPhysicalExpr>();
        dynamic.is_some_and(|dynamic| dynamic.wait_complete().now_or_never().is_some())
    }

    /// The rows that pass; `None` if all are to be kept.
    fn ask(&mut self, batch: &RecordBatch) -> Option<BooleanArray> {
        if self.rests > 0 {
            self.rests -= 1;
            return None;
        }
        let answer = match self.filter.evaluate(batch) {
            Ok(ColumnarValue::Array(rows)) => rows.as_boolean_opt()?.clone(),
            // What it was made with: whoever feeds it knows nothing yet.
            Ok(ColumnarValue::Scalar(ScalarValue::Boolean(Some(true)))) => return None,
            Ok(ColumnarValue::Scalar(_)) => BooleanArray::from(vec![false; batch.num_rows()]),
            Err(_) => {
                self.rests = usize::MAX;
                return None;
            }
        };
        self.judge(batch.num_rows(), answer.true_count());
        Some(answer)
    }

    fn judge(&mut self, seen: usize, passed: usize) {
        self.asked += 1;
        self.seen += seen;
        self.passed += passed;
        if self.asked == JUDGED_AFTER {
            if self.passed * 8 > self.seen * PAYS_UP_TO_EIGHTHS {
                self.rests = RESTS_FOR;
            }
            (self.asked, self.seen, self.passed) = (0, 0, 0);
        }
    }
}

#[cfg(test)]
mod tests;
