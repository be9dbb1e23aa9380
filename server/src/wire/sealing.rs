//! Work on what a client sent that takes time in proportion to its size: decoding parameters, sealing, opening what was
//! sealed. The threads that serve all connections do the little ones; the others go to the threads for planning, in the
//! user's turn and until the statement's deadline.

use std::sync::Arc;

use arrow::array::RecordBatch;

use super::authenticate::Caller;
use super::front_door::FrontDoor;
use crate::error::Error;
use crate::identity::{Principal, Sealer};
use crate::pipeline::QueryRequest;

/// What is sealed and opened where it arrives, in bytes: handing it over takes longer than this.
const SMALL_BYTES: usize = 64 * 1024;

/// About how many bytes a statement is once it is sealed.
pub(super) fn size(request: &QueryRequest) -> usize {
    let parameters = request.parameters.as_ref().map_or(0, RecordBatch::get_array_memory_size);
    request.source.len().saturating_add(parameters)
}

impl FrontDoor {
    /// Seals or opens for a caller.
    ///
    /// # Arguments
    /// * `size` - bytes that are read and written.
    ///
    /// # Errors
    /// The work's own, and those of [`in_turn`](Self::in_turn).
    pub(super) async fn sealing<T: Send + 'static>(
        &self,
        caller: &Caller,
        size: usize,
        work: impl FnOnce(&Sealer, &Principal) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        if size <= SMALL_BYTES {
            return work(self.identity.sealer(), &caller.principal);
        }
        let (identity, owner) = (Arc::clone(&self.identity), caller.principal.clone());
        self.in_turn(caller, move || work(identity.sealer(), &owner)).await
    }

    /// Does a caller's work on the threads for planning.
    ///
    /// # Errors
    /// The work's own, and [`DeadlineExceeded`](crate::error::ErrorKind::DeadlineExceeded) if it is not done in time.
    pub(super) async fn in_turn<T: Send + 'static>(
        &self,
        caller: &Caller,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let engine = &self.pipeline.engine;
        let planning = self.pipeline.session(&caller.principal).planning();
        let in_turn = async move {
            let _turn = planning.turn().await;
            work()
        };
        engine.compute(engine.deadline(caller.context.client_timeout), in_turn).await
    }
}
