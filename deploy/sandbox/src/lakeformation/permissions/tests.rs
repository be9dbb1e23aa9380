//! The permission model as a table of grants and what they show.

use super::super::answer::{Enforcement, TableAnswer};
use super::*;

const ANALYST: &str = "arn:aws:iam::123456789012:role/lakegate/analyst";

struct Lake {
    grants: Vec<Grant>,
    filters: Vec<DataFilter>,
    data: Vec<String>,
    partition_keys: Vec<String>,
}

fn names(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

fn lake() -> Lake {
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Lake {
        grants: Vec::new(),
        filters: Vec::new(),
        data: list(&["id", "region", "amount"]),
        partition_keys: list(&["year"]),
    }
}

impl Lake {
    fn grant(mut self, principal: &str, target: Target, permission: Permission) -> Self {
        let permissions = BTreeSet::from([permission]);
        self.grants.push(Grant {
            principal: principal.into(),
            target,
            permissions,
            grantable: BTreeSet::new(),
        });
        self
    }

    fn columns(self, columns: ColumnSelection) -> Self {
        let target = Target::Columns { database: "d".into(), table: "t".into(), columns };
        self.grant(ANALYST, target, Permission::Select)
    }

    fn filter(mut self, name: &str, rows: Rows, columns: ColumnSelection) -> Self {
        let (database, table) = ("d".to_owned(), "t".to_owned());
        let version = "1".to_owned();
        self.filters.push(DataFilter { database, table, name: name.into(), rows, columns, version });
        let target = Target::Filter { database: "d".into(), table: "t".into(), name: name.into() };
        self.grant(ANALYST, target, Permission::Select)
    }

    fn view(&self) -> View<'_> {
        View { grants: &self.grants, filters: &self.filters, principal: ANALYST }
    }

    fn answer(&self) -> TableAnswer {
        let columns = Columns { data: &self.data, partition_keys: &self.partition_keys };
        TableAnswer::new(&self.view().slices("d", "t", columns), &columns.all())
    }
}

fn table() -> Target {
    Target::Table { database: "d".into(), table: "t".into() }
}

fn matching(expression: &str) -> Rows {
    Rows::Matching(expression.into())
}

#[test]
fn nothing_is_granted_until_something_is() {
    let lake = lake().grant("arn:aws:iam::123456789012:role/other", table(), Permission::All);
    assert!(!lake.view().sees_database("d"));
    assert!(!lake.view().sees_table("d", "t"));
    assert!(lake.answer().authorized_columns.is_empty());
}

#[test]
fn a_full_grant_shows_every_column_with_true_filters() {
    let answer = lake().grant(ANALYST, table(), Permission::Select).answer();
    assert_eq!(answer.authorized_columns, ["amount", "id", "region", "year"]);
    assert_eq!(answer.row_filter, "TRUE");
    assert!(answer.cell_filters.iter().all(|(_, filter)| filter == "TRUE"));
    assert_eq!(answer.requires, Enforcement::Nothing);
}

#[test]
fn a_table_wildcard_reaches_only_its_own_database() {
    let lake = lake().grant(ANALYST, Target::AllTables { database: "d".into() }, Permission::Select);
    assert!(lake.view().sees_table("d", "anything"));
    assert!(!lake.view().sees_table("e", "t"));
}

#[test]
fn all_on_a_database_says_nothing_about_its_tables() {
    let lake = lake().grant(ANALYST, Target::Database { database: "d".into() }, Permission::All);
    assert!(lake.view().sees_database("d"));
    assert!(!lake.view().sees_table("d", "t"));
}

#[test]
fn describe_shows_the_table_and_no_data() {
    let lake = lake().grant(ANALYST, table(), Permission::Describe);
    assert!(lake.view().sees_every_column("d", "t"));
    assert!(lake.answer().authorized_columns.is_empty());
}

#[test]
fn a_column_grant_shows_its_columns_and_the_partition_keys() {
    let answer = lake().columns(ColumnSelection::Only(names(&["id"]))).answer();
    assert_eq!(answer.authorized_columns, ["id", "year"]);
    assert_eq!(answer.requires, Enforcement::Columns);
    let answer = lake().columns(ColumnSelection::AllExcept(names(&["region"]))).answer();
    assert_eq!(answer.authorized_columns, ["amount", "id", "year"]);
}

#[test]
fn a_column_grant_on_columns_that_are_gone_shows_nothing() {
    let answer = lake().columns(ColumnSelection::Only(names(&["dropped"]))).answer();
    assert!(answer.authorized_columns.is_empty());
}

#[test]
fn one_filter_is_passed_on_verbatim_for_every_column() {
    let all = ColumnSelection::AllExcept(BTreeSet::new());
    let answer = lake().filter("us", matching("region = 'us'"), all).answer();
    assert_eq!(answer.row_filter, "region = 'us'");
    assert_eq!(answer.cell_filters.len(), 4);
    assert!(answer.cell_filters.iter().all(|(_, filter)| filter == "region = 'us'"));
    assert_eq!(answer.requires, Enforcement::CellFilters);
}

#[test]
fn filters_on_different_columns_differ_per_cell() {
    let lake = lake()
        .filter("a", matching("id = 1"), ColumnSelection::Only(names(&["id", "region"])))
        .filter("b", matching("id = 2"), ColumnSelection::Only(names(&["id", "amount"])));
    let answer = lake.answer();
    assert_eq!(answer.row_filter, "(id = 1) OR (id = 2)");
    let filter_of = |column: &str| {
        answer.cell_filters.iter().find(|(name, _)| name == column).map(|(_, filter)| filter.as_str())
    };
    assert_eq!(filter_of("id"), Some("(id = 1) OR (id = 2)"));
    assert_eq!(filter_of("region"), Some("id = 1"));
    assert_eq!(filter_of("amount"), Some("id = 2"));
}

#[test]
fn a_full_grant_swallows_every_filter() {
    let all = ColumnSelection::AllExcept(BTreeSet::new());
    let lake =
        lake().filter("us", matching("region = 'us'"), all).grant(ANALYST, table(), Permission::Select);
    let answer = lake.answer();
    assert_eq!(answer.row_filter, "TRUE");
    assert_eq!(answer.requires, Enforcement::Nothing);
}

#[test]
fn a_column_grant_frees_its_columns_from_a_filter() {
    let lake = lake()
        .filter("us", matching("region = 'us'"), ColumnSelection::AllExcept(BTreeSet::new()))
        .columns(ColumnSelection::Only(names(&["id"])));
    let answer = lake.answer();
    assert_eq!(answer.row_filter, "TRUE");
    assert!(answer.cell_filters.contains(&("id".into(), "TRUE".into())));
    assert!(answer.cell_filters.contains(&("amount".into(), "region = 'us'".into())));
    assert_eq!(answer.requires, Enforcement::CellFilters);
}

#[test]
fn a_filter_of_another_table_with_the_same_name_does_not_apply() {
    let mut lake = lake().filter("us", matching("region = 'us'"), ColumnSelection::Only(names(&["id"])));
    lake.filters[0].table = "u".into();
    assert!(lake.answer().authorized_columns.is_empty());
}

#[test]
fn the_group_of_all_iam_principals_reaches_everybody() {
    let lake = lake().grant(IAM_ALLOWED_PRINCIPALS, table(), Permission::All);
    assert_eq!(lake.answer().authorized_columns.len(), 4);
    assert!(lake.view().holds(Permission::Drop, &table()));
}

#[test]
fn paths_are_compared_by_segments() {
    assert!(is_within("bucket/a", "bucket/a"));
    assert!(is_within("bucket/a/b", "bucket/a"));
    assert!(!is_within("bucket/ab", "bucket/a"));
    assert!(!is_within("bucket", "bucket/a"));
}
