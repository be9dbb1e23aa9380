//! Queries over some tables, to be asked of servers other than the account's own: those with faults.

use std::sync::Arc;

use lakegate_client::Connection;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::account::Account;
use super::comparison::Verdict;
use super::query::random_query;
use super::several::{Asked, Cast, Scene};
use super::stage::Stage;
use super::table::Table;

/// A query, and the tables that it is asked of.
pub(crate) struct Question<'a> {
    asked_of: AskedOf<'a>,
    sql: String,
}

enum AskedOf<'a> {
    One(Arc<Stage<'a>>),
    Several(Arc<Scene<'a>>, Cast),
}

impl Question<'_> {
    /// How the answer of a server differs from the peer's.
    pub(crate) async fn difference(&self, connection: &Connection) -> Option<String> {
        let (verdict, tables) = match &self.asked_of {
            AskedOf::One(stage) => (stage.compare(connection, &self.sql).await, stage.to_string()),
            AskedOf::Several(scene, cast) => {
                (scene.compare(connection, *cast, &self.sql).await, scene.described(*cast))
            }
        };
        match verdict {
            Verdict::Differs(difference) => Some(format!("{difference}\n{}\n{tables}", self.sql)),
            Verdict::Same(_) | Verdict::BothFail => None,
        }
    }
}

/// The first tables of a campaign with some queries of each, one of each table after the other.
pub(crate) async fn questions(account: &Account, tables: u64, queries: usize) -> Vec<Question<'_>> {
    let mut stages = Vec::new();
    for seed in 0..tables {
        let name = format!("oracle_question_{}", account.number());
        let stage = Stage::set(account, name, Table::of(seed)).await;
        stages.push((Arc::new(stage), StdRng::seed_from_u64(!seed)));
    }
    let mut questions = Vec::new();
    for _ in 0..queries {
        for (stage, random) in &mut stages {
            let sql = random_query(&stage.known, random).to_string();
            questions.push(Question { asked_of: AskedOf::One(Arc::clone(stage)), sql });
        }
    }
    questions
}

/// The first scenes of a campaign over several tables with some queries of each.
pub(crate) async fn questions_over_several(
    account: &Account,
    scenes: u64,
    queries: usize,
) -> Vec<Question<'_>> {
    let mut questions = Vec::new();
    for seed in 0..scenes {
        let name = format!("several_question_{}", account.number());
        let scene = Arc::new(Scene::set(account, name, seed).await);
        let random = &mut StdRng::seed_from_u64(!seed);
        for _ in 0..queries {
            let Asked { query, cast, .. } = Asked::random(&scene, random);
            let asked_of = AskedOf::Several(Arc::clone(&scene), cast);
            questions.push(Question { asked_of, sql: query.to_string() });
        }
    }
    questions
}
