//! Where a file's column chunks lie, and whether the pages in them may be decoded.
//!
//! A page's header announces how much memory it takes, how many values it has and how they are encoded; footer and index of
//! the file may say something else. So every range is looked through before the reader gets it.
//!
//! - A page announces no more bytes than [`LARGEST_PAGE`].
//! - Text that the reader checks is in no encoding in which it checks it only as a whole.
//! - A list announces no more elements than its bytes can tell of.
//!
//! And it tells how much memory a batch takes: the pages that its rows lie in, and for values that are copied out of a
//! dictionary, or built upon each other, each of them ([`values`](super::values)).

use std::collections::{HashSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Type as PhysicalType};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::schema::types::ColumnDescPtr;

use super::footer::{broken, is_checked_text};
use super::thrift::{self, Part, Step};
use super::values;

/// Largest page, decompressed, in bytes. Writers make pages of one megabyte, or of one value.
const LARGEST_PAGE: i64 = 256 << 20;

/// Most elements of lists in one column chunk, whatever its size.
const MOST_ELEMENTS: u64 = 16 << 20;

/// Elements of the lists of one row, as far as the memory that they take is foreseen.
const ELEMENTS_PER_ROW: u64 = 16;

/// Elements of lists that one byte of decompressed pages may stand for beyond that.
const ELEMENTS_PER_BYTE: u64 = 4;

/// Rows of a batch, which hold the pages that they lie in.
const BATCH_ROWS: u64 = 8192;

/// Most bytes that the values of one column in one batch take, copied out of a dictionary or built upon each other.
const MOST_COPIED: u64 = 1 << 30;

/// `DELTA_LENGTH_BYTE_ARRAY`, and `DELTA_BYTE_ARRAY`, in which values are built upon each other.
const DELTA_LENGTH: i64 = 6;
const DELTA_BYTES: i64 = 7;

/// Places in a dictionary.
const PLAIN_DICTIONARY: i64 = 2;
const RLE_DICTIONARY: i64 = 8;

/// The column chunks of a file, in the order of their bytes.
pub(super) struct Chunks {
    chunks: Vec<Chunk>,
    /// Where all offset indexes lie.
    indexes: Range<u64>,
}

struct Chunk {
    bytes: Range<u64>,
    /// Where its offset index lies.
    index: Option<Range<u64>>,
    is_checked_text: bool,
    is_repeated: bool,
    /// Whether values of any length are copied one by one out of a dictionary; others are shared.
    is_copied: bool,
    column: ColumnDescPtr,
    compression: Compression,
}

impl Chunks {
    /// # Arguments
    /// * `shared` - names of columns whose values the reader does not copy.
    ///
    /// # Errors
    /// If chunks overlap: what a range holds would have two meanings.
    pub(super) fn of(metadata: &ParquetMetaData, shared: &HashSet<String>) -> Result<Self, ParquetError> {
        let columns = metadata.file_metadata().schema_descr().columns();
        let mut chunks: Vec<Chunk> = metadata
            .row_groups()
            .iter()
            .flat_map(|group| group.columns().iter().zip(columns))
            .map(|(chunk, column)| Chunk::of(chunk, column, shared))
            .collect();
        chunks.sort_unstable_by_key(|chunk| chunk.bytes.start);
        let overlap = |pair: &[Chunk]| pair[0].bytes.end > pair[1].bytes.start && !pair[1].bytes.is_empty();
        if chunks.windows(2).any(overlap) {
            return Err(broken("its columns overlap"));
        }
        let indexes = chunks.iter().filter_map(|chunk| chunk.index.clone());
        let indexes = indexes
            .reduce(|one, other| one.start.min(other.start)..one.end.max(other.end))
            .unwrap_or_default();
        Ok(Self { chunks, indexes })
    }

    /// Whether the reader may have these bytes, and how much memory a batch of them takes.
    ///
    /// # Arguments
    /// * `start` - where in the file they lie.
    ///
    /// # Errors
    /// If not.
    pub(super) fn check(&self, start: u64, bytes: &Bytes) -> Result<u64, ParquetError> {
        let end = start.saturating_add(bytes.len() as u64);
        if start < self.indexes.end && end > self.indexes.start {
            for chunk in &self.chunks {
                chunk.check_index(start, bytes)?;
            }
        }
        let next = self.chunks.partition_point(|chunk| chunk.bytes.start <= start);
        let found = self.chunks[..next].iter().rev().find(|chunk| chunk.bytes.contains(&start));
        found.map_or(Ok(0), |chunk| chunk.check_pages(bytes))
    }
}

impl Chunk {
    fn of(chunk: &ColumnChunkMetaData, column: &ColumnDescPtr, shared: &HashSet<String>) -> Self {
        let (start, length) = chunk.byte_range();
        let index = chunk.offset_index_offset().zip(chunk.offset_index_length());
        let index = index.and_then(|(start, length)| {
            let (start, length) = (u64::try_from(start).ok()?, u64::try_from(length).ok()?);
            Some(start..start.checked_add(length)?)
        });
        Self {
            bytes: start..start.saturating_add(length),
            index,
            is_checked_text: is_checked_text(column),
            is_repeated: column.max_rep_level() > 0,
            is_copied: column.physical_type() == PhysicalType::BYTE_ARRAY
                && !(column.path().parts().len() == 1 && shared.contains(column.name())),
            column: Arc::clone(column),
            compression: chunk.compression(),
        }
    }

    /// The pages of a chunk lie in it, as far as these bytes hold its index.
    fn check_index(&self, start: u64, bytes: &[u8]) -> Result<(), ParquetError> {
        let index = self.index.as_ref().filter(|index| index.start >= start);
        let Some(index) = index.and_then(|index| {
            let from = usize::try_from(index.start - start).ok()?;
            bytes.get(from..usize::try_from(index.end - start).ok()?)
        }) else {
            return Ok(());
        };
        let walked = thrift::walk(index, &thrift::OFFSET_INDEX, &mut |part, step| match (part, step) {
            (Part::PageLocation, Step::Number(1, offset)) => {
                let offset = u64::try_from(offset).ok()?;
                self.bytes.contains(&offset).then_some(())
            }
            _ => Some(()),
        });
        walked.map(drop).ok_or_else(|| broken("its index of pages"))
    }

    fn check_pages(&self, bytes: &Bytes) -> Result<u64, ParquetError> {
        let (mut at, mut values, mut size) = (0, 0_u64, 0_u64);
        let mut batch = Batch::default();
        let (mut dictionary, mut from_dictionary) = (None, 0_u64);
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let page = Page::at(rest).ok_or_else(|| broken("the header of a page"))?;
            if page.decompressed > LARGEST_PAGE {
                return Err(broken("a page is too large"));
            }
            if page.length > rest.len() {
                return Err(broken("a page is cut"));
            }
            let raw = || values::RawPage {
                bytes: bytes.slice(at..at + page.length),
                decompressed: page.decompressed.unsigned_abs(),
                column: &self.column,
                compression: self.compression,
            };
            let mut built = 0;
            match page.encoding {
                Some(DELTA_LENGTH | DELTA_BYTES) if self.is_checked_text => {
                    return Err(broken("a page in an encoding that the footer does not tell of"));
                }
                Some(DELTA_BYTES) => {
                    built = raw().built_bytes(page.values, MOST_COPIED)?;
                }
                Some(PLAIN_DICTIONARY | RLE_DICTIONARY) => {
                    from_dictionary = from_dictionary.saturating_add(page.values);
                }
                None => dictionary = Some(raw()),
                _ => {}
            }
            values = values.saturating_add(page.values);
            size = size.saturating_add(page.decompressed.unsigned_abs());
            batch.add(page.values, page.decompressed.unsigned_abs().saturating_add(built));
            at = at.saturating_add(page.length);
        }
        if self.is_repeated && values > MOST_ELEMENTS.max(size.saturating_mul(ELEMENTS_PER_BYTE)) {
            return Err(broken("a list has more elements than its bytes can tell of"));
        }
        let copied = match dictionary {
            Some(page) if self.is_copied => {
                let most = if self.is_repeated { BATCH_ROWS * ELEMENTS_PER_ROW } else { BATCH_ROWS };
                page.copied_bytes(from_dictionary.min(most))?
            }
            _ => 0,
        };
        if copied > MOST_COPIED {
            return Err(broken("values of its dictionary are too long"));
        }
        Ok(batch.largest.saturating_add(copied))
    }
}

/// The largest pages in a row that the rows of one batch can lie in.
#[derive(Default)]
struct Batch {
    pages: VecDeque<(u64, u64)>,
    values: u64,
    held: u64,
    largest: u64,
}

impl Batch {
    fn add(&mut self, values: u64, bytes: u64) {
        self.pages.push_back((values, bytes));
        self.values = self.values.saturating_add(values);
        self.held = self.held.saturating_add(bytes);
        // The first page may be needed for its last row only, and the last one for its first.
        while let Some((first, bytes)) = self.pages.front().copied() {
            if self.values.saturating_sub(first).saturating_sub(values) < BATCH_ROWS || self.pages.len() < 2 {
                break;
            }
            self.values -= first;
            self.held -= bytes;
            self.pages.pop_front();
        }
        self.largest = self.largest.max(self.held);
    }
}

/// What the header of a page announces.
#[derive(Default)]
struct Page {
    /// Bytes of header and page as they lie in the file.
    length: usize,
    decompressed: i64,
    /// Of a data page.
    encoding: Option<i64>,
    /// Of a data page.
    values: u64,
}

impl Page {
    fn at(bytes: &[u8]) -> Option<Self> {
        let mut page = Self::default();
        let mut compressed = None;
        let header = thrift::walk(bytes, &thrift::PAGE, &mut |part, step| {
            match (part, step) {
                (Part::Page, Step::Number(2, number)) => page.decompressed = number,
                (Part::Page, Step::Number(3, number)) => compressed = usize::try_from(number).ok(),
                (Part::DataPage | Part::DataPageV2, Step::Number(1, number)) => {
                    page.values = u64::try_from(number).ok()?;
                }
                (Part::DataPage, Step::Number(2, number)) | (Part::DataPageV2, Step::Number(4, number)) => {
                    page.encoding = Some(number);
                }
                _ => {}
            }
            Some(())
        })?;
        page.length = header.checked_add(compressed?)?;
        (page.decompressed >= 0).then_some(page)
    }
}
