//! Glue table descriptions, compared with what the native Delta crawler makes.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;
use crate::lake::{hr, tpch};

fn entry(name: &str) -> CatalogEntry {
    let tables = tpch::tables(0.001).into_iter().chain(hr::tables());
    CatalogEntry::of(&tables.into_iter().find(|table| table.name == name).unwrap()).unwrap()
}

fn names(columns: &[Column]) -> Vec<&str> {
    columns.iter().map(Column::name).collect()
}

#[test]
fn a_partition_column_stands_in_the_partition_keys_only() {
    let customer = entry("customer");
    assert_eq!(names(&customer.partition_keys), ["c_mktsegment"]);
    assert!(!names(&customer.columns).contains(&"c_mktsegment"));
    assert_eq!(customer.columns.len(), 7);
}

#[test]
fn columns_carry_hive_types() {
    let types: Vec<(String, String)> = entry("employees")
        .columns
        .iter()
        .map(|column| (column.name().to_owned(), column.r#type().unwrap().to_owned()))
        .collect();
    let expected = [
        ("id", "bigint"),
        ("name", "string"),
        ("email", "string"),
        ("ssn", "string"),
        ("salary", "decimal(12,2)"),
        ("country", "string"),
        ("department", "string"),
        ("hired_on", "date"),
        ("manager_id", "bigint"),
        ("active", "boolean"),
        ("rating", "double"),
        ("notes", "string"),
    ];
    assert_eq!(types, expected.map(|(name, kind)| (name.to_owned(), kind.to_owned())));
    assert_eq!(entry("lineitem").columns[4].r#type(), Some("decimal(15,2)"));
}

#[test]
fn location_and_serde_path_agree_and_the_parameters_say_delta() {
    let written = WrittenTable { rows: 25, files: 1, bytes: 1, version: 1 };
    let input = table_input(entry("nation"), &written).unwrap();
    let storage = input.storage_descriptor().unwrap();
    let serde = storage.serde_info().unwrap().parameters().unwrap();
    assert_eq!(storage.location(), Some("s3://lakegate-demo/sales/nation"));
    assert_eq!(serde.get("path").map(String::as_str), storage.location());

    let parameters = input.parameters().unwrap();
    assert_eq!(parameters["table_type"], "DELTA");
    assert_eq!(parameters["classification"], "delta");
    assert_eq!(parameters["spark.sql.sources.provider"], "delta");
    assert!(parameters["spark.sql.sources.schema.part.0"].contains("n_nationkey"));
}

#[test]
fn a_comment_names_a_column_that_exists() {
    for table in tpch::tables(0.001).into_iter().chain(hr::tables()) {
        for (column, _) in table.column_comments {
            assert!(table.schema.field_with_name(column).is_ok(), "{}.{column}", table.name);
        }
    }
}
