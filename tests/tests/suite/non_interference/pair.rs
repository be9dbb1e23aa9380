//! Two accounts with the same tables under the same names, each with servers of its own.
//!
//! One account with two databases would not do: the names would differ in every error text.

use std::sync::{Arc, Weak};

use futures::future::join;
use lakegate_tests::stack::Server;
use tokio::sync::Mutex;

use super::caller::Caller;
use super::grants;
use super::tables::{TABLES, World};
use super::transcript::Transcript;
use crate::delta::lake::Lake;
use crate::delta::schema::TableSchema;
use crate::support::start_server;

/// One thread reads files in the order of the log and adds numbers in the order of rows, so that answers can be compared byte
/// by byte. With several, both depend on which thread was first.
pub(super) const ONE_THREAD: (&str, &str) = ("LAKEGATE__ENGINE__THREADS", "1");

/// Cells that are hidden in visible rows are NULL, and their table is not refused.
pub(super) const MASKED: (&str, &str) = ("LAKEGATE__ACCESS__CELL_MASKING", "null");

/// The pair that tests share, as long as one of them holds it.
static SHARED: Mutex<Weak<Pair>> = Mutex::const_new(Weak::new());

/// See the file's head.
pub(crate) struct Pair {
    first: Lake,
    second: Lake,
}

impl Pair {
    /// The pair of all tests: they read and change nothing.
    pub(super) async fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().await;
        if let Some(running) = shared.upgrade() {
            return running;
        }
        let (first, second) = join(lake(World::First), lake(World::Second)).await;
        let started = Arc::new(Self { first, second });
        *shared = Arc::downgrade(&started);
        started
    }

    /// Logs a user in to both lakes' own servers, which have one thread.
    pub(super) async fn log_in(&self, user: &str) -> Callers {
        Callers::log_in(&self.first.server, &self.second.server, user).await
    }

    /// Starts servers with other settings in front of both lakes.
    pub(super) async fn servers(&self, settings: &[(&str, &str)]) -> Servers {
        let settings = [settings, &[MASKED]].concat();
        let (first, second) =
            join(start_server(&self.first.sandbox, &settings), start_server(&self.second.sandbox, &settings))
                .await;
        Servers { first, second }
    }
}

/// A lake with its world's tables.
async fn lake(world: World) -> Lake {
    let lake = Lake::start(&[ONE_THREAD, MASKED]).await;
    for table in TABLES.iter().filter(|table| table.exists_in.contains(&world)) {
        let files = (table.files)(world);
        let mut schema = TableSchema::of(&files).unwrap();
        if !table.has_partition_keys {
            schema.partition_columns.clear();
        }
        lake.add_with_schema(table.name, &files, &schema).await;
        let mut parts = grants::granted(&table.sight).into_iter();
        if let Some(shown) = parts.next() {
            lake.grant(grants::RESTRICTED, table.name, shown).await;
        }
        for shown in parts {
            lake.grant_also(grants::RESTRICTED, table.name, shown).await;
        }
    }
    lake
}

/// A server in front of each lake.
pub(super) struct Servers {
    first: Server,
    second: Server,
}

impl Servers {
    /// Logs a user in to both.
    pub(super) async fn log_in(&self, user: &str) -> Callers {
        Callers::log_in(&self.first, &self.second, user).await
    }
}

/// One user at both lakes.
pub(super) struct Callers {
    first: Caller,
    second: Caller,
}

impl Callers {
    async fn log_in(first: &Server, second: &Server, user: &str) -> Self {
        let (first, second) = join(Caller::log_in(first, user), Caller::log_in(second, user)).await;
        Self { first, second }
    }

    /// Asks both lakes the same: the first world's answer, then the second's.
    pub(super) async fn ask(&self, question: impl AsyncFn(&Caller) -> Transcript) -> [Transcript; 2] {
        let (first, second) = join(question(&self.first), question(&self.second)).await;
        [first, second]
    }
}
