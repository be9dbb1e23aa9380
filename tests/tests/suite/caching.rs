//! What is asked of AWS, counted by the sandbox.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use futures::future::join_all;
use lakegate_sandbox::{S3Request, Sandbox};
use lakegate_tests::stack;

use crate::support::{login, rows, run, start_server};

#[test]
fn a_second_identical_query_makes_no_call_to_aws() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(
            &sandbox,
            &[("LAKEGATE__TABLE__SNAPSHOT_MAX_AGE", "10m"), ("LAKEGATE__ACCESS__POLICY_TTL", "10m")],
        )
        .await;
        let analyst = login(&server, "analyst").await;
        let sql = "select n_name, r_name from sales.nation join sales.region on n_regionkey = r_regionkey where n_nationkey = 7";
        let first = rows(&analyst, sql).await.unwrap();
        let before = sandbox.counters();
        let second = rows(&analyst, sql).await.unwrap();
        assert_eq!(difference(&before, &sandbox.counters()), BTreeMap::new());
        assert_eq!(first, second);
    });
}

#[test]
fn with_a_policy_ttl_of_zero_every_query_asks_for_the_policy() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[("LAKEGATE__ACCESS__POLICY_TTL", "0s")]).await;
        let analyst = login(&server, "analyst").await;
        rows(&analyst, "select count(*) from sales.nation").await.unwrap();
        let before = sandbox.counters();
        rows(&analyst, "select count(*) from sales.nation").await.unwrap();
        let asked = difference(&before, &sandbox.counters());
        assert!(asked.get("glue:GetUnfilteredTableMetadata").is_some_and(|count| *count >= 1), "{asked:?}");
    });
}

#[test]
fn no_credentials_are_asked_for_a_table_that_may_not_be_read() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[]).await;
        for user in ["stranger", "auditor"] {
            let connection = login(&server, user).await;
            assert!(rows(&connection, "select * from hr.employees").await.is_err());
        }
        let counters = sandbox.counters();
        assert_eq!(
            counters.get("lakeformation:GetTemporaryGlueTableCredentials").copied().unwrap_or_default(),
            0
        );
    });
}

/// Reads of data files while something ran.
async fn reads_during(sandbox: &Sandbox, work: impl Future<Output = ()>) -> usize {
    sandbox.record_s3();
    work.await;
    let is_data =
        |request: &S3Request| request.key.ends_with(".parquet") && !request.key.contains("_delta_log");
    sandbox.recorded_s3().iter().filter(|request| is_data(request)).count()
}

const SUM_OF_TWO_COLUMNS: &str = "select sum(l_quantity), min(l_comment) from sales.lineitem";

#[test]
fn queries_that_want_the_same_bytes_at_the_same_time_read_them_once() {
    run(async {
        let sandbox = stack::sandbox(0.01).await.unwrap();
        let mut counted = Vec::new();
        for at_once in [1, 8] {
            let server = start_server(&sandbox, &[]).await;
            let analyst = login(&server, "analyst").await;
            let queries = async {
                let answers = join_all((0..at_once).map(|_| rows(&analyst, SUM_OF_TWO_COLUMNS))).await;
                assert!(answers.iter().all(Result::is_ok));
            };
            counted.push(reads_during(&sandbox, queries).await);
        }
        assert!(counted[0] > 0);
        assert_eq!(counted[0], counted[1]);
    });
}

#[test]
fn what_memory_has_no_room_for_is_kept_on_disk_in_a_private_folder() {
    run(async {
        let sandbox = stack::sandbox(0.01).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let blocks = folder.path().join("blocks");
        let directory = blocks.to_str().unwrap();
        let settings = [
            ("LAKEGATE__TABLE__BLOCK_CACHE_BYTES", "0"),
            ("LAKEGATE__TABLE__BLOCK_CACHE_DIRECTORY", directory),
            ("LAKEGATE__TABLE__BLOCK_CACHE_DISK_BYTES", "1GiB"),
        ];
        let server = start_server(&sandbox, &settings).await;
        let analyst = login(&server, "analyst").await;
        let query = async || drop(rows(&analyst, SUM_OF_TWO_COLUMNS).await.unwrap());
        assert!(reads_during(&sandbox, query()).await > 0);
        assert_eq!(reads_during(&sandbox, query()).await, 0);
        assert_eq!(std::fs::metadata(&blocks).unwrap().permissions().mode() & 0o777, 0o700);
    });
}

/// What was called between two looks at the counters.
fn difference(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    after
        .iter()
        .map(|(name, count)| (name.clone(), count - before.get(name).copied().unwrap_or_default()))
        .filter(|(_, count)| *count > 0)
        .collect()
}
