//! Where the oracle's tables live: the shared lake, the administrator who grants, and the users who ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lakegate_client::Connection;

use super::table::Table;
use super::writing::files_of;
use crate::delta::grants::{Columns, Rows, Shown};
use crate::delta::lake::Lake;

/// The user who is shown some rows and columns of each table.
pub(crate) const RESTRICTED: &str = "support";

/// The user who is shown everything.
const UNRESTRICTED: &str = "analyst";

/// Connections of the restricted user, kept for all queries.
const CONNECTIONS: usize = 3;

/// See the file's head.
pub(crate) struct Account {
    lake: Arc<Lake>,
    pub(super) unrestricted: Connection,
    restricted: Vec<Connection>,
}

/// Numbers that were given away: accounts share the lake.
static NUMBERS: AtomicUsize = AtomicUsize::new(0);

impl Account {
    pub(crate) async fn open() -> Self {
        let lake = Lake::shared().await;
        let unrestricted = lake.login(UNRESTRICTED).await;
        let mut restricted = Vec::new();
        for _ in 0..CONNECTIONS {
            restricted.push(lake.login(RESTRICTED).await);
        }
        Self { lake, unrestricted, restricted }
    }

    /// Where the tables are.
    pub(crate) fn lake(&self) -> &Lake {
        &self.lake
    }

    /// One of the restricted user's connections.
    pub(super) fn restricted(&self, number: usize) -> &Connection {
        &self.restricted[number % self.restricted.len()]
    }

    /// A number that no other table has.
    pub(super) fn number(&self) -> usize {
        NUMBERS.fetch_add(1, Ordering::Relaxed)
    }

    /// Why the last statement over a table failed, from the operator's log.
    pub(super) fn reason(&self, name: &str) -> String {
        self.lake.reason(name)
    }

    /// Brings a table under a name: all of it to the one user, what its policy shows to the other.
    pub(super) async fn bring(&self, name: &str, table: &Table) {
        self.lake.add(name, &files_of(table)).await;
        self.lake.grant(RESTRICTED, name, shown(table)).await;
        if let Some(second) = &table.policy.second {
            let also =
                Shown { rows: Rows::Where(second.text.clone()), columns: only(table, &second.columns) };
            self.lake.grant_also(RESTRICTED, name, also).await;
        }
    }
}

fn shown(table: &Table) -> Shown {
    if table.policy.is_plain && table.hidden_names().is_empty() {
        return Shown::ALL;
    }
    let all = if table.policy.is_plain { Rows::All } else { Rows::Wildcard };
    let rows = table.policy.text.clone().map_or(all, Rows::Where);
    let columns = match (&table.policy.second, table.policy.lists_hidden) {
        (Some(second), _) => only(table, &second.firsts),
        (None, true) => Columns::AllBut(table.hidden_names()),
        (None, false) => only(table, &table.policy.visible),
    };
    Shown { rows, columns }
}

/// The columns at some positions, by name.
fn only(table: &Table, positions: &[usize]) -> Columns {
    Columns::Only(positions.iter().map(|position| table.columns[*position].name.clone()).collect())
}
