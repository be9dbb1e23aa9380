//! Writes what a spelling stands for into a statement, before it is planned.
//!
//! Invariants
//! - An argument that stands twice in what is written is computed twice. So what has another value each time (`random()`) is
//!   refused there, and what is written twice within one another is bounded by [`MOST_COPIED`].
//! - A clause of the call (OVER, FILTER, WITHIN GROUP, DISTINCT) goes to the one function that it stands for, or is refused.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArguments, Ident, ObjectNamePart, Statement, Value, VisitMut, VisitorMut, visit_expressions,
    visit_expressions_mut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::spellings::SPELLINGS;
use crate::error::{Error, ErrorKind};

/// Parts of arguments that are written more than once in one statement.
const MOST_COPIED: usize = 10_000;

/// Functions with another value for each call.
const VOLATILE: [&str; 3] = ["random", "rand", "uuid"];

/// A function that is spelled so.
struct Spelling {
    /// As the table has it.
    written: &'static str,
    parameters: Vec<String>,
    meaning: Expr,
    /// The meaning calls one function with these arguments and no others.
    is_name: bool,
}

static BY_NAME: LazyLock<HashMap<String, Vec<Spelling>>> = LazyLock::new(|| {
    let mut by_name: HashMap<String, Vec<Spelling>> = HashMap::new();
    // A test sees that each of them can be read.
    for (name, spelling) in SPELLINGS.iter().filter_map(|(written, meaning)| read(written, meaning)) {
        by_name.entry(name).or_default().push(spelling);
    }
    by_name
});

fn read(written: &'static str, meaning: &str) -> Option<(String, Spelling)> {
    let parsed = |text: &str| Parser::new(&GenericDialect {}).try_with_sql(text).ok()?.parse_expr().ok();
    let (name, parameters) = written.strip_suffix(')')?.split_once('(')?;
    let parameters: Vec<String> =
        parameters.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
    let meaning = parsed(meaning)?;
    let is_name = match &meaning {
        Expr::Function(function) => plain_arguments(function).is_some_and(|arguments| {
            arguments.len() == parameters.len()
                && arguments.iter().zip(&parameters).all(|(argument, name)| argument.to_string() == *name)
        }),
        _ => false,
    };
    Some((name.to_owned(), Spelling { written, parameters, meaning, is_name }))
}

/// The arguments of a call, if they are expressions and nothing else. A call without brackets has none.
fn plain_arguments(function: &Function) -> Option<Vec<&Expr>> {
    match &function.args {
        FunctionArguments::None => Some(Vec::new()),
        FunctionArguments::Subquery(_) => None,
        FunctionArguments::List(list) => list
            .args
            .iter()
            .map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
                _ => None,
            })
            .collect(),
    }
}

/// The name of a call, if it has one part.
fn name_of(function: &Function) -> Option<String> {
    let [ObjectNamePart::Identifier(name)] = function.name.0.as_slice() else { return None };
    Some(if name.quote_style.is_some() { name.value.clone() } else { name.value.to_ascii_lowercase() })
}

/// Writes what they stand for in the place of all spellings.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] if a call has clauses or arguments that its meaning has no place for.
pub(crate) fn with_spellings(statement: &mut Statement) -> Result<(), Error> {
    match statement.visit(&mut Spelled { copied: 0 }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Spelled {
    /// Parts that were written more than once.
    copied: usize,
}

impl VisitorMut for Spelled {
    type Break = Error;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        if let Expr::Function(function) = expr {
            without_empty_flags(function);
        }
        if let Expr::Function(function) = expr
            && let Some(spellings) = name_of(function).and_then(|name| BY_NAME.get(&name))
        {
            match self.meaning(function, spellings) {
                Ok(Some(meaning)) => *expr = meaning,
                Ok(None) => {}
                Err(error) => return ControlFlow::Break(error),
            }
        }
        ControlFlow::Continue(())
    }
}

/// Takes the last argument of a function of regular expressions away if it is an empty text of flags, which the engine reads as
/// a part of the pattern.
fn without_empty_flags(function: &mut Function) {
    let most = match name_of(function).as_deref() {
        Some("regexp_like" | "regexp_match") => 3,
        Some("regexp_replace" | "regexp_count") => 4,
        _ => return,
    };
    let FunctionArguments::List(list) = &mut function.args else { return };
    let is_empty = matches!(
        list.args.last(),
        Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value))))
            if matches!(&value.value, Value::SingleQuotedString(text) if text.is_empty())
    );
    if list.args.len() == most && is_empty {
        list.args.pop();
    }
}

impl Spelled {
    fn meaning(&mut self, call: &mut Function, spellings: &[Spelling]) -> Result<Option<Expr>, Error> {
        let arguments: Option<Vec<Expr>> =
            plain_arguments(call).map(|arguments| arguments.into_iter().cloned().collect());
        let spelling = arguments.as_ref().and_then(|arguments| {
            spellings.iter().find(|spelling| spelling.parameters.len() == arguments.len())
        });
        let (Some(arguments), Some(spelling)) = (arguments, spelling) else {
            // `date_add` is a function as well.
            let is_other = spellings.iter().any(|spelling| spelling.written == "date_add(x, n)");
            return if is_other { Ok(None) } else { Err(refused(NO_SUCH_ARGUMENTS, &signatures(spellings))) };
        };
        let mut meaning = spelling.meaning.clone();
        self.put_in(&mut meaning, spelling, &arguments)?;
        with_clauses(&mut meaning, call, spelling)?;
        Ok(Some(match &meaning {
            Expr::Function(_) | Expr::Case { .. } | Expr::Cast { .. } | Expr::Value(_) => meaning,
            _ => Expr::Nested(Box::new(meaning)),
        }))
    }

    /// Writes the arguments into the meaning.
    fn put_in(&mut self, meaning: &mut Expr, spelling: &Spelling, arguments: &[Expr]) -> Result<(), Error> {
        let mut uses = vec![0_usize; arguments.len()];
        let _ = visit_expressions_mut(meaning, |part| {
            let place = parameter(part, spelling);
            if let Some(place) = place {
                uses[place] += 1;
                *part = argument(&spelling.parameters[place], &arguments[place]);
            }
            ControlFlow::<()>::Continue(())
        });
        for (argument, uses) in arguments.iter().zip(uses) {
            if uses > 1 {
                let (mut parts, mut is_volatile) = (0_usize, false);
                let _ = visit_expressions(argument, |part| {
                    parts += 1;
                    is_volatile |= is_volatile_call(part);
                    ControlFlow::<()>::Continue(())
                });
                self.copied = self.copied.saturating_add(parts.saturating_mul(uses - 1));
                if is_volatile {
                    return Err(refused(
                        "an argument with another value for each call; compute it in a subquery",
                        spelling.written,
                    ));
                }
            }
        }
        if self.copied > MOST_COPIED {
            return Err(refused(
                "the query is too complex: functions of functions multiply it",
                spelling.written,
            ));
        }
        Ok(())
    }
}

const NO_SUCH_ARGUMENTS: &str = "the function takes other arguments";

fn refused(text: &'static str, written: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, text).echoing(written)
}

fn signatures(spellings: &[Spelling]) -> String {
    spellings.iter().map(|spelling| spelling.written).collect::<Vec<_>>().join(" or ")
}

fn parameter(part: &Expr, spelling: &Spelling) -> Option<usize> {
    let Expr::Identifier(name) = part else { return None };
    spelling.parameters.iter().position(|parameter| *parameter == name.value)
}

/// An argument as it stands in a larger expression.
fn argument(parameter: &str, argument: &Expr) -> Expr {
    match argument {
        Expr::Identifier(unit) if parameter == "unit" && unit.quote_style.is_none() => {
            let unit = unit.value.to_ascii_lowercase();
            let unit = unit.strip_prefix("sql_tsi_").unwrap_or(&unit);
            Expr::Value(Value::SingleQuotedString(unit.to_owned()).into())
        }
        Expr::Identifier(_)
        | Expr::CompoundIdentifier(_)
        | Expr::Value(_)
        | Expr::Function(_)
        | Expr::Nested(_)
        | Expr::Cast { .. } => argument.clone(),
        other => Expr::Nested(Box::new(other.clone())),
    }
}

fn is_volatile_call(expr: &Expr) -> bool {
    match expr {
        Expr::Function(function) => name_of(function).is_some_and(|name| VOLATILE.contains(&name.as_str())),
        _ => false,
    }
}

/// Hands the clauses of a call to the function that it stands for.
fn with_clauses(meaning: &mut Expr, call: &mut Function, spelling: &Spelling) -> Result<(), Error> {
    let (duplicates, clauses) = match &mut call.args {
        FunctionArguments::List(list) => (list.duplicate_treatment.take(), std::mem::take(&mut list.clauses)),
        FunctionArguments::None | FunctionArguments::Subquery(_) => (None, Vec::new()),
    };
    let is_plain = duplicates.is_none() && clauses.is_empty() && call.within_group.is_empty();
    let has_none = is_plain && call.over.is_none() && call.filter.is_none() && call.null_treatment.is_none();
    if has_none {
        return Ok(());
    }
    let no_place =
        || refused("the function has no place for DISTINCT, ORDER BY, FILTER or OVER", spelling.written);
    let Expr::Function(function) = meaning else { return Err(no_place()) };
    let is_listagg = spelling.written.starts_with("listagg") || spelling.written.starts_with("group_concat");
    if !is_plain && !spelling.is_name && !is_listagg {
        return Err(no_place());
    }
    function.over = call.over.take();
    function.null_treatment = call.null_treatment.take();
    function.filter = match (function.filter.take(), call.filter.take()) {
        (Some(own), Some(given)) => Some(Box::new(Expr::BinaryOp {
            left: Box::new(Expr::Nested(own)),
            op: BinaryOperator::And,
            right: Box::new(Expr::Nested(given)),
        })),
        (own, given) => own.or(given),
    };
    if let FunctionArguments::List(list) = &mut function.args {
        list.duplicate_treatment = list.duplicate_treatment.take().or(duplicates);
        list.clauses.extend(clauses);
        if !call.within_group.is_empty() {
            list.clauses.push(FunctionArgumentClause::OrderBy(std::mem::take(&mut call.within_group)));
        }
    }
    Ok(())
}

/// What a statement may ask about its session.
pub(crate) struct SessionNames<'a> {
    pub(crate) user: &'a str,
    pub(crate) catalog: &'a str,
}

/// Writes the names of the user and of the catalog into a statement. The current schema is known where it is read.
pub(crate) fn with_session_names(statement: &mut Statement, names: &SessionNames<'_>) {
    let _ = visit_expressions_mut(statement, |expr| {
        if let Expr::Function(function) = expr
            && function.over.is_none()
            && plain_arguments(function).is_some_and(|arguments| arguments.is_empty())
        {
            let value = match name_of(function).as_deref() {
                Some("current_user" | "session_user" | "user") => names.user,
                Some("current_catalog") => names.catalog,
                _ => return ControlFlow::<()>::Continue(()),
            };
            *expr = literal(Some(value));
        }
        ControlFlow::Continue(())
    });
}

/// Writes the session's schema into a statement.
pub(crate) fn with_current_schema(statement: &mut Statement, schema: Option<&str>) {
    let _ = visit_expressions_mut(statement, |expr| {
        let is_asked_for = match expr {
            Expr::Identifier(Ident { value, quote_style: None, .. }) => {
                value.eq_ignore_ascii_case("current_schema")
            }
            Expr::Function(function) => {
                name_of(function).as_deref() == Some("current_schema")
                    && plain_arguments(function).is_some_and(|arguments| arguments.is_empty())
            }
            _ => false,
        };
        if is_asked_for {
            *expr = literal(schema);
        }
        ControlFlow::<()>::Continue(())
    });
}

/// A text or NULL, with the type of a text.
fn literal(value: Option<&str>) -> Expr {
    let value = value.map_or(Value::Null, |value| Value::SingleQuotedString(value.to_owned()));
    Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(Expr::Value(value.into())),
        data_type: DataType::Varchar(None),
        array: false,
        format: None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    fn spelled(sql: &str) -> Result<String, Error> {
        let mut statements = Parser::parse_sql(&GenericDialect {}, sql).unwrap();
        with_spellings(&mut statements[0])?;
        Ok(statements[0].to_string())
    }

    #[test]
    fn every_spelling_can_be_read_and_means_no_other_spelling() {
        assert_eq!(BY_NAME.values().flatten().count(), SPELLINGS.len());
        for spelling in BY_NAME.values().flatten() {
            let again = spelled(&format!("SELECT {}", spelling.meaning)).unwrap();
            assert_eq!(again, format!("SELECT {}", spelling.meaning), "{}", spelling.written);
        }
    }

    #[test]
    fn arguments_and_clauses_go_to_what_a_call_stands_for() {
        for (sql, expected) in [
            ("SELECT YEAR(a + b)", "SELECT date_part('year', (a + b))"),
            ("SELECT mod(a, 2) * 3", "SELECT (a % 2) * 3"),
            (
                "SELECT every(DISTINCT a) FILTER (WHERE b) OVER ()",
                "SELECT bool_and(DISTINCT a) FILTER (WHERE b) OVER ()",
            ),
            ("SELECT timestampadd(SQL_TSI_DAY, 1, t)", "SELECT date_add('day', 1, t)"),
            ("SELECT listagg(a, ',') WITHIN GROUP (ORDER BY b)", "SELECT string_agg(a, ',' ORDER BY b)"),
            ("SELECT date_add('day', 1, t)", "SELECT date_add('day', 1, t)"),
        ] {
            assert_eq!(spelled(sql).unwrap(), expected, "{sql}");
        }
    }

    #[test]
    fn what_has_no_place_is_refused_and_so_is_what_multiplies() {
        let nested = (0..40).fold("1".to_owned(), |inner, _| format!("max_by(x, {inner})"));
        for sql in [
            "SELECT year(DISTINCT a)",
            "SELECT max_by(DISTINCT a, b)",
            "SELECT year(a, b)",
            "SELECT max_by(x, random())",
            &format!("SELECT {nested}"),
        ] {
            assert!(spelled(sql).is_err(), "{sql}");
        }
    }
}
