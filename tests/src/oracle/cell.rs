//! One cell of a batch as a plain value.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, FieldRef, Fields, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type,
};

use super::OracleError;
use super::number::Number;

/// What kind of values a column has, whatever arrow's layout for them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Text,
    Whole,
    Decimal,
    Single,
    Double,
    Boolean,
    Date,
}

/// A value that is not NULL.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Value {
    Text(String),
    Number(Number),
    Float(f64),
    Boolean(bool),
    /// Days since 1970-01-01.
    Date(i32),
}

/// The kind of a column or nested field.
pub(super) fn kind(path: &[String], batch: &RecordBatch) -> Result<Kind, OracleError> {
    let field = find(path, batch.schema_ref().fields())?;
    let declared =
        field.metadata().get("__CHAR_VARCHAR_TYPE_STRING").map(|declared| declared.to_ascii_lowercase());
    if declared.is_some_and(|declared| declared.trim_start().starts_with("char")) {
        return Err(OracleError::Type);
    }
    kind_of(field.data_type())
}

fn kind_of(data_type: &DataType) -> Result<Kind, OracleError> {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Ok(Kind::Text),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => Ok(Kind::Whole),
        DataType::Decimal128(_, scale) if *scale >= 0 => Ok(Kind::Decimal),
        DataType::Float32 => Ok(Kind::Single),
        DataType::Float64 => Ok(Kind::Double),
        DataType::Boolean => Ok(Kind::Boolean),
        DataType::Date32 => Ok(Kind::Date),
        DataType::Dictionary(_, values) => kind_of(values),
        _ => Err(OracleError::Type),
    }
}

/// The one field that a path means. A dotted name is looked for in both readings: as a path, and as one name.
fn find<'a>(path: &[String], fields: &'a Fields) -> Result<&'a Field, OracleError> {
    let mut all = Vec::new();
    list(fields, "", 1, &mut all);
    let dotted = path.join(".");
    let mut matching = all.iter().filter(|(name, _, _)| name.eq_ignore_ascii_case(&dotted));
    match (matching.next(), matching.next()) {
        (Some((_, depth, field)), None) if *depth == path.len() => Ok(field),
        _ => Err(OracleError::Column),
    }
}

/// Every column and struct field with its dotted name and its depth.
fn list<'a>(fields: &'a Fields, prefix: &str, depth: usize, all: &mut Vec<(String, usize, &'a FieldRef)>) {
    for field in fields {
        let name = format!("{prefix}{}", field.name());
        if let DataType::Struct(children) = field.data_type() {
            list(children, &format!("{name}."), depth + 1, all);
        }
        all.push((name, depth, field));
    }
}

/// The value of a column or nested field in one row; `None` is NULL.
pub(super) fn value(path: &[String], batch: &RecordBatch, row: usize) -> Result<Option<Value>, OracleError> {
    let (first, rest) = path.split_first().ok_or(OracleError::Column)?;
    let position = position(first, batch.schema_ref().fields())?;
    let mut array = batch.column(position);
    for name in rest {
        if array.is_null(row) {
            return Ok(None);
        }
        let parent = array.as_struct_opt().ok_or(OracleError::Column)?;
        array = parent.column(self::position(name, parent.fields())?);
    }
    read(array.as_ref(), row)
}

fn position(name: &str, fields: &Fields) -> Result<usize, OracleError> {
    fields.iter().position(|field| field.name().eq_ignore_ascii_case(name)).ok_or(OracleError::Column)
}

fn read(array: &dyn Array, row: usize) -> Result<Option<Value>, OracleError> {
    if array.is_null(row) {
        return Ok(None);
    }
    let whole = |value: i128| Value::Number(Number::from_unscaled(value, 0));
    let value = match array.data_type() {
        DataType::Utf8 => Value::Text(array.as_string::<i32>().value(row).to_owned()),
        DataType::LargeUtf8 => Value::Text(array.as_string::<i64>().value(row).to_owned()),
        DataType::Utf8View => Value::Text(array.as_string_view().value(row).to_owned()),
        DataType::Int8 => whole(array.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => whole(array.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => whole(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => whole(array.as_primitive::<Int64Type>().value(row).into()),
        DataType::Decimal128(_, scale) => {
            let scale = usize::try_from(*scale).map_err(|_| OracleError::Type)?;
            Value::Number(Number::from_unscaled(array.as_primitive::<Decimal128Type>().value(row), scale))
        }
        DataType::Float32 => Value::Float(array.as_primitive::<Float32Type>().value(row).into()),
        DataType::Float64 => Value::Float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => Value::Boolean(array.as_boolean().value(row)),
        DataType::Date32 => Value::Date(array.as_primitive::<Date32Type>().value(row)),
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary();
            let key = dictionary.normalized_keys().get(row).copied().ok_or(OracleError::Type)?;
            return read(dictionary.values().as_ref(), key);
        }
        _ => return Err(OracleError::Type),
    };
    Ok(Some(value))
}
