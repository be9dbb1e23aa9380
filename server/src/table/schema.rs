//! A Delta table's columns: as the log names them, and as its Parquet files do.
//!
//! Invariants
//! - Logical and physical schema have the same columns in the same order, so a position means one column in both.
//! - The physical schema is nullable throughout: what a file lacks is read as NULL. It alone carries field ids.
//! - Metadata of the logical schema (physical names, declared types, comments) is for `guard`, which shows none of it.
//! - Top-level text and binary columns are read as views, which costs the reader no copy. Nested ones keep offsets, and so do
//!   the columns of a scan whose rows are sent as they are: see [`with_offsets`].
//!
//! Source: Delta protocol, "Column Mapping" and "Schema Serialization Format".

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef, Fields, Schema, SchemaRef};
use delta_kernel::engine::arrow_conversion::TryIntoArrow;
use delta_kernel::snapshot::Snapshot as KernelSnapshot;
use delta_kernel::table_features::ColumnMappingMode;
use delta_kernel::{DeltaResult, Error as KernelError};

/// The columns of one version of a table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TableColumns {
    /// Names of the log, case included.
    pub(super) logical: SchemaRef,
    /// Names in files; all nullable.
    pub(super) physical: SchemaRef,
    /// Positions of the partition columns, in the order of the table's partitioning.
    pub(super) partitioned_by: Vec<usize>,
    /// Columns of files are found by their field id and not by their name.
    pub(super) by_field_id: bool,
}

impl TableColumns {
    /// # Errors
    /// If the log's schema is broken, or has a type that arrow lacks.
    pub(super) fn of(snapshot: &KernelSnapshot) -> DeltaResult<Self> {
        let configuration = snapshot.table_configuration();
        let logical: Schema = configuration.logical_schema().as_ref().try_into_arrow()?;
        let physical: Schema = configuration.physical_schema().as_ref().try_into_arrow()?;
        let partitioned_by = configuration
            .logical_partition_columns()
            .iter()
            .map(|name| logical.index_of(name).map_err(KernelError::from))
            .collect::<DeltaResult<Vec<usize>>>()?;
        if logical.fields().len() != physical.fields().len() {
            return Err(KernelError::generic("logical and physical schema differ in their columns"));
        }
        let logical: Fields = logical.fields().iter().cloned().map(as_view).collect();
        let physical: Fields = physical.fields().iter().map(nullable).map(as_view).collect();
        Ok(Self {
            logical: Arc::new(Schema::new(logical)),
            physical: Arc::new(Schema::new(physical)),
            partitioned_by,
            by_field_id: configuration.column_mapping_mode() == ColumnMappingMode::Id,
        })
    }

    /// Positions of the columns that files hold, in order.
    pub(super) fn in_files(&self) -> impl Iterator<Item = usize> {
        (0..self.logical.fields().len()).filter(|position| !self.partitioned_by.contains(position))
    }
}

/// The field as the wire has it: offsets and bytes in the place of views.
pub(crate) fn with_offsets(field: &FieldRef) -> FieldRef {
    let plain = match field.data_type() {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        _ => return Arc::clone(field),
    };
    Arc::new(field.as_ref().clone().with_data_type(plain))
}

fn as_view(field: FieldRef) -> FieldRef {
    let view = match field.data_type() {
        DataType::Utf8 => DataType::Utf8View,
        DataType::Binary => DataType::BinaryView,
        _ => return field,
    };
    Arc::new(field.as_ref().clone().with_data_type(view))
}

/// A field that may be NULL at every depth, but for keys of maps.
fn nullable(field: &FieldRef) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Map(entries, sorted) => {
            let pair = match entries.data_type() {
                DataType::Struct(pair) => pair.iter().enumerate().map(nullable_in_map).collect(),
                _ => Fields::empty(),
            };
            let entries = entries.as_ref().clone().with_data_type(DataType::Struct(pair));
            DataType::Map(Arc::new(entries), *sorted)
        }
        other => with_children(other, &nullable),
    };
    Arc::new(field.as_ref().clone().with_data_type(data_type).with_nullable(true))
}

fn nullable_in_map((side, field): (usize, &FieldRef)) -> FieldRef {
    let is_key = side == 0;
    let free = nullable(field);
    if is_key { Arc::new(free.as_ref().clone().with_nullable(false)) } else { free }
}

fn with_children(data_type: &DataType, change: &dyn Fn(&FieldRef) -> FieldRef) -> DataType {
    match data_type {
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(change).collect()),
        DataType::List(item) => DataType::List(change(item)),
        DataType::Map(entries, sorted) => DataType::Map(change(entries), *sorted),
        other => other.clone(),
    }
}
