//! What the log says of a scan as a whole: rows, bytes, bounds of columns.
//!
//! Row and byte counts tell the planner which side of a join is small. Where the log knows them exactly, `count(*)`, `min`
//! and `max` are answered without reading a file.
//!
//! Invariants
//! - A figure is exact only if it follows from the log alone: no deletion vector, every file counted, a type that writers
//!   do not cut. Everything else is inexact or absent.
//! - These are figures of all rows. `guard` decides who may know them.

use arrow::array::{Array, ArrayRef, AsArray, UInt64Array};
use arrow::compute::{SortOptions, sort_to_indices, sum, take};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Result, ScalarValue, Statistics};

use super::Snapshot;
use super::scan::Layout;
use super::statistics::DIGITS_OF_DOUBLES;

/// Most columns of a scan whose bounds are loaded for its sake. Wide scans do not end in a `min`.
const MOST_COLUMNS: usize = 6;

/// Most files whose bounds are loaded for a scan's sake.
const MOST_FILES: usize = 20_000;

/// Statistics for the columns of `layout.table`, over the files to be read.
pub(super) async fn of(snapshot: &Snapshot, wanted: &[usize], layout: &Layout) -> Result<Statistics> {
    let index = &snapshot.log.log().files;
    let files = UInt64Array::from_iter_values(wanted.iter().map(|file| *file as u64));
    let rows = take(&index.rows, &files, None)?;
    let rows = rows.as_primitive::<Int64Type>();
    let bytes: i64 = wanted.iter().map(|file| index.sizes.value(*file)).sum();
    let is_exact = rows.null_count() == 0 && !index.has_deletion_vectors();

    let mut statistics = Statistics::new_unknown(layout.table.table_schema());
    let counted = sum(rows).and_then(|rows| usize::try_from(rows).ok());
    statistics.num_rows = match counted {
        Some(rows) if is_exact => Precision::Exact(rows),
        Some(rows) => Precision::Inexact(rows),
        None => Precision::Absent,
    };
    statistics.total_byte_size = Precision::Inexact(usize::try_from(bytes).unwrap_or_default());
    if is_exact && layout.projection.len() <= MOST_COLUMNS && wanted.len() <= MOST_FILES {
        bounds(snapshot, &files, layout, &mut statistics).await?;
    }
    Ok(statistics)
}

async fn bounds(
    snapshot: &Snapshot,
    files: &UInt64Array,
    layout: &Layout,
    statistics: &mut Statistics,
) -> Result<()> {
    let log = snapshot.log.log();
    let bounded: Vec<(usize, usize)> = layout
        .projection
        .iter()
        .map(|column| (*column, layout.positions[*column]))
        .filter(|(_, position)| !log.columns.partitioned_by.contains(position))
        .filter(|(_, position)| is_uncut(log.columns.physical.field(*position).data_type()))
        .collect();
    let positions: Vec<usize> = bounded.iter().map(|(_, position)| *position).collect();
    snapshot.load_statistics(&positions).await?;
    for (column, position) in bounded {
        if let Some(known) = log.files.statistics(position) {
            statistics.column_statistics[column] = ColumnStatistics {
                null_count: exact_sum(&take(&known.nulls, files, None)?),
                min_value: exact(
                    &take(&known.min, files, None)?,
                    SortOptions { descending: false, nulls_first: false },
                ),
                max_value: exact(
                    &take(&known.max, files, None)?,
                    SortOptions { descending: true, nulls_first: false },
                ),
                ..ColumnStatistics::new_unknown()
            };
        }
    }
    Ok(())
}

/// Types whose bounds writers note whole. Longer decimals went through doubles in some of them.
fn is_uncut(data_type: &DataType) -> bool {
    use DataType::{Date32, Decimal128, Int8, Int16, Int32, Int64};
    match data_type {
        Decimal128(precision, _) => *precision <= DIGITS_OF_DOUBLES,
        other => matches!(other, Int8 | Int16 | Int32 | Int64 | Date32),
    }
}

/// The first in order of all files' bounds; unknown if one file's is.
fn exact(bounds: &ArrayRef, order: SortOptions) -> Precision<ScalarValue> {
    let first = || {
        let place = sort_to_indices(bounds, Some(order), Some(1)).ok()?;
        let place = usize::try_from(*place.values().first()?).ok()?;
        ScalarValue::try_from_array(bounds, place).ok()
    };
    if bounds.null_count() > 0 {
        return Precision::Absent;
    }
    first().map_or(Precision::Absent, Precision::Exact)
}

fn exact_sum(counts: &ArrayRef) -> Precision<usize> {
    let counts = counts.as_primitive::<Int64Type>();
    match sum(counts).and_then(|count| usize::try_from(count).ok()) {
        Some(count) if counts.null_count() == 0 => Precision::Exact(count),
        _ => Precision::Absent,
    }
}
