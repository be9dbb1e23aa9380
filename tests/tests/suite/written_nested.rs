//! Structs whose fields stand in another order than in the table's schema, or do not stand in a file at all: alone, in a
//! struct, in a list and in a map, each in a table of its own.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ListArray, MapArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields};
use serde_json::{Value, json};

use crate::delta::lake::Lake;
use crate::delta::writer::{
    TableWriter, array, batch, field, ints, longs, map, metadata, plain_protocol, strings, structure,
};
use crate::support::run;

/// A struct of nullable fields.
fn structure_of(fields: Vec<(&str, ArrayRef)>) -> StructArray {
    let (fields, values): (Vec<Field>, Vec<ArrayRef>) = fields
        .into_iter()
        .map(|(name, values)| (Field::new(name, values.data_type().clone(), true), values))
        .unzip();
    StructArray::new(fields.into(), values, None)
}

fn one_list(items: StructArray) -> ArrayRef {
    let offsets = OffsetBuffer::from_lengths([items.len()]);
    let item = Arc::new(Field::new("element", items.data_type().clone(), true));
    Arc::new(ListArray::new(item, offsets, Arc::new(items), None))
}

fn one_map(keys: &[&str], values: StructArray) -> ArrayRef {
    let fields = Fields::from(vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("value", values.data_type().clone(), true),
    ]);
    let offsets = OffsetBuffer::from_lengths([keys.len()]);
    let entries = StructArray::new(fields.clone(), vec![strings(keys), Arc::new(values)], None);
    let entry = Arc::new(Field::new("key_value", DataType::Struct(fields), false));
    Arc::new(MapArray::new(entry, offsets, entries, None, false))
}

/// The struct as the schema has it, in another order, and without one or the other of its fields.
fn variants() -> [StructArray; 4] {
    [
        structure_of(vec![("a", ints(&[1])), ("b", strings(&["one"]))]),
        structure_of(vec![("b", strings(&["two"])), ("a", ints(&[2]))]),
        structure_of(vec![("b", strings(&["three"]))]),
        structure_of(vec![("a", ints(&[4]))]),
    ]
}

/// The four variants as values.
const VALUES: [&str; 4] =
    [r#"{a: 1, b: "one"}"#, r#"{a: 2, b: "two"}"#, r#"{a: NULL, b: "three"}"#, "{a: 4, b: NULL}"];

/// A file per variant, each with one row: `id` counts from 1 and `v` holds the variant in some container.
async fn assert_read(
    name: &str,
    data_type: Value,
    contain: impl Fn(StructArray) -> ArrayRef,
    show: impl Fn(&str) -> String,
    queries: &[(&str, &[&str])],
) {
    let columns = [field("id", "long"), field("v", data_type)];
    let mut table = TableWriter::new(&[plain_protocol(), metadata(&columns, &[], json!({}))]);
    let actions: Vec<Value> = (1..)
        .zip(variants())
        .map(|(id, variant)| {
            table.data(&format!("{id}.parquet"), &batch(&[("id", longs(&[id])), ("v", contain(variant))]))
        })
        .collect();
    table.commit(&actions);
    let lake = Lake::shared().await;
    lake.add(name, &table.finish()).await;
    let rows: Vec<String> = (1..).zip(VALUES).map(|(id, value)| format!("{id} | {}", show(value))).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let all = [("select * from {}", rows.as_slice())];
    lake.assert_answers("analyst", name, &[&all, queries].concat()).await;
}

fn inner() -> Value {
    structure(&[field("a", "integer"), field("b", "string")])
}

#[test]
fn fields_of_a_struct_are_found_by_name_and_null_where_they_are_not() {
    let queries: [(&str, &[&str]); 3] = [
        ("select v['b'] from {} where v['a'] = 2", &["\"two\""]),
        ("select id from {} where v['a'] is null", &["3"]),
        ("select id from {} where v['b'] is not null", &["1", "2", "3"]),
    ];
    run(assert_read("nested_struct", inner(), |variant| Arc::new(variant), str::to_owned, &queries));
}

#[test]
fn fields_of_a_struct_in_a_struct_are_found_by_name_and_null_where_they_are_not() {
    let outer = structure(&[field("before", "string"), field("deep", inner())]);
    let contain = |variant| -> ArrayRef { Arc::new(structure_of(vec![("deep", Arc::new(variant))])) };
    let show = |value: &str| format!("{{before: NULL, deep: {value}}}");
    let queries: [(&str, &[&str]); 1] = [("select id from {} where v['deep']['a'] = 2", &["2"])];
    run(assert_read("nested_deep", outer, contain, show, &queries));
}

#[test]
fn fields_of_structs_in_a_list_are_found_by_name_and_null_where_they_are_not() {
    let queries: [(&str, &[&str]); 1] = [("select v[1]['b'] from {} where id = 2", &["\"two\""])];
    run(assert_read("nested_list", array(inner()), one_list, |value| format!("[{value}]"), &queries));
}

#[test]
fn fields_of_structs_in_a_map_are_found_by_name_and_null_where_they_are_not() {
    let contain = |variant| one_map(&["k"], variant);
    run(assert_read("nested_map", map(inner()), contain, |value| format!("{{\"k\" => {value}}}"), &[]));
}
