//! [`Listing`]: what one principal may browse, to be asked from inside a running query.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;

use super::{Catalog, DatabaseEntry, TableEntry};
use crate::audit::ListedNames;
use crate::error::Error;
use crate::identity::Principal;

/// See the file's head. Queries run on the CPU runtime; AWS is asked on the I/O runtime.
#[derive(Clone)]
pub(crate) struct Listing {
    catalog: Arc<Catalog>,
    principal: Principal,
    io: Handle,
    listed: Arc<ListedNames>,
}

impl Listing {
    /// # Arguments
    /// * `io` - the runtime that talks to AWS.
    /// * `listed` - is told what the query was told.
    pub(crate) fn new(
        catalog: Arc<Catalog>,
        principal: Principal,
        io: Handle,
        listed: Arc<ListedNames>,
    ) -> Self {
        Self { catalog, principal, io, listed }
    }

    /// The principal's name.
    pub(crate) fn user(&self) -> &str {
        self.principal.user()
    }

    /// As [`Catalog::databases`].
    pub(crate) async fn databases(&self) -> Result<Arc<Vec<DatabaseEntry>>, Error> {
        let Self { catalog, principal, .. } = self.clone();
        let databases = self.on_io(async move { catalog.databases(&principal).await }).await?;
        self.listed.add(databases.iter().map(|database| database.name.clone()));
        Ok(databases)
    }

    /// As [`Catalog::tables_of`].
    pub(crate) async fn tables_of(&self, databases: Vec<String>) -> Result<Vec<TableEntry>, Error> {
        let Self { catalog, principal, .. } = self.clone();
        let tables =
            self.on_io(async move { catalog.tables_of(&principal, databases, |_| true).await }).await?;
        self.listed.add(tables.iter().map(|table| table.name.to_string()));
        Ok(tables)
    }

    async fn on_io<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        AbortOnDropHandle::new(self.io.spawn(work))
            .await
            .map_err(|error| Error::internal(format!("browsing ended abnormally: {error}")))?
    }
}
