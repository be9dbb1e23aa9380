//! What one user may have done at once, and how often: describing, opening tables, and calls to AWS.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use lakegate_client::ClientError;
use lakegate_sandbox::Sandbox;
use lakegate_tests::stack;
use serde_json::json;
use tonic::Code;

use crate::delta::grants::Shown;
use crate::delta::lake::Lake;
use crate::delta::writer::{TableWriter, batch, field, longs, metadata, plain_protocol};
use crate::support::{flight_client, login, refusal, rows, run, start_server, until, value};

const SMALL: &str = "select count(*) from hr.employees where id between 10 and 900";

/// Earlier versions that are asked for at once.
const VERSIONS: usize = 149;

/// Calls that tell what a user may see of a table.
fn policies(counters: &BTreeMap<String, u64>) -> u64 {
    counters.get("glue:GetUnfilteredTableMetadata").copied().unwrap_or_default()
}

/// A statement of `tables` names that nobody knows.
fn unknown(tables: usize, prefix: &str) -> String {
    let names: Vec<String> = (0..tables).map(|number| format!("x.{prefix}{number}")).collect();
    format!("select 1 from {}", names.join(","))
}

/// Calls for policies while something runs.
async fn asked(sandbox: &Sandbox, work: impl Future<Output = ()>) -> u64 {
    let before = policies(&sandbox.counters());
    work.await;
    policies(&sandbox.counters()) - before
}

#[test]
fn a_user_who_has_many_statements_described_keeps_nobody_waiting() {
    run(async {
        let few = [("LAKEGATE__SESSION__MAX_CONCURRENT_DESCRIPTIONS_PER_USER", "2")];
        let lake = Lake::start(&few).await;
        let mut table =
            TableWriter::new(&[plain_protocol(), metadata(&[field("id", "long")], &[], json!({}))]);
        for number in 0..VERSIONS {
            let action = table.data(&format!("{number}.parquet"), &batch(&[("id", longs(&[1, 2, 3]))]));
            table.commit(&[action]);
        }
        lake.add("many_versions", &table.finish()).await;
        let expected = value(&login(&lake.server, "hr_partner").await, SMALL).await;
        let client = flight_client(&lake.server, "analyst").await;
        let describe = |version: usize| {
            let mut client = client.clone();
            async move {
                let sql = format!(
                    "select * from {}.many_versions version as of {version}",
                    crate::delta::lake::DATABASE
                );
                client.execute(sql, None).await.map(drop).map_err(|error| error.to_string())
            }
        };
        let others = async {
            for _ in 0..5 {
                lake.server.admin("/healthz").await.unwrap();
                let partner = login(&lake.server, "hr_partner").await;
                assert_eq!(value(&partner, SMALL).await, expected);
            }
        };
        let (described, ()) = tokio::join!(join_all((1..=VERSIONS).map(describe)), others);
        let refused: Vec<String> = described.into_iter().filter_map(Result::err).collect();
        assert!(refused.len() < VERSIONS, "{}", refused[0]);
        for text in refused {
            assert!(text.contains("you have too many statements being planned"), "{text}");
        }
        describe(1).await.unwrap();
    });
}

#[test]
fn tables_that_are_not_there_are_asked_for_once() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(
            &sandbox,
            &[("LAKEGATE__ACCESS__REFUSAL_TTL", "10m"), ("LAKEGATE__ACCESS__POLICY_TTL", "10m")],
        )
        .await;
        let stranger = login(&server, "stranger").await;
        let sql = unknown(64, "t");
        let refuse = async || {
            let (code, text) = refusal(&stranger, &sql).await;
            assert_eq!((code, text.as_str()), (Code::NotFound, "table not found or not granted: x.t0"));
        };
        assert_eq!(asked(&sandbox, refuse()).await, 64);
        assert_eq!(asked(&sandbox, refuse()).await, 0);
        // What one user was refused says nothing about another's rights.
        let granted = "select count(*) from hr.departments";
        assert_eq!(refusal(&stranger, granted).await.0, Code::NotFound);
        assert!(rows(&login(&server, "analyst").await, granted).await.is_ok());
    });
}

#[test]
fn with_a_refusal_ttl_of_zero_every_query_asks() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[("LAKEGATE__ACCESS__REFUSAL_TTL", "0s")]).await;
        let stranger = login(&server, "stranger").await;
        for _ in 0..2 {
            let once = asked(&sandbox, async { drop(refusal(&stranger, &unknown(1, "t")).await) }).await;
            assert!(once >= 1);
        }
    });
}

#[test]
fn a_new_right_works_when_the_refusal_is_forgotten() {
    run(async {
        let lake =
            Lake::start(&[("LAKEGATE__ACCESS__REFUSAL_TTL", "1s"), ("LAKEGATE__ACCESS__POLICY_TTL", "10m")])
                .await;
        let mut table =
            TableWriter::new(&[plain_protocol(), metadata(&[field("id", "long")], &[], json!({}))]);
        let action = table.data("a.parquet", &batch(&[("id", longs(&[1, 2, 3]))]));
        table.commit(&[action]);
        lake.add("granted_later", &table.finish()).await;
        let sql = format!("select count(*) from {}.granted_later", crate::delta::lake::DATABASE);
        let partner = login(&lake.server, "hr_partner").await;
        assert_eq!(refusal(&partner, &sql).await.0, Code::NotFound);
        lake.grant("hr_partner", "granted_later", Shown::ALL).await;
        until("the right works", async || rows(&partner, &sql).await.is_ok()).await;
    });
}

#[test]
fn one_users_calls_to_aws_are_counted_and_anothers_are_not_touched() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[("LAKEGATE__AWS__CALLS_PER_SECOND_PER_USER", "1")]).await;
        let stranger = login(&server, "stranger").await;
        let partner = login(&server, "hr_partner").await;
        let expected = value(&partner, SMALL).await;
        // As many as are saved are spent at once, a few more are waited for, and more come back in the meantime.
        let begun = tokio::time::Instant::now();
        let mut texts = Vec::new();
        let calls = asked(&sandbox, async {
            let statements: Vec<String> = (0..4).map(|number| unknown(64, &format!("r{number}t"))).collect();
            for answer in join_all(statements.iter().map(|sql| rows(&stranger, sql))).await {
                match answer {
                    Err(ClientError::Status(status)) => texts.push(status.message().to_owned()),
                    _ => panic!("answered"),
                }
            }
        })
        .await;
        let most = 20 + 5 + begun.elapsed().as_secs() + 2;
        assert!(calls <= most, "{calls} calls in {:?}", begun.elapsed());
        let spent = "you have asked for too many tables and lists in a short time";
        assert!(texts.iter().any(|text| text.contains(spent)), "{texts:?}");
        assert_eq!(value(&partner, SMALL).await, expected);
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(refusal(&stranger, &unknown(1, "later")).await.0, Code::NotFound);
    });
}
