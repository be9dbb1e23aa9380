//! Delta tables on S3, opened for one grant at a time.
//!
//! ```text
//!   Grant ─▶ location (one bucket, one prefix) ─▶ jailed store ─▶ Delta log ─▶ index of files ─▶ Snapshot ─▶ scan
//!            location                             jail, s3        log, kernel  index, statistics            scan
//! ```
//!
//! Invariants
//! - [`Tables::open`] consumes a [`Grant`] and the [`Snapshot`] keeps it: log, files and policy cannot be mixed up.
//! - The shared parts (logs, footers, byte ranges, deletion vectors) hold nothing that depends on a principal, and are
//!   keyed by the catalog's table *and* its location: another catalog entry that points at the same files shares nothing
//!   with it.
//! - Every path, also one read from the log, passes the jail of the granted prefix.
//! - This room alone imports the Delta kernel and `object_store`.

mod adapter;
mod blocks;
mod budget;
mod cached_store;
mod conflicts;
mod deletion_vectors;
mod failure;
mod files;
mod footers;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod index;
mod jail;
mod kernel;
mod location;
mod log;
mod log_engine;
mod nan;
mod nested;
mod partitions;
mod prune;
mod registry;
mod replace;
mod s3;
mod scan;
mod scan_statistics;
mod schema;
mod statistics;
mod text;

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use tokio::runtime::Handle;

use self::blocks::BlockCache;
use self::budget::Budget;
use self::cached_store::CachedStore;
use self::deletion_vectors::DeletionVectors;
use self::footers::FooterCache;
use self::jail::{JailedStore, Trouble};
use self::location::TableLocation;
use self::log::{LogAccess, LogState, Logs};
pub(crate) use self::registry::NoStores;
use self::registry::OneBucket;
pub(crate) use self::replace::replace_columns;
use self::s3::S3;
pub(crate) use self::scan::{ScanRequest, UnguardedScan};
pub(crate) use self::schema::with_offsets;
use crate::access::Grant;
use crate::error::Error;
use crate::settings::{AwsSettings, InvalidText, TableSettings};
use crate::sql::Moment;
use crate::telemetry::metrics::Metrics;

/// Commits are dated in milliseconds.
const MICROS_PER_MILLI: i64 = 1000;

/// Opens tables. One per server.
pub(crate) struct Tables {
    s3: S3,
    shared: Arc<Shared>,
}

/// What the scans of all queries share.
struct Shared {
    logs: Logs,
    blocks: Arc<BlockCache>,
    footers: FooterCache,
    deletion_vectors: DeletionVectors,
    invalid_text: InvalidText,
    budget: Arc<Budget>,
}

impl Tables {
    /// # Arguments
    /// * `io` - the runtime that talks to S3.
    ///
    /// # Errors
    /// If the HTTP client cannot be made, or the folder of the block cache cannot be used.
    pub(crate) async fn new(
        settings: &TableSettings,
        aws: &AwsSettings,
        io: Handle,
        metrics: Arc<Metrics>,
    ) -> Result<Self, Error> {
        let budget = Budget::new(settings.memory_limit.as_u64());
        Ok(Self {
            s3: S3::new(aws, io.clone())?,
            shared: Arc::new(Shared {
                logs: Logs::new(settings, io, Arc::clone(&budget)),
                blocks: Arc::new(BlockCache::open(settings, metrics).await?),
                footers: FooterCache::new(
                    usize::try_from(settings.footer_cache_bytes.as_u64()).unwrap_or(usize::MAX),
                ),
                deletion_vectors: DeletionVectors::new(
                    settings.deletion_vector_cache_bytes.as_u64(),
                    Arc::clone(&budget),
                ),
                budget,
                invalid_text: settings.invalid_text,
            }),
        })
    }

    /// Reads the table's log, or takes it from memory if it is recent enough.
    ///
    /// # Arguments
    /// * `moment` - which version; absent: the newest.
    ///
    /// # Errors
    /// If the catalog entry is not a Delta table that this server reads, or the log cannot be read.
    pub(crate) async fn open(&self, grant: Grant, moment: Option<&Moment>) -> Result<Snapshot, Error> {
        let location = TableLocation::of(grant.glue(), grant.table())?;
        let bucket = self.s3.store(&grant, &location)?;
        let trouble = Arc::new(Trouble::default());
        let jailed = |store| Arc::new(JailedStore::new(store, location.clone(), Arc::clone(&trouble)));
        let store = jailed(Arc::clone(&bucket));
        let access = LogAccess { grant, location: location.clone(), store, trouble: Arc::clone(&trouble) };
        let log = match moment {
            None => self.shared.logs.newest(&access).await?,
            Some(Moment::Version(version)) => self.shared.logs.version(&access, *version).await?,
            Some(Moment::Timestamp(micros)) => {
                self.shared.logs.as_of(&access, micros.div_euclid(MICROS_PER_MILLI)).await?
            }
        };
        let cache = Arc::clone(&self.shared.blocks);
        let files = jailed(Arc::new(CachedStore { inner: bucket, table: log.identity(), cache }));
        Ok(Snapshot { access, log, files, shared: Arc::clone(&self.shared) })
    }
}

/// One version of a Delta table, together with the grant that opened it.
pub(crate) struct Snapshot {
    access: LogAccess,
    log: Arc<LogState>,
    /// Reads data files, through the cache of byte ranges.
    files: Arc<JailedStore>,
    shared: Arc<Shared>,
}

impl Snapshot {
    /// The grant that the table was opened with.
    pub(crate) fn grant(&self) -> &Grant {
        &self.access.grant
    }

    /// All columns of the table with their Delta names and types, hidden ones included: never to be shown.
    pub(crate) fn full_schema(&self) -> SchemaRef {
        Arc::clone(&self.log.log().columns.logical)
    }

    /// What tells this version from every other, of this table and of others.
    pub(crate) fn identity(&self) -> (Arc<str>, u64) {
        (self.log.identity(), self.log.version())
    }

    /// Bytes of all files of this version.
    pub(crate) fn total_bytes(&self) -> u64 {
        self.log.log().files.total_bytes()
    }

    /// A runtime environment in which this table's files, and no others, can be opened; memory and spill are `base`'s.
    ///
    /// # Errors
    /// If DataFusion cannot build it.
    pub(crate) fn runtime(&self, base: &RuntimeEnv) -> Result<Arc<RuntimeEnv>, Error> {
        let LogAccess { location, trouble, .. } = &self.access;
        let registry = OneBucket::new(location, Arc::clone(&self.files), Arc::clone(trouble))?;
        RuntimeEnvBuilder::from_runtime_env(base)
            .with_object_store_registry(Arc::new(registry))
            .build_arc()
            .map_err(|error| Error::internal(format!("runtime environment: {error}")))
    }

    /// What a failure inside this table's scan means for the client.
    pub(crate) fn failure(&self, error: &datafusion::error::DataFusionError) -> Error {
        failure::scan(&self.access.grant, &self.access.trouble, error)
    }
}
