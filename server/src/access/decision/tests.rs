//! Answers of GetUnfilteredTableMetadata and what is made of them. The payloads have the forms measured on real accounts.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::HashMap;

use super::*;
use crate::aws::GlueColumn;

const ACCOUNT: &str = "123456789012";

fn glue_table() -> GlueTable {
    let column = |name: &str, hive_type: &str| GlueColumn {
        name: name.to_owned(),
        hive_type: hive_type.to_owned(),
        comment: None,
    };
    GlueTable {
        catalog_id: Some(ACCOUNT.to_owned()),
        database: Some("sales".to_owned()),
        name: "orders".to_owned(),
        description: None,
        parameters: HashMap::from([("table_type".to_owned(), "delta".to_owned())]),
        location: Some("s3://bucket/orders".to_owned()),
        serde_path: None,
        columns: vec![column("id", "bigint"), column("region", "string"), column("code", "char(3)")],
        is_resource_link: false,
        is_view: false,
        has_rls_policy: false,
        is_federated: false,
    }
}

/// An answer that grants `columns` under one filter.
fn granting(columns: &[&str], filter: &str) -> UnfilteredTable {
    let cell = |name: &&str| (Some((*name).to_owned()), Some(filter.to_owned()));
    UnfilteredTable {
        table: glue_table(),
        authorized_columns: Some(columns.iter().map(|name| (*name).to_owned()).collect()),
        is_registered: true,
        cell_filters: Some(columns.iter().map(cell).collect()),
        row_filter: Some(filter.to_owned()),
        query_authorization_id: Some("authorization".to_owned()),
        is_view_or_protected: false,
    }
}

/// Makes one thing of an answer different.
type Change = fn(&mut UnfilteredTable);

fn judged(answer: UnfilteredTable) -> Result<Policy, Error> {
    judge(answer, ACCOUNT, &TableName::new("sales", "orders"), QueryId::new())
}

fn kind(answer: UnfilteredTable) -> ErrorKind {
    judged(answer).err().map(|error| error.kind()).unwrap()
}

#[test]
fn a_plain_grant_is_all_rows_of_the_granted_columns() {
    let policy = judged(granting(&["id", "region"], "TRUE")).unwrap();
    assert!(policy.row_filter.is_none());
    assert_eq!(policy.authorized_columns, BTreeSet::from(["id".to_owned(), "region".to_owned()]));
}

#[test]
fn a_data_cells_filter_hides_rows() {
    let policy = judged(granting(&["id", "region"], "region = 'us'")).unwrap();
    assert_eq!(policy.row_filter.unwrap().columns(), BTreeSet::from(["region".to_owned()]));
}

#[test]
fn without_authorised_columns_nothing_is_read() {
    let mut absent = granting(&[], "TRUE");
    absent.authorized_columns = None;
    assert_eq!(kind(absent), ErrorKind::PermissionDenied);
    assert_eq!(kind(granting(&[], "TRUE")), ErrorKind::PermissionDenied);
}

/// Each change makes the answer one that this server does not understand in full.
#[test]
fn an_answer_that_is_not_understood_in_full_refuses_the_table() {
    let changes: [(&str, Change); 12] = [
        ("row filter absent", |answer| answer.row_filter = None),
        ("row filter empty", |answer| answer.row_filter = Some(String::new())),
        ("another word for all rows", |answer| answer.row_filter = Some("all".to_owned())),
        ("no query authorisation id", |answer| answer.query_authorization_id = None),
        ("cell filters absent beside a row filter", |answer| answer.cell_filters = None),
        ("one column without a cell filter", |answer| {
            answer.cell_filters.as_mut().unwrap().pop();
        }),
        ("cell filters that differ", |answer| {
            answer.cell_filters.as_mut().unwrap()[0].1 = Some("region = 'eu'".to_owned());
        }),
        ("two cell filters for one column", |answer| {
            let first = answer.cell_filters.as_ref().unwrap()[0].clone();
            answer.cell_filters.as_mut().unwrap().push(first);
        }),
        ("a cell filter for a hidden column", |answer| {
            answer.cell_filters.as_mut().unwrap()[0].0 = Some("ssn".to_owned());
        }),
        ("a cell filter without a column", |answer| answer.cell_filters.as_mut().unwrap()[0].0 = None),
        ("a cell filter without an expression", |answer| answer.cell_filters.as_mut().unwrap()[0].1 = None),
        ("a row-level security policy", |answer| answer.table.has_rls_policy = true),
    ];
    for (name, change) in changes {
        let mut answer = granting(&["id", "region"], "region = 'us'");
        change(&mut answer);
        assert_eq!(kind(answer), ErrorKind::Unsupported, "{name}");
    }
}

#[test]
fn a_filter_on_padded_text_refuses_the_table() {
    assert_eq!(kind(granting(&["id", "code"], "code = 'A'")), ErrorKind::Unsupported);
}

#[test]
fn links_views_and_unregistered_locations_are_refused() {
    let changes: [Change; 5] = [
        |answer| answer.table.is_resource_link = true,
        |answer| answer.table.is_view = true,
        |answer| answer.is_view_or_protected = true,
        |answer| answer.table.is_federated = true,
        |answer| answer.is_registered = false,
    ];
    for change in changes {
        let mut answer = granting(&["id"], "TRUE");
        change(&mut answer);
        assert_eq!(kind(answer), ErrorKind::Unsupported);
    }
}

#[test]
fn an_answer_about_another_table_is_refused_like_a_missing_table() {
    let changes: [Change; 3] = [
        |answer| answer.table.name = "other".to_owned(),
        |answer| answer.table.database = None,
        |answer| answer.table.catalog_id = Some("999999999999".to_owned()),
    ];
    for change in changes {
        let mut answer = granting(&["id"], "TRUE");
        change(&mut answer);
        assert_eq!(kind(answer), ErrorKind::NotFound);
    }
}

#[test]
fn fingerprints_differ_when_anything_visible_differs() {
    let fingerprint = |answer| judged(answer).unwrap().fingerprint;
    let base = fingerprint(granting(&["id", "region"], "region = 'us'"));
    assert_eq!(base, fingerprint(granting(&["region", "id"], "region='us'")));
    assert_ne!(base, fingerprint(granting(&["id"], "region = 'us'")));
    assert_ne!(base, fingerprint(granting(&["id", "region"], "region = 'eu'")));
    assert_ne!(base, fingerprint(granting(&["id", "region"], "TRUE")));
    let mut moved = granting(&["id", "region"], "region = 'us'");
    moved.table.location = Some("s3://bucket/elsewhere".to_owned());
    assert_ne!(base, fingerprint(moved));
}
