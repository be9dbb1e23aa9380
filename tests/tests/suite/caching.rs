//! What is asked of AWS, counted by the sandbox.

use std::collections::BTreeMap;

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

/// What was called between two looks at the counters.
fn difference(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    after
        .iter()
        .map(|(name, count)| (name.clone(), count - before.get(name).copied().unwrap_or_default()))
        .filter(|(_, count)| *count > 0)
        .collect()
}
