//! Functions called by another of their names, within the arguments of functions.
//!
//! For `ifnull(a, b)`, which is `nvl`, the planner makes a column named by the whole call, arguments with their names in them: of
//! calls within one another that text doubles with each level. So calls in arguments get the function's own name before
//! anything is planned. The outermost one keeps what the client wrote, which is what its column is called by.

use std::convert::Infallible;
use std::ops::ControlFlow;

use datafusion::execution::session_state::SessionState;
use datafusion::sql::sqlparser::ast::{Expr, Function, ObjectNamePart, Statement, VisitMut, VisitorMut};

/// Writes the own names of functions into a statement.
pub(super) fn with_own_names(statement: &mut Statement, state: &SessionState) {
    let ControlFlow::Continue(()) = statement.visit(&mut Calls { state, around: 0 });
}

struct Calls<'a> {
    state: &'a SessionState,
    /// Calls around the place that is visited.
    around: usize,
}

impl VisitorMut for Calls<'_> {
    type Break = Infallible;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Infallible> {
        if let Expr::Function(function) = expr {
            if self.around > 0 {
                self.rename(function);
            }
            self.around += 1;
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Infallible> {
        self.around -= usize::from(matches!(expr, Expr::Function(_)));
        ControlFlow::Continue(())
    }
}

impl Calls<'_> {
    fn rename(&self, function: &mut Function) {
        let [ObjectNamePart::Identifier(name)] = function.name.0.as_mut_slice() else { return };
        let called = name.value.to_ascii_lowercase();
        let scalar = self.state.scalar_functions().get(&called).map(|function| function.name());
        let aggregate = || self.state.aggregate_functions().get(&called).map(|function| function.name());
        let window = || self.state.window_functions().get(&called).map(|function| function.name());
        if let Some(own) = scalar.or_else(aggregate).or_else(window)
            && own != called
        {
            own.clone_into(&mut name.value);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use datafusion::execution::SessionStateDefaults;
    use datafusion::execution::session_state::SessionStateBuilder;
    use datafusion::sql::parser::Statement as ParsedStatement;

    use super::*;
    use crate::sql::{SessionOptions, Statement as Checked};

    #[test]
    fn calls_in_arguments_get_the_functions_own_name_and_the_outermost_keeps_its_own() {
        let state = SessionStateBuilder::new()
            .with_scalar_functions(SessionStateDefaults::default_scalar_functions())
            .with_aggregate_functions(SessionStateDefaults::default_aggregate_functions())
            .build();
        for (sql, expected) in [
            ("SELECT ifnull(a, 'x') AS c, b", "SELECT ifnull(a, 'x') AS c, b"),
            (
                "SELECT ifnull(IFNULL(a, 'x') || ifnull(b, 'y'), 'z') AS c",
                "SELECT ifnull(nvl(a, 'x') || nvl(b, 'y'), 'z') AS c",
            ),
            ("SELECT abs(mean(a)) AS c, mean(b) AS d", "SELECT abs(avg(a)) AS c, mean(b) AS d"),
            ("SELECT abs(no_such_one(a)) AS c", "SELECT abs(no_such_one(a)) AS c"),
        ] {
            let checked = Checked::parse(sql, 1 << 20, &SessionOptions::default()).unwrap();
            let mut parsed = checked.into_sql();
            if let ParsedStatement::Statement(statement) = &mut parsed {
                with_own_names(statement, &state);
            }
            assert_eq!(parsed.to_string(), expected);
        }
    }
}
