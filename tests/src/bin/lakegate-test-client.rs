//! arrow-flight's own Flight SQL client as a program, for the client matrix in `tests/clients/test_other_languages.py`,
//! which says what its commands are.
//!
//! It is the client as the crate offers it, with the crate's defaults: no code of `lakegate-client`, and no larger messages
//! than the 4 MiB that tonic accepts by itself.

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::Schema;
use arrow::ipc::writer::StreamWriter;
use arrow_flight::FlightInfo;
use arrow_flight::sql::client::FlightSqlServiceClient;
use arrow_flight::sql::{CommandGetDbSchemas, CommandGetPrimaryKeys, CommandGetTables, SqlInfo};
use futures::TryStreamExt;
use serde_json::json;
use tonic::transport::{Channel, Endpoint};

type Client = FlightSqlServiceClient<Channel>;
type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::io::stdout().write_all(&runtime.block_on(answer(&arguments))?)?;
        Outcome::Ok(())
    };
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn answer(arguments: &[String]) -> Outcome<Vec<u8>> {
    let [address, user, command, rest @ ..] = arguments else {
        return Err("usage: <address> <user> <command> [<sql> [<text>…]]".into());
    };
    let channel = Endpoint::from_shared(format!("http://{address}"))?.connect().await?;
    let mut client = Client::new(channel);
    client.handshake(user, user).await?;
    match (command.as_str(), rest) {
        ("query", [sql]) => {
            let info = client.execute(sql.clone(), None).await?;
            stream(&mut client, info).await
        }
        ("prepared", [sql, texts @ ..]) => prepared(&mut client, sql, texts).await,
        ("browse", []) => browse(&mut client).await,
        _ => Err(format!("unknown command {command}").into()),
    }
}

/// Reads a result, which has to keep to the schema that was announced for it, and returns it as an Arrow stream.
async fn stream(client: &mut Client, info: FlightInfo) -> Outcome<Vec<u8>> {
    let announced = Arc::new(info.clone().try_decode_schema()?);
    let mut writer = StreamWriter::try_new(Vec::new(), &announced)?;
    for batch in read(client, info).await? {
        if batch.schema() != announced {
            return Err(format!("announced {announced}, sent {}", batch.schema()).into());
        }
        writer.write(&batch)?;
    }
    Ok(writer.into_inner()?)
}

async fn read(client: &mut Client, info: FlightInfo) -> Outcome<Vec<RecordBatch>> {
    let mut batches = Vec::new();
    for endpoint in info.endpoint {
        let ticket = endpoint.ticket.ok_or("an endpoint has no ticket")?;
        batches.extend(client.do_get(ticket).await?.try_collect::<Vec<_>>().await?);
    }
    Ok(batches)
}

async fn prepared(client: &mut Client, sql: &str, texts: &[String]) -> Outcome<Vec<u8>> {
    let mut statement = client.prepare(sql.to_owned(), None).await?;
    let expected = statement.parameter_schema()?.fields().len();
    if expected != texts.len() {
        return Err(format!("{expected} parameters are announced").into());
    }
    if !texts.is_empty() {
        let columns = texts.iter().enumerate().map(|(position, text)| {
            (format!("p{position}"), Arc::new(StringArray::from(vec![text.as_str()])) as ArrayRef)
        });
        statement.set_parameters(RecordBatch::try_from_iter(columns)?)?;
    }
    let info = statement.execute().await?;
    let announced: Schema = statement.dataset_schema()?.clone();
    if info.clone().try_decode_schema()? != announced {
        return Err("the schema of the prepared statement is not that of its result".into());
    }
    let answer = stream(client, info).await?;
    statement.close().await?;
    Ok(answer)
}

async fn browse(client: &mut Client) -> Outcome<Vec<u8>> {
    let catalogs = client.get_catalogs().await?;
    let databases = client.get_db_schemas(CommandGetDbSchemas::default()).await?;
    let tables = client.get_tables(CommandGetTables { include_schema: true, ..Default::default() }).await?;
    let table_types = client.get_table_types().await?;
    let keys =
        client.get_primary_keys(CommandGetPrimaryKeys { table: "nation".to_owned(), ..Default::default() });
    let keys = keys.await?;
    let server = client.get_sql_info(vec![SqlInfo::FlightSqlServerName]).await?;
    if !texts(client, keys, "table_name").await?.is_empty() {
        return Err("there are no keys".into());
    }
    let mut names = texts(client, tables.clone(), "db_schema_name").await?;
    for (name, table) in names.iter_mut().zip(texts(client, tables, "table_name").await?) {
        *name = format!("{name}.{table}");
    }
    let infos = read(client, server).await?;
    let value = infos.first().and_then(|batch| batch.column_by_name("value")).ok_or("no SqlInfo")?;
    let found = json!({
        "catalogs": texts(client, catalogs, "catalog_name").await?,
        "databases": texts(client, databases, "db_schema_name").await?,
        "tables": names,
        "table_types": texts(client, table_types, "table_type").await?,
        "server": value.as_union().value(0).as_string::<i32>().value(0),
    });
    Ok(found.to_string().into_bytes())
}

async fn texts(client: &mut Client, info: FlightInfo, column: &str) -> Outcome<Vec<String>> {
    let mut found = Vec::new();
    for batch in read(client, info).await? {
        let values = batch.column_by_name(column).ok_or("a column is missing")?.as_string::<i32>();
        found.extend(values.iter().flatten().map(str::to_owned));
    }
    Ok(found)
}
