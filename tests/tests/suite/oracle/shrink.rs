//! A difference made small enough to read: clauses of the query and parts of the row filter are dropped, one after the
//! other, as long as the two sides still differ.

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::comparison::Verdict;
use super::query::Query;
use super::spelling::spell;
use super::stage::Stage;
use super::table::Table;

/// Queries that are tried to make one smaller.
const QUERIES: usize = 150;

/// Row filters that are tried to make one smaller. Each needs a table of its own.
const FILTERS: usize = 25;

/// The smallest query found that still differs, and how.
///
/// # Arguments
/// * `compare` - asks a query; the number is another one each time.
pub(super) async fn smallest_query(
    query: Query,
    difference: String,
    compare: impl AsyncFn(usize, &str) -> Verdict,
) -> (Query, String) {
    let (mut smallest, mut shown) = (query, difference);
    let mut tried = 0;
    let mut candidates = smallest.smaller().into_iter();
    while let Some(candidate) = candidates.next() {
        tried += 1;
        if tried > QUERIES {
            break;
        }
        if let Verdict::Differs(difference) = compare(tried, &candidate.to_string()).await {
            (smallest, shown) = (candidate, difference);
            candidates = smallest.smaller().into_iter();
        }
    }
    (smallest, shown)
}

/// The smallest row filter found, as text, under which a query still differs; `None` if there is no smaller one.
pub(super) async fn smallest_filter(stage: &Stage<'_>, sql: &str) -> Option<String> {
    let mut smallest = None;
    let mut candidates = smaller_tables(&stage.table).into_iter();
    let mut tried = 0;
    while let Some(table) = candidates.next() {
        tried += 1;
        if tried > FILTERS {
            break;
        }
        let account = stage.account;
        let smaller =
            Stage::set(account, format!("{}_smaller_{}", stage.name, account.number()), table).await;
        if let Verdict::Differs(_) = smaller.compare(account.restricted(tried), sql).await {
            candidates = smaller_tables(&smaller.table).into_iter();
            smallest = smaller.table.policy.text;
        }
    }
    smallest
}

/// The same files under smaller row filters.
fn smaller_tables(table: &Table) -> Vec<Table> {
    let filters = table.policy.filter.iter().flat_map(|filter| filter.smaller());
    filters
        .map(|filter| {
            let mut table = table.clone();
            let random = &mut StdRng::seed_from_u64(table.seed);
            table.policy.text = Some(spell(&filter, &table.columns, random));
            table.policy.filter = Some(filter);
            table
        })
        .collect()
}
