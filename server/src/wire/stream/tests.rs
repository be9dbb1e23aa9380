//! How streams begin, end, break off and let go.

#![expect(clippy::unwrap_used, reason = "a test that cannot build its input should stop")]
#![expect(clippy::panic, reason = "one test is about a panic")]

use arrow::array::{Int64Array, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::error::FlightError;
use futures::{TryStreamExt, stream};
use tokio::sync::oneshot;
use tonic::Code;

use super::*;
use crate::telemetry::metrics::Gauge;

type Batches = Vec<Result<RecordBatch, Error>>;

fn view_batch(texts: Vec<&str>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable([("text", Arc::new(StringViewArray::from(texts)) as _, true)])
        .unwrap()
}

fn numbers(rows: i64) -> RecordBatch {
    let values = Int64Array::from_iter_values(0..rows);
    RecordBatch::try_from_iter_with_nullable([("number", Arc::new(values) as _, true)]).unwrap()
}

fn start(
    batches: impl Stream<Item = Result<RecordBatch, Error>> + Send + 'static,
    logical: &Schema,
) -> ResultBody {
    start_with(batches, logical, None, limits(CancellationToken::new()))
}

fn limits(draining_ended: CancellationToken) -> StreamLimits {
    StreamLimits::new(draining_ended, Duration::from_secs(600))
}

fn start_with(
    batches: impl Stream<Item = Result<RecordBatch, Error>> + Send + 'static,
    logical: &Schema,
    client_timeout: Option<Duration>,
    limits: StreamLimits,
) -> ResultBody {
    let context = RequestContext::begin(None, "test", client_timeout);
    let (wire_schema, delivery) = (schema::wire_schema(logical), Delivery::default());
    ResultBody::start(batches, wire_schema, context, limits, delivery, Gauge::default().enter())
}

async fn decode(body: ResultBody) -> Result<(SchemaRef, Vec<RecordBatch>), FlightError> {
    let mut decoded = FlightRecordBatchStream::new_from_flight_data(body.map_err(FlightError::from));
    let mut batches = Vec::new();
    while let Some(batch) = decoded.try_next().await? {
        batches.push(batch);
    }
    Ok((Arc::clone(decoded.schema().unwrap()), batches))
}

async fn last_error(body: ResultBody) -> Status {
    body.try_collect::<Vec<FlightData>>().await.unwrap_err()
}

/// A source that never gives a row, and tells when it is dropped.
fn endless() -> (impl Stream<Item = Result<RecordBatch, Error>> + Send + 'static, oneshot::Receiver<()>) {
    let (alive, dropped) = oneshot::channel::<()>();
    let source = stream::once(async move {
        let _alive = alive;
        std::future::pending::<Result<RecordBatch, Error>>().await
    });
    (source, dropped)
}

#[tokio::test]
async fn an_empty_result_still_sends_its_schema() {
    let logical = Schema::new(vec![Field::new("text", DataType::Utf8View, true)]);
    let (schema, batches) = decode(start(stream::empty(), &logical)).await.unwrap();
    assert_eq!(schema, schema::wire_schema(&logical));
    assert!(batches.is_empty());
}

#[tokio::test]
async fn small_batches_arrive_as_one_message_in_wire_types() {
    let source: Batches =
        vec![Ok(view_batch(vec!["a", "b"])), Ok(view_batch(vec![])), Ok(view_batch(vec!["c"]))];
    let logical = view_batch(vec![]).schema();
    let (schema, batches) = decode(start(stream::iter(source), &logical)).await.unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [3]);
    assert_eq!(*batches[0].column(0).data_type(), DataType::Utf8);
    assert_eq!(batches[0].schema(), schema);
}

#[tokio::test]
async fn a_large_result_arrives_whole_and_in_order() {
    let whole = numbers(1_000_000);
    let source: Batches = (0..1000).map(|part| Ok(whole.slice(part * 1000, 1000))).collect();
    let (_, batches) = decode(start(stream::iter(source), &whole.schema())).await.unwrap();
    assert_eq!(arrow::compute::concat_batches(&whole.schema(), &batches).unwrap(), whole);
    assert!(batches.iter().all(|batch| row_bytes(batch) <= 2 * 1024 * 1024));
}

fn row_bytes(batch: &RecordBatch) -> usize {
    crate::guard::batch_bytes(batch)
}

#[tokio::test]
async fn an_error_of_the_query_ends_the_stream_with_its_status() {
    let error = Error::new(ErrorKind::ResourceExhausted, "out of memory").because("canary-internal");
    let source: Batches = vec![Ok(numbers(3)), Err(error)];
    let status = last_error(start(stream::iter(source), &numbers(0).schema())).await;
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.metadata().contains_key(report::QUERY_ID_TRAILER));
    assert!(!format!("{status:?}").contains("canary"));
}

#[tokio::test]
async fn a_query_that_panics_does_not_look_complete() {
    let source = stream::iter([Ok(numbers(3))]).chain(stream::once(async { panic!("canary-panic") }));
    let status = last_error(start(source, &numbers(0).schema())).await;
    assert_eq!(status.code(), Code::Internal);
    assert_eq!(status.message(), "internal error");
}

#[tokio::test]
async fn dropping_the_body_drops_the_query() {
    let (source, dropped) = endless();
    let mut body = start(source, &numbers(0).schema());
    assert!(body.try_next().await.unwrap().is_some(), "the schema comes first");
    drop(body);
    assert!(dropped.await.is_err(), "the query's end of the channel is gone");
}

#[tokio::test]
async fn the_clients_deadline_ends_a_running_stream() {
    let (source, dropped) = endless();
    let timeout = Some(Duration::from_millis(5));
    let limits = limits(CancellationToken::new());
    let body = start_with(source, &numbers(0).schema(), timeout, limits);
    assert_eq!(last_error(body).await.code(), Code::DeadlineExceeded);
    assert!(dropped.await.is_err());
}

/// Also one whose client takes nothing: then it is told nothing of what waits.
#[tokio::test]
async fn what_ends_a_statement_from_outside_ends_its_stream_and_drops_what_waits() {
    let (source, dropped) = endless();
    let context = RequestContext::begin(None, "test", None);
    let limits = self::limits(CancellationToken::new());
    let (end, told) = oneshot::channel::<Error>();
    let ended = async { told.await.unwrap_or_else(|_| Error::internal("nobody told")) };
    let delivery = Delivery { ended: Some(Box::pin(ended)), ..Delivery::default() };
    let wire_schema = schema::wire_schema(&numbers(0).schema());
    let body = ResultBody::start(source, wire_schema, context, limits, delivery, Gauge::default().enter());
    // Fills what waits for the client.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(end.send(Error::new(ErrorKind::PermissionDenied, "the permissions changed")).is_ok());
    assert!(dropped.await.is_err());
    let mut messages = 0;
    let all = body.inspect_ok(|_| messages += 1).try_collect::<Vec<FlightData>>();
    let status = all.await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::PermissionDenied, "the permissions changed"));
    assert_eq!(messages, 0, "sent although the statement had to end");
}

#[tokio::test]
async fn a_compressed_result_is_smaller_and_the_same() {
    let whole = numbers(100_000);
    let mut sizes = Vec::new();
    for compression in [None, Some(Compression::Lz4), Some(Compression::Zstd)] {
        let start = || {
            let context = RequestContext::begin(None, "test", None);
            let limits = self::limits(CancellationToken::new());
            let delivery = Delivery { compression, ..Delivery::default() };
            let source = stream::iter([Ok(whole.clone())]);
            ResultBody::start(source, whole.schema(), context, limits, delivery, Gauge::default().enter())
        };
        let (_, batches) = decode(start()).await.unwrap();
        assert_eq!(arrow::compute::concat_batches(&whole.schema(), &batches).unwrap(), whole);
        let messages: Vec<FlightData> = start().try_collect().await.unwrap();
        sizes.push(messages.iter().map(|message| message.data_body.len()).sum::<usize>());
    }
    assert!(sizes[1] < sizes[0] && sizes[2] < sizes[0], "{sizes:?}");
}

#[tokio::test]
async fn the_end_of_the_drain_ends_a_running_stream() {
    let (source, dropped) = endless();
    let draining_ended = CancellationToken::new();
    let body = start_with(source, &numbers(0).schema(), None, limits(draining_ended.clone()));
    draining_ended.cancel();
    assert_eq!(last_error(body).await.code(), Code::Unavailable);
    assert!(dropped.await.is_err());
}

#[tokio::test]
async fn a_client_that_takes_nothing_loses_its_query() {
    let batch = numbers(1 << 17);
    let source = stream::iter((0..100).map(move |_| Ok(batch.clone())));
    let limits = StreamLimits::new(CancellationToken::new(), Duration::from_millis(5));
    let mut body = start_with(source, &numbers(0).schema(), None, limits);
    while !body.pump.as_ref().unwrap().is_finished() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(body.messages.lock().unwrap().len(), 0, "nothing waits for who may never come back");
    let outcome: Result<Vec<FlightData>, Status> = body.by_ref().try_collect().await;
    assert_eq!(outcome.unwrap_err().code(), Code::Cancelled);
}

#[tokio::test]
async fn a_query_runs_ahead_of_its_client_by_few_messages() {
    let pulled = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = Arc::clone(&pulled);
    let batch = numbers(1 << 17);
    let source = stream::iter(0..1000).map(move |_| {
        counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(batch.clone())
    });
    let body = start(source, &numbers(0).schema());
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(pulled.load(std::sync::atomic::Ordering::Relaxed) <= PREFETCHED_MESSAGES + 2);
    drop(body);
}
