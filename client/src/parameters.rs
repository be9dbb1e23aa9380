//! Values for the placeholders of a prepared statement.
//!
//! Flight SQL binds by position: the names of the columns that carry the values mean nothing.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array,
    Int64Array, RecordBatch, RecordBatchOptions, StringArray, UInt8Array, UInt16Array, UInt32Array,
    UInt64Array,
};
use arrow::datatypes::{Field, Schema};

use crate::error::ClientError;

/// One value with its type. Made from Rust's own types, from an [`Option`] of one (`None` is NULL), or with
/// [`Parameter::from_array`] from any type of Arrow.
#[derive(Clone, Debug)]
pub struct Parameter(ArrayRef);

impl Parameter {
    /// The only value of an array, for types that Rust has no word for: decimals, dates, timestamps, lists.
    ///
    /// # Errors
    /// [`ClientError::Parameter`] unless the array has exactly one value.
    pub fn from_array(array: ArrayRef) -> Result<Self, ClientError> {
        if array.len() != 1 {
            return Err(ClientError::Parameter);
        }
        Ok(Self(array))
    }
}

/// Values in the order of the placeholders: `$1` is the first. `()` is no value, and an array of one Rust type is
/// as many values.
///
/// ```
/// use lakegate_client::Parameters;
///
/// let by_type = Parameters::new().bind(3_i64).bind("EUROPE").bind(None::<f64>);
/// let all_alike = Parameters::from([1_i64, 2, 3]);
/// # assert_eq!((by_type.len(), all_alike.len()), (3, 3));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Parameters(Vec<Parameter>);

impl Parameters {
    /// No value yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the value of the next placeholder.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Parameter>) -> Self {
        self.0.push(value.into());
        self
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One row that holds the values, as it is sent to the server.
    pub(crate) fn into_row(self) -> Result<RecordBatch, ClientError> {
        let columns: Vec<ArrayRef> = self.0.into_iter().map(|parameter| parameter.0).collect();
        let field = |(index, array): (usize, &ArrayRef)| {
            Field::new(index.to_string(), array.data_type().clone(), true)
        };
        let schema = Schema::new(columns.iter().enumerate().map(field).collect::<Vec<_>>());
        let options = RecordBatchOptions::new().with_row_count(Some(1));
        Ok(RecordBatch::try_new_with_options(Arc::new(schema), columns, &options)?)
    }
}

impl From<()> for Parameters {
    fn from((): ()) -> Self {
        Self::new()
    }
}

impl<P: Into<Parameter>, const COUNT: usize> From<[P; COUNT]> for Parameters {
    fn from(values: [P; COUNT]) -> Self {
        Self(values.into_iter().map(Into::into).collect())
    }
}

/// Makes parameters of a Rust type, and of an option of it, by an Arrow array of that type.
macro_rules! parameter_from {
    ($($rust:ty => $array:ty),* $(,)?) => {$(
        impl From<$rust> for Parameter {
            fn from(value: $rust) -> Self {
                Self::from(Some(value))
            }
        }

        impl From<Option<$rust>> for Parameter {
            fn from(value: Option<$rust>) -> Self {
                Self(Arc::new(<$array>::from(vec![value])))
            }
        }
    )*};
}

parameter_from! {
    bool => BooleanArray,
    i8 => Int8Array,
    i16 => Int16Array,
    i32 => Int32Array,
    i64 => Int64Array,
    u8 => UInt8Array,
    u16 => UInt16Array,
    u32 => UInt32Array,
    u64 => UInt64Array,
    f32 => Float32Array,
    f64 => Float64Array,
    &str => StringArray,
    String => StringArray,
    &[u8] => BinaryArray,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed call fails the test")]

    use arrow::array::{AsArray, Date32Array};
    use arrow::datatypes::DataType;

    use super::*;

    #[test]
    fn values_become_one_row_in_their_order_with_their_types() {
        let parameters = Parameters::new().bind(3_i64).bind("x").bind(None::<f64>).bind(true);
        let row = parameters.into_row().unwrap();
        assert_eq!(row.num_rows(), 1);
        let types: Vec<DataType> =
            row.schema().fields().iter().map(|field| field.data_type().clone()).collect();
        assert_eq!(types, [DataType::Int64, DataType::Utf8, DataType::Float64, DataType::Boolean]);
        assert_eq!(row.column(1).as_string::<i32>().value(0), "x");
        assert_eq!(row.column(2).null_count(), 1);
    }

    #[test]
    fn an_array_is_a_parameter_if_it_is_one_value() {
        let day = Parameter::from_array(Arc::new(Date32Array::from(vec![1]))).unwrap();
        assert_eq!(Parameters::new().bind(day).into_row().unwrap().column(0).data_type(), &DataType::Date32);
        for wrong in [vec![], vec![1, 2]] {
            let refused = Parameter::from_array(Arc::new(Date32Array::from(wrong)));
            assert!(matches!(refused, Err(ClientError::Parameter)));
        }
    }
}
