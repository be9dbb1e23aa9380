//! Tables at a moment: `sales.orders VERSION AS OF 3`.
//!
//! The planner knows tables by name only, and compares scans by name only: of two equal scalar subqueries it keeps one. So
//! a table at a moment gets a name of its own before anything is planned, the moment behind a [`MARK`], and the guard's
//! catalog knows it by that name. The clause itself leaves the tree: the planner would ignore it.
//!
//! A name that a client sends with a mark in it is not found. In Glue there is none: its names hold no control characters.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Ident, ObjectName, ObjectNamePart, Query, Statement, TableFactor, VisitMut, VisitorMut,
};

use super::moment::Moment;
use super::system::INFORMATION_SCHEMA;
use crate::error::{Error, ErrorKind};
use crate::ids::TableName;

/// Stands between a table's name and its moment.
const MARK: char = '\u{1}';

/// A table as a statement names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct NamedTable {
    pub(crate) name: TableName,
    /// Absent: as it is now.
    pub(crate) moment: Option<Moment>,
}

impl NamedTable {
    /// The name by which the planner asks for it.
    pub(crate) fn planner_name(&self) -> TableName {
        match self.moment {
            Some(moment) => TableName::new(self.name.database(), &marked(self.name.table(), moment)),
            None => self.name.clone(),
        }
    }

    /// What a [`planner_name`](Self::planner_name) stands for.
    ///
    /// # Errors
    /// As for a missing table, if it is none.
    pub(super) fn from_planner_name(database: &str, table: &str) -> Result<Self, Error> {
        let Some((own, word)) = table.split_once(MARK) else {
            return Ok(Self { name: TableName::new(database, table), moment: None });
        };
        let name = TableName::new(database, own);
        match Moment::from_word(word) {
            Some(moment) => Ok(Self { name, moment: Some(moment) }),
            None => Err(Error::no_such_table(&name.to_string())),
        }
    }
}

/// A text in which planner's names stand, with the moments in a readable form: `orders@v3`.
pub(crate) fn without_marks(text: &str) -> String {
    text.replace(MARK, "@")
}

/// The table's own name in a name that the planner uses; `None` if that has no moment.
pub(crate) fn without_moment(planner_name: &str) -> Option<&str> {
    planner_name.split_once(MARK).map(|(own, _)| own)
}

fn marked(table: &str, moment: Moment) -> String {
    format!("{table}{MARK}{}", moment.to_word())
}

/// Moves every clause that asks for a version into the name of its table.
///
/// # Arguments
/// * `default` - the moment of tables that have no such clause.
///
/// # Errors
/// If a moment is no literal, or is asked for anything but a table.
pub(super) fn into_names(statement: &mut Statement, default: Option<Moment>) -> Result<(), Error> {
    match statement.visit(&mut Marking { default, query_names: Vec::new() }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Marking {
    default: Option<Moment>,
    /// Names from the WITH clauses met so far. They only decide the words of a refusal, so their scope does not matter.
    query_names: Vec<String>,
}

impl VisitorMut for Marking {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        let names = query.with.iter().flat_map(|with| &with.cte_tables);
        self.query_names.extend(names.map(|named| folded(&named.alias.name)));
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        match self.mark(factor) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

impl Marking {
    fn mark(&self, factor: &mut TableFactor) -> Result<(), Error> {
        let TableFactor::Table { name, args, version, .. } = factor else { return Ok(()) };
        if name.0.iter().filter_map(ObjectNamePart::as_ident).any(|part| part.value.contains(MARK)) {
            return Err(Error::no_such_table(&name.to_string()));
        }
        let clause = version.take();
        if clause.is_some() && (args.is_some() || self.is_query(name)) {
            let text = "only a table of the data catalog has versions";
            return Err(Error::new(ErrorKind::InvalidRequest, text).echoing(&name.to_string()));
        }
        let written = clause.as_ref().map(Moment::of).transpose()?;
        // A name without a database is that of a query, or of a table that does not exist.
        let is_table = name.0.len() > 1 && args.is_none() && !(clause.is_none() && is_system(name));
        if let Some(moment) = written.or(self.default)
            && is_table
            && let Some(ObjectNamePart::Identifier(table)) = name.0.last_mut()
        {
            table.value = marked(&folded(table), moment);
            table.quote_style = Some('"');
        }
        Ok(())
    }

    fn is_query(&self, name: &ObjectName) -> bool {
        let [ObjectNamePart::Identifier(only)] = name.0.as_slice() else { return false };
        self.query_names.contains(&folded(only))
    }
}

/// Whether a table is one of `information_schema`, which is as it is now.
fn is_system(name: &ObjectName) -> bool {
    let database = name.0.iter().rev().nth(1).and_then(ObjectNamePart::as_ident);
    database.is_some_and(|database| database.value.eq_ignore_ascii_case(INFORMATION_SCHEMA))
}

/// An identifier as the planner folds it.
pub(super) fn folded(identifier: &Ident) -> String {
    match identifier.quote_style {
        Some(_) => identifier.value.clone(),
        None => identifier.value.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests;
