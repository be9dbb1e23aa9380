//! How the bytes of a Parquet file reach the reader.
//!
//! Whoever writes a table chooses each byte of its files. The reader is made for files of honest writers: it reserves what a
//! file announces, and leaves out checks where the schema that it was given disagrees with the file. So nothing reaches it
//! but through [`FileReader`]: the footer is checked and made plain ([`footer`]), pages are looked through ([`pages`]), both by
//! the grammar of the format ([`thrift`]). What a batch takes beyond what those of honest writers do is charged to the tables'
//! budget first. Data files and checkpoints of the log are read alike.

pub(super) mod footer;
mod pages;
mod thrift;
mod values;

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use bytes::Bytes;
use datafusion::common::Result as DataFusionResult;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::parquet::metadata::CachedParquetMetaData;
use datafusion::execution::cache::Cache;
use datafusion::execution::cache::cache_manager::CachedFileMetadataEntry;
use datafusion::physical_plan::metrics::{Count, ExecutionPlanMetricsSet, MetricBuilder};
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use self::pages::Chunks;
use super::budget::{Budget, Charge};
use super::footers::TableFooters;

/// Bytes that a batch's part of one column chunk takes before it is charged. Writers make pages of a megabyte.
const FREE_BYTES: u64 = 16 << 20;

/// Makes readers of one table's files.
pub(super) struct FileReaders {
    store: Arc<dyn ObjectStore>,
    footers: Arc<TableFooters>,
    texts: Arc<HashSet<String>>,
    shared: Arc<HashSet<String>>,
    budget: Arc<Budget>,
}

impl FileReaders {
    /// # Arguments
    /// * `columns` - the columns that a scan asks files for.
    pub(super) fn new(
        store: Arc<dyn ObjectStore>,
        footers: Arc<TableFooters>,
        columns: &Schema,
        budget: Arc<Budget>,
    ) -> Self {
        use DataType::{BinaryView, LargeUtf8, Utf8, Utf8View};
        let named = |matches: fn(&DataType) -> bool| {
            let found = columns.fields().iter().filter(|field| matches(field.data_type()));
            Arc::new(found.map(|field| field.name().clone()).collect())
        };
        let texts = named(|data_type| matches!(data_type, Utf8 | LargeUtf8 | Utf8View));
        let shared = named(|data_type| matches!(data_type, Utf8View | BinaryView));
        Self { store, footers, texts, shared, budget }
    }
}

impl fmt::Debug for FileReaders {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("FileReaders")
    }
}

impl ParquetFileReaderFactory for FileReaders {
    fn create_reader(
        &self,
        part: usize,
        file: PartitionedFile,
        _: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> DataFusionResult<Box<dyn AsyncFileReader + Send>> {
        Ok(Box::new(FileReader {
            store: Arc::clone(&self.store),
            file: file.object_meta,
            footers: Some(Arc::clone(&self.footers)),
            texts: Arc::clone(&self.texts),
            shared: Arc::clone(&self.shared),
            chunks: None,
            budget: Arc::clone(&self.budget),
            memory: None,
            scanned: Some(MetricBuilder::new(metrics).counter("bytes_scanned", part)),
        }))
    }
}

/// Reads one file; see the module's head.
pub(super) struct FileReader {
    store: Arc<dyn ObjectStore>,
    file: ObjectMeta,
    footers: Option<Arc<TableFooters>>,
    /// The names of the table's text columns.
    texts: Arc<HashSet<String>>,
    /// The names of columns whose values the reader does not copy.
    shared: Arc<HashSet<String>>,
    /// Known once the footer was read.
    chunks: Option<Chunks>,
    budget: Arc<Budget>,
    /// What decoding the last bytes takes beyond what any file does.
    memory: Option<Charge>,
    scanned: Option<Count>,
}

impl FileReader {
    /// Reads a file of the log.
    pub(super) fn of_log(store: Arc<dyn ObjectStore>, file: ObjectMeta, budget: Arc<Budget>) -> Self {
        let (texts, shared) = (Arc::default(), Arc::default());
        Self { store, file, footers: None, texts, shared, chunks: None, budget, memory: None, scanned: None }
    }

    async fn footer(&mut self) -> Result<Arc<ParquetMetaData>, ParquetError> {
        let footer = match &self.footers {
            Some(footers) => footer_of(self.store.as_ref(), &self.file, footers).await?,
            None => Arc::new(footer::fetch(self.store.as_ref(), &self.file).await?),
        };
        let footer = footer::for_table(footer, &self.texts);
        self.chunks = Some(Chunks::of(&footer, &self.shared)?);
        Ok(footer)
    }

    /// Reads the footer, unless this reader has: parts of a file have readers of their own, and share its footer.
    async fn prepare(&mut self) -> Result<(), ParquetError> {
        if self.chunks.is_none() {
            self.footer().await?;
        }
        Ok(())
    }

    /// Looks through bytes, and charges what decoding them takes.
    fn check<'a>(&mut self, read: impl Iterator<Item = (u64, &'a Bytes)>) -> Result<(), ParquetError> {
        let chunks = self.chunks.as_ref().ok_or_else(|| footer::broken("read before its footer"))?;
        let mut needed = 0_u64;
        for (start, bytes) in read {
            if let Some(count) = &self.scanned {
                count.add(bytes.len());
            }
            needed = needed.saturating_add(chunks.check(start, bytes)?.saturating_sub(FREE_BYTES));
        }
        if needed > 0 {
            let charge = self.budget.charge(needed);
            self.memory = Some(charge.map_err(|error| ParquetError::External(Box::new(error)))?);
        } else {
            self.memory = None;
        }
        Ok(())
    }
}

impl AsyncFileReader for FileReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        async move {
            self.prepare().await?;
            let start = range.start;
            let bytes = self.store.get_range(&self.file.location, range).await.map_err(of_store)?;
            self.check([(start, &bytes)].into_iter())?;
            Ok(bytes)
        }
        .boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        async move {
            self.prepare().await?;
            let read = self.store.get_ranges(&self.file.location, &ranges).await.map_err(of_store)?;
            self.check(ranges.iter().map(|range| range.start).zip(&read))?;
            Ok(read)
        }
        .boxed()
    }

    /// Never with an index of pages: who needs one loads it through [`Self::get_bytes`].
    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        self.footer().boxed()
    }
}

/// The footer of a file, from memory if it was read before.
///
/// # Errors
/// The store's; if the footer is broken.
pub(super) async fn footer_of(
    store: &dyn ObjectStore,
    file: &ObjectMeta,
    footers: &TableFooters,
) -> Result<Arc<ParquetMetaData>, ParquetError> {
    if let Some(known) = footers.known(file) {
        return Ok(known);
    }
    let footer = Arc::new(footer::fetch(store, file).await?);
    let entry = Arc::new(CachedParquetMetaData::new(Arc::clone(&footer)));
    footers.put(&file.location, CachedFileMetadataEntry::new(file.clone(), entry));
    Ok(footer)
}

fn of_store(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}
