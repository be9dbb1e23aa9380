//! Parsed Parquet footers, kept under the identity of their table.
//!
//! DataFusion's own cache is keyed by the object's key without its bucket and trusts an equal size and modification
//! time; Delta scans report the same modification time for every file. Two tables with a file of one name and size would
//! then exchange footers. Here each table sees the shared cache through its own name space (G5).

use std::sync::Arc;
use std::time::Duration;

use datafusion::common::{HashMap, Result, TableReference};
use datafusion::datasource::physical_plan::parquet::metadata::CachedParquetMetaData;
use datafusion::execution::cache::cache_manager::{CachedFileMetadataEntry, FileMetadataCache};
use datafusion::execution::cache::default_cache::DefaultCache;
use datafusion::execution::cache::{Cache, CacheEntryInfo};
use object_store::ObjectMeta;
use object_store::path::Path;
use parquet::file::metadata::ParquetMetaData;

use crate::mutant::Mutant;

/// The shared cache. One per server.
#[derive(Clone)]
pub(super) struct FooterCache {
    shared: Arc<FileMetadataCache>,
}

impl FooterCache {
    /// # Arguments
    /// * `capacity` - bytes of parsed footers to keep at the most.
    pub(super) fn new(capacity: usize) -> Self {
        Self { shared: Arc::new(DefaultCache::new(capacity).with_name("footers")) }
    }

    /// The cache as one table sees it.
    ///
    /// # Arguments
    /// * `table` - identity of the table.
    pub(super) fn of_table(&self, table: &str) -> Arc<TableFooters> {
        Arc::new(TableFooters { shared: Arc::clone(&self.shared), name_space: Path::from(table) })
    }
}

/// The shared cache as one table sees it.
pub(super) struct TableFooters {
    shared: Arc<FileMetadataCache>,
    name_space: Path,
}

impl TableFooters {
    /// The footer of a file, if it was read before.
    pub(super) fn known(&self, file: &ObjectMeta) -> Option<Arc<ParquetMetaData>> {
        let entry = self.get(&file.location).filter(|entry| entry.is_valid_for(file))?;
        let footer = entry.file_metadata.as_any().downcast_ref::<CachedParquetMetaData>()?;
        Some(Arc::clone(footer.parquet_metadata()))
    }

    fn key(&self, file: &Path) -> Path {
        if Mutant::FootersByFileName.is_on() {
            return file.parts().next_back().into_iter().collect();
        }
        self.name_space.parts().chain(file.parts()).collect()
    }
}

impl Cache<Path, CachedFileMetadataEntry> for TableFooters {
    fn get(&self, file: &Path) -> Option<CachedFileMetadataEntry> {
        self.shared.get(&self.key(file))
    }

    fn put(&self, file: &Path, value: CachedFileMetadataEntry) -> Option<CachedFileMetadataEntry> {
        self.shared.put(&self.key(file), value)
    }

    fn remove(&self, file: &Path) -> Option<CachedFileMetadataEntry> {
        self.shared.remove(&self.key(file))
    }

    fn contains_key(&self, file: &Path) -> bool {
        self.shared.contains_key(&self.key(file))
    }

    fn len(&self) -> usize {
        self.shared.len()
    }

    /// Nothing: one table does not decide for the others.
    fn clear(&self) {}

    fn name(&self) -> String {
        self.shared.name()
    }

    fn cache_limit(&self) -> usize {
        self.shared.cache_limit()
    }

    /// Nothing: the limit is the server's setting, and every runtime environment made for a table would set it.
    fn update_cache_limit(&self, _: usize) {}

    fn cache_ttl(&self) -> Option<Duration> {
        self.shared.cache_ttl()
    }

    fn update_cache_ttl(&self, _: Option<Duration>) {}

    fn drop_table_entries(&self, _: &TableReference) -> Result<()> {
        Ok(())
    }

    /// Nothing: a listing would show other tables' files.
    fn list_entries(&self) -> HashMap<Path, CacheEntryInfo<CachedFileMetadataEntry>> {
        HashMap::new()
    }
}
