//! What the catalog commands ask for, and how their replies are read.
//!
//! Flight SQL filters by LIKE patterns, in which `_` matches any character. Whoever looks for one
//! table by name must therefore check the name again in the reply.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Schema, UInt32Type};
use arrow_flight::IpcMessage;
use arrow_flight::sql::{CommandGetTables, SqlInfo};

use crate::error::ClientError;

/// Which tables to list. Patterns are SQL LIKE patterns; `None` means all.
#[derive(Clone, Debug, Default)]
pub struct TableFilter {
    /// Catalog name, exactly.
    pub catalog: Option<String>,
    /// Pattern for database names.
    pub schema_pattern: Option<String>,
    /// Pattern for table names.
    pub table_pattern: Option<String>,
    /// Whether the reply carries each table's columns, as an encoded Arrow schema.
    pub include_schema: bool,
}

impl From<TableFilter> for CommandGetTables {
    fn from(filter: TableFilter) -> Self {
        Self {
            catalog: filter.catalog,
            db_schema_filter_pattern: filter.schema_pattern,
            table_name_filter_pattern: filter.table_pattern,
            table_types: Vec::new(),
            include_schema: filter.include_schema,
        }
    }
}

/// What the server says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerInfo {
    /// Product name.
    pub name: String,
    /// Product version.
    pub version: String,
}

/// A table that the user can see.
#[derive(Clone, Debug, PartialEq)]
pub struct TableInfo {
    /// Its catalog, on a server that has several.
    pub catalog: Option<String>,
    /// Its database.
    pub database: String,
    /// Its name.
    pub name: String,
    /// `TABLE`, `VIEW`, or another word of the server.
    pub kind: String,
    /// Its columns, if the filter asked for them.
    pub schema: Option<Schema>,
}

/// Reads one batch of a GetTables reply.
pub(crate) fn table_infos(batch: &RecordBatch) -> Result<Vec<TableInfo>, ClientError> {
    const UNEXPECTED: ClientError = ClientError::UnexpectedReply("GetTables");
    let text = |name: &str| batch.column_by_name(name)?.as_string_opt::<i32>();
    let catalogs = text("catalog_name").ok_or(UNEXPECTED)?;
    let databases = text("db_schema_name").ok_or(UNEXPECTED)?;
    let names = text("table_name").ok_or(UNEXPECTED)?;
    let kinds = text("table_type").ok_or(UNEXPECTED)?;
    let schemas = match batch.column_by_name("table_schema") {
        Some(column) => Some(column.as_binary_opt::<i32>().ok_or(UNEXPECTED)?),
        None => None,
    };
    let read = |row: usize| -> Result<TableInfo, ClientError> {
        Ok(TableInfo {
            catalog: catalogs.is_valid(row).then(|| catalogs.value(row).to_owned()),
            // A server without databases sends NULL, which reads as no text.
            database: databases.value(row).to_owned(),
            name: names.value(row).to_owned(),
            kind: kinds.value(row).to_owned(),
            schema: match schemas {
                Some(encoded) => Some(Schema::try_from(IpcMessage(encoded.value(row).to_vec().into()))?),
                None => None,
            },
        })
    };
    (0..batch.num_rows()).map(read).collect()
}

/// Reads the string members of the union in a GetSqlInfo reply.
pub(crate) fn server_info(batches: &[RecordBatch]) -> Result<ServerInfo, ClientError> {
    let find = |wanted: SqlInfo| {
        batches
            .iter()
            .find_map(|batch| string_info(batch, wanted))
            .ok_or(ClientError::UnexpectedReply("GetSqlInfo"))
    };
    Ok(ServerInfo {
        name: find(SqlInfo::FlightSqlServerName)?,
        version: find(SqlInfo::FlightSqlServerVersion)?,
    })
}

fn string_info(batch: &RecordBatch, wanted: SqlInfo) -> Option<String> {
    let codes = batch.columns().first()?.as_primitive_opt::<UInt32Type>()?;
    let values = batch.columns().get(1)?.as_union_opt()?;
    let wanted = u32::try_from(i32::from(wanted)).ok()?;
    let row = (0..batch.num_rows()).find(|&row| codes.value(row) == wanted)?;
    let value = values.value(row);
    let text = value.as_string_opt::<i32>()?;
    text.is_valid(0).then(|| text.value(0).to_owned())
}
