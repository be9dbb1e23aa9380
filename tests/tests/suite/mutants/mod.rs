//! Whether the tests of the guard notice a guard that is broken.
//!
//! ```text
//!   server/src/mutant.rs ─▶ each fault in turn ─▶ servers with that fault, in front of the same lakes
//!                                                     │
//!             users in turn ─▶ probes of two lakes ─▶ oracles ─▶ expiry     until one comes out differently
//! ```
//! A fault that no comparison notices fails the run: either the fault is none, or a comparison is missing. So does a server
//! without a fault of which anything comes out differently: it shows that what is compared has one right answer.
//!
//! `make test` asks for the faults in [`QUICK`], each of what must notice it; `make mutants` asks for all of them. Neither needs a
//! build of its own: `lakegate-test-server` can switch each fault on, `lakegate-server` none.

mod expiry;
mod lakes;
mod quick;
mod turns;

use std::fmt;

use self::lakes::Lakes;
use self::quick::QUICK;
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

/// What is asked of a server with a fault.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Examination {
    UsersInTurn,
    Probes,
    Oracle,
    OracleOverSeveral,
    Expiry,
}

impl Examination {
    /// In the order in which they are made: those first that take least.
    const ALL: [Self; 5] =
        [Self::UsersInTurn, Self::Probes, Self::Oracle, Self::OracleOverSeveral, Self::Expiry];

    async fn of(self, lakes: &Lakes<'_>, fault: &str) -> Examined {
        let account = lakes.account.lake();
        match self {
            Self::UsersInTurn => turns::examined(account, fault).await,
            Self::Probes => lakes.probed(fault).await,
            Self::Oracle => lakes.compared(fault).await,
            Self::OracleOverSeveral => lakes.compared_over_several(fault).await,
            Self::Expiry => expiry::examined(account, fault).await,
        }
    }
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
    by: Examination,
    /// Comparisons until then, that one included.
    comparisons: usize,
    difference: String,
}

/// A line of the report.
impl fmt::Display for Noticed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.difference.lines().next().unwrap_or_default();
        let shown: String = first.chars().take(100).collect();
        let by = format!("{:?}", self.by);
        write!(formatter, "{by:<17} after {:>4}: {shown}", self.comparisons)
    }
}

/// Makes examinations of servers with a fault, until something comes out differently.
///
/// # Arguments
/// * `fault` - its name; empty for none.
async fn examined(lakes: &Lakes<'_>, fault: &str, examinations: &[Examination]) -> (usize, Option<Noticed>) {
    let mut comparisons = 0;
    for by in examinations {
        let examined = by.of(lakes, fault).await;
        comparisons += examined.comparisons;
        if let Some(difference) = examined.difference {
            return (comparisons, Some(Noticed { by: *by, comparisons, difference }));
        }
    }
    (comparisons, None)
}

/// Makes examinations for some faults, and fails if one is not noticed, or if anything is noticed without a fault.
async fn assert_noticed(lakes: &Lakes<'_>, faults: &[(&str, &[Examination])]) {
    let (comparisons, noticed) = examined(lakes, "", &Examination::ALL).await;
    if let Some(noticed) = noticed {
        panic!("without a fault: {noticed}\n{}", noticed.difference);
    }
    println!("{:<30} nothing after {comparisons} comparisons", "without a fault");
    let mut unnoticed = Vec::new();
    for (name, examinations) in faults {
        match examined(lakes, name, examinations).await {
            (_, Some(noticed)) => println!("{name:<30} {noticed}"),
            (comparisons, None) => {
                println!("{name:<30} NOT NOTICED after {comparisons} comparisons");
                unnoticed.push(format!("{name} by {examinations:?}"));
            }
        }
    }
    assert!(unnoticed.is_empty(), "not noticed:\n{}", unnoticed.join("\n"));
}

#[test]
#[ignore = "takes minutes: make mutants"]
fn every_fault_of_the_guard_is_noticed() {
    on_a_large_stack(|| {
        run(async {
            let account = crate::oracle::Account::open().await;
            let lakes = Lakes::of(&account, lakes::THOROUGH).await;
            let faults = faults();
            let faults: Vec<(&str, &[Examination])> =
                faults.iter().map(|fault| (fault.name, Examination::ALL.as_slice())).collect();
            assert_noticed(&lakes, &faults).await;
        });
    });
}

#[test]
fn faults_of_every_promise_are_noticed_by_what_is_meant_to() {
    on_a_large_stack(|| {
        run(async {
            let account = crate::oracle::Account::open().await;
            let lakes = Lakes::of(&account, lakes::QUICK).await;
            let faults: Vec<(&str, &[Examination])> =
                QUICK.iter().map(|(name, by)| (*name, std::slice::from_ref(by))).collect();
            assert_noticed(&lakes, &faults).await;
        });
    });
}

#[test]
fn there_are_faults_of_every_promise() {
    let faults = faults();
    assert!(faults.len() >= FEWEST, "only {} faults", faults.len());
    let quick: Vec<&Fault> =
        faults.iter().filter(|fault| QUICK.iter().any(|(name, _)| *name == fault.name)).collect();
    assert_eq!(quick.len(), QUICK.len(), "a fault that is listed in QUICK and not in the server");
    for promise in ["G2", "G3", "G4", "G5", "G6", "G7", "G8"] {
        let breaks = |fault: &Fault| fault.description.starts_with(promise);
        assert!(faults.iter().any(breaks), "no fault breaks {promise}");
        assert!(quick.iter().any(|fault| breaks(fault)), "no fault of QUICK breaks {promise}");
    }
    for examination in Examination::ALL {
        assert!(QUICK.iter().any(|(_, by)| *by == examination), "no fault of QUICK is for {examination:?}");
    }
}
