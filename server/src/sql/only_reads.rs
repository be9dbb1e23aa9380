//! That a query only reads, and does not nest what planning repeats.
//!
//! Found are the parts that would write: `SELECT … INTO`, `FOR UPDATE`, and DML inside a WITH clause; and too many WITH clauses or
//! subqueries inside of one another. Tables are counted, because a list of tables with commas between them is a chain of joins, and
//! so are columns and windows, which the planner compares with one another before anybody sees its plan.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArguments, Query, SelectItem, SetExpr, Statement, TableFactor, Visit, Visitor,
};

use super::not_a_query;
use crate::error::{Error, ErrorKind};

/// WITH clauses inside of one another. Who looks for a query's tables visits the queries of a WITH clause twice, so each
/// level doubles the work.
pub(super) const WITH_LIMIT: usize = 6;

/// Subqueries of expressions inside of one another. Each is planned twice for the one around it.
pub(crate) const SUBQUERY_LIMIT: usize = 6;

/// Tables and subqueries that one query may read, each as often as it stands there.
pub(super) const RELATION_LIMIT: usize = 500;

/// Columns that one SELECT may list: the planner compares each with all before it.
const COLUMN_LIMIT: usize = 4_096;

/// Window functions of one query: for each the planner writes down the columns of all.
const WINDOW_LIMIT: usize = 200;

/// Set operations of one query. A chain of them is as deep as it is long, in the parser's tree and in the plan, and each level
/// of a plan takes far more of a stack than one of an expression.
const SET_OPERATION_LIMIT: usize = 200;

/// Most lookups of columns that planning may take: each SELECT looks each of its columns up in a list of as many.
const LOOKUP_LIMIT: usize = 50_000_000;

/// Refuses a query that writes, or is too deep or too wide.
///
/// # Errors
/// [`ErrorKind::Unsupported`] for what writes, [`ErrorKind::InvalidRequest`] for the others.
pub(super) fn check(query: &Query) -> Result<(), Error> {
    match query.visit(&mut OnlyReads::default()) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(refusal) => Err(refusal),
    }
}

#[derive(Default)]
struct OnlyReads {
    /// Tables and subqueries so far.
    relations: usize,
    /// WITH clauses around the place that is visited.
    with_clauses: usize,
    /// Subqueries of expressions around the place that is visited.
    subqueries: usize,
    windows: usize,
    set_operations: usize,
    /// SELECT lists with a star so far, which may stand for the longest of all.
    stars: usize,
    /// Items of the longest SELECT list so far.
    widest: usize,
    /// Lookups for the items that are written.
    lookups: usize,
}

impl OnlyReads {
    /// Counts the SELECT lists of a query's own body.
    fn add_lists(&mut self, body: &SetExpr) {
        match body {
            SetExpr::Select(select) => {
                let items = select.projection.len();
                self.widest = self.widest.max(items);
                self.lookups = self.lookups.saturating_add(items.saturating_mul(items));
                let is_star = |item: &SelectItem| {
                    matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..))
                };
                self.stars += usize::from(select.projection.iter().any(is_star));
            }
            SetExpr::SetOperation { left, right, .. } => {
                self.set_operations += 1;
                self.add_lists(left);
                self.add_lists(right);
            }
            _ => {}
        }
    }
}

impl Visitor for OnlyReads {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Error> {
        self.with_clauses += usize::from(query.with.is_some());
        if self.with_clauses > WITH_LIMIT {
            let text = "WITH clauses are nested too deeply";
            return ControlFlow::Break(Error::new(ErrorKind::InvalidRequest, text));
        }
        self.add_lists(&query.body);
        if self.set_operations > SET_OPERATION_LIMIT {
            let text =
                "the query has too many set operations; put the rows of UNION ALL into one VALUES list";
            return ControlFlow::Break(Error::new(ErrorKind::InvalidRequest, text));
        }
        let behind_stars = self.widest.saturating_mul(self.widest).saturating_mul(self.stars);
        if self.widest > COLUMN_LIMIT || self.lookups.saturating_add(behind_stars) > LOOKUP_LIMIT {
            let text = "the query is too complex: it has many columns in many queries";
            return ControlFlow::Break(Error::new(ErrorKind::InvalidRequest, text));
        }
        let body_reads = reads(&query.body);
        if body_reads && query.locks.is_empty() {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(not_a_query())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<Error> {
        self.with_clauses -= usize::from(query.with.is_some());
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Error> {
        self.subqueries += usize::from(has_subquery(expr));
        self.windows += usize::from(matches!(expr, Expr::Function(function) if function.over.is_some()));
        if self.windows > WINDOW_LIMIT {
            let text = "the query has too many window functions";
            return ControlFlow::Break(Error::new(ErrorKind::InvalidRequest, text));
        }
        if self.subqueries <= SUBQUERY_LIMIT {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(Error::new(ErrorKind::InvalidRequest, "subqueries are nested too deeply"))
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Error> {
        self.subqueries -= usize::from(has_subquery(expr));
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, _: &TableFactor) -> ControlFlow<Error> {
        self.relations += 1;
        if self.relations <= RELATION_LIMIT {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(Error::new(
            ErrorKind::InvalidRequest,
            "the query joins too many tables and subqueries",
        ))
    }

    fn pre_visit_statement(&mut self, _: &Statement) -> ControlFlow<Error> {
        ControlFlow::Break(not_a_query())
    }
}

/// Whether an expression is a query, or compares with one.
fn has_subquery(expr: &Expr) -> bool {
    match expr {
        Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => true,
        Expr::Function(function) => matches!(function.args, FunctionArguments::Subquery(_)),
        _ => false,
    }
}

/// Whether a query's own body reads only. Queries nested in it are visited on their own.
fn reads(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(select) => select.into.is_none(),
        SetExpr::Query(_) | SetExpr::Values(_) => true,
        SetExpr::SetOperation { left, right, .. } => reads(left) && reads(right),
        _ => false,
    }
}
