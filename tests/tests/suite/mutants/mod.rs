//! Whether the tests of the guard notice a guard that is broken.
//!
//! ```text
//!   server/src/mutant.rs ─▶ each fault in turn ─▶ servers with that fault, in front of the same lakes
//!                                                     │
//!             users in turn ─▶ probes of two lakes ─▶ oracle ─▶ expiry      until one comes out differently
//! ```
//! A fault that no comparison notices fails the run: either the fault is none, or a comparison is missing. So does a server
//! without a fault of which anything comes out differently: it shows that what is compared has one right answer.
//!
//! The server must have been built with the cargo feature `mutants`, which no release has; `make mutants` does that.

mod expiry;
mod lakes;
mod turns;

use std::fmt;

use self::lakes::Lakes;
use crate::oracle::on_a_large_stack;
use crate::support::run;

/// Fewest faults; fewer mean that some were taken away.
const FEWEST: usize = 25;

/// The variable by which a server is told its fault.
const VARIABLE: &str = "LAKEGATE_MUTANT";

/// Where the faults are listed.
const LIST: &str = include_str!("../../../../server/src/mutant.rs");

/// A fault by its name, and what the list says of it.
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    description: &'static str,
}

/// All faults, in the order of their list.
pub(crate) fn faults() -> Vec<Fault> {
    let (_, list) = LIST.split_once("enum Mutant {").unwrap();
    let (list, _) = list.split_once("\n}").unwrap();
    let lines: Vec<&str> = list.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let pairs = lines.chunks(2).map(|pair| match pair {
        [description, name] => Fault {
            name: name.strip_suffix(',').unwrap(),
            description: description.strip_prefix("/// ").unwrap(),
        },
        other => panic!("a fault without a description of one line: {other:?}"),
    });
    pairs.collect()
}

/// What was compared, and the first difference.
#[derive(Default)]
pub(crate) struct Examined {
    pub(crate) comparisons: usize,
    pub(crate) difference: Option<String>,
}

impl Examined {
    /// Counts a comparison; whether it came out as it should.
    pub(crate) fn count(&mut self, difference: Option<String>) -> bool {
        self.comparisons += 1;
        self.difference = difference;
        self.difference.is_none()
    }
}

/// How a fault was noticed.
struct Noticed {
    by: &'static str,
    /// Comparisons until then, that one included.
    comparisons: usize,
    difference: String,
}

/// A line of the report.
impl fmt::Display for Noticed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.difference.lines().next().unwrap_or_default();
        let shown: String = first.chars().take(100).collect();
        write!(formatter, "{:<13} after {:>4}: {shown}", self.by, self.comparisons)
    }
}

/// Asks everything of servers with a fault, until something comes out differently.
///
/// # Arguments
/// * `fault` - its name; empty for none.
async fn examined(lakes: &Lakes<'_>, fault: &str) -> (usize, Option<Noticed>) {
    let mut comparisons = 0;
    macro_rules! ask {
        ($by:literal, $examination:expr) => {
            let examined: Examined = $examination.await;
            comparisons += examined.comparisons;
            if let Some(difference) = examined.difference {
                return (comparisons, Some(Noticed { by: $by, comparisons, difference }));
            }
        };
    }
    ask!("users in turn", turns::examined(lakes.account.lake(), fault));
    ask!("probes", lakes.probed(fault));
    ask!("oracle", lakes.compared(fault));
    ask!("expiry", expiry::examined(lakes.account.lake(), fault));
    (comparisons, None)
}

#[test]
#[ignore = "needs a server that was built with the feature `mutants`: make mutants"]
fn every_fault_of_the_guard_is_noticed() {
    on_a_large_stack(|| {
        run(async {
            let account = crate::oracle::Account::open().await;
            let lakes = Lakes::of(&account).await;
            let (comparisons, noticed) = examined(&lakes, "").await;
            if let Some(noticed) = noticed {
                panic!("without a fault: {noticed}\n{}", noticed.difference);
            }
            println!("{:<30} nothing after {comparisons} comparisons", "without a fault");
            let mut unnoticed = Vec::new();
            for Fault { name, description } in faults() {
                match examined(&lakes, name).await {
                    (_, Some(noticed)) => println!("{name:<30} {noticed}"),
                    (comparisons, None) => {
                        println!("{name:<30} NOT NOTICED after {comparisons} comparisons");
                        unnoticed.push(format!("{name}: {description}"));
                    }
                }
            }
            let hint = "was the server built with the feature `mutants`?";
            assert!(unnoticed.is_empty(), "not noticed ({hint}):\n{}", unnoticed.join("\n"));
        });
    });
}

#[test]
fn there_are_faults_of_every_promise() {
    let faults = faults();
    assert!(faults.len() >= FEWEST, "only {} faults", faults.len());
    for promise in ["G2", "G3", "G4", "G5", "G6", "G7", "G8"] {
        let breaks = |fault: &Fault| fault.description.starts_with(promise);
        assert!(faults.iter().any(breaks), "no fault breaks {promise}");
    }
}
