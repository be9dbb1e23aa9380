//! The names of a result's columns: an expression without an alias is called as it was written, and names may be equal.
//!
//! The planner calls `10 / 4` by its own text, `Int64(10) / Int64(4)`, and refuses two columns of one name. So each expression
//! without an alias gets one here, its text cut to [`LONGEST_NAME`], and a name that was given before gets a number behind a
//! [mark](MARK). Announced is the name without mark and number.
//!
//! Invariants
//! - Names that somebody else refers to stay: columns keep theirs, and of equal names the first.
//! - Within a query of FROM or WITH a second column of one name is marked only if it is the same expression: whoever refers to
//!   the name means either.
//! - Subqueries of expressions are left alone: nobody sees their columns, and the planner knows counts there by their shape.

use std::collections::HashMap;
use std::fmt::{self, Write};
use std::mem;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::DFSchema;
use datafusion::sql::sqlparser::ast::{
    Distinct, Expr, GroupByExpr, Ident, OrderByKind, Query, Select, SelectItem, SetExpr, Statement,
    TableFactor, TableWithJoins, Value,
};

/// Most characters of a name that is an expression's text.
const LONGEST_NAME: usize = 64;

/// Stands between a name and the number that makes it unique. A letter of private use: nobody writes it.
const MARK: char = '\u{e6f4}';

/// Gives names to the columns of a statement's queries.
pub(super) fn with_written_names(statement: &mut Statement) {
    if let Statement::Query(query) = statement {
        of_query(query, true);
    }
}

/// The columns as they are announced.
pub(crate) fn announced(schema: &SchemaRef) -> SchemaRef {
    if schema.fields().iter().all(|field| without_mark(field.name()).is_none()) {
        return Arc::clone(schema);
    }
    let shown = |field: &Arc<Field>| match without_mark(field.name()) {
        Some(name) => Arc::new(field.as_ref().clone().with_name(name)),
        None => Arc::clone(field),
    };
    let fields: Vec<Arc<Field>> = schema.fields().iter().map(shown).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

fn without_mark(name: &str) -> Option<&str> {
    let (name, number) = name.rsplit_once(MARK)?;
    number.chars().all(|digit| digit.is_ascii_digit()).then_some(name)
}

fn of_query(query: &mut Query, is_outermost: bool) {
    for named in query.with.iter_mut().flat_map(|with| &mut with.cte_tables) {
        of_query(&mut named.query, false);
    }
    let sorted_by = sorting_names(query);
    of_body(&mut query.body, is_outermost, &sorted_by);
    sort_by_names(query);
}

/// ORDER BY an expression of a SELECT DISTINCT or of a set operation's first SELECT is by its column: the planner finds the
/// expression no more, now that it has a name.
fn sort_by_names(query: &mut Query) {
    let Some(items) = first_items(&query.body) else { return };
    let Some(OrderByKind::Expressions(exprs)) = query.order_by.as_mut().map(|order_by| &mut order_by.kind)
    else {
        return;
    };
    for sorted in exprs {
        let named = items.iter().find_map(|item| match item {
            SelectItem::ExprWithAlias { expr, alias } if *expr == sorted.expr => {
                (column_of(expr).is_none() && alias.value == text_of(expr)).then_some(alias)
            }
            _ => None,
        });
        if let Some(name) = named {
            sorted.expr = Expr::Identifier(name.clone());
        }
    }
}

fn first_items(body: &SetExpr) -> Option<&[SelectItem]> {
    match body {
        SetExpr::Select(select) => select.distinct.is_some().then_some(&select.projection),
        SetExpr::SetOperation { left, .. } => match left.as_ref() {
            SetExpr::Select(select) => Some(&select.projection),
            nested => first_items(nested),
        },
        SetExpr::Query(query) => first_items(&query.body),
        _ => None,
    }
}

/// Names that ORDER BY refers to.
fn sorting_names(query: &Query) -> Vec<String> {
    match query.order_by.as_ref().map(|order_by| &order_by.kind) {
        Some(OrderByKind::Expressions(exprs)) => exprs
            .iter()
            .filter_map(|sorted| match &sorted.expr {
                Expr::Identifier(name) => Some(folded(name)),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn of_body(body: &mut SetExpr, is_outermost: bool, sorted_by: &[String]) {
    match body {
        SetExpr::Select(select) => of_select(select, is_outermost, sorted_by),
        SetExpr::Query(query) => of_query(query, is_outermost),
        SetExpr::SetOperation { left, right, .. } => {
            of_body(left, is_outermost, sorted_by);
            of_body(right, is_outermost, &[]);
        }
        _ => {}
    }
}

fn of_from(table: &mut TableWithJoins) {
    of_factor(&mut table.relation);
    for join in &mut table.joins {
        of_factor(&mut join.relation);
    }
}

fn of_factor(factor: &mut TableFactor) {
    match factor {
        TableFactor::Derived { lateral: false, subquery, .. } => of_query(subquery, false),
        TableFactor::NestedJoin { table_with_joins, .. } => of_from(table_with_joins),
        _ => {}
    }
}

fn of_select(select: &mut Select, is_outermost: bool, sorted_by: &[String]) {
    for table in &mut select.from {
        of_from(table);
    }
    name_items(&mut select.projection, is_outermost, sorted_by);
}

/// Gives numbers to equal names of an outermost SELECT, whose `*` was written out.
pub(crate) fn numbered(items: &mut [SelectItem]) {
    name_items(items, true, &[]);
}

/// A name that was given, by which column.
struct Given {
    qualifier: Option<String>,
    expr: String,
}

fn name_items(items: &mut [SelectItem], is_outermost: bool, sorted_by: &[String]) {
    let mut given: HashMap<String, Vec<Given>> = HashMap::new();
    for item in items {
        let (expr, alias) = match item {
            SelectItem::UnnamedExpr(expr) => (expr, None),
            SelectItem::ExprWithAlias { expr, alias } => (expr, Some(folded(alias))),
            _ => continue,
        };
        let column = column_of(expr);
        let is_text = alias.is_none() && column.is_none();
        if is_text && makes_columns(expr) {
            continue;
        }
        let expr_text = match &column {
            Some((name, qualifier)) => format!("{}.{name}", qualifier.as_deref().unwrap_or_default()),
            None if is_text => text_of(expr),
            None => expr.to_string(),
        };
        let (name, qualifier) = match (&alias, column) {
            (Some(alias), _) => (alias.clone(), None),
            (None, Some((name, qualifier))) => (name, qualifier),
            (None, None) => (expr_text.clone(), None),
        };
        let others = given.entry(name.clone()).or_default();
        let equal = others
            .iter()
            .find(|other| other.qualifier.is_none() || qualifier.is_none() || other.qualifier == qualifier);
        let is_same = equal.is_some_and(|other| other.expr == expr_text);
        let may_be_marked = is_text || is_same || (is_outermost && !sorted_by.contains(&name));
        let unique = match equal {
            Some(_) if may_be_marked => Some(format!("{name}{MARK}{}", others.len())),
            Some(_) => None,
            None => is_text.then(|| name.clone()),
        };
        if let Some(unique) = unique {
            // Taken, not copied: a copy is made by recursion, as deep as the expression is.
            let expr = mem::replace(expr, Expr::Value(Value::Null.into()));
            *item = SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', unique) };
        }
        others.push(Given { qualifier, expr: expr_text });
    }
}

/// The name and the qualifier of a column, if an expression is nothing else.
fn column_of(expr: &Expr) -> Option<(String, Option<String>)> {
    match expr {
        // It is no column, though it is read as one.
        Expr::Identifier(name) if name.quote_style.is_none() && folded(name) == "current_schema" => None,
        Expr::Identifier(name) => Some((folded(name), None)),
        Expr::CompoundIdentifier(parts) => {
            let (name, qualifier) = parts.split_last()?;
            let qualifier: Vec<String> = qualifier.iter().map(folded).collect();
            Some((folded(name), Some(qualifier.join("."))))
        }
        Expr::Nested(inner) => column_of(inner),
        _ => None,
    }
}

/// Whether an expression may become several columns, which have names of their own.
fn makes_columns(expr: &Expr) -> bool {
    match expr {
        Expr::Function(function) => {
            let name = function.name.to_string();
            ["unnest", "explode"].iter().any(|unnest| name.eq_ignore_ascii_case(unnest))
        }
        Expr::Nested(inner) => makes_columns(inner),
        _ => false,
    }
}

fn folded(name: &Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_ascii_lowercase() }
}

fn text_of(expr: &Expr) -> String {
    let mut cut = Cut { text: String::new(), left: LONGEST_NAME };
    let shown = match expr {
        Expr::Nested(inner) => write!(cut, "{inner}"),
        other => write!(cut, "{other}"),
    };
    if shown.is_err() {
        cut.text.push('…');
    }
    cut.text
}

/// Takes so many characters and no more.
struct Cut {
    text: String,
    left: usize,
}

impl Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(letter);
        }
        Ok(())
    }
}

/// The statement with `*` and `t.*` of its outermost SELECT written out, so that a column that stands there twice can have two
/// names; `None` if it has none.
///
/// # Arguments
/// * `columns_of` - the columns of a query.
///
/// # Errors
/// Those of `columns_of`.
pub(crate) fn written_out<E>(
    statement: &Statement,
    mut columns_of: impl FnMut(Query) -> Result<Arc<DFSchema>, E>,
) -> Result<Option<Statement>, E> {
    let Statement::Query(query) = statement else { return Ok(None) };
    let SetExpr::Select(select) = query.body.as_ref() else { return Ok(None) };
    let is_wildcard =
        |item: &SelectItem| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..));
    if !select.projection.iter().any(is_wildcard) {
        return Ok(None);
    }
    let mut items = Vec::new();
    for item in &select.projection {
        if !is_wildcard(item) {
            items.push(item.clone());
            continue;
        }
        let columns = columns_of(only(query, select, item))?;
        items.extend(columns.iter().map(|(table, field)| {
            let table = table.map(datafusion::common::TableReference::to_vec).unwrap_or_default();
            let mut parts: Vec<Ident> = table
                .into_iter()
                .chain([field.name().clone()])
                .map(|part| Ident::with_quote('"', part))
                .collect();
            SelectItem::UnnamedExpr(match parts.len() {
                1 => Expr::Identifier(parts.remove(0)),
                _ => Expr::CompoundIdentifier(parts),
            })
        }));
    }
    name_items(&mut items, true, &sorting_names(query));
    let select = Select { projection: items, ..select.as_ref().clone() };
    let query = Query { body: Box::new(SetExpr::Select(Box::new(select))), ..query.as_ref().clone() };
    Ok(Some(Statement::Query(Box::new(query))))
}

/// A query of the same tables for one item of its SELECT.
fn only(query: &Query, select: &Select, item: &SelectItem) -> Query {
    let select = Select {
        distinct: None::<Distinct>,
        projection: vec![item.clone()],
        selection: None,
        group_by: GroupByExpr::Expressions(Vec::new(), Vec::new()),
        having: None,
        qualify: None,
        sort_by: Vec::new(),
        ..select.clone()
    };
    Query {
        body: Box::new(SetExpr::Select(Box::new(select))),
        order_by: None,
        limit_clause: None,
        fetch: None,
        ..query.clone()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use datafusion::sql::sqlparser::dialect::GenericDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;

    fn named(sql: &str) -> String {
        let mut statements = Parser::parse_sql(&GenericDialect {}, sql).unwrap();
        with_written_names(&mut statements[0]);
        statements[0].to_string().replace(MARK, "#")
    }

    #[test]
    fn expressions_are_called_as_they_are_written_and_equal_names_are_numbered() {
        for (sql, expected) in [
            ("SELECT 10 / 4, count(*)", r#"SELECT 10 / 4 AS "10 / 4", count(*) AS "count(*)""#),
            ("SELECT 1, 1", r#"SELECT 1 AS "1", 1 AS "1#1""#),
            ("SELECT a, A, t.a, b.a", r#"SELECT a, A AS "a#1", t.a AS "a#2", b.a AS "a#3""#),
            ("SELECT t.a, b.a", "SELECT t.a, b.a"),
            ("SELECT a AS x, b AS x", r#"SELECT a AS x, b AS "x#1""#),
            ("SELECT a AS x, b AS x ORDER BY x", "SELECT a AS x, b AS x ORDER BY x"),
            ("SELECT x FROM (SELECT a AS x, b AS x)", "SELECT x FROM (SELECT a AS x, b AS x)"),
            ("SELECT (a), unnest(b)", "SELECT (a), unnest(b)"),
            ("SELECT (SELECT 1 + 1)", r#"SELECT (SELECT 1 + 1) AS "(SELECT 1 + 1)""#),
            (
                "WITH t AS (SELECT 1, 1) SELECT * FROM t UNION SELECT 2, 2",
                r#"WITH t AS (SELECT 1 AS "1", 1 AS "1#1") SELECT * FROM t UNION SELECT 2 AS "2", 2 AS "2#1""#,
            ),
        ] {
            assert_eq!(named(sql), expected);
        }
        let long = format!("SELECT {}", vec!["a"; 100].join(" + "));
        assert!(named(&long).ends_with("+ …\"") || named(&long).contains('…'));
    }

    #[test]
    fn announced_is_the_name_without_its_number() {
        let field = |name: String| Field::new(name, arrow::datatypes::DataType::Int64, true);
        let schema = Arc::new(Schema::new(vec![field("1".to_owned()), field(format!("1{MARK}12"))]));
        let names: Vec<String> =
            announced(&schema).fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(names, ["1", "1"]);
    }
}
