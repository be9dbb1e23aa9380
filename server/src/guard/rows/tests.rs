//! Truth tables: filter, column, and which rows are shown. Written out by hand; nothing here computes what is expected.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

mod cells;
mod examples;
mod refusals;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray,
    Float32Array, Float64Array, Int8Array, Int32Array, Int64Array, LargeStringArray, ListArray, StringArray,
    StringViewArray, StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, Int32Type, SchemaRef};
use datafusion::common::DFSchema;
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::physical_expr::create_physical_expr;

use super::*;
use crate::access::filter::{self, ParsedFilter};

fn row_filter(text: &str) -> RowFilter {
    match filter::parse(text) {
        Ok(ParsedFilter::Rows(filter)) => filter,
        Ok(ParsedFilter::AllRows) => panic!("{text} hides nothing"),
        Err(error) => panic!("{text}: {error}"),
    }
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
        .unwrap()
}

/// A batch of one column, whose rows are numbered by a second one.
fn numbered(name: &str, array: ArrayRef) -> RecordBatch {
    let count = i32::try_from(array.len()).unwrap();
    batch(vec![(name, array), ("row", Arc::new(Int32Array::from_iter_values(0..count)))])
}

/// The numbers of the rows that a filter shows. Checks on the way that pruning would keep each of them.
fn shown(text: &str, batch: &RecordBatch) -> Vec<i32> {
    let policy =
        RowPolicy::compile(Some(&row_filter(text)), &[], batch.schema_ref()).unwrap_or_else(|error| {
            panic!("{text}: {error}");
        });
    let rows = rows_of(&policy.apply(batch, None).unwrap());
    let kept_by_pruning = rows_of(&prune(&policy, batch));
    assert!(rows.iter().all(|row| kept_by_pruning.contains(row)), "{text}: pruning loses a shown row");
    rows
}

fn rows_of(batch: &RecordBatch) -> Vec<i32> {
    batch.column_by_name("row").unwrap().as_primitive::<Int32Type>().values().to_vec()
}

fn prune(policy: &RowPolicy, batch: &RecordBatch) -> RecordBatch {
    let schema = DFSchema::try_from(batch.schema_ref().as_ref().clone()).unwrap();
    let (properties, planning) = (ExecutionProps::new(), PhysicalPlanningContext::default());
    let condition =
        create_physical_expr(&policy.pruning_expr().unwrap(), &schema, &properties, &planning).unwrap();
    let verdict = condition.evaluate(batch).unwrap().into_array(batch.num_rows()).unwrap();
    filter_record_batch(batch, verdict.as_boolean()).unwrap()
}

fn refusal(text: &str, schema: &SchemaRef) -> Option<RowPolicyError> {
    RowPolicy::compile(Some(&row_filter(text)), &[], schema).err()
}

#[track_caller]
fn table(batch: &RecordBatch, expectations: &[(&str, &[i32])]) {
    for (text, rows) in expectations {
        assert_eq!(shown(text, batch), *rows, "{text}");
    }
}

const COUNTRIES: [Option<&str>; 8] =
    [Some("US"), Some("us"), Some("US "), Some("CA"), None, Some(""), Some("United Kingdom"), Some("Uü")];

const TEXT_EXPECTATIONS: [(&str, &[i32]); 19] = [
    ("country = 'US'", &[0]),
    ("country <> 'US'", &[1, 2, 3, 5, 6, 7]),
    ("NOT country = 'US'", &[1, 2, 3, 5, 6, 7]),
    ("country IN ('US', 'CA', 'MX')", &[0, 3]),
    ("NOT (country IN ('US', 'CA'))", &[1, 2, 5, 6, 7]),
    ("country NOT IN ('US')", &[1, 2, 3, 5, 6, 7]),
    ("country IS NULL", &[4]),
    ("country IS NOT NULL", &[0, 1, 2, 3, 5, 6, 7]),
    ("country LIKE 'U_'", &[0, 7]),
    ("country LIKE '%ited%'", &[6]),
    ("country LIKE 'U%'", &[0, 2, 6, 7]),
    ("country LIKE '%'", &[0, 1, 2, 3, 5, 6, 7]),
    ("country LIKE ''", &[5]),
    ("country LIKE 'u%'", &[1]),
    ("country NOT LIKE 'U%'", &[1, 3, 5]),
    ("country >= 'CA' AND country < 'US '", &[0, 3]),
    ("country BETWEEN 'CA' AND 'US'", &[0, 3]),
    ("country BETWEEN 'Z' AND 'U'", &[]),
    ("country = 'US' OR country IS NULL", &[0, 4]),
];

#[test]
fn text_compares_the_same_in_every_layout() {
    let dictionary = DictionaryArray::<arrow::datatypes::UInt16Type>::from_iter(COUNTRIES);
    let layouts: [ArrayRef; 4] = [
        Arc::new(StringArray::from(COUNTRIES.to_vec())),
        Arc::new(LargeStringArray::from(COUNTRIES.to_vec())),
        Arc::new(StringViewArray::from(COUNTRIES.to_vec())),
        Arc::new(dictionary),
    ];
    for array in layouts {
        table(&numbered("country", array), &TEXT_EXPECTATIONS);
    }
}

#[test]
fn a_dictionary_may_hold_null_among_its_values() {
    let keys = Int32Array::from(vec![Some(0), Some(1), None]);
    let values = Arc::new(StringArray::from(vec![Some("US"), None]));
    let array = DictionaryArray::<Int32Type>::try_new(keys, values).unwrap();
    table(
        &numbered("country", Arc::new(array)),
        &[("country = 'US'", &[0]), ("country <> 'US'", &[]), ("country IS NULL", &[1, 2])],
    );
}

#[test]
fn a_batch_may_have_another_layout_than_the_policy_was_compiled_for() {
    let planned = numbered("country", Arc::new(StringArray::from(COUNTRIES.to_vec())));
    let policy =
        RowPolicy::compile(Some(&row_filter("country LIKE 'U_'")), &[], planned.schema_ref()).unwrap();
    for layout in [
        DataType::Utf8View,
        DataType::LargeUtf8,
        DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8View)),
    ] {
        let delivered = numbered("country", cast(planned.column(0), &layout).unwrap());
        assert_eq!(rows_of(&policy.apply(&delivered, None).unwrap()), [0, 7], "{layout}");
    }
}

#[test]
fn a_batch_of_another_schema_is_an_error_and_shows_nothing() {
    let planned = numbered("country", Arc::new(StringArray::from(vec!["US"])));
    let policy = RowPolicy::compile(Some(&row_filter("country = 'US'")), &[], planned.schema_ref()).unwrap();
    let renamed = numbered("city", Arc::new(StringArray::from(vec!["US"])));
    let retyped = numbered("country", Arc::new(Int32Array::from(vec![1])));
    let missing = RecordBatch::new_empty(Arc::new(Schema::empty()));
    for other in [renamed, retyped, missing] {
        let error = policy.apply(&other, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert_eq!(error.public_text(), "internal error");
    }
}

#[test]
fn characters_of_several_bytes_are_one_character_to_a_pattern() {
    let names = vec!["ü", "u\u{308}", "日本", "\u{1f600}", "a\nb", "a.b", "a%b", "[x]", "ab"];
    let batch = numbered("name", Arc::new(StringViewArray::from(names)));
    table(
        &batch,
        &[
            ("name LIKE '_'", &[0, 3]),
            ("name LIKE '__'", &[1, 2, 8]),
            ("name LIKE '日_'", &[2]),
            ("name LIKE 'a_b'", &[4, 5, 6]),
            ("name LIKE 'a.b'", &[5]),
            ("name LIKE '[x]'", &[7]),
            ("name LIKE 'a%b'", &[4, 5, 6, 8]),
            ("name LIKE '%_b'", &[4, 5, 6, 8]),
            ("name LIKE '%%'", &[0, 1, 2, 3, 4, 5, 6, 7, 8]),
        ],
    );
}

#[test]
fn integers_compare_exactly_up_to_and_beyond_their_bounds() {
    let batch = numbered(
        "id",
        Arc::new(Int64Array::from(vec![Some(i64::MIN), Some(-1), Some(0), Some(i64::MAX), None])),
    );
    table(
        &batch,
        &[
            ("id = 9223372036854775807", &[3]),
            ("id < 9223372036854775807", &[0, 1, 2]),
            ("id = -9223372036854775808", &[0]),
            ("id < 9223372036854775808", &[0, 1, 2, 3]),
            ("id <= 99999999999999999999", &[0, 1, 2, 3]),
            ("id > 9223372036854775808", &[]),
            ("NOT id > 9223372036854775808", &[0, 1, 2, 3]),
            ("id > -9223372036854775809", &[0, 1, 2, 3]),
            ("id < -9223372036854775809", &[]),
            ("id <> 99999999999999999999", &[0, 1, 2, 3]),
            ("NOT id <> 99999999999999999999", &[]),
            ("NOT id < 9223372036854775808", &[]),
            ("id = 99999999999999999999", &[]),
            ("id IN (99999999999999999999, 0)", &[2]),
            ("id IN (99999999999999999999)", &[]),
            ("id NOT IN (99999999999999999999)", &[0, 1, 2, 3]),
            ("id BETWEEN -1 AND 99999999999999999999", &[1, 2, 3]),
            ("id BETWEEN 5 AND 1", &[]),
            ("id NOT BETWEEN 0 AND 1", &[0, 1, 3]),
        ],
    );
    let small = numbered("id", Arc::new(Int8Array::from(vec![Some(-128), Some(127), None])));
    table(&small, &[("id < 128", &[0, 1]), ("id >= 127", &[1]), ("id > 127", &[]), ("id = -128", &[0])]);
}

#[test]
fn decimals_compare_exactly_near_the_bound() {
    let cents = Decimal128Array::from(vec![Some(9999), Some(10_000), Some(0), Some(-1), Some(110), None])
        .with_precision_and_scale(12, 2)
        .unwrap();
    table(
        &numbered("amount", Arc::new(cents)),
        &[
            ("amount > 99.995", &[1]),
            ("amount >= 99.995", &[1]),
            ("amount < 99.995", &[0, 2, 3, 4]),
            ("amount <= 99.99", &[0, 2, 3, 4]),
            ("amount = 99.995", &[]),
            ("amount <> 99.995", &[0, 1, 2, 3, 4]),
            ("NOT amount = 99.995", &[0, 1, 2, 3, 4]),
            ("amount BETWEEN 0 AND 100", &[0, 1, 2, 4]),
            ("amount BETWEEN 99.985 AND 99.995", &[0]),
            ("amount = 1.1", &[4]),
            ("amount = 1.100", &[4]),
            ("amount > -0.005", &[0, 1, 2, 4]),
            ("amount < -0.005", &[3]),
            ("amount <= -0.015", &[]),
            ("amount IN (1.10, 100, 99.995)", &[1, 4]),
            ("amount IN (99.995)", &[]),
            ("amount < 99999999999999999999999999999999999999", &[0, 1, 2, 3, 4]),
            ("amount > -99999999999999999999999999999999999999", &[0, 1, 2, 3, 4]),
            ("amount > 9999999999.99", &[]),
            ("amount >= 9999999999.995", &[]),
            ("amount <= 9999999999.995", &[0, 1, 2, 3, 4]),
        ],
    );
}

#[test]
fn zeros_are_one_number_and_nan_shows_nothing() {
    let scores = [
        Some(-0.0),
        Some(0.0),
        Some(1.5),
        Some(-1.5),
        Some(f64::NAN),
        Some(-f64::NAN),
        None,
        Some(f64::INFINITY),
    ];
    let expectations: [(&str, &[i32]); 17] = [
        ("score = 0", &[0, 1]),
        ("score <> 0", &[2, 3, 7]),
        ("score < 0", &[3]),
        ("score <= 0", &[0, 1, 3]),
        ("score > 0", &[2, 7]),
        ("score >= 0", &[0, 1, 2, 7]),
        ("score = -0.0", &[0, 1]),
        ("score IN (0, 1.5)", &[0, 1, 2]),
        ("score NOT IN (0)", &[2, 3, 7]),
        ("score BETWEEN 0 AND 0", &[0, 1]),
        ("score >= -1.5", &[0, 1, 2, 3, 7]),
        ("NOT score > 1.5", &[0, 1, 2, 3]),
        ("NOT score < 1.5", &[2, 7]),
        ("score > 100", &[7]),
        ("score IS NULL", &[6]),
        ("score IS NOT NULL", &[0, 1, 2, 3, 4, 5, 7]),
        ("score > 100 OR score IS NOT NULL", &[0, 1, 2, 3, 4, 5, 7]),
    ];
    table(&numbered("score", Arc::new(Float64Array::from(scores.to_vec()))), &expectations);
    let single: Vec<Option<f32>> = scores.iter().map(|score| score.map(|score| score as f32)).collect();
    table(&numbered("score", Arc::new(Float32Array::from(single))), &expectations);
}

#[test]
fn a_float_column_refuses_a_constant_that_it_cannot_hold() {
    let float = numbered("score", Arc::new(Float32Array::from(vec![0.1]))).schema();
    for text in [
        "score = 0.1",
        "score > 16777217",
        "score IN (1, 0.3)",
        "score < 0.0000000000000000000000000000000000001",
    ] {
        assert_eq!(refusal(text, &float), Some(RowPolicyError::InexactFloat), "{text}");
    }
    for text in ["score = 0.5", "score > 16777216", "score < -1.25", "score = 10", "score = 100.0"] {
        assert_eq!(refusal(text, &float), None, "{text}");
    }
    let double = numbered("score", Arc::new(Float64Array::from(vec![Some(0.1), Some(0.3), None])));
    table(&double, &[("score = 0.1", &[0]), ("score > 0.1", &[1])]);
}

#[test]
fn booleans_are_compared_with_booleans() {
    let batch = numbered("active", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])));
    table(
        &batch,
        &[
            ("active = true", &[0]),
            ("active = FALSE", &[1]),
            ("active <> true", &[1]),
            ("NOT active = true", &[1]),
            ("active IN (true, false)", &[0, 1]),
            ("active NOT IN (true)", &[1]),
            ("active IS NULL", &[2]),
        ],
    );
    let schema = batch.schema();
    assert_eq!(refusal("active = 'true'", &schema), Some(RowPolicyError::ConstantType));
    assert_eq!(refusal("active = 1", &schema), Some(RowPolicyError::ConstantType));
    assert_eq!(refusal("active > false", &schema), Some(RowPolicyError::Operator));
    assert_eq!(refusal("active BETWEEN false AND true", &schema), Some(RowPolicyError::Operator));
    assert_eq!(refusal("active LIKE 't%'", &schema), Some(RowPolicyError::Operator));
}

#[test]
fn dates_take_iso_text_and_nothing_else() {
    let days = Date32Array::from(vec![Some(0), Some(19_723), Some(-719_162), None]);
    let batch = numbered("day", Arc::new(days));
    table(
        &batch,
        &[
            ("day = '1970-01-01'", &[0]),
            ("day >= '2024-01-01'", &[1]),
            ("day = '0001-01-01'", &[2]),
            ("day IN ('1970-01-01', '2024-01-01')", &[0, 1]),
            ("day <> '1970-01-01'", &[1, 2]),
            ("day BETWEEN '1970-01-01' AND '2024-02-29'", &[0, 1]),
        ],
    );
    let schema = batch.schema();
    for text in [
        "2024-1-01",
        "2024-01-01 ",
        "2024-02-30",
        "2023-02-29",
        "2024/01/01",
        "20240101",
        "0000-01-01",
        "+024-01-01",
        "2024-01-01T00:00:00",
        "today",
        "",
        "２０２４-01-01",
    ] {
        assert_eq!(refusal(&format!("day = '{text}'"), &schema), Some(RowPolicyError::Date), "{text}");
    }
    assert_eq!(refusal("day = 19723", &schema), Some(RowPolicyError::ConstantType));
}

#[test]
fn null_is_unknown_in_every_connective() {
    let letters = [Some("t"), Some("f"), None];
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for a in letters {
        for b in letters {
            left.push(a);
            right.push(b);
        }
    }
    // Rows: tt tf tn ft ff fn nt nf nn.
    let batch = batch(vec![
        ("a", Arc::new(StringArray::from(left))),
        ("b", Arc::new(StringArray::from(right))),
        ("row", Arc::new(Int32Array::from_iter_values(0..9))),
    ]);
    table(
        &batch,
        &[
            ("a = 't' AND b = 't'", &[0]),
            ("a = 't' OR b = 't'", &[0, 1, 2, 3, 6]),
            ("NOT (a = 't' AND b = 't')", &[1, 3, 4, 5, 7]),
            ("NOT (a = 't' OR b = 't')", &[4]),
            ("NOT NOT a = 't'", &[0, 1, 2]),
            ("NOT (a = 't' OR b IS NULL)", &[3, 4]),
            ("a = 't' AND NOT b = 't'", &[1]),
            ("a IS NULL AND b IS NULL", &[8]),
            ("a IN ('t', 'f') AND b NOT IN ('f')", &[0, 3]),
        ],
    );
}

fn customers() -> RecordBatch {
    let address = StructArray::from(vec![(
        Arc::new(Field::new("Zip", DataType::Utf8, true)),
        Arc::new(StringArray::from(vec![Some("90210"), Some("10001"), Some("90000"), None])) as ArrayRef,
    )]);
    let fields = Fields::from(vec![
        Field::new("CustomerId", DataType::Int64, true),
        Field::new("address", address.data_type().clone(), true),
    ]);
    let children: Vec<ArrayRef> =
        vec![Arc::new(Int64Array::from(vec![Some(1), Some(2), Some(3), None])), Arc::new(address)];
    // The third struct is NULL although its fields have bytes.
    let valid = NullBuffer::from(vec![true, true, false, true]);
    let customer = StructArray::try_new(fields, children, Some(valid)).unwrap();
    numbered("customer", Arc::new(customer))
}

#[test]
fn a_field_of_a_null_struct_is_null_whatever_stands_below_it() {
    table(
        &customers(),
        &[
            ("customer.customerid <> 1", &[1]),
            ("customer.customerid >= 1", &[0, 1]),
            ("customer.customerid IN (1, 3)", &[0]),
            ("\"customer\".\"address\".\"zip\" LIKE '9%'", &[0]),
            ("customer.address.zip IS NULL", &[2, 3]),
            ("customer.customerid IS NOT NULL", &[0, 1]),
            ("NOT customer.customerid = 3", &[0, 1]),
        ],
    );
}

#[test]
fn long_lists_and_long_chains_are_evaluated() {
    let count = 1000;
    let batch = numbered("id", Arc::new(Int32Array::from_iter_values(0..count)));
    let list = (0..400).map(|value| (value * 2).to_string()).collect::<Vec<_>>().join(",");
    let expected: Vec<i32> = (0..400).map(|value| value * 2).collect();
    assert_eq!(shown(&format!("id IN ({list})"), &batch), expected);

    let chain = (0..150).map(|value| format!("id = {value}")).collect::<Vec<_>>().join(" OR ");
    assert_eq!(shown(&chain, &batch), (0..150).collect::<Vec<_>>());
}

#[test]
fn an_empty_batch_stays_empty() {
    let batch = numbered("id", Arc::new(Int32Array::from(Vec::<i32>::new())));
    assert_eq!(shown("id = 1 OR id IS NULL", &batch), Vec::<i32>::new());
}
