//! The range cache under seeded schedules: two principals want the same bytes, one is refused, one goes away, entries are evicted.
//!
//! The cache brings tasks of its own, so the schedule is that of a runtime with one thread, on which chance says how often
//! each side lets the others go first.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStoreExt,
    PutMultipartOptions, PutOptions, PutPayload, PutResult,
};

use super::*;
use crate::clock::schedules_for_tests::Chance;
use crate::settings::ByteSize;

/// Each of them starts a cache.
const SEEDS: u64 = 150;

const FILE_BYTES: usize = 4096;

/// A store as one principal opens it: others go first for a while, and it may be refused in between.
struct OfPrincipal {
    inner: InMemory,
    chance: Chance,
    is_refused: AtomicBool,
    requests: AtomicUsize,
}

impl OfPrincipal {
    async fn new(seed: u64) -> Arc<Self> {
        let inner = InMemory::new();
        inner.put(&file(), PutPayload::from(content())).await.unwrap();
        let (is_refused, requests) = (AtomicBool::new(false), AtomicUsize::new(0));
        Arc::new(Self { inner, chance: Chance::new(seed), is_refused, requests })
    }

    async fn others_first(&self) {
        for _ in 0..self.chance.below(6) {
            tokio::task::yield_now().await;
        }
    }
}

impl fmt::Debug for OfPrincipal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OfPrincipal")
    }
}

impl fmt::Display for OfPrincipal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a principal's store")
    }
}

#[async_trait]
impl ObjectStore for OfPrincipal {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        self.others_first().await;
        if self.is_refused.load(Ordering::SeqCst) {
            return Err(object_store::Error::Generic { store: "lease", source: "refused".into() });
        }
        let answer = self.inner.get_opts(location, options).await;
        self.others_first().await;
        answer
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

fn file() -> Path {
    Path::from("t/part.parquet")
}

fn content() -> Vec<u8> {
    (0..FILE_BYTES).map(|position| (position * 31 % 251) as u8).collect()
}

async fn cache_of(bytes: u64) -> Arc<BlockCache> {
    let settings = TableSettings { block_cache_bytes: ByteSize::bytes(bytes), ..TableSettings::default() };
    Arc::new(BlockCache::open(&settings, Arc::default()).await.unwrap())
}

/// Reads some ranges, and asserts that what comes is the file's.
async fn read(cache: &BlockCache, store: &Arc<OfPrincipal>, ranges: &[Range<u64>]) -> Result<()> {
    let file = file();
    let store: Arc<dyn ObjectStore> = Arc::clone(store) as _;
    let found = cache.read(RangesOfFile { table: "t", file: &file, ranges }, &store).await?;
    let content = content();
    for (bytes, range) in found.iter().zip(ranges) {
        let expected = &content[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
        assert_eq!(&bytes[..], expected);
    }
    assert_eq!(found.len(), ranges.len());
    Ok(())
}

fn some_ranges(chance: &Chance) -> Vec<Range<u64>> {
    let count = 1 + chance.below(3);
    (0..count).map(|_| chance.below(8) * 256).map(|start| start..start + 256).collect()
}

fn under_seeds<F: Future<Output = ()>>(test: impl Fn(u64) -> F) {
    for seed in 0..SEEDS {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(test(seed));
    }
}

#[test]
fn one_principals_refusal_is_not_anothers_whoever_asks_first() {
    under_seeds(|seed| async move {
        let cache = cache_of(1 << 20).await;
        let (refused, granted) = (OfPrincipal::new(seed).await, OfPrincipal::new(seed + 1).await);
        let chance = Chance::new(seed);
        let when = chance.below(8);
        let revoker = async {
            for _ in 0..when {
                tokio::task::yield_now().await;
            }
            refused.is_refused.store(true, Ordering::SeqCst);
        };
        let ranges = some_ranges(&chance);
        let ask = async |store: &Arc<OfPrincipal>| {
            store.others_first().await;
            read(&cache, store, &ranges).await
        };
        let (_, first, second, third, ()) =
            tokio::join!(ask(&refused), ask(&granted), ask(&granted), ask(&granted), revoker);
        assert!(first.is_ok() && second.is_ok() && third.is_ok(), "seed {seed}");
    });
}

#[test]
fn who_waits_for_bytes_gets_them_also_if_the_one_who_fetches_them_goes_away() {
    under_seeds(|seed| async move {
        let cache = cache_of(1 << 20).await;
        let store = OfPrincipal::new(seed).await;
        let ranges = some_ranges(&Chance::new(seed));
        let leader = tokio::spawn({
            let (cache, store, ranges) = (Arc::clone(&cache), Arc::clone(&store), ranges.clone());
            async move { read(&cache, &store, &ranges).await }
        });
        let follower = tokio::spawn({
            let (cache, store, ranges) = (Arc::clone(&cache), Arc::clone(&store), ranges.clone());
            async move {
                store.others_first().await;
                read(&cache, &store, &ranges).await
            }
        });
        store.others_first().await;
        leader.abort();
        assert!(follower.await.unwrap().is_ok(), "seed {seed}");
    });
}

#[test]
fn bytes_stay_right_while_entries_are_evicted_under_their_readers() {
    under_seeds(|seed| async move {
        // Room for three ranges.
        let cache = cache_of(2_000).await;
        let store = OfPrincipal::new(seed).await;
        let readers = (0..6).map(|number| {
            let (cache, store, chance) =
                (Arc::clone(&cache), Arc::clone(&store), Chance::new(seed * 100 + number));
            async move {
                for _ in 0..8 {
                    read(&cache, &store, &some_ranges(&chance)).await.unwrap();
                }
            }
        });
        join_all(readers).await;
        assert!(store.requests.load(Ordering::SeqCst) > 0);
    });
}
