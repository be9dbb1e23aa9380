//! Fuzz target of the SQL gate.
//!
//! Whatever text passes is one query that only reads; each table in it is among those that are authorised, or one of
//! `information_schema`; and asking for a moment changes the moment of those tables and nothing else. The tables are found
//! here by a walk of the tree that does not care about scope: a name of one part must be that of some query in a WITH
//! clause, any other one that of a table.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::sql::parser::Statement as ParsedStatement;
use datafusion::sql::sqlparser::ast::{
    ObjectName, ObjectNamePart, Query, Statement as SqlStatement, TableFactor, Visit, Visitor,
};

use super::system::{INFORMATION_SCHEMA, SystemTable};
use super::{Moment, NamedTable, SessionOptions, Statement, TABLE_LIMIT, versions};
use crate::ids::TableName;

const MAX_BYTES: usize = 1 << 20;

/// The moment of tables for which the text asks for none.
const THEN: Moment = Moment::Version(7);

/// Text is read as SQL. Other bytes: nothing to do.
pub(crate) fn sql(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let options = SessionOptions::default();
    let now = Statement::parse(text, MAX_BYTES, &options);
    let then = SessionOptions { as_of: Some(THEN), ..options.clone() };
    let then = Statement::parse(text, MAX_BYTES, &then);
    let Ok(now) = now else {
        return;
    };
    assert!(text.len() <= MAX_BYTES, "a text of {} bytes", text.len());
    assert!(now.tables().len() <= TABLE_LIMIT, "{} tables", now.tables().len());
    let names = check_tree(&now);
    match then {
        Ok(then) => check_moments(&now, &then, &names),
        Err(error) => unreachable!("refused only at another moment: {error}"),
    }
    let shorter = Statement::parse(text, text.len().saturating_sub(1), &options);
    assert!(shorter.is_err(), "longer than is allowed");
    check_printed(now);
}

/// Every table is at the moment that is asked for. What has arguments is none, and what is called as one of
/// `information_schema` does not exist; both are refused when they are looked up.
fn check_moments(now: &Statement, then: &Statement, names: &Names) {
    check_tree(then);
    let moved = |table: &NamedTable| NamedTable { moment: table.moment.or(Some(THEN)), ..table.clone() };
    let expected: Vec<NamedTable> = now.tables().iter().map(moved).collect();
    for table in then.tables() {
        let is_none =
            names.functions.contains(table.name.table()) || table.name.database() == INFORMATION_SCHEMA;
        assert!(
            (is_none && table.moment.is_none()) || expected.contains(table),
            "a table that was not asked for: {table:?}"
        );
    }
}

/// The printed statement names the same tables, if it passes. One that has a moment in it names a table that nobody may
/// send, and does not.
fn check_printed(statement: Statement) {
    let tables: BTreeSet<TableName> = statement.tables().iter().map(|table| table.name.clone()).collect();
    let has_moment = statement.tables().iter().any(|table| table.moment.is_some());
    let printed = statement.into_sql().to_string();
    let Ok(again) = Statement::parse(&printed, usize::MAX, &SessionOptions::default()) else { return };
    assert!(!has_moment, "a planner's name is taken from a client: {}", versions::without_marks(&printed));
    let named: BTreeSet<TableName> = again.tables().iter().map(|table| table.name.clone()).collect();
    assert_eq!(named, tables, "the printed statement names other tables: {printed}");
}

fn check_tree(statement: &Statement) -> Names {
    let parsed = statement.clone().into_sql();
    let ParsedStatement::Statement(parsed) = &parsed else {
        unreachable!("not a statement of SQL: {parsed}")
    };
    let SqlStatement::Query(query) = parsed.as_ref() else { unreachable!("not a query: {parsed}") };
    let mut names = Names::default();
    if query.visit(&mut names).is_break() {
        unreachable!("a statement inside the query: {parsed}");
    }
    let authorised: Vec<TableName> = statement.tables().iter().map(NamedTable::planner_name).collect();
    for name in &names.relations {
        let covered = match name.as_slice() {
            [query] => names.queries.contains(query),
            [catalog @ .., database, table] => {
                let is_here = catalog.is_empty() || catalog == ["awsdatacatalog"];
                let is_system = database == INFORMATION_SCHEMA && SystemTable::named(table).is_some();
                is_here && (is_system || authorised.contains(&TableName::new(database, table)))
            }
            [] => false,
        };
        assert!(covered, "{name:?} is not authorised in: {parsed}");
    }
    names
}

/// All names of tables, all that WITH clauses give, and the last parts of those with arguments, in lower case.
#[derive(Default)]
struct Names {
    relations: Vec<Vec<String>>,
    queries: BTreeSet<String>,
    functions: BTreeSet<String>,
}

impl Visitor for Names {
    type Break = ();

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let part = |part: &ObjectNamePart| match part {
            ObjectNamePart::Identifier(name) => name.value.to_ascii_lowercase(),
            ObjectNamePart::Function(function) => unreachable!("a function names a table: {function}"),
        };
        self.relations.push(relation.0.iter().map(part).collect());
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, args: Some(_), .. } = factor {
            let last = name.0.last().and_then(ObjectNamePart::as_ident);
            self.functions.extend(last.map(|last| last.value.to_ascii_lowercase()));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let named = query.with.iter().flat_map(|with| &with.cte_tables);
        self.queries.extend(named.map(|named| named.alias.name.value.to_ascii_lowercase()));
        ControlFlow::Continue(())
    }

    fn pre_visit_statement(&mut self, _: &SqlStatement) -> ControlFlow<()> {
        ControlFlow::Break(())
    }
}
