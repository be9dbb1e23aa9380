//! The table of SqlInfo with the names that Java reads.
//!
//! arrow-flight calls what is inside of its map `keys` and `values`. Arrow's Java looks for `key` and `value`, by name, and finds an
//! empty map otherwise. The values themselves stay as they are.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayData, ArrayRef, RecordBatch, make_array};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, UnionFields};
use arrow::error::ArrowError;
use arrow_flight::sql::metadata::SqlInfoDataBuilder;

/// The columns of SqlInfo.
pub(crate) static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let fields = SqlInfoDataBuilder::schema().fields().iter();
    let named: Vec<Field> = fields.map(|field| with_type(field, named(field.data_type()))).collect();
    Arc::new(Schema::new(named))
});

/// The same table under [`SCHEMA`].
///
/// # Errors
/// Only a defect: if the table is no table of SqlInfo.
pub(super) fn with_names(table: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns = table.columns().iter().zip(SCHEMA.fields());
    let columns =
        columns.map(|(column, field)| Ok(make_array(retyped(&column.to_data(), field.data_type())?)));
    RecordBatch::try_new(Arc::clone(&SCHEMA), columns.collect::<Result<Vec<ArrayRef>, ArrowError>>()?)
}

fn named(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Union(fields, mode) => {
            let field =
                |(id, field): (i8, &FieldRef)| (id, Arc::new(with_type(field, named(field.data_type()))));
            DataType::Union(fields.iter().map(field).collect::<UnionFields>(), *mode)
        }
        DataType::Map(entries, is_sorted) => {
            let DataType::Struct(fields) = entries.data_type() else { return data_type.clone() };
            let names = ["key", "value"].into_iter().zip(fields);
            let fields = names.map(|(name, field)| field.as_ref().clone().with_name(name)).collect();
            DataType::Map(Arc::new(with_type(entries, DataType::Struct(fields))), *is_sorted)
        }
        other => other.clone(),
    }
}

fn with_type(field: &Field, data_type: DataType) -> Field {
    field.clone().with_data_type(data_type)
}

/// The same bytes as a type that differs in names alone.
fn retyped(data: &ArrayData, data_type: &DataType) -> Result<ArrayData, ArrowError> {
    let inner: Vec<&DataType> = match data_type {
        DataType::Union(fields, _) => fields.iter().map(|(_, field)| field.data_type()).collect(),
        DataType::Map(item, _) | DataType::List(item) => vec![item.data_type()],
        DataType::Struct(fields) => fields.iter().map(|field| field.data_type()).collect(),
        _ => Vec::new(),
    };
    let children = data.child_data().iter().zip(inner).map(|(child, data_type)| retyped(child, data_type));
    let children = children.collect::<Result<Vec<ArrayData>, ArrowError>>()?;
    data.clone().into_builder().data_type(data_type.clone()).child_data(children).build()
}
