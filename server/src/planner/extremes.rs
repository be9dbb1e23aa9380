//! `min` and `max` of doubles in groups: NaN is more than every number, as it is without groups and in ORDER BY.
//!
//! The engine's faults: in groups it takes NaN for less than what follows it and for more than what was before it, so that the
//! answer depends on the order of rows; and it begins with the largest and the smallest finite number, which stay where all values
//! are infinite.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, PrimitiveArray};
use arrow::datatypes::{ArrowPrimitiveType, DataType, FieldRef, Float32Type, Float64Type};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::function::{AccumulatorArgs, AggregateFunctionSimplification, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, EmitTo, GroupsAccumulator, ReversedUDAF,
    SetMonotonicity, Signature, StatisticsArgs,
};

/// The function, if it is one of these, with NaN above all numbers.
pub(super) fn in_order(function: Arc<AggregateUDF>) -> Arc<AggregateUDF> {
    match function.name() {
        "min" | "max" => Arc::new(AggregateUDF::from(Extreme(function))),
        _ => function,
    }
}

/// See the file's head.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Extreme(Arc<AggregateUDF>);

impl Extreme {
    fn is_max(&self) -> bool {
        self.0.name() == "max"
    }
}

impl AggregateUDFImpl for Extreme {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn aliases(&self) -> &[String] {
        self.0.aliases()
    }

    fn signature(&self) -> &Signature {
        self.0.signature()
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.0.inner().coerce_types(arg_types)
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.0.inner().return_type(arg_types)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.0.inner().accumulator(args)
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.0.inner().create_sliding_accumulator(args)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.0.inner().state_fields(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.0.inner().groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        match args.return_type() {
            DataType::Float64 => Ok(Box::new(GroupExtremes::<Float64Type>::new(self.is_max()))),
            DataType::Float32 => Ok(Box::new(GroupExtremes::<Float32Type>::new(self.is_max()))),
            _ => self.0.inner().create_groups_accumulator(args),
        }
    }

    fn simplify(&self) -> Option<AggregateFunctionSimplification> {
        self.0.inner().simplify()
    }

    fn is_descending(&self) -> Option<bool> {
        self.0.inner().is_descending()
    }

    fn value_from_stats(&self, statistics: &StatisticsArgs<'_>) -> Option<ScalarValue> {
        self.0.inner().value_from_stats(statistics)
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.0.inner().set_monotonicity(data_type)
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.0.inner().order_sensitivity()
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.0.documentation()
    }
}

/// The extremes of many groups, none for a group without values.
struct GroupExtremes<T: ArrowPrimitiveType> {
    is_max: bool,
    extremes: Vec<Option<T::Native>>,
    values: PhantomData<fn() -> T>,
}

impl<T: ArrowPrimitiveType> fmt::Debug for GroupExtremes<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "GroupExtremes({})", self.extremes.len())
    }
}

/// Whether one number is more than another, NaN being more than all others.
fn is_more<N: PartialOrd>(one: &N, other: &N) -> bool {
    let is_nan = |number: &N| number.partial_cmp(number).is_none();
    one > other || (is_nan(one) && !is_nan(other))
}

impl<T: ArrowPrimitiveType> GroupExtremes<T>
where
    T::Native: PartialOrd,
{
    fn new(is_max: bool) -> Self {
        Self { is_max, extremes: Vec::new(), values: PhantomData }
    }

    fn take_in(&mut self, group: usize, value: T::Native) {
        let extreme = &mut self.extremes[group];
        let is_new = match (&*extreme, self.is_max) {
            (None, _) => true,
            (Some(known), true) => is_more(&value, known),
            (Some(known), false) => is_more(known, &value),
        };
        if is_new {
            *extreme = Some(value);
        }
    }
}

impl<T: ArrowPrimitiveType> GroupsAccumulator for GroupExtremes<T>
where
    T::Native: PartialOrd,
{
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        let [values] = values else { return internal_err!("one argument") };
        self.extremes.resize(total_num_groups, None);
        let values = values.as_primitive::<T>();
        for (row, group) in group_indices.iter().enumerate() {
            let is_counted = opt_filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
            if is_counted && values.is_valid(row) {
                self.take_in(*group, values.value(row));
            }
        }
        Ok(())
    }

    fn merge_batch(
        &mut self,
        states: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.update_batch(states, group_indices, None, total_num_groups)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let extremes = emit_to.take_needed(&mut self.extremes);
        Ok(Arc::new(extremes.into_iter().collect::<PrimitiveArray<T>>()))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.evaluate(emit_to)?])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, |values| values.len());
        let each_its_own: Vec<usize> = (0..rows).collect();
        let mut alone = Self::new(self.is_max);
        alone.update_batch(values, &each_its_own, opt_filter, rows)?;
        alone.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        self.extremes.capacity() * size_of::<Option<T::Native>>()
    }
}
