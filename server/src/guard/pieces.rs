//! [`PiecesExec`]: what a nested-loop join compares with all rows of its other side, in pieces that take a bounded time.
//!
//! That join compares one batch with every row of the other side before it looks up, also when no pair is found. Thousands
//! of rows with millions are minutes, in which its thread serves nobody and cannot be told to stop. In pieces of few rows,
//! with a pause after each, the same work lets others run in between. How many rows a piece has follows from the planner's
//! count of the other side, and from nothing that changes from run to run: the order of the join's rows depends on it.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use arrow::array::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties,
    ReplaceChildrenOptions,
};
use futures::{Stream, StreamExt};

/// Pairs of rows that are compared between two pauses: about a tenth of a second.
const PAIRS: usize = 8 * 1024 * 1024;

/// Rows of a piece where the planner does not know how many rows the other side has.
const UNKNOWN: usize = 64;

/// See the file's head.
#[derive(Debug)]
pub(super) struct PiecesExec {
    input: Arc<dyn ExecutionPlan>,
    rows: usize,
}

impl PiecesExec {
    /// `input` in pieces that suit what each of its rows is compared with.
    pub(super) fn new(input: Arc<dyn ExecutionPlan>, compared_with: &dyn ExecutionPlan) -> Self {
        let statistics = StatisticsContext::new().compute(compared_with, &StatisticsArgs::new());
        let count = statistics.ok().and_then(|statistics| statistics.num_rows.get_value().copied());
        Self { input, rows: count.map_or(UNKNOWN, |count| (PAIRS / count.max(1)).max(1)) }
    }
}

impl ExecutionPlan for PiecesExec {
    fn name(&self) -> &'static str {
        "PiecesExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(Self { input, rows: self.rows })),
            _ => internal_err!("pieces are made of one input"),
        }
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        _: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        match inputs {
            [only] => Ok(Arc::clone(only)),
            _ => internal_err!("pieces are made of one input"),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let batches = self.input.execute(partition, context)?;
        let schema = batches.schema();
        let pieces = Pieces { batches, rows: self.rows, rest: None, is_pause_due: false };
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, pieces)))
    }
}

impl DisplayAs for PiecesExec {
    fn fmt_as(&self, _: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PiecesExec")
    }
}

struct Pieces {
    batches: SendableRecordBatchStream,
    rows: usize,
    rest: Option<RecordBatch>,
    /// A piece was handed out since the last pause.
    is_pause_due: bool,
}

impl Stream for Pieces {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.is_pause_due) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let batch = match self.rest.take() {
            Some(rest) => rest,
            None => match ready!(self.batches.poll_next_unpin(context)) {
                Some(Ok(batch)) => batch,
                end => return Poll::Ready(end),
            },
        };
        self.is_pause_due = true;
        if batch.num_rows() <= self.rows {
            return Poll::Ready(Some(Ok(batch)));
        }
        self.rest = Some(batch.slice(self.rows, batch.num_rows() - self.rows));
        Poll::Ready(Some(Ok(batch.slice(0, self.rows))))
    }
}

#[cfg(test)]
mod tests {
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
        Pieces { batches: Box::pin(batches), rows, rest: None, is_pause_due: false }
    }

    #[tokio::test]
    async fn rows_come_in_their_order_and_no_piece_is_larger_than_asked() {
        let pieces: Vec<RecordBatch> = pieces(2).try_collect().await.unwrap();
        let numbers: Vec<_> = pieces
            .iter()
            .map(|piece| piece.column(0).as_primitive::<Int64Type>().values().to_vec())
            .collect();
        assert_eq!(numbers, [vec![0, 1], vec![2, 3], vec![4], vec![5, 6]]);
    }

    #[tokio::test]
    async fn after_each_piece_others_may_run() {
        let mut pieces = pieces(2);
        assert!(pieces.next().now_or_never().flatten().is_some());
        assert!(pieces.next().now_or_never().is_none(), "a pause");
        assert!(pieces.next().now_or_never().flatten().is_some());
    }
}
