//! The state of Delta logs, shared between queries and refreshed when a newer commit appears.
//!
//! Invariants
//! - A state is looked up under the catalog's table and its location, after a grant on that table was checked; it holds
//!   nothing that depends on a principal. What it knows of hidden columns and rows stays below `guard`.
//! - One query loads, others wait for it; the loading query's own grant pays for the S3 calls.
//! - A state is served without a look at S3 for at most `table.snapshot_max_age`. The look is one LIST from the newest
//!   known commit on: a later commit, or another object in its place (the table was made anew), loads the log again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use deltalake::DeltaTableError;
use deltalake::kernel::EagerSnapshot;
use deltalake::logstore::{StorageConfig, default_logstore};
use futures::StreamExt;
use moka::sync::Cache;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectMeta, ObjectStore};
use tokio::sync::Mutex;

use super::failure;
use super::jail::Trouble;
use super::location::TableLocation;
use crate::access::Grant;
use crate::error::Error;
use crate::ids::TableName;
use crate::settings::TableSettings;

/// Estimated bytes that one file action costs in memory, statistics included.
const BYTES_PER_FILE: u64 = 4096;

/// Estimated bytes of a state without files.
const BYTES_PER_TABLE: u64 = 64 * 1024;

#[derive(Clone, PartialEq, Eq, Hash)]
struct LogKey {
    catalog_id: String,
    table: TableName,
    location: TableLocation,
}

/// One table's log at one version.
pub(super) struct LogState {
    snapshot: Arc<EagerSnapshot>,
    newest_commit: Option<CommitMark>,
    identity: Arc<str>,
}

/// What tells one commit file from another of the same name.
#[derive(PartialEq, Eq)]
struct CommitMark {
    size: u64,
    modified: i64,
    e_tag: Option<String>,
}

impl LogState {
    /// The Delta version.
    pub(super) fn version(&self) -> u64 {
        self.snapshot.version()
    }

    /// The log's content.
    pub(super) fn snapshot(&self) -> Arc<EagerSnapshot> {
        Arc::clone(&self.snapshot)
    }

    /// Tells this table's files from any other table's: catalog entry, location and Delta table id.
    pub(super) fn identity(&self) -> Arc<str> {
        Arc::clone(&self.identity)
    }
}

/// A table's place in the cache; its lock makes loading single-flight.
#[derive(Default)]
struct Slot(Mutex<Option<Held>>);

struct Held {
    state: Arc<LogState>,
    looked_at: Instant,
}

/// All logs. One per server.
pub(super) struct Logs {
    max_age: Duration,
    slots: Cache<LogKey, Arc<Slot>>,
}

impl Logs {
    pub(super) fn new(settings: &TableSettings) -> Self {
        let capacity = settings.snapshot_cache_bytes.as_u64();
        let weigh = |_: &LogKey, slot: &Arc<Slot>| {
            let files = slot
                .0
                .try_lock()
                .ok()
                .and_then(|held| Some(held.as_ref()?.state.snapshot.log_data().num_files()));
            let bytes = BYTES_PER_TABLE + BYTES_PER_FILE * files.unwrap_or_default() as u64;
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        Self {
            max_age: settings.snapshot_max_age,
            slots: Cache::builder().max_capacity(capacity).weigher(weigh).build(),
        }
    }

    /// The table's log, looked at within the last `table.snapshot_max_age`.
    ///
    /// # Arguments
    /// * `store` - the bucket, jailed to the table.
    /// * `trouble` - what that store noted.
    ///
    /// # Errors
    /// See [`failure`].
    pub(super) async fn state(
        &self,
        grant: &Grant,
        location: &TableLocation,
        store: Arc<dyn ObjectStore>,
        trouble: &Trouble,
    ) -> Result<Arc<LogState>, Error> {
        let key = LogKey {
            catalog_id: grant.catalog_id().to_owned(),
            table: grant.table().clone(),
            location: location.clone(),
        };
        let slot = self.slots.get_with_by_ref(&key, Arc::default);
        let mut held = slot.0.lock().await;
        if let Some(known) = held.as_mut() {
            if known.looked_at.elapsed() < self.max_age {
                return Ok(Arc::clone(&known.state));
            }
            let began = Instant::now();
            let failed = |error| failure::log(grant, trouble, &DeltaTableError::from(error));
            if is_newest(&known.state, location, store.as_ref()).await.map_err(failed)? {
                known.looked_at = began;
                return Ok(Arc::clone(&known.state));
            }
        }
        let began = Instant::now();
        let loaded = load(&key, store).await;
        let state = Arc::new(loaded.map_err(|error| failure::log(grant, trouble, &error))?);
        *held = Some(Held { state: Arc::clone(&state), looked_at: began });
        drop(held);
        // Weighed again now that the number of files is known.
        self.slots.insert(key, slot);
        Ok(state)
    }
}

async fn load(key: &LogKey, store: Arc<dyn ObjectStore>) -> Result<LogState, DeltaTableError> {
    let prefix = key.location.prefix();
    let prefixed = Arc::new(PrefixStore::new(Arc::clone(&store), prefix.clone()));
    let url = key
        .location
        .url()
        .map_err(|error| DeltaTableError::InvalidTableLocation(error.internal_text().to_owned()))?;
    let log_store = default_logstore(prefixed, Arc::clone(&store), &url, &StorageConfig::default());
    let snapshot = EagerSnapshot::try_new(log_store.as_ref(), None).await?;
    let newest_commit = commits_from(&key.location, store.as_ref(), snapshot.version())
        .await?
        .into_iter()
        .find(|object| object.location == commit_path(&key.location, snapshot.version()))
        .map(|object| CommitMark::of(&object));
    let identity = format!(
        "{}/{}/{}/{}/{prefix}/{}",
        key.catalog_id,
        key.table.database(),
        key.table.table(),
        key.location.bucket(),
        snapshot.metadata().id()
    );
    Ok(LogState { snapshot: Arc::new(snapshot), newest_commit, identity: Arc::from(identity) })
}

/// Whether the newest commit known is still there, unchanged, and no later one is.
async fn is_newest(
    state: &LogState,
    location: &TableLocation,
    store: &dyn ObjectStore,
) -> object_store::Result<bool> {
    let listed = commits_from(location, store, state.version()).await?;
    let commits: Vec<&ObjectMeta> =
        listed.iter().filter(|object| object.location.extension() == Some("json")).collect();
    let same = matches!(commits.as_slice(), [only] if Some(CommitMark::of(only)) == state.newest_commit);
    Ok(same)
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
