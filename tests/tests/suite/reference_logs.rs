//! Logs that other writers made: those that must be refused, those that must not, and one of 300,000 files.
//!
//! The rows to expect do not come with these archives. They are written here, and come from how the archives were made.

use crate::delta::lake::Lake;
use crate::delta::reference::Archive;
use crate::delta::schema::{Column, TableSchema};
use crate::support::run;

/// Column `id`, for a log that does not say what columns it has.
fn only_id() -> TableSchema {
    let id = Column { name: "id".to_owned(), hive_type: "int".to_owned() };
    TableSchema { columns: vec![id], partition_columns: vec![] }
}

#[test]
fn a_protocol_version_from_the_future_is_refused() {
    let Some(reference) = Archive::open("deltalog-invalid-protocol-version") else { return };
    run(async {
        let lake = Lake::shared().await;
        lake.add("future_protocol", &reference.table()).await;
        for sql in ["select * from {}", "select count(*) from {}", "select 1 from {} where false"] {
            let text = lake.assert_refused("future_protocol", sql).await;
            assert!(text.contains("Delta"), "{text}");
        }
    });
}

#[test]
fn a_log_without_a_schema_is_refused() {
    let Some(reference) = Archive::open("deltalog-state-reconstruction-without-metadata") else { return };
    run(async {
        let lake = Lake::shared().await;
        lake.add_with_schema("no_metadata", &reference.table(), &only_id()).await;
        for sql in ["select * from {}", "select count(*) from {}"] {
            lake.assert_refused("no_metadata", sql).await;
        }
    });
}

#[test]
fn a_reader_feature_that_changes_nothing_for_readers_is_no_obstacle() {
    let Some(reference) = Archive::open("basic-with-vacuum-protocol-check-feature") else { return };
    run(async {
        let lake = Lake::shared().await;
        lake.add("vacuum_check", &reference.table()).await;
        let sql = "select count(*), min(id), max(id), count(distinct str) from {}";
        assert_eq!(lake.texts("vacuum_check", sql).await, ["100 | 0 | 99 | 100"]);
    });
}

/// All rows were deleted; the files of the change data feed still hold them.
#[test]
fn rows_of_the_change_data_feed_are_not_rows_of_the_table() {
    let Some(reference) = Archive::open("cdf-table-simple") else { return };
    run(async {
        let lake = Lake::shared().await;
        lake.add("change_data", &reference.table()).await;
        assert_eq!(lake.texts("change_data", "select * from {}").await, [""; 0]);
        assert_eq!(lake.texts("change_data", "select count(*) from {}").await, ["0"]);
    });
}

/// Spark wrote 1 + 1 rows of 0, ranges up to 30, 100, 100 and 1000, and 0 again, each followed by a checkpoint with sidecars.
#[test]
fn a_checkpoint_with_sidecars_gives_every_file() {
    let Some(reference) = Archive::open("v2-checkpoints-parquet-with-sidecars") else { return };
    run(async {
        let lake = Lake::shared().await;
        let ranges = [1, 1, 30, 100, 100, 1000, 1];
        let mut expected: Vec<String> =
            ranges.into_iter().flat_map(|end| 0..end).map(|id: i64| id.to_string()).collect();
        expected.sort();
        let mut files = reference.table();
        let schema = TableSchema::of(&files).unwrap();
        lake.add("sidecars", &files).await;
        assert_eq!(lake.texts("sidecars", "select id from {}").await, expected);

        // As after log clean-up: only the checkpoint knows the older files.
        files.0.retain(|path, _| !path.ends_with(".json") || path.contains("00000000000000000006"));
        lake.add_with_schema("sidecars_only", &files, &schema).await;
        assert_eq!(lake.texts("sidecars_only", "select id from {}").await, expected);
    });
}

/// The log has compacted files beside the commits that they sum up, and deletion vectors in both.
#[test]
fn compacted_logs_give_the_same_rows_as_their_commits() {
    let Some(reference) = Archive::open("compacted-log-files-table") else { return };
    run(async {
        let lake = Lake::shared().await;
        let mut files = reference.table();
        lake.add("compacted", &files).await;
        let with_compaction = lake.texts("compacted", "select * from {}").await;
        files.0.retain(|path, _| !path.contains(".compacted."));
        lake.add("not_compacted", &files).await;
        assert_eq!(with_compaction, lake.texts("not_compacted", "select * from {}").await);
        assert_eq!(with_compaction.len(), 5, "{with_compaction:#?}");
    });
}

/// `id` counts from 0 to 99, and 0 and 1 were appended again; the other columns are variants, alone and nested.
#[test]
fn beside_variants_ordinary_columns_are_read_and_variants_come_whole_or_with_one_clear_error() {
    let Some(reference) = Archive::open("unshredded-variant") else { return };
    run(async {
        let lake = Lake::shared().await;
        lake.add("variants", &reference.table()).await;
        let sql = "select count(*), count(distinct id), min(id), max(id), sum(id) from {}";
        assert_eq!(lake.texts("variants", sql).await, ["102 | 100 | 0 | 99 | 4951"]);

        let connection = lake.login("analyst").await;
        let sql = format!("select * from {}.variants", crate::delta::lake::DATABASE);
        match crate::support::rows(&connection, &sql).await {
            Ok(batches) => assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 102),
            Err(_) => drop(lake.assert_refused("variants", "select * from {}").await),
        }
    });
}

/// 100 columns, 100 partitions, 300,000 files and no data: whatever the log can answer is answered, the rest is refused.
#[test]
fn a_log_of_300_000_files_is_answered_from_as_far_as_it_can_answer() {
    let Some(reference) = Archive::open("300k-add-files-100-col-partitioned") else { return };
    run(async {
        let lake = Lake::shared().await;
        lake.add("many_files", &reference.table()).await;
        let columns = lake.rows("analyst", "many_files", "select * from {} limit 0").await.columns;
        assert_eq!(columns.len(), 100);

        // The files have no statistics, so not even their number of rows is known.
        let text =
            lake.assert_refused("many_files", "select count(*) from {} where partition_col = 'part_7'").await;
        assert!(text.contains("missing"), "{text}");
        lake.assert_answers(
            "analyst",
            "many_files",
            &[
                ("select count(*), max(col_0) from {} where partition_col = 'part_100'", &["0 | NULL"]),
                ("select * from {} where partition_col is null", &[]),
                ("select col_1 from {} where partition_col > 'part_99'", &[]),
            ],
        )
        .await;
    });
}
