//! NaN has no sign.
//!
//! The engine's fault: it keeps the sign that a processor gives NaN (`inf - inf` is a negative one on x86, a positive one on Arm),
//! and puts a negative one below all numbers, where it is another value than the positive one.

use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{Accumulator, ColumnarValue, EmitTo, GroupsAccumulator};

/// The same values, NaN positive.
pub(super) fn positive(values: ColumnarValue) -> ColumnarValue {
    match values {
        ColumnarValue::Array(values) => ColumnarValue::Array(positive_array(values)),
        ColumnarValue::Scalar(value) => ColumnarValue::Scalar(positive_scalar(value)),
    }
}

/// The same value, NaN positive.
pub(super) fn positive_scalar(value: ScalarValue) -> ScalarValue {
    match value {
        ScalarValue::Float64(Some(number)) if number.is_nan() => ScalarValue::Float64(Some(f64::NAN)),
        ScalarValue::Float32(Some(number)) if number.is_nan() => ScalarValue::Float32(Some(f32::NAN)),
        other => other,
    }
}

fn positive_array(values: ArrayRef) -> ArrayRef {
    match values.data_type() {
        DataType::Float64 => positive_floats::<Float64Type>(values, f64::is_nan, f64::NAN),
        DataType::Float32 => positive_floats::<Float32Type>(values, f32::is_nan, f32::NAN),
        _ => values,
    }
}

fn positive_floats<T: ArrowPrimitiveType>(
    values: ArrayRef,
    is_nan: impl Fn(T::Native) -> bool,
    nan: T::Native,
) -> ArrayRef {
    let numbers = values.as_primitive::<T>();
    // Without a way out, so that it is computed for many at once.
    if !numbers.values().iter().fold(false, |has_one, number| has_one | is_nan(*number)) {
        return values;
    }
    let numbers: PrimitiveArray<T> = numbers.unary(|number| if is_nan(number) { nan } else { number });
    Arc::new(numbers)
}

/// An accumulator whose result is a positive NaN if it is one.
#[derive(Debug)]
pub(super) struct Positive(pub(super) Box<dyn Accumulator>);

impl Accumulator for Positive {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.update_batch(values)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.0.merge_batch(states)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.retract_batch(values)
    }

    fn supports_retract_batch(&self) -> bool {
        self.0.supports_retract_batch()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.0.state()
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.0.evaluate().map(positive_scalar)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.0.size()
    }
}

/// The same for groups.
pub(super) struct PositiveGroups(pub(super) Box<dyn GroupsAccumulator>);

impl GroupsAccumulator for PositiveGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.0.update_batch(values, group_indices, opt_filter, total_num_groups)
    }

    fn merge_batch(
        &mut self,
        states: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.0.merge_batch(states, group_indices, total_num_groups)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.0.evaluate(emit_to).map(positive_array)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        self.0.state(emit_to)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        self.0.convert_to_state(values, opt_filter)
    }

    fn size(&self) -> usize {
        self.0.size()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Float64Array;

    use super::*;

    #[test]
    fn nan_is_positive_in_columns_and_constants() {
        let values: ArrayRef = Arc::new(Float64Array::from(vec![Some(-f64::NAN), Some(-0.0), None]));
        let positive = positive_array(values);
        let numbers = positive.as_primitive::<Float64Type>();
        assert!(numbers.value(0).is_sign_positive() && numbers.value(1).is_sign_negative());
        let constant = positive_scalar(ScalarValue::Float64(Some(-f64::NAN)));
        assert_eq!(constant, ScalarValue::Float64(Some(f64::NAN)));
    }
}
