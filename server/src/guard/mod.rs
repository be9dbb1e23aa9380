//! THE ROOM: the only place where rows and columns are let through.
//!
//! # The threat
//! A user with a filtered account writes SQL that makes the engine tell about hidden data: an expression that fails only
//! on hidden rows, a statistic counted over them, a plan that prints them, a path, a name. The credentials that AWS
//! vends open whole files, so nothing but this room stands between that user and the hidden rows.
//!
//! # The barrier
//! In DataFusion a filter node, a view or an analyzer rule is no barrier: the optimiser merges filters, moves cheap
//! predicates first, swaps projections below filters and answers counts from statistics. A policy is therefore not a
//! node of the plan. [`table::GuardedTable::scan`] returns one opaque leaf, [`barrier::GuardedScanExec`], that owns the
//! unguarded scan, the compiled row filter and the column map. The optimiser sees a leaf without children and can put
//! nothing inside.
//!
//! ```text
//!        user's expressions                      ← only ever see what left the leaf
//!   ─────────────────────────────── leaf ──────
//!        keep visible columns
//!        keep cells where their filter is TRUE   ← NULL elsewhere, if the operator allows it (rows/cells.rs)
//!        keep rows where the filter is TRUE      ← barrier.rs, `let_through`: here a row is let through
//!        unguarded scan (files of one table, one registry, one set of credentials)
//! ```
//!
//! # Invariants
//! - G1 every leaf of a running plan is guarded or constant ([`seal`]).
//! - G2 hidden columns never appear in a batch above the leaf ([`columns`], [`barrier`]).
//! - G3 no user expression sees a row before the row filter said TRUE, or a cell before its filter did, but for the closed list of [`leakproof`]: where rows
//!   are hidden, nothing else is pushed below the leaf but bare columns. Where none are, every row is the user's to see,
//!   and filters and limits help the scan.
//! - G4 no statistics, counts, file names or paths of hidden data leave the room ([`barrier`], [`redact`]).
//! - G5 no cached object crosses principals: state, catalog and registry are made for each query ([`session`]).
//! - G6 an unknown policy, column or filter refuses the whole table ([`columns`], [`rows`]).
//! - G7 credentials live in the leaf's own registry and serve no other table (`table`). No batch leaves the leaf, and no row its
//!   statement, once the grants are known not to hold any more ([`barrier`], [`SealedPlan::watch`]).
//! - G8 an error text is a constant plus what the user sent or may see ([`redact`]).
//! - What an expression makes of a batch is charged to its query's memory as what an operator collects is ([`growth`],
//!   [`inputs`]).
//! - G9 a plan belongs to one query and dies with it ([`SealedPlan`] is consumed by the engine).
//!
//! A table without a row filter goes through the same leaf, and gives the planner the log's exact counts.
//!
//! # What is not promised
//! How long a query takes may depend on hidden rows that share files with visible ones, or whose bounds meet a predicate of
//! the query. `access.strict_tables` takes the latter away: nothing of the user's works below the barrier then.

mod aliases;
mod analysis;
mod barrier;
mod binding;
mod budget;
mod columns;
mod comparisons;
mod complexity;
mod constants;
mod constructors;
mod divisible;
mod explain;
mod framing;
mod function_clauses;
mod function_table;
mod functions;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod growth;
mod information_schema;
mod inputs;
mod leakproof;
mod names;
mod naming;
mod narrowing;
mod orderings;
mod passing;
mod pieces;
mod read_ahead;
mod redact;
mod relabel;
mod row_size;
mod rows;
mod seal;
mod session;
mod stoppable;
mod substrait;
mod table;
mod versions;
mod visible_rows;
mod weights;
mod wide_rows;
mod yielding;

pub(crate) use self::function_table::Group as FunctionGroup;
pub(crate) use self::functions::group_of;
pub(crate) use self::growth::Ended;
pub(crate) use self::redact::from_datafusion;
pub(crate) use self::row_size::{assumed_row_bytes, batch_bytes};
pub(crate) use self::seal::SealedPlan;
pub(crate) use self::session::{Guard, GuardedQuery};
pub(crate) use self::table::GuardedTable;
