//! What the log alone answers, and how a new commit is taken in.
//!
//! Files that the log names and nobody wrote are the witnesses: a query that opened one would fail.

use lakegate_tests::stack::Server;
use serde_json::{Value, json};

use crate::delta::grants::{Columns, Rows as GrantedRows, Shown};
use crate::delta::lake::Lake;
use crate::delta::rows::Rows;
use crate::delta::writer::{TableWriter, batch, field, longs, metadata, plain_protocol};
use crate::support::{login, rows, run, start_server};

/// The action of a file of which the log knows rows and bounds of `id`.
fn known(path: &str, size: usize, rows: usize, bounds: (i64, i64)) -> Value {
    let statistics = json!({
        "numRecords": rows, "minValues": {"id": bounds.0}, "maxValues": {"id": bounds.1}, "nullCount": {"id": 0},
    });
    json!({"add": {
        "path": path, "partitionValues": {}, "size": size, "modificationTime": 1_700_000_000_000_u64,
        "dataChange": true, "stats": statistics.to_string(),
    }})
}

/// Writes a file of ids and gives its action, bounds included.
fn written(table: &mut TableWriter, path: &str, ids: &[i64]) -> Value {
    let size = table.data(path, &batch(&[("id", longs(ids))]))["add"]["size"].as_u64().unwrap();
    let bounds = (*ids.iter().min().unwrap(), *ids.iter().max().unwrap());
    known(path, usize::try_from(size).unwrap(), ids.len(), bounds)
}

fn table_of_ids() -> TableWriter {
    TableWriter::new(&[plain_protocol(), metadata(&[field("id", "long")], &[], json!({}))])
}

#[test]
fn counts_and_bounds_of_an_unrestricted_table_come_from_the_log() {
    run(async {
        let mut table = table_of_ids();
        table.commit(&[known("absent-1", 10, 7, (-3, 40)), known("absent-2", 10, 5, (50, 60))]);
        let lake = Lake::shared().await;
        lake.add("only_a_log", &table.finish()).await;
        let answers: [(&str, &[&str]); 3] = [
            ("select count(*) from {}", &["12"]),
            ("select min(id), max(id), count(id) from {}", &["-3 | 60 | 12"]),
            ("select id from {} where id > 1000", &[]),
        ];
        lake.assert_answers("analyst", "only_a_log", &answers).await;
        lake.assert_refused("only_a_log", "select count(*) from {} where id > 0").await;
    });
}

#[test]
fn a_deletion_vector_makes_the_logs_counts_worthless() {
    run(async {
        let mut table = TableWriter::new(&[
            crate::delta::writer::protocol(&["deletionVectors"]),
            metadata(&[field("id", "long")], &[], json!({"delta.enableDeletionVectors": "true"})),
        ]);
        let mut action = written(&mut table, "a.parquet", &[1, 2, 3, 9]);
        action["add"]["deletionVector"] = crate::delta::vector::inline(&[0, 3]);
        table.commit(&[action]);
        let lake = Lake::shared().await;
        lake.add("counted_anew", &table.finish()).await;
        let answers: [(&str, &[&str]); 2] = [
            ("select count(*), min(id), max(id) from {}", &["2 | 2 | 3"]),
            ("select count(*) from {} where id in (1, 9)", &["0"]),
        ];
        lake.assert_answers("analyst", "counted_anew", &answers).await;
    });
}

#[test]
fn a_new_commit_is_taken_in_without_reading_the_old_ones_again() {
    run(async {
        let lake = Lake::start(&[("LAKEGATE__TABLE__SNAPSHOT_MAX_AGE", "0s")]).await;
        let mut table = table_of_ids();
        let first = written(&mut table, "first.parquet", &[1, 2]);
        let second = written(&mut table, "second.parquet", &[10, 20]);
        table.commit(&[first, second, known("absent-1", 10, 5, (1000, 2000))]);
        lake.add("growing", &table.finish()).await;
        // Loads bounds of `id`, which must be there for files of later commits as well.
        let before: [(&str, &[&str]); 1] = [("select id from {} where id < 100", &["1", "10", "2", "20"])];
        lake.assert_answers("analyst", "growing", &before).await;

        let mut later = TableWriter::new(&[]);
        later.commit(&[]);
        let third = written(&mut later, "third.parquet", &[3, 30]);
        later.commit(&[
            json!({"remove": {"path": "first.parquet", "deletionTimestamp": 1, "dataChange": true}}),
            third,
            known("absent-2", 10, 5, (3000, 4000)),
        ]);
        let mut files = later.finish();
        files.0.retain(|path, _| !path.ends_with("0.json") && !path.ends_with("1.json"));
        lake.put("growing", &files).await;
        lake.sandbox.record_s3();
        let after: [(&str, &[&str]); 1] = [("select id from {} where id < 100", &["10", "20", "3", "30"])];
        lake.assert_answers("analyst", "growing", &after).await;
        let read: Vec<String> = lake.sandbox.recorded_s3().into_iter().map(|request| request.key).collect();
        assert!(read.iter().any(|key| key.ends_with("00000000000000000002.json")), "{read:?}");
        assert!(!read.iter().any(|key| key.ends_with("00000000000000000001.json")), "{read:?}");
        assert!(!read.iter().any(|key| key.ends_with("00000000000000000000.json")), "{read:?}");
    });
}

/// A log that was followed from a version that somebody has read, and one that is read at once, list files in two orders.
#[test]
fn rows_come_in_an_order_that_does_not_tell_whether_anybody_has_read_an_earlier_version() {
    run(async {
        let no_age = ("LAKEGATE__TABLE__SNAPSHOT_MAX_AGE", "0s");
        let lake = Lake::start(&[no_age]).await;
        let mut table = table_of_ids();
        let first = [written(&mut table, "m.parquet", &[1, 2]), written(&mut table, "c.parquet", &[3])];
        table.commit(&first);
        lake.add("ordered", &table.finish()).await;
        let shown = Shown { rows: GrantedRows::Where("id > 0".to_owned()), columns: Columns::All };
        lake.grant("support", "ordered", shown).await;
        let sql = "select id from brought.ordered";
        let cells = async |server: &Server| {
            let connection = login(server, "support").await;
            Rows::of(&rows(&connection, sql).await.unwrap()).cells
        };
        // Another user reads the first version.
        drop(rows(&lake.login("analyst").await, sql).await.unwrap());

        let mut later = TableWriter::new(&[]);
        later.commit(&[]);
        let added = [written(&mut later, "z.parquet", &[4]), written(&mut later, "a.parquet", &[5, 6])];
        later.commit(&added);
        let mut files = later.finish();
        files.0.retain(|path, _| !path.ends_with("0.json") && !path.ends_with("1.json"));
        lake.put("ordered", &files).await;
        let followed = cells(&lake.server).await;
        let at_once = cells(&start_server(&lake.sandbox, &[no_age]).await).await;
        assert_eq!(followed.len(), 6);
        assert_eq!(followed, at_once);
    });
}
