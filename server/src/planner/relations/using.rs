//! USING and NATURAL joins, written as joins with ON before a statement is planned.
//!
//! The engine's faults: a joined column is the left one whatever the join (the right one, or NULL, is lost), `*` has it where the
//! left table has it and takes either side by the alphabet, two keys of one join are taken for each other, and WHERE and GROUP BY
//! do not know it. By the SQL standard a joined column is `coalesce(left, right)`; `*` has the joined columns first, then the
//! rest of the left and of the right.
//!
//! Invariants
//! - `a.k` and `b.k` still mean what they are in their tables.
//! - Columns are asked of the planner, so they are those that the user sees.
//! - Within a subquery of an expression, a joined column of the query around is not known by its name alone: an error.

mod names;
mod tables;

use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::common::{DFSchema, DataFusionError, Result};
use datafusion::sql::sqlparser::ast::{
    Distinct, Expr, Ident, JoinConstraint, JoinOperator, OrderByKind, Query, Select, SelectItem, SetExpr,
    Statement, TableFactor, TableWithJoins, Visit, VisitMut, Visitor, VisitorMut, With,
};

use self::names::{Joined, Names};
pub(super) use self::tables::{binary, query};
use crate::sql::numbered;

/// Writes out the USING and NATURAL joins of a statement.
///
/// # Arguments
/// * `columns_of` - the columns of a query.
///
/// # Errors
/// Those of `columns_of`; and if a column of USING is not one column on either side.
pub(crate) fn with_joined_columns(
    statement: &mut Statement,
    columns_of: &mut dyn FnMut(Query) -> Result<Arc<DFSchema>>,
) -> Result<()> {
    if Visit::visit(statement, &mut Searching).is_continue() {
        return Ok(());
    }
    let mut writing = Writing { columns_of, around: Vec::new(), tables: 0 };
    match VisitMut::visit(statement, &mut writing) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(*error),
    }
}

/// Ends at the first join of that kind.
struct Searching;

impl Visitor for Searching {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if selects(&query.body).into_iter().any(joins_by_name) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

fn selects(body: &SetExpr) -> Vec<&Select> {
    match body {
        SetExpr::Select(select) => vec![select],
        SetExpr::SetOperation { left, right, .. } => {
            let mut found = selects(left);
            found.extend(selects(right));
            found
        }
        _ => Vec::new(),
    }
}

fn joins_by_name(select: &Select) -> bool {
    select.from.iter().any(has_names)
}

fn has_names(tables: &TableWithJoins) -> bool {
    let is_nested = |factor: &TableFactor| match factor {
        TableFactor::NestedJoin { table_with_joins, .. } => has_names(table_with_joins),
        _ => false,
    };
    let is_by_name = |operator: &JoinOperator| {
        matches!(tables::constraint_of(operator), Some(JoinConstraint::Using(_) | JoinConstraint::Natural))
    };
    is_nested(&tables.relation)
        || tables.joins.iter().any(|join| is_by_name(&join.join_operator) || is_nested(&join.relation))
}

/// Writes while it visits, the innermost queries first.
struct Writing<'a> {
    columns_of: &'a mut dyn FnMut(Query) -> Result<Arc<DFSchema>>,
    /// The WITH clauses around the place that is visited.
    around: Vec<Option<With>>,
    /// Tables that got a name here.
    tables: usize,
}

impl VisitorMut for Writing<'_> {
    type Break = Box<DataFusionError>;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        self.around.push(None);
        if let Some(with) = &mut query.with {
            let mut known = With { cte_tables: Vec::new(), ..with.clone() };
            for named in &mut with.cte_tables {
                if let Some(innermost) = self.around.last_mut() {
                    *innermost = (!known.cte_tables.is_empty()).then(|| known.clone());
                }
                // It is visited again with the whole query; by then nothing is left to write.
                VisitMut::visit(&mut named.query, self)?;
                known.cte_tables.push(named.clone());
            }
            if let Some(innermost) = self.around.last_mut() {
                *innermost = Some(known);
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        let is_outermost = self.around.len() == 1;
        let written = self.of_query(query, is_outermost);
        self.around.pop();
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(Box::new(error)),
        }
    }
}

impl Writing<'_> {
    fn of_query(&mut self, query: &mut Query, is_outermost: bool) -> Result<()> {
        if let SetExpr::Select(select) = query.body.as_mut() {
            let Some(names) = self.of_select(select, is_outermost)? else { return Ok(()) };
            if let Some(OrderByKind::Expressions(sorted)) =
                query.order_by.as_mut().map(|order_by| &mut order_by.kind)
            {
                for key in sorted {
                    // A column of the result is known by its name.
                    let is_result = matches!(&key.expr, Expr::Identifier(name) if names::is_given(&select.projection, name));
                    if !is_result {
                        names.put_into(&mut key.expr);
                    }
                }
            }
            return Ok(());
        }
        self.of_body(&mut query.body)
    }

    fn of_body(&mut self, body: &mut SetExpr) -> Result<()> {
        match body {
            SetExpr::Select(select) => self.of_select(select, false).map(|_| ()),
            SetExpr::SetOperation { left, right, .. } => {
                self.of_body(left)?;
                self.of_body(right)
            }
            _ => Ok(()),
        }
    }

    /// Writes out the joins of a SELECT; gives the names that its ORDER BY knows.
    fn of_select(&mut self, select: &mut Select, is_outermost: bool) -> Result<Option<Names>> {
        if !joins_by_name(select) {
            return Ok(None);
        }
        let mut columns: Vec<Joined> = Vec::new();
        for tables in &mut select.from {
            columns.extend(self.of_tables(tables)?);
        }
        let names = Names::of(&columns);
        let mut items = Vec::new();
        for item in std::mem::take(&mut select.projection) {
            match item {
                SelectItem::Wildcard(options) => items.extend(names::written_out(&columns, options, &names)),
                SelectItem::UnnamedExpr(expr) => items.push(names.item(expr)),
                mut other => {
                    names.put_into(&mut other);
                    items.push(other);
                }
            }
        }
        if is_outermost {
            numbered(&mut items);
        }
        select.projection = items;
        for condition in
            [&mut select.selection, &mut select.having, &mut select.qualify].into_iter().flatten()
        {
            names.put_into(condition);
        }
        names.put_into(&mut select.group_by);
        names.put_into(&mut select.named_window);
        if let Some(Distinct::On(exprs)) = &mut select.distinct {
            names.put_into(exprs);
        }
        Ok(Some(names))
    }

    /// A name for a table without one.
    fn table_name(&mut self) -> Ident {
        self.tables += 1;
        // The letter is one of private use.
        Ident::with_quote('"', format!("joined\u{e6f4}{}", self.tables))
    }
}
