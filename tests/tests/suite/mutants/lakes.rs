//! The lakes in front of which servers with faults are started: the pair of the probes and the tables of the oracle. They
//! are filled once, and no fault changes them.

use std::sync::Arc;

use futures::stream::{self, Stream, StreamExt};

use super::{Examined, VARIABLE};
use crate::non_interference::{MASKED, PairedServers, paired_lakes, probes};
use crate::oracle::{Account, Question, questions, questions_over_several};
use crate::support::{login, start_server};

/// How much the oracle asks.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    /// Tables, and queries over each.
    tables: u64,
    queries: usize,
    /// Scenes of several tables, and queries over each.
    scenes: u64,
    queries_over_several: usize,
}

/// For a fault of which it is not known what notices it.
pub(super) const THOROUGH: Extent = Extent { tables: 20, queries: 24, scenes: 3, queries_over_several: 80 };

/// For faults that are noticed soon.
pub(super) const QUICK: Extent = Extent { tables: 6, queries: 24, scenes: 1, queries_over_several: 100 };

/// Questions under way at a time.
const IN_FLIGHT: usize = 4;

/// Connections of the restricted user, among which the oracle's queries are dealt out.
const CONNECTIONS: usize = 2;

/// See the file's head.
pub(super) struct Lakes<'a> {
    pub(super) account: &'a Account,
    pair: Arc<crate::non_interference::Pair>,
    questions: Vec<Question<'a>>,
    questions_over_several: Vec<Question<'a>>,
}

impl<'a> Lakes<'a> {
    /// Fills them.
    pub(super) async fn of(account: &'a Account, extent: Extent) -> Self {
        super::turns::bring_tables(account.lake()).await;
        let Extent { tables, queries, scenes, queries_over_several } = extent;
        Self {
            account,
            pair: paired_lakes().await,
            questions: questions(account, tables, queries).await,
            questions_over_several: questions_over_several(account, scenes, queries_over_several).await,
        }
    }

    /// Asks two servers the probes of non-interference.
    pub(super) async fn probed(&self, fault: &str) -> Examined {
        let servers = PairedServers::start(&self.pair, (VARIABLE, fault)).await;
        let statements = probes();
        first_difference(stream::iter(&statements).map(|sql| servers.difference(sql)).buffered(IN_FLIGHT))
            .await
    }

    /// Asks a server the oracle's queries over one table.
    pub(super) async fn compared(&self, fault: &str) -> Examined {
        self.asked(&self.questions, fault).await
    }

    /// Asks a server the oracle's queries over several tables.
    pub(super) async fn compared_over_several(&self, fault: &str) -> Examined {
        self.asked(&self.questions_over_several, fault).await
    }

    async fn asked(&self, questions: &[Question<'_>], fault: &str) -> Examined {
        let server = start_server(&self.account.lake().sandbox, &[(VARIABLE, fault), MASKED]).await;
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(login(&server, crate::oracle::RESTRICTED).await);
        }
        let asked = questions.iter().enumerate();
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
