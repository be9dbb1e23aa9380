//! How long the values are that a page makes of few bytes.
//!
//! A dictionary holds a value once that all rows may name, and in `DELTA_BYTE_ARRAY` a value begins with a part of the one
//! before it. The reader writes such values out one by one. Pages that may make much of little are decompressed here, before
//! the reader does, and their lengths added up; all others are told by their headers alone.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Compression;
use parquet::column::page::{Page, PageReader};
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::schema::types::ColumnDescPtr;

use super::footer::broken;

/// Bytes for which it is not worth looking closer.
const LITTLE: u64 = 16 << 20;

/// A page as it lies in the file, header included.
pub(super) struct RawPage<'a> {
    pub(super) bytes: Bytes,
    /// Bytes that its header announces.
    pub(super) decompressed: u64,
    pub(super) column: &'a ColumnDescPtr,
    pub(super) compression: Compression,
}

impl RawPage<'_> {
    fn decompress(self) -> Result<Page, ParquetError> {
        let length = i64::try_from(self.bytes.len()).unwrap_or(i64::MAX);
        let chunk = ColumnChunkMetaData::builder(Arc::clone(self.column))
            .set_compression(self.compression)
            .set_data_page_offset(0)
            .set_total_compressed_size(length)
            .set_num_values(1)
            .build()?;
        let mut reader = SerializedPageReader::new(Arc::new(self.bytes), &chunk, 1, None)?;
        reader.get_next_page()?.ok_or_else(|| broken("a page is missing"))
    }

    /// Bytes of values out of a dictionary, if `rows` name its longest one.
    ///
    /// # Errors
    /// If the page is broken.
    pub(super) fn copied_bytes(self, rows: u64) -> Result<u64, ParquetError> {
        let at_most = self.decompressed.saturating_mul(rows);
        if at_most <= LITTLE {
            return Ok(at_most);
        }
        let page = self.decompress()?;
        let mut rest = page.buffer().as_ref();
        let mut longest = 0;
        while let Some((length, values)) = rest.split_first_chunk::<4>() {
            let length = u32::from_le_bytes(*length) as usize;
            longest = longest.max(length);
            rest = values.get(length..).unwrap_or_default();
        }
        Ok((longest as u64).saturating_mul(rows))
    }

    /// Bytes that the values of a page in `DELTA_BYTE_ARRAY` take from the ones before them.
    ///
    /// # Arguments
    /// * `values` - as many as its header announces.
    ///
    /// # Errors
    /// If the page is broken, or they are more than `most`.
    pub(super) fn built_bytes(self, values: u64, most: u64) -> Result<u64, ParquetError> {
        let at_most = self.decompressed.saturating_mul(values);
        if at_most <= LITTLE {
            return Ok(at_most);
        }
        let [has_lists, has_nulls] = [self.column.max_rep_level() > 0, self.column.max_def_level() > 0];
        let page = self.decompress()?;
        let bytes = page.buffer().as_ref();
        let encoded = match &page {
            Page::DataPageV2 { def_levels_byte_len, rep_levels_byte_len, .. } => {
                bytes.get(*def_levels_byte_len as usize + *rep_levels_byte_len as usize..)
            }
            _ => [has_lists, has_nulls].into_iter().filter(|has| *has).try_fold(bytes, |bytes, _| {
                let (length, rest) = bytes.split_first_chunk::<4>()?;
                rest.get(u32::from_le_bytes(*length) as usize..)
            }),
        };
        let total = encoded.and_then(|encoded| Deltas { bytes: encoded, at: 0 }.total(values, most));
        total.ok_or_else(|| broken("values that are built upon each other are too long"))
    }
}

/// Numbers in `DELTA_BINARY_PACKED`.
struct Deltas<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Deltas<'_> {
    /// Their sum; none if one is negative, there are more than `count`, or it is more than `most`.
    fn total(mut self, count: u64, most: u64) -> Option<u64> {
        let block = self.varint()?;
        let miniblocks = usize::try_from(self.varint()?).ok()?;
        let mut left = self.varint()?;
        let mut number = self.zigzag()?;
        let per_miniblock = block.checked_div(miniblocks as u64)?;
        if left > count || per_miniblock == 0 || per_miniblock % 8 != 0 {
            return (left == 0).then_some(0);
        }
        let mut total = 0_u64;
        let mut add = |number: i32| {
            total = total.saturating_add(u64::try_from(number).ok()?);
            (total <= most).then_some(total)
        };
        let mut so_far = add(i32::try_from(number).ok()?)?;
        left = left.saturating_sub(1);
        while left > 0 {
            let least = self.zigzag()?;
            let widths = self.bytes.get(self.at..self.at.checked_add(miniblocks)?)?;
            self.at += miniblocks;
            for width in widths.iter().map(|width| u64::from(*width)) {
                if left == 0 {
                    break;
                }
                let packed = self.bytes.get(self.at..)?;
                for place in 0..per_miniblock.min(left) {
                    let delta = bits(packed, place * width, width)?;
                    number = number.checked_add(least)?.checked_add(delta)?;
                    so_far = add(i32::try_from(number).ok()?)?;
                }
                left = left.saturating_sub(per_miniblock);
                self.at = self.at.checked_add(usize::try_from(per_miniblock * width / 8).ok()?)?;
            }
        }
        Some(so_far)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn zigzag(&mut self) -> Option<i64> {
        let raw = self.varint()?;
        Some((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
    }
}

/// A number of `width` bits that begins at a bit, the lowest one first.
fn bits(packed: &[u8], start: u64, width: u64) -> Option<i64> {
    if width > 32 {
        return None;
    }
    let mut number = 0_i64;
    for bit in 0..width {
        let place = usize::try_from((start + bit) / 8).ok()?;
        let is_set = (*packed.get(place)? >> ((start + bit) % 8)) & 1;
        number |= i64::from(is_set) << bit;
    }
    Some(number)
}
