//! One query, the answers of the server and of the peer, and how they stand to each other.

use lakegate_client::{ClientError, Connection};
use tonic::Code;

use super::account::Account;
use super::marks::HIDDEN_TEXT;
use crate::delta::rows::Rows;
use crate::support::rows;

/// How the two answers to a query stand to each other.
pub(super) enum Verdict {
    /// So many rows, the same on both sides.
    Same(usize),
    BothFail,
    Differs(String),
}

/// Whose answers are compared.
pub(super) struct Comparison<'a> {
    pub(super) account: &'a Account,
    /// The name of a table by which the server's log is searched for the reason of a failure.
    pub(super) name: &'a str,
    /// Words that no error may have unless the query has them.
    pub(super) secrets: &'a [String],
}

impl Comparison<'_> {
    /// Asks both sides.
    ///
    /// # Arguments
    /// * `copied` - the same query over the copies.
    pub(super) async fn verdict(&self, connection: &Connection, sql: &str, copied: &str) -> Verdict {
        let ours = rows(connection, sql).await.map(|batches| Rows::of(&batches));
        let theirs = rows(&self.account.unrestricted, copied).await.map(|batches| Rows::of(&batches));
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => compare_rows(&ours, &theirs),
            (Err(ours), Err(theirs)) => self.compare_errors(sql, &ours, &theirs),
            (Ok(ours), Err(theirs)) => {
                Verdict::Differs(format!("{} rows, where the peer fails: {theirs}", ours.cells.len()))
            }
            (Err(ours), Ok(theirs)) => {
                let reason = self.account.reason(self.name);
                let rows = theirs.cells.len();
                Verdict::Differs(format!("{ours}, where the peer has {rows} rows; the log says: {reason}"))
            }
        }
    }

    /// An error blames the query, and tells nothing that the query does not say itself.
    fn compare_errors(&self, sql: &str, ours: &ClientError, theirs: &ClientError) -> Verdict {
        let ClientError::Status(status) = ours else {
            return Verdict::Differs(format!("no status but {ours}, where the peer fails: {theirs}"));
        };
        let is_defect_of_engine =
            matches!(theirs, ClientError::Status(status) if status.code() == Code::Internal);
        let is_blamed = match status.code() {
            Code::InvalidArgument | Code::Unimplemented => true,
            Code::Internal => is_defect_of_engine,
            _ => false,
        };
        let text = status.message();
        if !is_blamed {
            let reason = self.account.reason(self.name);
            let code = status.code();
            return Verdict::Differs(format!(
                "{code:?} {text:?}, where the peer fails: {theirs}; the log says: {reason}"
            ));
        }
        let mut secrets = self.secrets.iter().map(String::as_str).chain([HIDDEN_TEXT]);
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
