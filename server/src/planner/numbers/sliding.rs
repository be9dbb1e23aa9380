//! Sums and averages of doubles in a window that slides.
//!
//! The engine's fault: it subtracts what leaves the window. NaN and the infinities never leave that way, and a large number takes
//! the small ones beside it along. Here nothing is subtracted: what is in the window lies in two stacks, the older one with the
//! sums from each value on, so that taking the oldest away leaves a sum that knew nothing of it.

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::Float64Type;
use datafusion::common::{Result, ScalarValue, internal_datafusion_err, not_impl_err};
use datafusion::logical_expr::Accumulator;

use super::nan::positive_scalar;
use super::totals::Measure;

/// The doubles of a window.
#[derive(Debug)]
pub(super) struct FloatWindow {
    measure: Measure,
    /// The sums from each of the older values on; the oldest value's is the last.
    older: Vec<f64>,
    newer: Vec<f64>,
    sum_of_newer: f64,
}

impl FloatWindow {
    pub(super) fn new(measure: Measure) -> Self {
        Self { measure, older: Vec::new(), newer: Vec::new(), sum_of_newer: 0.0 }
    }

    fn leave_oldest(&mut self) {
        if self.older.is_empty() {
            let mut sum = 0.0;
            let sums = self.newer.drain(..).rev().map(|value| {
                sum += value;
                sum
            });
            self.older.extend(sums);
            self.sum_of_newer = 0.0;
        }
        self.older.pop();
    }
}

fn doubles(values: &[ArrayRef]) -> Result<impl Iterator<Item = f64>> {
    let values = values.first().ok_or_else(|| internal_datafusion_err!("one argument"))?;
    Ok(values.as_primitive::<Float64Type>().iter().flatten())
}

impl Accumulator for FloatWindow {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in doubles(values)? {
            self.newer.push(value);
            self.sum_of_newer += value;
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for _ in doubles(values)? {
            self.leave_oldest();
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let count = self.older.len() + self.newer.len();
        let sum = self.older.last().copied().unwrap_or(0.0) + self.sum_of_newer;
        let result = match self.measure {
            Measure::Sum => sum,
            #[expect(clippy::cast_precision_loss, reason = "an average of doubles is a double")]
            Measure::Average => sum / count as f64,
        };
        Ok(positive_scalar(ScalarValue::Float64((count > 0).then_some(result))))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        not_impl_err!("a window is not divided")
    }

    fn merge_batch(&mut self, _: &[ArrayRef]) -> Result<()> {
        not_impl_err!("a window is not divided")
    }

    fn size(&self) -> usize {
        size_of_val(self) + (self.older.capacity() + self.newer.capacity()) * size_of::<f64>()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use std::sync::Arc;

    use arrow::array::Float64Array;

    use super::*;

    #[test]
    fn what_left_the_window_leaves_nothing_behind() {
        let one = |value: f64| [Arc::new(Float64Array::from(vec![value])) as ArrayRef];
        let mut window = FloatWindow::new(Measure::Sum);
        let values = [f64::NAN, 1e20, 1.0, f64::INFINITY, 2.0, 3.0];
        let mut sums = Vec::new();
        for (place, value) in values.iter().enumerate() {
            window.update_batch(&one(*value)).unwrap();
            if place >= 2 {
                window.retract_batch(&one(values[place - 2])).unwrap();
            }
            sums.push(window.evaluate().unwrap());
        }
        assert_eq!(sums[5], ScalarValue::Float64(Some(5.0)));
        assert_eq!(sums[4], ScalarValue::Float64(Some(f64::INFINITY)));
    }
}
