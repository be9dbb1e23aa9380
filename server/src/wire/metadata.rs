//! Metadata commands: what there is, as the user may see it.
//!
//! A metadata ticket is the command itself, so it holds no state; the answer is asked for again at DoGet, as the caller
//! of that moment. Drivers compare these results exactly: names, plain types and nullability are Flight SQL's, and the
//! schema that GetFlightInfo announces is the one that is sent.

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use arrow::array::{Array as _, AsArray as _, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow_flight::sql::metadata::{
    GetCatalogsBuilder, GetDbSchemasBuilder, GetTablesBuilder, XdbcTypeInfoDataBuilder,
};
use arrow_flight::sql::{CommandGetDbSchemas, CommandGetTableTypes, CommandGetTables};
use arrow_flight::{FlightDescriptor, FlightEndpoint, FlightInfo, Ticket};

use super::authenticate::Caller;
use super::commands::MetadataCommand;
use super::front_door::FrontDoor;
use super::like::{Pattern, passes};
use super::{schema, sql_info};
use crate::audit::QueryStart;
use crate::catalog::TableEntry;
use crate::error::{Error, ErrorKind};
use crate::ids::CATALOG;
use crate::planner;

/// Longest search pattern, in bytes: names have 255 characters, each of which may be escaped.
const PATTERN_LIMIT: usize = 2048;

/// The only type of table there is.
const TABLE_TYPE: &str = "TABLE";

impl MetadataCommand {
    /// The schema of the answer, which does not depend on what there is.
    pub(super) fn schema(&self) -> SchemaRef {
        match self {
            Self::Catalogs => GetCatalogsBuilder::new().schema(),
            Self::DbSchemas(_) => db_schemas_builder().schema(),
            Self::Tables(command) => tables_builder(command.include_schema).schema(),
            Self::TableTypes => CommandGetTableTypes {}.into_builder().schema(),
            Self::PrimaryKeys => Arc::clone(&PRIMARY_KEYS),
            Self::ForeignKeys => Arc::clone(&FOREIGN_KEYS),
            Self::SqlInfo(_) => Arc::clone(&sql_info::SCHEMA),
            Self::XdbcTypeInfo(_) => XdbcTypeInfoDataBuilder::new().schema(),
        }
    }

    /// The name and the filters of a command that tells names of the catalog.
    fn asks_for_names(&self) -> Option<(&'static str, String)> {
        match self {
            Self::Catalogs => Some(("GetCatalogs", String::new())),
            Self::DbSchemas(command) => {
                let CommandGetDbSchemas { catalog, db_schema_filter_pattern: schema } = command;
                Some(("GetDbSchemas", format!("catalog={catalog:?} schema={schema:?}")))
            }
            Self::Tables(command) => {
                let (catalog, schema) = (&command.catalog, &command.db_schema_filter_pattern);
                let (table, types) = (&command.table_name_filter_pattern, &command.table_types);
                let filters =
                    format!("catalog={catalog:?} schema={schema:?} table={table:?} types={types:?}");
                Some(("GetTables", filters))
            }
            Self::TableTypes
            | Self::PrimaryKeys
            | Self::ForeignKeys
            | Self::SqlInfo(_)
            | Self::XdbcTypeInfo(_) => None,
        }
    }

    /// FlightInfo whose ticket is the command as it was sent.
    ///
    /// # Errors
    /// Only a defect.
    pub(super) fn flight_info(&self, descriptor: FlightDescriptor) -> Result<FlightInfo, Error> {
        let ticket = Ticket::new(descriptor.cmd.clone());
        Ok(FlightInfo {
            schema: schema::encapsulated(&self.schema())?,
            endpoint: vec![FlightEndpoint::new().with_ticket(ticket)],
            flight_descriptor: Some(descriptor),
            total_records: -1,
            total_bytes: -1,
            ..FlightInfo::default()
        })
    }
}

impl FrontDoor {
    /// Answers a metadata command for a caller. One that tells names of the catalog is recorded like a statement.
    ///
    /// # Errors
    /// What browsing the catalog answers, and what the audit trail does.
    pub(super) async fn metadata(
        &self,
        caller: &Caller,
        command: MetadataCommand,
    ) -> Result<RecordBatch, Error> {
        let Some((name, filters)) = command.asks_for_names() else {
            return self.answer_metadata(caller, command).await;
        };
        let (user, role) = caller.named();
        let mut audit = self.pipeline.audit.start(&QueryStart {
            context: &caller.context,
            user,
            role,
            command: Some(name),
            statement: &filters,
            statement_bytes: filters.len(),
        })?;
        let asked = Instant::now();
        let answered = self.answer_metadata(caller, command).await;
        audit.asked_aws(asked.elapsed());
        let answered = match answered {
            Ok(answer) => audit.written(caller.context.client_deadline()).await.map(|()| answer),
            Err(error) => Err(error),
        };
        if let Ok(answer) = &answered {
            audit.listed(names(answer).into_iter());
            audit.sent(answer.num_rows() as u64, answer.get_array_memory_size() as u64);
        }
        audit.finish(answered.as_ref().map(|_| ()).map_err(Error::kind));
        answered
    }

    async fn answer_metadata(&self, caller: &Caller, command: MetadataCommand) -> Result<RecordBatch, Error> {
        let session = self.pipeline.session(&caller.principal);
        // It asks AWS and holds the whole answer, as describing does.
        let _admission = self.pipeline.sessions.admit_description(&session).await?;
        match command {
            MetadataCommand::Catalogs => catalogs(),
            MetadataCommand::DbSchemas(command) => self.db_schemas(caller, &command).await,
            MetadataCommand::Tables(command) => self.tables(caller, &command).await,
            MetadataCommand::TableTypes => table_types(),
            MetadataCommand::PrimaryKeys => Ok(RecordBatch::new_empty(Arc::clone(&PRIMARY_KEYS))),
            MetadataCommand::ForeignKeys => Ok(RecordBatch::new_empty(Arc::clone(&FOREIGN_KEYS))),
            MetadataCommand::SqlInfo(command) => self.sql_info.select(&command.info),
            MetadataCommand::XdbcTypeInfo(command) => self.xdbc_types.select(command.data_type),
        }
    }

    async fn db_schemas(&self, caller: &Caller, command: &CommandGetDbSchemas) -> Result<RecordBatch, Error> {
        let mut builder = db_schemas_builder();
        let pattern = pattern(command.db_schema_filter_pattern.as_deref())?;
        for database in self.databases(caller, command.catalog.as_deref(), pattern.as_ref()).await? {
            builder.append(CATALOG, database);
        }
        builder.build().map_err(broken)
    }

    async fn tables(&self, caller: &Caller, command: &CommandGetTables) -> Result<RecordBatch, Error> {
        let builder = tables_builder(command.include_schema);
        let wanted = |table_type: &String| table_type.eq_ignore_ascii_case(TABLE_TYPE);
        if !command.table_types.is_empty() && !command.table_types.iter().any(wanted) {
            return builder.build().map_err(broken);
        }
        let database_pattern = pattern(command.db_schema_filter_pattern.as_deref())?;
        let table_pattern = pattern(command.table_name_filter_pattern.as_deref())?;
        let databases = self.databases(caller, command.catalog.as_deref(), database_pattern.as_ref()).await?;
        let wanted = |table: &TableEntry| passes(table_pattern.as_ref(), table.name.table());
        let found = self.pipeline.catalog.tables_of(&caller.principal, databases, wanted).await?;
        // Thousands of schemas take long to encode.
        let deadline = self.pipeline.engine.deadline(caller.context.client_timeout);
        self.pipeline.engine.compute(deadline, async move { tables_answer(builder, &found) }).await
    }

    /// Names of the databases that the caller may see and that pass the filters.
    async fn databases(
        &self,
        caller: &Caller,
        catalog: Option<&str>,
        pattern: Option<&Pattern>,
    ) -> Result<Vec<String>, Error> {
        // An empty catalog asks for what belongs to none, and nothing does.
        if catalog.is_some_and(|catalog| !catalog.eq_ignore_ascii_case(CATALOG)) {
            return Ok(Vec::new());
        }
        let databases = self.pipeline.catalog.databases(&caller.principal).await?;
        let names = databases.iter().map(|database| database.name.clone());
        Ok(names.filter(|name| passes(pattern, name)).collect())
    }
}

/// A search pattern, if there is one and it is not longer than any name.
fn pattern(text: Option<&str>) -> Result<Option<Pattern>, Error> {
    match text {
        Some(text) if text.len() > PATTERN_LIMIT => {
            Err(Error::new(ErrorKind::InvalidRequest, "the search pattern is too long"))
        }
        _ => Ok(text.map(Pattern::new)),
    }
}

/// What an answer names: tables with their databases, or databases, or catalogs.
fn names(answer: &RecordBatch) -> Vec<String> {
    let column = |name: &str| answer.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
    let text = |column: &StringArray, row: usize| column.is_valid(row).then(|| column.value(row).to_owned());
    let columns = ["db_schema_name", "table_name"].map(column);
    let parts: Vec<&StringArray> = match columns.iter().any(Option::is_some) {
        true => columns.into_iter().flatten().collect(),
        false => column("catalog_name").into_iter().collect(),
    };
    let name = |row| parts.iter().filter_map(|part| text(part, row)).collect::<Vec<_>>().join(".");
    (0..answer.num_rows()).map(name).collect()
}

fn tables_answer(mut builder: GetTablesBuilder, tables: &[TableEntry]) -> Result<RecordBatch, Error> {
    for table in tables {
        let wire_schema = schema::wire_schema(&planner::described_table(&table.schema));
        // A result's schema has no metadata of its own; a table's has its comment.
        let wire_schema = wire_schema.as_ref().clone().with_metadata(table.schema.metadata().clone());
        builder
            .append(CATALOG, table.name.database(), table.name.table(), TABLE_TYPE, &wire_schema)
            .map_err(broken)?;
    }
    builder.build().map_err(broken)
}

fn catalogs() -> Result<RecordBatch, Error> {
    let mut builder = GetCatalogsBuilder::new();
    builder.append(CATALOG);
    builder.build().map_err(broken)
}

fn table_types() -> Result<RecordBatch, Error> {
    let mut builder = CommandGetTableTypes {}.into_builder();
    builder.append(TABLE_TYPE);
    builder.build().map_err(broken)
}

/// A builder that sorts but does not filter: patterns are applied before anything is fetched.
fn db_schemas_builder() -> GetDbSchemasBuilder {
    GetDbSchemasBuilder::new(None::<String>, None::<String>)
}

fn tables_builder(include_schema: bool) -> GetTablesBuilder {
    GetTablesBuilder::new(
        None::<String>,
        None::<String>,
        None::<String>,
        Vec::<String>::new(),
        include_schema,
    )
}

fn broken(error: impl std::fmt::Display) -> Error {
    Error::internal(format!("a metadata result cannot be built: {error}"))
}

static PRIMARY_KEYS: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("catalog_name", DataType::Utf8, true),
        Field::new("db_schema_name", DataType::Utf8, true),
        Field::new("table_name", DataType::Utf8, false),
        Field::new("column_name", DataType::Utf8, false),
        Field::new("key_name", DataType::Utf8, true),
        Field::new("key_sequence", DataType::Int32, false),
    ]))
});

static FOREIGN_KEYS: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("pk_catalog_name", DataType::Utf8, true),
        Field::new("pk_db_schema_name", DataType::Utf8, true),
        Field::new("pk_table_name", DataType::Utf8, false),
        Field::new("pk_column_name", DataType::Utf8, false),
        Field::new("fk_catalog_name", DataType::Utf8, true),
        Field::new("fk_db_schema_name", DataType::Utf8, true),
        Field::new("fk_table_name", DataType::Utf8, false),
        Field::new("fk_column_name", DataType::Utf8, false),
        Field::new("key_sequence", DataType::Int32, false),
        Field::new("fk_key_name", DataType::Utf8, true),
        Field::new("pk_key_name", DataType::Utf8, true),
        Field::new("update_rule", DataType::UInt8, false),
        Field::new("delete_rule", DataType::UInt8, false),
    ]))
});

#[cfg(test)]
mod tests;
