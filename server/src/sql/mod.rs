//! SQL text to one allowed [`Statement`]: sizes limited, kind allow-listed, table names collected. Pure; no I/O.
//!
//! Invariants
//! - A [`Statement`] is exactly one query. Everything else (DDL, DML, COPY, SET, EXPLAIN, SHOW, PREPARE, …) is refused
//!   here, before anything is looked up. It is an allow-list: a statement kind that a new parser version learns is
//!   refused until someone adds it.
//! - Size, number of operators and nesting are bounded *before* the text is parsed. Deep trees overflow the stack while
//!   they are planned, evaluated or even dropped, and a stack overflow ends the process for everyone.
//!
//! This room decides what may be asked, not who may see what: no rule of access reads SQL text (`guard` does that on
//! the plan's leaves).

mod tokens;

use std::ops::ControlFlow;

use datafusion::common::TableReference;
use datafusion::sql::parser::{DFParserBuilder, Statement as ParsedStatement};
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::{Query, SetExpr, Statement as SqlStatement, Visit, Visitor};

use crate::error::{Error, ErrorKind};
use crate::ids::{CATALOG, TableName};

/// Nesting of expressions and queries that the parser follows.
const RECURSION_LIMIT: usize = 64;

/// Tables that one query may name. Each costs calls to AWS when it is first used.
const TABLE_LIMIT: usize = 64;

/// The schema of a table name without a database. No database can be called so, hence such a name is never found.
pub(crate) const DEFAULT_DATABASE: &str = "default";

/// One query, as it was parsed.
#[derive(Clone)]
pub(crate) struct Statement {
    parsed: ParsedStatement,
    tables: Vec<TableName>,
}

impl Statement {
    /// Parses and checks a text.
    ///
    /// # Arguments
    /// * `max_bytes` - longest text, in bytes.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for text that is not SQL or is too large, [`ErrorKind::Unsupported`] for
    /// statements other than queries.
    pub(crate) fn parse(sql: &str, max_bytes: usize) -> Result<Self, Error> {
        let mut statements = DFParserBuilder::new(tokens::read(sql, max_bytes)?)
            .with_recursion_limit(RECURSION_LIMIT)
            .build()
            .and_then(|mut parser| parser.parse_statements())
            .map_err(|error| {
                let message = error.strip_backtrace();
                let words = message.strip_prefix("SQL error: ").unwrap_or(&message).to_owned();
                Error::new(ErrorKind::InvalidRequest, "the SQL text cannot be parsed").echoing(&words)
            })?;
        let Some(parsed) = statements.pop_front() else {
            return Err(Error::new(ErrorKind::InvalidRequest, "the SQL text is empty"));
        };
        if !statements.is_empty() {
            return Err(Error::new(ErrorKind::InvalidRequest, "send one statement at a time"));
        }
        check_is_query(&parsed)?;
        let tables = table_names(&parsed)?;
        Ok(Self { parsed, tables })
    }

    /// The tables that the query names, each once, common table expressions left out.
    pub(crate) fn tables(&self) -> &[TableName] {
        &self.tables
    }

    /// The parser's tree.
    pub(crate) fn into_parsed(self) -> ParsedStatement {
        self.parsed
    }
}

fn not_a_query() -> Error {
    Error::new(ErrorKind::Unsupported, "only queries are supported: this server is read-only")
}

fn check_is_query(parsed: &ParsedStatement) -> Result<(), Error> {
    let ParsedStatement::Statement(statement) = parsed else {
        return Err(not_a_query());
    };
    let SqlStatement::Query(query) = statement.as_ref() else {
        return Err(not_a_query());
    };
    match query.visit(&mut OnlyReads) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(not_a_query()),
    }
}

/// Finds the parts of a query that would write: `SELECT … INTO`, `FOR UPDATE`, and DML inside a WITH clause.
struct OnlyReads;

impl Visitor for OnlyReads {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let body_reads = reads(&query.body);
        if body_reads && query.locks.is_empty() {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(())
    }

    fn pre_visit_statement(&mut self, _: &SqlStatement) -> ControlFlow<()> {
        ControlFlow::Break(())
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

/// Resolves every table name to database and table.
///
/// A name with another catalog, without a database, or with more parts cannot exist here. It is kept out of the list
/// and the planner reports it as not found, in the same words as a hidden table.
fn table_names(parsed: &ParsedStatement) -> Result<Vec<TableName>, Error> {
    let (references, _) = resolve_table_references(parsed, true).map_err(|error| {
        Error::new(ErrorKind::InvalidRequest, "a table name cannot be read").because(error.to_string())
    })?;
    let mut names: Vec<TableName> = Vec::with_capacity(references.len());
    for reference in &references {
        let name = qualified(reference)?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.len() > TABLE_LIMIT {
        return Err(Error::new(ErrorKind::InvalidRequest, "the query names too many tables"));
    }
    Ok(names)
}

fn qualified(reference: &TableReference) -> Result<TableName, Error> {
    let name = match reference {
        TableReference::Full { catalog, schema, table } if catalog.eq_ignore_ascii_case(CATALOG) => {
            Some((schema, table))
        }
        TableReference::Partial { schema, table } => Some((schema, table)),
        TableReference::Full { .. } | TableReference::Bare { .. } => None,
    };
    match name {
        Some((schema, table)) => Ok(TableName::new(schema, table)),
        None => Err(Error::no_such_table(&reference.to_string())),
    }
}

#[cfg(test)]
mod tests;
