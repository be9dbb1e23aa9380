//! A subquery in the place of a value has one row, or the statement ends: the engine refuses to plan what may have more if it
//! names columns from around it, and has words of its own for the others when they run.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::common::{DataFusionError, Result, ScalarValue, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::error::{Error, ErrorKind};

const SEVERAL_ROWS: &str =
    "a subquery in the place of a value gives more than one row; aggregate it, or add LIMIT 1";

/// What the engine says of it while it runs.
const ENGINES_WORDS: &str = "Scalar subquery returned more than one row";

/// The value of a subquery's row.
///
/// # Arguments
/// * `rows` - how many there are, a bigint.
pub(super) fn only(value: Expr, rows: Expr) -> Expr {
    ScalarUDF::from(OneRow { signature: Signature::any(2, Volatility::Immutable) }).call(vec![value, rows])
}

/// Gives its first argument back, unless its second is more than 1.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct OneRow {
    signature: Signature,
}

impl ScalarUDFImpl for OneRow {
    fn name(&self) -> &'static str {
        "one_row"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let [value, _] = arg_types else { return internal_err!("a value and a number of rows") };
        Ok(value.clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let [value, _] = args.arg_fields else { return internal_err!("a value and a number of rows") };
        Ok(FieldRef::clone(value))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Ok([value, rows]) = <[ColumnarValue; 2]>::try_from(args.args) else {
            return internal_err!("a value and a number of rows");
        };
        let are_many = match &rows {
            ColumnarValue::Scalar(ScalarValue::Int64(rows)) => rows.is_some_and(|rows| rows > 1),
            ColumnarValue::Scalar(_) => false,
            ColumnarValue::Array(rows) => match rows.as_primitive_opt::<Int64Type>() {
                Some(counts) => (0..counts.len()).any(|row| counts.is_valid(row) && counts.value(row) > 1),
                None => return internal_err!("a number of rows is a bigint"),
            },
        };
        if are_many { Err(several_rows()) } else { Ok(value) }
    }
}

fn several_rows() -> DataFusionError {
    Error::new(ErrorKind::InvalidRequest, SEVERAL_ROWS).into()
}

/// The same error for the engine's words about a running query, which quote nothing.
///
/// # Arguments
/// * `words` - of an error while a query ran.
pub(crate) fn of_several_rows(words: &str) -> Option<Error> {
    words.starts_with(ENGINES_WORDS).then(|| Error::new(ErrorKind::InvalidRequest, SEVERAL_ROWS))
}
