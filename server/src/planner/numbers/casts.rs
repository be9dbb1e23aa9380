//! Casts that change what they cast, kept where they stand.
//!
//! The engine's fault: it takes a cast out of `cast(x as t) = constant` wherever the constant can be brought to the type of `x`,
//! in the plan, in lists, and in pruning, for TRY_CAST as well. That is right only if the cast keeps all values apart and never
//! fails: `cast(7.20 as int) = 7` is not `7.20 = 7.00`. Such casts go through a function that the engine does not look into.

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{DFSchema, Result, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};

use super::mixed::whole_digits;

/// The cast as it is to be planned.
pub(super) fn kept(cast: Expr, schema: &DFSchema) -> Result<Expr> {
    let (inner, target) = match &cast {
        Expr::Cast(cast) => (&cast.expr, cast.field.data_type()),
        Expr::TryCast(cast) => (&cast.expr, cast.field.data_type()),
        _ => return Ok(cast),
    };
    // Others are not taken out.
    if !is_counted(target) || matches!(inner.as_ref(), Expr::Literal(..)) {
        return Ok(cast);
    }
    let source = inner.get_type(schema)?;
    if !is_counted(&source) || keeps_apart(&source, target) {
        return Ok(cast);
    }
    Ok(ScalarUDF::from(Kept { signature: Signature::any(1, Volatility::Immutable) }).call(vec![cast]))
}

/// Whether values of a type are integers inside, as those of decimals and times are.
fn is_counted(data_type: &DataType) -> bool {
    data_type.is_integer()
        || data_type.is_decimal()
        || matches!(data_type, DataType::Date32 | DataType::Date64 | DataType::Timestamp(_, _))
}

/// Whether a cast gives each value another one in the same order, and fails for none.
fn keeps_apart(source: &DataType, target: &DataType) -> bool {
    match (source, target) {
        (DataType::Timestamp(_, from), DataType::Timestamp(_, to)) => is_utc(from) == is_utc(to),
        (DataType::Decimal128(from, from_scale), DataType::Decimal128(to, to_scale)) => {
            let whole = |precision: u8, scale: i8| i16::from(precision) - i16::from(scale);
            to_scale >= from_scale && whole(*to, *to_scale) >= whole(*from, *from_scale)
        }
        (integer, DataType::Decimal128(precision, scale)) if integer.is_integer() => {
            whole_digits(integer).is_some_and(|digits| i16::from(*precision) - i16::from(*scale) >= digits)
        }
        (from, to) if from.is_integer() && to.is_integer() => {
            let (from_width, to_width) = (from.primitive_width(), to.primitive_width());
            match (from.is_signed_integer(), to.is_signed_integer()) {
                (true, false) => false,
                (false, true) => from_width < to_width,
                _ => from_width <= to_width,
            }
        }
        _ => source == target,
    }
}

/// `None` for another clock than that of UTC, which times without a zone are read by too.
fn is_utc(zone: &Option<std::sync::Arc<str>>) -> bool {
    zone.as_deref().is_none_or(|zone| matches!(zone, "UTC" | "+00:00"))
}

/// Gives its argument back, a cast.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Kept {
    signature: Signature,
}

impl ScalarUDFImpl for Kept {
    fn name(&self) -> &'static str {
        "kept"
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        self.schema_name(args)
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let [cast] = args else { return internal_err!("one cast") };
        // The engine's name of a cast is that of what it casts, beside which it would be refused; its own joins and
        // projections know a cast when they see one, and give it another name, but not this function.
        Ok(cast.to_string())
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let [data_type] = arg_types else { return internal_err!("one cast") };
        Ok(data_type.clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let [field] = args.arg_fields else { return internal_err!("one cast") };
        Ok(FieldRef::clone(field))
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.pop() {
            Some(value) => Ok(value),
            None => internal_err!("one cast"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_casts_that_keep_all_values_apart_may_be_taken_out() {
        let decimal = DataType::Decimal128;
        for (source, target, keeps) in [
            (DataType::Int32, DataType::Int64, true),
            (DataType::Int64, DataType::Int32, false),
            (DataType::Int64, DataType::UInt64, false),
            (DataType::UInt32, DataType::Int64, true),
            (DataType::UInt64, DataType::Int64, false),
            (DataType::Int64, decimal(19, 0), true),
            (DataType::Int64, decimal(20, 2), false),
            (decimal(10, 2), decimal(12, 4), true),
            (decimal(10, 2), decimal(12, 5), false),
            (decimal(10, 2), decimal(10, 1), false),
            (decimal(10, 2), DataType::Int64, false),
            (DataType::Date32, DataType::Int32, false),
        ] {
            assert_eq!(keeps_apart(&source, &target), keeps, "{source} as {target}");
        }
    }
}
