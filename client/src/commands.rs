//! What each command does: first without the server, then with it.
//!
//! [`prepare`] reads everything that may block on a person or a file (statement, password), so
//! that Ctrl-C there simply ends the process. [`run`] talks to the server.

use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema, SchemaRef};
use futures::{Stream, TryStreamExt, stream};
use lakegate_client::{ClientError, ConnectOptions, Connection, RowStream, TableFilter};

use crate::cli::{self, Cli, Command, OutputArgs};
use crate::failure::Failure;
use crate::output::{Appetite, Format, OutputError, OutputPlan, ResultWriter};
use crate::terminal::escape;

/// Logging out is a courtesy to the server; a slow one is not waited for.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// A command with everything it needs.
pub(crate) enum Task {
    Rows { options: ConnectOptions, request: Request, plan: OutputPlan },
    Ping(ConnectOptions),
    Version,
}

/// Rows to ask the server for.
pub(crate) enum Request {
    Statement(String),
    Databases,
    Tables { pattern: Option<String> },
    Columns { database: String, table: String },
}

/// Checks the arguments, then reads the statement, and last asks for the password.
pub(crate) fn prepare(cli: Cli) -> Result<Task, Failure> {
    let check = |output: OutputArgs| output.plan(std::io::stdout().is_terminal());
    let (plan, request) = match cli.command {
        Command::Version => return Ok(Task::Version),
        Command::Ping => return Ok(Task::Ping(cli.server.connect_options()?)),
        Command::Query { sql, file, output } => {
            let plan = check(output)?;
            let statement = cli::statement(sql, file.as_deref())?;
            (plan, Request::Statement(statement))
        }
        Command::Databases { output } => (check(output)?, Request::Databases),
        Command::Tables { database, output } => {
            let request = Request::Tables { pattern: database };
            (check(output)?, request)
        }
        Command::Describe { table, output } => {
            let (database, table) = cli::table_name(&table)?;
            (check(output)?, Request::Columns { database, table })
        }
    };
    let options = cli.server.connect_options()?;
    Ok(Task::Rows { options, request, plan })
}

/// Does the task.
pub(crate) async fn run(task: Task) -> Result<(), Failure> {
    match task {
        Task::Version => print_line(concat!("lakegate ", env!("CARGO_PKG_VERSION"))),
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
            result
        }
    }
}

async fn connect(options: &ConnectOptions) -> Result<Connection, Failure> {
    let url = options.url();
    if !url.uses_tls() && !url.is_loopback() {
        note(&format!("warning: login and rows travel unencrypted to {}; use grpc+tls://", url.host()));
    }
    Ok(Connection::connect(options).await?)
}

/// The rows are complete by now, so a failure here changes nothing for the user.
async fn close(connection: Connection) {
    drop(tokio::time::timeout(CLOSE_TIMEOUT, connection.close()).await);
}

async fn ping(connection: &Connection, options: &ConnectOptions) -> Result<(), Failure> {
    let start = Instant::now();
    let server = connection.server_info().await?;
    let millis = start.elapsed().as_millis();
    let name = escape(&server.name);
    let version = escape(&server.version);
    print_line(&format!("{name} {version} at {} answered in {millis} ms", options.url()))
}

async fn write_rows(connection: &Connection, request: Request, plan: &OutputPlan) -> Result<(), Failure> {
    let rows = match request {
        Request::Statement(sql) => connection.query(&sql).await?,
        Request::Databases => connection.schemas(None).await?,
        Request::Tables { pattern } => {
            let filter = TableFilter { schema_pattern: pattern, ..TableFilter::default() };
            connection.tables(filter).await?
        }
        Request::Columns { database, table } => {
            return write_columns(connection, &database, &table, plan).await;
        }
    };
    copy_result(rows, plan).await
}

async fn write_columns(
    connection: &Connection,
    database: &str,
    table: &str,
    plan: &OutputPlan,
) -> Result<(), Failure> {
    let Some(schema) = connection.table_schema(database, table).await? else {
        return Err(Failure::NoSuchTable(format!("{database}.{table}")));
    };
    let batch = describe(&schema)?;
    let rows = stream::iter([Ok(batch.clone())]);
    copy(batch.schema(), rows, plan).await
}

async fn copy_result(rows: RowStream, plan: &OutputPlan) -> Result<(), Failure> {
    copy(rows.schema(), rows, plan).await
}

/// Writes all rows, then says how many. An error leaves before anything is committed or counted.
async fn copy(
    schema: SchemaRef,
    mut rows: impl Stream<Item = Result<RecordBatch, ClientError>> + Unpin,
    plan: &OutputPlan,
) -> Result<(), Failure> {
    let mut writer = ResultWriter::open(plan, &schema)?;
    let mut shown = "";
    while let Some(batch) = rows.try_next().await? {
        if writer.write(&batch)? == Appetite::Full {
            shown = " shown, more exist";
            break;
        }
    }
    let count = writer.finish()?;
    let unit = if count == 1 { "row" } else { "rows" };
    match &plan.file {
        Some(file) => note(&format!("{count} {unit}{shown} written to {}", file.display())),
        None if plan.format == Format::Table => note(&format!("{count} {unit}{shown}")),
        // Programs read the other formats, often with standard error in the same pipe.
        None => {}
    }
    Ok(())
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

fn print_line(line: &str) -> Result<(), Failure> {
    let written = writeln!(std::io::stdout(), "{line}");
    Ok(written.map_err(OutputError::from)?)
}

/// A line for the person who runs the command. If nobody can read it, nothing is lost.
fn note(line: &str) {
    drop(writeln!(std::io::stderr(), "{line}"));
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
