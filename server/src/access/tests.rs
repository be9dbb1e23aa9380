//! How tables that a query names are asked for.

use super::*;
use crate::sql::Moment;

#[test]
fn a_table_at_several_moments_is_asked_for_once() {
    let at = |table: &str, moment| NamedTable { name: TableName::new("sales", table), moment };
    let tables = [
        at("orders", None),
        at("nation", None),
        at("orders", Some(Moment::Version(1))),
        at("orders", Some(Moment::Timestamp(1))),
    ];
    let (names, positions) = distinct_names(&tables);
    assert_eq!(names, [&TableName::new("sales", "orders"), &TableName::new("sales", "nation")]);
    assert_eq!(positions, [0, 1, 0, 0]);
}
