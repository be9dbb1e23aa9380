//! `sum` and `avg`, exact: the engine's functions with totals of our own.
//!
//! The engine's faults: `sum` of integers and of decimals wraps around, of groups, of distinct values and in windows as well, and is
//! announced with fewer digits than it may have; `avg` of decimals is cut where its type rounds; `sum(x + 1)` is computed as
//! `sum(x) + count(x)`, which wraps too; in a window that slides, doubles are taken away again, and what was NaN, infinite or large
//! stays ([`sliding`](super::sliding)); NaN has a sign ([`nan`](super::nan)). A type that does not fit is told of in the engine's own
//! words, and NULL, which has none, is one of them.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DECIMAL256_MAX_PRECISION, DataType, Decimal128Type, Decimal256Type, Field,
    FieldRef,
};
use datafusion::common::{Result, ScalarValue, internal_err, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, GroupsAccumulator, ReversedUDAF, Signature,
    Volatility,
};

use super::nan::{Positive, PositiveGroups};
use super::sliding::FloatWindow;
use super::totals::{GroupTotals, Measure, Measured, Total};

/// The function, if it is one of these, exact.
pub(super) fn exact(function: Arc<AggregateUDF>) -> Arc<AggregateUDF> {
    let measure = match function.name() {
        "sum" => Measure::Sum,
        "avg" => Measure::Average,
        _ => return function,
    };
    let signature = Signature::user_defined(Volatility::Immutable);
    Arc::new(AggregateUDF::from(ExactAggregate { inner: function, measure, signature }))
}

/// Digits that an average's total has room for beside those of a value, as rows of them.
const DIGITS_OF_ROWS: u8 = 13;

/// See the file's head.
#[derive(Debug, PartialEq, Eq, Hash)]
struct ExactAggregate {
    inner: Arc<AggregateUDF>,
    measure: Measure,
    signature: Signature,
}

impl ExactAggregate {
    /// How values of a type are totalled; `None` for those that the engine totals as well as it can be done.
    fn measured(&self, values: &DataType, result: &DataType) -> Option<Measured> {
        let total = match (self.measure, values) {
            // The engine's total of durations has room for 37 of 8,000 years.
            (_, DataType::Duration(_)) | (Measure::Sum, DataType::Int64 | DataType::UInt64) => {
                DataType::Decimal128(DECIMAL128_MAX_PRECISION, 0)
            }
            (Measure::Sum, DataType::Decimal128(_, scale)) => {
                DataType::Decimal128(DECIMAL128_MAX_PRECISION, *scale)
            }
            (Measure::Average, DataType::Decimal128(precision, scale)) => {
                match precision.saturating_add(DIGITS_OF_ROWS) <= DECIMAL128_MAX_PRECISION {
                    true => DataType::Decimal128(DECIMAL128_MAX_PRECISION, *scale),
                    false => DataType::Decimal256(DECIMAL256_MAX_PRECISION, *scale),
                }
            }
            (_, DataType::Decimal256(_, scale)) => DataType::Decimal256(DECIMAL256_MAX_PRECISION, *scale),
            _ => return None,
        };
        Some(Measured { measure: self.measure, total, result: result.clone() })
    }

    fn of_call(&self, args: &AccumulatorArgs<'_>) -> Option<Measured> {
        self.measured(args.expr_fields.first()?.data_type(), args.return_type())
    }
}

fn total(measured: Measured) -> Box<dyn Accumulator> {
    match measured.total {
        DataType::Decimal256(..) => Box::new(Total::<Decimal256Type>::new(measured)),
        _ => Box::new(Total::<Decimal128Type>::new(measured)),
    }
}

impl AggregateUDFImpl for ExactAggregate {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let name = self.name();
        if arg_types == [DataType::Null] {
            // Of no value in any type: NULL.
            return Ok(vec![match self.measure {
                Measure::Sum => DataType::Int64,
                Measure::Average => DataType::Float64,
            }]);
        }
        let fields: Vec<FieldRef> =
            arg_types.iter().map(|found| Arc::new(Field::new("argument", found.clone(), true))).collect();
        match fields_with_udf(&fields, self.inner.as_ref()) {
            Ok(fields) => Ok(fields.iter().map(|field| field.data_type().clone()).collect()),
            Err(_) if arg_types.len() != 1 => plan_err!("{name} takes one argument"),
            Err(_) if arg_types == [DataType::Boolean] => {
                plan_err!(
                    "{name} takes numbers, not truth values: write count(*) FILTER (WHERE …), or cast them to int"
                )
            }
            Err(_) => plan_err!("{name} takes numbers: cast its argument to a type of numbers"),
        }
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        match (self.of_call(&args), args.is_distinct) {
            (Some(measured), true) => {
                Ok(Box::new(DistinctTotal { values: self.inner.accumulator(args)?, measured }))
            }
            (Some(measured), false) => Ok(total(measured)),
            (None, _) => Ok(Box::new(Positive(self.inner.accumulator(args)?))),
        }
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        match (self.of_call(&args), args.is_distinct) {
            (Some(measured), true) => {
                Ok(Box::new(DistinctTotal { values: self.inner.create_sliding_accumulator(args)?, measured }))
            }
            (Some(measured), false) => Ok(total(measured)),
            (None, false) if *args.return_type() == DataType::Float64 => {
                Ok(Box::new(FloatWindow::new(self.measure)))
            }
            (None, _) => Ok(Box::new(Positive(self.inner.create_sliding_accumulator(args)?))),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let values = args.input_fields.first().map(|field| field.data_type().clone());
        let measured = values.and_then(|values| self.measured(&values, args.return_type()));
        let Some(measured) = measured.filter(|_| !args.is_distinct) else {
            return self.inner.state_fields(args);
        };
        let named = |name: &str, data_type| {
            Arc::new(Field::new(format_state_name(args.name, name), data_type, true)) as FieldRef
        };
        Ok(vec![named("total", measured.total), named("count", DataType::UInt64)])
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        match self.of_call(&args) {
            Some(_) => !args.is_distinct,
            None => self.inner.groups_accumulator_supported(args),
        }
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        match self.of_call(&args) {
            Some(measured) if matches!(measured.total, DataType::Decimal256(..)) => {
                Ok(Box::new(GroupTotals::<Decimal256Type>::new(measured)))
            }
            Some(measured) => Ok(Box::new(GroupTotals::<Decimal128Type>::new(measured))),
            None => Ok(Box::new(PositiveGroups(self.inner.create_groups_accumulator(args)?))),
        }
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}

/// The engine's set of distinct values, totalled by us.
struct DistinctTotal {
    values: Box<dyn Accumulator>,
    measured: Measured,
}

impl fmt::Debug for DistinctTotal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "DistinctTotal({:?})", self.measured)
    }
}

impl Accumulator for DistinctTotal {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.values.update_batch(values)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.values.merge_batch(states)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.values.retract_batch(values)
    }

    fn supports_retract_batch(&self) -> bool {
        self.values.supports_retract_batch()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.values.state()
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let state = self.values.state()?;
        let [ScalarValue::List(values)] = state.as_slice() else {
            return internal_err!("distinct values are a list");
        };
        let mut total = total(self.measured.clone());
        if !values.is_empty() {
            total.update_batch(&[values.value(0)])?;
        }
        total.evaluate()
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.values.size()
    }
}
