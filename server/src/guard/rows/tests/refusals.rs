//! What a policy refuses to compile, and that neither a refusal nor a result tells of hidden things.

use std::collections::HashMap;

use super::*;

#[test]
fn names_are_found_in_any_ascii_case_and_only_if_there_is_one_reading() {
    let schema = |names: &[&str]| {
        Arc::new(Schema::new(
            names.iter().map(|name| Field::new(*name, DataType::Int64, true)).collect::<Vec<_>>(),
        ))
    };
    assert_eq!(refusal("ID = 1", &schema(&["Id"])), None);
    assert_eq!(refusal("\"iD\" = 1", &schema(&["other", "id"])), None);
    assert_eq!(refusal("id = 1", &schema(&["Id", "iD"])), Some(RowPolicyError::AmbiguousColumn));
    assert_eq!(refusal("id = 1", &schema(&["ids", "i"])), Some(RowPolicyError::UnknownColumn));
    // U+0131 and U+212A fold to i and k in Unicode, and must not here.
    assert_eq!(refusal("id = 1", &schema(&["\u{131}d"])), Some(RowPolicyError::UnknownColumn));
    assert_eq!(refusal("k = 1", &schema(&["\u{212a}"])), Some(RowPolicyError::UnknownColumn));
    assert_eq!(refusal("\"Ä\" = 1", &schema(&["ä"])), Some(RowPolicyError::UnknownColumn));
    // A point in a name gives a second reading.
    assert_eq!(refusal("\"a.b\" = 1", &schema(&["a.b"])), None);
    assert_eq!(refusal("a.b = 1", &schema(&["a.b"])), Some(RowPolicyError::UnknownColumn));
    let child = Field::new("b", DataType::Int64, true);
    let nested = Field::new("a", DataType::Struct(vec![child].into()), true);
    let both = Arc::new(Schema::new(vec![nested.clone(), Field::new("A.B", DataType::Int64, true)]));
    assert_eq!(refusal("a.b = 1", &both), Some(RowPolicyError::AmbiguousColumn));
    assert_eq!(refusal("\"a.b\" = 1", &both), Some(RowPolicyError::AmbiguousColumn));
    let only_nested = Arc::new(Schema::new(vec![nested]));
    assert_eq!(refusal("a.b = 1", &only_nested), None);
    assert_eq!(refusal("\"a.b\" = 1", &only_nested), Some(RowPolicyError::UnknownColumn));
    assert_eq!(refusal("a.c = 1", &only_nested), Some(RowPolicyError::UnknownColumn));
}

#[test]
fn constants_of_another_type_are_refused_never_converted() {
    let text = numbered("c", Arc::new(StringArray::from(vec!["1"]))).schema();
    let whole = numbered("c", Arc::new(Int64Array::from(vec![1]))).schema();
    let decimal = numbered("c", Arc::new(Decimal128Array::from(vec![1]))).schema();
    let float = numbered("c", Arc::new(Float64Array::from(vec![1.0]))).schema();
    for (schema, filters) in [
        (&text, ["c = 1", "c = 1.0", "c = true", "c IN ('1', 1)", "c BETWEEN '1' AND 2"]),
        (&whole, ["c = '1'", "c = 1.0", "c = true", "c IN (1, '1')", "c BETWEEN 1 AND '2'"]),
        (&decimal, ["c = '1'", "c > '1.0'", "c = true", "c IN (1, '1')", "c BETWEEN 1 AND '2'"]),
        (&float, ["c = '1'", "c > '1.0'", "c = true", "c IN (1, '1')", "c BETWEEN 1 AND '2'"]),
    ] {
        for filter in filters {
            assert_eq!(refusal(filter, schema), Some(RowPolicyError::ConstantType), "{filter}");
        }
    }
    assert_eq!(refusal("c LIKE '1'", &whole), Some(RowPolicyError::Operator));
}

#[test]
fn types_that_lake_formation_does_not_filter_on_are_refused() {
    let columns: [ArrayRef; 5] = [
        Arc::new(TimestampMicrosecondArray::from(vec![0])),
        Arc::new(BinaryArray::from(vec![b"x".as_slice()])),
        Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)])])),
        Arc::new(arrow::array::UInt32Array::from(vec![1])),
        customers().column(0).slice(0, 1),
    ];
    for column in columns {
        let schema = numbered("c", column).schema();
        for text in ["c = 1", "c = '2026-05-01 00:00:00'", "c IS NULL"] {
            assert_eq!(refusal(text, &schema), Some(RowPolicyError::UnsupportedType), "{text} {schema}");
        }
    }
}

#[test]
fn a_padded_column_is_refused_and_a_varying_one_is_not() {
    let schema = |declared: &str| {
        let metadata = HashMap::from([("__CHAR_VARCHAR_TYPE_STRING".to_owned(), declared.to_owned())]);
        Arc::new(Schema::new(vec![Field::new("c", DataType::Utf8, true).with_metadata(metadata)]))
    };
    assert_eq!(refusal("c = 'x'", &schema("char(10)")), Some(RowPolicyError::PaddedText));
    assert_eq!(refusal("c = 'x'", &schema("varchar(10)")), None);
}

#[test]
fn a_refusal_repeats_nothing_of_the_filter() {
    let schema = numbered("id", Arc::new(Int32Array::from(vec![1]))).schema();
    for text in ["canary = 1", "id = 'canary'"] {
        let refusal = refusal(text, &schema).unwrap();
        let error = Error::from(refusal);
        let printed = format!("{refusal} {refusal:?} {error} {}", error.internal_text());
        assert!(!printed.contains("canary"), "{printed}");
    }
}

/// Whether any buffer below an array holds the text.
pub(super) fn holds(array: &dyn Array, text: &str) -> bool {
    fn data_holds(data: &arrow::array::ArrayData, text: &[u8]) -> bool {
        let in_buffers =
            data.buffers().iter().any(|buffer| buffer.windows(text.len()).any(|window| window == text));
        in_buffers || data.child_data().iter().any(|child| data_holds(child, text))
    }
    data_holds(&array.to_data(), text.as_bytes())
}

#[test]
fn no_buffer_of_the_result_holds_a_hidden_value() {
    let texts = vec!["a visible and rather long text", "a canary, hidden and rather long"];
    let views: ArrayRef = Arc::new(StringViewArray::from(texts.clone()));
    let dictionary: ArrayRef = Arc::new(texts.iter().copied().collect::<DictionaryArray<Int32Type>>());
    let nested: ArrayRef = Arc::new(StructArray::from(vec![(
        Arc::new(Field::new("inner", views.data_type().clone(), true)),
        Arc::clone(&views),
    )]));
    let list: ArrayRef = Arc::new(ListArray::new(
        Arc::new(Field::new_list_field(views.data_type().clone(), true)),
        arrow::buffer::OffsetBuffer::from_lengths([1, 1]),
        Arc::clone(&views),
        None,
    ));
    let batch = batch(vec![
        ("id", Arc::new(Int32Array::from(vec![1, 2]))),
        ("plain", Arc::new(StringArray::from(texts))),
        ("views", views),
        ("dictionary", dictionary),
        ("nested", nested),
        ("list", list),
    ]);
    // The second batch is a slice whose every row is shown: it shares its buffers with a row outside of it.
    for (text, input) in [("id = 1", batch.clone()), ("id = 1", batch.slice(0, 1))] {
        let policy = RowPolicy::compile(Some(&row_filter(text)), &[], input.schema_ref()).unwrap();
        let output = policy.apply(&input, None).unwrap();
        assert_eq!(output.num_rows(), 1);
        assert_eq!(output.schema(), input.schema());
        for (field, column) in output.schema().fields().iter().zip(output.columns()).skip(2) {
            assert!(holds(column, "visible"), "{field}");
            assert!(!holds(column, "canary"), "{field}");
        }
    }
}
