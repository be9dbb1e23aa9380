//! Byte ranges of data files, kept in memory and, if the settings say where, on disk.
//!
//! Invariants
//! - A range is kept under the table (catalog, name, location and Delta table id), the file and the range. Whoever can ask
//!   for it holds a grant on that very table (G5): see [`CachedStore`](super::cached_store::CachedStore).
//! - Queries that want the same ranges at the same time cause one request, made with the first one's credentials. If it
//!   fails, each of the others asks with its own: one user's refusal is not another's.
//! - What is kept is as long as the range; an answer that is shorter is not kept.
//!
//! Why exact ranges and not aligned blocks: a repeated query asks for exactly the same ranges, and a first query then
//! reads no byte that it does not need.

use std::fs;
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::panic::AssertUnwindSafe;
use std::path::Path as FolderPath;
use std::sync::Arc;

use bytes::Bytes;
use foyer::{
    BlockEngineConfig, DeviceBuilder, FsDeviceBuilder, HybridCache, HybridCacheBuilder, HybridCachePolicy,
};
use futures::FutureExt;
use futures::future::{join_all, try_join_all};
use object_store::path::Path;
use object_store::{ObjectStore, Result};

use super::jail::are_whole;
use crate::error::Error;
use crate::mutant::Mutant;
use crate::settings::TableSettings;
use crate::telemetry::metrics::Metrics;

/// Bytes of book-keeping that an entry costs beside its content.
const ENTRY_OVERHEAD: usize = 256;

/// Longest range that is kept on disk, and the unit in which space there is given back.
const DISK_BLOCK: usize = 64 << 20;

/// Ranges waiting to be written to disk; more are not written.
const DISK_QUEUE: usize = 256 << 20;

/// Who else may open the folder on disk: nobody.
const PRIVATE: u32 = 0o700;

/// The cache. One per server.
pub(super) struct BlockCache {
    kept: HybridCache<String, Bytes>,
    metrics: Arc<Metrics>,
}

/// Ranges of one file of one table.
pub(super) struct RangesOfFile<'a> {
    /// Identity of the table.
    pub(super) table: &'a str,
    pub(super) file: &'a Path,
    pub(super) ranges: &'a [Range<u64>],
}

impl BlockCache {
    /// Opens the folder on disk if there is to be one, with what an earlier run of the server left there.
    ///
    /// # Errors
    /// If the folder cannot be made or written, or if others may open it.
    pub(super) async fn open(settings: &TableSettings, metrics: Arc<Metrics>) -> Result<Self, Error> {
        let failed = |error: foyer::Error| Error::internal(format!("block cache: {error}"));
        let memory = usize::try_from(settings.block_cache_bytes.as_u64()).unwrap_or(usize::MAX);
        let mut builder = HybridCacheBuilder::new()
            .with_name("blocks")
            .with_policy(HybridCachePolicy::WriteOnInsertion)
            .with_flush_on_close(false)
            .memory(memory)
            .with_weighter(|key: &String, bytes: &Bytes| key.len() + bytes.len() + ENTRY_OVERHEAD)
            .storage();
        if let Some(folder) = &settings.block_cache_directory {
            make_private(folder)
                .map_err(|error| Error::internal(format!("block cache in {}: {error}", folder.display())))?;
            let capacity = usize::try_from(settings.block_cache_disk_bytes.as_u64()).unwrap_or(usize::MAX);
            let device = FsDeviceBuilder::new(folder).with_capacity(capacity).build().map_err(failed)?;
            let engine = BlockEngineConfig::new(device)
                .with_block_size(DISK_BLOCK)
                .with_buffer_pool_size(DISK_BLOCK)
                .with_submit_queue_size_threshold(DISK_QUEUE);
            builder = builder.with_engine_config(engine);
        }
        Ok(Self { kept: builder.build().await.map_err(failed)?, metrics })
    }

    /// The bytes of ranges, from here as far as they are kept.
    ///
    /// # Arguments
    /// * `store` - opens the file with the credentials of the query that asks.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn read(
        &self,
        wanted: RangesOfFile<'_>,
        store: &Arc<dyn ObjectStore>,
    ) -> Result<Vec<Bytes>> {
        let keys: Vec<String> = wanted.ranges.iter().map(|range| wanted.key(range)).collect();
        // An error of the disk is as good as nothing kept.
        let kept = join_all(keys.iter().map(|key| self.kept.get(key))).await;
        let mut found: Vec<Option<Bytes>> =
            kept.into_iter().map(|entry| entry.ok().flatten().map(|entry| entry.value().clone())).collect();
        let missing: Vec<usize> = (0..found.len()).filter(|&index| found[index].is_none()).collect();
        self.count(&wanted, &missing);
        if !missing.is_empty() {
            let keys: Vec<&str> = missing.iter().map(|&index| keys[index].as_str()).collect();
            let ranges: Vec<Range<u64>> = missing.iter().map(|&index| wanted.ranges[index].clone()).collect();
            let fetched = self.fetch(&keys, wanted.file, ranges, store).await?;
            for (index, bytes) in missing.into_iter().zip(fetched) {
                found[index] = Some(bytes);
            }
        }
        Ok(found.into_iter().flatten().collect())
    }

    /// Reads ranges and keeps them. One request for all, which is not made if other queries are about to bring them.
    async fn fetch(
        &self,
        keys: &[&str],
        file: &Path,
        ranges: Vec<Range<u64>>,
        store: &Arc<dyn ObjectStore>,
    ) -> Result<Vec<Bytes>> {
        let request = {
            let (store, file, ranges) = (Arc::clone(store), file.clone(), ranges.clone());
            async move { whole(store.get_ranges(&file, &ranges).await.map_err(Arc::new)?, &ranges) }
        };
        // A store that joins ranges panics if the file ends between them.
        let request =
            AssertUnwindSafe(request).catch_unwind().map(|answer| answer.unwrap_or_else(|_| Err(short())));
        let request = request.boxed().shared();
        let fetches = keys.iter().enumerate().map(|(index, key)| {
            let request = request.clone();
            self.kept.get_or_fetch(*key, || async move { Ok::<_, Failed>(request.await?[index].clone()) })
        });
        match try_join_all(fetches).await {
            Ok(entries) => Ok(entries.iter().map(|entry| entry.value().clone()).collect()),
            Err(_) => store.get_ranges(file, &ranges).await,
        }
    }

    fn count(&self, wanted: &RangesOfFile<'_>, missing: &[usize]) {
        let bytes = |range: &Range<u64>| range.end.saturating_sub(range.start);
        let all: u64 = wanted.ranges.iter().map(bytes).sum();
        let missed: u64 = missing.iter().map(|&index| bytes(&wanted.ranges[index])).sum();
        self.metrics.block_cache_hits.add((wanted.ranges.len() - missing.len()) as u64);
        self.metrics.block_cache_misses.add(missing.len() as u64);
        self.metrics.block_cache_hit_bytes.add(all - missed);
        self.metrics.block_cache_missed_bytes.add(missed);
    }
}

impl RangesOfFile<'_> {
    fn key(&self, range: &Range<u64>) -> String {
        if Mutant::BlocksByFileName.is_on() {
            return format!("{:?} {}-{}", self.file.filename(), range.start, range.end);
        }
        format!("{}\n{}\n{}-{}", self.table, self.file, range.start, range.end)
    }
}

/// Why ranges were not fetched. The one who asked first has the reason, and the others ask again.
type Failed = Arc<object_store::Error>;

/// Copies of what was fetched, if it is whole: a slice would keep the whole response alive that it was cut from.
fn whole(fetched: Vec<Bytes>, ranges: &[Range<u64>]) -> Result<Arc<[Bytes]>, Failed> {
    match are_whole(&fetched, ranges) {
        true => Ok(fetched.iter().map(|bytes| Bytes::copy_from_slice(bytes)).collect()),
        false => Err(short()),
    }
}

fn short() -> Failed {
    Arc::new(object_store::Error::Generic { store: "cache", source: "a file is shorter than asked".into() })
}

/// Makes a folder that only this server's user may open.
fn make_private(folder: &FolderPath) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(PRIVATE).create(folder)?;
    match fs::metadata(folder)?.permissions().mode() & !PRIVATE & 0o777 {
        0 => Ok(()),
        _ => Err(std::io::Error::other("the folder may be opened by others; its mode must be 0700")),
    }
}

#[cfg(test)]
mod interleaving_tests;
