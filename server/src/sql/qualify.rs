//! Tables without a database get the session's.
//!
//! The name is completed in the parsed statement, before anything looks at its tables, so that grants, moments and plan all
//! see the same complete name. A name that a WITH clause gives stays as it is wherever that clause is in scope, by the
//! planner's own rule: a query of a WITH clause sees those before it, and itself only if the clause is recursive.

use std::convert::Infallible;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Ident, ObjectNamePart, Query, Statement, TableFactor, VisitMut, VisitorMut,
};

use super::scope::Scope;
use super::versions::folded;

/// Completes the names of tables.
pub(super) fn with_schema(statement: &mut Statement, schema: &str) {
    let ControlFlow::Continue(()) = statement.visit(&mut Qualifying { schema, in_scope: Scope::default() });
}

struct Qualifying<'a> {
    schema: &'a str,
    /// Names of the WITH clauses around the place that is visited.
    in_scope: Scope<()>,
}

impl VisitorMut for Qualifying<'_> {
    type Break = Infallible;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Infallible> {
        let Some(with) = &mut query.with else { return ControlFlow::Continue(()) };
        for named in &mut with.cte_tables {
            if !with.recursive {
                // It is visited again with the whole query; by then its tables have complete names.
                named.query.visit(self)?;
            }
            self.in_scope.enter(&named.alias.name, ());
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<Infallible> {
        self.in_scope.leave(query);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Infallible> {
        if let TableFactor::Table { name, args: None, .. } = factor
            && let [ObjectNamePart::Identifier(table)] = name.0.as_slice()
            && self.in_scope.get(&folded(table)).is_none()
        {
            name.0.insert(0, ObjectNamePart::Identifier(Ident::with_quote('"', self.schema)));
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::panic, reason = "a test stops at the first surprise")]

    use super::super::{SessionOptions, Statement as Query};

    /// The tables of a query in a session whose schema is `hr`.
    fn tables(sql: &str) -> Vec<String> {
        let options = SessionOptions { schema: Some("hr".to_owned()), ..SessionOptions::default() };
        let parsed = Query::parse(sql, 1 << 20, &options).unwrap_or_else(|error| panic!("{sql}: {error}"));
        parsed.tables().iter().map(|table| table.name.to_string()).collect()
    }

    #[test]
    fn a_name_without_a_database_gets_the_sessions() {
        assert_eq!(tables("select * from Employees e, sales.nation"), ["hr.employees", "sales.nation"]);
        assert_eq!(tables("select 1 where exists (select 1 from employees)"), ["hr.employees"]);
        assert_eq!(tables("select * from employees union select * from departments").len(), 2);
        assert_eq!(tables("describe employees"), [""; 0]);
    }

    #[test]
    fn names_of_with_clauses_stay_what_they_are_where_they_are_in_scope() {
        assert_eq!(tables("with e as (select 1) select * from e"), [""; 0]);
        assert_eq!(tables("with e as (select * from e) select * from E"), ["hr.e"]);
        assert_eq!(tables("with a as (select * from b), b as (select * from a) select * from b"), ["hr.b"]);
        assert_eq!(tables("(with t as (select 1) select * from t) union (select * from t)"), ["hr.t"]);
        assert_eq!(
            tables("with t as (with u as (select 1) select * from u) select * from u cross join t"),
            ["hr.u"]
        );
        assert_eq!(tables("select * from (with x as (select 1) select * from x) y, x"), ["hr.x"]);
    }
}
