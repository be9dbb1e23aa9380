//! The lengths of `varchar(n)` and `char(n)`, and the digits of `float(n)`.
//!
//! The engine's fault: it reads them and drops them. Here a text is cut to n characters, and one of `char(n)` filled up with
//! spaces, as the SQL standard has it; what is no text and has more characters is an error, or NULL for TRY_CAST. The length
//! travels from the type that was written to the cast as metadata, and ends there.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringViewArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{DFSchema, Result, internal_err, plan_err};
use datafusion::functions::unicode;
use datafusion::logical_expr::{
    Cast, ColumnarValue, Expr, ExprSchemable, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, TryCast, Volatility, lit,
};
use datafusion::sql::sqlparser::ast::{
    BinaryLength, CharLengthUnits, CharacterLength, DataType as SqlType, ExactNumberInfo,
};

use crate::error::{Error, ErrorKind};

/// Under which a type has its length.
const LENGTH: &str = "lakegate.length";
/// Under which a type says that it is always so long.
const IS_FILLED: &str = "lakegate.filled";

/// Longest `char(n)`: each value is filled up to it.
const LONGEST_FILLED: u64 = 65_536;

/// The type of SQL text or number, if the engine would drop a part of it.
///
/// # Errors
/// Of the planner, for a length that is not supported.
pub(crate) fn type_with_length(sql_type: &SqlType) -> Result<Option<FieldRef>> {
    let (length, is_filled) = match sql_type {
        SqlType::Varchar(Some(length))
        | SqlType::CharacterVarying(Some(length))
        | SqlType::CharVarying(Some(length))
        | SqlType::Nvarchar(Some(length)) => (length, false),
        SqlType::Char(Some(length)) | SqlType::Character(Some(length)) => (length, true),
        SqlType::Float(ExactNumberInfo::Precision(digits)) if *digits > 24 => {
            return Ok(Some(Arc::new(Field::new("", DataType::Float64, true))));
        }
        SqlType::Binary(Some(_))
        | SqlType::Blob(Some(_))
        | SqlType::Varbinary(Some(BinaryLength::IntegerLength { .. })) => {
            return plan_err!("bytes have no length in a cast: write substr(…) for a part of them");
        }
        _ => return Ok(None),
    };
    let length = match length {
        CharacterLength::IntegerLength { length, unit: None | Some(CharLengthUnits::Characters) } => *length,
        CharacterLength::IntegerLength { .. } => return plan_err!("a text's length is in characters"),
        CharacterLength::Max => return Ok(Some(Arc::new(Field::new("", DataType::Utf8View, true)))),
    };
    if length == 0 || (is_filled && length > LONGEST_FILLED) {
        return plan_err!("a text's length is at least 1, and that of char(n) at most {LONGEST_FILLED}");
    }
    let mut metadata = HashMap::from([(LENGTH.to_owned(), length.to_string())]);
    if is_filled {
        metadata.insert(IS_FILLED.to_owned(), String::new());
    }
    Ok(Some(Arc::new(Field::new("", DataType::Utf8View, true).with_metadata(metadata))))
}

/// The cast, its length applied.
pub(super) fn applied(cast: Expr, schema: &DFSchema) -> Result<Expr> {
    let (inner, field, is_tried) = match &cast {
        Expr::Cast(cast) => (&cast.expr, &cast.field, false),
        Expr::TryCast(cast) => (&cast.expr, &cast.field, true),
        _ => return Ok(cast),
    };
    let Some(length) = field.metadata().get(LENGTH).and_then(|length| length.parse::<i64>().ok()) else {
        return Ok(cast);
    };
    let data_type = field.data_type().clone();
    let is_filled = field.metadata().contains_key(IS_FILLED);
    let source = inner.get_type(schema)?;
    let inner = inner.clone();
    let text = match is_tried {
        true => Expr::TryCast(TryCast::new(inner, data_type)),
        false => Expr::Cast(Cast::new(inner, data_type)),
    };
    let short = if source.is_string() || source.is_null() {
        unicode::substr().call(vec![text, lit(1_i64), lit(length)])
    } else {
        let signature = Signature::any(1, Volatility::Immutable);
        ScalarUDF::from(Fits { length, is_tried, signature }).call(vec![text])
    };
    if !is_filled {
        return Ok(short);
    }
    // Its own texts have another layout.
    let filled = unicode::rpad().call(vec![short, lit(length)]);
    Ok(Expr::Cast(Cast::new(Box::new(filled), DataType::Utf8View)))
}

/// Gives a text back if it has no more characters.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Fits {
    length: i64,
    /// A longer one is NULL and no error.
    is_tried: bool,
    signature: Signature,
}

impl ScalarUDFImpl for Fits {
    fn name(&self) -> &'static str {
        "fits"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let [data_type] = arg_types else { return internal_err!("one text") };
        Ok(data_type.clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let [field] = args.arg_fields else { return internal_err!("one text") };
        let is_nullable = field.is_nullable() || self.is_tried;
        Ok(Arc::new(Field::new(self.name(), field.data_type().clone(), is_nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [texts] = args.args.as_slice() else { return internal_err!("one text") };
        let texts = texts.to_array(args.number_rows)?;
        let Some(texts) = texts.as_string_view_opt() else { return internal_err!("no text") };
        let fits = |text: &str| i64::try_from(text.chars().count()).is_ok_and(|count| count <= self.length);
        if texts.iter().flatten().all(fits) {
            return Ok(ColumnarValue::Array(Arc::new(texts.clone())));
        }
        if !self.is_tried {
            let public = "a value has more characters than the type that it is cast to; take a longer one";
            return Err(Error::new(ErrorKind::InvalidRequest, public).into());
        }
        let short: StringViewArray = texts.iter().map(|text| text.filter(|text| fits(text))).collect();
        Ok(ColumnarValue::Array(Arc::new(short) as ArrayRef))
    }
}
