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

mod column_names;
mod dialect;
mod escapes;
mod expansion;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod is_distinct;
mod literals;
mod moment;
mod only_reads;
mod options;
mod patterns;
mod qualify;
mod rewritten_syntax;
mod scope;
mod session_change;
mod shows;
mod substrait;
mod system;
mod tokens;
mod understood;
mod versions;
mod words;

use std::borrow::Cow;
use std::collections::VecDeque;

use bytes::Bytes;
use datafusion::common::TableReference;
use datafusion::common::format::ExplainStatementOptions;
use datafusion::sql::parser::{DFParserBuilder, Statement as ParsedStatement};
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::{Expr, Query, SelectItem, SetExpr, Statement as SqlStatement, Value};
use datafusion::sql::sqlparser::dialect::Dialect;
use datafusion::sql::sqlparser::tokenizer::TokenWithSpan;
use sha2::{Digest, Sha256};

pub(crate) use self::column_names::{announced, numbered, written_out};
use self::dialect::Effort;
pub(crate) use self::moment::Moment;
pub(crate) use self::only_reads::SUBQUERY_LIMIT;
pub(crate) use self::options::{Compression, SessionOption, SessionOptions};
pub(crate) use self::session_change::SessionChange;
pub(crate) use self::substrait::{MOST_FIXED_BYTES, SubstraitPlan, substrait_version};
pub(crate) use self::system::{INFORMATION_SCHEMA, SystemTable};
pub(crate) use self::versions::{NamedTable, without_marks, without_moment};
pub(crate) use self::words::readable;
use crate::error::{Error, ErrorKind};
use crate::functions;
use crate::ids::CATALOG;
use crate::stop;

/// Nesting of expressions and queries that the parser follows.
const RECURSION_LIMIT: usize = 64;

/// Tables that one query may name, each version counted. Each costs calls to AWS when it is first used.
const TABLE_LIMIT: usize = 64;

/// Longest text that is read where it arrives, in bytes: most take less time than to hand them to another thread.
const SHORT_SQL: usize = 2048;

/// Longest query of a constant, in bytes, that counts as one of a few steps: a constant names its column, too.
const CONSTANT_LIMIT: usize = 256;

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
        Self::parse_with(&Effort::whole(), sql, max_bytes, options)
    }

    /// As [`parse`](Self::parse), for a text that takes less time than to change threads; `None` for any other.
    pub(crate) fn parse_at_once(
        sql: &str,
        max_bytes: usize,
        options: &SessionOptions,
    ) -> Option<Result<Self, Error>> {
        if sql.len() > SHORT_SQL {
            return None;
        }
        let effort = Effort::small();
        let parsed = Self::parse_with(&effort, sql, max_bytes, options);
        (!effort.was_too_small()).then_some(parsed)
    }

    fn parse_with(
        effort: &Effort,
        sql: &str,
        max_bytes: usize,
        options: &SessionOptions,
    ) -> Result<Self, Error> {
        let (parsed, explain) = without_explain(single(sql, max_bytes, effort)?)?;
        let mut parsed = match &parsed {
            ParsedStatement::Statement(statement) => match shows::as_query(statement, options)? {
                Some(query) => single(&query, usize::MAX, effort)?,
                None => parsed,
            },
            _ => parsed,
        };
        check_is_query(&parsed)?;
        if let ParsedStatement::Statement(query) = &mut parsed {
            understood::check(query)?;
            column_names::with_written_names(query);
            literals::with_all_digits(query)?;
            functions::with_current_schema(query, options.schema.as_deref());
            functions::with_spellings(query)?;
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
            Parsed::Sql(_) => self.sql().is_some_and(|query| query.order_by.is_some()),
            Parsed::Substrait(plan) => plan.sorts(),
        }
    }

    /// Whether it is SELECT with one short constant and nothing else: what pools of connections ask to see whether one is
    /// alive.
    pub(crate) fn is_one_constant(&self) -> bool {
        let Some(query) = self.sql() else { return false };
        let SetExpr::Select(select) = query.body.as_ref() else { return false };
        let [item] = select.projection.as_slice() else { return false };
        let SelectItem::ExprWithAlias { expr: Expr::Value(constant), alias } = item else { return false };
        if alias.value != constant.to_string() {
            return false;
        }
        let is_parameter = matches!(constant.value, Value::Placeholder(_));
        let text = query.to_string();
        // Whatever else a query can have would stand in its text.
        self.explain.is_none()
            && !is_parameter
            && text.len() <= CONSTANT_LIMIT
            && text == format!("SELECT {item}")
    }

    /// The parser's tree, if the query came as SQL.
    fn sql(&self) -> Option<&Query> {
        let Parsed::Sql(ParsedStatement::Statement(statement)) = &self.query else { return None };
        match statement.as_ref() {
            SqlStatement::Query(query) => Some(query),
            _ => None,
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
fn single(sql: &str, max_bytes: usize, effort: &Effort) -> Result<ParsedStatement, Error> {
    let mut statements = read_statements(literals::joined(tokens::read(sql, max_bytes)?)?, effort)?;
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

fn read_statements(
    mut tokens: Vec<TokenWithSpan>,
    effort: &Effort,
) -> Result<VecDeque<ParsedStatement>, Error> {
    let dialect = dialect::of(&mut tokens, effort);
    let public = if dialect.supports_table_versioning() {
        "the SQL text cannot be parsed; a version is asked for directly behind a table's name, before its alias"
    } else {
        "the SQL text cannot be parsed"
    };
    let parsed = dialect.bounded(effort, || {
        DFParserBuilder::new(tokens)
            .with_dialect(&dialect)
            .with_recursion_limit(RECURSION_LIMIT)
            .build()
            .and_then(|mut parser| parser.parse_statements())
    });
    let Some(parsed) = parsed else {
        stop::check()?;
        return Err(Error::new(ErrorKind::InvalidRequest, "the SQL text is too complex"));
    };
    parsed.map_err(|error| {
        let message = error.strip_backtrace();
        let words = message.strip_prefix("SQL error: ").unwrap_or(&message);
        let words =
            words.strip_prefix("ParserError(\"").and_then(|words| words.strip_suffix("\")")).unwrap_or(words);
        Error::new(ErrorKind::InvalidRequest, public).echoing(words)
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
    only_reads::check(query)?;
    expansion::check(query)
}

/// Resolves every table name to database, table and moment.
///
/// A name with another catalog, without a database, or with more parts cannot exist here. It is refused in the same words
/// as a hidden table.
fn named_tables(parsed: &ParsedStatement) -> Result<Vec<NamedTable>, Error> {
    let (references, _) = resolve_table_references(parsed, true).map_err(|error| {
        Error::new(ErrorKind::InvalidRequest, "a table name cannot be read")
            .because_quoting(error.to_string())
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
