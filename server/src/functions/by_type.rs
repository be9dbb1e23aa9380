//! Functions that lists and other values have in common in SQL, and that are two in the engine: `concat`, `contains`,
//! `element_at` and `reverse`. And `to_hex`, which Trino has for bytes and the engine for numbers.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::functions::{string, unicode};
use datafusion::functions_nested::{array_has, concat, extract, map_extract, reverse};
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// See the file's head.
pub(super) fn functions() -> Vec<ScalarUDF> {
    vec![
        either("concat", is_list, concat::array_concat_udf(), string::concat()),
        either("contains", is_list, array_has::array_has_udf(), string::contains()),
        either("element_at", is_list, extract::array_element_udf(), map_extract::map_extract_udf()),
        either("reverse", is_list, reverse::array_reverse_udf(), unicode::reverse()),
        either("to_hex", is_binary, Arc::new(ScalarUDF::from(HexOfBytes::new())), string::to_hex()),
    ]
}

fn either(
    name: &'static str,
    is_first: fn(&DataType) -> bool,
    first: Arc<ScalarUDF>,
    second: Arc<ScalarUDF>,
) -> ScalarUDF {
    let signature = Signature::user_defined(Volatility::Immutable);
    ScalarUDF::from(Either { name, is_first, first, second, signature })
}

fn is_list(data_type: &DataType) -> bool {
    matches!(data_type, DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..))
}

fn is_binary(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_)
    )
}

/// One of two functions, by the type of the first argument.
#[derive(Debug)]
struct Either {
    name: &'static str,
    is_first: fn(&DataType) -> bool,
    first: Arc<ScalarUDF>,
    second: Arc<ScalarUDF>,
    signature: Signature,
}

impl Either {
    fn of(&self, argument: Option<&DataType>) -> &Arc<ScalarUDF> {
        if argument.is_some_and(self.is_first) { &self.first } else { &self.second }
    }
}

impl PartialEq for Either {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Either {}

impl Hash for Either {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Either {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let fields: Vec<FieldRef> =
            given.iter().map(|given| Arc::new(Field::new("argument", given.clone(), true))).collect();
        let coerced = fields_with_udf(&fields, self.of(given.first()).as_ref())?;
        Ok(coerced.iter().map(|field| field.data_type().clone()).collect())
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        self.of(given.first()).return_type(given)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.of(args.arg_fields.first().map(|field| field.data_type())).return_field_from_args(args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let first = args.args.first().map(ColumnarValue::data_type);
        self.of(first.as_ref()).invoke_with_args(args)
    }
}

/// Bytes as hexadecimal digits, in capitals.
#[derive(Debug, PartialEq, Eq, Hash)]
struct HexOfBytes {
    signature: Signature,
}

impl HexOfBytes {
    fn new() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for HexOfBytes {
    fn name(&self) -> &'static str {
        "to_hex"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Scalar(value)] => {
                let digits = in_digits(&value.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&digits, 0)?))
            }
            [ColumnarValue::Array(array)] => Ok(ColumnarValue::Array(in_digits(array)?)),
            _ => Err(super::refused("to_hex takes one argument")),
        }
    }
}

fn in_digits(array: &ArrayRef) -> Result<ArrayRef> {
    let bytes = cast(array, &DataType::Binary)?;
    let bytes = bytes.as_binary::<i32>();
    // A slice has the bytes of the whole beside it.
    let length = bytes.iter().flatten().map(<[u8]>::len).sum::<usize>();
    let mut digits = StringBuilder::with_capacity(bytes.len(), length * 2);
    for value in bytes {
        digits.append_option(value.map(hex::encode_upper));
    }
    Ok(Arc::new(digits.finish()))
}
