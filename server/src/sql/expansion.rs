//! How often a query reads tables once the names of its WITH clauses are replaced by their queries.
//!
//! The planner does replace them, at every place: forty queries, each of which joins the one before with itself, are a text
//! of two kilobytes and a plan of a million million scans. It is counted here, on the text's tree, where each query stands
//! once however often it is named.
//!
//! Invariant: a name means what the planner takes it for, or the count could be talked down. A query of a WITH clause sees
//! those before it; an inner name hides an outer one and ends with its query; the planner compares names as text, so that a
//! query named `"a.b"` is also what `a.b` reads. Queries of a WITH clause are visited once to weigh them and once as parts of
//! their query, so the count may be too high by a factor of two for each level of nesting, never too low.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Cte, ObjectName, ObjectNamePart, Query, Visit, Visitor};

use super::scope::Scope;
use super::versions::folded;
use crate::error::{Error, ErrorKind};

/// Tables that a query may read, each as often as the planner will see it.
const READS_LIMIT: u64 = 2_000;

/// Refuses a query that grows too large.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`].
pub(super) fn check(query: &Query) -> Result<(), Error> {
    match query.visit(&mut Expansion::default()) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => {
            let text = "the query is too complex: its WITH clauses grow too large where they are used";
            Err(Error::new(ErrorKind::InvalidRequest, text))
        }
    }
}

/// Counts while it visits.
#[derive(Default)]
struct Expansion {
    /// Named queries around the place that is visited, each with what it reads.
    in_scope: Scope<u64>,
    reads: u64,
}

impl Expansion {
    fn define(&mut self, named: &Cte) -> ControlFlow<()> {
        let outside = std::mem::take(&mut self.reads);
        named.query.visit(self)?;
        let inside = std::mem::replace(&mut self.reads, outside);
        self.in_scope.enter(&named.alias.name, inside.max(1));
        ControlFlow::Continue(())
    }

    fn reads_of(&self, relation: &ObjectName) -> u64 {
        let parts: Vec<String> = relation.0.iter().filter_map(ObjectNamePart::as_ident).map(folded).collect();
        self.in_scope.get(&parts.join(".")).copied().unwrap_or(1)
    }
}

impl Visitor for Expansion {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        query.with.iter().flat_map(|with| &with.cte_tables).try_for_each(|named| self.define(named))
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.in_scope.leave(query);
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        self.reads = self.reads.saturating_add(self.reads_of(relation));
        if self.reads > READS_LIMIT { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
