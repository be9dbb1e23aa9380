//! `SET`, `RESET` and `USE`: statements that change the session and read nothing.

use datafusion::sql::parser::{ResetStatement, Statement as ParsedStatement};
use datafusion::sql::sqlparser::ast::{Expr, ObjectName, ObjectNamePart, Set, Statement, Use, Value};

use super::dialect::Effort;
use super::options::SessionOption;
use super::single;
use crate::error::{Error, ErrorKind};
use crate::ids::CATALOG;

/// Longest statement of this kind, in bytes. It is parsed where calls arrive, on threads with small stacks.
const LONGEST: usize = 2048;

/// One option and its new value.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct SessionChange {
    pub(crate) option: SessionOption,
    /// Absent: the default.
    pub(crate) value: Option<String>,
}

impl SessionChange {
    /// Reads a text that begins like a statement of this kind; `None` for every other.
    ///
    /// # Arguments
    /// * `max_bytes` - longest text, in bytes.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] if it cannot be parsed or the value is no literal, [`ErrorKind::Unsupported`] if there
    /// is no such option.
    pub(crate) fn parse(sql: &str, max_bytes: usize) -> Result<Option<Self>, Error> {
        let first = sql.split_whitespace().next().unwrap_or_default();
        if !["set", "reset", "use"].iter().any(|word| first.eq_ignore_ascii_case(word)) {
            return Ok(None);
        }
        let (option, value) = match single(sql, max_bytes.min(LONGEST), &Effort::small())? {
            ParsedStatement::Reset(ResetStatement::Variable(name)) => (option(&name)?, None),
            ParsedStatement::Statement(statement) => match *statement {
                Statement::Set(Set::SingleAssignment { hivevar: false, variable, values, .. }) => {
                    (option(&variable)?, literal(&values)?)
                }
                Statement::Set(Set::SetTimeZone { local: _, value }) => {
                    (SessionOption::TimeZone, literal(&[value])?)
                }
                Statement::Use(Use::Object(name)) => (SessionOption::Schema, Some(database(&name)?)),
                other => return Err(no_such_option(&other.to_string())),
            },
            other => return Err(no_such_option(&other.to_string())),
        };
        Ok(Some(Self { option, value }))
    }
}

fn option(name: &ObjectName) -> Result<SessionOption, Error> {
    let named = match name.0.as_slice() {
        [ObjectNamePart::Identifier(only)] => SessionOption::named(&only.value),
        _ => None,
    };
    named.ok_or_else(|| no_such_option(&name.to_string()))
}

fn no_such_option(name: &str) -> Error {
    let text = "no such session option; there are catalog, schema, as_of, statement_timeout, compression, endpoints, view_types and timezone";
    Error::new(ErrorKind::Unsupported, text).echoing(name)
}

/// A text, a number or a bare word; `None` for `DEFAULT` and NULL.
fn literal(values: &[Expr]) -> Result<Option<String>, Error> {
    let [value] = values else { return Err(not_a_literal(values)) };
    match value {
        Expr::Identifier(word)
            if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("default") =>
        {
            Ok(None)
        }
        Expr::Identifier(word) => Ok(Some(word.value.clone())),
        Expr::Value(literal) => match &literal.value {
            Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => Ok(Some(text.clone())),
            Value::Number(digits, _) => Ok(Some(digits.clone())),
            Value::Boolean(truth) => Ok(Some(truth.to_string())),
            Value::Null => Ok(None),
            _ => Err(not_a_literal(values)),
        },
        _ => Err(not_a_literal(values)),
    }
}

fn not_a_literal(values: &[Expr]) -> Error {
    let written = values.iter().map(Expr::to_string).collect::<Vec<_>>().join(", ");
    Error::new(ErrorKind::InvalidRequest, "an option is set to a literal, not to").echoing(&written)
}

/// The database of `USE`, before which the catalog may stand.
fn database(name: &ObjectName) -> Result<String, Error> {
    let words: Vec<&str> =
        name.0.iter().filter_map(ObjectNamePart::as_ident).map(|part| part.value.as_str()).collect();
    match words.as_slice() {
        [database] => Ok((*database).to_owned()),
        [catalog, database] if catalog.eq_ignore_ascii_case(CATALOG) => Ok((*database).to_owned()),
        _ => Err(Error::new(ErrorKind::InvalidRequest, "USE takes the name of a database, not")
            .echoing(&name.to_string())),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    fn parse(sql: &str) -> Result<Option<SessionChange>, Error> {
        SessionChange::parse(sql, 1 << 20)
    }

    #[test]
    fn an_option_is_set_in_every_usual_form() {
        for (sql, option, value) in [
            ("set schema = sales", SessionOption::Schema, Some("sales")),
            ("  SET Schema TO 'Sales' ;", SessionOption::Schema, Some("Sales")),
            ("set session schema = \"sales\"", SessionOption::Schema, Some("sales")),
            ("set schema = default", SessionOption::Schema, None),
            ("reset schema", SessionOption::Schema, None),
            ("use sales", SessionOption::Schema, Some("sales")),
            ("use awsdatacatalog.sales", SessionOption::Schema, Some("sales")),
            ("set catalog = 'awsdatacatalog'", SessionOption::Catalog, Some("awsdatacatalog")),
            ("set as_of = '2026-01-31'", SessionOption::AsOf, Some("2026-01-31")),
            ("set as_of = null", SessionOption::AsOf, None),
            ("set statement_timeout = '30s'", SessionOption::StatementTimeout, Some("30s")),
            ("set statement_timeout = 30", SessionOption::StatementTimeout, Some("30")),
            ("set compression = zstd", SessionOption::Compression, Some("zstd")),
            ("set view_types = true", SessionOption::ViewTypes, Some("true")),
            ("set time zone 'UTC'", SessionOption::TimeZone, Some("UTC")),
            ("set timezone = 'UTC'", SessionOption::TimeZone, Some("UTC")),
            ("set view_types = 'false'", SessionOption::ViewTypes, Some("false")),
        ] {
            let change = SessionChange { option, value: value.map(str::to_owned) };
            assert_eq!(parse(sql).unwrap(), Some(change), "{sql}");
        }
    }

    #[test]
    fn other_statements_are_not_touched() {
        for sql in ["", "select 1", "settle", "/* x */ select 1", "show schema", "user"] {
            assert_eq!(parse(sql).unwrap(), None, "{sql}");
        }
    }

    #[test]
    fn what_is_no_option_or_no_literal_is_refused() {
        for (sql, kind) in [
            ("set datafusion.execution.batch_size = 1", ErrorKind::Unsupported),
            ("set role admin", ErrorKind::Unsupported),
            ("reset all_of_it", ErrorKind::Unsupported),
            ("set schema = lower('SALES')", ErrorKind::InvalidRequest),
            ("set schema", ErrorKind::InvalidRequest),
            ("use a.b.c", ErrorKind::InvalidRequest),
            ("set schema = a; select 1", ErrorKind::InvalidRequest),
        ] {
            assert_eq!(parse(sql).unwrap_err().kind(), kind, "{sql}");
        }
    }
}
