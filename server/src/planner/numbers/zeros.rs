//! The two zeros of doubles are equal, as `=` has them: in `nullif`, in lists, and in the branches of a CASE.
//!
//! The engine's fault: there it compares bits, and -0 has others than 0.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::compute::nullif;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    lit,
};
use datafusion::physical_expr_common::datum::apply_cmp;

/// The function, with equal zeros if it is `nullif`.
pub(super) fn equal(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    match function.name() {
        "nullif" => Arc::new(ScalarUDF::from(NullIf(function))),
        _ => function,
    }
}

/// A list in which both zeros are if one is.
pub(super) fn with_both(list: &mut Vec<Expr>) {
    let zeros: Vec<f64> = list.iter().filter_map(zero).collect();
    for sign in [0.0_f32, -0.0] {
        let is_there = zeros.iter().any(|zero| zero.is_sign_negative() == sign.is_sign_negative());
        if !zeros.is_empty() && !is_there {
            // Of the shortest type, so that the others of the list stay what they are.
            list.push(lit(sign));
        }
    }
}

/// Branches of a CASE of a double in which both zeros are if one is: the engine looks constants up by their bits.
pub(super) fn with_both_branches(branches: &mut Vec<(Box<Expr>, Box<Expr>)>) {
    let found = branches.iter().enumerate().find_map(|(place, (when, _))| Some((place, zero(when)?)));
    if let Some((place, zero)) = found {
        let other = if zero.is_sign_negative() { 0.0_f32 } else { -0.0 };
        let next = branches.get(place + 1).and_then(|(when, _)| self::zero(when));
        // The plan may have been here before.
        if next.is_none_or(|next| next.is_sign_negative() != other.is_sign_negative()) {
            let then = branches[place].1.clone();
            branches.insert(place + 1, (Box::new(lit(other)), then));
        }
    }
}

/// The zero that a constant is.
fn zero(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Cast(cast) => zero(&cast.expr),
        Expr::Literal(value, _) if value.data_type().is_numeric() => {
            match value.cast_to(&DataType::Float64).ok()? {
                ScalarValue::Float64(number) => number.filter(|number| *number == 0.0),
                _ => None,
            }
        }
        _ => None,
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct NullIf(Arc<ScalarUDF>);

impl ScalarUDFImpl for NullIf {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn aliases(&self) -> &[String] {
        self.0.aliases()
    }

    fn signature(&self) -> &Signature {
        self.0.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.0.return_type(arg_types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [value, other] if value.data_type().is_floating() => {
                let is_equal = apply_cmp(Operator::Eq, value, other)?;
                if let (ColumnarValue::Scalar(value), ColumnarValue::Scalar(is_equal)) = (value, &is_equal) {
                    let is_null = *is_equal == ScalarValue::Boolean(Some(true));
                    let null = ScalarValue::try_from(&value.data_type())?;
                    return Ok(ColumnarValue::Scalar(if is_null { null } else { value.clone() }));
                }
                let is_equal = is_equal.into_array(args.number_rows)?;
                let values = value.to_array(args.number_rows)?;
                Ok(ColumnarValue::Array(nullif(&values, is_equal.as_boolean())?))
            }
            _ => self.0.invoke_with_args(args),
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.0.documentation()
    }
}
