//! What is copied of the rows that are let through, and that nothing else is.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use arrow::array::{StringViewArray, StringViewBuilder};

use super::*;

/// A long value in one place that many rows share, between NULLs and short values.
fn shared(rows: usize) -> StringViewArray {
    let mut builder = StringViewBuilder::new();
    let text = format!("{}{}", "a".repeat(100_000), "b".repeat(100_000));
    let block = builder.append_block(text.into_bytes().into());
    for row in 0..rows {
        match row % 4 {
            0 => builder.append_null(),
            1 => builder.append_value("short"),
            2 => builder.try_append_view(block, 0, 150_000).unwrap(),
            _ => builder.try_append_view(block, 50_000, 150_000).unwrap(),
        }
    }
    builder.finish()
}

#[test]
fn a_long_value_that_many_rows_share_is_copied_once() {
    let array = shared(2000);
    let batch = RecordBatch::try_from_iter([("text", Arc::new(array.clone()) as ArrayRef)]).unwrap();
    let compacted = compact(&batch).unwrap();
    let column = compacted.column(0).as_string_view();
    assert_eq!(column, &array);
    assert!(held(column) <= 2 * 150_000, "{}", held(column));
    assert!(bytes_to_copy(&batch) < 300_000);
    let shares = |buffer: &arrow::buffer::Buffer| {
        array.data_buffers().iter().any(|other| other.as_ptr() == buffer.as_ptr())
    };
    assert!(!column.data_buffers().iter().any(shares), "a buffer that other rows use");
}
