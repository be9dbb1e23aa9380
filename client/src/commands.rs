//! What each command does: first without the server, then with it.
//!
//! [`prepare`] reads everything that may block on a person or a file (statement, password), so
//! that Ctrl-C there simply ends the process. [`run`] talks to the server.

use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};
use lakegate_client::{ConnectOptions, Connection, TableFilter};

use crate::cli::{self, Cli, Command, OutputArgs};
use crate::documents;
use crate::failure::Failure;
use crate::login::{Login, log_in};
use crate::output::{OutputError, OutputPlan};
use crate::results::{Copied, copy, copy_batch};
use crate::shell::Shell;
use crate::terminal::{escape, note, size_of_stdout};

/// Logging out is a courtesy to the server; a slow one is not waited for.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// A command with everything it needs.
pub(crate) enum Task {
    Rows {
        options: ConnectOptions,
        request: Request,
        plan: OutputPlan,
    },
    Ping(ConnectOptions),
    /// The shell at a terminal, which has its own way with Ctrl-C.
    Shell(Shell),
    /// The shell with its statements from standard input.
    Script(Shell),
    Print(Vec<u8>),
    Manuals(PathBuf),
}

/// Rows to ask the server for.
#[derive(Debug)]
pub(crate) enum Request {
    Statement(String),
    Databases,
    Tables { pattern: Option<String> },
    Columns { database: String, table: String },
}

/// Checks the arguments, then reads the statement, and last asks for the password.
pub(crate) fn prepare(cli: Cli) -> Result<Task, Failure> {
    let check = |output: OutputArgs| output.plan(size_of_stdout());
    let (plan, request) = match cli.command {
        None => return Ok(shell(OutputArgs::default(), log_in(&cli.server)?)),
        Some(Command::Shell { output }) => {
            check(output.clone())?;
            return Ok(shell(output, log_in(&cli.server)?));
        }
        Some(Command::Version) => {
            return Ok(Task::Print(concat!("lakegate ", env!("CARGO_PKG_VERSION"), "\n").into()));
        }
        Some(Command::Completions { shell }) => return Ok(Task::Print(documents::completions(shell))),
        Some(Command::Man { folder: None }) => return Ok(Task::Print(documents::manual()?)),
        Some(Command::Man { folder: Some(folder) }) => return Ok(Task::Manuals(folder)),
        Some(Command::Ping) => return Ok(Task::Ping(log_in(&cli.server)?.options)),
        Some(Command::Query { sql, file, output }) => {
            let plan = check(output)?;
            let statement = cli::statement(sql, file.as_deref())?;
            (plan, Request::Statement(statement))
        }
        Some(Command::Databases { output }) => (check(output)?, Request::Databases),
        Some(Command::Tables { database, output }) => {
            let request = Request::Tables { pattern: database };
            (check(output)?, request)
        }
        Some(Command::Describe { table, output }) => {
            let (database, table) = cli::table_name(&table)?;
            (check(output)?, Request::Columns { database, table })
        }
    };
    let options = log_in(&cli.server)?.options;
    Ok(Task::Rows { options, request, plan })
}

/// The shell, at a terminal if a person sits at both ends.
fn shell(output: OutputArgs, login: Login) -> Task {
    let is_person = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let shell = Shell::new(login, output);
    if is_person { Task::Shell(shell) } else { Task::Script(shell) }
}

/// Does the task.
pub(crate) async fn run(task: Task) -> Result<(), Failure> {
    match task {
        Task::Print(text) => print(&text),
        Task::Manuals(folder) => Ok(documents::manuals(&folder)?),
        Task::Shell(shell) | Task::Script(shell) => shell.run_standard_input().await,
        Task::Ping(options) => {
            let connection = connect(&options).await?;
            let result = ping(&connection, &options).await;
            close(connection).await;
            result
        }
        Task::Rows { options, request, plan } => {
            let connection = connect(&options).await?;
            let result = write_rows(&connection, request, &plan).await;
            close(connection).await;
            if let Some(line) = result?.note(&plan, false) {
                note(&line);
            }
            Ok(())
        }
    }
}

/// Connects, and warns if others could listen.
pub(crate) async fn connect(options: &ConnectOptions) -> Result<Connection, Failure> {
    let url = options.url();
    if !url.uses_tls() && !url.is_loopback() {
        note(&format!("warning: login and rows travel unencrypted to {}; use grpc+tls://", url.host()));
    }
    Ok(Connection::connect(options).await?)
}

/// The rows are complete by now, so a failure here changes nothing for the user.
pub(crate) async fn close(connection: Connection) {
    drop(tokio::time::timeout(CLOSE_TIMEOUT, connection.close()).await);
}

async fn ping(connection: &Connection, options: &ConnectOptions) -> Result<(), Failure> {
    let start = Instant::now();
    let server = connection.server_info().await?;
    let millis = start.elapsed().as_millis();
    let name = escape(&server.name);
    let version = escape(&server.version);
    print(format!("{name} {version} at {} answered in {millis} ms\n", options.url()).as_bytes())
}

/// Asks for rows and writes them where the plan says.
pub(crate) async fn write_rows(
    connection: &Connection,
    request: Request,
    plan: &OutputPlan,
) -> Result<Copied, Failure> {
    match request {
        Request::Statement(sql) => {
            copy(connection.query(&sql), plan).await.map_err(|failure| failure.at(&sql))
        }
        Request::Databases => copy(connection.schemas(None), plan).await,
        Request::Tables { pattern } => {
            let filter = TableFilter { schema_pattern: pattern, ..TableFilter::default() };
            copy(connection.tables(filter), plan).await
        }
        Request::Columns { database, table } => {
            let Some(schema) = connection.table_schema(&database, &table).await? else {
                return Err(Failure::NoSuchTable(format!("{database}.{table}")));
            };
            copy_batch(&describe(&schema)?, plan)
        }
    }
}

/// One row for each column of a table.
fn describe(schema: &Schema) -> Result<RecordBatch, Failure> {
    let fields = schema.fields();
    let names: StringArray = fields.iter().map(|field| Some(field.name())).collect();
    let types: StringArray = fields.iter().map(|field| Some(type_name(field))).collect();
    let nullable: Vec<bool> = fields.iter().map(|field| field.is_nullable()).collect();
    let comments: StringArray =
        fields.iter().map(|field| metadata(field.metadata(), "ARROW:FLIGHT:SQL:REMARKS")).collect();
    let columns: [(&str, ArrayRef); 4] = [
        ("column", Arc::new(names)),
        ("type", Arc::new(types)),
        ("nullable", Arc::new(BooleanArray::from(nullable))),
        ("comment", Arc::new(comments)),
    ];
    Ok(RecordBatch::try_from_iter(columns).map_err(OutputError::from)?)
}

/// The server's name for the type, or Arrow's.
fn type_name(field: &Field) -> String {
    match metadata(field.metadata(), "ARROW:FLIGHT:SQL:TYPE_NAME") {
        Some(name) => name.to_owned(),
        None => field.data_type().to_string(),
    }
}

fn metadata<'a>(metadata: &'a HashMap<String, String>, key: &str) -> Option<&'a str> {
    let value = metadata.get(key)?;
    (!value.is_empty()).then_some(value.as_str())
}

fn print(text: &[u8]) -> Result<(), Failure> {
    let mut stdout = std::io::stdout();
    let written = stdout.write_all(text).and_then(|()| stdout.flush());
    Ok(written.map_err(OutputError::from)?)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed call fails the test")]

    use arrow::datatypes::DataType;
    use arrow::util::pretty::pretty_format_batches;

    use super::*;

    #[test]
    fn describe_shows_the_servers_type_names_and_comments_where_there_are_any() {
        let commented = Field::new("salary", DataType::Decimal128(9, 2), true).with_metadata(
            [("ARROW:FLIGHT:SQL:TYPE_NAME", "decimal(9,2)"), ("ARROW:FLIGHT:SQL:REMARKS", "before tax")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
        );
        let schema = Schema::new(vec![Field::new("id", DataType::Int64, false), commented]);
        let table = pretty_format_batches(&[describe(&schema).unwrap()]).unwrap();
        assert_eq!(
            table.to_string(),
            "\
+--------+--------------+----------+------------+
| column | type         | nullable | comment    |
+--------+--------------+----------+------------+
| id     | Int64        | false    |            |
| salary | decimal(9,2) | true     | before tax |
+--------+--------------+----------+------------+"
        );
    }
}
