//! Queries over some tables, to be asked of servers other than the account's own: those with faults.

use std::sync::Arc;

use lakegate_client::Connection;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::account::Account;
use super::query::random_query;
use super::stage::{Stage, Verdict};
use super::table::Table;

/// A query, and the table that it is asked of.
pub(crate) struct Question<'a> {
    stage: Arc<Stage<'a>>,
    sql: String,
}

impl Question<'_> {
    /// How the answer of a server differs from the peer's.
    pub(crate) async fn difference(&self, connection: &Connection) -> Option<String> {
        match self.stage.compare(connection, &self.sql).await {
            Verdict::Differs(difference) => Some(format!("{difference}\n{}\n{}", self.sql, self.stage)),
            Verdict::Same(_) | Verdict::BothFail => None,
        }
    }
}

/// The first tables of a campaign with some queries of each, one of each table after the other.
pub(crate) async fn questions(account: &Account, tables: u64, queries: usize) -> Vec<Question<'_>> {
    let mut stages = Vec::new();
    for seed in 0..tables {
        let stage = Stage::set(account, format!("oracle_question_{seed}"), Table::of(seed)).await;
        stages.push((Arc::new(stage), StdRng::seed_from_u64(!seed)));
    }
    let mut questions = Vec::new();
    for _ in 0..queries {
        for (stage, random) in &mut stages {
            let sql = random_query(&stage.known, random).to_string();
            questions.push(Question { stage: Arc::clone(stage), sql });
        }
    }
    questions
}
