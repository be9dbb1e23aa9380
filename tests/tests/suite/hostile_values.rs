//! Tables whose few bytes stand for many, or for text that is none: values that a file repeats without an end, lists of
//! deleted rows that are longer than any file, bytes in a column of text.
//!
//! Each is read within a limited address space, so that a server which takes what a file announces ends. It gives the right
//! rows or one clear error, and then serves the next query.

use std::sync::Arc;

use parquet::basic::{ConvertedType, Encoding, Repetition, Type as PhysicalType};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use serde_json::{Value, json};

use crate::delta::TableFiles;
use crate::delta::grants::{Columns, Rows as GrantedRows, Shown};
use crate::delta::lake::Lake;
use crate::delta::schema::TableSchema;
use crate::delta::vector;
use crate::delta::writer::{TableWriter, batch, field, longs, metadata, plain_protocol, protocol};
use crate::support::{rows, run};

/// Address space of the server: several times what it needs, and less than any of these tables would make of it.
const ADDRESS_SPACE: u64 = 6 << 30;

/// A file with a column `id` of numbers from 0 on, and one of bytes.
fn file(
    column: &str,
    annotation: ConvertedType,
    encoding: Option<Encoding>,
    values: &[ByteArray],
) -> Vec<u8> {
    let primitive = |name, physical, annotation| {
        let column = Type::primitive_type_builder(name, physical).with_repetition(Repetition::REQUIRED);
        let column = column.with_converted_type(annotation);
        let is_decimal = annotation == ConvertedType::DECIMAL;
        let column = if is_decimal { column.with_precision(9).with_scale(2) } else { column };
        Arc::new(column.build().unwrap())
    };
    let fields = vec![
        primitive("id", PhysicalType::INT64, ConvertedType::NONE),
        primitive(column, PhysicalType::BYTE_ARRAY, annotation),
    ];
    let schema = Arc::new(Type::group_type_builder("schema").with_fields(fields).build().unwrap());
    let properties = WriterProperties::builder().set_statistics_enabled(EnabledStatistics::None);
    let properties = match encoding {
        Some(encoding) => properties
            .set_column_dictionary_enabled(column.into(), false)
            .set_column_encoding(column.into(), encoding),
        None => properties.set_dictionary_page_size_limit(64 << 20),
    };
    let mut content = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut content, schema, Arc::new(properties.build())).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let ids: Vec<i64> = (0..i64::try_from(values.len()).unwrap()).collect();
    let mut numbers = group.next_column().unwrap().unwrap();
    numbers.typed::<Int64Type>().write_batch(&ids, None, None).unwrap();
    numbers.close().unwrap();
    let mut bytes = group.next_column().unwrap().unwrap();
    bytes.typed::<ByteArrayType>().write_batch(values, None, None).unwrap();
    bytes.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    content
}

/// A table of one such file.
fn table(column: &str, content: Vec<u8>, rows: usize) -> TableFiles {
    table_of(column, "string", content, rows)
}

fn table_of(column: &str, data_type: &str, content: Vec<u8>, rows: usize) -> TableFiles {
    let fields = [field("id", "long"), field(column, data_type)];
    let mut table = TableWriter::new(&[plain_protocol(), metadata(&fields, &[], json!({}))]);
    let size = content.len();
    table.put("part.parquet", content);
    let statistics = json!({ "numRecords": rows }).to_string();
    table.commit(&[json!({"add": {
        "path": "part.parquet", "partitionValues": {}, "size": size, "modificationTime": 1_700_000_000_000_u64,
        "dataChange": true, "stats": statistics,
    }})]);
    table.finish()
}

fn bytes(values: &[&[u8]]) -> Vec<ByteArray> {
    values.iter().map(|value| ByteArray::from(value.to_vec())).collect()
}

/// The error of a statement of a user, as the user sees it; then another query is served.
async fn error_of(lake: &Lake, user: &str, sql: &str) -> String {
    let error = match rows(&lake.login(user).await, sql).await {
        Ok(_) => panic!("{sql} is answered"),
        Err(error) => error.to_string(),
    };
    let next = lake.rows("analyst", "region", "select count(*) from sales.region").await;
    assert_eq!(next.texts(), ["5"], "after {sql}");
    error
}

#[test]
fn bytes_that_are_not_text_end_the_statement_with_an_error_that_names_the_column_or_nothing() {
    run(async {
        let lake = Lake::start(&[]).await;
        let halves: &[&[u8]] = &[b"aaaaaaaaaaaaaaaa\xc3", b"\xa9bbbbbbbbbbbbbbbb"];
        let annotations =
            [ConvertedType::NONE, ConvertedType::UTF8, ConvertedType::JSON, ConvertedType::ENUM];
        let encodings = [
            None,
            Some(Encoding::PLAIN),
            Some(Encoding::DELTA_LENGTH_BYTE_ARRAY),
            Some(Encoding::DELTA_BYTE_ARRAY),
        ];
        for (number, (annotation, encoding)) in annotations
            .iter()
            .flat_map(|annotation| encodings.map(|encoding| (*annotation, encoding)))
            .enumerate()
        {
            let name = format!("wrong_{number}");
            let content = file("city", annotation, encoding, &bytes(halves));
            lake.add(&name, &table("city", content, 2)).await;
            for sql in
                ["select city from {}", "select upper(city) from {}", "select id from {} where city > 'a'"]
            {
                let sql = sql.replace("{}", &format!("brought.{name}"));
                let told = error_of(&lake, "analyst", &sql).await;
                // What the reader itself checks it does not name.
                let is_clear = told.contains("city") || annotation == ConvertedType::UTF8;
                assert!(is_clear && !told.contains("part.parquet"), "{annotation} {encoding:?}: {told}");
            }
            // Who does not see the column does not hear of it, even if rows are filtered by it.
            let rest = Columns::AllBut(vec!["city".to_owned()]);
            lake.grant(
                "eu_analyst",
                &name,
                Shown { rows: GrantedRows::Where("city = 'x'".to_owned()), columns: rest },
            )
            .await;
            let told = error_of(&lake, "eu_analyst", &format!("select id from brought.{name}")).await;
            assert!(!told.contains("city"), "{told}");
        }
    });
}

#[test]
fn text_of_old_writers_is_read_and_what_is_not_text_is_replaced_where_that_is_set() {
    run(async {
        let lake = Lake::start(&[("LAKEGATE__TABLE__INVALID_TEXT", "replace")]).await;
        let values: &[&[u8]] = &["größe".as_bytes(), b"a\xffb", b""];
        for (name, encoding) in [("old", None), ("old_delta", Some(Encoding::DELTA_BYTE_ARRAY))] {
            let content = file("city", ConvertedType::NONE, encoding, &bytes(values));
            lake.add(name, &table("city", content, 3)).await;
            let shown = lake.texts(name, "select city from {} where city > 'b'").await;
            assert_eq!(shown, ["\"größe\""]);
            let shown = lake.texts(name, "select id, city from {} where id < 2").await;
            assert_eq!(shown.len(), 2);
            assert!(shown.iter().any(|line| line.contains("a\u{fffd}b")), "{shown:?}");
            let kept =
                Shown { rows: GrantedRows::Where("city = 'größe'".to_owned()), columns: Columns::All };
            lake.grant("eu_analyst", name, kept).await;
            assert_eq!(lake.rows("eu_analyst", name, "select id, city from {}").await.texts().len(), 1);
        }
    });
}

#[test]
fn a_long_value_that_all_rows_repeat_does_not_end_the_server() {
    run(async {
        let lake = Lake::start_within(ADDRESS_SPACE, &[]).await;
        let long = ByteArray::from(vec![b'x'; 400_000]);
        let repeated = vec![long; 9_000];
        for (name, annotation) in [("repeated", ConvertedType::UTF8), ("repeated_bytes", ConvertedType::NONE)]
        {
            lake.add(name, &table("city", file("city", annotation, None, &repeated), repeated.len())).await;
            let shown = Shown { rows: GrantedRows::Where("id >= 10".to_owned()), columns: Columns::All };
            lake.grant("eu_analyst", name, shown).await;
        }
        // Whose values are shared is read, row filter or not.
        let sql = "select count(*) from {} where city like 'xx%'";
        assert_eq!(lake.texts("repeated", sql).await, ["9000"]);
        assert_eq!(lake.rows("eu_analyst", "repeated", sql).await.texts(), ["8990"]);
        // Whose values would be copied one by one is refused before.
        for user in ["analyst", "eu_analyst"] {
            error_of(&lake, user, "select count(*) from brought.repeated_bytes where city like 'xx%'").await;
        }
        assert!(lake.server.log().contains("dictionary are too long"), "{}", lake.reason("repeated_bytes"));
    });
}

#[test]
fn a_list_of_four_billion_deleted_rows_is_one_clear_error_or_no_rows() {
    run(async {
        let lake = Lake::start_within(ADDRESS_SPACE, &[]).await;
        let fields = [field("id", "long")];
        let configuration = json!({"delta.enableDeletionVectors": "true"});
        let features = protocol(&["deletionVectors"]);
        let mut table = TableWriter::new(&[features, metadata(&fields, &[], configuration)]);
        let mut added = table.data("part.parquet", &batch(&[("id", longs(&[1, 2, 3]))]));
        let (path, content, descriptor) = vector::file_of([7; 16], &vector::everything(), 1 << 32);
        table.put(&path, content);
        added["add"]["deletionVector"] = descriptor;
        added["add"]["stats"] = Value::String(json!({"numRecords": 1_u64 << 32}).to_string());
        table.commit(&[added]);
        lake.add("deleted", &table.finish()).await;
        match lake.try_rows("analyst", "deleted", "select id from {}").await {
            Ok(rows) => assert!(rows.texts().is_empty()),
            Err(problem) => assert!(problem.contains("its owner"), "{problem}"),
        }
        let next = lake.rows("analyst", "region", "select count(*) from sales.region").await;
        assert_eq!(next.texts(), ["5"]);
    });
}

/// The same bytes that the fuzz target `checkpoint` begins with.
fn seed(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/checkpoint");
    let content = std::fs::read(format!("{folder}/{name}")).unwrap();
    content.split_at(2).1.to_vec()
}

#[test]
fn a_log_in_which_one_value_stands_for_thousands_is_refused_before_it_is_written_out() {
    run(async {
        let lake = Lake::start_within(ADDRESS_SPACE, &[]).await;
        let first =
            [plain_protocol(), metadata(&[field("id", "long"), field("p", "string")], &["p"], json!({}))];
        let schema = TableSchema::of(&TableWriter::new(&first).finish()).unwrap();
        for name in ["one_long_path_for_many", "one_long_statistic_for_many"] {
            let mut table = TableWriter::new(&first);
            table.put(
                "_delta_log/00000000000000000000.checkpoint.parquet",
                seed(&format!("checkpoint-{}", name.replace('_', "-"))),
            );
            lake.add_with_schema(name, &table.finish(), &schema).await;
            let told = error_of(&lake, "analyst", &format!("select * from brought.{name}")).await;
            assert!(!told.contains("xxx") && !told.contains("aaa"), "{told}");
        }
        for (name, add) in [
            ("long_path", json!({"path": "a".repeat(5000), "partitionValues": {"p": "a"}})),
            ("long_partition_value", json!({"path": "a", "partitionValues": {"p": "x".repeat(40_000)}})),
        ] {
            let mut table = TableWriter::new(&first);
            let mut add = add;
            add["size"] = json!(1);
            add["modificationTime"] = json!(0);
            add["dataChange"] = json!(true);
            table.commit(&[json!({ "add": add })]);
            lake.add_with_schema(name, &table.finish(), &schema).await;
            let told = lake.assert_refused(name, "select * from {}").await;
            assert!(told.contains("too long"), "{told}");
        }
    });
}

/// The reader panics on these.
#[test]
fn a_reader_that_panics_ends_one_statement_and_not_the_server() {
    run(async {
        let lake = Lake::shared().await;
        let wide = vec![ByteArray::from(vec![0x7f; 40]); 3];
        let content = file("price", ConvertedType::DECIMAL, Some(Encoding::PLAIN), &wide);
        lake.add("too_wide", &table_of("price", "decimal(9,2)", content, 3)).await;
        lake.assert_refused("too_wide", "select price from {}").await;
        let manifest = include_str!("../../../Cargo.toml");
        assert!(
            !manifest.contains("panic = \"abort\""),
            "a build that ends with the first panic ends all statements"
        );
    });
}
