//! How often a query reads tables once the names of its WITH clauses are replaced by their queries.
//!
//! The planner does replace them, at every place: forty queries, each of which joins the one before with itself, are a text
//! of two kilobytes and a plan of a million million scans. It is counted here, on the text's tree, where each query is looked
//! at only once.
//!
//! A name keeps its last meaning also outside of the query that defines it. That errs towards counting too much, and where a
//! name is defined twice, towards the later one, which is what the parser's order of reading makes of it.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Cte, ObjectName, Query, Visit, Visitor};

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
    /// Reads of each named query, by its name in lower case.
    named: HashMap<String, u64>,
    reads: u64,
}

impl Expansion {
    fn define(&mut self, cte: &Cte) -> ControlFlow<()> {
        let mut inside = Self { named: std::mem::take(&mut self.named), reads: 0 };
        let visited = cte.query.visit(&mut inside);
        self.named = inside.named;
        self.named.insert(cte.alias.name.value.to_ascii_lowercase(), inside.reads.max(1));
        visited
    }
}

impl Visitor for Expansion {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let named = query.with.iter().flat_map(|with| &with.cte_tables);
        for cte in named {
            self.define(cte)?;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let known = match relation.0.as_slice() {
            [only] => only.as_ident().and_then(|name| self.named.get(&name.value.to_ascii_lowercase())),
            _ => None,
        };
        self.reads = self.reads.saturating_add(known.copied().unwrap_or(1));
        if self.reads > READS_LIMIT { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
