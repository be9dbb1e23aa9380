//! What a client may hear of an error inside DataFusion (G8).
//!
//! - Planning sees visible columns and the user's own text only, so the planner's words are shown, without backtraces and
//!   cut to a length.
//! - Running sees values. Arrow's errors quote them (`Cannot cast string '…'`), so of a running query only the kind of
//!   error is shown, in constant words, though every value that reached a user's expression was a visible one.
//! - An error that this server made itself, found anywhere inside, is passed on as it is.

use arrow::error::ArrowError;
use datafusion::common::{DataFusionError, SchemaError};

use crate::error::{Error, ErrorKind};
use crate::mutant::Mutant;
use crate::planner;
use crate::sql::readable;

/// Words an error of DataFusion for a client.
pub(crate) fn from_datafusion(error: DataFusionError) -> Error {
    if let Some(ours) = find_ours(&error) {
        return ours.clone();
    }
    let internal = if quotes_values(&error) {
        "an error of evaluation, whose text may quote data and is withheld".to_owned()
    } else {
        error.to_string()
    };
    // The planner's words repeat expressions of the statement.
    worded(&error).because_quoting(internal)
}

/// Whether an error's text may hold values of the table: such a text belongs in no log either.
fn quotes_values(error: &DataFusionError) -> bool {
    match error {
        DataFusionError::Execution(_) | DataFusionError::ArrowError(..) => true,
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => quotes_values(inner),
        DataFusionError::Shared(inner) => quotes_values(inner),
        DataFusionError::Collection(errors) => errors.iter().any(quotes_values),
        _ => false,
    }
}

fn worded(error: &DataFusionError) -> Error {
    let shown = |public: &'static str, words: &str| {
        Error::new(ErrorKind::InvalidRequest, public).echoing(&readable(words))
    };
    match error {
        DataFusionError::Plan(words) => not_found_or(words, || shown("the query cannot be planned", words)),
        DataFusionError::Substrait(words) => shown("the Substrait plan cannot be read", words),
        DataFusionError::SQL(parser, _) => shown("the SQL text cannot be parsed", &parser.to_string()),
        DataFusionError::NotImplemented(words) => {
            Error::new(ErrorKind::Unsupported, "the query uses SQL that is not supported")
                .echoing(&readable(words))
        }
        DataFusionError::Internal(_) => Error::new(
            ErrorKind::Unsupported,
            "the query engine has no way to compute this query; write it in another way, or in parts",
        ),
        DataFusionError::External(inner) if is_of_a_pattern(inner.as_ref()) => {
            Error::new(ErrorKind::InvalidRequest, "a regular expression cannot be read, or is too large")
        }
        DataFusionError::SchemaError(schema, _) => worded_schema_error(schema),
        DataFusionError::ArrowError(arrow, _) if Mutant::ValuesQuoted.is_on() => {
            shown("the query failed on a value", &arrow.to_string())
        }
        DataFusionError::ArrowError(arrow, _) => match arrow.as_ref() {
            // Reading a table's files has errors of its own, so this was writing what has no room in memory.
            ArrowError::IoError(..) | ArrowError::MemoryError(_) => no_room(),
            ArrowError::ExternalError(inner) => match inner.downcast_ref() {
                Some(inner) => worded(inner),
                None => worded_value_error(arrow),
            },
            _ => worded_value_error(arrow),
        },
        DataFusionError::IoError(_) => no_room(),
        DataFusionError::ResourcesExhausted(_) => no_room(),
        DataFusionError::Execution(words) => planner::of_several_rows(words).unwrap_or_else(|| {
            Error::new(
                ErrorKind::InvalidRequest,
                "the query failed on a value; check casts, divisions and functions",
            )
        }),
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => worded(inner),
        DataFusionError::Collection(errors) if !errors.is_empty() => worded(&errors[0]),
        DataFusionError::Shared(inner) => worded(inner),
        _ => Error::new(ErrorKind::Internal, "internal error"),
    }
}

/// Whether a regular expression could not be read. Its own parser has an error of another type, with the same first words.
fn is_of_a_pattern(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<regex::Error>() || error.to_string().starts_with("regex parse error")
}

fn no_room() -> Error {
    Error::new(
        ErrorKind::ResourceExhausted,
        "the query needs more memory than this server gives to one query",
    )
}

/// The planner reports a table that is not in the query's catalog; that must read like a hidden one.
fn not_found_or(words: &str, otherwise: impl FnOnce() -> Error) -> Error {
    let name = words.strip_prefix("table '").and_then(|rest| rest.split_once("' not found"));
    match name {
        Some((name, _)) => Error::no_such_table(name),
        None => otherwise(),
    }
}

/// A name that does not resolve. Only names that the user wrote are repeated; the planner's list of valid names is left
/// out because it is long, not because it is secret: it holds visible names.
fn worded_schema_error(error: &SchemaError) -> Error {
    match error {
        SchemaError::FieldNotFound { field, .. } => {
            Error::new(ErrorKind::InvalidRequest, "no such column").echoing(&field.flat_name())
        }
        SchemaError::AmbiguousReference { field } => {
            Error::new(ErrorKind::InvalidRequest, "ambiguous column; name its table")
                .echoing(&field.flat_name())
        }
        SchemaError::DuplicateUnqualifiedField { name } => {
            Error::new(ErrorKind::InvalidRequest, "two columns of one name; give one an alias").echoing(name)
        }
        SchemaError::DuplicateQualifiedField { name, .. } => {
            Error::new(ErrorKind::InvalidRequest, "two columns of one name; give one an alias").echoing(name)
        }
    }
}

fn worded_value_error(error: &ArrowError) -> Error {
    let public = match error {
        ArrowError::DivideByZero => "division by zero",
        ArrowError::ArithmeticOverflow(_) => {
            "arithmetic overflow: a number does not fit into its type; cast an operand to decimal(38, 0) or double"
        }
        ArrowError::CastError(_) | ArrowError::ParseError(_) => {
            "a value cannot be cast to the type that the query asks for"
        }
        _ => "the query failed on a value; check casts, divisions and functions",
    };
    Error::new(ErrorKind::InvalidRequest, public)
}

fn find_ours(error: &DataFusionError) -> Option<&Error> {
    match error {
        DataFusionError::External(inner) => inner
            .downcast_ref::<Error>()
            .or_else(|| inner.downcast_ref::<DataFusionError>().and_then(find_ours)),
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => find_ours(inner),
        DataFusionError::Shared(inner) => find_ours(inner),
        DataFusionError::ArrowError(arrow, _) => match arrow.as_ref() {
            ArrowError::ExternalError(inner) => inner
                .downcast_ref::<Error>()
                .or_else(|| inner.downcast_ref::<DataFusionError>().and_then(find_ours)),
            _ => None,
        },
        DataFusionError::Collection(errors) => errors.iter().find_map(find_ours),
        _ => None,
    }
}
