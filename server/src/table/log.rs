//! Delta logs, shared between queries and refreshed when a newer commit appears.
//!
//! Invariants
//! - A log is looked up under the catalog's table and its location, after a grant on that table was checked; it holds
//!   nothing that depends on a principal. What it knows of hidden columns and rows stays below `guard`.
//! - One query loads, others wait for it; the loading query's own grant pays for the S3 calls.
//! - The newest version is served without a look at S3 for at most `table.snapshot_max_age`. The look is one LIST from
//!   the newest known commit on. Later commits are added to what is known; another object in the place of the known
//!   commit (the table was made anew) loads the log again.
//! - An older version never changes once it was read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use futures::StreamExt;
use moka::sync::Cache;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use super::budget::Budget;
use super::failure;
use super::jail::{JailedStore, Trouble};
use super::kernel::{Log, LogReader};
use super::location::TableLocation;
use super::statistics::ColumnStatistics;
use crate::access::Grant;
use crate::error::Error;
use crate::ids::TableName;
use crate::mutant::Mutant;
use crate::settings::TableSettings;

/// Estimated bytes of a log beside its index of files and its columns.
const BYTES_PER_TABLE: usize = 64 * 1024;

/// The cache weighs in units of so many bytes: in bytes, an index above 4 GiB would weigh too little.
const WEIGHT_UNIT: usize = 1024;

#[derive(Clone, PartialEq, Eq, Hash)]
struct LogKey {
    catalog_id: String,
    table: TableName,
    location: TableLocation,
    /// None: the newest.
    version: Option<u64>,
}

/// One version of one table's log.
pub(super) struct LogState {
    log: Log,
    newest_commit: Option<CommitMark>,
    identity: Arc<str>,
    /// Taken while statistics are loaded, so that two queries do not load the same.
    loading: Mutex<()>,
    /// Its place in the cache.
    key: LogKey,
}

/// What tells one commit file from another of the same name.
#[derive(PartialEq, Eq)]
struct CommitMark {
    size: u64,
    modified: i64,
    e_tag: Option<String>,
}

impl LogState {
    /// The log's content.
    pub(super) fn log(&self) -> &Log {
        &self.log
    }

    /// Tells this table's files from any other table's: catalog entry, location and Delta table id.
    pub(super) fn identity(&self) -> Arc<str> {
        Arc::clone(&self.identity)
    }

    /// Bytes of index, statistics and columns.
    fn memory(&self) -> usize {
        let columns = &self.log.columns;
        self.log.files.memory() + columns.logical.fields().size() + columns.physical.fields().size()
    }

    /// The version's number.
    pub(super) fn version(&self) -> u64 {
        self.log.snapshot.version()
    }
}

/// A table's place in the cache.
#[derive(Default)]
struct Slot {
    /// Makes loading single-flight.
    loading: Mutex<()>,
    /// Read without the lock: whoever weighs it does not wait for whoever loads.
    held: ArcSwapOption<Held>,
}

struct Held {
    state: Arc<LogState>,
    looked_at: Instant,
}

impl Slot {
    fn hold(&self, state: &Arc<LogState>, looked_at: Instant) {
        self.held.store(Some(Arc::new(Held { state: Arc::clone(state), looked_at })));
    }

    /// In units of [`WEIGHT_UNIT`].
    fn weight(&self) -> u32 {
        let held = self.held.load();
        let bytes = held.as_ref().map_or(0, |held| held.state.memory());
        u32::try_from((BYTES_PER_TABLE + bytes).div_ceil(WEIGHT_UNIT)).unwrap_or(u32::MAX)
    }
}

/// One query's way to one table: whose log, and the store that its grant opens.
pub(super) struct LogAccess {
    pub(super) grant: Grant,
    pub(super) location: TableLocation,
    /// Reads the log, and nothing outside the table.
    pub(super) store: Arc<JailedStore>,
    /// What stores of this table noted.
    pub(super) trouble: Arc<Trouble>,
}

impl LogAccess {
    fn key(&self, version: Option<u64>) -> LogKey {
        Mutant::LogOfFirstTable.first_of(LogKey {
            catalog_id: self.grant.catalog_id().to_owned(),
            table: self.grant.table().clone(),
            location: self.location.clone(),
            version,
        })
    }

    fn failed(&self) -> impl Fn(delta_kernel::Error) -> Error {
        move |error| failure::log(&self.grant, &self.trouble, &error)
    }
}

/// # Arguments
/// * `capacity` - in units of [`WEIGHT_UNIT`].
fn slots(capacity: u64) -> Cache<LogKey, Arc<Slot>> {
    Cache::builder().max_capacity(capacity).weigher(|_, slot: &Arc<Slot>| slot.weight()).build()
}

/// All logs. One per server.
pub(super) struct Logs {
    max_age: Duration,
    slots: Cache<LogKey, Arc<Slot>>,
    io: Handle,
    budget: Arc<Budget>,
}

impl Logs {
    /// # Arguments
    /// * `io` - the runtime that talks to S3.
    /// * `budget` - what tables may hold in memory.
    pub(super) fn new(settings: &TableSettings, io: Handle, budget: Arc<Budget>) -> Self {
        let capacity = settings.snapshot_cache_bytes.as_u64() / WEIGHT_UNIT as u64;
        Self { max_age: settings.snapshot_max_age, slots: slots(capacity), io, budget }
    }

    /// The newest version, looked at within the last `table.snapshot_max_age`.
    ///
    /// # Errors
    /// See [`failure`].
    pub(super) async fn newest(&self, access: &LogAccess) -> Result<Arc<LogState>, Error> {
        let key = access.key(None);
        let slot = self.slots.get_with_by_ref(&key, Arc::default);
        let _one_at_a_time = slot.loading.lock().await;
        let held = slot.held.load_full();
        if let Some(known) = held.as_ref().filter(|known| known.looked_at.elapsed() < self.max_age) {
            return Ok(Arc::clone(&known.state));
        }
        let began = Instant::now();
        let reader = self.reader(access)?;
        let loaded = match &held {
            Some(known) => {
                match look(&known.state, access).await.map_err(|error| access.failed()(error.into()))? {
                    Look::Newest => {
                        slot.hold(&known.state, began);
                        return Ok(Arc::clone(&known.state));
                    }
                    Look::Followed => reader.refresh(known.state.log()).await,
                    Look::Replaced => reader.read(None).await,
                }
            }
            None => reader.read(None).await,
        };
        let state = Arc::new(self.state(access, loaded.map_err(access.failed())?, key.clone()).await?);
        slot.hold(&state, began);
        // Weighed again now that its size is known.
        self.slots.insert(key, Arc::clone(&slot));
        Ok(state)
    }

    /// An older version.
    ///
    /// # Errors
    /// See [`failure`]; also if there is no such version, or its log is gone.
    pub(super) async fn version(&self, access: &LogAccess, version: u64) -> Result<Arc<LogState>, Error> {
        let key = access.key(Some(version));
        let slot = self.slots.get_with_by_ref(&key, Arc::default);
        let _one_at_a_time = slot.loading.lock().await;
        let held = slot.held.load_full();
        // Versions of a table that was made anew are others; the newest version's look finds that out.
        let newest = self.newest(access).await?;
        if let Some(known) = held.as_ref().filter(|known| known.state.identity == newest.identity) {
            return Ok(Arc::clone(&known.state));
        }
        if version > newest.version() {
            return Err(failure::no_such_version(&access.grant));
        }
        let log = self.reader(access)?.read(Some(version)).await;
        let log = log.map_err(|error| failure::old_version(&access.grant, &access.trouble, &error))?;
        let state = Arc::new(self.state(access, log, key.clone()).await?);
        slot.hold(&state, Instant::now());
        self.slots.insert(key, Arc::clone(&slot));
        Ok(state)
    }

    /// The newest version that was committed at or before a time.
    ///
    /// # Arguments
    /// * `time` - milliseconds since the epoch.
    ///
    /// # Errors
    /// As [`version`](Self::version).
    pub(super) async fn as_of(&self, access: &LogAccess, time: i64) -> Result<Arc<LogState>, Error> {
        let newest = self.newest(access).await?;
        let version = self.reader(access)?.version_at(newest.log(), time).await;
        let version =
            version.map_err(|error| failure::old_version(&access.grant, &access.trouble, &error))?;
        self.version(access, version).await
    }

    /// Loads the statistics of columns that are not yet known. If the log they would come from is gone, the table is read
    /// without them.
    pub(super) async fn load_statistics(
        &self,
        access: &LogAccess,
        state: &LogState,
        wanted: &[usize],
    ) -> Result<(), Error> {
        let _one_at_a_time = state.loading.lock().await;
        let files = &state.log.files;
        let missing: Vec<usize> =
            wanted.iter().copied().filter(|column| files.statistics(*column).is_none()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        match self.reader(access)?.statistics(&state.log, missing).await {
            Ok(found) => self.keep_statistics(state, found)?,
            Err(error) => {
                tracing::warn!(table = %access.grant.table(), error = %error, "statistics of the log")
            }
        }
        Ok(())
    }

    /// Adds statistics to a log: charged, and weighed again in the cache.
    fn keep_statistics(
        &self,
        state: &LogState,
        found: BTreeMap<usize, ColumnStatistics>,
    ) -> Result<(), Error> {
        let more: usize = found.values().map(ColumnStatistics::memory).sum();
        if let Ok(mut memory) = state.log.memory.lock() {
            memory.grow(more as u64)?;
        }
        state.log.files.add_statistics(found);
        let holds = |slot: &Arc<Slot>| {
            let held = slot.held.load();
            held.as_ref().is_some_and(|held| std::ptr::eq(Arc::as_ptr(&held.state), state))
        };
        if let Some(slot) = self.slots.get(&state.key).filter(holds) {
            self.slots.insert(state.key.clone(), slot);
        }
        Ok(())
    }

    fn reader(&self, access: &LogAccess) -> Result<LogReader, Error> {
        Ok(LogReader::new(
            Arc::clone(&access.store) as _,
            access.location.url()?,
            self.io.clone(),
            Arc::clone(&self.budget),
        ))
    }

    async fn state(&self, access: &LogAccess, log: Log, key: LogKey) -> Result<LogState, Error> {
        let location = &access.location;
        let version = log.snapshot.version();
        let newest_commit = commits_from(location, access.store.as_ref(), version)
            .await
            .map_err(|error| access.failed()(error.into()))?
            .into_iter()
            .find(|object| object.location == commit_path(location, version))
            .map(|object| CommitMark::of(&object));
        let (grant, prefix) = (&access.grant, location.prefix());
        let identity = format!(
            "{}/{}/{}/{}/{prefix}/{}",
            grant.catalog_id(),
            grant.table().database(),
            grant.table().table(),
            location.bucket(),
            log.snapshot.table_configuration().metadata().id()
        );
        Ok(LogState { log, newest_commit, identity: Arc::from(identity), loading: Mutex::new(()), key })
    }
}

/// What a look at the log found behind the newest known commit.
enum Look {
    /// Nothing.
    Newest,
    /// Later commits.
    Followed,
    /// Another commit in its place, or none.
    Replaced,
}

async fn look(state: &LogState, access: &LogAccess) -> object_store::Result<Look> {
    let listed = commits_from(&access.location, access.store.as_ref(), state.version()).await?;
    let known = commit_path(&access.location, state.version());
    let (same, later): (Vec<&ObjectMeta>, Vec<&ObjectMeta>) = listed
        .iter()
        .filter(|object| object.location.extension() == Some("json"))
        .partition(|object| object.location == known);
    // Both are absent where the commit was cleaned away and its checkpoint stayed.
    if same.first().map(|object| CommitMark::of(object)) != state.newest_commit {
        return Ok(Look::Replaced);
    }
    Ok(if later.is_empty() { Look::Newest } else { Look::Followed })
}

/// Everything that S3 lists in the log from the commit of `version` on.
async fn commits_from(
    location: &TableLocation,
    store: &dyn ObjectStore,
    version: u64,
) -> object_store::Result<Vec<ObjectMeta>> {
    let log = location.prefix().clone().join("_delta_log");
    // Offsets exclude themselves; this name sorts just before the commit's own.
    let before = log.clone().join(format!("{version:020}."));
    let mut listing = store.list_with_offset(Some(&log), &before);
    let mut objects = Vec::new();
    while let Some(object) = listing.next().await {
        let object = object?;
        // `_last_checkpoint` and the like sort after all commits.
        let is_numbered = object
            .location
            .filename()
            .is_some_and(|name| name.starts_with(|first: char| first.is_ascii_digit()));
        if is_numbered {
            objects.push(object);
        }
    }
    Ok(objects)
}

fn commit_path(location: &TableLocation, version: u64) -> Path {
    location.prefix().clone().join("_delta_log").join(format!("{version:020}.json"))
}

impl CommitMark {
    fn of(object: &ObjectMeta) -> Self {
        Self {
            size: object.size,
            modified: object.last_modified.timestamp_micros(),
            e_tag: object.e_tag.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
