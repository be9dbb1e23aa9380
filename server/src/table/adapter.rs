//! From a table's columns to those of one Parquet file.
//!
//! Files of one table differ: columns were added, renamed, widened or reordered since they were written. For each file
//! every column of an expression is replaced by what the file has: the same column under its own position, a widening
//! cast of it, a rebuilt nested value, or NULL if the file lacks it.
//!
//! Invariants
//! - A column is found by field id in id mode and by physical name otherwise; never by position. A name that differs in case
//!   alone is the column's if no other one does.
//! - A value is widened, never cut: a file whose column has another type than Delta's type widening allows is an
//!   error, not a guess.
//! - Bytes become text only after they were looked at (`text.rs`).
//!
//! Source: Delta protocol, "Reader Requirements for Column Mapping" and "Type Widening".

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, SchemaRef};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{CastExpr, Column, Literal};
use datafusion::physical_expr_adapter::{PhysicalExprAdapter, PhysicalExprAdapterFactory};
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;

use super::files::footer::name_as_bytes;
use super::nested::NestedExpr;
use super::replace::replace_columns;
use super::text::{TextExpr, TextPolicy, is_bytes, is_text};

/// Makes an adapter for each file of one table.
#[derive(Debug)]
pub(super) struct ColumnsOfFiles {
    /// See [`super::schema::TableColumns::by_field_id`].
    pub(super) by_field_id: bool,
    pub(super) texts: Arc<TextPolicy>,
}

impl PhysicalExprAdapterFactory for ColumnsOfFiles {
    fn create(
        &self,
        logical_file_schema: SchemaRef,
        physical_file_schema: SchemaRef,
    ) -> Result<Arc<dyn PhysicalExprAdapter>> {
        Ok(Arc::new(ColumnsOfFile {
            table: logical_file_schema,
            file: physical_file_schema,
            by_field_id: self.by_field_id,
            texts: Arc::clone(&self.texts),
        }))
    }
}

#[derive(Debug)]
struct ColumnsOfFile {
    table: SchemaRef,
    file: SchemaRef,
    by_field_id: bool,
    texts: Arc<TextPolicy>,
}

impl PhysicalExprAdapter for ColumnsOfFile {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        replace_columns(expr, |column| self.column(column.name()))
    }
}

impl ColumnsOfFile {
    fn column(&self, name: &str) -> Result<Arc<dyn PhysicalExpr>> {
        let wanted = self.table.field_with_name(name)?;
        let as_bytes = || {
            let name = name_as_bytes(name);
            self.file.fields().iter().enumerate().find(|(_, field)| *field.name() == name)
        };
        let found = find(self.file.fields(), wanted, self.by_field_id).or_else(as_bytes);
        let Some((position, found)) = found else {
            if !self.by_field_id && alike(self.file.fields(), name).count() > 1 {
                return exec_err!("a file has several columns whose names are {name} but for case");
            }
            return Ok(Arc::new(Literal::new(ScalarValue::try_from(wanted.data_type())?)));
        };
        let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(found.name(), position));
        let (from, to) = (found.data_type(), wanted.data_type());
        if from == to {
            return Ok(column);
        }
        if to.is_nested() {
            let nested = NestedExpr::new(column, to.clone(), self.by_field_id, name, Arc::clone(&self.texts));
            return Ok(Arc::new(nested));
        }
        if is_bytes(from) && is_text(to) {
            return Ok(Arc::new(TextExpr::new(column, to.clone(), name, Arc::clone(&self.texts))));
        }
        if !widens(from, to) {
            return exec_err!("a file holds a column as {from} that the table's schema says is {to}");
        }
        let target = Field::new(wanted.name(), to.clone(), true);
        Ok(Arc::new(CastExpr::new_with_target_field(column, Arc::new(target), None)))
    }
}

/// The field of a file, or of a struct in it, that holds `wanted`, with its position.
///
/// A file without field ids was written before the table was mapped; its columns then bear their physical names.
pub(super) fn find<'a>(
    fields: impl IntoIterator<Item = &'a FieldRef> + Clone,
    wanted: &Field,
    by_field_id: bool,
) -> Option<(usize, &'a FieldRef)> {
    let id_of = |field: &Field| field.metadata().get(PARQUET_FIELD_ID_META_KEY).cloned();
    let has_ids = fields.clone().into_iter().any(|field| id_of(field).is_some());
    let id = id_of(wanted).filter(|_| by_field_id && has_ids);
    let found = fields.clone().into_iter().enumerate().find(|(_, field)| match &id {
        Some(id) => id_of(field).as_ref() == Some(id),
        None => field.name() == wanted.name(),
    });
    if found.is_some() || id.is_some() {
        return found;
    }
    let mut others = alike(fields, wanted.name());
    others.next().filter(|_| others.next().is_none())
}

/// Fields that have a name but for ASCII case.
fn alike<'a>(
    fields: impl IntoIterator<Item = &'a FieldRef>,
    name: &str,
) -> impl Iterator<Item = (usize, &'a FieldRef)> {
    fields.into_iter().enumerate().filter(move |(_, field)| field.name().eq_ignore_ascii_case(name))
}

/// Whether every value of `from` is one of `to`. Closed: Delta's type widening, and the spellings that writers have for
/// one type.
pub(super) fn widens(from: &DataType, to: &DataType) -> bool {
    use DataType::{
        Binary, BinaryView, Date32, Decimal128, Dictionary, Float32, Float64, Int8, Int16, Int32, Int64,
        LargeBinary, LargeUtf8, Null, Timestamp, UInt8, UInt16, UInt32, Utf8, Utf8View,
    };
    let digits = |integer: &DataType| match integer {
        Int8 => 3,
        Int16 => 5,
        Int32 => 10,
        _ => 20,
    };
    match (from, to) {
        _ if from == to => true,
        (Dictionary(_, values), _) => widens(values, to),
        (Null, _) | (Float32, Float64) | (Date32, Timestamp(_, None)) | (Timestamp(..), Timestamp(..)) => {
            true
        }
        (Int8, Int16 | Int32 | Int64 | Float64) | (Int16, Int32 | Int64 | Float64) => true,
        // A table of small numbers has files of larger ones; the cast is strict, so none is cut.
        (Int32, Int8 | Int16) => true,
        (Int32, Int64 | Float64) | (UInt8, Int16) | (UInt16, Int32) | (UInt32, Int64) => true,
        (Utf8 | LargeUtf8 | Utf8View, Utf8 | LargeUtf8 | Utf8View) => true,
        (Binary | LargeBinary | BinaryView, Binary | LargeBinary | BinaryView) => true,
        (DataType::FixedSizeBinary(_), Binary | BinaryView) => true,
        (Int8 | Int16 | Int32 | Int64, Decimal128(precision, scale)) => {
            i16::from(*precision) - i16::from(*scale) >= digits(from)
        }
        (
            Decimal128(..) | DataType::Decimal32(..) | DataType::Decimal64(..),
            Decimal128(precision, scale),
        ) => {
            let (from_precision, from_scale) = decimal(from);
            scale >= &from_scale
                && i16::from(*precision) - i16::from(*scale)
                    >= i16::from(from_precision) - i16::from(from_scale)
        }
        _ => false,
    }
}

fn decimal(data_type: &DataType) -> (u8, i8) {
    match data_type {
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale) => (*precision, *scale),
        _ => (0, 0),
    }
}
