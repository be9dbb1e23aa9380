//! The comparisons: tables one after the other, the queries of each several at a time.

use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::account::Account;
use super::query::{Query, random_query};
use super::shrink::{smallest_filter, smallest_query};
use super::stage::{Stage, Verdict};
use super::table::Table;

const DEFAULT_COMPARISONS: usize = 10_000;

/// Comparisons that are made however slow the machine is, and the time after which a run that was not told how many to make
/// is content with what it has. Two quiet cores make the default in four minutes.
const FEWEST_COMPARISONS: usize = 2_500;
const LONG_ENOUGH: Duration = Duration::from_secs(10 * 60);

const QUERIES_PER_TABLE: usize = 200;

/// Queries under way at a time.
const IN_FLIGHT: usize = 6;

/// Differences after which a campaign ends: whoever reads it needs a few and not all.
const REPORTED: usize = 5;

/// Comparisons from which on shares say something.
const LARGE: usize = 1_000;

/// Which tables are made, and how many queries are asked.
pub(super) struct Campaign {
    first_seed: u64,
    comparisons: usize,
    /// When it may end with fewer comparisons.
    may_end: Option<Instant>,
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

impl Campaign {
    /// As the variables say that the head of this folder names.
    pub(super) fn from_environment() -> Self {
        let number = |name: &str| -> Option<u64> {
            let value = std::env::var_os(name)?;
            let text = value.to_str().unwrap();
            Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
        };
        let asked = number("LAKEGATE_ORACLE_COMPARISONS");
        Self {
            first_seed: number("LAKEGATE_ORACLE_SEED").unwrap_or_default(),
            comparisons: asked.map_or(DEFAULT_COMPARISONS, |count| usize::try_from(count).unwrap()),
            may_end: asked.is_none().then(|| Instant::now() + LONG_ENOUGH),
        }
    }

    fn goes_on(&self, tally: &Tally) -> bool {
        let is_late = self.may_end.is_some_and(|time| time < Instant::now());
        let is_enough =
            tally.comparisons >= self.comparisons || (is_late && tally.comparisons >= FEWEST_COMPARISONS);
        !is_enough && tally.differences.len() < REPORTED
    }

    pub(super) async fn run(&self, account: &Account) -> Tally {
        let mut tally = Tally::default();
        let mut seed = self.first_seed;
        while self.goes_on(&tally) {
            let table = Table::of(seed);
            tally.count_table(&table);
            let stage = Stage::set(account, format!("oracle_{seed}"), table).await;
            let wanted = QUERIES_PER_TABLE.min(self.comparisons - tally.comparisons);
            for (query, verdict) in compare_some(&stage, wanted).await {
                tally.count(&stage, query, verdict).await;
            }
            seed += 1;
        }
        println!("{} comparisons over {} tables", tally.comparisons, tally.tables);
        tally
    }
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
    let (smallest, shown) = smallest_query(stage, query, difference).await;
    let sql = smallest.to_string();
    let filter = smallest_filter(stage, &sql).await;
    let filter = filter.unwrap_or_else(|| "as it is".to_owned());
    format!(
        "{stage}\n  query: {whole}\n  smallest query that differs: {sql}\n  how: {shown}\n  smallest row filter \
         under which it does: {filter}"
    )
}
