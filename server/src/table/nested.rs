//! Nested values of a file as the table's schema has them.
//!
//! Children of structs are found like columns: by field id in id mode, by physical name otherwise. A child that the file
//! lacks is NULL. Lists and maps keep their offsets; nothing is copied that already has the right type.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, ListArray, MapArray, OffsetSizeTrait, StructArray, new_null_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, FieldRef, Fields, Schema};
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_err};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;

use super::adapter::{find, widens};
use super::failure::unsupported_file;
use super::text::{TextPolicy, is_bytes, is_text};

/// A column of a file, rebuilt under the table's nested type.
#[derive(Debug)]
pub(super) struct NestedExpr {
    input: Arc<dyn PhysicalExpr>,
    target: DataType,
    rebuild: Rebuild,
}

/// How the values of one column are rebuilt.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Rebuild {
    by_field_id: bool,
    /// The column's name in files.
    column: String,
    texts: Arc<TextPolicy>,
}

impl NestedExpr {
    /// # Arguments
    /// * `column` - the column's name in files.
    pub(super) fn new(
        input: Arc<dyn PhysicalExpr>,
        target: DataType,
        by_field_id: bool,
        column: &str,
        texts: Arc<TextPolicy>,
    ) -> Self {
        Self { input, target, rebuild: Rebuild { by_field_id, column: column.to_owned(), texts } }
    }
}

impl PartialEq for NestedExpr {
    fn eq(&self, other: &Self) -> bool {
        self.input.eq(&other.input) && self.target == other.target && self.rebuild == other.rebuild
    }
}

impl Eq for NestedExpr {}

impl Hash for NestedExpr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.input.hash(state);
        self.target.hash(state);
    }
}

impl fmt::Display for NestedExpr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "nested({})", self.input)
    }
}

impl PhysicalExpr for NestedExpr {
    fn data_type(&self, _: &Schema) -> Result<DataType> {
        Ok(self.target.clone())
    }

    fn nullable(&self, _: &Schema) -> Result<bool> {
        Ok(true)
    }

    fn evaluate(&self, batch: &arrow::array::RecordBatch) -> Result<ColumnarValue> {
        match self.input.evaluate(batch)? {
            ColumnarValue::Array(array) => {
                Ok(ColumnarValue::Array(self.rebuild.value(&array, &self.target)?))
            }
            ColumnarValue::Scalar(scalar) => {
                let array = self.rebuild.value(&scalar.to_array()?, &self.target)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?))
            }
        }
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.input]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let [input] = children.as_slice() else {
            return exec_err!("a nested column has one input");
        };
        let (target, rebuild) = (self.target.clone(), self.rebuild.clone());
        Ok(Arc::new(Self { input: Arc::clone(input), target, rebuild }))
    }

    fn fmt_sql(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.input.fmt_sql(formatter)
    }
}

/// Whether a file has parts of a variant in a column of their own: without them its `value` is not the whole.
fn is_shredded(found: &Fields, wanted: &Fields) -> bool {
    let is_variant = |fields: &Fields| ["metadata", "value"].iter().all(|name| fields.find(name).is_some());
    is_variant(wanted) && wanted.len() == 2 && found.find("typed_value").is_some()
}

impl Rebuild {
    fn value(&self, array: &ArrayRef, target: &DataType) -> Result<ArrayRef> {
        if array.data_type() == target {
            return Ok(Arc::clone(array));
        }
        match (array.data_type(), target) {
            (DataType::Null, _) => Ok(new_null_array(target, array.len())),
            (DataType::Struct(_), DataType::Struct(_)) => self.structure(array, target),
            (DataType::List(_), DataType::List(item)) => self.list::<i32>(array, item),
            (DataType::LargeList(_), DataType::List(item)) => self.list::<i64>(array, item),
            (DataType::Map(..), DataType::Map(entries, _)) => self.map(array, entries),
            (from, to) if is_bytes(from) && is_text(to) => self.texts.text(array, to, &self.column),
            (from, to) if widens(from, to) => {
                let strict = CastOptions { safe: false, ..CastOptions::default() };
                Ok(cast_with_options(array, to, &strict)?)
            }
            (from, to) => {
                exec_err!("a file holds a nested field as {from} that the table's schema says is {to}")
            }
        }
    }

    fn structure(&self, array: &ArrayRef, target: &DataType) -> Result<ArrayRef> {
        let DataType::Struct(wanted) = target else {
            return exec_err!("not a struct");
        };
        let source = array.as_struct();
        if is_shredded(source.fields(), wanted) {
            return Err(unsupported_file("variantShredding").into());
        }
        let children = wanted
            .iter()
            .map(|field| match find(source.fields(), field, self.by_field_id) {
                Some((position, _)) => self.value(source.column(position), field.data_type()),
                None => Ok(new_null_array(field.data_type(), source.len())),
            })
            .collect::<Result<Vec<_>>>()?;
        let rebuilt = StructArray::try_new_with_length(
            wanted.clone(),
            children,
            source.nulls().cloned(),
            source.len(),
        )?;
        Ok(Arc::new(rebuilt))
    }

    fn list<O: OffsetSizeTrait>(&self, array: &ArrayRef, item: &FieldRef) -> Result<ArrayRef> {
        let source = array.as_list::<O>();
        let values = self.value(source.values(), item.data_type())?;
        let offsets = source
            .offsets()
            .iter()
            .map(|offset| i32::try_from(offset.as_usize()))
            .collect::<std::result::Result<Vec<i32>, _>>()
            .map_err(|_| DataFusionError::Execution("a list column is too large".to_owned()))?;
        let offsets = OffsetBuffer::new(offsets.into());
        Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets, values, source.nulls().cloned())?))
    }

    fn map(&self, array: &ArrayRef, entries: &FieldRef) -> Result<ArrayRef> {
        let DataType::Struct(pair) = entries.data_type() else {
            return exec_err!("a map without entries");
        };
        let [key, value] = pair.as_ref() else {
            return exec_err!("a map whose entries are not pairs");
        };
        let source = array.as_map();
        let keys = self.value(source.keys(), key.data_type())?;
        let values = self.value(source.values(), value.data_type())?;
        let rebuilt = StructArray::try_new(pair.clone(), vec![keys, values], None)?;
        let map = MapArray::try_new(
            Arc::clone(entries),
            source.offsets().clone(),
            rebuilt,
            source.nulls().cloned(),
            false,
        )?;
        Ok(Arc::new(map))
    }
}
