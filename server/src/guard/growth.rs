//! What expressions make of a batch is charged to the memory of their query before it is made.
//!
//! The engine charges what its operators collect, and not what an expression makes of one batch. `repeat('x', 1000000000)`,
//! thirty times `x || x`, or seventy times `upper(s)` beside one another would take the machine's memory without any account of
//! it, and end the process for everyone. So each call whose result has no fixed width, the operator `||`, and what else makes
//! texts and lists (casts, CASE, subqueries) is exchanged for an [`AccountedFunction`](call::AccountedFunction), which
//! 1. estimates from its arguments how much the call can take, and takes that from the account of the query, which has a
//!    limit within the server's: if it is too much, the query ends before anything is made;
//! 2. calls the function, on few rows at a time if it takes long: between them it can be told to stop;
//! 3. ties what the result really takes to the result itself: the account gets it back when the last array that shares
//!    the buffer is gone.
//!
//! What is small is not charged, and how much that is depends on the plan: all calls of a plan that nobody charges for, in all
//! of its partitions, take [`FREE_BYTES`] together. So a query with few calls meets a comparison for each batch and nothing else.
//! Numbers and times have a width that is known beforehand; they are charged by operator ([`inputs`](super::inputs)).
//!
//! Invariants
//! - An estimate is never too small; where nothing is known it is "everything" (`estimate`).
//! - A function keeps its name, its types and its nullability: the plan's columns stay what they were.
//! - While a query is optimised, calls with constant arguments are carried out only if the result is about as small as the
//!   text that asked for it: a constant is later repeated for each row of a batch. What does not grow is exchanged when the
//!   optimiser is through, so that it sees what it knows.
//! - No row takes more than some seconds by itself: what compares each part of one argument with each of the other refuses those
//!   that would.
//! - What a function makes of NULLs and errors is the function's own matter.

mod call;
mod estimate;
mod exchange;
mod operators;
mod patterns;
mod work;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use datafusion::common::Result;
use datafusion::execution::SessionState;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;

pub(super) use self::exchange::before_optimising as accounted;
use super::orderings;
use crate::error::{Error, ErrorKind};

/// What all calls of a plan may take together, in all of its partitions, without a charge, in bytes.
const FREE_BYTES: usize = 32 * 1024 * 1024;

/// The most of it that one call may take, in bytes.
const MOST_FREE_BYTES: usize = 1024 * 1024;

/// Says to the calls of a statement that nobody waits for them any more. Clones are the same one.
#[derive(Clone, Default, Debug)]
pub(crate) struct Ended(Arc<AtomicBool>);

impl Ended {
    /// Says so.
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The account that the functions of one query share.
pub(super) struct FunctionAccount {
    pool: Arc<dyn MemoryPool>,
    ended: Ended,
    is_running: AtomicBool,
    /// What a call may take without a charge, in bytes.
    free_bytes: AtomicUsize,
}

impl FunctionAccount {
    /// # Arguments
    /// * `pool` - the memory of the query.
    /// * `ended` - is set when the statement ends.
    pub(super) fn new(pool: Arc<dyn MemoryPool>, ended: Ended) -> Arc<Self> {
        let free_bytes = AtomicUsize::new(0);
        Arc::new(Self { pool, ended, is_running: AtomicBool::new(false), free_bytes })
    }

    /// Plans how an optimised plan runs. From here on results are charged: no constant is put into the plan any more.
    ///
    /// # Errors
    /// The planner's.
    pub(super) async fn physical_plan(
        self: &Arc<Self>,
        state: &SessionState,
        optimized: &LogicalPlan,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (plan, calls) = exchange::when_optimised(optimized.clone(), self)?;
        self.run(calls.saturating_mul(state.config().target_partitions()));
        state.query_planner().create_physical_plan(&orderings::with_few(plan)?, state).await
    }

    /// From here on so many calls, each counted once for each partition, are charged.
    fn run(&self, calls: usize) {
        self.free_bytes.store((FREE_BYTES / calls.max(1)).min(MOST_FREE_BYTES), Ordering::Relaxed);
        self.is_running.store(true, Ordering::Relaxed);
    }

    fn is_running(&self) -> bool {
        self.is_running.load(Ordering::Relaxed)
    }

    fn is_free(&self, bytes: usize) -> bool {
        bytes <= self.free_bytes.load(Ordering::Relaxed)
    }

    /// An error if the statement has ended: nobody sees it.
    fn check_wanted(&self) -> Result<()> {
        if self.ended.is_set() {
            return Err(Error::new(ErrorKind::Cancelled, "the statement has ended").into());
        }
        Ok(())
    }

    fn reserve(&self, bytes: usize) -> Result<MemoryReservation> {
        let reservation = MemoryConsumer::new("result of a function").register(&self.pool);
        reservation.try_grow(bytes)?;
        Ok(reservation)
    }
}

impl fmt::Debug for FunctionAccount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("FunctionAccount")
    }
}

#[cfg(test)]
mod every_function_tests;
#[cfg(test)]
mod tests;
