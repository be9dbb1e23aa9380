//! A small writer of Delta tables: commits as plain JSON and Parquet files by `parquet`, so that a test can write what no
//! ordinary writer would.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::file::properties::WriterProperties;
use serde_json::{Value, json};

use super::TableFiles;

/// A table while it is written.
#[derive(Default)]
pub(crate) struct TableWriter {
    files: TableFiles,
    versions: u64,
}

impl TableWriter {
    /// A table whose first commit has `actions`.
    pub(crate) fn new(actions: &[Value]) -> Self {
        let mut table = Self::default();
        table.commit(actions);
        table
    }

    /// Adds a commit.
    pub(crate) fn commit(&mut self, actions: &[Value]) {
        let lines: Vec<String> = actions.iter().map(Value::to_string).collect();
        self.put(&TableFiles::commit(self.versions), lines.join("\n").into_bytes());
        self.versions += 1;
    }

    /// Adds a file of any kind.
    pub(crate) fn put(&mut self, path: &str, content: Vec<u8>) {
        self.files.0.insert(path.to_owned(), content);
    }

    /// Adds a Parquet file and gives its action, with no statistics but the number of rows.
    ///
    /// # Arguments
    /// * `path` - the key below the table's folder; the action has the same path, so it holds no character that Delta encodes.
    pub(crate) fn data(&mut self, path: &str, batch: &RecordBatch) -> Value {
        self.data_in_groups(path, batch, usize::MAX)
    }

    /// As [`Self::data`], with so many rows per row group.
    pub(crate) fn data_in_groups(&mut self, path: &str, batch: &RecordBatch, group_rows: usize) -> Value {
        let content = parquet(batch, group_rows);
        let size = content.len();
        self.put(path, content);
        let statistics = json!({ "numRecords": batch.num_rows() }).to_string();
        json!({"add": {
            "path": path, "partitionValues": {}, "size": size, "modificationTime": 1_700_000_000_000_u64,
            "dataChange": true, "stats": statistics,
        }})
    }

    /// The finished table.
    pub(crate) fn finish(self) -> TableFiles {
        self.files
    }
}

/// The oldest protocol, which every reader reads.
pub(crate) fn plain_protocol() -> Value {
    json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}})
}

/// A protocol that names its reader features.
pub(crate) fn protocol(features: &[&str]) -> Value {
    json!({"protocol": {
        "minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features,
    }})
}

/// A table's metadata.
pub(crate) fn metadata(fields: &[Value], partition_columns: &[&str], configuration: Value) -> Value {
    json!({"metaData": {
        "id": "0a7b6f2e-6b8f-4a53-9a53-0d0c5f5d8a01",
        "format": {"provider": "parquet", "options": {}},
        "schemaString": structure(fields).to_string(),
        "partitionColumns": partition_columns,
        "configuration": configuration,
        "createdTime": 1_700_000_000_000_u64,
    }})
}

/// A nullable column or nested field.
pub(crate) fn field(name: &str, data_type: impl Into<Value>) -> Value {
    field_with(name, data_type, json!({}))
}

/// A nullable column or nested field with metadata.
pub(crate) fn field_with(name: &str, data_type: impl Into<Value>, metadata: Value) -> Value {
    let data_type: Value = data_type.into();
    json!({"name": name, "type": data_type, "nullable": true, "metadata": metadata})
}

/// A struct type.
pub(crate) fn structure(fields: &[Value]) -> Value {
    json!({"type": "struct", "fields": fields})
}

/// A list type.
pub(crate) fn array(item: impl Into<Value>) -> Value {
    let item: Value = item.into();
    json!({"type": "array", "elementType": item, "containsNull": true})
}

/// A map type with string keys.
pub(crate) fn map(value: impl Into<Value>) -> Value {
    let value: Value = value.into();
    json!({"type": "map", "keyType": "string", "valueType": value, "valueContainsNull": true})
}

/// A column of 32-bit integers.
pub(crate) fn ints(values: &[i32]) -> ArrayRef {
    Arc::new(Int32Array::from(values.to_vec()))
}

/// A column of 64-bit integers.
pub(crate) fn longs(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

/// A column of strings.
pub(crate) fn strings(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// Nullable columns side by side.
pub(crate) fn batch(columns: &[(&str, ArrayRef)]) -> RecordBatch {
    let fields = columns.iter().map(|(name, values)| Field::new(*name, values.data_type().clone(), true));
    of_fields(fields.collect(), columns)
}

/// As [`batch`], each column with its Parquet field id.
pub(crate) fn batch_with_ids(columns: &[(&str, i32, ArrayRef)]) -> RecordBatch {
    let fields = columns.iter().map(|(name, id, values)| identified(name, *id, values.data_type().clone()));
    let bare: Vec<(&str, ArrayRef)> =
        columns.iter().map(|(name, _, values)| (*name, Arc::clone(values))).collect();
    of_fields(fields.collect(), &bare)
}

/// A nullable Arrow field with a Parquet field id.
pub(crate) fn identified(name: &str, id: i32, data_type: arrow::datatypes::DataType) -> Field {
    let metadata = [(PARQUET_FIELD_ID_META_KEY.to_owned(), id.to_string())];
    Field::new(name, data_type, true).with_metadata(metadata.into())
}

fn of_fields(fields: Vec<Field>, columns: &[(&str, ArrayRef)]) -> RecordBatch {
    let values = columns.iter().map(|(_, values)| Arc::clone(values)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), values).unwrap()
}

fn parquet(batch: &RecordBatch, group_rows: usize) -> Vec<u8> {
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(group_rows)).build();
    // Without Arrow's own copy of the schema, which no other writer leaves and which would help a reader.
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let mut content = Vec::new();
    let mut writer = ArrowWriter::try_new_with_options(&mut content, batch.schema(), options).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    content
}
