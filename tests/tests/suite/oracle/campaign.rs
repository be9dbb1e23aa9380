//! The comparisons: tables one after the other, the queries of each several at a time.

use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::account::Account;
use super::comparison::Verdict;
use super::query::{Query, random_query};
use super::shrink::{smallest_filter, smallest_query};
use super::stage::Stage;
use super::table::Table;

/// Two quiet cores make these in four minutes.
const LENGTH: Length =
    Length { comparisons: 10_000, fewest: 2_500, long_enough: Duration::from_secs(4 * 60) };

const QUERIES_PER_TABLE: usize = 200;

/// Queries under way at a time.
const IN_FLIGHT: usize = 6;

/// Differences after which a campaign ends: whoever reads it needs a few and not all.
pub(super) const REPORTED: usize = 5;

/// Comparisons from which on shares say something.
const LARGE: usize = 1_000;

/// How many comparisons a campaign makes.
#[derive(Clone, Copy)]
pub(super) struct Length {
    pub(super) comparisons: usize,
    /// Those that are made however slow the machine is.
    pub(super) fewest: usize,
    /// The time after which a campaign that was not told how many to make is content with what it has.
    pub(super) long_enough: Duration,
}

/// What one campaign was asked for.
pub(super) struct Wanted {
    pub(super) comparisons: usize,
    fewest: usize,
    /// When it may end with the fewest.
    may_end: Option<Instant>,
    pub(super) first_seed: u64,
}

impl Length {
    /// As the variables say that the head of this folder names.
    pub(super) fn wanted(self) -> Wanted {
        let number = |name: &str| -> Option<u64> {
            let value = std::env::var_os(name)?;
            let text = value.to_str().unwrap();
            Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
        };
        let asked = number("LAKEGATE_ORACLE_COMPARISONS");
        Wanted {
            comparisons: asked.map_or(self.comparisons, |count| usize::try_from(count).unwrap()),
            fewest: self.fewest,
            may_end: asked.is_none().then(|| Instant::now() + self.long_enough),
            first_seed: number("LAKEGATE_ORACLE_SEED").unwrap_or_default(),
        }
    }
}

impl Wanted {
    /// Whether a campaign goes on that has made so many comparisons and found so many differences.
    pub(super) fn goes_on(&self, made: usize, differences: usize) -> bool {
        let is_late = self.may_end.is_some_and(|time| time < Instant::now());
        made < self.comparisons && !(is_late && made >= self.fewest) && differences < REPORTED
    }
}

/// What a campaign found.
#[derive(Default)]
pub(super) struct Tally {
    tables: usize,
    tables_with_hidden_rows: usize,
    comparisons: usize,
    /// Comparisons of answers that have rows.
    with_rows: usize,
    both_fail: usize,
    /// Each ready to be read.
    pub(super) differences: Vec<String>,
}

/// Asks queries over one table after the other.
pub(super) async fn campaign(account: &Account) -> Tally {
    let wanted = LENGTH.wanted();
    let mut seed = wanted.first_seed;
    let mut tally = Tally::default();
    while wanted.goes_on(tally.comparisons, tally.differences.len()) {
        let table = Table::of(seed);
        tally.count_table(&table);
        let stage = Stage::set(account, format!("oracle_{seed}"), table).await;
        let queries = QUERIES_PER_TABLE.min(wanted.comparisons - tally.comparisons);
        for (query, verdict) in compare_some(&stage, queries).await {
            tally.count(&stage, query, verdict).await;
        }
        seed += 1;
    }
    println!("{} comparisons over {} tables", tally.comparisons, tally.tables);
    tally
}

/// Random queries over one table, in their order.
async fn compare_some(stage: &Stage<'_>, wanted: usize) -> Vec<(Query, Verdict)> {
    // Other numbers than those that made the table.
    let random = &mut StdRng::seed_from_u64(!stage.table.seed);
    let queries: Vec<Query> = (0..wanted).map(|_| random_query(&stage.known, random)).collect();
    let compared = stream::iter(queries).enumerate().map(|(number, query)| async move {
        let connection = stage.account.restricted(number);
        let verdict = stage.compare(connection, &query.to_string()).await;
        (query, verdict)
    });
    compared.buffered(IN_FLIGHT).collect().await
}

/// The cases that once differed and differ again, ready to be read.
pub(super) async fn repeated(account: &Account, cases: &[(u64, &str)]) -> Vec<String> {
    let mut differences = Vec::new();
    for (number, (seed, sql)) in cases.iter().enumerate() {
        let stage = Stage::set(account, format!("oracle_again_{number}"), Table::of(*seed)).await;
        if let Verdict::Differs(difference) = stage.compare(account.restricted(number), sql).await {
            differences.push(format!("{stage}\n  {sql}\n  {difference}"));
        }
    }
    differences
}

impl Tally {
    fn count_table(&mut self, table: &Table) {
        self.tables += 1;
        let hides_rows = table.shown_rows().len() < table.history.live_rows().len();
        self.tables_with_hidden_rows += usize::from(hides_rows);
    }

    async fn count(&mut self, stage: &Stage<'_>, query: Query, verdict: Verdict) {
        self.comparisons += 1;
        match verdict {
            Verdict::Same(rows) => self.with_rows += usize::from(rows > 0),
            Verdict::BothFail => self.both_fail += 1,
            Verdict::Differs(difference) if self.differences.len() < REPORTED => {
                self.differences.push(report(stage, query, difference).await);
            }
            Verdict::Differs(_) => {}
        }
    }

    /// Asserts that equal answers mean something: that rows were hidden, and that others came back.
    pub(super) fn assert_telling(&self) {
        if self.comparisons < LARGE {
            return;
        }
        let (all, found, failed) = (self.comparisons, self.with_rows, self.both_fail);
        assert!(found * 3 > all, "only {found} of {all} answers have rows");
        assert!(failed * 100 > all, "only {failed} of {all} queries fail");
        assert!(failed * 5 < all, "{failed} of {all} queries fail");
        let (tables, hiding) = (self.tables, self.tables_with_hidden_rows);
        assert!(hiding * 3 > tables * 2, "only {hiding} of {tables} tables hide rows");
    }
}

async fn report(stage: &Stage<'_>, query: Query, difference: String) -> String {
    let whole = query.to_string();
    let compare = async |number: usize, sql: &str| stage.compare(stage.account.restricted(number), sql).await;
    let (smallest, shown) = smallest_query(query, difference, compare).await;
    let sql = smallest.to_string();
    let filter = smallest_filter(stage, &sql).await;
    let filter = filter.unwrap_or_else(|| "as it is".to_owned());
    format!(
        "{stage}\n  query: {whole}\n  smallest query that differs: {sql}\n  how: {shown}\n  smallest row filter \
         under which it does: {filter}"
    )
}
