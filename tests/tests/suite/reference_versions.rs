//! Older versions of reference tables, by `version as of`.
//!
//! What a version holds is found here in the simplest way: the files that its commits added and did not remove, read by the
//! Parquet library. That is enough for tables without partitions, renamed columns and deletion vectors.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::delta::TableFiles;
use crate::delta::lake::{DATABASE, Lake};
use crate::delta::reference::Archive;
use crate::delta::rows::Rows;
use crate::support::{refusal, run};

/// The rows of one version.
fn rows_at(files: &TableFiles, version: u64) -> Rows {
    let mut older = files.clone();
    older.0.retain(|path, _| !path.ends_with(".json") || *path <= TableFiles::commit(version));
    let mut live = BTreeSet::new();
    for action in older.actions() {
        let path = |kind: &str| action[kind]["path"].as_str().map(str::to_owned);
        live.extend(path("add"));
        if let Some(removed) = path("remove") {
            live.remove(&removed);
        }
    }
    Rows::of_parquet(live.iter().map(|path| files.0[path].clone()))
}

fn reads_every_version(archive: &str, name: &str, versions: u64) {
    let Some(reference) = Archive::open(archive) else { return };
    run(async {
        let lake = Lake::shared().await;
        let files = reference.table();
        lake.add(name, &files).await;
        let mut problems = Vec::new();
        for version in 0..versions {
            let answer =
                lake.rows("analyst", name, &format!("select * from {{}} version as of {version}")).await;
            let difference = answer.difference(&rows_at(&files, version));
            problems.extend(difference.map(|found| format!("version {version}: {found}")));
        }
        assert!(problems.is_empty(), "{archive}: {}", problems.join("\n"));
    });
}

#[test]
fn a_version_before_an_overwrite_has_the_overwritten_rows() {
    reads_every_version("snapshot-data3", "versions_of_snapshot_data3", 4);
}

#[test]
fn versions_before_and_after_a_checkpoint_have_their_own_rows() {
    reads_every_version("basic-with-inserts-deletes-checkpoint", "versions_of_inserts_deletes", 14);
}

#[test]
fn a_version_before_a_column_was_added_does_not_have_it() {
    reads_every_version("time-travel-schema-changes-b", "versions_of_schema_changes", 1);
    let Some(reference) = Archive::open("time-travel-schema-changes-b") else { return };
    run(async {
        let lake = Lake::shared().await;
        lake.add("versions_by_name", &reference.table()).await;
        let newest =
            lake.rows("analyst", "versions_by_name", "select id, part from {} version as of 1").await;
        assert_eq!(newest.difference(&reference.expected()), None);
        let sql = format!("select part from {DATABASE}.versions_by_name version as of 0");
        let (_, text) = refusal(&lake.login("analyst").await, &sql).await;
        assert_eq!(text, "no such column: part");
    });
}

#[test]
fn a_hidden_column_is_hidden_in_every_version() {
    let Some(reference) = Archive::open("snapshot-data3") else { return };
    run(async {
        let lake = Lake::shared().await;
        let files = reference.table();
        lake.add("hidden_in_versions", &files).await;
        lake.grant_all_but("support", "hidden_in_versions", "col2").await;
        for version in 0..4 {
            let sql = format!("select * from {{}} version as of {version}");
            let answer = lake.rows("support", "hidden_in_versions", &sql).await;
            assert_eq!(
                answer.difference(&rows_at(&files, version).without("col2")),
                None,
                "version {version}"
            );
        }
    });
}

#[test]
fn a_version_that_does_not_exist_is_one_clear_error() {
    let Some(reference) = Archive::open("snapshot-data3") else { return };
    run(async {
        let lake = Lake::shared().await;
        lake.add("no_such_version", &reference.table()).await;
        let analyst = lake.login("analyst").await;
        for version in ["4", "99999999", "18446744073709551616", "-1"] {
            let (code, text) = refusal(
                &analyst,
                &format!("select * from {DATABASE}.no_such_version version as of {version}"),
            )
            .await;
            assert!(
                !matches!(code, tonic::Code::Internal | tonic::Code::Unknown),
                "{version}: {code:?} {text}"
            );
            assert!(!text.contains("_delta_log") && !text.contains("s3:"), "{version}: {text}");
        }
        let rows = lake.rows("analyst", "no_such_version", "select count(*) from {}").await;
        assert_eq!(rows.texts(), ["30"]);
    });
}

/// The oracle above against an archive's own rows: it must find the newest version's.
#[test]
fn the_files_of_the_newest_version_hold_the_rows_to_expect() {
    for (archive, newest) in [("snapshot-data3", 3), ("basic-with-inserts-deletes-checkpoint", 13)] {
        let Some(reference) = Archive::open(archive) else { return };
        let files = reference.table();
        assert!(files.actions().iter().any(|action| action.get("add").is_some_and(Value::is_object)));
        assert_eq!(rows_at(&files, newest).difference(&reference.expected()), None, "{archive}");
    }
}
