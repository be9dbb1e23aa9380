//! [`CachedStore`]: one table's bucket, with the ranges of its files that are kept in front of it.
//!
//! Invariants
//! - It is made for a query with a grant on the table whose ranges it shows (G5).
//! - Only files that Delta never rewrites under one name are kept: Parquet data files and deletion vectors. Nothing of
//!   `_delta_log/` is.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::DateTime;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use super::blocks::{BlockCache, RangesOfFile};

/// The folder of the Delta log, whose files are not kept.
const LOG_FOLDER: &str = "_delta_log";

/// See the file's head.
pub(super) struct CachedStore {
    pub(super) inner: Arc<dyn ObjectStore>,
    /// Identity of the table that `inner`'s grant is for.
    pub(super) table: Arc<str>,
    pub(super) cache: Arc<BlockCache>,
}

impl CachedStore {
    async fn read(&self, file: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.cache.read(RangesOfFile { table: &self.table, file, ranges }, &self.inner).await
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

/// The answer to a plain read. Only its bytes and its range are known; the file's size and date stand in the log.
fn answer(file: &Path, bytes: Vec<Bytes>, range: Range<u64>) -> GetResult {
    let meta = ObjectMeta {
        location: file.clone(),
        last_modified: DateTime::UNIX_EPOCH,
        size: range.end,
        e_tag: None,
        version: None,
    };
    let length: usize = bytes.iter().map(Bytes::len).sum();
    GetResult {
        payload: GetResultPayload::Stream(stream::iter(bytes.into_iter().map(Ok)).boxed()),
        meta,
        range: range.start..range.start + length as u64,
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
        let bytes = self.read(location, std::slice::from_ref(&range)).await?;
        Ok(answer(location, bytes, range))
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        if !is_immutable(location) {
            return self.inner.get_ranges(location, ranges).await;
        }
        self.read(location, ranges).await
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
    use crate::settings::TableSettings;

    async fn cache() -> Arc<BlockCache> {
        Arc::new(BlockCache::open(&TableSettings::default(), Arc::default()).await.unwrap())
    }

    fn in_front_of(store: &Arc<InMemory>, table: &str, cache: &Arc<BlockCache>) -> CachedStore {
        CachedStore { inner: Arc::clone(store) as _, table: Arc::from(table), cache: Arc::clone(cache) }
    }

    async fn store_with(file: &Path) -> Arc<InMemory> {
        let store = Arc::new(InMemory::new());
        store.put(file, PutPayload::from_static(b"0123456789")).await.unwrap();
        store
    }

    #[tokio::test]
    async fn a_range_read_once_is_answered_without_the_store() {
        let file = Path::from("t/part.parquet");
        let store = store_with(&file).await;
        let cached = in_front_of(&store, "t", &cache().await);
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
        let cache = cache().await;
        let first = in_front_of(&store, "first", &cache);
        let second = in_front_of(&store, "second", &cache);
        assert_eq!(first.get_range(&file, 0..4).await.unwrap(), "0123");
        store.delete(&file).await.unwrap();
        assert!(second.get_range(&file, 0..4).await.is_err());
    }

    #[tokio::test]
    async fn files_of_the_log_are_always_read_anew() {
        let file = Path::from("t/_delta_log/00000000000000000010.checkpoint.parquet");
        let store = store_with(&file).await;
        let cached = in_front_of(&store, "t", &cache().await);
        assert_eq!(cached.get_range(&file, 0..4).await.unwrap(), "0123");
        store.delete(&file).await.unwrap();
        assert!(cached.get_range(&file, 0..4).await.is_err());
    }
}
