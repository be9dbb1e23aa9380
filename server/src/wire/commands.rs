//! What a client asks for, sorted once for every call that carries a command.
//!
//! GetFlightInfo, GetSchema, DoGet and DoPut all carry a protobuf `Any`. Here it becomes a [`Question`] or an error;
//! the match over Flight SQL's commands names each of them, so a new version of the protocol forces a decision.

use arrow_flight::sql::{
    Any, Command, CommandGetCatalogs, CommandGetCrossReference, CommandGetDbSchemas, CommandGetExportedKeys,
    CommandGetImportedKeys, CommandGetPrimaryKeys, CommandGetSqlInfo, CommandGetTableTypes, CommandGetTables,
    CommandGetXdbcTypeInfo, ProstMessageExt, SubstraitPlan,
};
use bytes::Bytes;
use prost::Message;

use crate::error::{Error, ErrorKind};
use crate::sql::Source;

/// A command that this server answers.
#[derive(Debug)]
pub(super) enum Question {
    /// A statement.
    Statement(Source),
    /// The sealed handle of a prepared statement.
    Prepared(Bytes),
    /// The sealed body of a ticket that this server handed out.
    Ticket(Bytes),
    /// A statement that the client takes for an update.
    Update(Source),
    /// The sealed handle of a prepared statement that the client takes for an update.
    PreparedUpdate(Bytes),
    /// A question about what there is.
    Metadata(MetadataCommand),
}

/// The metadata commands.
#[derive(Debug)]
pub(super) enum MetadataCommand {
    Catalogs,
    DbSchemas(CommandGetDbSchemas),
    Tables(CommandGetTables),
    TableTypes,
    PrimaryKeys,
    /// Exported, imported or cross-referenced keys: three questions with one answer.
    ForeignKeys,
    SqlInfo(CommandGetSqlInfo),
    XdbcTypeInfo(CommandGetXdbcTypeInfo),
}

/// Commands that may be long: they hold a text, a plan, or what was sealed.
const LONG: [&str; 6] = [
    "CommandStatementQuery",
    "CommandStatementSubstraitPlan",
    "CommandPreparedStatementQuery",
    "TicketStatementQuery",
    "CommandStatementUpdate",
    "CommandPreparedStatementUpdate",
];

/// Longest of the others, in bytes. Their lists decode to many times what they are.
const MAX_SHORT_BYTES: usize = 64 * 1024;

/// Sorts an encoded command.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] if it is no Flight SQL command or would load data; [`ErrorKind::Unsupported`] if
/// this server does not answer it.
pub(super) fn question(encoded: &[u8]) -> Result<Question, Error> {
    let any = Any::decode(encoded).map_err(|_| not_a_command())?;
    if any.value.len() > MAX_SHORT_BYTES && !LONG.iter().any(|name| any.type_url.ends_with(name)) {
        return Err(Error::new(ErrorKind::InvalidRequest, "the command is longer than this server allows"));
    }
    let command = Command::try_from(any).map_err(|_| not_a_command())?;
    let metadata = match command {
        Command::CommandStatementQuery(query) => {
            refuse_transaction(query.transaction_id.as_deref())?;
            return Ok(Question::Statement(Source::Sql(query.query)));
        }
        Command::CommandPreparedStatementQuery(query) => {
            return Ok(Question::Prepared(query.prepared_statement_handle));
        }
        Command::TicketStatementQuery(ticket) => return Ok(Question::Ticket(ticket.statement_handle)),
        Command::CommandGetCatalogs(CommandGetCatalogs {}) => MetadataCommand::Catalogs,
        Command::CommandGetDbSchemas(command) => MetadataCommand::DbSchemas(command),
        Command::CommandGetTables(command) => MetadataCommand::Tables(command),
        Command::CommandGetTableTypes(CommandGetTableTypes {}) => MetadataCommand::TableTypes,
        Command::CommandGetPrimaryKeys(CommandGetPrimaryKeys { .. }) => MetadataCommand::PrimaryKeys,
        Command::CommandGetExportedKeys(CommandGetExportedKeys { .. })
        | Command::CommandGetImportedKeys(CommandGetImportedKeys { .. })
        | Command::CommandGetCrossReference(CommandGetCrossReference { .. }) => MetadataCommand::ForeignKeys,
        Command::CommandGetSqlInfo(command) => MetadataCommand::SqlInfo(command),
        Command::CommandGetXdbcTypeInfo(command) => MetadataCommand::XdbcTypeInfo(command),
        Command::CommandStatementUpdate(update) => {
            refuse_transaction(update.transaction_id.as_deref())?;
            return Ok(Question::Update(Source::Sql(update.query)));
        }
        Command::CommandPreparedStatementUpdate(update) => {
            return Ok(Question::PreparedUpdate(update.prepared_statement_handle));
        }
        Command::CommandStatementIngest(_) => return Err(read_only()),
        Command::CommandStatementSubstraitPlan(command) => {
            refuse_transaction(command.transaction_id.as_deref())?;
            return Ok(Question::Statement(plan_of(command.plan)?));
        }
        Command::ActionBeginSavepointRequest(_)
        | Command::ActionBeginSavepointResult(_)
        | Command::ActionBeginTransactionRequest(_)
        | Command::ActionBeginTransactionResult(_)
        | Command::ActionCancelQueryRequest(_)
        | Command::ActionCancelQueryResult(_)
        | Command::ActionClosePreparedStatementRequest(_)
        | Command::ActionCreatePreparedStatementRequest(_)
        | Command::ActionCreatePreparedStatementResult(_)
        | Command::ActionCreatePreparedSubstraitPlanRequest(_)
        | Command::ActionEndSavepointRequest(_)
        | Command::ActionEndTransactionRequest(_)
        | Command::DoPutPreparedStatementResult(_)
        | Command::DoPutUpdateResult(_) => return Err(not_a_command()),
        Command::Unknown(any) => {
            return Err(Error::new(ErrorKind::Unsupported, "unknown command").echoing(&any.type_url));
        }
    };
    Ok(Question::Metadata(metadata))
}

/// Unpacks the body of an action that Flight SQL wraps into an `Any`.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] if it is anything else.
pub(super) fn action_body<M: ProstMessageExt>(encoded: &[u8]) -> Result<M, Error> {
    let unpacked = Any::decode(encoded).ok().and_then(|any| any.unpack::<M>().ok()).flatten();
    unpacked.ok_or_else(malformed_action)
}

/// For an action whose body is not what its type asks for.
pub(super) fn malformed_action() -> Error {
    Error::new(ErrorKind::InvalidRequest, "the body of the action cannot be decoded")
}

/// The plan of a command or an action. The version beside it says nothing that the plan does not say itself.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] if there is none.
pub(super) fn plan_of(plan: Option<SubstraitPlan>) -> Result<Source, Error> {
    match plan {
        Some(SubstraitPlan { plan, .. }) if !plan.is_empty() => Ok(Source::Substrait(plan)),
        _ => Err(Error::new(ErrorKind::InvalidRequest, "the command carries no Substrait plan")),
    }
}

/// Refuses a statement that wants to run within a transaction. An empty id means none.
pub(super) fn refuse_transaction(id: Option<&[u8]>) -> Result<(), Error> {
    match id {
        None | Some([]) => Ok(()),
        Some(_) => Err(Error::new(ErrorKind::Unsupported, "transactions are not supported")),
    }
}

/// The answer to whatever would change data.
pub(super) fn read_only() -> Error {
    Error::new(ErrorKind::InvalidRequest, "this server is read-only")
}

fn not_a_command() -> Error {
    Error::new(ErrorKind::InvalidRequest, "this is not a Flight SQL command")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot build its input should stop")]

    use arrow_flight::sql::{
        ActionBeginTransactionRequest, CommandStatementIngest, CommandStatementQuery,
        CommandStatementSubstraitPlan,
    };

    use super::*;

    fn refusal(encoded: &[u8]) -> ErrorKind {
        question(encoded).unwrap_err().kind()
    }

    #[test]
    fn a_statement_is_recognised_and_its_transaction_refused() {
        let mut query = CommandStatementQuery { query: "SELECT 1".to_owned(), transaction_id: None };
        assert!(
            matches!(question(&query.as_any().encode_to_vec()), Ok(Question::Statement(Source::Sql(sql))) if sql == "SELECT 1")
        );
        query.transaction_id = Some(Bytes::new());
        assert!(question(&query.as_any().encode_to_vec()).is_ok());
        query.transaction_id = Some(Bytes::from_static(b"tx"));
        assert_eq!(refusal(&query.as_any().encode_to_vec()), ErrorKind::Unsupported);
    }

    #[test]
    fn loading_data_is_refused_as_read_only_and_a_plan_must_be_there() {
        let any = CommandStatementIngest::default().as_any();
        let error = question(&any.encode_to_vec()).unwrap_err();
        assert_eq!(error.public_text(), "this server is read-only");
        let mut command = CommandStatementSubstraitPlan::default();
        assert_eq!(refusal(&command.as_any().encode_to_vec()), ErrorKind::InvalidRequest);
        command.plan = Some(SubstraitPlan { plan: Bytes::from_static(b"plan"), version: String::new() });
        let encoded = command.as_any().encode_to_vec();
        assert!(matches!(question(&encoded), Ok(Question::Statement(Source::Substrait(_)))));
        command.transaction_id = Some(Bytes::from_static(b"tx"));
        assert_eq!(refusal(&command.as_any().encode_to_vec()), ErrorKind::Unsupported);
    }

    #[test]
    fn other_messages_and_noise_are_the_clients_mistake() {
        assert_eq!(refusal(b"\xff\xff\xff"), ErrorKind::InvalidRequest);
        let action = ActionBeginTransactionRequest {}.as_any().encode_to_vec();
        assert_eq!(refusal(&action), ErrorKind::InvalidRequest);
        let damaged = Any {
            type_url: CommandStatementQuery::type_url().to_owned(),
            value: Bytes::from_static(b"\xff"),
        };
        assert_eq!(refusal(&damaged.encode_to_vec()), ErrorKind::InvalidRequest);
        let names = vec![String::new(); MAX_SHORT_BYTES];
        let long = CommandGetTables { table_types: names, ..CommandGetTables::default() };
        assert_eq!(refusal(&long.as_any().encode_to_vec()), ErrorKind::InvalidRequest);
        let unknown = Any { type_url: "type.example/Unknown".to_owned(), value: Bytes::new() };
        assert_eq!(refusal(&unknown.encode_to_vec()), ErrorKind::Unsupported);
        assert_eq!(refusal(b""), ErrorKind::Unsupported);
    }
}
