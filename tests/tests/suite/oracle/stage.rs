//! One table in front of the server and of the peer, and what one query says about them.

use std::fmt;

use deltalake::datafusion::error::DataFusionError;
use lakegate_client::{ClientError, Connection};
use tonic::Code;

use super::account::Account;
use super::marks::HIDDEN_TEXT;
use super::peer::{batch_of, peer_of};
use super::policy::Second;
use super::query::Known;
use super::table::Table;
use crate::delta::lake::DATABASE;
use crate::delta::peer::Peer;
use crate::delta::rows::Rows;
use crate::support::rows;

/// See the file's head.
pub(super) struct Stage<'a> {
    pub(super) account: &'a Account,
    pub(super) name: String,
    pub(super) table: Table,
    pub(super) known: Known,
    peer: Peer,
}

/// How the two answers to a query stand to each other.
pub(super) enum Verdict {
    /// So many rows, the same on both sides.
    Same(usize),
    BothFail,
    Differs(String),
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
        let (peer, known) = (peer_of(&table, &name), Known::of(&table));
        Self { account, name, table, known, peer }
    }

    /// Asks both sides.
    ///
    /// # Arguments
    /// * `sql` - with `{}` in place of the table's name.
    pub(super) async fn compare(&self, connection: &Connection, sql: &str) -> Verdict {
        let sent = sql.replace("{}", &format!("{DATABASE}.{}", self.name));
        let ours = rows(connection, &sent).await.map(|batches| Rows::of(&batches));
        let theirs = self.peer.rows(&sent).await;
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => compare_rows(&ours, &theirs),
            (Err(ours), Err(theirs)) => self.compare_errors(sql, &ours, &theirs),
            (Ok(ours), Err(theirs)) => {
                Verdict::Differs(format!("{} rows, where the peer fails: {theirs}", ours.cells.len()))
            }
            (Err(ours), Ok(theirs)) => {
                let reason = self.account.reason(&self.name);
                let rows = theirs.cells.len();
                Verdict::Differs(format!("{ours}, where the peer has {rows} rows; the log says: {reason}"))
            }
        }
    }

    /// An error blames the query, and tells nothing that the query does not say itself.
    fn compare_errors(&self, sql: &str, ours: &ClientError, theirs: &DataFusionError) -> Verdict {
        let ClientError::Status(status) = ours else {
            return Verdict::Differs(format!("no status but {ours}, where the peer fails: {theirs}"));
        };
        let is_defect_of_engine = matches!(theirs.find_root(), DataFusionError::Internal(_));
        let is_blamed = match status.code() {
            Code::InvalidArgument | Code::Unimplemented => true,
            Code::Internal => is_defect_of_engine,
            _ => false,
        };
        let text = status.message();
        if !is_blamed {
            let reason = self.account.reason(&self.name);
            let code = status.code();
            return Verdict::Differs(format!(
                "{code:?} {text:?}, where the peer fails: {theirs}; the log says: {reason}"
            ));
        }
        let hidden = self.table.hidden_names();
        let mut secrets = hidden.iter().map(String::as_str).chain([HIDDEN_TEXT]);
        match secrets.find(|secret| text.contains(secret) && !sql.contains(secret)) {
            Some(secret) => Verdict::Differs(format!("the error tells {secret:?}: {text:?}")),
            None => Verdict::BothFail,
        }
    }
}

fn compare_rows(ours: &Rows, theirs: &Rows) -> Verdict {
    if ours.columns != theirs.columns {
        return Verdict::Differs(format!("columns {:?}, expected {:?}", ours.columns, theirs.columns));
    }
    if ours.texts() == theirs.texts() {
        return Verdict::Same(ours.cells.len());
    }
    let difference = ours.difference(theirs);
    Verdict::Differs(difference.unwrap_or_else(|| "values under the names of other columns".to_owned()))
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
