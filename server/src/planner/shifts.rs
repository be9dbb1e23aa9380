//! LEAD and LAG … IGNORE NULLS look at whole partitions.
//!
//! The engine's fault: where a window has a frame that ends somewhere, or an order that its input has, it computes row by row, and
//! then `lead(v, 2) ignore nulls` loses count over a gap of NULLs. Computed for a whole partition at once it is right.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::FieldRef;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{PartitionEvaluator, ReversedUDWF, WindowUDF, WindowUDFImpl};

use super::delegated::{evaluator_as_inner, window_as_inner};

const SHIFTS: [&str; 2] = ["lead", "lag"];

/// The same functions, LEAD and LAG over whole partitions where they ignore NULLs.
pub(super) fn over_whole(function: Arc<WindowUDF>) -> Arc<WindowUDF> {
    if SHIFTS.contains(&function.name()) { Arc::new(WindowUDF::from(Shift(function))) } else { function }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Shift(Arc<WindowUDF>);

impl WindowUDFImpl for Shift {
    window_as_inner!();

    fn partition_evaluator(&self, args: PartitionEvaluatorArgs<'_>) -> Result<Box<dyn PartitionEvaluator>> {
        let ignores_nulls = args.ignore_nulls();
        let inner = self.0.inner().partition_evaluator(args)?;
        Ok(if ignores_nulls { Box::new(Whole(inner)) } else { inner })
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        self.0.inner().field(args)
    }

    fn reverse_expr(&self) -> ReversedUDWF {
        match self.0.inner().reverse_expr() {
            ReversedUDWF::Reversed(function) => ReversedUDWF::Reversed(over_whole(function)),
            other => other,
        }
    }
}

#[derive(Debug)]
struct Whole(Box<dyn PartitionEvaluator>);

impl PartitionEvaluator for Whole {
    evaluator_as_inner!();

    fn evaluate_all(&mut self, values: &[ArrayRef], num_rows: usize) -> Result<ArrayRef> {
        self.0.evaluate_all(values, num_rows)
    }

    fn evaluate(&mut self, values: &[ArrayRef], range: &Range<usize>) -> Result<ScalarValue> {
        self.0.evaluate(values, range)
    }

    fn evaluate_all_with_rank(&self, num_rows: usize, ranks: &[Range<usize>]) -> Result<ArrayRef> {
        self.0.evaluate_all_with_rank(num_rows, ranks)
    }

    fn supports_bounded_execution(&self) -> bool {
        false
    }
}
