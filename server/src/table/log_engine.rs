//! What the Delta kernel reads a log with.
//!
//! The kernel's own engine decodes a log's files a batch of thousands of rows at a time, whatever they hold: eight kilobytes of
//! a checkpoint in which one long path stands for every file become gigabytes. Here checkpoints are read as data files are
//! ([`FileReader`]): bounded, and charged to the tables' budget. Commits are plain text, and charged by their size.

use std::sync::Arc;

use chrono::DateTime;
use delta_kernel::engine::arrow_data::ArrowEngineData;
use delta_kernel::engine::arrow_utils::{
    RowIndexBuilder, fixup_parquet_read, ordering_needs_row_indexes, parquet_read_plan,
};
use delta_kernel::engine::parquet_row_group_skipping::ParquetRowGroupSkipping;
use delta_kernel::engine::reader_options;
use delta_kernel::engine_data::FilteredEngineData;
use delta_kernel::schema::SchemaRef;
use delta_kernel::{
    CancellationTokenRef, DeltaResult, DeltaResultIterator, DeltaResultIteratorStatic, Engine, EngineData,
    Error as KernelError, EvaluationHandler, FileDataReadResultIterator, FileMeta, FileSize, JsonHandler,
    ParquetFooter, ParquetHandler, PredicateRef, StorageHandler,
};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use tokio::runtime::Handle;
use url::Url;

use super::budget::{Budget, Charge};
use super::conflicts;
use super::files::FileReader;

/// Rows of a checkpoint that are decoded at once.
const BATCH_ROWS: usize = 8192;

/// Files of a checkpoint that are opened ahead.
const FILES_AHEAD: usize = 64;

/// Bytes of memory that a commit takes for each of its own while it is decoded.
const MEMORY_PER_BYTE: u64 = 2;

type Batches = BoxStream<'static, DeltaResult<Box<dyn EngineData>>>;

/// See the file's head.
pub(super) struct LogEngine {
    inner: Arc<dyn Engine>,
    json: Arc<Commits>,
    parquet: Arc<Checkpoints>,
}

impl LogEngine {
    /// # Arguments
    /// * `inner` - evaluates, lists, and reads commits.
    /// * `store` - the table's own, jailed.
    /// * `io` - the runtime that talks to S3.
    pub(super) fn new(
        inner: Arc<dyn Engine>,
        store: Arc<dyn ObjectStore>,
        io: Handle,
        budget: Arc<Budget>,
    ) -> Self {
        let json = Arc::new(Commits { inner: inner.json_handler(), budget: Arc::clone(&budget) });
        let parquet = Arc::new(Checkpoints { inner: inner.parquet_handler(), store, io, budget });
        Self { inner, json, parquet }
    }
}

impl Engine for LogEngine {
    fn evaluation_handler(&self) -> Arc<dyn EvaluationHandler> {
        self.inner.evaluation_handler()
    }

    fn storage_handler(&self) -> Arc<dyn StorageHandler> {
        self.inner.storage_handler()
    }

    fn json_handler(&self) -> Arc<dyn JsonHandler> {
        Arc::clone(&self.json) as _
    }

    fn parquet_handler(&self) -> Arc<dyn ParquetHandler> {
        Arc::clone(&self.parquet) as _
    }
}

/// What is read of commits, with the memory that it takes meanwhile.
struct Charged<I> {
    batches: I,
    _memory: Charge,
}

impl<I: Iterator<Item = DeltaResult<Box<dyn EngineData>>>> Iterator for Charged<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.batches.next()?;
        Some(batch.and_then(|actions| conflicts::check(actions.as_ref()).map(|()| actions)))
    }
}

/// Reads files of JSON.
struct Commits {
    inner: Arc<dyn JsonHandler>,
    budget: Arc<Budget>,
}

impl Commits {
    /// One file is decoded at a time, so the largest one counts.
    fn charge(&self, files: &[FileMeta]) -> DeltaResult<Charge> {
        let largest = files.iter().map(|file| file.size).max().unwrap_or_default();
        self.budget.charge(largest.saturating_mul(MEMORY_PER_BYTE)).map_err(KernelError::generic_err)
    }
}

impl JsonHandler for Commits {
    fn parse_json(
        &self,
        json_strings: Box<dyn EngineData>,
        output_schema: SchemaRef,
    ) -> DeltaResult<Box<dyn EngineData>> {
        self.inner.parse_json(json_strings, output_schema)
    }

    fn read_json_files(
        &self,
        files: &[FileMeta],
        physical_schema: SchemaRef,
        predicate: Option<PredicateRef>,
    ) -> DeltaResult<FileDataReadResultIterator> {
        self.read_json_files_with_cancellation(files, physical_schema, predicate, None)
    }

    fn read_json_files_with_cancellation(
        &self,
        files: &[FileMeta],
        physical_schema: SchemaRef,
        predicate: Option<PredicateRef>,
        cancellation_token: Option<CancellationTokenRef>,
    ) -> DeltaResult<FileDataReadResultIterator> {
        let memory = self.charge(files)?;
        let batches = self.inner.read_json_files_with_cancellation(
            files,
            physical_schema,
            predicate,
            cancellation_token,
        )?;
        Ok(Box::new(Charged { batches, _memory: memory }))
    }

    fn write_json_file(
        &self,
        path: &Url,
        data: DeltaResultIterator<'_, FilteredEngineData>,
        overwrite: bool,
    ) -> DeltaResult<FileSize> {
        self.inner.write_json_file(path, data, overwrite)
    }
}

/// Reads files of Parquet.
struct Checkpoints {
    inner: Arc<dyn ParquetHandler>,
    store: Arc<dyn ObjectStore>,
    io: Handle,
    budget: Arc<Budget>,
}

impl ParquetHandler for Checkpoints {
    fn read_parquet_files(
        &self,
        files: &[FileMeta],
        physical_schema: SchemaRef,
        predicate: Option<PredicateRef>,
    ) -> DeltaResult<FileDataReadResultIterator> {
        self.read_parquet_files_with_cancellation(files, physical_schema, predicate, None)
    }

    fn read_parquet_files_with_cancellation(
        &self,
        files: &[FileMeta],
        physical_schema: SchemaRef,
        predicate: Option<PredicateRef>,
        cancellation_token: Option<CancellationTokenRef>,
    ) -> DeltaResult<FileDataReadResultIterator> {
        let readers: Vec<FileReader> =
            files.iter().map(|file| self.reader(file)).collect::<DeltaResult<_>>()?;
        let locations: Vec<String> = files.iter().map(|file| file.location.to_string()).collect();
        let opened = readers.into_iter().zip(locations).map(move |(reader, location)| {
            open(reader, location, Arc::clone(&physical_schema), predicate.clone())
        });
        let batches = stream::iter(opened).buffered(FILES_AHEAD).try_flatten().boxed();
        Ok(Box::new(Blocking { batches, io: self.io.clone(), token: cancellation_token }))
    }

    fn read_parquet_footer(&self, file: &FileMeta) -> DeltaResult<ParquetFooter> {
        self.read_parquet_footer_with_cancellation(file, None)
    }

    fn read_parquet_footer_with_cancellation(
        &self,
        file: &FileMeta,
        _: Option<CancellationTokenRef>,
    ) -> DeltaResult<ParquetFooter> {
        use delta_kernel::engine::arrow_conversion::TryFromArrow;
        let mut reader = self.reader(file)?;
        let metadata = self.io.block_on(ArrowReaderMetadata::load_async(&mut reader, reader_options()))?;
        let schema = delta_kernel::schema::StructType::try_from_arrow(metadata.schema().as_ref())?;
        Ok(ParquetFooter { schema: Arc::new(schema) })
    }

    fn write_parquet_file(
        &self,
        location: Url,
        data: DeltaResultIteratorStatic<Box<dyn EngineData>>,
    ) -> DeltaResult<()> {
        self.inner.write_parquet_file(location, data)
    }
}

impl Checkpoints {
    fn reader(&self, file: &FileMeta) -> DeltaResult<FileReader> {
        let file = ObjectMeta {
            location: Path::from_url_path(file.location.path())?,
            last_modified: DateTime::from_timestamp_millis(file.last_modified).unwrap_or_default(),
            size: file.size,
            e_tag: None,
            version: None,
        };
        Ok(FileReader::of_log(Arc::clone(&self.store), file, Arc::clone(&self.budget)))
    }
}

/// Opens a file as the kernel's own engine does.
async fn open(
    mut reader: FileReader,
    location: String,
    schema: SchemaRef,
    predicate: Option<PredicateRef>,
) -> DeltaResult<Batches> {
    let metadata = ArrowReaderMetadata::load_async(&mut reader, reader_options()).await?;
    let (ordering, mask) = parquet_read_plan(&schema, &metadata)?;
    let mut row_indexes =
        ordering_needs_row_indexes(&ordering).then(|| RowIndexBuilder::new(metadata.metadata().row_groups()));
    let mut builder =
        ParquetRecordBatchStreamBuilder::new_with_metadata(reader, metadata).with_batch_size(BATCH_ROWS);
    if let Some(mask) = mask {
        builder = builder.with_projection(mask);
    }
    if let Some(predicate) = predicate {
        builder = builder.with_row_group_filter(predicate.as_ref(), row_indexes.as_mut());
    }
    let mut row_indexes = row_indexes.map(|indexes| indexes.build()).transpose()?;
    let batches = builder.build()?.map(move |batch| {
        let data: ArrowEngineData =
            fixup_parquet_read(batch?, &ordering, row_indexes.as_mut(), Some(&location), Some(&schema))?;
        Ok(Box::new(data) as Box<dyn EngineData>)
    });
    Ok(batches.boxed())
}

/// A stream for a thread that may block.
struct Blocking {
    batches: Batches,
    io: Handle,
    token: Option<CancellationTokenRef>,
}

impl Iterator for Blocking {
    type Item = DeltaResult<Box<dyn EngineData>>;

    fn next(&mut self) -> Option<Self::Item> {
        let batches = &mut self.batches;
        let Some(token) = &self.token else {
            return self.io.block_on(batches.next());
        };
        self.io.block_on(async {
            tokio::select! {
                () = token.cancelled_future() => Some(Err(KernelError::Cancelled)),
                batch = batches.next() => batch,
            }
        })
    }
}
