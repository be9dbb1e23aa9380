//! Cuts a result into messages of an even size.
//!
//! Where one message ends depends on the visible rows alone: after a number of rows that follows from the schema, or
//! before the row with which the message would grow too large. It does not depend on how the rows arrived: a scan
//! hands over what is left of each block of the table, so batches passed on as they come would tell how many hidden
//! rows stood between the visible ones.
//!
//! For the same reason a message never shares bytes with its neighbours: Arrow packs validity and booleans eight to a
//! byte, and a slice that ends inside a byte would carry the next rows' bits along. Such slices are copied.

use std::collections::VecDeque;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;

use crate::error::{Error, ErrorKind};
use crate::guard::{assumed_row_bytes, batch_bytes};

/// Bytes that a message aims for. Well below the 4 MiB that several clients accept at most, and large enough that
/// the fixed costs of a message do not show.
const TARGET_BYTES: usize = 1024 * 1024;

/// Bytes that a single row may have: what this project's own client accepts in one message. Other clients accept less
/// unless they are told otherwise, and then refuse the message themselves.
const MAX_ROW_BYTES: usize = 64 * 1024 * 1024;

/// Bytes of Arrow data that a message has at most, unless a single row is larger.
const MAX_BYTES: usize = 2 * 1024 * 1024;

/// Bounds of the number of rows in a message.
const MIN_ROWS: usize = 1024;
const MAX_ROWS: usize = 128 * 1024;

const BITS_PER_BYTE: usize = 8;

/// Collects rows and hands them out in messages.
pub(super) struct Rechunker {
    schema: SchemaRef,
    target_rows: usize,
    max_bytes: usize,
    pieces: VecDeque<Piece>,
    rows: usize,
    bytes: usize,
}

struct Piece {
    batch: RecordBatch,
    bytes: usize,
}

impl Rechunker {
    /// For batches of this schema.
    pub(super) fn new(schema: SchemaRef) -> Self {
        let target_rows = rows_per_message(&schema);
        Self { schema, target_rows, max_bytes: MAX_BYTES, pieces: VecDeque::new(), rows: 0, bytes: 0 }
    }

    /// Takes the next rows of the result.
    pub(super) fn push(&mut self, batch: RecordBatch) {
        if batch.num_rows() > 0 {
            self.push_piece(batch, VecDeque::push_back);
        }
    }

    /// The next message, once it is certain where it ends.
    ///
    /// # Errors
    /// [`ErrorKind::ResourceExhausted`] for a row that fits into no message.
    pub(super) fn next_full(&mut self) -> Result<Option<RecordBatch>, Error> {
        if self.rows < self.target_rows && self.bytes <= self.max_bytes {
            return Ok(None);
        }
        self.next_rest()
    }

    /// The next message when no more rows will come; `None` when all are handed out.
    ///
    /// # Errors
    /// As [`next_full`](Self::next_full).
    pub(super) fn next_rest(&mut self) -> Result<Option<RecordBatch>, Error> {
        let mut message = Vec::new();
        let (mut rows, mut bytes) = (0, 0);
        while rows < self.target_rows {
            let Some(piece) = self.pop_piece() else { break };
            let wanted = piece.batch.num_rows().min(self.target_rows - rows);
            let mut fitting = rows_within(&piece, wanted, self.max_bytes.saturating_sub(bytes));
            if rows == 0 {
                fitting = fitting.max(1);
            }
            if fitting > 0 {
                let part = piece.batch.slice(0, fitting);
                rows += fitting;
                bytes += batch_bytes(&part);
                if bytes > MAX_ROW_BYTES {
                    let text = "a row of the result is larger than 64 MiB: select fewer or shorter columns";
                    return Err(Error::new(ErrorKind::ResourceExhausted, text));
                }
                message.push(part);
            }
            let left = piece.batch.num_rows() - fitting;
            if left > 0 {
                self.push_piece(piece.batch.slice(fitting, left), VecDeque::push_front);
            }
            if fitting < wanted {
                break;
            }
        }
        self.join(message)
    }

    fn join(&self, mut message: Vec<RecordBatch>) -> Result<Option<RecordBatch>, Error> {
        match message.as_slice() {
            [] => return Ok(None),
            [only] if only.num_rows() % BITS_PER_BYTE == 0 => return Ok(message.pop()),
            // The kernel copies only if there is more than one piece.
            [_] => message.push(RecordBatch::new_empty(self.schema.clone())),
            _ => {}
        }
        let joined = concat_batches(&self.schema, &message);
        joined.map(Some).map_err(|error| Error::internal(format!("result batches cannot be joined: {error}")))
    }

    fn push_piece(&mut self, batch: RecordBatch, put: fn(&mut VecDeque<Piece>, Piece)) {
        let bytes = batch_bytes(&batch);
        self.rows += batch.num_rows();
        self.bytes += bytes;
        put(&mut self.pieces, Piece { batch, bytes });
    }

    fn pop_piece(&mut self) -> Option<Piece> {
        let piece = self.pieces.pop_front()?;
        self.rows -= piece.batch.num_rows();
        self.bytes -= piece.bytes;
        Some(piece)
    }
}

/// The number of rows, at most `wanted`, with which a piece stays within `budget` bytes.
fn rows_within(piece: &Piece, wanted: usize, budget: usize) -> usize {
    if piece.bytes <= budget || batch_bytes(&piece.batch.slice(0, wanted)) <= budget {
        return wanted;
    }
    let (mut fits, mut too_many) = (0, wanted);
    while too_many - fits > 1 {
        let middle = fits + (too_many - fits) / 2;
        if batch_bytes(&piece.batch.slice(0, middle)) <= budget {
            fits = middle;
        } else {
            too_many = middle;
        }
    }
    fits
}

/// A power of two, so that the engine's batches of 8192 rows fit in without being cut.
fn rows_per_message(schema: &SchemaRef) -> usize {
    let rows = (TARGET_BYTES / assumed_row_bytes(schema).max(1)).clamp(MIN_ROWS, MAX_ROWS);
    1 << rows.ilog2()
}

#[cfg(test)]
mod tests;
