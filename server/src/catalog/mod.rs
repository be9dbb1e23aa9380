//! What a principal may browse: databases, tables and columns, exactly as Glue lists them for the user's role.
//!
//! Invariants: every list was asked for as that principal, and is kept under that principal's key for at most
//! `access.catalog_ttl` (G5). Browsing opens no Delta log and no S3 object, however many tables there are, so a BI tool
//! that asks for all columns costs one Glue listing per database. Nothing decided here gives access to data.
//!
//! Column types come from Glue. A query's types come from the Delta log; the two differ only where a table's owner
//! let them drift apart.

pub(crate) mod hive_type;
mod listing;
mod sql_type;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{Field, FieldRef, Schema, SchemaRef};
use futures::{StreamExt, TryStreamExt, stream};
use moka::future::Cache;

pub(crate) use self::listing::Listing;
pub(crate) use self::sql_type::sql_type;
use crate::aws::{Aws, FailureKind, GlueColumn, GlueTable};
use crate::error::{Error, ErrorKind};
use crate::identity::Principal;
use crate::ids::TableName;
use crate::settings::AccessSettings;

/// Metadata key under which Flight SQL clients look for a column's comment; on a whole schema it is the table's.
const REMARKS_KEY: &str = "ARROW:FLIGHT:SQL:REMARKS";

/// Databases that are listed at once: one click in a tool asks for the tables of all of them.
const CONCURRENT_LISTINGS: usize = 8;

/// Tables that one answer has at most. With their schemas they are held in memory together.
const MAX_TABLES: usize = 50_000;

/// Memory of the lists of databases that are kept, over all principals, and as much for the lists of tables; in bytes.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// A database that the principal may know of.
#[derive(Clone, Debug)]
pub(crate) struct DatabaseEntry {
    pub(crate) name: String,
}

/// A table that the principal may know of, with the columns that it may know of.
#[derive(Clone, Debug)]
pub(crate) struct TableEntry {
    pub(crate) name: TableName,
    /// The columns; comments of table and columns are its metadata.
    pub(crate) schema: SchemaRef,
}

impl DatabaseEntry {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.name.len()
    }
}

impl TableEntry {
    /// What it takes in memory, nearly: comments are most of it.
    fn bytes(&self) -> usize {
        let metadata = |metadata: &HashMap<String, String>| -> usize {
            metadata.iter().map(|(key, value)| 64 + key.len() + value.len()).sum()
        };
        let field = |field: &FieldRef| field.size() + metadata(field.metadata());
        let fields: usize = self.schema.fields().iter().map(field).sum();
        let name = self.name.database().len() + self.name.table().len();
        size_of::<Self>() + name + fields + metadata(self.schema.metadata())
    }
}

/// What a list counts in its cache; an empty one is an entry, too.
fn weight(entries: impl Iterator<Item = usize>) -> u32 {
    u32::try_from(256 + entries.sum::<usize>()).unwrap_or(u32::MAX)
}

/// Lists for principals. One per server.
pub(crate) struct Catalog {
    aws: Arc<Aws>,
    databases: Cache<Principal, Arc<Vec<DatabaseEntry>>>,
    tables: Cache<(Principal, String), Arc<Vec<TableEntry>>>,
}

impl Catalog {
    /// A catalog with nothing listed yet.
    pub(crate) fn new(aws: Arc<Aws>, settings: &AccessSettings) -> Self {
        Self {
            aws,
            databases: Cache::builder()
                .max_capacity(CACHE_BYTES)
                .weigher(|_, listed: &Arc<Vec<DatabaseEntry>>| {
                    weight(listed.iter().map(DatabaseEntry::bytes))
                })
                .time_to_live(settings.catalog_ttl)
                .build(),
            tables: Cache::builder()
                .max_capacity(CACHE_BYTES)
                .weigher(|_, listed: &Arc<Vec<TableEntry>>| weight(listed.iter().map(TableEntry::bytes)))
                .time_to_live(settings.catalog_ttl)
                .build(),
        }
    }

    /// The databases that Glue lists for the principal, by name.
    ///
    /// # Errors
    /// If AWS does not answer in full.
    pub(crate) async fn databases(&self, principal: &Principal) -> Result<Arc<Vec<DatabaseEntry>>, Error> {
        self.databases
            .try_get_with_by_ref(principal, self.list_databases(principal))
            .await
            .map_err(|shared: Arc<Error>| Error::clone(&shared))
    }

    /// The tables of one database that Glue lists for the principal, by name; empty for a database that is hidden or
    /// missing, which look alike.
    ///
    /// # Errors
    /// If AWS does not answer in full.
    pub(crate) async fn tables(
        &self,
        principal: &Principal,
        database: &str,
    ) -> Result<Arc<Vec<TableEntry>>, Error> {
        let key = (principal.clone(), database.to_ascii_lowercase());
        self.tables
            .try_get_with_by_ref(&key, self.list_tables(principal, &key.1))
            .await
            .map_err(|shared: Arc<Error>| Error::clone(&shared))
    }

    /// The tables of several databases, by name.
    ///
    /// # Errors
    /// As [`tables`](Self::tables); [`ErrorKind::ResourceExhausted`] if too many are `wanted`.
    pub(crate) async fn tables_of(
        &self,
        principal: &Principal,
        databases: Vec<String>,
        wanted: impl Fn(&TableEntry) -> bool,
    ) -> Result<Vec<TableEntry>, Error> {
        let mut found = Vec::new();
        let mut listings = stream::iter(databases)
            .map(|database| async move { self.tables(principal, &database).await })
            .buffered(CONCURRENT_LISTINGS);
        while let Some(tables) = listings.try_next().await? {
            found.extend(tables.iter().filter(|table| wanted(table)).cloned());
            if found.len() > MAX_TABLES {
                let text = "too many tables for one answer: narrow the search by schema or table name";
                return Err(Error::new(ErrorKind::ResourceExhausted, text));
            }
        }
        Ok(found)
    }

    async fn list_databases(&self, principal: &Principal) -> Result<Arc<Vec<DatabaseEntry>>, Error> {
        let client = self.aws.client(principal.role(), principal.user());
        let listed = match client.databases().await {
            Ok(listed) => listed,
            // A role that may list nothing sees an empty catalog, as it would in Athena.
            Err(failure) if failure.kind() == FailureKind::AccessDenied => {
                failure.warn_of_iam(principal.user());
                Vec::new()
            }
            Err(failure) => return Err(failure.into_error()),
        };
        let mut entries: Vec<DatabaseEntry> = listed
            .into_iter()
            .filter(|database| !database.is_resource_link)
            .map(|database| DatabaseEntry { name: database.name })
            .collect();
        entries.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(Arc::new(entries))
    }

    async fn list_tables(
        &self,
        principal: &Principal,
        database: &str,
    ) -> Result<Arc<Vec<TableEntry>>, Error> {
        let client = self.aws.client(principal.role(), principal.user());
        let listed = match client.tables(database).await {
            Ok(listed) => listed,
            Err(failure) if matches!(failure.kind(), FailureKind::AccessDenied | FailureKind::NotFound) => {
                failure.warn_of_iam(principal.user());
                Vec::new()
            }
            Err(failure) => return Err(failure.into_error()),
        };
        let mut entries: Vec<TableEntry> = listed
            .iter()
            .filter(|table| !table.is_resource_link && !table.is_view && !table.is_federated)
            .map(|table| entry(database, table))
            .collect();
        entries.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(Arc::new(entries))
    }
}

fn entry(database: &str, table: &GlueTable) -> TableEntry {
    let fields: Vec<Field> = table.columns.iter().map(field).collect();
    let remarks = table.description.iter().filter(|text| !text.is_empty());
    let metadata = remarks.map(|text| (REMARKS_KEY.to_owned(), text.clone())).collect();
    let schema = Schema::new_with_metadata(fields, metadata);
    TableEntry { name: TableName::new(database, &table.name), schema: Arc::new(schema) }
}

fn field(column: &GlueColumn) -> Field {
    let data_type = hive_type::parse(&column.hive_type).unwrap_or(hive_type::OPAQUE);
    let field = Field::new(column.name.to_ascii_lowercase(), data_type, true);
    match &column.comment {
        Some(comment) => field.with_metadata(HashMap::from([(REMARKS_KEY.to_owned(), comment.clone())])),
        None => field,
    }
}

/// A column's comment.
pub(crate) fn remarks(column: &Field) -> Option<&str> {
    column.metadata().get(REMARKS_KEY).map(String::as_str)
}
