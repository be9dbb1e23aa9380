//! The oracle over several tables: joins, set operations and subqueries over tables of which the user is shown different
//! parts, compared with the same queries over copies without what is hidden.
//!
//! A [`Scene`] has one table of each restriction, and a query reads two or three of them. A guard could be right for each table
//! and wrong for two: by a filter that one side makes of the other, a policy found by the wrong name, a column that is hidden
//! here and visible there. [`Tally`] counts which shapes and which pairs of restrictions were asked, and for how many queries
//! the answer would be another if one side were not guarded.

mod scene;
mod tally;

use std::time::Duration;

use futures::stream::{self, StreamExt};
use rand::SeedableRng;
use rand::rngs::StdRng;

pub(super) use self::scene::{Cast, Scene};
use self::tally::Tally;
use super::account::Account;
use super::campaign::{Length, REPORTED};
use super::comparison::Verdict;
use super::query::{Query, Shape, random_query_over};
use super::shrink::smallest_query;

/// Comparisons unless told otherwise, those made however slow the machine is, and the time that is enough.
const LENGTH: Length = Length { comparisons: 3_000, fewest: 1_200, long_enough: Duration::from_secs(3 * 60) };

const QUERIES_PER_SCENE: usize = 250;

/// Queries under way at a time.
const IN_FLIGHT: usize = 6;

/// A query, the tables that it reads, and what came of it.
pub(super) struct Asked {
    pub(super) query: Query,
    pub(super) shape: &'static Shape,
    pub(super) cast: Cast,
}

impl Asked {
    /// A random one.
    pub(super) fn random(scene: &Scene<'_>, random: &mut StdRng) -> Self {
        let cast = Cast::random(random);
        let (query, shape) = random_query_over(scene.known(cast), random);
        Self { query, shape, cast }
    }
}

/// Asks queries over one scene after the other.
pub(super) async fn campaign(account: &Account) -> Tally {
    let wanted = LENGTH.wanted();
    let mut seed = wanted.first_seed;
    let mut tally = Tally::default();
    while wanted.goes_on(tally.comparisons, tally.differences.len()) {
        let scene = Scene::set(account, format!("several_{seed}"), seed).await;
        let queries = QUERIES_PER_SCENE.min(wanted.comparisons - tally.comparisons);
        for (asked, verdict, told) in compare_some(&scene, queries).await {
            if let Verdict::Differs(difference) = &verdict
                && tally.differences.len() < REPORTED
            {
                tally.differences.push(report(&scene, &asked, difference.clone()).await);
            }
            tally.count(&asked, &verdict, &told);
        }
        seed += 1;
    }
    println!("{tally}");
    tally
}

/// Random queries over one scene, in their order, with the sides that each would tell if they were not guarded.
async fn compare_some(scene: &Scene<'_>, wanted: usize) -> Vec<(Asked, Verdict, Vec<(usize, bool)>)> {
    let random = &mut StdRng::seed_from_u64(!scene.seed);
    let asked: Vec<Asked> = (0..wanted).map(|_| Asked::random(scene, random)).collect();
    let compared = stream::iter(asked).enumerate().map(|(number, asked)| async move {
        let sql = asked.query.to_string();
        let verdict = scene.compare(scene.account.restricted(number), asked.cast, &sql).await;
        let told = match tally::is_sampled(number) {
            true => scene.sides_that_tell(asked.cast, asked.shape.tables, &sql).await,
            false => Vec::new(),
        };
        (asked, verdict, told)
    });
    compared.buffered(IN_FLIGHT).collect().await
}

/// Cases that once differed and differ again, ready to be read.
pub(super) async fn repeated(account: &Account, cases: &[(u64, [usize; 3], &str)]) -> Vec<String> {
    let mut differences = Vec::new();
    for (number, (seed, cast, sql)) in cases.iter().enumerate() {
        let scene = Scene::set(account, format!("several_again_{number}"), *seed).await;
        let verdict = scene.compare(account.restricted(number), Cast(*cast), sql).await;
        if let Verdict::Differs(difference) = verdict {
            differences.push(format!("scene {seed}, tables {cast:?}\n  {sql}\n  {difference}"));
        }
    }
    differences
}

async fn report(scene: &Scene<'_>, asked: &Asked, difference: String) -> String {
    let (account, cast) = (scene.account, asked.cast);
    let compare = async |number: usize, sql: &str| scene.compare(account.restricted(number), cast, sql).await;
    let (smallest, shown) = smallest_query(asked.query.clone(), difference, compare).await;
    format!(
        "scene {}, tables {:?}: {}\n  query: {}\n  smallest query that differs: {smallest}\n  how: {shown}\n{}",
        scene.seed,
        cast.0,
        asked.shape.name,
        asked.query,
        scene.described(cast)
    )
}
