//! What the wire schema does to types, nullability and metadata, and that batches really arrive in it.

#![expect(clippy::unwrap_used, reason = "a test that cannot build its input should stop")]

use std::collections::HashMap;

use arrow::array::{
    Array, AsArray, BinaryViewArray, DictionaryArray, Int32Array, Int64Array, LargeListArray, ListArray,
    MapBuilder, StringArray, StringViewArray, StringViewBuilder, StructArray,
};
use arrow::datatypes::{Int32Type, Int64Type};

use super::*;

fn batch_of(columns: Vec<(&str, ArrayRef, bool)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

#[test]
fn views_dictionaries_and_large_lists_become_plain_types() {
    let item = Arc::new(Field::new("item", DataType::Utf8View, true));
    let logical = Schema::new(vec![
        Field::new("view", DataType::Utf8View, true),
        Field::new("bytes", DataType::BinaryView, true),
        Field::new(
            "dictionary",
            DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8View)),
            true,
        ),
        Field::new("list", DataType::LargeList(Arc::clone(&item)), true),
        Field::new(
            "nested",
            DataType::Struct(vec![Field::new("inner", DataType::List(item), false)].into()),
            true,
        ),
        Field::new("large", DataType::LargeUtf8, true),
        Field::new("small_decimal", DataType::Decimal32(7, 2), true),
    ]);
    let text = DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)));
    let types: Vec<DataType> =
        wire_schema(&logical).fields().iter().map(|field| field.data_type().clone()).collect();
    assert_eq!(
        types,
        vec![
            DataType::Utf8,
            DataType::Binary,
            DataType::Utf8,
            text.clone(),
            DataType::Struct(vec![Field::new("inner", text, false)].into()),
            DataType::LargeUtf8,
            DataType::Decimal128(38, 2),
        ]
    );
}

#[test]
fn only_metadata_of_arrows_own_namespace_travels() {
    let metadata = HashMap::from([
        ("delta.columnMapping.physicalName".to_owned(), "col-canary".to_owned()),
        ("ARROW:FLIGHT:SQL:REMARKS".to_owned(), "the nation's name".to_owned()),
    ]);
    let field = Field::new("name", DataType::Utf8, true).with_metadata(metadata.clone());
    let logical = Schema::new(vec![field]).with_metadata(metadata);
    let wire = wire_schema(&logical);
    assert!(wire.metadata().is_empty());
    assert_eq!(wire.field(0).metadata().keys().collect::<Vec<_>>(), ["ARROW:FLIGHT:SQL:REMARKS"]);
}

#[test]
fn values_and_nulls_survive_the_journey_to_plain_types() {
    let mut map = MapBuilder::new(None, StringViewBuilder::new(), StringViewBuilder::new());
    map.keys().append_value("k");
    map.values().append_value("v");
    map.append(true).unwrap();
    map.append(false).unwrap();
    let words = vec![Some("a"), None];
    let batch = batch_of(vec![
        ("view", Arc::new(StringViewArray::from(words.clone())), true),
        ("bytes", Arc::new(BinaryViewArray::from(vec![Some(b"x".as_slice()), None])), true),
        ("dictionary", Arc::new(words.iter().copied().collect::<DictionaryArray<Int32Type>>()), true),
        (
            "list",
            Arc::new(LargeListArray::from_iter_primitive::<Int64Type, _, _>([Some([Some(1), None]), None])),
            true,
        ),
        ("map", Arc::new(map.finish()), true),
    ]);
    let wire = wire_schema(&batch.schema());
    let plain = coerce(batch, &wire).unwrap();
    assert_eq!(plain.schema(), wire);
    let expected = StringArray::from(words);
    assert_eq!(plain.column(0).as_string::<i32>(), &expected);
    assert_eq!(plain.column(2).as_string::<i32>(), &expected);
    assert_eq!(plain.column(1).as_binary::<i32>().value(0), b"x");
    assert_eq!(
        plain.column(3).as_list::<i32>().value(0).as_primitive::<Int64Type>(),
        &Int64Array::from(vec![Some(1), None])
    );
    assert!(plain.column(3).is_null(1));
    assert_eq!(plain.column(4).as_map().keys().as_string::<i32>().value(0), "k");
    assert!(plain.column(4).is_null(1));
}

#[test]
fn a_batch_that_knows_a_column_never_null_is_widened_to_the_logical_schema() {
    let promised = batch_of(vec![("total", Arc::new(Int64Array::from(vec![1, 2])), false)]);
    let wire = wire_schema(&Schema::new(vec![Field::new("total", DataType::Int64, true)]));
    assert_eq!(coerce(promised, &wire).unwrap().schema(), wire);
}

#[test]
fn nested_nullability_is_widened_as_well() {
    let strict_item = Arc::new(Field::new("item", DataType::Int32, false));
    let offsets = arrow::buffer::OffsetBuffer::from_lengths([2]);
    let list = ListArray::new(strict_item, offsets, Arc::new(Int32Array::from(vec![1, 2])), None);
    let strict = Field::new("inner", DataType::Int32, false);
    let structure =
        StructArray::from(vec![(Arc::new(strict), Arc::new(Int32Array::from(vec![7])) as ArrayRef)]);
    let batch = batch_of(vec![("list", Arc::new(list), false), ("structure", Arc::new(structure), false)]);
    let logical = Schema::new(vec![
        Field::new("list", DataType::List(Arc::new(Field::new("item", DataType::Int32, true))), true),
        Field::new(
            "structure",
            DataType::Struct(vec![Field::new("inner", DataType::Int32, true)].into()),
            true,
        ),
    ]);
    let wire = wire_schema(&logical);
    let widened = coerce(batch, &wire).unwrap();
    assert_eq!(widened.schema(), wire);
    assert_eq!(widened.column(0).as_list::<i32>().value(0).len(), 2);
}

#[test]
fn a_null_where_none_was_announced_is_an_error_and_not_a_row() {
    let batch = batch_of(vec![("id", Arc::new(Int32Array::from(vec![Some(1), None])), true)]);
    let wire = wire_schema(&Schema::new(vec![Field::new("id", DataType::Int32, false)]));
    assert!(coerce(batch, &wire).is_err());
}

#[test]
fn a_failed_conversion_does_not_quote_the_value() {
    let batch = batch_of(vec![("ssn", Arc::new(StringArray::from(vec!["canary-123"])), true)]);
    let wire = Arc::new(Schema::new(vec![Field::new("ssn", DataType::Int32, true)]));
    let error = coerce(batch, &wire).unwrap_err();
    assert!(!format!("{error}{}", error.internal_text()).contains("canary"));
}

#[test]
fn what_differs_from_the_announcement_in_more_than_layout_is_an_error() {
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let list: ArrayRef =
        Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>([Some([Some(1), None]), None]));
    let list_of = |item| DataType::List(Arc::new(Field::new("item", item, true)));
    for (column, announced) in [
        (&numbers, DataType::Int32),
        (&numbers, DataType::Float64),
        (&numbers, DataType::Utf8),
        (&numbers, DataType::Decimal128(38, 0)),
        (&numbers, DataType::Timestamp(arrow::datatypes::TimeUnit::Second, None)),
        (&list, list_of(DataType::Int32)),
        (&list, list_of(DataType::Utf8)),
        (&list, DataType::Int64),
    ] {
        let batch = batch_of(vec![("value", Arc::clone(column), true)]);
        let wire = wire_schema(&Schema::new(vec![Field::new("value", announced.clone(), true)]));
        assert!(coerce(batch, &wire).is_err(), "{announced}");
    }
}

#[test]
fn a_batch_without_columns_keeps_its_rows() {
    let options = RecordBatchOptions::new().with_row_count(Some(3));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options).unwrap();
    assert_eq!(coerce(batch, &wire_schema(&Schema::empty())).unwrap().num_rows(), 3);
}

#[test]
fn the_digest_tells_schemas_apart_by_name_type_and_nullability() {
    let digest_of = |name, data_type, nullable| {
        digest(&Schema::new(vec![Field::new(name, data_type, nullable)])).unwrap()
    };
    let original = digest_of("a", DataType::Int32, true);
    assert_eq!(original, digest_of("a", DataType::Int32, true));
    assert_ne!(original, digest_of("b", DataType::Int32, true));
    assert_ne!(original, digest_of("a", DataType::Int64, true));
    assert_ne!(original, digest_of("a", DataType::Int32, false));
}

#[test]
fn a_message_with_views_holds_the_texts_of_its_own_rows_and_no_others() {
    let hidden = "a text of another message".repeat(1000);
    let texts = StringArray::from(vec![Some("longer than twelve bytes"), None, Some("short"), Some(&hidden)]);
    let binaries: ArrayRef = Arc::new(arrow::compute::cast(&texts, &DataType::Binary).unwrap());
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3, 4]));
    let whole = batch_of(vec![
        ("text", Arc::new(texts), true),
        ("binary", binaries, true),
        ("number", numbers, false),
    ]);
    let wire = wire_schema(&whole.schema());
    assert_eq!(announced(&whole.schema(), false), wire);
    let announced = announced(&whole.schema(), true);
    let types: Vec<&DataType> = announced.fields().iter().map(|field| field.data_type()).collect();
    assert_eq!(types, [&DataType::Utf8View, &DataType::BinaryView, &DataType::Int64]);
    let message = as_announced(whole.slice(0, 3), &announced).unwrap();
    assert_eq!(message.schema(), announced);
    assert_eq!(coerce(message.clone(), &wire).unwrap(), whole.slice(0, 3));
    for column in message.columns().iter().take(2) {
        let bytes: usize = column.to_data().buffers().iter().skip(1).map(|buffer| buffer.len()).sum();
        assert_eq!(bytes, "longer than twelve bytes".len());
    }
}
