//! Rows that are looked up in a subquery, and HAVING without groups, written as the engine can plan them.
//!
//! The engine's faults: it has no plan for `(a, b) IN (SELECT x, y …)`, nor for HAVING where there is neither GROUP BY nor an
//! aggregate. By the SQL standard the former is true if a row is equal in all columns, NULL if that is unknown of one, and false
//! otherwise: that is `true IN (SELECT a = x AND b = y …)`. And HAVING makes one group of all rows, as any aggregate does.

use std::ops::ControlFlow;

use datafusion::common::{DataFusionError, Result};
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, GroupByExpr, Ident, Query, Select, SelectItem, Statement, TableAlias,
    TableAliasColumnDef, TableFactor, TableWithJoins, Value, Visit, VisitMut, VisitorMut, visit_expressions,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::unsupported;
use super::using::{binary, query};

const AGGREGATE_IN_ROW: &str = "an aggregate or a window function on the left of (…, …) IN (SELECT …) is not supported: compute it in a query of FROM";

/// A condition with an aggregate that always holds.
const OF_ONE_GROUP: &str = "count(*) >= 0";

/// Writes out the rows and the conditions of a statement.
///
/// # Arguments
/// * `is_aggregate` - whether a function's name, in lower case, is that of an aggregate.
///
/// # Errors
/// If a row has an aggregate.
pub(crate) fn make_plannable(statement: &mut Statement, is_aggregate: &dyn Fn(&str) -> bool) -> Result<()> {
    match VisitMut::visit(statement, &mut Writing { is_aggregate, rows: 0 }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(*error),
    }
}

struct Writing<'a> {
    is_aggregate: &'a dyn Fn(&str) -> bool,
    /// Subqueries that got a name here.
    rows: usize,
}

impl VisitorMut for Writing<'_> {
    type Break = Box<DataFusionError>;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        flow(self.of_expr(expr))
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<Self::Break> {
        flow(self.of_select(select))
    }
}

fn flow(written: Result<()>) -> ControlFlow<Box<DataFusionError>> {
    match written {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(Box::new(error)),
    }
}

impl Writing<'_> {
    fn of_expr(&mut self, expr: &mut Expr) -> Result<()> {
        let Expr::InSubquery { expr: row, subquery, .. } = expr else { return Ok(()) };
        let Expr::Tuple(values) = row.as_mut() else { return Ok(()) };
        // Within the subquery it would be one of the subquery's rows.
        let is_foreign = |function: &Function| function.over.is_some() || self.is_aggregate(function);
        if values.iter().any(|value| has(value, is_foreign)) {
            return Err(unsupported(AGGREGATE_IN_ROW));
        }
        let values = std::mem::take(values);
        **subquery = self.compared(values, (**subquery).clone())?;
        **row = Expr::Value(Value::Boolean(true).into());
        Ok(())
    }

    /// A query that says of each of the rows whether it has these values.
    fn compared(&mut self, values: Vec<Expr>, rows: Query) -> Result<Query> {
        self.rows += 1;
        // The letter is one of private use.
        let table = Ident::with_quote('"', format!("rows\u{e6f4}{}", self.rows));
        let mut columns = Vec::with_capacity(values.len());
        let mut condition: Option<Expr> = None;
        for (place, value) in values.into_iter().enumerate() {
            let name = Ident::with_quote('"', format!("column{place}"));
            let column = Expr::CompoundIdentifier(vec![table.clone(), name.clone()]);
            let equal = binary(Expr::Nested(Box::new(value)), BinaryOperator::Eq, column);
            condition = Some(match condition {
                Some(condition) => binary(condition, BinaryOperator::And, equal),
                None => equal,
            });
            columns.push(TableAliasColumnDef { name, data_type: None });
        }
        let expr = condition.unwrap_or_else(|| Expr::Value(Value::Boolean(true).into()));
        let item = SelectItem::ExprWithAlias { expr, alias: Ident::new("equal") };
        let alias = Some(TableAlias { explicit: true, name: table, columns, at: None });
        let relation = TableFactor::Derived { lateral: false, subquery: Box::new(rows), alias, sample: None };
        query(TableWithJoins { relation, joins: Vec::new() }, vec![item])
    }

    fn of_select(&self, select: &mut Select) -> Result<()> {
        if select.having.is_none() {
            return Ok(());
        }
        let is_grouped = match &select.group_by {
            GroupByExpr::Expressions(groups, modifiers) => !groups.is_empty() || !modifiers.is_empty(),
            GroupByExpr::All(_) => true,
        };
        let is_aggregate = |function: &Function| function.over.is_none() && self.is_aggregate(function);
        if is_grouped || has(&select.projection, is_aggregate) || has(&select.having, is_aggregate) {
            return Ok(());
        }
        if let Some(having) = select.having.take() {
            let one_group = Parser::new(&GenericDialect {})
                .try_with_sql(OF_ONE_GROUP)
                .and_then(|mut parser| parser.parse_expr())?;
            let having = Expr::Nested(Box::new(having));
            select.having = Some(binary(having, BinaryOperator::And, one_group));
        }
        Ok(())
    }

    fn is_aggregate(&self, function: &Function) -> bool {
        let name = function.name.to_string().to_lowercase();
        (self.is_aggregate)(name.trim_matches('"'))
    }
}

/// Whether there is a call of such a function.
fn has(exprs: &impl Visit, is_one: impl Fn(&Function) -> bool) -> bool {
    let found = visit_expressions(exprs, |expr| match expr {
        Expr::Function(function) if is_one(function) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}
