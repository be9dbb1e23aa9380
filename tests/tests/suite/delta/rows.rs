//! Rows as text that two readers agree on, and what two sets of rows do not share.
//!
//! A value has one spelling whatever Arrow layout carried it: views, dictionaries and large offsets disappear, timestamps
//! are microseconds of UTC (`Z`) or of no zone, floats are printed so that every bit but a NaN's payload counts. Rows are compared as
//! multisets and columns by name, because Delta promises no order of rows and Glue has its own order of columns.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Field, FieldRef, Float32Type, Float64Type, Schema, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow::temporal_conversions::{date32_to_datetime, timestamp_us_to_datetime};
use arrow::util::display::array_value_to_string;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};

use super::schema::{Column, TableSchema, column_of_arrow};

/// How many rows of a difference are shown.
const SHOWN: usize = 5;

/// A NULL of any type.
const NULL: &str = "NULL";

/// The rows of one answer or of one folder of Parquet files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    pub(crate) columns: Vec<Column>,
    pub(crate) cells: Vec<Vec<String>>,
}

impl Rows {
    /// All rows of batches that share one schema.
    pub(crate) fn of(batches: &[RecordBatch]) -> Self {
        let mut rows = Self::default();
        for batch in batches {
            rows.columns =
                batch.schema().fields().iter().map(|field: &FieldRef| column_of_arrow(field)).collect();
            for row in 0..batch.num_rows() {
                rows.cells.push(batch.columns().iter().map(|column| cell(column, row)).collect());
            }
        }
        rows
    }

    /// All rows of Parquet files that share one schema.
    pub(crate) fn of_parquet(files: impl Iterator<Item = Vec<u8>>) -> Self {
        let mut batches = Vec::new();
        for content in files {
            let content = bytes::Bytes::from(content);
            let plain = ParquetRecordBatchReaderBuilder::try_new(content.clone()).unwrap();
            let schema = Schema::new(plain.schema().fields().iter().map(with_instants).collect::<Vec<_>>());
            let options = ArrowReaderOptions::new().with_schema(Arc::new(schema.clone()));
            let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(content, options).unwrap();
            batches.push(RecordBatch::new_empty(Arc::new(schema)));
            batches.extend(reader.build().unwrap().map(|batch| batch.unwrap()));
        }
        Self::of(&batches)
    }

    /// The rows without one column.
    pub(crate) fn without(mut self, name: &str) -> Self {
        let position = self.columns.iter().position(|column| column.name == name).unwrap();
        self.columns.remove(position);
        self.cells.iter_mut().for_each(|row| drop(row.remove(position)));
        self
    }

    /// Each row as its values in the order of the columns, sorted: what a test writes by hand.
    pub(crate) fn texts(&self) -> Vec<String> {
        let mut texts: Vec<String> = self.cells.iter().map(|row| row.join(" | ")).collect();
        texts.sort();
        texts
    }

    /// What an answer has too much or too little; `None` if it has exactly the expected rows.
    pub(crate) fn difference(&self, expected: &Self) -> Option<String> {
        let (names, expected_names) = (self.names(), expected.names());
        if names != expected_names {
            return Some(format!("columns are {names:?}, expected {expected_names:?}"));
        }
        let mut counts: BTreeMap<String, i64> = BTreeMap::new();
        self.by_name().for_each(|row| *counts.entry(row).or_default() += 1);
        expected.by_name().for_each(|row| *counts.entry(row).or_default() -= 1);
        let of_sign = |sign: i64| {
            let rows = counts.iter().filter(|(_, count)| **count * sign > 0);
            rows.take(SHOWN).map(|(row, count)| format!("{} × {row}", count.abs())).collect::<Vec<_>>()
        };
        let (surplus, missing) = (of_sign(1), of_sign(-1));
        (!surplus.is_empty() || !missing.is_empty()).then(|| {
            format!(
                "{} rows, expected {}\n  not expected: {surplus:#?}\n  missing: {missing:#?}",
                self.cells.len(),
                expected.cells.len()
            )
        })
    }

    /// What the types of an answer's columns have that the table's own schema has not.
    pub(crate) fn foreign_types(&self, schema: &TableSchema) -> Vec<&Column> {
        self.columns.iter().filter(|column| !schema.columns.contains(column)).collect()
    }

    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// Each row as `name=value` pairs in the order of the names.
    fn by_name(&self) -> impl Iterator<Item = String> {
        let mut order: Vec<usize> = (0..self.columns.len()).collect();
        order.sort_by_key(|position| &self.columns[*position].name);
        self.cells.iter().map(move |row| {
            let pairs = order.iter().map(|&at| format!("{}={}", self.columns[at].name, row[at]));
            pairs.collect::<Vec<_>>().join(", ")
        })
    }
}

/// Spark's INT96 values are instants, which Arrow would read as nanoseconds without a zone, too few for early dates.
fn with_instants(field: &FieldRef) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Timestamp(TimeUnit::Nanosecond, None) => {
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
        }
        DataType::List(item) => DataType::List(with_instants(item)),
        DataType::Map(entries, sorted) => DataType::Map(with_instants(entries), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(with_instants).collect()),
        other => other.clone(),
    };
    Arc::new(Field::clone(field).with_data_type(data_type))
}

/// One value.
fn cell(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) {
        return NULL.to_owned();
    }
    let items = |values: &ArrayRef| -> Vec<String> { (0..values.len()).map(|at| cell(values, at)).collect() };
    match column.data_type() {
        DataType::Utf8 => format!("{:?}", column.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => format!("{:?}", column.as_string::<i64>().value(row)),
        DataType::Utf8View => format!("{:?}", column.as_string_view().value(row)),
        DataType::Binary => hex(column.as_binary::<i32>().value(row)),
        DataType::LargeBinary => hex(column.as_binary::<i64>().value(row)),
        DataType::BinaryView => hex(column.as_binary_view().value(row)),
        DataType::Float32 => format!("{:?}", column.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => format!("{:?}", column.as_primitive::<Float64Type>().value(row)),
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>().value(row);
            date32_to_datetime(days).map_or_else(|| format!("day {days}"), |date| date.date().to_string())
        }
        DataType::Timestamp(unit, zone) => timestamp(column, row, *unit, zone.is_some()),
        DataType::List(_) => format!("[{}]", items(&column.as_list::<i32>().value(row)).join(", ")),
        DataType::LargeList(_) => format!("[{}]", items(&column.as_list::<i64>().value(row)).join(", ")),
        DataType::Map(..) => {
            let entries = column.as_map().value(row);
            let (keys, values) = (items(entries.column(0)), items(entries.column(1)));
            let mut pairs: Vec<String> =
                keys.iter().zip(values).map(|(key, value)| format!("{key} => {value}")).collect();
            pairs.sort();
            format!("{{{}}}", pairs.join(", "))
        }
        DataType::Struct(fields) => {
            let values = column.as_struct().columns().iter().map(|field| cell(field, row));
            let pairs = fields
                .iter()
                .zip(values)
                .map(|(field, value)| format!("{}: {value}", field.name().to_lowercase()));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        DataType::Dictionary(_, values) => cell(&cast(column, values).unwrap(), row),
        _ => array_value_to_string(column, row).unwrap(),
    }
}

fn timestamp(column: &ArrayRef, row: usize, unit: TimeUnit, is_instant: bool) -> String {
    let micros = match unit {
        TimeUnit::Second => column.as_primitive::<TimestampSecondType>().value(row) * 1_000_000,
        TimeUnit::Millisecond => column.as_primitive::<TimestampMillisecondType>().value(row) * 1_000,
        TimeUnit::Microsecond => column.as_primitive::<TimestampMicrosecondType>().value(row),
        TimeUnit::Nanosecond => {
            let nanos = column.as_primitive::<TimestampNanosecondType>().value(row);
            assert_eq!(nanos % 1_000, 0, "Delta's timestamps have microseconds");
            nanos / 1_000
        }
    };
    let text =
        timestamp_us_to_datetime(micros).map_or_else(|| format!("{micros} µs"), |time| time.to_string());
    if is_instant { text + "Z" } else { text }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("0x".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}
