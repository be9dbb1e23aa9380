//! That messages are cut by the visible rows alone, lose nothing and share nothing.

#![expect(clippy::unwrap_used, reason = "a test that cannot build its input should stop")]

use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};

use super::*;

fn numbers(range: std::ops::Range<i64>) -> RecordBatch {
    let texts = range.clone().map(|number| Some("x".repeat(usize::try_from(number % 50).unwrap())));
    RecordBatch::try_from_iter_with_nullable([
        ("number", Arc::new(Int64Array::from_iter_values(range.clone())) as _, true),
        ("text", Arc::new(texts.collect::<StringArray>()) as _, true),
        ("odd", Arc::new(range.map(|number| Some(number % 2 == 1)).collect::<BooleanArray>()) as _, true),
    ])
    .unwrap()
}

fn messages_of(batches: Vec<RecordBatch>, max_bytes: usize) -> Vec<RecordBatch> {
    let mut rechunker = Rechunker::new(batches[0].schema());
    rechunker.max_bytes = max_bytes;
    let mut messages = Vec::new();
    for batch in batches {
        rechunker.push(batch);
        while let Some(message) = rechunker.next_full().unwrap() {
            messages.push(message);
        }
    }
    while let Some(message) = rechunker.next_rest().unwrap() {
        messages.push(message);
    }
    messages
}

fn rows(messages: &[RecordBatch]) -> Vec<usize> {
    messages.iter().map(RecordBatch::num_rows).collect()
}

fn split(batch: &RecordBatch, lengths: impl IntoIterator<Item = usize>) -> Vec<RecordBatch> {
    let mut parts = Vec::new();
    let mut start = 0;
    for length in lengths {
        let length = length.min(batch.num_rows() - start);
        parts.push(batch.slice(start, length));
        start += length;
    }
    parts.push(batch.slice(start, batch.num_rows() - start));
    parts
}

#[test]
fn how_rows_arrive_does_not_show_in_the_messages() {
    let whole = numbers(0..100_000);
    for max_bytes in [MAX_BYTES, 20_000] {
        let expected = messages_of(vec![whole.clone()], max_bytes);
        for parts in [
            split(&whole, vec![1; 3000]),
            split(&whole, vec![8192; 12]),
            split(&whole, (0..400).map(|step| step * 7 % 613)),
            split(&whole, [0, 99_999]),
        ] {
            assert_eq!(rows(&messages_of(parts, max_bytes)), rows(&expected), "{max_bytes}");
        }
    }
}

#[test]
fn no_row_is_lost_doubled_or_moved() {
    let whole = numbers(0..50_000);
    let messages = messages_of(split(&whole, (0..300).map(|step| step * 11 % 401)), 100_000);
    assert!(messages.len() > 10);
    assert_eq!(concat_batches(&whole.schema(), &messages).unwrap(), whole);
}

#[test]
fn a_message_keeps_to_its_bytes_unless_one_row_is_larger() {
    let texts = ["a", &"b".repeat(5000), "c", &"d".repeat(900), &"e".repeat(200)];
    let batch =
        RecordBatch::try_from_iter([("text", Arc::new(StringArray::from(texts.to_vec())) as _)]).unwrap();
    let messages = messages_of(vec![batch], 1000);
    assert_eq!(rows(&messages), [1, 1, 2, 1]);
}

#[test]
fn rows_per_message_follow_from_the_schema() {
    let of = |types: Vec<DataType>| {
        let fields: Vec<Field> =
            types.into_iter().map(|data_type| Field::new("column", data_type, true)).collect();
        rows_per_message(&Arc::new(Schema::new(fields)))
    };
    assert_eq!(of(vec![DataType::Int64]), MAX_ROWS);
    assert_eq!(of(vec![DataType::Int64; 16]), 8192);
    assert_eq!(of(vec![DataType::Utf8; 500]), MIN_ROWS);
    assert_eq!(of(vec![]), MAX_ROWS);
}

#[test]
fn a_message_that_ends_inside_a_byte_carries_no_bits_of_its_neighbours() {
    let bits = BooleanArray::from(vec![false, false, false, true, true, true, true, true]);
    let neighbours = RecordBatch::try_from_iter([("bit", Arc::new(bits) as _)]).unwrap();
    let messages = messages_of(vec![neighbours.slice(0, 3)], MAX_BYTES);
    let stored = messages[0].column(0).as_boolean().values().inner().as_slice()[0];
    assert_eq!(stored, 0);
}

#[test]
fn a_full_batch_of_whole_bytes_is_passed_on_without_a_copy() {
    let batch =
        RecordBatch::try_from_iter([("number", Arc::new(Int64Array::from_iter_values(0..8)) as _)]).unwrap();
    let address = |batch: &RecordBatch| batch.column(0).as_primitive::<Int64Type>().values().as_ptr();
    let messages = messages_of(vec![batch.clone()], MAX_BYTES);
    assert_eq!(address(&messages[0]), address(&batch));
}

#[test]
fn rows_without_columns_are_counted() {
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(MAX_ROWS + 5));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options).unwrap();
    assert_eq!(rows(&messages_of(vec![batch], MAX_BYTES)).iter().sum::<usize>(), MAX_ROWS + 5);
}

#[test]
fn a_row_that_fits_into_no_message_is_refused() {
    let row = |bytes: usize| {
        let text = StringArray::from(vec!["x".repeat(bytes)]);
        RecordBatch::try_from_iter([("text", Arc::new(text) as _)]).unwrap()
    };
    let outcome_of = |batch: RecordBatch| {
        let mut rechunker = Rechunker::new(batch.schema());
        rechunker.push(batch);
        rechunker.next_rest()
    };
    assert!(outcome_of(row(MAX_BYTES * 2)).is_ok());
    assert_eq!(outcome_of(row(MAX_ROW_BYTES)).unwrap_err().kind(), ErrorKind::ResourceExhausted);
}
