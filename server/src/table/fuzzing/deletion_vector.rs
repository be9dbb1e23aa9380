//! Fuzz target of deletion vectors.
//!
//! ```text
//! rows of the file, number of deleted rows, size, offset (decimal; missing ones are chosen) ⏎ bytes
//! ```
//!
//! The bytes are read as a bitmap that a log tells inline and one that lies in a file, which must agree; as a whole file; and
//! as the text of an inline vector. What is accepted deletes as many rows as was said, of a file of as many rows as was said.
//! Then a genuine vector is made of them: it deletes its rows and no others, and with one bit changed it is refused.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use delta_kernel::actions::deletion_vector::{DeletionVectorDescriptor, DeletionVectorStorageType};
use futures::executor::block_on;
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use parquet::arrow::arrow_reader::RowSelection;
use roaring::RoaringTreemap;

use super::must;
use crate::error::{Error, ErrorKind};
use crate::table::budget::Budget;
use crate::table::deletion_vectors::{DeletionVectors, FILE_VERSION, MAGIC};
use crate::table::jail::{JailedStore, Trouble};
use crate::table::location::TableLocation;

/// Rows of a file that is still small: a mask of them takes 128 KiB.
const SMALL: u64 = 1 << 20;

/// Rows of a file that is too large for a mask of them.
const LARGE: u64 = 1 << 33;

/// Names [`FILE`].
const VECTOR_ID: &str = "vBn[lx{q8@P<9BNH/isA";
const FILE: &str = "t/deletion_vector_61d16c75-6994-46b7-a15b-8b538852e50e.bin";

static LOCATION: LazyLock<TableLocation> = LazyLock::new(|| match TableLocation::parse("s3://bucket/t") {
    Some(location) => location,
    None => unreachable!("the location is sound"),
});

/// Each vector is read as that of another table, so that none is found in the cache.
static VECTORS: LazyLock<DeletionVectors> = LazyLock::new(|| DeletionVectors::new(0, Budget::new(4 << 30)));
static TABLES: AtomicU64 = AtomicU64::new(0);

/// See the file's head.
pub(crate) fn deletion_vector(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (header, bytes) = data.split_at(end);
    let bytes = bytes.get(1..).unwrap_or_default();
    let header = String::from_utf8_lossy(header);
    let mut numbers = header.split(' ').map(|number| number.parse::<u64>().ok());
    let mut number = || numbers.next().flatten();
    let rows = number().unwrap_or(1000);
    let rows = if rows > SMALL { rows.clamp(LARGE, i64::MAX as u64) } else { rows };
    let deleted = number().and_then(|deleted| i64::try_from(deleted).ok()).unwrap_or(1);
    let size = number().and_then(|size| i32::try_from(size).ok());
    let offset = number().and_then(|offset| i32::try_from(offset).ok());

    let framed = Vector::framed(bytes, deleted);
    let inline = Vector::inline(z85::encode(padded(bytes)), bytes.len(), deleted);
    let (in_file, in_log) = (framed.read(rows), inline.read(rows));
    assert_eq!(in_file.as_ref().ok(), in_log.as_ref().ok(), "a vector means two things");
    for answer in [in_file, in_log] {
        check(&answer, rows, deleted);
        let kind = answer.err().map(|error| error.kind());
        assert!(matches!(kind, None | Some(ErrorKind::DataInvalid)), "{kind:?}");
    }

    let text = String::from_utf8_lossy(bytes).into_owned();
    let size_of_text = size.and_then(|size| usize::try_from(size).ok()).unwrap_or(text.len() / 5 * 4);
    check(&Vector::inline(text, size_of_text, deleted).read(rows), rows, deleted);
    let descriptor = relative(offset.unwrap_or(1), size.unwrap_or(4), deleted);
    check(&Vector { descriptor, file: bytes.to_vec() }.read(rows), rows, deleted);

    check_genuine(bytes, rows.clamp(1, SMALL));
}

/// A vector that deletes the rows that are the bytes' pairs.
fn check_genuine(bytes: &[u8], rows: u64) {
    let pair = |pair: &[u8]| pair.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte));
    let deleted: BTreeSet<u64> = bytes.chunks(2).map(|bytes| pair(bytes) * 7919 % rows).collect();
    let mut bitmap: RoaringTreemap = deleted.iter().copied().collect();
    if bytes.len() % 2 == 1 {
        bitmap.optimize();
    }
    let mut serialised = MAGIC.to_le_bytes().to_vec();
    must(bitmap.serialize_into(&mut serialised));
    let cardinality = must(i64::try_from(deleted.len()));
    let inline = Vector::inline(z85::encode(padded(&serialised)), serialised.len(), cardinality);
    let framed = Vector::framed(&serialised, cardinality);
    for vector in [&inline, &framed] {
        let selection = must(vector.read(rows).map_err(|error| error.internal_text().to_owned()));
        assert!(skipped(&selection).eq(deleted.iter().copied()), "other rows are left out");
    }
    let place = bytes.iter().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    let mut damaged = framed;
    let bits = damaged.file.len() * 8;
    damaged.file[place % bits / 8] ^= 1 << (place % 8);
    assert!(damaged.read(rows).is_err(), "a damaged vector is taken");
}

/// The rows that a selection leaves out.
fn skipped(selection: &RowSelection) -> impl Iterator<Item = u64> {
    let runs = Vec::from(selection.clone());
    let mut at = 0;
    runs.into_iter().flat_map(move |run| {
        let start = at;
        at += run.row_count as u64;
        if run.skip { start..at } else { at..at }
    })
}

fn check(answer: &Result<Arc<RowSelection>, Error>, rows: u64, deleted: i64) {
    let Ok(selection) = answer else { return };
    let kept = selection.row_count() as u64;
    assert_eq!(kept + selection.skipped_row_count() as u64, rows, "rows of the file");
    assert_eq!(i64::try_from(rows - kept), Ok(deleted), "deleted rows");
    // A selection is held for as long as the vector is cached.
    let held = match selection.as_mask() {
        Some(mask) => mask.len() as u64 / 8,
        None => selection.iter().count() as u64 * 16,
    };
    assert!(held <= 64 + rows / 8, "{held} bytes for {rows} rows");
}

/// A vector as a table's log and folder have it.
struct Vector {
    descriptor: DeletionVectorDescriptor,
    file: Vec<u8>,
}

impl Vector {
    fn inline(text: String, size: usize, deleted: i64) -> Self {
        let descriptor = DeletionVectorDescriptor {
            storage_type: DeletionVectorStorageType::Inline,
            path_or_inline_dv: text,
            offset: None,
            size_in_bytes: i32::try_from(size).unwrap_or(i32::MAX),
            cardinality: deleted,
        };
        Self { descriptor, file: Vec::new() }
    }

    /// A file that holds one vector: version, size, bytes, checksum.
    fn framed(bytes: &[u8], deleted: i64) -> Self {
        let size = must(i32::try_from(bytes.len()));
        let mut file = vec![FILE_VERSION];
        file.extend_from_slice(&size.to_be_bytes());
        file.extend_from_slice(bytes);
        file.extend_from_slice(&crc32fast::hash(bytes).to_be_bytes());
        Self { descriptor: relative(1, size, deleted), file }
    }

    fn read(&self, rows: u64) -> Result<Arc<RowSelection>, Error> {
        let store = Arc::new(InMemory::new());
        must(block_on(store.put(&FILE.into(), Bytes::from(self.file.clone()).into())));
        let jailed = JailedStore::new(store, LOCATION.clone(), Arc::new(Trouble::default()));
        let table: Arc<str> = TABLES.fetch_add(1, Ordering::Relaxed).to_string().into();
        block_on(VECTORS.rows_to_read(&LOCATION, &jailed, &table, &self.descriptor, rows))
            .map(|rows| Arc::new(rows.selection().clone()))
    }
}

fn relative(offset: i32, size: i32, deleted: i64) -> DeletionVectorDescriptor {
    DeletionVectorDescriptor {
        storage_type: DeletionVectorStorageType::PersistedRelative,
        path_or_inline_dv: VECTOR_ID.to_owned(),
        offset: Some(offset),
        size_in_bytes: size,
        cardinality: deleted,
    }
}

/// The text of an inline vector encodes whole groups of four bytes.
fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut padded = bytes.to_vec();
    padded.resize(bytes.len().next_multiple_of(4), 0);
    padded
}
