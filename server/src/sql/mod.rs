//! SQL text, or a Substrait plan, to one allowed [`Statement`]: sizes limited, kind allow-listed, table names collected. Pure;
//! no I/O.
//!
//! Invariants
//! - A [`Statement`] is exactly one query; SHOW and DESCRIBE become queries over `information_schema` or over the session's
//!   options, and EXPLAIN marks the query that it explains. SET is a [`SessionChange`] and no statement. Everything else (DDL,
//!   DML, COPY, PREPARE, …) is refused here, before anything is looked up.
//!   It is an allow-list: a statement kind that a new parser version learns is refused until someone adds it.
//! - Size, number of operators and nesting are bounded *before* the text is parsed. Deep trees overflow the stack while
//!   they are planned, evaluated or even dropped, and a stack overflow ends the process for everyone.
//!
//! This room decides what may be asked, not who may see what: no rule of access reads SQL text (`guard` does that on
//! the plan's leaves).

mod dialect;
mod expansion;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod moment;
mod options;
mod patterns;
mod qualify;
mod scope;
mod session_change;
mod shows;
mod substrait;
mod system;
mod tokens;
mod versions;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::ControlFlow;

use bytes::Bytes;
use datafusion::common::TableReference;
use datafusion::common::format::ExplainStatementOptions;
use datafusion::sql::parser::{DFParserBuilder, Statement as ParsedStatement};
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArguments, Query, SetExpr, Statement as SqlStatement, TableFactor, Visit, Visitor,
};
use datafusion::sql::sqlparser::dialect::Dialect;
use datafusion::sql::sqlparser::tokenizer::TokenWithSpan;
use sha2::{Digest, Sha256};

pub(crate) use self::moment::Moment;
pub(crate) use self::options::{Compression, SessionOption, SessionOptions};
pub(crate) use self::session_change::SessionChange;
pub(crate) use self::substrait::{SubstraitPlan, substrait_version};
pub(crate) use self::system::{INFORMATION_SCHEMA, SystemTable};
pub(crate) use self::versions::{NamedTable, without_marks, without_moment};
use crate::error::{Error, ErrorKind};
use crate::ids::CATALOG;

/// Nesting of expressions and queries that the parser follows.
const RECURSION_LIMIT: usize = 64;

/// WITH clauses inside of one another. Who looks for a query's tables visits the queries of a WITH clause twice, so each
/// level doubles the work.
const WITH_LIMIT: usize = 6;

/// Subqueries of expressions inside of one another. Each is planned twice for the one around it.
const SUBQUERY_LIMIT: usize = 8;

/// Tables that one query may name, each version counted. Each costs calls to AWS when it is first used.
const TABLE_LIMIT: usize = 64;

/// Tables and subqueries that one query may read, each as often as it stands there.
const RELATION_LIMIT: usize = 500;

/// The schema of a table name without a database. No database can be called so, hence such a name is never found.
pub(crate) const DEFAULT_DATABASE: &str = "default";

/// A statement as a client sends it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    /// SQL.
    Sql(String),
    /// An encoded `substrait.Plan`.
    Substrait(Bytes),
}

impl Source {
    /// How long it is, in bytes.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Sql(text) => text.len(),
            Self::Substrait(plan) => plan.len(),
        }
    }

    /// What the audit trail shows of it.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Sql(text) => Cow::Borrowed(text),
            Self::Substrait(plan) => {
                Cow::Owned(format!("(Substrait plan, SHA-256 {})", hex::encode(Sha256::digest(plan))))
            }
        }
    }
}

/// One query, as it was read.
#[derive(Clone)]
pub(crate) struct Statement {
    query: Parsed,
    tables: Vec<NamedTable>,
    explain: Option<Explain>,
}

/// What the planner makes a plan of.
#[derive(Clone)]
pub(crate) enum Parsed {
    /// The parser's tree, with the tables under their [planner's names](NamedTable::planner_name).
    Sql(ParsedStatement),
    /// With tables as the client named them.
    Substrait(SubstraitPlan),
}

/// What EXPLAIN asks for besides how the query was understood.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Explain {
    /// VERBOSE: also how it runs.
    pub(crate) is_verbose: bool,
    /// ANALYZE: it runs, and how that went is told instead of its rows.
    pub(crate) is_analyzed: bool,
}

impl Statement {
    /// Reads and checks what a client sent.
    ///
    /// # Arguments
    /// * `max_bytes` - longest SQL text, in bytes.
    /// * `options` - what holds where the statement says nothing.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), for plans too.
    pub(crate) fn read(source: &Source, max_bytes: usize, options: &SessionOptions) -> Result<Self, Error> {
        match source {
            Source::Sql(sql) => Self::parse(sql, max_bytes, options),
            Source::Substrait(encoded) => {
                let plan = SubstraitPlan::decode(encoded, max_bytes, options)?;
                Ok(Self { tables: plan.tables()?, query: Parsed::Substrait(plan), explain: None })
            }
        }
    }

    /// Parses and checks a text.
    ///
    /// # Arguments
    /// * `max_bytes` - longest text, in bytes.
    /// * `options` - what holds where the text says nothing.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for text that is not SQL or is too large, [`ErrorKind::Unsupported`] for
    /// statements other than queries.
    pub(crate) fn parse(sql: &str, max_bytes: usize, options: &SessionOptions) -> Result<Self, Error> {
        let (parsed, explain) = without_explain(single(sql, max_bytes)?)?;
        let mut parsed = match &parsed {
            ParsedStatement::Statement(statement) => match shows::as_query(statement, options)? {
                Some(query) => single(&query, usize::MAX)?,
                None => parsed,
            },
            _ => parsed,
        };
        check_is_query(&parsed)?;
        if let ParsedStatement::Statement(query) = &mut parsed {
            if let Some(schema) = &options.schema {
                qualify::with_schema(query, schema);
            }
            versions::into_names(query, options.as_of)?;
            patterns::with_backslashes(query);
        }
        let tables = named_tables(&parsed)?;
        Ok(Self { query: Parsed::Sql(parsed), tables, explain })
    }

    /// Whether the query says in which order its rows come.
    pub(crate) fn is_ordered(&self) -> bool {
        match &self.query {
            Parsed::Sql(ParsedStatement::Statement(statement)) => {
                matches!(statement.as_ref(), SqlStatement::Query(query) if query.order_by.is_some())
            }
            Parsed::Sql(_) => false,
            Parsed::Substrait(plan) => plan.sorts(),
        }
    }

    /// What is asked of the plan, if that is asked for and not the rows.
    pub(crate) fn explain(&self) -> Option<Explain> {
        self.explain
    }

    /// The tables of the data catalog that the query names; each once, but for each moment that it is named at.
    pub(crate) fn tables(&self) -> &[NamedTable] {
        &self.tables
    }

    /// What the planner reads.
    pub(crate) fn into_parsed(self) -> Parsed {
        self.query
    }

    /// The parser's tree of a statement that came as SQL.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn into_sql(self) -> ParsedStatement {
        match self.query {
            Parsed::Sql(parsed) => parsed,
            Parsed::Substrait(_) => unreachable!("SQL was parsed"),
        }
    }
}

/// The one statement of a text.
fn single(sql: &str, max_bytes: usize) -> Result<ParsedStatement, Error> {
    let mut statements = read_statements(tokens::read(sql, max_bytes)?)?;
    match (statements.pop_front(), statements.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(_), false) => Err(Error::new(ErrorKind::InvalidRequest, "send one statement at a time")),
        (None, _) => Err(Error::new(ErrorKind::InvalidRequest, "the SQL text is empty")),
    }
}

/// The statement, and how it is to be explained.
fn without_explain(parsed: ParsedStatement) -> Result<(ParsedStatement, Option<Explain>), Error> {
    let ParsedStatement::Explain(explain) = parsed else {
        return Ok((parsed, None));
    };
    let ExplainStatementOptions { analyze, verbose, .. } = explain.options;
    if explain.options != (ExplainStatementOptions { analyze, verbose, ..Default::default() }) {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "of the options of EXPLAIN there are ANALYZE and VERBOSE",
        ));
    }
    Ok((*explain.statement, Some(Explain { is_verbose: verbose, is_analyzed: analyze })))
}

fn read_statements(mut tokens: Vec<TokenWithSpan>) -> Result<VecDeque<ParsedStatement>, Error> {
    let dialect = dialect::of(&mut tokens);
    let public = if dialect.supports_table_versioning() {
        "the SQL text cannot be parsed; a version is asked for directly behind a table's name, before its alias"
    } else {
        "the SQL text cannot be parsed"
    };
    DFParserBuilder::new(tokens)
        .with_dialect(&dialect)
        .with_recursion_limit(RECURSION_LIMIT)
        .build()
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| {
            if dialect.is_exhausted() {
                return Error::new(ErrorKind::InvalidRequest, "the SQL text is too complex");
            }
            let message = error.strip_backtrace();
            let words = message.strip_prefix("SQL error: ").unwrap_or(&message).to_owned();
            Error::new(ErrorKind::InvalidRequest, public).echoing(&words)
        })
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
    match query.visit(&mut OnlyReads::default()) {
        ControlFlow::Continue(()) => expansion::check(query),
        ControlFlow::Break(refusal) => Err(refusal),
    }
}

/// Most lookups of columns that planning may take: each query looks each of its columns up in a list of as many.
const LOOKUP_LIMIT: usize = 2_000_000_000;

/// Finds the parts of a query that would write: `SELECT … INTO`, `FOR UPDATE`, and DML inside a WITH clause; and too many
/// WITH clauses or subqueries inside of one another. Counts what it joins, because a list of tables with commas between them is a chain of
/// joins.
#[derive(Default)]
struct OnlyReads {
    /// Tables and subqueries so far.
    relations: usize,
    /// WITH clauses around the place that is visited.
    with_clauses: usize,
    /// Subqueries of expressions around the place that is visited.
    subqueries: usize,
    queries: usize,
    /// Items of the longest SELECT list so far.
    widest: usize,
}

impl Visitor for OnlyReads {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Error> {
        self.with_clauses += usize::from(query.with.is_some());
        if self.with_clauses > WITH_LIMIT {
            let text = "WITH clauses are nested too deeply";
            return ControlFlow::Break(Error::new(ErrorKind::InvalidRequest, text));
        }
        self.queries += 1;
        self.widest = self.widest.max(width(&query.body));
        let lookups = self.widest.saturating_mul(self.widest).saturating_mul(self.queries);
        if lookups > LOOKUP_LIMIT {
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

    fn pre_visit_statement(&mut self, _: &SqlStatement) -> ControlFlow<Error> {
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

/// Items of the longest SELECT list of a query's own body.
fn width(body: &SetExpr) -> usize {
    match body {
        SetExpr::Select(select) => select.projection.len(),
        SetExpr::SetOperation { left, right, .. } => width(left).max(width(right)),
        _ => 0,
    }
}

/// Resolves every table name to database, table and moment.
///
/// A name with another catalog, without a database, or with more parts cannot exist here. It is refused in the same words
/// as a hidden table.
fn named_tables(parsed: &ParsedStatement) -> Result<Vec<NamedTable>, Error> {
    let (references, _) = resolve_table_references(parsed, true).map_err(|error| {
        Error::new(ErrorKind::InvalidRequest, "a table name cannot be read").because(error.to_string())
    })?;
    few(references.iter().filter(|reference| !is_system(reference)).map(qualified))
}

/// Each table once, if they are not too many.
fn few(named: impl Iterator<Item = Result<NamedTable, Error>>) -> Result<Vec<NamedTable>, Error> {
    let mut tables: Vec<NamedTable> = Vec::new();
    for table in named {
        let table = table?;
        if !tables.contains(&table) {
            tables.push(table);
        }
    }
    if tables.len() > TABLE_LIMIT {
        return Err(Error::new(ErrorKind::InvalidRequest, "the query names too many tables"));
    }
    Ok(tables)
}

/// Whether a table is one of `information_schema`. Those need no grant: they hold what the user may browse.
fn is_system(reference: &TableReference) -> bool {
    let is_here = reference.catalog().is_none_or(|catalog| catalog.eq_ignore_ascii_case(CATALOG));
    let in_schema = reference.schema().is_some_and(|schema| schema.eq_ignore_ascii_case(INFORMATION_SCHEMA));
    is_here && in_schema && SystemTable::named(reference.table()).is_some()
}

fn qualified(reference: &TableReference) -> Result<NamedTable, Error> {
    let name = match reference {
        TableReference::Full { catalog, schema, table } if catalog.eq_ignore_ascii_case(CATALOG) => {
            Some((schema, table))
        }
        TableReference::Partial { schema, table } => Some((schema, table)),
        TableReference::Full { .. } | TableReference::Bare { .. } => None,
    };
    match name {
        Some((schema, table)) => NamedTable::from_planner_name(schema, table),
        None => {
            let name = reference.to_string();
            Err(Error::no_such_table(without_moment(&name).unwrap_or(&name)))
        }
    }
}

#[cfg(test)]
mod tests;
