//! Syntax that says what another one says as well, written in the one that the planner knows.
//!
//! - `GROUP BY a, b WITH ROLLUP` and `WITH CUBE` are `GROUP BY ROLLUP (a, b)` and `CUBE (a, b)`.
//! - `FETCH FIRST 3 ROWS ONLY` is `LIMIT 3`; without a number it is one row (SQL:2016, 7.17).
//! - `FROM t` is `SELECT * FROM t`.
//! - `t TABLESAMPLE BERNOULLI (10)` takes each row with a chance of ten percent (SQL:2016, 7.6). So does `SYSTEM`, which the standard
//!   leaves to the implementation.

use std::mem;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Fetch, GroupByExpr, GroupByWithModifier, Ident, LimitClause, ObjectNamePart, Query, Select,
    SelectFlavor, SelectItem, SetExpr, Statement, TableAlias, TableFactor, TableSample, TableSampleKind,
    TableSampleQuantity, TableSampleUnit, Value, VisitorMut, WildcardAdditionalOptions,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::is_distinct;

/// What a sample is: the table and the percentage stand for those of the statement.
const SAMPLE: &str = "SELECT * FROM t WHERE random() * 100 < 1";

pub(super) struct Rewrite;

impl VisitorMut for Rewrite {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        if let Some(Fetch { with_ties: false, percent: false, quantity }) = &query.fetch {
            let rows = quantity.clone().unwrap_or_else(one);
            match &mut query.limit_clause {
                limit @ None => {
                    *limit = Some(LimitClause::LimitOffset {
                        limit: Some(rows),
                        offset: None,
                        limit_by: Vec::new(),
                    });
                    query.fetch = None;
                }
                Some(LimitClause::LimitOffset { limit: limit @ None, offset: _, limit_by: _ }) => {
                    *limit = Some(rows);
                    query.fetch = None;
                }
                // Both LIMIT and FETCH: neither is left out.
                Some(_) => {}
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        is_distinct::as_comparison(expr);
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        if let GroupByExpr::Expressions(exprs, modifiers) = &mut select.group_by {
            let sets = |exprs: &mut Vec<Expr>| mem::take(exprs).into_iter().map(|expr| vec![expr]).collect();
            let grouped = match modifiers.as_slice() {
                [GroupByWithModifier::Rollup] => Some(Expr::Rollup(sets(exprs))),
                [GroupByWithModifier::Cube] => Some(Expr::Cube(sets(exprs))),
                _ => None,
            };
            if let Some(grouped) = grouped {
                *exprs = vec![grouped];
                modifiers.clear();
            }
        }
        if matches!(select.flavor, SelectFlavor::FromFirstNoSelect) {
            select.projection = vec![SelectItem::Wildcard(WildcardAdditionalOptions::default())];
            select.flavor = SelectFlavor::Standard;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let Some(sampled) = sampled(factor) {
            *factor = sampled;
        }
        ControlFlow::Continue(())
    }
}

/// A table of which a share is asked for, as a query; `None` if there is no sample, or one of another kind.
fn sampled(factor: &TableFactor) -> Option<TableFactor> {
    let TableFactor::Table { name, alias, sample: Some(sample), .. } = factor else { return None };
    let (TableSampleKind::BeforeTableAlias(sample) | TableSampleKind::AfterTableAlias(sample)) = sample;
    let percent = percentage(sample)?;
    let statements = Parser::parse_sql(&GenericDialect {}, SAMPLE).ok()?;
    let Some(Statement::Query(mut subquery)) = statements.into_iter().next() else { return None };
    let SetExpr::Select(select) = subquery.body.as_mut() else { return None };
    let mut whole = factor.clone();
    if let TableFactor::Table { alias, sample, .. } = &mut whole {
        (*alias, *sample) = (None, None);
    }
    select.from.first_mut()?.relation = whole;
    let Some(Expr::BinaryOp { right, .. }) = &mut select.selection else { return None };
    **right = percent;
    let called = match name.0.last()? {
        ObjectNamePart::Identifier(last) => alias_of(last.clone()),
        ObjectNamePart::Function(_) => return None,
    };
    let alias = Some(alias.clone().unwrap_or(called));
    Some(TableFactor::Derived { lateral: false, subquery, alias, sample: None })
}

/// The percentage of a sample that is given as one; `None` for every other kind of sample.
fn percentage(sample: &TableSample) -> Option<Expr> {
    let TableSample { modifier: _, name: _, quantity, seed: None, bucket: None, offset: None } = sample
    else {
        return None;
    };
    let Some(TableSampleQuantity { parenthesized: true, value, unit: None | Some(TableSampleUnit::Percent) }) =
        quantity
    else {
        return None;
    };
    let Expr::Value(literal) = value else { return None };
    let Value::Number(digits, _) = &literal.value else { return None };
    let number: f64 = digits.parse().ok()?;
    (0.0..=100.0).contains(&number).then(|| value.clone())
}

fn alias_of(name: Ident) -> TableAlias {
    TableAlias { explicit: true, name, columns: Vec::new(), at: None }
}

fn one() -> Expr {
    Expr::Value(Value::Number("1".to_owned(), false).into())
}
