//! Casts of numbers with a fraction to integers are rounded: halves of decimals and of what was written as one away from zero, those
//! of doubles to the even number, as in PostgreSQL and DuckDB.
//!
//! The engine's fault: it cuts the fraction off, so that `cast(7.9 as int)` is 7.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use datafusion::common::{DFSchema, Result, ScalarValue, internal_err};
use datafusion::functions::math;
use datafusion::logical_expr::{
    Cast, ColumnarValue, Expr, ExprSchemable, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    TryCast, Volatility,
};

/// The cast, what it casts being whole; or the expression as it is.
pub(super) fn rounded(mut expr: Expr, schema: &DFSchema) -> Result<Expr> {
    let (inner, target) = match &mut expr {
        Expr::Cast(Cast { expr, field }) | Expr::TryCast(TryCast { expr, field }) => {
            (expr, field.data_type())
        }
        _ => return Ok(expr),
    };
    if target.is_integer() {
        let found = inner.get_type(schema)?;
        let number = std::mem::take(inner.as_mut());
        **inner = without_fraction(number, &found);
    }
    Ok(expr)
}

fn without_fraction(number: Expr, found: &DataType) -> Expr {
    // One digit more than there are before the point: 9.5 is 10.
    let digits = |precision: u8, scale: i8| precision.saturating_sub(scale.unsigned_abs()).saturating_add(1);
    let whole = match found {
        DataType::Decimal128(precision, scale @ 1..) => DataType::Decimal128(digits(*precision, *scale), 0),
        DataType::Decimal256(precision, scale @ 1..) => DataType::Decimal256(digits(*precision, *scale), 0),
        // The plan may have been here before.
        DataType::Float32 | DataType::Float64 if !is_rounded(&number) => {
            return match number {
                Expr::Literal(..) => math::round().call(vec![number]),
                _ => {
                    let nearest = Nearest { signature: Signature::any(1, Volatility::Immutable) };
                    ScalarUDF::from(nearest).call(vec![number])
                }
            };
        }
        _ => return number,
    };
    Expr::Cast(Cast::new(Box::new(number), whole))
}

fn is_rounded(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarFunction(call) if call.args.len() == 1
        && (call.func.name() == "round" || call.func.inner().is::<Nearest>()))
}

/// The nearest whole number of a float, the even one of two.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Nearest {
    signature: Signature,
}

impl ScalarUDFImpl for Nearest {
    fn name(&self) -> &'static str {
        "nearest"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let [data_type] = arg_types else { return internal_err!("one float") };
        Ok(data_type.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let is_scalar = matches!(args.args.as_slice(), [ColumnarValue::Scalar(_)]);
        let Some(value) = args.args.into_iter().next() else { return internal_err!("one float") };
        let floats = value.into_array(if is_scalar { 1 } else { rows })?;
        let nearest: ArrayRef = match floats.data_type() {
            DataType::Float32 => {
                Arc::new(floats.as_primitive::<Float32Type>().unary::<_, Float32Type>(f32::round_ties_even))
            }
            DataType::Float64 => {
                Arc::new(floats.as_primitive::<Float64Type>().unary::<_, Float64Type>(f64::round_ties_even))
            }
            other => return internal_err!("{other} is no float"),
        };
        match is_scalar {
            true => ScalarValue::try_from_array(&nearest, 0).map(ColumnarValue::Scalar),
            false => Ok(ColumnarValue::Array(nearest)),
        }
    }
}
