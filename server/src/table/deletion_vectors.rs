//! Deletion vectors: which rows of a Parquet file are deleted.
//!
//! ```text
//!   descriptor in the log ─▶ bytes (inline, or a range of a file) ─▶ size, magic, CRC ─▶ bitmap ─▶ rows to read
//! ```
//!
//! Invariants
//! - A vector that cannot be read whole and verified ends the query: a wrong one would show deleted rows.
//! - The bytes come through the table's jailed store, whatever path the log names.
//! - The bitmap must fit the file: no row beyond its end, as many rows as the log says.
//! - Work and memory follow from the vector's bytes, not from the rows that it is for: a run is one step, however long. They are
//!   charged to the tables' budget before they are spent, and whoever stops waiting stops the work.
//!
//! The Delta kernel fetches a whole file of vectors for each data file; here only the vector's own range is read.
//!
//! Source: Delta protocol, "Deletion Vector Format".

use std::ops::Range;
use std::sync::Arc;

use arrow::array::BooleanBufferBuilder;
use arrow::buffer::BooleanBuffer;
use datafusion::datasource::physical_plan::parquet::{ParquetAccessPlan, RowGroupAccess};
use delta_kernel::actions::deletion_vector::{DeletionVectorDescriptor, DeletionVectorStorageType};
use moka::sync::Cache;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::RowSelection;
use parquet::file::metadata::RowGroupMetaData;
use roaring::RoaringTreemap;

use super::budget::{Budget, Charge};
use super::failure::{self, broken_vector};
use super::location::TableLocation;
use crate::error::Error;

/// Starts every serialised bitmap, little-endian.
pub(super) const MAGIC: u32 = 1_681_511_377;

/// Bytes of the size in front of a stored vector, and of the checksum behind it; both big-endian.
const FRAME: usize = 4;

/// First byte of a file of vectors.
pub(super) const FILE_VERSION: u8 = 1;

/// Longest vector that is read, in bytes. Spark's are below a megabyte; a bitmap of 4 billion rows takes half a gigabyte.
const LONGEST: u64 = 512 << 20;

/// Most rows of a file that has a vector. Neither a log nor a footer can be trusted with the size of a mask; this one's takes
/// half a gigabyte.
const MOST_ROWS: u64 = 1 << 32;

/// Bytes of memory that a vector takes for each of its own while it is read: as it came, as a bitmap, and as rows.
const MEMORY_PER_BYTE: u64 = 4;

/// Runs and words that are looked at before others have their turn and a stop is noticed.
const STEPS_AT_ONCE: u64 = 1 << 16;

/// Bytes of a run in a selection, and runs that a mask of one bit per row outweighs.
const RUN_BYTES: u64 = 2 * 16;

/// Selections that were read before, by table and vector. One per server.
pub(super) struct DeletionVectors {
    known: Cache<(Arc<str>, String), Arc<RowsToRead>>,
    budget: Arc<Budget>,
}

/// The rows of a file that are not deleted, with the memory that they take.
pub(super) struct RowsToRead {
    selection: RowSelection,
    _memory: Charge,
}

impl RowsToRead {
    pub(super) fn selection(&self) -> &RowSelection {
        &self.selection
    }
}

impl DeletionVectors {
    /// # Arguments
    /// * `capacity` - bytes to keep at the most.
    /// * `budget` - what tables may hold in memory.
    pub(super) fn new(capacity: u64, budget: Arc<Budget>) -> Self {
        let weigh = |(_, id): &(Arc<str>, String), rows: &Arc<RowsToRead>| {
            u32::try_from(bytes_of(&rows.selection) + id.len() + 128).unwrap_or(u32::MAX)
        };
        Self { known: Cache::builder().max_capacity(capacity).weigher(weigh).build(), budget }
    }

    /// The rows of a file that are not deleted.
    ///
    /// # Arguments
    /// * `store` - the table's own, jailed.
    /// * `table` - identity of the table.
    /// * `rows` - rows in the Parquet file, deleted ones included.
    ///
    /// # Errors
    /// [`ErrorKind::DataInvalid`](crate::error::ErrorKind::DataInvalid) if the vector is broken or does not fit the file; the store's own.
    pub(super) async fn rows_to_read(
        &self,
        location: &TableLocation,
        store: &dyn ObjectStore,
        table: &Arc<str>,
        descriptor: &DeletionVectorDescriptor,
        rows: u64,
    ) -> Result<Arc<RowsToRead>, Error> {
        let key = (Arc::clone(table), format!("{}/{rows}", descriptor.unique_id()));
        if let Some(known) = self.known.get(&key) {
            return Ok(known);
        }
        let size = u64::try_from(descriptor.size_in_bytes).unwrap_or_default();
        if size > LONGEST {
            return Err(broken_vector(format!("vector of {size} bytes")));
        }
        let mut memory = self.budget.charge(size.saturating_mul(MEMORY_PER_BYTE))?;
        let bitmap = match descriptor.storage_type {
            DeletionVectorStorageType::Inline => inline(descriptor)?,
            _ => stored(descriptor, location, store).await?,
        };
        let selection = select(&bitmap, descriptor, rows, &mut memory).await?;
        memory.resize(bytes_of(&selection) as u64)?;
        let read = Arc::new(RowsToRead { selection, _memory: memory });
        self.known.insert(key, Arc::clone(&read));
        Ok(read)
    }
}

/// Bytes that a selection takes.
fn bytes_of(selection: &RowSelection) -> usize {
    match selection.as_mask() {
        Some(mask) => mask.len() / 8,
        None => selection.iter().count() * 16,
    }
}

/// The same rows, divided among the row groups of their file.
///
/// A file is read in parts, and without this each part would spell out the rows of the whole file to find its own. The engine's
/// own division spells them out, too; slices of a mask are shared.
///
/// # Errors
/// [`ErrorKind::DataInvalid`](crate::error::ErrorKind::DataInvalid) if the file has more rows or fewer.
pub(super) fn kept_in_row_groups(
    kept: &RowSelection,
    row_groups: &[RowGroupMetaData],
) -> Result<ParquetAccessPlan, Error> {
    let mut rest = kept.clone();
    let mut divided = Vec::with_capacity(row_groups.len());
    for row_group in row_groups {
        let rows = usize::try_from(row_group.num_rows()).unwrap_or_default();
        let here = rest.split_off(rows);
        let (read, left_out) = (here.row_count(), here.skipped_row_count());
        if read + left_out != rows {
            return Err(broken_vector("a file has fewer rows than its vector is for".to_owned()));
        }
        divided.push(match (read, left_out) {
            (0, _) => RowGroupAccess::Skip,
            (_, 0) => RowGroupAccess::Scan,
            _ => RowGroupAccess::Selection(here),
        });
    }
    if rest.row_count() + rest.skipped_row_count() > 0 {
        return Err(broken_vector("a file has more rows than its vector is for".to_owned()));
    }
    Ok(ParquetAccessPlan::new(divided))
}

fn inline(descriptor: &DeletionVectorDescriptor) -> Result<RoaringTreemap, Error> {
    let mut bytes = z85::decode(&descriptor.path_or_inline_dv)
        .map_err(|error| broken_vector(format!("inline vector: {error}")))?;
    let size = usize::try_from(descriptor.size_in_bytes).unwrap_or_default();
    if size > bytes.len() {
        return Err(broken_vector("inline vector shorter than the log says".to_owned()));
    }
    // The text encodes whole groups of four bytes; what is behind the vector is padding.
    bytes.truncate(size);
    bitmap_of(&bytes)
}

async fn stored(
    descriptor: &DeletionVectorDescriptor,
    location: &TableLocation,
    store: &dyn ObjectStore,
) -> Result<RoaringTreemap, Error> {
    let size = usize::try_from(descriptor.size_in_bytes).unwrap_or(usize::MAX);
    let start = u64::try_from(descriptor.offset.unwrap_or(1)).unwrap_or_default();
    let range = start..start + (FRAME + size + FRAME) as u64;
    let path = descriptor
        .absolute_path(&location.url()?)
        .ok()
        .flatten()
        .and_then(|url| location.object(&url))
        .ok_or_else(|| failure::outside("a deletion vector"))?;
    // One after the other: a store that joins ranges panics if the file ends between them.
    let failed = |error: object_store::Error| failure::of_store(&error);
    let version = store.get_range(&path, 0..1).await.map_err(failed)?;
    if version.as_ref() != [FILE_VERSION] {
        return Err(broken_vector(format!("version of a vector file: {version:?}")));
    }
    let bytes = store.get_range(&path, range).await.map_err(failed)?;
    let frame = |at: usize| bytes.get(at..at + FRAME).and_then(|four| four.try_into().ok());
    let (Some(stored_size), Some(checksum)) = (frame(0), frame(FRAME + size)) else {
        return Err(broken_vector("vector file too short".to_owned()));
    };
    let body = bytes.slice(FRAME..FRAME + size);
    if u32::from_be_bytes(stored_size) as usize != size {
        return Err(broken_vector("the file's size of a vector is not the log's".to_owned()));
    }
    if u32::from_be_bytes(checksum) != crc32fast::hash(&body) {
        return Err(broken_vector("checksum of a vector".to_owned()));
    }
    bitmap_of(&body)
}

/// Reads magic and bitmap.
fn bitmap_of(bytes: &[u8]) -> Result<RoaringTreemap, Error> {
    let Some((magic, bitmap)) = bytes.split_first_chunk::<4>() else {
        return Err(broken_vector("empty vector".to_owned()));
    };
    if u32::from_le_bytes(*magic) != MAGIC {
        return Err(broken_vector(format!("magic number of a vector: {magic:?}")));
    }
    RoaringTreemap::deserialize_from(bitmap)
        .map_err(|error| broken_vector(format!("bitmap of a vector: {error}")))
}

async fn select(
    deleted: &RoaringTreemap,
    descriptor: &DeletionVectorDescriptor,
    rows: u64,
    memory: &mut Charge,
) -> Result<RowSelection, Error> {
    if rows > MOST_ROWS {
        return Err(broken_vector(format!("a vector for a file of {rows} rows")));
    }
    let fits = deleted.max().is_none_or(|last| last < rows);
    if !fits || i64::try_from(deleted.len()) != Ok(descriptor.cardinality) {
        return Err(broken_vector("a vector does not fit its file".to_owned()));
    }
    let rows = usize::try_from(rows).map_err(|_| broken_vector("too many rows".to_owned()))?;
    let mask_bytes = rows as u64 / 8;
    let most_runs = usize::try_from(mask_bytes / RUN_BYTES).unwrap_or(usize::MAX);
    if let Some(ranges) = kept_ranges(deleted, rows, most_runs).await {
        memory.resize(ranges.len() as u64 * RUN_BYTES)?;
        return Ok(RowSelection::from_consecutive_ranges(ranges.into_iter(), rows));
    }
    memory.resize(memory.bytes().saturating_add(mask_bytes))?;
    Ok(RowSelection::from_boolean_buffer(mask(deleted, rows).await))
}

/// The runs of deleted rows, in order.
fn runs(deleted: &RoaringTreemap) -> impl Iterator<Item = Range<usize>> + '_ {
    deleted.bitmaps().flat_map(|(high, bitmap)| {
        let mut within = bitmap.iter();
        let place =
            move |low: u32| usize::try_from((u64::from(high) << 32) | u64::from(low)).unwrap_or_default();
        std::iter::from_fn(move || {
            let run = within.next_range()?;
            Some(place(*run.start())..place(*run.end()).saturating_add(1))
        })
    })
}

/// Lets others have their turn now and then; whoever stopped waiting ends the work there.
#[derive(Default)]
struct Steps(u64);

impl Steps {
    async fn step(&mut self) {
        self.0 += 1;
        if self.0.is_multiple_of(STEPS_AT_ONCE) {
            tokio::task::yield_now().await;
        }
    }
}

/// The runs of rows that are kept; none if they are more than `most`.
async fn kept_ranges(deleted: &RoaringTreemap, rows: usize, most: usize) -> Option<Vec<Range<usize>>> {
    let mut steps = Steps::default();
    let mut ranges = Vec::new();
    let mut start = 0;
    for run in runs(deleted) {
        if start < run.start {
            ranges.push(start..run.start);
            if ranges.len() > most {
                return None;
            }
        }
        start = run.end;
        steps.step().await;
    }
    if start < rows {
        ranges.push(start..rows);
    }
    (ranges.len() <= most).then_some(ranges)
}

async fn mask(deleted: &RoaringTreemap, rows: usize) -> BooleanBuffer {
    let mut steps = Steps::default();
    let mut mask = BooleanBufferBuilder::new(rows);
    let mut end = 0;
    for run in runs(deleted) {
        // `select` saw that every row lies in the file.
        mask.append_n(run.start - end, true);
        mask.append_n(run.len(), false);
        end = run.end;
        steps.step().await;
    }
    mask.append_n(rows - end, true);
    mask.finish()
}

#[cfg(test)]
mod tests;
