//! Fuzz target of Parquet files, against the schema of a table.
//!
//! ```text
//! physical type, annotation, encoding, type of the table, places to change (decimal; missing ones are chosen) ⏎ bytes
//! ```
//!
//! The bytes become the values of a column of that type, in a file of that encoding, in which one byte is then changed for each
//! place. It is read as the table reads it, under a predicate and without. What comes is valid: text is UTF-8 in each value,
//! numbers have their type, lists their offsets. Otherwise there is an error. The bytes alone are read as a file, too.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::common::Result as DataFusionResult;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::FileScanConfigBuilder;
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::TaskContext;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, is_not_null, lit};
use datafusion::physical_plan::ExecutionPlan;
use futures::{FutureExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use parquet::basic::{ConvertedType, Encoding, Repetition, Type as PhysicalType};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType as ParquetType, DoubleType, FixedLenByteArray,
    FixedLenByteArrayType, FloatType, Int32Type, Int64Type, Int96, Int96Type,
};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use tokio::runtime::{Builder, Runtime};

use super::must;
use crate::table::adapter::ColumnsOfFiles;
use crate::table::budget::Budget;
use crate::table::files::FileReaders;
use crate::table::footers::FooterCache;
use crate::table::scan::parquet_source;
use crate::table::text::TextPolicy;

/// Memory that a file may take, in bytes.
const MEMORY: u64 = 256 << 20;

const COLUMN: &str = "c";

pub(super) const PHYSICAL: [PhysicalType; 8] = [
    PhysicalType::BYTE_ARRAY,
    PhysicalType::BOOLEAN,
    PhysicalType::INT32,
    PhysicalType::INT64,
    PhysicalType::INT96,
    PhysicalType::FLOAT,
    PhysicalType::DOUBLE,
    PhysicalType::FIXED_LEN_BYTE_ARRAY,
];

pub(super) const ANNOTATIONS: [ConvertedType; 20] = [
    ConvertedType::NONE,
    ConvertedType::UTF8,
    ConvertedType::JSON,
    ConvertedType::BSON,
    ConvertedType::ENUM,
    ConvertedType::DECIMAL,
    ConvertedType::DATE,
    ConvertedType::TIME_MILLIS,
    ConvertedType::TIME_MICROS,
    ConvertedType::TIMESTAMP_MILLIS,
    ConvertedType::TIMESTAMP_MICROS,
    ConvertedType::UINT_8,
    ConvertedType::UINT_16,
    ConvertedType::UINT_32,
    ConvertedType::UINT_64,
    ConvertedType::INT_8,
    ConvertedType::INT_16,
    ConvertedType::INT_32,
    ConvertedType::INT_64,
    ConvertedType::INTERVAL,
];

/// The first one stands for a dictionary.
pub(super) const ENCODINGS: [Encoding; 6] = [
    Encoding::RLE_DICTIONARY,
    Encoding::PLAIN,
    Encoding::DELTA_LENGTH_BYTE_ARRAY,
    Encoding::DELTA_BYTE_ARRAY,
    Encoding::DELTA_BINARY_PACKED,
    Encoding::BYTE_STREAM_SPLIT,
];

/// Types of Delta, as a scan asks for them.
pub(super) static TABLE_TYPES: LazyLock<Vec<DataType>> = LazyLock::new(|| {
    vec![
        DataType::Utf8View,
        DataType::Utf8,
        DataType::BinaryView,
        DataType::Binary,
        DataType::Boolean,
        DataType::Int8,
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
        DataType::Float32,
        DataType::Float64,
        DataType::Date32,
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Decimal128(9, 2),
        DataType::Decimal128(38, 10),
        DataType::Struct(vec![Field::new("x", DataType::Utf8, true)].into()),
        DataType::List(Arc::new(Field::new("element", DataType::Utf8, true))),
    ]
});

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| must(Builder::new_current_thread().enable_all().build()));

/// See the file's head.
pub(crate) fn parquet(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (header, bytes) = data.split_at(end);
    let bytes = bytes.get(1..).unwrap_or_default();
    let header = String::from_utf8_lossy(header);
    let mut numbers = header.split(' ').map(|number| number.parse::<usize>().unwrap_or_default());
    let mut number = || numbers.next().unwrap_or_default();
    let file = FileOf {
        physical: PHYSICAL[number() % PHYSICAL.len()],
        annotation: ANNOTATIONS[number() % ANNOTATIONS.len()],
        encoding: ENCODINGS[number() % ENCODINGS.len()],
    };
    let wanted = &TABLE_TYPES[number() % TABLE_TYPES.len()];
    check(bytes.to_vec(), wanted);
    let Ok(mut written) = file.write(bytes) else { return };
    check(written.clone(), wanted);
    for place in numbers {
        let length = written.len();
        written[place % length] ^= u8::try_from(place % 255).unwrap_or_default() + 1;
    }
    check(written, wanted);
}

/// A file of one column.
pub(super) struct FileOf {
    pub(super) physical: PhysicalType,
    pub(super) annotation: ConvertedType,
    pub(super) encoding: Encoding,
}

impl FileOf {
    /// Whether the type has the encoding; the writer panics if not.
    fn is_possible(&self) -> bool {
        use PhysicalType::{BYTE_ARRAY, DOUBLE, FIXED_LEN_BYTE_ARRAY, FLOAT, INT32, INT64};
        match self.encoding {
            Encoding::DELTA_LENGTH_BYTE_ARRAY => self.physical == BYTE_ARRAY,
            Encoding::DELTA_BYTE_ARRAY => matches!(self.physical, BYTE_ARRAY | FIXED_LEN_BYTE_ARRAY),
            Encoding::DELTA_BINARY_PACKED => matches!(self.physical, INT32 | INT64),
            Encoding::BYTE_STREAM_SPLIT => {
                matches!(self.physical, INT32 | INT64 | FLOAT | DOUBLE | FIXED_LEN_BYTE_ARRAY)
            }
            _ => true,
        }
    }

    /// Values of eight bytes each; every third one is NULL.
    ///
    /// # Errors
    /// If there is no such file.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<Vec<u8>, ParquetError> {
        if !self.is_possible() {
            return Err(ParquetError::General("no such file".to_owned()));
        }
        let values: Vec<&[u8]> = bytes.chunks(8).collect();
        let levels: Vec<i16> =
            (0..values.len() + values.len() / 2).map(|row| i16::from(row % 3 != 2)).collect();
        let wide = |value: &&[u8]| {
            value.iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte)).cast_signed()
        };
        let narrow = |value: &&[u8]| wide(value) as i32;
        match self.physical {
            PhysicalType::BOOLEAN => self.put::<BoolType>(
                &values.iter().map(|value| wide(value) % 2 == 0).collect::<Vec<_>>(),
                &levels,
            ),
            PhysicalType::INT32 => {
                self.put::<Int32Type>(&values.iter().map(narrow).collect::<Vec<_>>(), &levels)
            }
            PhysicalType::INT64 => {
                self.put::<Int64Type>(&values.iter().map(wide).collect::<Vec<_>>(), &levels)
            }
            PhysicalType::INT96 => {
                let long = |value: &&[u8]| {
                    let low = u32::from_ne_bytes(narrow(value).to_ne_bytes());
                    Int96::from(vec![low, low.rotate_left(7), low])
                };
                self.put::<Int96Type>(&values.iter().map(long).collect::<Vec<_>>(), &levels)
            }
            PhysicalType::FLOAT => {
                let float = |value: &&[u8]| f32::from_bits(u32::from_ne_bytes(narrow(value).to_ne_bytes()));
                self.put::<FloatType>(&values.iter().map(float).collect::<Vec<_>>(), &levels)
            }
            PhysicalType::DOUBLE => {
                let float = |value: &&[u8]| f64::from_bits(wide(value).cast_unsigned());
                self.put::<DoubleType>(&values.iter().map(float).collect::<Vec<_>>(), &levels)
            }
            PhysicalType::BYTE_ARRAY => {
                let array = |value: &&[u8]| ByteArray::from(value.to_vec());
                self.put::<ByteArrayType>(&values.iter().map(array).collect::<Vec<_>>(), &levels)
            }
            PhysicalType::FIXED_LEN_BYTE_ARRAY => {
                let array = |value: &&[u8]| {
                    let mut value = value.to_vec();
                    value.resize(self.fixed_length(), 0);
                    FixedLenByteArray::from(ByteArray::from(value))
                };
                self.put::<FixedLenByteArrayType>(&values.iter().map(array).collect::<Vec<_>>(), &levels)
            }
        }
    }

    fn fixed_length(&self) -> usize {
        if self.annotation == ConvertedType::INTERVAL { 12 } else { 16 }
    }

    fn put<T: ParquetType>(&self, values: &[T::T], levels: &[i16]) -> Result<Vec<u8>, ParquetError> {
        let mut column = Type::primitive_type_builder(COLUMN, self.physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_converted_type(self.annotation);
        if self.physical == PhysicalType::FIXED_LEN_BYTE_ARRAY {
            column = column.with_length(i32::try_from(self.fixed_length()).unwrap_or_default());
        }
        if self.annotation == ConvertedType::DECIMAL {
            column = column.with_precision(9).with_scale(2);
        }
        let fields = vec![Arc::new(column.build()?)];
        let schema = Arc::new(Type::group_type_builder("schema").with_fields(fields).build()?);
        let properties = match self.encoding {
            Encoding::RLE_DICTIONARY => WriterProperties::builder(),
            other => WriterProperties::builder().set_dictionary_enabled(false).set_encoding(other),
        };
        let mut content = Vec::new();
        let mut writer = SerializedFileWriter::new(&mut content, schema, Arc::new(properties.build()))?;
        let mut group = writer.next_row_group()?;
        if let Some(mut column) = group.next_column()? {
            column.typed::<T>().write_batch(values, Some(levels), None)?;
            column.close()?;
        }
        group.close()?;
        writer.close()?;
        Ok(content)
    }
}

fn check(file: Vec<u8>, wanted: &DataType) {
    let predicates: [Option<Arc<dyn PhysicalExpr>>; 2] = [None, predicate(wanted)];
    for predicate in predicates {
        for batch in read(file.clone(), wanted, predicate).unwrap_or_default() {
            batch.columns().iter().for_each(check_values);
        }
    }
}

/// A condition that the reader may use for pruning, and while it decodes.
fn predicate(wanted: &DataType) -> Option<Arc<dyn PhysicalExpr>> {
    let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(COLUMN, 0));
    match wanted {
        DataType::Utf8View => {
            let text = lit(datafusion::common::ScalarValue::Utf8View(Some("m".to_owned())));
            Some(Arc::new(BinaryExpr::new(column, Operator::Lt, text)))
        }
        _ => is_not_null(column).ok(),
    }
}

/// Values that arrow's kernels may take for what they are said to be.
pub(super) fn check_values(column: &ArrayRef) {
    must(column.to_data().validate_full());
    // What every text is, each value for itself.
    match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().iter().flatten().for_each(check_text),
        DataType::Utf8View => column.as_string_view().iter().flatten().for_each(check_text),
        _ => {}
    }
}

fn check_text(text: &str) {
    must(std::str::from_utf8(text.as_bytes()));
}

/// What a table with one column of this type reads of a file. A reader that panics has found an error: a scan says so.
pub(super) fn read(
    file: Vec<u8>,
    wanted: &DataType,
    predicate: Option<Arc<dyn PhysicalExpr>>,
) -> DataFusionResult<Vec<RecordBatch>> {
    let work = std::panic::AssertUnwindSafe(read_now(file, wanted, predicate)).catch_unwind();
    RUNTIME.block_on(work).unwrap_or_else(|_| datafusion::common::exec_err!("panicked"))
}

async fn read_now(
    file: Vec<u8>,
    wanted: &DataType,
    predicate: Option<Arc<dyn PhysicalExpr>>,
) -> DataFusionResult<Vec<RecordBatch>> {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let location = object_store::path::Path::from("t/file.parquet");
    let size = file.len() as u64;
    store.put(&location, file.into()).await?;
    let schema = Arc::new(Schema::new(vec![Field::new(COLUMN, wanted.clone(), true)]));
    let footers = FooterCache::new(1 << 20).of_table("t");
    let readers = FileReaders::new(Arc::clone(&store), footers, &schema, Budget::new(MEMORY));
    let table = TableSchema::builder(schema).build();
    let mut source = parquet_source(table, datafusion::common::config::ParquetOptions::default(), readers);
    if let Some(predicate) = predicate {
        source = source.with_predicate(predicate).with_pushdown_filters(true);
    }
    let object = ObjectMeta {
        location,
        last_modified: chrono::DateTime::UNIX_EPOCH,
        size,
        e_tag: None,
        version: None,
    };
    let texts = Arc::new(TextPolicy { replaces: false, visible: HashMap::new() });
    let bucket = ObjectStoreUrl::parse("s3://bucket")?;
    let config = FileScanConfigBuilder::new(bucket.clone(), Arc::new(source))
        .with_file(PartitionedFile::new_from_meta(object))
        .with_expr_adapter(Some(Arc::new(ColumnsOfFiles { by_field_id: false, texts })))
        .build();
    let plan: Arc<dyn ExecutionPlan> = DataSourceExec::from_data_source(config);
    let context = TaskContext::default();
    context.runtime_env().register_object_store(bucket.as_ref(), store);
    plan.execute(0, Arc::new(context))?.try_collect().await
}
