//! The functions that a query may call: those that have a row in the [table](super::function_table), and no others.
//!
//! One that makes a type of several has it bounded: see [`constructors`]. A test names every function that DataFusion brings and
//! that has no row; it fails until someone decides.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use datafusion::execution::SessionStateDefaults;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};

use super::constructors;
use super::function_table::{self, Group};
use crate::functions as own;
use crate::mutant::Mutant;
use crate::planner;

/// The scalar functions on offer.
pub(super) fn scalar() -> Vec<Arc<ScalarUDF>> {
    let mut functions = SessionStateDefaults::default_scalar_functions();
    let ours = own::scalar();
    functions.retain(|function| ours.iter().all(|other| other.name() != function.name()));
    // Behind the engine's: one that those call by a second name gives it up.
    functions.extend(ours);
    functions.retain(|function| is_offered(function_table::scalar(function.name()).is_some()));
    functions.into_iter().map(planner::scalar).map(constructors::bounded).collect()
}

/// The aggregate functions on offer.
pub(super) fn aggregate() -> Vec<Arc<AggregateUDF>> {
    let mut functions = SessionStateDefaults::default_aggregate_functions();
    functions.retain(|function| is_offered(function_table::aggregate(function.name()).is_some()));
    planner::aggregates(functions)
}

/// The window functions on offer.
pub(super) fn window() -> Vec<Arc<WindowUDF>> {
    let mut functions = SessionStateDefaults::default_window_functions();
    functions.retain(|function| is_offered(function_table::window(function.name()).is_some()));
    planner::windows(functions)
}

fn is_offered(has_row: bool) -> bool {
    has_row || Mutant::AllFunctionsOffered.is_on()
}

/// To which group of JDBC and ODBC a name of a function belongs, be it the function's own or another of its names.
pub(crate) fn group_of(name: &str) -> Option<Group> {
    static GROUPS: LazyLock<HashMap<String, Group>> = LazyLock::new(|| {
        let mut groups = HashMap::new();
        for function in scalar() {
            if let Some(group) = function_table::scalar(function.name()).and_then(|row| row.group) {
                let names = function.aliases().iter().map(String::as_str).chain([function.name()]);
                groups.extend(names.map(|name| (name.to_ascii_lowercase(), group)));
            }
        }
        groups
    });
    GROUPS.get(&name.to_ascii_lowercase()).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Functions that DataFusion brings and that are left out, with the reason.
    const LEFT_OUT: &[(&str, &str)] = &[
        ("arrow_metadata", "shows field metadata"),
        ("file_row_index", "shows positions of hidden and deleted rows"),
        ("input_file_name", "shows S3 keys"),
        ("version", "shows the engine's version"),
    ];

    #[test]
    fn every_function_of_the_engine_was_decided_on() {
        let mut scalar = SessionStateDefaults::default_scalar_functions();
        scalar.extend(own::scalar());
        let aggregate = SessionStateDefaults::default_aggregate_functions();
        let window = SessionStateDefaults::default_window_functions();
        let names: BTreeSet<String> = scalar
            .iter()
            .map(|function| function.name())
            .chain(aggregate.iter().map(|function| function.name()))
            .chain(window.iter().map(|function| function.name()))
            .map(str::to_owned)
            .collect();
        let left_out = LEFT_OUT.iter().map(|(name, _)| *name);
        let scalar = function_table::SCALAR.iter().map(|row| row.name);
        let collecting = [function_table::AGGREGATE, function_table::WINDOW];
        let collecting = collecting.into_iter().flatten().map(|row| row.name);
        let decided: BTreeSet<String> = scalar.chain(collecting).chain(left_out).map(str::to_owned).collect();
        let undecided: Vec<&String> = names.difference(&decided).collect();
        let unknown: Vec<&String> = decided.difference(&names).collect();
        assert!(undecided.is_empty() && unknown.is_empty(), "undecided {undecided:?}, unknown {unknown:?}");
    }

    #[test]
    fn every_function_has_one_row() {
        let names: BTreeSet<&str> = function_table::SCALAR.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), function_table::SCALAR.len());
    }

    #[test]
    fn a_function_is_announced_in_its_group_under_all_of_its_names() {
        for (name, group) in [
            ("abs", Some(Group::Numeric)),
            ("POW", Some(Group::Numeric)),
            ("char_length", Some(Group::Text)),
            ("ifnull", Some(Group::System)),
            ("current_timestamp", Some(Group::Time)),
            ("array_sort", None),
            ("version", None),
        ] {
            assert_eq!(group_of(name), group, "{name}");
        }
    }

    #[test]
    fn what_is_left_out_is_not_offered_under_another_name() {
        let left_out: BTreeSet<&str> = LEFT_OUT.iter().map(|(name, _)| *name).collect();
        for function in scalar() {
            let names = std::iter::once(function.name()).chain(function.aliases().iter().map(String::as_str));
            for name in names {
                assert!(!left_out.contains(name), "{name}");
            }
        }
    }
}
