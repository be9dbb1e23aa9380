//! The object stores that a scan can reach: exactly one, for one table's bucket.
//!
//! DataFusion's own registry is keyed by bucket and always knows the local file system. With it the first credentials for
//! a bucket would serve every later table of that bucket, and `file://` would open this machine. Each guarded leaf
//! therefore runs with a registry of its own that knows one store and takes no other.

use std::sync::Arc;

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreRegistry;
use object_store::ObjectStore;
use url::Url;

use super::jail::{JailedStore, Trouble};
use super::location::TableLocation;
use crate::error::Error;

/// See the file's head.
#[derive(Debug)]
pub(super) struct OneBucket {
    url: Url,
    store: Arc<JailedStore>,
    trouble: Arc<Trouble>,
}

impl OneBucket {
    pub(super) fn new(
        location: &TableLocation,
        store: Arc<JailedStore>,
        trouble: Arc<Trouble>,
    ) -> std::result::Result<Self, Error> {
        Ok(Self { url: location.url()?, store, trouble })
    }
}

impl ObjectStoreRegistry for OneBucket {
    /// Keeps nothing: what could be registered here would be read without a grant.
    fn register_store(&self, _: &Url, _: Arc<dyn ObjectStore>) -> Option<Arc<dyn ObjectStore>> {
        None
    }

    fn get_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        let is_ours = url.scheme() == self.url.scheme()
            && url.host_str() == self.url.host_str()
            && url.port().is_none();
        if is_ours {
            return Ok(Arc::clone(&self.store) as _);
        }
        Err(DataFusionError::ObjectStore(Box::new(self.trouble.escape(url))))
    }
}

/// A registry that knows no store, for the environments of queries: files are opened inside guarded leaves only.
#[derive(Debug)]
pub(crate) struct NoStores;

impl ObjectStoreRegistry for NoStores {
    fn register_store(&self, _: &Url, _: Arc<dyn ObjectStore>) -> Option<Arc<dyn ObjectStore>> {
        None
    }

    fn get_store(&self, _: &Url) -> Result<Arc<dyn ObjectStore>> {
        Err(Error::internal("an object store was asked for outside a guarded leaf").into())
    }
}
