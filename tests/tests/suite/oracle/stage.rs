//! One table in front of the server and of the peer.

use std::fmt;

use lakegate_client::Connection;

use super::account::Account;
use super::comparison::{Comparison, Verdict};
use super::peer::{batch_of, bring_seen, seen};
use super::policy::Second;
use super::query::Known;
use super::table::Table;
use crate::delta::lake::DATABASE;
use crate::delta::rows::Rows;
use crate::support::rows;

/// See the file's head.
pub(super) struct Stage<'a> {
    pub(super) account: &'a Account,
    pub(super) name: String,
    pub(super) table: Table,
    pub(super) known: Known,
}

impl<'a> Stage<'a> {
    /// Brings a table and checks that a user who may see all of it does: otherwise its files are wrong, or how they are
    /// read, and not the guard.
    pub(super) async fn set(account: &'a Account, name: String, table: Table) -> Self {
        account.bring(&name, &table).await;
        let columns: Vec<_> = table.columns.iter().collect();
        let positions: Vec<usize> = (0..columns.len()).collect();
        let expected = Rows::of(&[batch_of(&columns, &positions, &table.history.live_rows())]);
        let all = rows(&account.unrestricted, &format!("select * from {DATABASE}.{name}")).await;
        let all =
            all.unwrap_or_else(|error| panic!("{name}: {error}; the log says: {}", account.reason(&name)));
        let difference = Rows::of(&all).difference(&expected);
        assert!(difference.is_none(), "table seed {}: without a policy: {difference:?}", table.seed);
        bring_seen(account, &name, &table).await;
        let known = Known::of(&table);
        Self { account, name, table, known }
    }

    /// Asks both sides.
    ///
    /// # Arguments
    /// * `sql` - with `{}` in place of the table's name.
    pub(super) async fn compare(&self, connection: &Connection, sql: &str) -> Verdict {
        let of_table = |name: &str| sql.replace("{}", &format!("{DATABASE}.{name}"));
        let secrets = self.table.hidden_names();
        let comparison = Comparison { account: self.account, name: &self.name, secrets: &secrets };
        comparison.verdict(connection, &of_table(&self.name), &of_table(&seen(&self.name))).await
    }
}

/// What is needed to make the table again, and what its policy is.
impl fmt::Display for Stage<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let visible: Vec<&str> =
            self.table.visible_columns().iter().map(|column| column.name.as_str()).collect();
        let filter = self.table.policy.text.as_deref().unwrap_or("(all rows)");
        let (seed, hidden) = (self.table.seed, self.table.hidden_names());
        write!(
            formatter,
            "table seed {seed}, visible {visible:?}, hidden {hidden:?}, row filter {filter:?}"
        )?;
        match &self.table.policy.second {
            Some(Second { firsts, columns, text, .. }) => {
                write!(formatter, " for columns {firsts:?}, and {text:?} for columns {columns:?}")
            }
            None => Ok(()),
        }
    }
}
