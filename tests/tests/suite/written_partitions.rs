//! Partition values as the log writes them: NULL in both of its spellings, and paths with characters that must be encoded.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use serde_json::{Value, json};

use crate::delta::lake::Lake;
use crate::delta::writer::{TableWriter, batch, field, metadata, plain_protocol};
use crate::support::run;

/// Adds a file with one row in one partition.
///
/// # Arguments
/// * `path` - the file as the log names it.
/// * `key` - the same file as S3 names it.
fn add(table: &mut TableWriter, path: &str, key: &str, id: i64, values: Value) -> Value {
    let rows = batch(&[("id", Arc::new(Int64Array::from(vec![id])) as ArrayRef)]);
    let mut action = table.data(key, &rows);
    action["add"]["path"] = json!(path);
    action["add"]["partitionValues"] = values;
    action
}

#[test]
fn null_and_the_empty_string_are_both_null_in_partition_values_of_every_type() {
    run(async {
        let columns =
            [field("id", "long"), field("word", "string"), field("number", "integer"), field("day", "date")];
        let partitions = ["word", "number", "day"];
        let mut table = TableWriter::new(&[plain_protocol(), metadata(&columns, &partitions, json!({}))]);
        let values = [
            json!({"word": "x", "number": "5", "day": "2024-02-29"}),
            json!({"word": null, "number": null, "day": null}),
            json!({"word": "", "number": "", "day": ""}),
            json!({"word": "null", "number": "0", "day": "1969-12-31"}),
        ];
        let actions: Vec<Value> = (1..)
            .zip(values)
            .map(|(id, values)| {
                let path = format!("part-{id}.parquet");
                add(&mut table, &path, &path, id, values)
            })
            .collect();
        table.commit(&actions);
        let lake = Lake::shared().await;
        lake.add("null_partitions", &table.finish()).await;
        lake.assert_answers(
            "analyst",
            "null_partitions",
            &[
                (
                    "select * from {}",
                    &[
                        "1 | \"x\" | 5 | 2024-02-29",
                        "2 | NULL | NULL | NULL",
                        "3 | NULL | NULL | NULL",
                        "4 | \"null\" | 0 | 1969-12-31",
                    ],
                ),
                ("select id from {} where word is null", &["2", "3"]),
                ("select id from {} where word = ''", &[]),
                ("select id from {} where word is not null", &["1", "4"]),
                ("select id from {} where number is null and day is null", &["2", "3"]),
                ("select id from {} where number < 1", &["4"]),
                ("select id from {} where number is distinct from 5", &["2", "3", "4"]),
                ("select id from {} where day > date '2000-01-01'", &["1"]),
                ("select id from {} where word = 'null' or number = 5", &["1", "4"]),
                ("select word, count(*) from {} group by word", &["\"null\" | 1", "\"x\" | 1", "NULL | 2"]),
            ],
        )
        .await;

        lake.grant_all_but("support", "null_partitions", "id").await;
        let rows = ["0 | 1969-12-31", "5 | 2024-02-29", "NULL | NULL", "NULL | NULL"];
        lake.assert_answers("support", "null_partitions", &[("select number, day from {}", &rows)]).await;
    });
}

/// The folder's name is encoded as Hive does, and that name once more as a URL for the log.
#[test]
fn encoded_paths_are_decoded_once_and_values_come_from_the_log() {
    run(async {
        let columns = [field("id", "long"), field("p", "string")];
        let mut table = TableWriter::new(&[plain_protocol(), metadata(&columns, &["p"], json!({}))]);
        let files = [
            ("p=a%20b/1.parquet", "p=a b/1.parquet", "a b"),
            ("p=a%2520b/2.parquet", "p=a%20b/2.parquet", "a%20b"),
            ("p=x%252Fy%253Dz/3.parquet", "p=x%2Fy%3Dz/3.parquet", "x/y=z"),
            ("p=%25/4.parquet", "p=%/4.parquet", "%"),
            ("p=1+1/5.parquet", "p=1+1/5.parquet", "1+1"),
            ("p=%C3%A9%E2%82%AC/6.parquet", "p=\u{e9}\u{20ac}/6.parquet", "\u{e9}\u{20ac}"),
            ("p=what%3F%23/7.parquet", "p=what?#/7.parquet", "what?#"),
            ("p=%5Bq%5D%22'/8.parquet", "p=[q]\"'/8.parquet", "[q]\"'"),
            // What the folder says does not count.
            ("p=other/9.parquet", "p=other/9.parquet", "value"),
        ];
        let actions: Vec<Value> = (1..)
            .zip(files)
            .map(|(id, (path, key, value))| add(&mut table, path, key, id, json!({"p": value})))
            .collect();
        table.commit(&actions);
        let lake = Lake::shared().await;
        lake.add("encoded_paths", &table.finish()).await;
        let expected: Vec<String> =
            (1..).zip(files).map(|(id, (_, _, value))| format!("{id} | {value:?}")).collect();
        assert_eq!(lake.texts("encoded_paths", "select * from {}").await, expected);
        for (value, id) in
            [("a b", "1"), ("a%20b", "2"), ("x/y=z", "3"), ("%", "4"), ("1+1", "5"), ("what?#", "7")]
        {
            let sql = format!("select id from {{}} where p = '{value}'");
            assert_eq!(lake.texts("encoded_paths", &sql).await, [id], "{value}");
        }
    });
}
