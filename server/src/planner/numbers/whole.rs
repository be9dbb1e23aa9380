//! Casts of numbers with a fraction to integers are rounded, halves away from zero, as decimals are in PostgreSQL, DuckDB and Trino.
//!
//! The engine's fault: it cuts the fraction off, so that `cast(7.9 as int)` is 7.

use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, Result};
use datafusion::functions::math;
use datafusion::logical_expr::{Cast, Expr, ExprSchemable, TryCast};

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
            return math::round().call(vec![number]);
        }
        _ => return number,
    };
    Expr::Cast(Cast::new(Box::new(number), whole))
}

fn is_rounded(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarFunction(call) if call.func.name() == "round" && call.args.len() == 1)
}
