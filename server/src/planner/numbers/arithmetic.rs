//! [`Arithmetic`]: `+`, `-`, `*`, `/`, `%`, `<<` and `>>` of integers and decimals, which say when a number has no room, and of
//! doubles, whose [NaN](super::nan) is positive.
//!
//! The engine's faults: integers wrap around, decimals of 38 digits get a 39th, bits are shifted by a count modulo the width, and
//! all of that while constants are folded too. The flag of the engine's operator that would check integers cannot be set from a
//! logical plan.
//!
//! A call may have many steps, in the order in which they are computed: so a long chain is one call.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, Datum, PrimitiveArray, Scalar};
use arrow::compute::kernels::numeric;
use arrow::compute::{cast, try_binary, try_unary};
use arrow::datatypes::{
    ArrowNativeTypeOp, DECIMAL128_MAX_PRECISION, DECIMAL256_MAX_PRECISION, DataType, Field, FieldRef,
    Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow::error::ArrowError;
use datafusion::common::{DataFusionError, Result, internal_datafusion_err};
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};
use datafusion::physical_expr_common::datum::apply;

use super::nan;
use super::quotient::{divided, overflow, within};

/// Steps of a call that is shown as operators: nothing has a stack for expressions as deep as the longest are.
const MOST_SHOWN: usize = 64;

/// One step of an expression, on the values that the steps before it left.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// An argument of the call.
    Operand(usize),
    /// The last value, negated.
    Negate,
    /// The last two values; and the type of the result.
    Apply(Operator, DataType),
}

/// See the file's head.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Arithmetic {
    steps: Vec<Step>,
    result: DataType,
    signature: Signature,
}

impl Arithmetic {
    /// The call that computes some steps.
    pub(super) fn call(steps: Vec<Step>, result: DataType, operands: Vec<Expr>) -> Expr {
        let signature = Signature::any(operands.len(), Volatility::Immutable);
        ScalarUDF::from(Self { steps, result, signature }).call(operands)
    }

    /// The expression of the engine's operators, if it is not too deep to be shown.
    pub(super) fn operators(&self, operands: &[Expr]) -> Result<Option<Expr>> {
        if self.steps.len() > MOST_SHOWN {
            return Ok(None);
        }
        let shown = self.computed(
            |place| operands.get(place).cloned(),
            |operand| Ok(Expr::Negative(Box::new(operand))),
            |left, op, right, _| Ok(Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))),
        )?;
        Ok(Some(shown))
    }

    /// What the steps make of values, each of two by `apply` and one by `negate`.
    fn computed<T>(
        &self,
        operand: impl Fn(usize) -> Option<T>,
        negate: impl Fn(T) -> Result<T>,
        apply: impl Fn(T, Operator, T, &DataType) -> Result<T>,
    ) -> Result<T> {
        let none = || internal_datafusion_err!("a step without a value");
        let mut values: Vec<T> = Vec::new();
        for step in &self.steps {
            let value = match step {
                Step::Operand(place) => operand(*place).ok_or_else(none)?,
                Step::Negate => negate(values.pop().ok_or_else(none)?)?,
                Step::Apply(op, result) => {
                    let right = values.pop().ok_or_else(none)?;
                    let left = values.pop().ok_or_else(none)?;
                    apply(left, *op, right, result)?
                }
            };
            values.push(value);
        }
        values.pop().ok_or_else(none)
    }
}

impl ScalarUDFImpl for Arithmetic {
    fn name(&self) -> &'static str {
        "arithmetic"
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        self.schema_name(args)
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        self.computed(
            |place| args.get(place).map(|operand| operand.schema_name().to_string()),
            |operand| Ok(format!("(- {operand})")),
            |left, op, right, _| Ok(format!("{left} {op} {right}")),
        )
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.result.clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let is_nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name(), self.result.clone(), is_nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let computed = self.computed(
            |place| args.args.get(place).cloned(),
            negated,
            |left, op, right, result| apply(&left, &right, |left, right| applied(left, op, right, result)),
        )?;
        // No step makes a number of NaN: it is enough to look at the last one's.
        Ok(nan::positive(computed))
    }
}

fn negated(value: ColumnarValue) -> Result<ColumnarValue> {
    match value {
        ColumnarValue::Array(array) => Ok(ColumnarValue::Array(numeric::neg(&array)?)),
        ColumnarValue::Scalar(scalar) if scalar.is_null() => Ok(ColumnarValue::Scalar(scalar)),
        ColumnarValue::Scalar(scalar) => {
            let no_room = |_| DataFusionError::from(overflow());
            scalar.arithmetic_negate().map(ColumnarValue::Scalar).map_err(no_room)
        }
    }
}

fn applied(
    left: &dyn Datum,
    op: Operator,
    right: &dyn Datum,
    result: &DataType,
) -> Result<ArrayRef, ArrowError> {
    match op {
        Operator::Plus => with_room(numeric::add(left, right)?),
        Operator::Minus if left.get().0.data_type() == &DataType::Date32 => days_between(left, right),
        Operator::Minus => with_room(numeric::sub(left, right)?),
        Operator::Multiply => with_room(numeric::mul(left, right)?),
        Operator::Divide => divided(left, right, result),
        Operator::Modulo => numeric::rem(left, right),
        Operator::BitwiseShiftLeft | Operator::BitwiseShiftRight => {
            shifted(left, op == Operator::BitwiseShiftLeft, right)
        }
        _ => Err(ArrowError::NotYetImplemented(format!("arithmetic with {op}"))),
    }
}

/// The results, if each has room. A type shorter than the longest has room for every result: it was made so long for that.
fn with_room(results: ArrayRef) -> Result<ArrayRef, ArrowError> {
    match results.data_type() {
        DataType::Decimal128(DECIMAL128_MAX_PRECISION, _)
        | DataType::Decimal256(DECIMAL256_MAX_PRECISION, _) => within(results),
        _ => Ok(results),
    }
}

/// The days from one date to another, as integers of 64 bits: no two dates are too far apart.
fn days_between(left: &dyn Datum, right: &dyn Datum) -> Result<ArrayRef, ArrowError> {
    let days = |side: &dyn Datum| -> Result<Box<dyn Datum>, ArrowError> {
        let (dates, is_one) = side.get();
        let days = cast(dates, &DataType::Int64)?;
        Ok(if is_one { Box::new(Scalar::new(days)) } else { Box::new(days) })
    };
    numeric::sub(days(left)?.as_ref(), days(right)?.as_ref())
}

fn shifted(left: &dyn Datum, is_left: bool, right: &dyn Datum) -> Result<ArrayRef, ArrowError> {
    let shift = |wide: i128, count: i128, bits: u32| {
        let count = u32::try_from(count).ok().filter(|count| *count < bits).ok_or_else(overflow)?;
        Ok::<_, ArrowError>(if is_left { wide << count } else { wide >> count })
    };
    match left.get().0.data_type() {
        DataType::Int8 => shifted_as::<Int8Type>(left, right, shift),
        DataType::Int16 => shifted_as::<Int16Type>(left, right, shift),
        DataType::Int32 => shifted_as::<Int32Type>(left, right, shift),
        DataType::Int64 => shifted_as::<Int64Type>(left, right, shift),
        DataType::UInt8 => shifted_as::<UInt8Type>(left, right, shift),
        DataType::UInt16 => shifted_as::<UInt16Type>(left, right, shift),
        DataType::UInt32 => shifted_as::<UInt32Type>(left, right, shift),
        DataType::UInt64 => shifted_as::<UInt64Type>(left, right, shift),
        other => Err(ArrowError::NotYetImplemented(format!("bits of {other}"))),
    }
}

fn shifted_as<T: ArrowPrimitiveType>(
    left: &dyn Datum,
    right: &dyn Datum,
    shift: impl Fn(i128, i128, u32) -> Result<i128, ArrowError>,
) -> Result<ArrayRef, ArrowError>
where
    T::Native: ArrowNativeTypeOp + Into<i128> + TryFrom<i128>,
{
    let bits = u32::try_from(size_of::<T::Native>() * 8).map_err(|_| overflow())?;
    let shift = |value: T::Native, count: T::Native| {
        let shifted = shift(value.into(), count.into(), bits)?;
        T::Native::try_from(shifted).map_err(|_| overflow())
    };
    let ((lefts, left_is_one), (rights, right_is_one)) = (left.get(), right.get());
    let (lefts, rights) = (lefts.as_primitive::<T>(), rights.as_primitive::<T>());
    let shifted: PrimitiveArray<T> = match (left_is_one, right_is_one) {
        (true, false) if lefts.is_null(0) => PrimitiveArray::new_null(rights.len()),
        (false, true) if rights.is_null(0) => PrimitiveArray::new_null(lefts.len()),
        (true, false) => {
            let value = lefts.value(0);
            try_unary(rights, |count| shift(value, count))?
        }
        (false, true) => {
            let count = rights.value(0);
            try_unary(lefts, |value| shift(value, count))?
        }
        _ => try_binary(lefts, rights, shift)?,
    };
    Ok(Arc::new(shifted))
}
