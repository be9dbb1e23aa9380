//! Memory accounts: one for the server, and within it one for each query.
//!
//! A query's account shares its limit fairly between the query's own operators that can spill, which is what makes them
//! spill in time. Were one such pool shared by all queries, each would get a share so small that all would spill. Beyond
//! its own limit each growth is also charged to the server's account, first come, first served. But a query's first bytes
//! are given in any case, so that a few queries that hold everything do not end all the small ones of others.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::memory_pool::{FairSpillPool, MemoryConsumer, MemoryPool, MemoryReservation};

/// Share of the machine's memory that queries get when no limit is configured, in percent.
const DEFAULT_SHARE: u64 = 60;

/// What queries get on a machine whose memory is not known, in bytes.
const FALLBACK: u64 = 2 * 1024 * 1024 * 1024;

/// The limit in force, in bytes.
///
/// # Arguments
/// * `configured` - `engine.memory_limit`; 0 means a share of the machine's memory.
pub(super) fn limit(configured: u64) -> usize {
    let bytes = match configured {
        0 => machine_memory().map_or(FALLBACK, |total| total / 100 * DEFAULT_SHARE),
        configured => configured,
    };
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// The smaller of the machine's memory and the control group's limit, in bytes.
fn machine_memory() -> Option<u64> {
    let meminfo = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kibibytes: u64 = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?
        .trim()
        .strip_suffix("kB")?
        .trim()
        .parse()
        .ok()?;
    let group: Option<u64> =
        std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    let total = kibibytes * 1024;
    Some(group.map_or(total, |group| group.min(total)))
}

/// The account of all queries together.
#[derive(Debug)]
pub(super) struct ServerPool {
    limit: usize,
    used: AtomicUsize,
}

impl ServerPool {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, used: AtomicUsize::new(0) }
    }

    /// Bytes that all queries may hold together.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes that all queries hold together.
    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn try_charge(&self, bytes: usize) -> Result<()> {
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|sum| *sum <= self.limit)
            })
            .map(drop)
            .map_err(|_| DataFusionError::ResourcesExhausted("server memory limit".to_owned()))
    }

    fn charge(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    fn release(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The account of one query.
#[derive(Debug)]
pub(super) struct QueryPool {
    own: FairSpillPool,
    guaranteed: usize,
    server: Arc<ServerPool>,
}

impl QueryPool {
    /// # Arguments
    /// * `guaranteed` - bytes that it gets also if the server's account is empty.
    pub(super) fn new(limit: usize, guaranteed: usize, server: Arc<ServerPool>) -> Self {
        Self { own: FairSpillPool::new(limit), guaranteed, server }
    }
}

impl fmt::Display for QueryPool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("query")
    }
}

impl MemoryPool for QueryPool {
    fn name(&self) -> &'static str {
        "query"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.own.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.own.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.own.grow(reservation, additional);
        self.server.charge(additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.own.shrink(reservation, shrink);
        self.server.release(shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.own.try_grow(reservation, additional)?;
        if self.own.reserved() <= self.guaranteed {
            self.server.charge(additional);
            return Ok(());
        }
        self.server.try_charge(additional).inspect_err(|_| self.own.shrink(reservation, additional))
    }

    fn reserved(&self) -> usize {
        self.own.reserved()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    fn consumer(pool: &Arc<dyn MemoryPool>) -> MemoryReservation {
        MemoryConsumer::new("test").register(pool)
    }

    #[test]
    fn queries_together_stay_within_the_servers_limit_and_give_back_what_they_took() {
        let server = Arc::new(ServerPool::new(100));
        let first: Arc<dyn MemoryPool> = Arc::new(QueryPool::new(80, 0, Arc::clone(&server)));
        let second: Arc<dyn MemoryPool> = Arc::new(QueryPool::new(80, 0, Arc::clone(&server)));
        let held = consumer(&first);
        held.try_grow(70).unwrap();
        let other = consumer(&second);
        assert!(other.try_grow(40).is_err());
        other.try_grow(30).unwrap();
        drop(held);
        other.try_grow(40).unwrap();
        drop(other);
        assert_eq!(server.used.load(Ordering::Relaxed), 0);
        assert_eq!(second.reserved(), 0);
    }

    #[test]
    fn a_small_query_gets_its_memory_while_others_hold_everything() {
        let server = Arc::new(ServerPool::new(100));
        let large: Arc<dyn MemoryPool> = Arc::new(QueryPool::new(100, 10, Arc::clone(&server)));
        let held = consumer(&large);
        held.try_grow(100).unwrap();
        let small: Arc<dyn MemoryPool> = Arc::new(QueryPool::new(100, 10, Arc::clone(&server)));
        let other = consumer(&small);
        other.try_grow(10).unwrap();
        assert!(other.try_grow(1).is_err());
        drop((held, other));
        assert_eq!(server.used.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn one_query_stays_within_its_own_limit() {
        let server = Arc::new(ServerPool::new(1_000));
        let pool: Arc<dyn MemoryPool> = Arc::new(QueryPool::new(80, 0, server));
        assert!(consumer(&pool).try_grow(81).is_err());
    }
}
