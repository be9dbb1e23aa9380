//! [`Kernel`]: a function that is computed row by row.
//!
//! Arguments are brought to the types that a kernel names before it is called. A constant stays one value, however many rows
//! there are; a call of constants alone is computed once.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{ArrayAccessor, ArrayRef, AsArray, Float64Array, Int64Array, StringViewArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::typeof_name::name_of;

/// What an argument is brought to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// A text, as views.
    Text,
    /// A whole number of 64 bits.
    Whole,
    /// A double.
    Double,
    /// A whole number of 64 bits, or a double for everything else that is a number.
    Number,
    /// A date, or a timestamp of microseconds.
    Moment,
    /// A list of 32-bit offsets.
    List,
    /// Whatever it is.
    Any,
}

/// A function and what it takes.
#[derive(Debug)]
pub(super) struct Kernel {
    pub(super) name: &'static str,
    pub(super) arguments: &'static [Kind],
    /// How many of the arguments must be there.
    pub(super) required: usize,
    /// The type of the result, from those of the arguments.
    pub(super) returns: fn(&[DataType]) -> DataType,
    pub(super) call: fn(&Arguments) -> Result<ArrayRef>,
}

/// The kernel as the planner calls it.
pub(super) fn function(kernel: &'static Kernel) -> ScalarUDF {
    ScalarUDF::from(Function { kernel, signature: Signature::user_defined(Volatility::Immutable) })
}

/// The type of the first argument.
pub(super) fn as_first(given: &[DataType]) -> DataType {
    given.first().cloned().unwrap_or(DataType::Null)
}

pub(super) fn whole(_: &[DataType]) -> DataType {
    DataType::Int64
}

pub(super) fn text(_: &[DataType]) -> DataType {
    DataType::Utf8
}

pub(super) fn texts(_: &[DataType]) -> DataType {
    DataType::new_list(DataType::Utf8, true)
}

pub(super) fn truth(_: &[DataType]) -> DataType {
    DataType::Boolean
}

/// The arguments of one call.
pub(super) struct Arguments {
    columns: Vec<(ArrayRef, bool)>,
    pub(super) rows: usize,
}

/// One argument: a value for each row, or one for all of them.
pub(super) struct Values<A> {
    array: A,
    is_constant: bool,
}

impl<A: ArrayAccessor> Values<A> {
    /// The value of a row; `None` for NULL.
    pub(super) fn get(&self, row: usize) -> Option<A::Item> {
        let row = if self.is_constant { 0 } else { row };
        (!self.array.is_null(row)).then(|| self.array.value(row))
    }
}

impl Arguments {
    /// Whether an argument that may be left out is there.
    pub(super) fn has(&self, place: usize) -> bool {
        place < self.columns.len()
    }

    pub(super) fn texts(&self, place: usize) -> Values<&StringViewArray> {
        let (array, is_constant) = &self.columns[place];
        Values { array: array.as_string_view(), is_constant: *is_constant }
    }

    pub(super) fn wholes(&self, place: usize) -> Values<&Int64Array> {
        let (array, is_constant) = &self.columns[place];
        Values { array: array.as_primitive::<Int64Type>(), is_constant: *is_constant }
    }

    pub(super) fn doubles(&self, place: usize) -> Values<&Float64Array> {
        let (array, is_constant) = &self.columns[place];
        Values { array: array.as_primitive::<Float64Type>(), is_constant: *is_constant }
    }

    /// An argument as an array, and whether its one value stands for all rows.
    pub(super) fn array(&self, place: usize) -> (&ArrayRef, bool) {
        let (array, is_constant) = &self.columns[place];
        (array, *is_constant)
    }
}

#[derive(Debug)]
struct Function {
    kernel: &'static Kernel,
    signature: Signature,
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.kernel.name == other.kernel.name
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.kernel.name.hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.kernel.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let Kernel { name, arguments, required, .. } = self.kernel;
        if given.len() < *required || given.len() > arguments.len() {
            return plan_err!("the function {name} takes {required} to {} arguments", arguments.len());
        }
        let brought = |(place, (kind, given)): (usize, (&Kind, &DataType))| match brought(*kind, given) {
            Some(data_type) => Ok(data_type),
            None => plan_err!(
                "the function {name} does not take {} as its argument {}",
                name_of(given),
                place + 1
            ),
        };
        arguments.iter().zip(given).enumerate().map(brought).collect()
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        Ok((self.kernel.returns)(given))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = args.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let column = |argument: ColumnarValue| match argument {
            ColumnarValue::Array(array) => Ok((array, false)),
            ColumnarValue::Scalar(value) => Ok((value.to_array()?, true)),
        };
        let columns = args.args.into_iter().map(column).collect::<Result<_>>()?;
        let rows = if is_constant { 1 } else { args.number_rows };
        let result = (self.kernel.call)(&Arguments { columns, rows })?;
        Ok(match is_constant {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?),
            false => ColumnarValue::Array(result),
        })
    }
}

fn brought(kind: Kind, given: &DataType) -> Option<DataType> {
    let is_text = matches!(given, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let is_null = given.is_null();
    let micros = |zone: Option<Arc<str>>| DataType::Timestamp(TimeUnit::Microsecond, zone);
    match kind {
        Kind::Text => (is_text || is_null).then_some(DataType::Utf8View),
        Kind::Whole => (given.is_integer() || is_null).then_some(DataType::Int64),
        Kind::Double => (given.is_numeric() || is_null).then_some(DataType::Float64),
        Kind::Number if given.is_integer() || is_null => Some(DataType::Int64),
        Kind::Number => given.is_numeric().then_some(DataType::Float64),
        Kind::Moment => match given {
            DataType::Date32 => Some(DataType::Date32),
            DataType::Timestamp(_, zone) => Some(micros(zone.clone())),
            DataType::Date64 => Some(micros(None)),
            _ if is_text || is_null => Some(micros(None)),
            _ => None,
        },
        Kind::List => match given {
            DataType::List(_) => Some(given.clone()),
            DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
                Some(DataType::List(Arc::clone(item)))
            }
            _ => is_null.then(|| DataType::new_list(DataType::Null, true)),
        },
        Kind::Any => Some(given.clone()),
    }
}

/// A result of whole numbers, one for each row.
///
/// # Errors
/// The computation's.
pub(super) fn of_wholes(rows: usize, value: impl FnMut(usize) -> Result<Option<i64>>) -> Result<ArrayRef> {
    let values = (0..rows).map(value).collect::<Result<Int64Array>>()?;
    Ok(Arc::new(values))
}
