//! Tables that Spark and others wrote, read through the whole server: every row, and every row without a hidden column.
//!
//! One test per archive, so that a failure names the archive. What is expected comes with the archive and is read here by
//! the Parquet library alone, without anything of Delta.

use std::collections::BTreeSet;

use crate::delta::lake::{DATABASE, Lake};
use crate::delta::reference::Archive;
use crate::delta::rows::Rows;
use crate::delta::schema::{Column, TableSchema};
use crate::support::{refusal, run};

/// Who may read every data column but the first, and who every one but the last.
const RESTRICTED: [&str; 2] = ["support", "eu_analyst"];

/// Partition values that are instants have no zone in the log. They are UTC, as in `kernel-timestamp-pst`; the rows of this
/// archive were made by a session in Los Angeles that took them for its own time.
const TAKEN_FOR_LOCAL_TIME: (&str, &str, &str) =
    ("data-reader-partition-values", "2021-09-08 18:11:11Z", "2021-09-08 11:11:11Z");

/// The tests of each archive: all its rows, and, where it has several columns, what hiding one leaves.
macro_rules! archives {
    (
        one_column: [$($narrow_test:ident = $narrow:literal),* $(,)?],
        several_columns: [$($test:ident = $archive:literal),* $(,)?] $(,)?
    ) => {
        mod every_row_is_returned_of {
            $(
                #[test]
                fn $narrow_test() {
                    super::returns_every_row($narrow, stringify!($narrow_test));
                }
            )*
            $(
                #[test]
                fn $test() {
                    super::returns_every_row($archive, stringify!($test));
                }
            )*
        }

        mod a_hidden_column_is_gone_and_the_others_are_as_before_in {
            $(
                #[test]
                fn $test() {
                    super::hides_a_column($archive, stringify!($test));
                }
            )*
        }
    };
}

archives! {
    one_column: [
        decimal_124 = "124-decimal-decode-bug",
        basic_with_inserts_deletes_checkpoint = "basic-with-inserts-deletes-checkpoint",
        log_replay_dv_key_cases = "log-replay-dv-key-cases",
        multi_part_checkpoint = "multi-part-checkpoint",
        v2_checkpoint_parquet = "v2-checkpoint-parquet",
    ],
    several_columns: [
        basic_decimal_table = "basic-decimal-table",
        basic_with_vacuum_protocol_check_feature = "basic-with-vacuum-protocol-check-feature",
        data_reader_array_primitives = "data-reader-array-primitives",
        data_reader_date_types_america = "data-reader-date-types-America",
        data_reader_escaped_chars = "data-reader-escaped-chars",
        data_reader_nested_struct = "data-reader-nested-struct",
        data_reader_partition_values = "data-reader-partition-values",
        data_reader_primitives = "data-reader-primitives",
        data_reader_timestamp_ntz_name_mode = "data-reader-timestamp_ntz-name-mode",
        data_skipping_columnmapping_id = "data-skipping-basic-stats-all-types-columnmapping-id",
        data_skipping_columnmapping_name = "data-skipping-basic-stats-all-types-columnmapping-name",
        data_skipping_partition_and_data_column = "data-skipping-partition-and-data-column",
        dv_with_columnmapping = "dv-with-columnmapping",
        kernel_timestamp_pst = "kernel-timestamp-pst",
        parquet_all_types = "parquet-all-types",
        snapshot_data3 = "snapshot-data3",
        table_with_columnmapping_mode_name = "table-with-columnmapping-mode-name",
        time_travel_schema_changes_b = "time-travel-schema-changes-b",
    ],
}

/// The rows to expect of an archive.
fn expected(archive: &str, reference: &Archive) -> Rows {
    let mut rows = reference.expected();
    let (corrected, wrong, right) = TAKEN_FOR_LOCAL_TIME;
    if archive == corrected {
        let cells = rows.cells.iter_mut().flatten().filter(|cell| *cell == wrong);
        assert_eq!(cells.map(|cell| *cell = right.to_owned()).count(), 2);
    }
    rows
}

fn returns_every_row(archive: &str, name: &str) {
    let Some(reference) = Archive::open(archive) else { return };
    run(async {
        let lake = Lake::shared().await;
        let files = reference.table();
        let table = format!("all_{name}");
        lake.add(&table, &files).await;
        let answer = lake.rows("analyst", &table, "select * from {}").await;
        if let Some(difference) = answer.difference(&expected(archive, &reference)) {
            panic!("{archive}: {difference}");
        }
        let schema = TableSchema::of(&files).unwrap();
        let foreign = answer.foreign_types(&schema);
        assert!(
            foreign.is_empty(),
            "{archive}: {foreign:?} are not of the log's schema {:?}",
            schema.columns
        );
    });
}

/// Hides a data column, and where there are partition columns one of these too. Lake Formation has no grant that hides a
/// partition key of the catalog, but to Delta it is one also if the catalog lists it among the others.
fn hides_a_column(archive: &str, name: &str) {
    let Some(reference) = Archive::open(archive) else { return };
    run(async {
        let lake = Lake::shared().await;
        let (files, rows) = (reference.table(), expected(archive, &reference));
        let schema = TableSchema::of(&files).unwrap();
        let (keys, data): (Vec<&Column>, Vec<&Column>) =
            schema.columns.iter().partition(|column| schema.is_partition(column));
        let table = format!("some_{name}");
        lake.add(&table, &files).await;
        let ends = BTreeSet::from([&data[0].name, &data[data.len() - 1].name]);
        for (user, hidden) in RESTRICTED.into_iter().zip(ends) {
            assert_hidden(&lake, user, &table, hidden, &rows).await;
        }
        if let Some(key) = keys.first() {
            let table = format!("keyless_{name}");
            let without_keys = TableSchema { partition_columns: vec![], ..schema.clone() };
            lake.add_with_schema(&table, &files, &without_keys).await;
            assert_hidden(&lake, RESTRICTED[0], &table, &key.name, &rows).await;
        }
    });
}

async fn assert_hidden(lake: &Lake, user: &str, table: &str, hidden: &str, rows: &Rows) {
    lake.grant_all_but(user, table, hidden).await;
    let answer = lake.rows(user, table, "select * from {}").await;
    if let Some(difference) = answer.difference(&rows.clone().without(hidden)) {
        panic!("{table} without {hidden}: {difference}");
    }
    let connection = lake.login(user).await;
    let ask = async |column: &str| {
        let sql = format!("select \"{column}\" from {DATABASE}.{table}");
        let (code, text) = refusal(&connection, &sql).await;
        (code, text.trim_end_matches(column).to_owned())
    };
    assert_eq!(ask(hidden).await, ask("no_such_column").await, "{table}: {hidden}");
}
