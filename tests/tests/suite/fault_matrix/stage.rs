//! An account that can be broken, with a table of one file and a table of many.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};
use futures::StreamExt;
use lakegate_sandbox::{ClockOffsets, Fault, FaultKind, FaultService};
use lakegate_tests::stack::Server;
use serde_json::json;
use tonic::Status;

use crate::delta::TableFiles;
use crate::delta::lake::Lake;
use crate::delta::writer::{TableWriter, batch, field, metadata, plain_protocol};
use crate::raw::{Raw, decoded, ticket_of};
use crate::support::until;

/// Nothing is remembered, so that every statement asks every service.
pub(super) const FORGETFUL: [(&str, &str); 3] = [
    ("LAKEGATE__ACCESS__POLICY_TTL", "0s"),
    ("LAKEGATE__TABLE__SNAPSHOT_MAX_AGE", "0s"),
    ("LAKEGATE__TABLE__BLOCK_CACHE_BYTES", "0"),
];

/// Keys live for an hour at the least, and the server renews them two minutes before they end.
pub(super) const NEARLY_OVER: ClockOffsets = ClockOffsets { seconds: -3500, signature_seconds: 0 };

/// The table of one file, and the one of many: more rows than a message holds in the first files, and some files more.
pub(super) const SMALL: &str = "small";
pub(super) const LARGE: &str = "large";
pub(super) const LARGE_FILES: usize = 12;
const ROWS_PER_FILE: usize = 1500;
pub(super) const LARGE_ROWS: usize = LARGE_FILES * ROWS_PER_FILE;

/// How long each file of the large table takes, so that a scan is still running when its first rows are there.
const PACE_MILLISECONDS: u64 = 100;

/// Starts a lake with both tables.
pub(super) async fn lake(overrides: &[(&str, &str)]) -> Lake {
    let lake = Lake::start(overrides).await;
    lake.add(SMALL, &table(1, 5, 8)).await;
    lake.add(LARGE, &table(LARGE_FILES, ROWS_PER_FILE, 1024)).await;
    lake
}

fn table(files: usize, rows_per_file: usize, width: usize) -> TableFiles {
    let fields = [field("n", "long"), field("t", "string")];
    let mut table = TableWriter::new(&[plain_protocol(), metadata(&fields, &[], json!({}))]);
    let mut actions = Vec::new();
    for file in 0..files {
        let numbers: Vec<i64> = (0..rows_per_file as i64).collect();
        let texts = numbers.iter().map(|number| format!("{number:0width$}"));
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
        let numbers: ArrayRef = Arc::new(Int64Array::from(numbers));
        actions.push(table.data(&format!("part-{file}.parquet"), &batch(&[("n", numbers), ("t", texts)])));
    }
    table.commit(&actions);
    table.finish()
}

/// Makes a table's log one commit longer, so that whoever opens the table reads a file of the log.
pub(super) async fn lengthen_log(lake: &Lake, table: &str, version: u64) {
    let mut files = TableFiles::default();
    files.0.insert(TableFiles::commit(version), br#"{"commitInfo":{"operation":"NOTHING"}}"#.to_vec());
    lake.put(table, &files).await;
}

/// Slows the files of the large table down.
pub(super) fn pace(lake: &Lake) {
    let slow = Fault {
        operation: Some("get".to_owned()),
        key_prefix: Some(format!("brought/{LARGE}/part")),
        milliseconds: Some(PACE_MILLISECONDS),
        ..Fault::new(FaultKind::Latency, FaultService::S3)
    };
    lake.sandbox.set_fault(slow).unwrap();
}

/// Requests that the fault that was set last has struck.
pub(super) fn hits(lake: &Lake) -> u64 {
    lake.sandbox.faults().last().map_or(0, |fault| fault.hits)
}

/// All rows of the large table; when the first ones are there, `meanwhile` happens.
pub(super) async fn scan(
    client: &mut Raw,
    server: &Server,
    meanwhile: impl FnOnce(),
) -> Result<usize, Status> {
    let info = client.info(&format!("select n, t from brought.{LARGE}")).await?;
    let mut messages = client.messages(ticket_of(&info)).await?;
    let schema = messages.next().await.unwrap()?;
    let first = messages.next().await.unwrap()?;
    assert_eq!(
        server.metric("lakegate_running_statements").await.unwrap(),
        1,
        "the scan has ended too early"
    );
    meanwhile();
    let mut all = vec![schema, first];
    while let Some(message) = messages.next().await {
        all.push(message?);
    }
    rows_of(all).await
}

async fn rows_of(messages: Vec<arrow_flight::FlightData>) -> Result<usize, Status> {
    use arrow_flight::decode::FlightRecordBatchStream;
    use futures::{TryStreamExt, stream};
    let decoding = FlightRecordBatchStream::new_from_flight_data(stream::iter(messages.into_iter().map(Ok)));
    let batches: Vec<_> = decoding.try_collect().await.unwrap();
    Ok(batches.iter().map(arrow::array::RecordBatch::num_rows).sum())
}

/// Rows of a statement that has been described.
pub(super) async fn rows(client: &mut Raw, info: &arrow_flight::FlightInfo) -> Result<usize, Status> {
    let batches = decoded(client.messages(ticket_of(info)).await?).await?;
    Ok(batches.iter().map(arrow::array::RecordBatch::num_rows).sum())
}

/// Asserts that a server serves, and that nothing of earlier statements is left in it.
pub(super) async fn assert_well(client: &mut Raw, server: &Server, after: &str) {
    let gauges = ["lakegate_running_statements", "lakegate_waiting_statements", "lakegate_open_streams"];
    until(&format!("after {after} no statement is left"), async || {
        let page = server.admin("/metrics").await.unwrap();
        gauges.iter().all(|gauge| page.lines().any(|line| line == format!("{gauge} 0")))
    })
    .await;
    let served = client.rows(&format!("select n from brought.{SMALL}")).await;
    let served = served.unwrap_or_else(|status| panic!("after {after} the next statement fails: {status}"));
    assert_eq!(served.iter().map(arrow::array::RecordBatch::num_rows).sum::<usize>(), 5, "after {after}");
}

/// Memory and open files of a process, as the kernel counts them.
pub(super) fn held(server: &Server) -> (u64, usize) {
    let folder = format!("/proc/{}", server.process_id());
    let status = std::fs::read_to_string(format!("{folder}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    (kilobytes * 1024, std::fs::read_dir(format!("{folder}/fd")).unwrap().count())
}
