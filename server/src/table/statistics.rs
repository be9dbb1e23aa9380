//! Minimum, maximum and null count of a column in each file, as the log has them.
//!
//! Invariants
//! - They bound what a file holds; they do not describe it. Text is cut by the writer, timestamps are cut to the
//!   millisecond, and a file with deleted rows keeps the statistics that it was written with.
//! - Where they could exclude a row that matches, they are dropped or widened here: NaN is above every maximum, so
//!   floating-point columns have none.
//!
//! Source: Delta protocol, "Per-file Statistics".

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Int64Array, StructArray,
    TimestampMicrosecondArray, UInt64Array, new_null_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{cast, nullif, take};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use delta_kernel::DeltaResult;

use super::index::{followed_by, joined};
use super::schema::TableColumns;

/// Decimals of so many digits are the same behind a double.
pub(super) const DIGITS_OF_DOUBLES: u8 = 15;

/// A double is off by at most one part in so many.
const PARTS_OF_DOUBLES: i128 = 1 << 52;

/// Until then, 1973, clocks had offsets of seconds, which the text of an offset does not have, in microseconds.
const LAST_OFFSET_OF_SECONDS: i64 = 94_694_400_000_000;

/// What the text of an offset may have lost, in microseconds.
const CUT_OFFSET_MICROSECONDS: i64 = 60_000_000;

/// What a writer's cut to milliseconds may have taken from a timestamp, in microseconds.
const CUT_MICROSECONDS: i64 = 999;

/// Longest minimum or maximum that is kept, in bytes. Spark cuts them to 32 characters.
const LONGEST_BOUND: usize = 1024;

/// One column's statistics; a row for each file, NULL where unknown.
pub(super) struct ColumnStatistics {
    /// Lower bounds.
    pub(super) min: ArrayRef,
    /// Upper bounds.
    pub(super) max: ArrayRef,
    /// Number of NULLs.
    pub(super) nulls: Int64Array,
}

impl ColumnStatistics {
    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.min.get_array_memory_size()
            + self.max.get_array_memory_size()
            + self.nulls.get_array_memory_size()
    }

    /// Those of the files that stay, followed by another index's.
    pub(super) fn followed_by(&self, stays: &BooleanArray, added: &Self) -> DeltaResult<Self> {
        let both = |ours: &dyn Array, theirs: &dyn Array| followed_by(ours, stays, theirs);
        Ok(Self {
            min: both(&self.min, &added.min)?,
            max: both(&self.max, &added.max)?,
            nulls: both(&self.nulls, &added.nulls)?.as_primitive().clone(),
        })
    }

    /// The same in another order of files.
    pub(super) fn reordered(&self, order: &[u64]) -> DeltaResult<Self> {
        let order = UInt64Array::from(order.to_vec());
        Ok(Self {
            min: take(&self.min, &order, None)?,
            max: take(&self.max, &order, None)?,
            nulls: take(&self.nulls, &order, None)?.as_primitive().clone(),
        })
    }
}

/// Gathers the statistics of some columns, batch by batch.
pub(super) struct FileStatistics<'a> {
    columns: &'a TableColumns,
    rows: Vec<ArrayRef>,
    gathered: BTreeMap<usize, [Vec<ArrayRef>; 3]>,
}

impl<'a> FileStatistics<'a> {
    pub(super) fn new(columns: &'a TableColumns, wanted: &[usize]) -> Self {
        let gathered = wanted.iter().map(|position| (*position, Default::default())).collect();
        Self { columns, rows: Vec::new(), gathered }
    }

    /// # Arguments
    /// * `parsed` - the kernel's `stats_parsed`, absent if the log has none.
    pub(super) fn push(&mut self, parsed: Option<&StructArray>, files: usize) -> DeltaResult<()> {
        let rows = parsed.and_then(|stats| stats.column_by_name("numRecords"));
        self.rows.push(rows.map_or_else(|| new_null_array(&DataType::Int64, files), Arc::clone));
        for (position, [min, max, nulls]) in &mut self.gathered {
            let field = self.columns.physical.field(*position);
            let of = |group: &str, data_type: &DataType| -> DeltaResult<ArrayRef> {
                let found = parsed
                    .and_then(|stats| stats.column_by_name(group)?.as_struct_opt())
                    .and_then(|group| group.column_by_name(field.name()));
                match found {
                    Some(column) => Ok(cast(&without_long(column)?, data_type)?),
                    None => Ok(new_null_array(data_type, files)),
                }
            };
            min.push(lower(of("minValues", field.data_type())?)?);
            max.push(upper(of("maxValues", field.data_type())?)?);
            nulls.push(of("nullCount", &DataType::Int64)?);
        }
        Ok(())
    }

    /// The number of rows of each file, and the columns' statistics.
    pub(super) fn finish(self) -> DeltaResult<(Int64Array, BTreeMap<usize, ColumnStatistics>)> {
        let rows = joined(&self.rows, &DataType::Int64)?.as_primitive::<Int64Type>().clone();
        let mut columns = BTreeMap::new();
        for (position, [min, max, nulls]) in self.gathered {
            let data_type = self.columns.physical.field(position).data_type();
            let nulls = joined(&nulls, &DataType::Int64)?.as_primitive::<Int64Type>().clone();
            let statistics =
                ColumnStatistics { min: joined(&min, data_type)?, max: joined(&max, data_type)?, nulls };
            columns.insert(position, statistics);
        }
        Ok((rows, columns))
    }
}

/// Bounds without those that are too long to be kept: they bound nothing then.
fn without_long(bounds: &ArrayRef) -> DeltaResult<ArrayRef> {
    let is_long: BooleanArray = match bounds.data_type() {
        DataType::Utf8 => lengths(bounds.as_string::<i32>().offsets()),
        DataType::Binary => lengths(bounds.as_binary::<i32>().offsets()),
        _ => return Ok(Arc::clone(bounds)),
    };
    Ok(if is_long.has_true() { nullif(bounds, &is_long)? } else { Arc::clone(bounds) })
}

fn lengths(offsets: &OffsetBuffer<i32>) -> BooleanArray {
    offsets.lengths().map(|length| Some(length > LONGEST_BOUND)).collect()
}

/// What no value of the file exceeds, given the maximum of the log.
fn upper(max: ArrayRef) -> DeltaResult<ArrayRef> {
    match max.data_type() {
        DataType::Float32 | DataType::Float64 => Ok(new_null_array(max.data_type(), max.len())),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let cut: TimestampMicrosecondArray = max
                .as_primitive::<TimestampMicrosecondType>()
                .unary(|micros| micros.saturating_add(cut_of(micros) + CUT_MICROSECONDS));
            Ok(Arc::new(cut.with_timezone_opt(zone.clone())))
        }
        DataType::Decimal128(..) => widened(&max, 1),
        _ => Ok(max),
    }
}

/// What no value of the file is less than, given the minimum of the log.
fn lower(min: ArrayRef) -> DeltaResult<ArrayRef> {
    match min.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let cut: TimestampMicrosecondArray = min
                .as_primitive::<TimestampMicrosecondType>()
                .unary(|micros| micros.saturating_sub(cut_of(micros)));
            Ok(Arc::new(cut.with_timezone_opt(zone.clone())))
        }
        DataType::Decimal128(..) => widened(&min, -1),
        _ => Ok(min),
    }
}

fn cut_of(micros: i64) -> i64 {
    if micros < LAST_OFFSET_OF_SECONDS { CUT_OFFSET_MICROSECONDS } else { 0 }
}

/// Bounds of decimals, farther by what a double may have taken from them.
///
/// # Arguments
/// * `direction` - 1 or -1.
fn widened(bounds: &ArrayRef, direction: i128) -> DeltaResult<ArrayRef> {
    let decimals = bounds.as_primitive::<Decimal128Type>();
    let (precision, scale) = (decimals.precision(), decimals.scale());
    if precision <= DIGITS_OF_DOUBLES {
        return Ok(Arc::clone(bounds));
    }
    let largest = 10_i128.pow(u32::from(precision)) - 1;
    let farther = |value: i128| {
        let cut = value.abs() / PARTS_OF_DOUBLES + 1;
        value.saturating_add(direction * cut).clamp(-largest, largest)
    };
    let widened: Decimal128Array = decimals.unary(farther);
    Ok(Arc::new(widened.with_precision_and_scale(precision, scale)?))
}
