//! Byte ranges of data files, kept in memory and shared by all queries that were granted the file's table.
//!
//! Invariants
//! - An entry's key names the table (catalog, name, location and Delta table id), the file and the range. A store that
//!   can ask for it is made only for a query with a grant on that very table (G5).
//! - Only files that Delta never rewrites under one name are kept: Parquet data files and deletion vectors. Nothing of
//!   `_delta_log/` is.
//!
//! Why exact ranges and not aligned blocks: a repeated query asks for exactly the same ranges, and a first query then
//! reads no byte that it does not need.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use moka::sync::Cache;
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// The folder of the Delta log, whose files are not kept.
const LOG_FOLDER: &str = "_delta_log";

/// Bytes of book-keeping that an entry costs beside its content.
const ENTRY_OVERHEAD: usize = 256;

#[derive(Clone, PartialEq, Eq, Hash)]
struct RangeKey {
    table: Arc<str>,
    file: Path,
    start: u64,
    end: u64,
}

#[derive(Clone)]
struct Block {
    bytes: Bytes,
    /// The file's metadata, known when the range came with a single GET.
    meta: Option<ObjectMeta>,
}

/// The cache. One per server.
#[derive(Clone)]
pub(super) struct BlockCache(Cache<RangeKey, Block>);

impl BlockCache {
    /// # Arguments
    /// * `capacity` - bytes to keep at the most; 0 keeps nothing.
    pub(super) fn new(capacity: u64) -> Self {
        let weigh = |key: &RangeKey, block: &Block| {
            let size = block.bytes.len() + key.file.as_ref().len() + ENTRY_OVERHEAD;
            u32::try_from(size).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(capacity).weigher(weigh).build())
    }

    /// A store that looks here first.
    ///
    /// # Arguments
    /// * `table` - identity of the table that `inner`'s grant is for.
    pub(super) fn in_front_of(&self, inner: Arc<dyn ObjectStore>, table: Arc<str>) -> CachedStore {
        CachedStore { inner, table, cache: self.clone() }
    }
}

/// See the file's head.
pub(super) struct CachedStore {
    inner: Arc<dyn ObjectStore>,
    table: Arc<str>,
    cache: BlockCache,
}

impl CachedStore {
    fn key(&self, file: &Path, range: &Range<u64>) -> RangeKey {
        RangeKey { table: Arc::clone(&self.table), file: file.clone(), start: range.start, end: range.end }
    }

    fn keep(&self, key: RangeKey, bytes: &Bytes, meta: Option<ObjectMeta>) {
        // A slice would keep the whole response that it was cut from alive, and the cache's count would be wrong.
        let bytes = Bytes::copy_from_slice(bytes);
        self.cache.0.insert(key, Block { bytes, meta });
    }
}

fn is_immutable(file: &Path) -> bool {
    let in_log = file.parts().any(|part| part.as_ref() == LOG_FOLDER);
    let is_data = matches!(file.extension(), Some("parquet" | "bin"));
    is_data && !in_log
}

/// The range of a plain read without conditions.
fn plain_range(options: &GetOptions) -> Option<Range<u64>> {
    let is_plain = options.if_match.is_none()
        && options.if_none_match.is_none()
        && options.if_modified_since.is_none()
        && options.if_unmodified_since.is_none()
        && options.version.is_none()
        && !options.head;
    match &options.range {
        Some(GetRange::Bounded(range)) if is_plain => Some(range.clone()),
        _ => None,
    }
}

fn from_memory(bytes: Bytes, meta: ObjectMeta, range: Range<u64>) -> GetResult {
    GetResult {
        payload: GetResultPayload::Stream(stream::once(async { Ok(bytes) }).boxed()),
        meta,
        range,
        attributes: Attributes::default(),
    }
}

impl fmt::Display for CachedStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("cache")
    }
}

impl fmt::Debug for CachedStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CachedStore")
    }
}

#[async_trait]
impl ObjectStore for CachedStore {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let Some(range) = plain_range(&options).filter(|_| is_immutable(location)) else {
            return self.inner.get_opts(location, options).await;
        };
        let key = self.key(location, &range);
        if let Some(Block { bytes, meta: Some(meta) }) = self.cache.0.get(&key) {
            return Ok(from_memory(bytes, meta, range));
        }
        let answer = self.inner.get_opts(location, options).await?;
        let (meta, range) = (answer.meta.clone(), answer.range.clone());
        let bytes = answer.bytes().await?;
        self.keep(key, &bytes, Some(meta.clone()));
        Ok(from_memory(bytes, meta, range))
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        if !is_immutable(location) {
            return self.inner.get_ranges(location, ranges).await;
        }
        let mut found: Vec<Option<Bytes>> = ranges
            .iter()
            .map(|range| self.cache.0.get(&self.key(location, range)).map(|block| block.bytes))
            .collect();
        let missing: Vec<usize> = (0..ranges.len()).filter(|&index| found[index].is_none()).collect();
        if !missing.is_empty() {
            let wanted: Vec<Range<u64>> = missing.iter().map(|&index| ranges[index].clone()).collect();
            let fetched = self.inner.get_ranges(location, &wanted).await?;
            for (index, bytes) in missing.into_iter().zip(fetched) {
                self.keep(self.key(location, &ranges[index]), &bytes, None);
                found[index] = Some(bytes);
            }
        }
        Ok(found.into_iter().flatten().collect())
    }

    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use object_store::ObjectStoreExt;
    use object_store::memory::InMemory;

    use super::*;

    async fn store_with(file: &Path) -> Arc<InMemory> {
        let store = Arc::new(InMemory::new());
        store.put(file, PutPayload::from_static(b"0123456789")).await.unwrap();
        store
    }

    #[tokio::test]
    async fn a_range_read_once_is_answered_without_the_store() {
        let file = Path::from("t/part.parquet");
        let store = store_with(&file).await;
        let cached = BlockCache::new(1 << 20).in_front_of(Arc::clone(&store) as _, Arc::from("t"));
        assert_eq!(cached.get_ranges(&file, &[2..4, 6..8]).await.unwrap(), ["23", "67"]);
        assert_eq!(cached.get_range(&file, 1..3).await.unwrap(), "12");
        store.delete(&file).await.unwrap();
        assert_eq!(cached.get_ranges(&file, &[6..8, 2..4]).await.unwrap(), ["67", "23"]);
        assert_eq!(cached.get_range(&file, 1..3).await.unwrap(), "12");
        assert!(cached.get_range(&file, 0..9).await.is_err());
    }

    #[tokio::test]
    async fn entries_of_one_table_do_not_answer_for_another() {
        let file = Path::from("t/part.parquet");
        let store = store_with(&file).await;
        let cache = BlockCache::new(1 << 20);
        let first = cache.in_front_of(Arc::clone(&store) as _, Arc::from("first"));
        let second = cache.in_front_of(Arc::clone(&store) as _, Arc::from("second"));
        assert_eq!(first.get_range(&file, 0..4).await.unwrap(), "0123");
        store.delete(&file).await.unwrap();
        assert!(second.get_range(&file, 0..4).await.is_err());
    }

    #[tokio::test]
    async fn files_of_the_log_are_always_read_anew() {
        let file = Path::from("t/_delta_log/00000000000000000010.checkpoint.parquet");
        let store = store_with(&file).await;
        let cached = BlockCache::new(1 << 20).in_front_of(Arc::clone(&store) as _, Arc::from("t"));
        assert_eq!(cached.get_range(&file, 0..4).await.unwrap(), "0123");
        store.delete(&file).await.unwrap();
        assert!(cached.get_range(&file, 0..4).await.is_err());
    }
}
