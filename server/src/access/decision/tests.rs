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
    judge(answer, ACCOUNT, &TableName::new("sales", "orders"), QueryId::new(), CellMasking::Refuse)
}

/// What is made of row filter and cell filters where cells may be masked.
fn masked(row_filter: &str, cells: &[(&str, &str)]) -> Policy {
    let columns: Vec<&str> = cells.iter().map(|(column, _)| *column).collect();
    let mut answer = granting(&columns, row_filter);
    let cell = |(column, filter): &(&str, &str)| (Some((*column).to_owned()), Some((*filter).to_owned()));
    answer.cell_filters = Some(cells.iter().map(cell).collect());
    judge(answer, ACCOUNT, &TableName::new("sales", "orders"), QueryId::new(), CellMasking::Null).unwrap()
}

/// The filters of a policy in one text: that of the rows, then those of cells.
fn filters(policy: &Policy) -> String {
    let rows = policy.row_filter.as_ref().map_or("TRUE".to_owned(), RowFilter::canonical);
    let cells =
        policy.cell_filters.iter().map(|(column, filter)| format!("; {column}: {}", filter.canonical()));
    std::iter::once(rows).chain(cells).collect()
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
fn a_column_whose_filter_is_not_the_rows_shows_some_cells_only() {
    for (row_filter, cells, expected) in [
        // Two filters of one principal.
        (
            "(id = 1) OR (id = 2)",
            vec![("id", "(id = 1) OR (id = 2)"), ("region", "id = 1")],
            r#""id" = 1 OR "id" = 2; region: "id" = 1"#,
        ),
        // A column grant beside a filter.
        ("TRUE", vec![("id", "TRUE"), ("region", "region = 'us'")], r#"TRUE; region: "region" = 'us'"#),
        // A whole column is shown in every shown row.
        ("id > 5", vec![("id", "TRUE"), ("region", "ID > 5")], r#""id" > 5"#),
        // Filters without a column in common: the union of the rows is theirs already.
        (
            "(id = 1) OR (id = 2)",
            vec![("id", "id = 1"), ("region", "id = 2")],
            r#""id" = 1 OR "id" = 2; id: "id" = 1; region: "id" = 2"#,
        ),
    ] {
        assert_eq!(filters(&masked(row_filter, &cells)), expected);
    }
}

#[test]
fn a_row_without_a_granted_cell_is_hidden_whatever_the_row_filter_says() {
    let policy = masked("TRUE", &[("id", "id = 1"), ("region", "id = 2")]);
    assert_eq!(filters(&policy), r#""id" = 1 OR "id" = 2; id: "id" = 1; region: "id" = 2"#);
    let policy = masked("id < 9", &[("id", "id = 1 OR region = 'us'"), ("region", "id = 2")]);
    let rows = policy.row_filter.unwrap().canonical();
    assert_eq!(rows, r#""id" < 9 AND ("id" = 1 OR "region" = 'us' OR "id" = 2)"#);
}

#[test]
fn a_table_with_masked_cells_hides_something() {
    let policy = masked("TRUE", &[("id", "TRUE"), ("region", "id = 1"), ("code", "TRUE")]);
    assert!(!policy.cell_filters.is_empty());
    let other = masked("TRUE", &[("id", "TRUE"), ("region", "id = 2"), ("code", "TRUE")]);
    assert_ne!(policy.fingerprint, other.fingerprint);
}

#[test]
fn a_filter_on_padded_text_refuses_the_table() {
    assert_eq!(kind(granting(&["id", "code"], "code = 'A'")), ErrorKind::Unsupported);
    let mut answer = granting(&["id", "region"], "TRUE");
    answer.cell_filters.as_mut().unwrap()[0].1 = Some("code = 'A'".to_owned());
    let name = TableName::new("sales", "orders");
    assert!(judge(answer, ACCOUNT, &name, QueryId::new(), CellMasking::Null).is_err());
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
