//! The tables of a FROM clause, joins by name written as joins with ON, and the columns behind them.

use datafusion::common::{DataFusionError, Result, TableReference};
use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments,
    Ident, Join, JoinConstraint, JoinOperator, ObjectName, Query, Select, SelectItem, SetExpr, TableAlias,
    TableFactor, TableWithJoins, Value, WildcardAdditionalOptions, With,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::names::{Joined, Names, folded};
use super::{Writing, has_names};
use crate::error::{Error, ErrorKind};

/// Joins of the kinds that have a condition, which gets this name.
macro_rules! joins_on {
    ($constraint:ident) => {
        JoinOperator::Join($constraint)
            | JoinOperator::Inner($constraint)
            | JoinOperator::Left($constraint)
            | JoinOperator::LeftOuter($constraint)
            | JoinOperator::Right($constraint)
            | JoinOperator::RightOuter($constraint)
            | JoinOperator::FullOuter($constraint)
            | JoinOperator::LeftSemi($constraint)
            | JoinOperator::RightSemi($constraint)
            | JoinOperator::LeftAnti($constraint)
            | JoinOperator::RightAnti($constraint)
    };
}

/// The condition of a join, if its kind has one.
pub(super) fn constraint_of(operator: &JoinOperator) -> Option<&JoinConstraint> {
    match operator {
        joins_on!(constraint) => Some(constraint),
        _ => None,
    }
}

fn constraint_mut(operator: &mut JoinOperator) -> Option<&mut JoinConstraint> {
    match operator {
        joins_on!(constraint) => Some(constraint),
        _ => None,
    }
}

/// Of two columns that are joined, the one that has a value in every row behind the join.
fn merged(operator: &JoinOperator, left: &Expr, right: &Expr) -> Expr {
    match operator {
        JoinOperator::Right(_)
        | JoinOperator::RightOuter(_)
        | JoinOperator::RightSemi(_)
        | JoinOperator::RightAnti(_) => right.clone(),
        JoinOperator::FullOuter(_) => coalesce(left.clone(), right.clone()),
        _ => left.clone(),
    }
}

impl Writing<'_> {
    /// Writes out the joins of an element of FROM; gives its columns.
    pub(super) fn of_tables(&mut self, tables: &mut TableWithJoins) -> Result<Vec<Joined>> {
        let mut left = self.of_relation(&mut tables.relation)?;
        for place in 0..tables.joins.len() {
            let right = match is_lateral(&tables.joins[place].relation) {
                true => self.of_lateral(tables, place)?,
                false => self.of_relation(&mut tables.joins[place].relation)?,
            };
            left = self.of_join(&mut tables.joins[place].join_operator, left, right)?;
        }
        Ok(left)
    }

    fn of_join(
        &self,
        operator: &mut JoinOperator,
        left: Vec<Joined>,
        right: Vec<Joined>,
    ) -> Result<Vec<Joined>> {
        let keys: Option<Vec<String>> = match constraint_of(operator) {
            Some(JoinConstraint::Using(names)) => Some(names.iter().filter_map(last_part).collect()),
            Some(JoinConstraint::Natural) => {
                let is_common = |column: &&Joined| right.iter().any(|other| other.name == column.name);
                Some(left.iter().filter(is_common).map(|column| column.name.clone()).collect())
            }
            _ => None,
        };
        let Some(keys) = keys else {
            let all: Vec<Joined> = left.iter().chain(&right).cloned().collect();
            if let Some(JoinConstraint::On(condition)) = constraint_mut(operator) {
                Names::of(&all).put_into(condition);
            }
            return Ok(shown(operator, left, right, all));
        };
        let mut condition: Option<Expr> = None;
        let mut all = Vec::new();
        for key in &keys {
            let (left, right) = (only(&left, key)?, only(&right, key)?);
            all.push(Joined { name: key.clone(), expr: merged(operator, left, right), is_joined: true });
            let equal = binary(left.clone(), BinaryOperator::Eq, right.clone());
            condition = Some(match condition {
                Some(condition) => binary(condition, BinaryOperator::And, equal),
                None => equal,
            });
        }
        let is_other = |column: &&Joined| !keys.contains(&column.name);
        all.extend(left.iter().filter(is_other).chain(right.iter().filter(is_other)).cloned());
        if let Some(constraint) = constraint_mut(operator) {
            *constraint =
                JoinConstraint::On(condition.unwrap_or_else(|| Expr::Value(Value::Boolean(true).into())));
        }
        Ok(shown(operator, left, right, all))
    }

    fn of_relation(&mut self, factor: &mut TableFactor) -> Result<Vec<Joined>> {
        if let TableFactor::NestedJoin { table_with_joins, alias } = factor {
            if alias.is_none() {
                return self.of_tables(table_with_joins);
            }
            if has_names(table_with_joins) {
                let columns = self.of_tables(table_with_joins)?;
                let names = Names::of(&columns);
                let items = super::names::written_out(&columns, WildcardAdditionalOptions::default(), &names);
                let subquery = Box::new(query(table_with_joins.as_ref().clone(), items)?);
                *factor =
                    TableFactor::Derived { lateral: false, subquery, alias: alias.take(), sample: None };
            }
        }
        self.with_name(factor);
        let tables = TableWithJoins { relation: factor.clone(), joins: Vec::new() };
        self.columns(tables)
    }

    /// The columns of a relation that names those before it.
    fn of_lateral(&mut self, tables: &mut TableWithJoins, place: usize) -> Result<Vec<Joined>> {
        self.with_name(&mut tables.joins[place].relation);
        let mut before = tables.clone();
        before.joins.truncate(place);
        let known = self.columns(before.clone())?.len();
        let relation = tables.joins[place].relation.clone();
        let join_operator = JoinOperator::CrossJoin(JoinConstraint::None);
        before.joins.push(Join { relation, global: false, join_operator });
        let mut columns = self.columns(before)?;
        Ok(columns.split_off(known.min(columns.len())))
    }

    /// A table without a name gets one: its columns are named by it.
    fn with_name(&mut self, factor: &mut TableFactor) {
        if let TableFactor::Derived { alias: alias @ None, .. }
        | TableFactor::Function { alias: alias @ None, .. }
        | TableFactor::UNNEST { alias: alias @ None, .. } = factor
        {
            *alias =
                Some(TableAlias { explicit: true, name: self.table_name(), columns: Vec::new(), at: None });
        }
    }

    fn columns(&mut self, tables: TableWithJoins) -> Result<Vec<Joined>> {
        let mut asked = query(tables, vec![SelectItem::Wildcard(WildcardAdditionalOptions::default())])?;
        for with in self.around.iter().rev().flatten() {
            asked = around(with, asked);
        }
        let schema = (self.columns_of)(asked)?;
        let column = |(table, name): (Option<&TableReference>, &String)| {
            let table = table.map(TableReference::to_vec).unwrap_or_default();
            let parts = table.into_iter().chain([name.clone()]).map(|part| Ident::with_quote('"', part));
            let mut parts: Vec<Ident> = parts.collect();
            let expr = match parts.len() {
                1 => Expr::Identifier(parts.remove(0)),
                _ => Expr::CompoundIdentifier(parts),
            };
            Joined { name: name.clone(), expr, is_joined: false }
        };
        Ok(schema.iter().map(|(table, field)| column((table, field.name()))).collect())
    }
}

/// The columns behind a join: those of one side alone behind a semi or anti join.
fn shown(operator: &JoinOperator, left: Vec<Joined>, right: Vec<Joined>, all: Vec<Joined>) -> Vec<Joined> {
    match operator {
        JoinOperator::LeftSemi(_) | JoinOperator::LeftAnti(_) => left,
        JoinOperator::RightSemi(_) | JoinOperator::RightAnti(_) => right,
        _ => all,
    }
}

fn is_lateral(factor: &TableFactor) -> bool {
    matches!(
        factor,
        TableFactor::Derived { lateral: true, .. }
            | TableFactor::Function { lateral: true, .. }
            | TableFactor::UNNEST { .. }
    )
}

fn last_part(name: &ObjectName) -> Option<String> {
    name.0.last().and_then(|part| part.as_ident()).map(folded)
}

fn only<'a>(columns: &'a [Joined], key: &str) -> Result<&'a Expr> {
    let mut found = columns.iter().filter(|column| column.name == key);
    match (found.next(), found.next()) {
        (Some(column), None) => Ok(&column.expr),
        (None, _) => Err(refused("a column of USING is not in both tables", key)),
        (Some(_), Some(_)) => {
            Err(refused("a column of USING is on one side of the join twice; write ON", key))
        }
    }
}

fn refused(text: &'static str, name: &str) -> DataFusionError {
    Error::new(ErrorKind::InvalidRequest, text).echoing(name).into()
}

pub(in crate::planner::relations) fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}

fn coalesce(left: Expr, right: Expr) -> Expr {
    let argument = |expr: Expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr));
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new("coalesce")]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: vec![argument(left), argument(right)],
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// A query of these tables.
pub(in crate::planner::relations) fn query(tables: TableWithJoins, items: Vec<SelectItem>) -> Result<Query> {
    let mut query = Parser::new(&GenericDialect {})
        .try_with_sql("SELECT 1")
        .and_then(|mut parser| parser.parse_query())?;
    if let SetExpr::Select(select) = query.body.as_mut() {
        let select: &mut Select = select;
        select.from = vec![tables];
        select.projection = items;
    }
    Ok(*query)
}

/// The query within a WITH clause.
fn around(with: &With, query: Query) -> Query {
    let with = With { with_token: AttachedToken::empty(), ..with.clone() };
    let within = Query { with: None, ..query.clone() };
    match query.with {
        None => Query { with: Some(with), ..within },
        Some(_) => Query {
            with: Some(with),
            body: Box::new(SetExpr::Query(Box::new(query.clone()))),
            order_by: None,
            limit_clause: None,
            fetch: None,
            ..within
        },
    }
}
