//! Databases and tables in the Glue Data Catalog, in the shape that AWS's own Delta crawler gives
//! them.
//!
//! That shape misleads, for historical reasons: the formats say "text file", and only the parameters
//! say Delta. Location and SerDe `path` agree, partition columns stand apart from the others, and the
//! Spark parameters repeat the whole schema as JSON. A server that shows a user the parameters as
//! they are gives away every hidden column, so the sample lake must contain the trap.

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field};
use aws_sdk_glue::types::{Column, DatabaseInput, SerDeInfo, StorageDescriptor, TableInput};

use super::account::{Account, BUCKET, HR, SALES, table_location};
use super::delta::{WrittenTable, delta_schema};
use super::error::SeedError;
use super::{SampleTable, account};

const INPUT_FORMAT: &str = "org.apache.hadoop.mapred.SequenceFileInputFormat";
const OUTPUT_FORMAT: &str = "org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat";
const SERDE: &str = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe";

/// Creates the databases `sales` and `hr`.
pub(super) async fn create_databases(account: &Account) -> Result<(), SeedError> {
    let databases = [
        (SALES, "Orders, customers and suppliers of a wholesale trader (TPC-H)"),
        (HR, "Employees and departments; personal data"),
    ];
    for (name, description) in databases {
        let input = DatabaseInput::builder()
            .name(name)
            .description(description)
            .location_uri(format!("s3://{BUCKET}/{name}"))
            .build()?;
        account
            .glue
            .create_database()
            .database_input(input)
            .send()
            .await
            .map_err(|error| SeedError::from_sdk("glue:CreateDatabase", name, error))?;
    }
    Ok(())
}

/// A table as Glue will describe it, taken before its rows are consumed.
pub(super) struct CatalogEntry {
    database: &'static str,
    name: &'static str,
    comment: &'static str,
    columns: Vec<Column>,
    partition_keys: Vec<Column>,
    spark_schema: String,
}

impl CatalogEntry {
    /// Translates names, types and comments.
    ///
    /// # Errors
    /// [`SeedError::ColumnType`] for a type that has no Hive name here.
    pub(super) fn of(table: &SampleTable) -> Result<CatalogEntry, SeedError> {
        let mut columns = Vec::new();
        let mut partition_keys = Vec::new();
        for field in table.schema.fields() {
            let is_partition_key = table.partition_columns.contains(&field.name().as_str());
            let target = if is_partition_key { &mut partition_keys } else { &mut columns };
            target.push(column(field, table.column_comments)?);
        }
        let spark_schema =
            serde_json::to_string(&delta_schema(&table.schema)?).map_err(SeedError::request)?;
        Ok(CatalogEntry {
            database: table.database,
            name: table.name,
            comment: table.comment,
            columns,
            partition_keys,
            spark_schema,
        })
    }
}

fn column(field: &Field, comments: &[(&str, &str)]) -> Result<Column, SeedError> {
    let comment = comments.iter().find(|(name, _)| name == field.name()).map(|(_, text)| (*text).to_owned());
    Ok(Column::builder().name(field.name()).r#type(hive_type(field)?).set_comment(comment).build()?)
}

fn hive_type(field: &Field) -> Result<String, SeedError> {
    Ok(match field.data_type() {
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int32 => "int".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Utf8 => "string".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        other => {
            let column = field.name().clone();
            return Err(SeedError::ColumnType { column, data_type: other.clone() });
        }
    })
}

/// Registers a written table.
pub(super) async fn create_table(
    account: &Account,
    entry: CatalogEntry,
    written: &WrittenTable,
) -> Result<(), SeedError> {
    let database = entry.database;
    let qualified_name = format!("{database}.{}", entry.name);
    account
        .glue
        .create_table()
        .database_name(database)
        .table_input(table_input(entry, written)?)
        .send()
        .await
        .map_err(|error| SeedError::from_sdk("glue:CreateTable", &qualified_name, error))?;
    Ok(())
}

fn table_input(entry: CatalogEntry, written: &WrittenTable) -> Result<TableInput, SeedError> {
    let location = table_location(entry.database, entry.name);
    let serde = SerDeInfo::builder()
        .serialization_library(SERDE)
        .parameters("serialization.format", "1")
        .parameters("path", &location)
        .build();
    let storage = StorageDescriptor::builder()
        .set_columns(Some(entry.columns))
        .location(&location)
        .input_format(INPUT_FORMAT)
        .output_format(OUTPUT_FORMAT)
        .serde_info(serde)
        .build();
    let parameters = HashMap::from(
        [
            ("EXTERNAL", "TRUE".to_owned()),
            ("classification", "delta".to_owned()),
            ("table_type", "DELTA".to_owned()),
            ("spark.sql.sources.provider", "delta".to_owned()),
            ("spark.sql.partitionProvider", "catalog".to_owned()),
            ("spark.sql.sources.schema.numParts", "1".to_owned()),
            ("spark.sql.sources.schema.part.0", entry.spark_schema),
            ("delta.lastUpdateVersion", written.version.to_string()),
        ]
        .map(|(key, value)| (key.to_owned(), value)),
    );
    Ok(TableInput::builder()
        .name(entry.name)
        .description(entry.comment)
        .owner(account::ACCOUNT_ID)
        .table_type("EXTERNAL_TABLE")
        .storage_descriptor(storage)
        .set_partition_keys(Some(entry.partition_keys))
        .set_parameters(Some(parameters))
        .build()?)
}

#[cfg(test)]
mod tests;
