//! Sample tables written as Delta tables: the only file that knows the Delta log.
//!
//! A table is version 0 (schema) and version 1 (every file), so a reader sees it empty or whole. Each
//! row source becomes one Parquet file per partition value, streamed to the store while it is
//! generated. The writers run on blocking threads: they compute for seconds without a pause, and the
//! runtime may be serving the very sandbox that they write to.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use deltalake::DeltaTable;
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::transaction::CommitBuilder;
use deltalake::kernel::{Action, Add, StructType};
use deltalake::logstore::{LogStoreRef, StorageConfig, default_logstore};
use deltalake::operations::create::CreateBuilder;
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::writer::{DeltaWriter, RecordBatchWriter};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStore;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use tokio::runtime::Handle;
use url::Url;

use super::error::SeedError;
use super::{Part, SampleTable};

/// Files written at the same time; each holds one row group (a few tens of MiB) in memory.
const CONCURRENT_WRITERS: usize = 2;

/// Rows per row group: small enough that a file is read by several threads and that statistics
/// exclude something, large enough that a column chunk is worth a request of its own.
const ROW_GROUP_ROWS: usize = 128 * 1024;

/// What [`write`] made.
#[derive(Debug)]
pub(super) struct WrittenTable {
    pub(super) rows: u64,
    pub(super) files: usize,
    pub(super) bytes: u64,
    /// The version of the Delta log that holds the data.
    pub(super) version: u64,
}

/// The log of the table at `location` (`s3://bucket/prefix`) over a store rooted at the bucket.
///
/// Built directly, not looked up in Delta's process-wide registry: no store of ours may become
/// reachable by URL for other code in the process.
pub(super) fn log_store(bucket: Arc<dyn ObjectStore>, location: &str) -> Result<LogStoreRef, SeedError> {
    let location = Url::parse(location).map_err(SeedError::request)?;
    let prefix = Path::from_url_path(location.path()).map_err(SeedError::request)?;
    let table_store = Arc::new(PrefixStore::new(Arc::clone(&bucket), prefix));
    Ok(default_logstore(table_store, bucket, &location, &StorageConfig::default()))
}

/// The schema as Delta stores it.
pub(super) fn delta_schema(schema: &SchemaRef) -> Result<StructType, SeedError> {
    Ok(schema.as_ref().try_into_kernel()?)
}

/// Creates the table and fills it.
///
/// # Errors
/// [`SeedError::Delta`], also when the location already holds a table.
pub(super) async fn write(log_store: LogStoreRef, sample: SampleTable) -> Result<WrittenTable, SeedError> {
    let table = CreateBuilder::new()
        .with_log_store(log_store)
        .with_save_mode(SaveMode::ErrorIfExists)
        .with_table_name(sample.name)
        .with_comment(sample.comment)
        .with_columns(delta_schema(&sample.schema)?.fields().cloned())
        .with_partition_columns(sample.partition_columns.iter().copied())
        .await?;

    let files_of_parts: Vec<Vec<Add>> = stream::iter(sample.parts)
        .map(|part| write_part(table.clone(), part))
        .buffered(CONCURRENT_WRITERS)
        .try_collect()
        .await?;
    commit(table, files_of_parts.into_iter().flatten().collect(), sample.partition_columns).await
}

async fn write_part(table: DeltaTable, part: Part) -> Result<Vec<Add>, SeedError> {
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || runtime.block_on(write_rows(&table, part))).await?
}

async fn write_rows(table: &DeltaTable, part: Part) -> Result<Vec<Add>, SeedError> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build();
    let mut writer = RecordBatchWriter::for_table(table)?.with_writer_properties(properties);
    for batch in part() {
        writer.write(batch?).await?;
    }
    Ok(writer.flush().await?)
}

async fn commit(
    table: DeltaTable,
    files: Vec<Add>,
    partition_columns: &[&str],
) -> Result<WrittenTable, SeedError> {
    let bytes = files.iter().map(|file| file.size.unsigned_abs()).sum();
    let file_count = files.len();
    let rows = row_count(&files)?;

    let partition_by: Vec<String> = partition_columns.iter().map(ToString::to_string).collect();
    let operation = DeltaOperation::Write {
        mode: SaveMode::Append,
        partition_by: (!partition_by.is_empty()).then_some(partition_by),
        predicate: None,
    };
    let committed = CommitBuilder::default()
        .with_actions(files.into_iter().map(Action::Add).collect())
        .build(Some(table.snapshot()?), table.log_store(), operation)
        .await?;
    Ok(WrittenTable { rows, files: file_count, bytes, version: committed.version() })
}

fn row_count(files: &[Add]) -> Result<u64, SeedError> {
    let mut rows = 0;
    for file in files {
        let statistics = file.get_stats().map_err(SeedError::request)?;
        rows += statistics.map_or(0, |statistics| statistics.num_records.unsigned_abs());
    }
    Ok(rows)
}

#[cfg(test)]
mod tests;
