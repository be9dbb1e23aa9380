//! The oracle of the guard: what a restricted user is answered, compared with the answers over a copy of the table from which
//! everything hidden was deleted.
//!
//! ```text
//!   seed ─▶ columns ─▶ history of commits ─▶ policy ─▶ marks on everything hidden
//!                            │                 │
//!            Delta files ◀───┤                 ├───▶ text of a data cells filter
//!                 │          └──▶ evaluator ◀──┘                 │
//!                 │                   │                          │
//!                 ▼                   ▼                          ▼
//!           S3 and Glue         copy of what             Lake Formation
//!                 │              is visible                      │
//!                 └───▶ server ◀──────┼──────────────────────────┘
//!                          │          ▼
//!                          │     unrestricted (the peer)
//!                          ▼          ▼
//!                       answer  ══  answer
//! ```
//! Invariants
//! - Nothing of the server decides what the peer sees: the policy is a tree of the test's own, evaluated by [`evaluate`].
//! - Hidden columns do not exist for the peer, so that they must behave as absent.
//! - Most queries read one table; those of [`several`] read two or three of which different things are hidden.
//! - A table and its queries follow from one number. What a failure prints is enough to repeat it.
//! - A test of the tests: [`strength`] asks whether the tables could tell a broken guard from a whole one, and a campaign
//!   whose answers have too few rows or fail too often is a failure itself.
//!
//! `LAKEGATE_ORACLE_COMPARISONS` asks for more or fewer comparisons, `LAKEGATE_ORACLE_SEED` for other tables: it is the number
//! of the first. A case that ever differed stays in [`REGRESSIONS`].

mod account;
mod arrays;
mod campaign;
mod cell;
mod chance;
mod columns;
mod comparison;
mod evaluate;
mod filter;
mod filters;
mod history;
mod marks;
mod peer;
mod policy;
mod query;
mod questions;
mod several;
mod shrink;
mod spelling;
mod stage;
mod strength;
mod table;
mod tree;
mod writing;

pub(crate) use self::account::{Account, RESTRICTED};
use self::campaign::{campaign, repeated};
pub(crate) use self::questions::{Question, questions, questions_over_several};
use crate::support::run;

/// Cases that once differed: the number of the table, and the query with `{}` in place of the table's name. They are asked
/// before all others. Whoever changes a generator of tables changes these tables too, and has to find the case again.
const REGRESSIONS: &[(u64, &str)] = &[
    // A predicate that the optimiser rewrote after it was accepted below the barrier.
    (2, "select avg(t.tonnage) as c2 from {} t where t.voyage in (true, false)"),
];

/// The same of several tables: the number of the scene, which of its tables are read, and the query with `{}`, `{1}` and `{2}`
/// in place of their names.
const REGRESSIONS_OVER_SEVERAL: &[(u64, [usize; 3], &str)] = &[];

/// A planner built without optimisation needs more stack than a test's thread has.
const STACK_BYTES: usize = 32 * 1024 * 1024;

#[test]
fn restricted_answers_are_those_over_a_copy_without_what_is_hidden() {
    on_a_large_stack(|| {
        run(async {
            let account = Account::open().await;
            let again = repeated(&account, REGRESSIONS).await;
            assert!(again.is_empty(), "cases that differ again:\n{}", again.join("\n"));
            let tally = campaign(&account).await;
            let differences = tally.differences.join("\n");
            assert!(tally.differences.is_empty(), "{} differences:\n{differences}", tally.differences.len());
            tally.assert_telling();
        });
    });
}

#[test]
fn answers_over_tables_of_different_restrictions_are_those_over_copies_without_what_is_hidden() {
    on_a_large_stack(|| {
        run(async {
            let account = Account::open().await;
            let again = several::repeated(&account, REGRESSIONS_OVER_SEVERAL).await;
            assert!(again.is_empty(), "cases that differ again:\n{}", again.join("\n"));
            let tally = several::campaign(&account).await;
            let differences = tally.differences.join("\n");
            assert!(tally.differences.is_empty(), "{} differences:\n{differences}", tally.differences.len());
            tally.assert_telling();
        });
    });
}

/// Runs a test that plans queries of the peer.
pub(crate) fn on_a_large_stack(body: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(body).unwrap();
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}
