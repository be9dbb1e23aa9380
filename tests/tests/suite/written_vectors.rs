//! Deletion vectors over files of several row groups: deleted rows are gone from rows, counts, filters, limits and orders.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};
use serde_json::{Value, json};

use crate::delta::TableFiles;
use crate::delta::lake::Lake;
use crate::delta::vector;
use crate::delta::writer::{TableWriter, batch, field, metadata, protocol};
use crate::support::run;

/// Rows per file.
const ROWS: u32 = 30;

/// Rows per row group.
const GROUP: usize = 7;

/// Deleted in the first file: some of every group but the third.
const INLINE: [u32; 6] = [3, 4, 7, 11, 22, 29];

/// Deleted in the second file: its first row, all of its second group, both sides of a border, its last row.
const STORED: [u32; 12] = [0, 7, 8, 9, 10, 11, 12, 13, 20, 21, 28, 29];

/// Deleted in the third file: every row.
fn all() -> Vec<u32> {
    (0..ROWS).collect()
}

/// Files 0 to 3 with ids from 0, 100, 200 and 300 on; the last has no vector.
fn table() -> TableFiles {
    let columns = [field("id", "long"), field("name", "string")];
    let mut table = TableWriter::new(&[
        protocol(&["deletionVectors"]),
        metadata(&columns, &[], json!({"delta.enableDeletionVectors": "true"})),
    ]);
    let all = all();
    let (path, content, mut stored) = vector::file(*b"0123456789abcdef", &[&[1, 2, 3], &STORED, &all]);
    table.put(&path, content);
    let (of_third, of_second) = (stored.pop().unwrap(), stored.pop().unwrap());
    let vectors = [vector::inline(&INLINE), of_second, of_third, Value::Null];
    let actions: Vec<Value> = (0..)
        .zip(vectors)
        .map(|(number, vector)| {
            let ids: Vec<i64> = (0..i64::from(ROWS)).map(|row| number * 100 + row).collect();
            let names: Vec<String> = ids.iter().map(|id| format!("name {id}")).collect();
            let (ids, names): (ArrayRef, ArrayRef) =
                (Arc::new(Int64Array::from(ids)), Arc::new(StringArray::from(names)));
            let mut action = table.data_in_groups(
                &format!("{number}.parquet"),
                &batch(&[("id", ids), ("name", names)]),
                GROUP,
            );
            if !vector.is_null() {
                action["add"]["deletionVector"] = vector;
            }
            action
        })
        .collect();
    table.commit(&actions);
    table.finish()
}

/// The ids that are left.
fn left() -> BTreeSet<u32> {
    let deleted = [INLINE.to_vec(), STORED.to_vec(), all(), vec![]];
    let files = (0..).zip(deleted);
    files
        .flat_map(|(file, deleted)| {
            (0..ROWS).filter(move |row| !deleted.contains(row)).map(move |row| file * 100 + row)
        })
        .collect()
}

fn lines(ids: impl IntoIterator<Item = u32>) -> Vec<String> {
    let mut lines: Vec<String> = ids.into_iter().map(|id| id.to_string()).collect();
    lines.sort();
    lines
}

#[test]
fn rows_of_a_deletion_vector_are_gone_whatever_the_query() {
    run(async {
        let lake = Lake::shared().await;
        lake.add("vectors", &table()).await;
        let left = left();
        // 30 rows each, less 6, 12, 30 and none.
        assert_eq!(left.len(), 24 + 18 + 30);
        assert_eq!(lake.texts("vectors", "select id from {}").await, lines(left.clone()));

        let whole: Vec<String> = left.iter().map(|id| format!("{id} | \"name {id}\"")).collect();
        let mut answer = lake.texts("vectors", "select * from {}").await;
        answer.sort_by_key(|line| line.split(' ').next().unwrap().parse::<u32>().unwrap());
        assert_eq!(answer, whole);

        assert_eq!(lake.texts("vectors", "select count(*) from {}").await, [left.len().to_string()]);
        let sum: u32 = left.iter().sum();
        assert_eq!(
            lake.texts("vectors", "select count(name), sum(id) from {}").await,
            [format!("{} | {sum}", left.len())]
        );
        assert_eq!(lake.texts("vectors", "select max(id) from {} where id < 100").await, ["28"]);
        assert_eq!(lake.texts("vectors", "select min(id) from {} where id >= 100").await, ["101"]);
        assert_eq!(
            lake.texts("vectors", "select count(*) from {} where id between 200 and 299").await,
            ["0"]
        );
    });
}

#[test]
fn a_filter_that_skips_row_groups_does_not_shift_the_vector() {
    run(async {
        let lake = Lake::shared().await;
        lake.add("vectors_filtered", &table()).await;
        let left = left();
        for (from, to) in [
            (0, 6),
            (7, 13),
            (14, 20),
            (21, 29),
            (5, 24),
            (107, 113),
            (114, 121),
            (119, 129),
            (26, 101),
            (300, 306),
        ] {
            let sql = format!("select id from {{}} where id between {from} and {to}");
            assert_eq!(
                lake.texts("vectors_filtered", &sql).await,
                lines(left.range(from..=to).copied()),
                "{from}..={to}"
            );
        }
        for id in [2, 3, 4, 5, 22, 29, 100, 107, 120, 121, 122, 200, 229, 300] {
            let expected = lines(left.get(&id).copied());
            assert_eq!(
                lake.texts("vectors_filtered", &format!("select id from {{}} where id = {id}")).await,
                expected
            );
            let sql = format!("select id from {{}} where name = 'name {id}'");
            assert_eq!(lake.texts("vectors_filtered", &sql).await, expected, "{sql}");
        }
    });
}

#[test]
fn limits_and_orders_see_the_rows_that_are_left() {
    run(async {
        let lake = Lake::shared().await;
        lake.add("vectors_limited", &table()).await;
        let left = left();
        for limit in [1, 5, 23, 50, 71, 72, 1000] {
            let answer = lake.texts("vectors_limited", &format!("select id from {{}} limit {limit}")).await;
            assert_eq!(answer.len(), left.len().min(limit), "limit {limit}");
            assert!(answer.iter().all(|id| left.contains(&id.parse().unwrap())), "limit {limit}: {answer:?}");
        }
        for limit in [1, 3, 8, 40] {
            let first = lake
                .texts("vectors_limited", &format!("select id from {{}} order by id limit {limit}"))
                .await;
            assert_eq!(first, lines(left.iter().take(limit).copied()), "first {limit}");
            let last = lake
                .texts("vectors_limited", &format!("select id from {{}} order by id desc limit {limit}"))
                .await;
            assert_eq!(last, lines(left.iter().rev().take(limit).copied()), "last {limit}");
        }
    });
}

#[test]
fn beside_a_hidden_column_deleted_rows_are_gone_too() {
    run(async {
        let lake = Lake::shared().await;
        lake.add("vectors_hidden", &table()).await;
        lake.grant_all_but("support", "vectors_hidden", "name").await;
        let answer = lake.rows("support", "vectors_hidden", "select * from {}").await;
        assert_eq!(answer.texts(), lines(left()));
        let count = lake.rows("support", "vectors_hidden", "select count(*) from {}").await;
        assert_eq!(count.texts(), [left().len().to_string()]);
    });
}
