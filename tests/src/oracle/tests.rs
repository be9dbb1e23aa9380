//! The oracle against tables written by hand: an oracle that is wrong in the same way as the server would prove nothing.

#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array, Float64Array,
    Int64Array, StringArray, StringViewArray, StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Int32Type};

use super::*;

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
        .unwrap()
}

#[track_caller]
fn table(batch: &RecordBatch, expectations: &[(&str, &[usize])]) {
    for (filter, rows) in expectations {
        let shown = shown_rows(filter, batch).unwrap();
        let numbers: Vec<usize> = (0..shown.len()).filter(|row| shown[*row]).collect();
        assert_eq!(numbers, *rows, "{filter}");
    }
}

#[test]
fn text_is_compared_by_bytes_in_every_layout() {
    let values = vec![Some("US"), Some("us"), None, Some("Uü"), Some(""), Some("a\nb")];
    let layouts: [ArrayRef; 3] = [
        Arc::new(StringArray::from(values.clone())),
        Arc::new(StringViewArray::from(values.clone())),
        Arc::new(values.into_iter().collect::<DictionaryArray<Int32Type>>()),
    ];
    for array in layouts {
        table(
            &batch(vec![("c", array)]),
            &[
                ("c = 'US'", &[0]),
                ("c <> 'US'", &[1, 3, 4, 5]),
                ("NOT (c = 'US' OR c IS NULL)", &[1, 3, 4, 5]),
                ("c NOT IN ('US', 'us')", &[3, 4, 5]),
                ("c LIKE 'U_'", &[0, 3]),
                ("c LIKE 'a_b'", &[5]),
                ("c LIKE '%'", &[0, 1, 3, 4, 5]),
                ("c NOT LIKE '%U%'", &[1, 4, 5]),
                ("c BETWEEN 'Z' AND 'U'", &[]),
                ("c IS NULL OR c = ''", &[2, 4]),
                ("c = 'x' OR c = 'us' AND c = 'x'", &[]),
                ("(c = 'US' OR c = 'us') AND c = 'us'", &[1]),
                (" TRUE ", &[0, 1, 2, 3, 4, 5]),
            ],
        );
    }
}

#[test]
fn numbers_are_compared_exactly() {
    let cents =
        Decimal128Array::from(vec![Some(9999), Some(10_000), Some(-1), None]).with_precision_and_scale(12, 2);
    let batch = batch(vec![
        ("amount", Arc::new(cents.unwrap())),
        ("id", Arc::new(Int64Array::from(vec![Some(i64::MIN), Some(0), Some(i64::MAX), None]))),
    ]);
    table(
        &batch,
        &[
            ("amount > 99.995", &[1]),
            ("amount < 99.995", &[0, 2]),
            ("amount <> 99.995", &[0, 1, 2]),
            ("amount IN (99.990, 100)", &[0, 1]),
            ("amount > -0.005", &[0, 1]),
            ("id <= 9223372036854775808", &[0, 1, 2]),
            ("id BETWEEN -1 AND 007", &[1]),
        ],
    );
}

#[test]
fn floats_have_one_zero_and_nan_is_unknown() {
    let scores = vec![Some(-0.0), Some(0.0), Some(f64::NAN), None, Some(0.5)];
    let single = scores.iter().map(|score| score.map(|score| score as f32)).collect::<Vec<_>>();
    for array in [Arc::new(Float64Array::from(scores)) as ArrayRef, Arc::new(Float32Array::from(single))] {
        table(
            &batch(vec![("s", array)]),
            &[
                ("s = 0", &[0, 1]),
                ("s <> 0", &[4]),
                ("s < 0", &[]),
                ("s >= 0", &[0, 1, 4]),
                ("NOT s > 0", &[0, 1]),
                ("s IS NOT NULL", &[0, 1, 2, 4]),
            ],
        );
    }
}

#[test]
fn dates_and_booleans_take_their_own_constants_only() {
    let batch = batch(vec![
        ("d", Arc::new(Date32Array::from(vec![Some(0), Some(19_782), Some(-719_162)]))),
        ("b", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
    ]);
    table(
        &batch,
        &[
            ("d = '1970-01-01'", &[0]),
            ("d = '2024-02-29'", &[1]),
            ("d = '0001-01-01'", &[2]),
            ("b <> TRUE", &[1]),
        ],
    );
    for filter in ["d = '2023-02-29'", "d = '2024-2-29'", "d = 0", "b = 'true'", "b > false", "b LIKE 't'"] {
        assert_eq!(shown_rows(filter, &batch), Err(OracleError::Mismatch), "{filter}");
    }
}

#[test]
fn fields_of_a_null_struct_are_null() {
    let id: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let fields = vec![Field::new("Id", DataType::Int64, true)].into();
    let valid = NullBuffer::from(vec![true, false]);
    let customer = StructArray::try_new(fields, vec![id], Some(valid)).unwrap();
    let batch = batch(vec![("Customer", Arc::new(customer))]);
    table(&batch, &[("customer.id > 0", &[0]), ("\"CUSTOMER\".\"ID\" IS NULL", &[1])]);
}

#[test]
fn what_has_no_single_meaning_has_no_answer() {
    let batch = batch(vec![
        ("a", Arc::new(Int64Array::from(vec![1]))),
        ("A", Arc::new(Int64Array::from(vec![1]))),
        ("t", Arc::new(TimestampMicrosecondArray::from(vec![1]))),
        ("s", Arc::new(StringArray::from(vec!["x"]))),
        ("f", Arc::new(Float32Array::from(vec![0.1]))),
    ]);
    for (filter, error) in [
        ("", OracleError::Syntax),
        ("1 = 1", OracleError::Syntax),
        ("s = 'x' -- y", OracleError::Syntax),
        ("upper(s) = 'X'", OracleError::Syntax),
        (r"s LIKE '\%'", OracleError::Syntax),
        ("s IN ('x', NULL)", OracleError::Syntax),
        ("f = 1e5", OracleError::Syntax),
        ("f = 1-1", OracleError::Syntax),
        ("f = 1OR f = 2", OracleError::Syntax),
        ("a = 1", OracleError::Column),
        ("missing = 1", OracleError::Column),
        ("t = '2024-01-01'", OracleError::Type),
        ("s = 1", OracleError::Mismatch),
        ("f = 0.1", OracleError::Mismatch),
        ("s = 'x' OR s = 1", OracleError::Mismatch),
    ] {
        assert_eq!(shown_rows(filter, &batch), Err(error), "{filter}");
    }
}
