//! Delta's schema as a Glue crawler would write it into the catalog, and as Arrow should come back.
//!
//! Both are compared as Hive type texts, in which every Delta type has exactly one spelling.

use arrow::datatypes::{DataType, Field, TimeUnit};
use serde_json::Value;

use super::TableFiles;

/// One column of a table's schema.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Column {
    /// In lower case, as Glue spells it.
    pub(crate) name: String,
    /// As Hive spells it, with nested names in lower case.
    pub(crate) hive_type: String,
}

/// The columns of a table in the order of its log, and the names of those that it is partitioned by.
#[derive(Clone, Debug)]
pub(crate) struct TableSchema {
    pub(crate) columns: Vec<Column>,
    pub(crate) partition_columns: Vec<String>,
}

impl TableSchema {
    /// The schema of the newest commit that has one; `None` if the log has none.
    pub(crate) fn of(table: &TableFiles) -> Option<Self> {
        let metadata =
            table.actions().into_iter().rev().find_map(|action| action.get("metaData").cloned())?;
        let schema: Value = serde_json::from_str(metadata["schemaString"].as_str()?).ok()?;
        let names = metadata["partitionColumns"].as_array()?.iter();
        Some(Self {
            columns: schema["fields"].as_array()?.iter().map(column).collect(),
            partition_columns: names.filter_map(Value::as_str).map(str::to_lowercase).collect(),
        })
    }

    /// Whether the table is partitioned by a column.
    pub(crate) fn is_partition(&self, column: &Column) -> bool {
        self.partition_columns.contains(&column.name)
    }
}

fn column(field: &Value) -> Column {
    let name = field["name"].as_str().unwrap().to_lowercase();
    Column { name, hive_type: of_delta(&field["type"]) }
}

/// The Hive spelling of a type of Delta's schema JSON.
fn of_delta(delta_type: &Value) -> String {
    if let Some(name) = delta_type.as_str() {
        return match name {
            "long" => "bigint",
            "integer" => "int",
            "short" => "smallint",
            "byte" => "tinyint",
            same => same,
        }
        .to_owned();
    }
    match delta_type["type"].as_str() {
        Some("array") => format!("array<{}>", of_delta(&delta_type["elementType"])),
        Some("map") => {
            format!("map<{},{}>", of_delta(&delta_type["keyType"]), of_delta(&delta_type["valueType"]))
        }
        Some("struct") => {
            let fields = delta_type["fields"].as_array().unwrap().iter().map(column);
            structure(fields.map(|field| (field.name, field.hive_type)))
        }
        _ => panic!("not a type of Delta: {delta_type}"),
    }
}

/// The Hive spelling of an Arrow type. View, large and dictionary forms are other layouts of one type.
pub(crate) fn of_arrow(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int8 => "tinyint".to_owned(),
        DataType::Int16 => "smallint".to_owned(),
        DataType::Int32 => "int".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float32 => "float".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string".to_owned(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "binary".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => "timestamp".to_owned(),
        DataType::Timestamp(TimeUnit::Microsecond, None) => "timestamp_ntz".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::List(item) | DataType::LargeList(item) => format!("array<{}>", of_arrow(item.data_type())),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(sides) => {
                format!("map<{},{}>", of_arrow(sides[0].data_type()), of_arrow(sides[1].data_type()))
            }
            other => panic!("entries of a map: {other}"),
        },
        DataType::Struct(fields) => {
            structure(fields.iter().map(|field| (field.name().to_lowercase(), of_arrow(field.data_type()))))
        }
        DataType::Dictionary(_, values) => of_arrow(values),
        other => format!("{other}"),
    }
}

/// An Arrow field as a column.
pub(crate) fn column_of_arrow(field: &Field) -> Column {
    Column { name: field.name().to_lowercase(), hive_type: of_arrow(field.data_type()) }
}

fn structure(fields: impl Iterator<Item = (String, String)>) -> String {
    let fields: Vec<String> = fields.map(|(name, hive_type)| format!("{name}:{hive_type}")).collect();
    format!("struct<{}>", fields.join(","))
}
