//! The names that WITH clauses give, at the place of a statement that is visited.
//!
//! The rule is the planner's: an inner name hides an outer one, and all names of a query's WITH clause end with that query.

use datafusion::sql::sqlparser::ast::{Ident, Query};

use super::versions::folded;

/// Names with what is known of each, the innermost last.
pub(super) struct Scope<T>(Vec<(String, T)>);

impl<T> Default for Scope<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Scope<T> {
    /// Adds a name of the WITH clause that is read.
    pub(super) fn enter(&mut self, name: &Ident, known: T) {
        self.0.push((folded(name), known));
    }

    /// Ends the names of a query.
    pub(super) fn leave(&mut self, query: &Query) {
        let leaving = query.with.as_ref().map_or(0, |with| with.cte_tables.len());
        self.0.truncate(self.0.len().saturating_sub(leaving));
    }

    /// What is known of a name, folded as the planner folds it.
    pub(super) fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().rev().find(|(entered, _)| entered == name).map(|(_, known)| known)
    }
}
