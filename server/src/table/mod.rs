//! Delta tables on S3, opened for one grant at a time.
//!
//! ```text
//!   Grant ──▶ location (one bucket, one prefix) ──▶ jailed store ──▶ Delta log ──▶ Snapshot
//! ```
//!
//! Invariants
//! - [`Tables::open`] consumes a [`Grant`] and the [`Snapshot`] keeps it: log, files and policy cannot be mixed up.
//! - The shared parts (log state, footers, byte ranges) hold nothing that depends on a principal, and are keyed by the
//!   catalog's table *and* its location: another catalog entry that points at the same files shares nothing with it.
//! - Every path, also one read from the log, passes the jail of the granted prefix.
//! - This room alone imports `deltalake`, the Delta kernel and `object_store`.

mod blocks;
mod failure;
mod footers;
mod jail;
mod location;
mod log;
mod registry;
mod s3;

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::execution::cache::cache_manager::CacheManagerConfig;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use deltalake::delta_datafusion::{DeltaScanConfig, DeltaScanNext};
use tokio::runtime::Handle;

use self::blocks::BlockCache;
use self::footers::FooterCache;
use self::jail::{JailedStore, Trouble};
use self::location::TableLocation;
use self::log::Logs;
pub(crate) use self::registry::NoStores;
use self::registry::OneBucket;
use self::s3::S3;
use crate::access::Grant;
use crate::error::{Error, ErrorKind};
use crate::settings::{AwsSettings, TableSettings};
use crate::sql::Moment;

/// Opens tables. One per server.
pub(crate) struct Tables {
    s3: S3,
    logs: Logs,
    blocks: BlockCache,
    footers: FooterCache,
}

impl Tables {
    /// # Arguments
    /// * `io` - the runtime that talks to S3.
    ///
    /// # Errors
    /// If the HTTP client cannot be made.
    pub(crate) fn new(settings: &TableSettings, aws: &AwsSettings, io: Handle) -> Result<Self, Error> {
        Ok(Self {
            s3: S3::new(aws, io)?,
            logs: Logs::new(settings),
            blocks: BlockCache::new(settings.block_cache_bytes.as_u64()),
            footers: FooterCache::new(
                usize::try_from(settings.footer_cache_bytes.as_u64()).unwrap_or(usize::MAX),
            ),
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
        if moment.is_some() {
            return Err(Error::new(ErrorKind::Unsupported, "earlier versions of a table cannot be read yet"));
        }
        let location = TableLocation::of(grant.glue(), grant.table())?;
        let bucket = self.s3.store(&grant, &location)?;
        let trouble = Arc::new(Trouble::default());
        let jailed = JailedStore::new(Arc::clone(&bucket), location.clone(), Arc::clone(&trouble));
        let log = self.logs.state(&grant, &location, Arc::new(jailed), &trouble).await?;
        let config = DeltaScanConfig::new().with_wrap_partition_values(false);
        let scan = DeltaScanNext::new(log.snapshot(), config)
            .map_err(|error| failure::scan(&grant, &trouble, &error))?;
        let cached = self.blocks.in_front_of(bucket, log.identity());
        let store = JailedStore::new(Arc::new(cached), location.clone(), Arc::clone(&trouble));
        Ok(Snapshot {
            registry: Arc::new(OneBucket::new(&location, store, Arc::clone(&trouble))?),
            trouble,
            caches: CacheManagerConfig::default()
                .with_file_metadata_cache(Some(self.footers.of_table(&log.identity())))
                .with_metadata_cache_limit(self.footers.capacity())
                .with_file_statistics_cache_limit(0)
                .with_list_files_cache_limit(0),
            provider: Arc::new(scan),
            grant,
        })
    }
}

/// One version of a Delta table, together with the grant that opened it.
pub(crate) struct Snapshot {
    grant: Grant,
    provider: Arc<dyn TableProvider>,
    registry: Arc<OneBucket>,
    trouble: Arc<Trouble>,
    caches: CacheManagerConfig,
}

impl Snapshot {
    /// The grant that the table was opened with.
    pub(crate) fn grant(&self) -> &Grant {
        &self.grant
    }

    /// All columns of the table with their Delta names and types, hidden ones included: never to be shown.
    pub(crate) fn full_schema(&self) -> SchemaRef {
        self.provider.schema()
    }

    /// Reads rows and columns without any policy. Only `guard` may call it, and wraps what it gets.
    pub(crate) fn unguarded_provider(&self) -> &Arc<dyn TableProvider> {
        &self.provider
    }

    /// A runtime environment in which this table's files, and no others, can be opened; memory and spill are `base`'s.
    ///
    /// # Errors
    /// If DataFusion cannot build it.
    pub(crate) fn runtime(&self, base: &RuntimeEnv) -> Result<Arc<RuntimeEnv>, Error> {
        RuntimeEnvBuilder::from_runtime_env(base)
            .with_cache_manager(self.caches.clone())
            .with_object_store_registry(Arc::clone(&self.registry) as _)
            .build_arc()
            .map_err(|error| Error::internal(format!("runtime environment: {error}")))
    }

    /// What a failure inside this table's scan means for the client.
    pub(crate) fn failure(&self, error: &datafusion::error::DataFusionError) -> Error {
        failure::scan(&self.grant, &self.trouble, error)
    }
}
