//! The lakes in front of which servers with faults are started: the pair of the probes and the tables of the oracle. They
//! are filled once, and no fault changes them.

use std::sync::Arc;

use futures::stream::{self, Stream, StreamExt};

use super::{Examined, VARIABLE};
use crate::non_interference::{PairedServers, paired_lakes, probes};
use crate::oracle::{Account, Question, questions};
use crate::support::{login, start_server};

/// Tables of the oracle, and queries over each.
const TABLES: u64 = 20;
const QUERIES: usize = 24;

/// Questions under way at a time.
const IN_FLIGHT: usize = 4;

/// Connections of the restricted user, among which the oracle's queries are dealt out.
const CONNECTIONS: usize = 2;

/// See the file's head.
pub(super) struct Lakes<'a> {
    pub(super) account: &'a Account,
    pair: Arc<crate::non_interference::Pair>,
    questions: Vec<Question<'a>>,
}

impl<'a> Lakes<'a> {
    /// Fills them.
    pub(super) async fn of(account: &'a Account) -> Self {
        super::turns::bring_tables(account.lake()).await;
        Self { account, pair: paired_lakes().await, questions: questions(account, TABLES, QUERIES).await }
    }

    /// Asks two servers the probes of non-interference.
    pub(super) async fn probed(&self, fault: &str) -> Examined {
        let servers = PairedServers::start(&self.pair, (VARIABLE, fault)).await;
        let statements = probes();
        first_difference(stream::iter(&statements).map(|sql| servers.difference(sql)).buffered(IN_FLIGHT))
            .await
    }

    /// Asks a server the queries of the oracle.
    pub(super) async fn compared(&self, fault: &str) -> Examined {
        let server = start_server(&self.account.lake().sandbox, &[(VARIABLE, fault)]).await;
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(login(&server, crate::oracle::RESTRICTED).await);
        }
        let asked = self.questions.iter().enumerate();
        let asked = asked.map(|(number, question)| question.difference(&connections[number % CONNECTIONS]));
        first_difference(stream::iter(asked).buffered(IN_FLIGHT)).await
    }
}

async fn first_difference(differences: impl Stream<Item = Option<String>>) -> Examined {
    let mut differences = Box::pin(differences);
    let mut examined = Examined::default();
    while let Some(difference) = differences.next().await {
        if !examined.count(difference) {
            break;
        }
    }
    examined
}
