//! Ranks are bigint.
//!
//! The engine's `row_number`, `rank`, `dense_rank` and `ntile` give unsigned numbers, which no SQL type is: beside a bigint they
//! become a decimal, so that `rank() over (…) / 2` had a fraction, `- rank() over (…)` was refused, and drivers stumble over the type.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{PartitionEvaluator, ReversedUDWF, WindowUDF, WindowUDFImpl};

use super::delegated::{evaluator_as_inner, window_as_inner};

const RANKS: [&str; 4] = ["row_number", "rank", "dense_rank", "ntile"];

/// A number that does not fit is an error and not NULL.
const STRICT: CastOptions =
    CastOptions { safe: false, format_options: arrow::util::display::FormatOptions::new() };

/// The same functions, those that number rows with a bigint.
pub(super) fn in_bigint(function: Arc<WindowUDF>) -> Arc<WindowUDF> {
    if RANKS.contains(&function.name()) { Arc::new(WindowUDF::from(Ranked(function))) } else { function }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Ranked(Arc<WindowUDF>);

impl WindowUDFImpl for Ranked {
    window_as_inner!();

    fn partition_evaluator(&self, args: PartitionEvaluatorArgs<'_>) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(InBigint(self.0.inner().partition_evaluator(args)?)))
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        let field = self.0.inner().field(args)?;
        Ok(Arc::new(field.as_ref().clone().with_data_type(DataType::Int64)))
    }

    fn reverse_expr(&self) -> ReversedUDWF {
        match self.0.inner().reverse_expr() {
            ReversedUDWF::Reversed(function) => ReversedUDWF::Reversed(in_bigint(function)),
            other => other,
        }
    }
}

#[derive(Debug)]
struct InBigint(Box<dyn PartitionEvaluator>);

fn bigint(numbers: ArrayRef) -> Result<ArrayRef> {
    Ok(cast_with_options(&numbers, &DataType::Int64, &STRICT)?)
}

impl PartitionEvaluator for InBigint {
    evaluator_as_inner!();

    fn evaluate_all(&mut self, values: &[ArrayRef], num_rows: usize) -> Result<ArrayRef> {
        bigint(self.0.evaluate_all(values, num_rows)?)
    }

    fn evaluate(&mut self, values: &[ArrayRef], range: &Range<usize>) -> Result<ScalarValue> {
        self.0.evaluate(values, range)?.cast_to(&DataType::Int64)
    }

    fn evaluate_all_with_rank(&self, num_rows: usize, ranks: &[Range<usize>]) -> Result<ArrayRef> {
        bigint(self.0.evaluate_all_with_rank(num_rows, ranks)?)
    }

    fn supports_bounded_execution(&self) -> bool {
        self.0.supports_bounded_execution()
    }
}
