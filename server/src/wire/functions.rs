//! How JDBC and ODBC group functions: numeric, string, system, and date and time.
//!
//! To which group a name belongs stands in the guard's table of functions; one that has no group is usable in SQL and merely not
//! announced.

use crate::guard::{FunctionGroup, group_of};

/// The names of a group that the registry has.
pub(super) fn offered(group: FunctionGroup, registry: &[String]) -> Vec<String> {
    registry.iter().filter(|name| group_of(name) == Some(group)).cloned().collect()
}
