//! The table of grants: it names what exists, and it does not promise more than the documentation.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;
use crate::lake::account::DEMO_USERS;
use crate::lake::{hr, tpch};
use arrow::datatypes::SchemaRef;

fn schema(database: &str, table: &str) -> SchemaRef {
    let mut tables = tpch::tables(0.001).into_iter().chain(hr::tables());
    tables.find(|sample| sample.database == database && sample.name == table).unwrap().schema
}

#[test]
fn grants_go_to_demo_users_and_none_to_the_administrator_or_the_stranger() {
    for (user, grants) in GRANTS {
        assert!(DEMO_USERS.contains(user), "{user}");
        assert!(!["admin", "stranger"].contains(user));
        assert!(!grants.is_empty());
    }
}

#[test]
fn column_lists_name_columns_that_exist() {
    for grant in GRANTS.iter().flat_map(|(_, grants)| *grants) {
        let (Grant::Select(database, table, columns) | Grant::SelectRows(database, table, _, columns)) =
            *grant
        else {
            continue;
        };
        if let Columns::Only(names) | Columns::AllBut(names) = columns {
            for name in names {
                assert!(schema(database, table).field_with_name(name).is_ok(), "{table}.{name}");
            }
        }
    }
}

#[test]
fn nobody_but_the_analyst_may_read_salaries_of_everyone() {
    let unrestricted = |grant: &Grant| match *grant {
        Grant::SelectAllTables(database) => database == HR,
        Grant::Select(HR, "employees", columns) => matches!(columns, Columns::All),
        _ => false,
    };
    let users: Vec<&str> =
        GRANTS.iter().filter(|(_, grants)| grants.iter().any(unrestricted)).map(|(user, _)| *user).collect();
    assert_eq!(users, ["analyst"]);
}

#[test]
fn a_filter_carries_either_a_column_list_or_a_wildcard() {
    for columns in [Columns::All, Columns::Only(&["a"]), Columns::AllBut(&["a"])] {
        let filter = data_cells_filter("user", "database", "table", "a = 1", columns).unwrap();
        assert_ne!(filter.column_names.is_some(), filter.column_wildcard.is_some(), "{columns:?}");
    }
}
