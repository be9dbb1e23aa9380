//! Which rows a vector deletes, and what it takes to find out.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use futures::executor::block_on;
use parquet::schema::types::{SchemaDescriptor, Type};

use super::*;

fn descriptor(rows: &[u64]) -> DeletionVectorDescriptor {
    let bitmap: RoaringTreemap = rows.iter().copied().collect();
    let mut bytes = MAGIC.to_le_bytes().to_vec();
    bitmap.serialize_into(&mut bytes).unwrap();
    let size = i32::try_from(bytes.len()).unwrap();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let cardinality = i64::try_from(rows.len()).unwrap();
    let text = z85::encode(&bytes);
    DeletionVectorDescriptor::try_new(DeletionVectorStorageType::Inline, text, None, size, cardinality)
        .unwrap()
}

fn selected(descriptor: &DeletionVectorDescriptor, rows: u64) -> Result<RowSelection, Error> {
    let mut memory = Budget::new(1 << 30).charge(0).unwrap();
    block_on(select(&inline(descriptor)?, descriptor, rows, &mut memory))
}

fn rows_read(deleted: &[u64], rows: u64) -> Vec<usize> {
    let descriptor = descriptor(deleted);
    let selection = selected(&descriptor, rows).unwrap();
    assert_eq!(selection.row_count() + selection.skipped_row_count(), usize::try_from(rows).unwrap());
    let mut read = Vec::new();
    let mut at = 0;
    for run in Vec::from(selection) {
        if !run.skip {
            read.extend(at..at + run.row_count);
        }
        at += run.row_count;
    }
    read
}

#[test]
fn deleted_rows_are_left_out_whether_few_or_many() {
    assert_eq!(rows_read(&[0, 2, 3, 7], 8), [1, 4, 5, 6]);
    assert_eq!(rows_read(&[0, 1, 2], 3), Vec::<usize>::new());
    let all_but: Vec<usize> = (0..100_000).filter(|row| ![0, 5, 99_999].contains(row)).collect();
    assert_eq!(rows_read(&[0, 5, 99_999], 100_000), all_but);
}

/// Footers of row groups with these numbers of rows.
fn row_groups(rows: &[i64]) -> Vec<RowGroupMetaData> {
    let root = Type::group_type_builder("schema").build().unwrap();
    let schema = Arc::new(SchemaDescriptor::new(Arc::new(root)));
    let group = |rows: &i64| RowGroupMetaData::builder(Arc::clone(&schema)).set_num_rows(*rows).build();
    rows.iter().map(|rows| group(rows).unwrap()).collect()
}

#[test]
fn row_groups_share_the_rows_of_their_file_among_them() {
    let deleted = [0, 3, 4, 5, 10, 11];
    let ranges = RowSelection::from_consecutive_ranges([1..3, 6..10].into_iter(), 12);
    let mask = RowSelection::from_boolean_buffer(block_on(mask(&deleted.into_iter().collect(), 12)));
    for kept in [ranges, mask] {
        let divided = kept_in_row_groups(&kept, &row_groups(&[3, 3, 4, 2])).unwrap();
        let [first, second, third, fourth] = divided.inner() else { unreachable!() };
        let RowGroupAccess::Selection(first) = first else { unreachable!() };
        assert_eq!((first.row_count(), first.skipped_row_count()), (2, 1));
        assert_eq!(
            [second, third, fourth],
            [&RowGroupAccess::Skip, &RowGroupAccess::Scan, &RowGroupAccess::Skip]
        );
        for other in [&[3, 3, 4][..], &[3, 3, 4, 2, 1], &[13], &[]] {
            assert!(kept_in_row_groups(&kept, &row_groups(other)).is_err());
        }
    }
}

#[test]
fn a_vector_that_does_not_fit_its_file_is_refused() {
    let beyond = descriptor(&[3]);
    assert!(selected(&beyond, 3).is_err());
    let mut miscounted = descriptor(&[1, 2]);
    miscounted.cardinality = 3;
    assert!(selected(&miscounted, 10).is_err());
}

#[test]
fn an_inline_vector_with_flipped_bytes_is_refused_or_still_a_bitmap_but_never_a_panic() {
    let good = descriptor(&[1, 2, 70_000, 5_000_000_000]);
    let bytes = z85::decode(&good.path_or_inline_dv).unwrap();
    for position in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[position] ^= 0x55;
        let mut descriptor = good.clone();
        descriptor.path_or_inline_dv = z85::encode(&flipped);
        let _ = selected(&descriptor, 6_000_000_000);
    }
}

#[test]
fn a_vector_of_four_billion_deleted_rows_takes_as_many_steps_as_it_has_runs() {
    let mut deleted = RoaringTreemap::new();
    deleted.insert_range(0..MOST_ROWS);
    deleted.remove(12_345);
    assert_eq!(runs(&deleted).count(), 2);
    let few = block_on(kept_ranges(&deleted, usize::try_from(MOST_ROWS).unwrap(), 10));
    assert_eq!(few, Some(Vec::from_iter(std::iter::once(12_345..12_346))));
}

#[test]
fn a_mask_for_which_there_is_no_memory_is_refused_before_it_is_made() {
    let deleted: Vec<u64> = (0..100_000).step_by(2).collect();
    let descriptor = descriptor(&deleted);
    let mut memory = Budget::new(1000).charge(0).unwrap();
    let answer = block_on(select(&inline(&descriptor).unwrap(), &descriptor, 100_000, &mut memory));
    assert_eq!(answer.unwrap_err().kind(), crate::error::ErrorKind::ResourceExhausted);
}
