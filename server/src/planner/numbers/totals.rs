//! Totals that know whether they have room: what [`aggregates`](super::aggregates) sums and averages with.
//!
//! Integers are summed in 128 bits, of which a row would need more than there are to lose one; decimals in 128 or 256, checked. So a
//! sum is exact or an error, and where the rows are divided among threads it is the same.

use std::fmt;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowNativeTypeOp, ArrowPrimitiveType, AsArray, BooleanArray, Int64Array,
    PrimitiveArray, UInt64Array,
};
use arrow::compute::cast;
use arrow::datatypes::{
    ArrowNativeType, DataType, Decimal128Type, Decimal256Type, DecimalType, Int64Type, UInt64Type, i256,
};
use arrow::error::ArrowError;
use datafusion::common::{Result, ScalarValue, internal_datafusion_err, internal_err};
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};

use super::quotient::{Digits, overflow, rounded, within};

/// What is made of a total.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Measure {
    Sum,
    Average,
}

/// What is measured, and in which types.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    pub(super) measure: Measure,
    /// Of the total: a decimal with the scale of the input.
    pub(super) total: DataType,
    pub(super) result: DataType,
}

/// A type that totals are kept in.
pub(super) trait Wide: DecimalType {
    fn widened(value: i128) -> Self::Native;
}

impl Wide for Decimal128Type {
    fn widened(value: i128) -> i128 {
        value
    }
}

impl Wide for Decimal256Type {
    fn widened(value: i128) -> i256 {
        i256::from_i128(value)
    }
}

/// Shows each value that is not NULL, with its place.
fn each<W: Wide>(values: &ArrayRef, see: impl FnMut(usize, W::Native) -> Result<()>) -> Result<()> {
    if let Some(values) = values.as_primitive_opt::<W>() {
        return each_of(values, |value| value, see);
    }
    match values.data_type() {
        DataType::Int64 => each_of(values.as_primitive::<Int64Type>(), |v| W::widened(v.into()), see),
        DataType::UInt64 => each_of(values.as_primitive::<UInt64Type>(), |v| W::widened(v.into()), see),
        DataType::Decimal128(..) => each_of(values.as_primitive::<Decimal128Type>(), W::widened, see),
        DataType::Duration(_) => {
            let values = cast(values, &DataType::Int64)?;
            each_of(values.as_primitive::<Int64Type>(), |v| W::widened(v.into()), see)
        }
        other => internal_err!("{other} is not totalled"),
    }
}

fn each_of<T: ArrowPrimitiveType, N>(
    values: &PrimitiveArray<T>,
    widen: impl Fn(T::Native) -> N,
    mut see: impl FnMut(usize, N) -> Result<()>,
) -> Result<()> {
    match values.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => values.values().iter().enumerate().try_for_each(|(place, value)| see(place, widen(*value))),
        Some(nulls) => nulls.valid_indices().try_for_each(|place| see(place, widen(values.value(place)))),
    }
}

/// The totals' results; NULL where nothing was counted.
fn finished<W: Wide>(measured: &Measured, totals: Vec<W::Native>, counts: &[u64]) -> Result<ArrayRef>
where
    W::Native: Digits,
{
    let counted =
        totals.into_iter().zip(counts).map(|(total, count)| (*count > 0).then_some((total, *count)));
    let results: PrimitiveArray<W> = match measured.measure {
        Measure::Sum => counted.map(|counted| counted.map(|(total, _)| total)).collect(),
        Measure::Average => {
            let scale = |data_type: &DataType| match data_type {
                DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => i16::from(*scale),
                _ => 0,
            };
            let power = u32::try_from(scale(&measured.result) - scale(&measured.total)).unwrap_or(0);
            let factor = W::Native::usize_as(10).pow_checked(power)?;
            let average = |(total, count)| rounded(total, factor, W::widened(i128::from(count)));
            counted.map(|counted| counted.map(average).transpose()).collect::<Result<_, ArrowError>>()?
        }
    };
    in_type(results, &measured.result)
}

/// Whole numbers or digits in a result's type.
fn in_type<W: Wide>(results: PrimitiveArray<W>, result: &DataType) -> Result<ArrayRef>
where
    W::Native: Digits,
{
    let whole = |value: W::Native| value.wide().to_i128().ok_or_else(overflow);
    Ok(match result {
        DataType::Decimal128(..) => {
            let narrow = |value: W::Native| i128::of_wide(value.wide()).ok_or_else(overflow);
            let results: PrimitiveArray<Decimal128Type> = results.try_unary(narrow)?;
            within(Arc::new(results.with_data_type(result.clone())))?
        }
        DataType::Decimal256(..) => {
            let results: PrimitiveArray<Decimal256Type> = results.unary(Digits::wide);
            within(Arc::new(results.with_data_type(result.clone())))?
        }
        DataType::UInt64 => {
            let narrow = |value| u64::try_from(whole(value)?).map_err(|_| overflow());
            Arc::new(results.try_unary::<_, UInt64Type, ArrowError>(narrow)?)
        }
        _ => {
            let narrow = |value| i64::try_from(whole(value)?).map_err(|_| overflow());
            let results: Int64Array = results.try_unary::<_, Int64Type, ArrowError>(narrow)?;
            cast(&results, result)?
        }
    })
}

/// The totals of groups.
pub(super) struct GroupTotals<W: Wide> {
    measured: Measured,
    totals: Vec<W::Native>,
    counts: Vec<u64>,
}

impl<W: Wide> GroupTotals<W> {
    pub(super) fn new(measured: Measured) -> Self {
        Self { measured, totals: Vec::new(), counts: Vec::new() }
    }

    fn resize(&mut self, groups: usize) {
        self.totals.resize(groups, W::Native::default());
        self.counts.resize(groups, 0);
    }
}

impl<W: Wide> GroupsAccumulator for GroupTotals<W>
where
    W::Native: Digits,
{
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        let [values] = values else { return internal_err!("one argument") };
        self.resize(total_num_groups);
        let (totals, counts) = (&mut self.totals, &mut self.counts);
        let mut add = |group: usize, value: W::Native| {
            totals[group] = totals[group].add_checked(value)?;
            counts[group] += 1;
            Ok(())
        };
        match opt_filter {
            None => each::<W>(values, |place, value| add(group_indices[place], value)),
            Some(filter) => each::<W>(values, |place, value| {
                let is_counted = filter.is_valid(place) && filter.value(place);
                if is_counted { add(group_indices[place], value) } else { Ok(()) }
            }),
        }
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let totals = emit_to.take_needed(&mut self.totals);
        let counts = emit_to.take_needed(&mut self.counts);
        finished::<W>(&self.measured, totals, &counts)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let totals = emit_to.take_needed(&mut self.totals);
        let counts = emit_to.take_needed(&mut self.counts);
        Ok(state_of::<W>(&self.measured, totals, counts))
    }

    fn merge_batch(
        &mut self,
        states: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        let [totals_of_others, counts_of_others] = states else { return internal_err!("total and count") };
        self.resize(total_num_groups);
        let counts_of_others = counts_of_others.as_primitive::<UInt64Type>();
        let (totals, counts) = (&mut self.totals, &mut self.counts);
        each::<W>(totals_of_others, |place, value| {
            let group = group_indices[place];
            totals[group] = totals[group].add_checked(value)?;
            counts[group] += counts_of_others.value(place);
            Ok(())
        })
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, |values| values.len());
        let each_its_own: Vec<usize> = (0..rows).collect();
        let mut alone = Self::new(self.measured.clone());
        alone.update_batch(values, &each_its_own, opt_filter, rows)?;
        alone.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        self.totals.capacity() * size_of::<W::Native>() + self.counts.capacity() * size_of::<u64>()
    }
}

/// What is handed to whoever merges it: totals, NULL without a value, and counts.
fn state_of<W: Wide>(measured: &Measured, totals: Vec<W::Native>, counts: Vec<u64>) -> Vec<ArrayRef> {
    let counted = totals.into_iter().zip(&counts).map(|(total, count)| (*count > 0).then_some(total));
    let totals: PrimitiveArray<W> = counted.collect();
    let totals = totals.with_data_type(measured.total.clone());
    vec![Arc::new(totals), Arc::new(UInt64Array::from(counts))]
}

/// One total, from which values can be taken away again.
pub(super) struct Total<W: Wide> {
    measured: Measured,
    total: W::Native,
    count: u64,
}

impl<W: Wide> Total<W> {
    pub(super) fn new(measured: Measured) -> Self {
        Self { measured, total: W::Native::default(), count: 0 }
    }
}

impl<W: Wide> fmt::Debug for Total<W> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Total({:?})", self.measured)
    }
}

fn only(values: &[ArrayRef]) -> Result<&ArrayRef> {
    values.first().ok_or_else(|| internal_datafusion_err!("one argument"))
}

impl<W: Wide> Accumulator for Total<W>
where
    W::Native: Digits,
{
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (mut total, mut count) = (self.total, 0);
        each::<W>(only(values)?, |_, value| {
            total = total.add_checked(value)?;
            count += 1;
            Ok(())
        })?;
        self.total = total;
        self.count += count;
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (mut total, mut count) = (self.total, 0);
        each::<W>(only(values)?, |_, value| {
            total = total.sub_checked(value)?;
            count += 1;
            Ok(())
        })?;
        self.total = total;
        self.count = self.count.saturating_sub(count);
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let result = finished::<W>(&self.measured, vec![self.total], &[self.count])?;
        ScalarValue::try_from_array(&result, 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let state = state_of::<W>(&self.measured, vec![self.total], vec![self.count]);
        state.iter().map(|part| ScalarValue::try_from_array(part, 0)).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [totals, counts] = states else { return internal_err!("total and count") };
        let counts = counts.as_primitive::<UInt64Type>();
        let (mut total, mut count) = (self.total, self.count);
        each::<W>(totals, |place, value| {
            total = total.add_checked(value)?;
            count += counts.value(place);
            Ok(())
        })?;
        (self.total, self.count) = (total, count);
        Ok(())
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}
