//! Sends what a case says, and keeps what is answered.

use std::time::Duration;

use arrow::array::RecordBatch;
use arrow_flight::FlightInfo;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::error::FlightError;
use arrow_flight::sql::{ActionCreatePreparedStatementRequest, CommandGetTables, ProstMessageExt};
use futures::stream::{self, StreamExt, TryStreamExt};
use prost::Message;
use tonic::{Code, Status};

use super::bounded::Bounded;
use super::cases::{Case, Sent};
use crate::raw::{Raw, ticket_of};

/// After what time a client that cancels goes away.
const IMPATIENCE: Duration = Duration::from_millis(20);

/// One answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Outcome {
    /// The first value of the last column, and how many rows there are.
    Value(String, usize),
    Refused(Code, String),
    /// The client went away.
    Left,
    /// An answer that a stock client cannot decode.
    Unreadable(String),
}

/// Sends what a case says, and waits for all answers.
pub(super) async fn send(server: &Bounded, case: &Case) -> Vec<Outcome> {
    let login = match Raw::login_as(server, case.who.user(), case.who.user()).await {
        Ok(login) => login,
        Err(status) => return vec![Outcome::Refused(Code::Unauthenticated, status.message().to_owned())],
    };
    let (texts, at_once) = match &case.sent {
        Sent::Sql(sql) => (vec![sql.clone()], 1),
        Sent::AtOnce(count, sql) => (vec![sql.clone(); *count], *count),
        Sent::Described { texts, at_once }
        | Sent::Prepared { texts, at_once }
        | Sent::Session { texts, at_once }
        | Sent::Left { texts, at_once } => (texts.clone(), *at_once),
        Sent::Tables { patterns, at_once } => (patterns.clone(), *at_once),
    };
    let answers = texts.into_iter().map(|text| {
        let client = login.without_cookies();
        async move { outcome(client, &case.sent, &text).await }
    });
    stream::iter(answers).buffer_unordered(at_once).collect().await
}

async fn outcome(mut client: Raw, sent: &Sent, text: &str) -> Outcome {
    let answer = match sent {
        Sent::Sql(_) | Sent::AtOnce(..) | Sent::Session { .. } => answered(&mut client, text).await,
        Sent::Described { .. } => client.info(text).await.map(|_| described()),
        Sent::Prepared { .. } => prepared(&mut client, text).await,
        Sent::Tables { .. } => tables(&mut client, text).await,
        Sent::Left { .. } => match tokio::time::timeout(IMPATIENCE, answered(&mut client, text)).await {
            Ok(answer) => answer,
            Err(_) => Ok(Outcome::Left),
        },
    };
    answer.unwrap_or_else(|status| Outcome::Refused(status.code(), status.message().to_owned()))
}

/// A statement from its text to its rows.
async fn answered(client: &mut Raw, sql: &str) -> Result<Outcome, Status> {
    let info = client.info(sql).await?;
    redeemed(client, &info).await
}

async fn redeemed(client: &mut Raw, info: &FlightInfo) -> Result<Outcome, Status> {
    let messages = client.messages(ticket_of(info)).await?;
    let decoding = FlightRecordBatchStream::new_from_flight_data(messages.map_err(FlightError::from));
    match decoding.try_collect::<Vec<RecordBatch>>().await {
        Ok(batches) => Ok(value(&batches)),
        Err(FlightError::Tonic(status)) => Err(*status),
        Err(other) => Ok(Outcome::Unreadable(other.to_string())),
    }
}

fn described() -> Outcome {
    Outcome::Value("described".to_owned(), 0)
}

fn value(batches: &[RecordBatch]) -> Outcome {
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    let first = batches.iter().find(|batch| batch.num_rows() > 0 && batch.num_columns() > 0);
    let text = first.map(|batch| {
        let last = batch.column(batch.num_columns() - 1);
        arrow::util::display::array_value_to_string(last, 0).unwrap_or_default()
    });
    Outcome::Value(text.unwrap_or_default().chars().take(200).collect(), rows)
}

/// Prepares a statement and forgets its handle.
async fn prepared(client: &mut Raw, sql: &str) -> Result<Outcome, Status> {
    let request = ActionCreatePreparedStatementRequest { query: sql.to_owned(), transaction_id: None };
    client.action("CreatePreparedStatement", request.as_any().encode_to_vec()).await?;
    Ok(described())
}

/// Lists tables whose names are like a pattern, with their columns.
async fn tables(client: &mut Raw, pattern: &str) -> Result<Outcome, Status> {
    let command = CommandGetTables {
        db_schema_filter_pattern: Some(pattern.to_owned()),
        table_name_filter_pattern: Some(pattern.to_owned()),
        include_schema: true,
        ..CommandGetTables::default()
    };
    let info = client.info_of(&command).await?;
    redeemed(client, &info).await
}
