//! That plain rows get through and nothing else does, whatever its bytes.

#![expect(clippy::unwrap_used, reason = "a test that cannot build its input should stop")]

use arrow::array::{
    ArrayRef, Decimal128Array, DictionaryArray, Int32Array, Int64Array, NullArray, StringArray,
    StringViewArray, StructArray,
};
use arrow::datatypes::Field;
use arrow_flight::encode::{DictionaryHandling, FlightDataEncoderBuilder};
use arrow_flight::utils::batches_to_flight_data;
use bytes::Bytes;
use futures::{TryStreamExt, stream};

use super::*;

fn batch_of(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
        .unwrap()
}

fn one_row() -> RecordBatch {
    batch_of(vec![
        ("0", Arc::new(Int64Array::from(vec![42]))),
        ("1", Arc::new(StringArray::from(vec![Some("Zürich")]))),
        ("2", Arc::new(NullArray::new(1))),
        ("3", Arc::new(Decimal128Array::from(vec![None]).with_precision_and_scale(10, 2).unwrap())),
    ])
}

fn messages_of(batches: Vec<RecordBatch>) -> Vec<FlightData> {
    let schema = batches[0].schema();
    batches_to_flight_data(&schema, batches).unwrap()
}

async fn receive_all(messages: Vec<FlightData>) -> Result<RecordBatch, Error> {
    let mut messages = messages.into_iter();
    let first = messages.next().unwrap();
    receive(first, stream::iter(messages.map(Ok))).await?.decode()
}

async fn refusal(messages: Vec<FlightData>) -> ErrorKind {
    receive_all(messages).await.unwrap_err().kind()
}

#[tokio::test]
async fn one_row_of_plain_values_is_received_and_survives_sealing() {
    let received = receive_all(messages_of(vec![one_row()])).await.unwrap();
    assert_eq!(received, one_row());
    let bytes = to_bytes(Some(&received)).unwrap();
    assert_eq!(from_sealed_bytes(&bytes).unwrap(), Some(received));
    assert_eq!(from_sealed_bytes(&to_bytes(None).unwrap()).unwrap(), None);
}

#[tokio::test]
async fn a_first_message_with_the_command_alone_is_skipped() {
    let mut messages = messages_of(vec![one_row()]);
    messages.insert(0, FlightData::default());
    assert_eq!(receive_all(messages).await.unwrap(), one_row());
}

#[tokio::test]
async fn rows_of_several_batches_are_received_in_their_order() {
    let rows =
        |values: &[i64]| batch_of(vec![("0", Arc::new(Int64Array::from(values.to_vec())) as ArrayRef)]);
    let received = receive_all(messages_of(vec![rows(&[1, 2]), rows(&[]), rows(&[3])])).await.unwrap();
    assert_eq!(received, rows(&[1, 2, 3]));
    let bytes = to_bytes(Some(&received)).unwrap();
    assert_eq!(from_sealed_bytes(&bytes).unwrap(), Some(received));
}

#[tokio::test]
async fn no_row_and_too_many_rows_are_refused() {
    assert_eq!(refusal(messages_of(vec![one_row().slice(0, 0)])).await, ErrorKind::InvalidRequest);
    assert_eq!(refusal(vec![FlightData::default()]).await, ErrorKind::InvalidRequest);
    let many = i64::try_from(MAX_ROWS).unwrap();
    let rows = |count| batch_of(vec![("0", Arc::new(Int64Array::from_iter_values(0..count)) as ArrayRef)]);
    assert_eq!(receive_all(messages_of(vec![rows(many)])).await.unwrap(), rows(many));
    assert_eq!(refusal(messages_of(vec![rows(many + 1)])).await, ErrorKind::ResourceExhausted);
    assert_eq!(refusal(messages_of(vec![rows(many), rows(1)])).await, ErrorKind::ResourceExhausted);
}

#[tokio::test]
async fn an_empty_batch_beside_the_row_does_no_harm() {
    let row = one_row();
    assert_eq!(receive_all(messages_of(vec![row.slice(0, 0), row.clone()])).await.unwrap(), row);
}

#[tokio::test]
async fn nested_types_are_refused_and_views_are_not() {
    let field = Arc::new(Field::new("inner", DataType::Int64, true));
    let nested = StructArray::from(vec![(field, Arc::new(Int64Array::from(vec![1])) as ArrayRef)]);
    let nested = batch_of(vec![("0", Arc::new(nested))]);
    assert_eq!(refusal(messages_of(vec![nested])).await, ErrorKind::InvalidRequest);
    let views =
        batch_of(vec![("0", Arc::new(StringViewArray::from(vec!["short", "longer than twelve bytes"])))]);
    assert_eq!(receive_all(messages_of(vec![views.clone()])).await.unwrap(), views);
}

/// As [`messages_of`], with dictionaries as they are.
async fn with_dictionaries(rows: RecordBatch) -> Vec<FlightData> {
    let rows = stream::iter([Ok(rows)]);
    let encoder = FlightDataEncoderBuilder::new().with_dictionary_handling(DictionaryHandling::Resend);
    encoder.build(rows).try_collect().await.unwrap()
}

fn dictionary(values: &[&str], keys: Vec<Option<i32>>) -> ArrayRef {
    let values = Arc::new(StringArray::from(values.to_vec()));
    Arc::new(DictionaryArray::new(Int32Array::from(keys), values))
}

#[tokio::test]
async fn dictionaries_are_received_as_their_values() {
    let keys = vec![Some(1), None, Some(0)];
    let rows = batch_of(vec![
        ("0", dictionary(&["low", "high"], keys)),
        ("1", Arc::new(Int64Array::from(vec![1, 2, 3]))),
    ]);
    let plain = batch_of(vec![
        ("0", Arc::new(StringArray::from(vec![Some("high"), None, Some("low")]))),
        ("1", Arc::new(Int64Array::from(vec![1, 2, 3]))),
    ]);
    let messages = with_dictionaries(rows).await;
    assert_eq!(messages.len(), 3, "schema, dictionary, rows");
    assert_eq!(receive_all(messages.clone()).await.unwrap(), plain);
    assert_eq!(refusal(vec![messages[0].clone(), messages[2].clone()]).await, ErrorKind::InvalidRequest);
    let short = batch_of(vec![
        ("0", dictionary(&["low"], vec![Some(0)])),
        ("1", Arc::new(Int64Array::from(vec![1]))),
    ]);
    let of_short = with_dictionaries(short).await[1].clone();
    let beyond = vec![messages[0].clone(), of_short, messages[2].clone()];
    assert_eq!(refusal(beyond).await, ErrorKind::InvalidRequest, "a key that the dictionary does not have");
}

#[tokio::test]
async fn a_long_value_in_many_rows_of_a_dictionary_is_refused() {
    for length in [MAX_BYTES / 2, 2 * MAX_BYTES / MAX_ROWS] {
        let long = "x".repeat(length);
        let rows = batch_of(vec![("0", dictionary(&[&long], vec![Some(0); MAX_ROWS]))]);
        assert_eq!(refusal(with_dictionaries(rows).await).await, ErrorKind::ResourceExhausted, "{length}");
    }
}

#[tokio::test]
async fn more_bytes_than_a_bind_may_have_are_refused() {
    let long = "x".repeat(MAX_BYTES + 1);
    let batch = batch_of(vec![("0", Arc::new(StringArray::from(vec![long])))]);
    assert_eq!(refusal(messages_of(vec![batch])).await, ErrorKind::ResourceExhausted);
    let endless = vec![messages_of(vec![one_row().slice(0, 0)])[1].clone(); MAX_MESSAGES + 1];
    assert_eq!(refusal(endless).await, ErrorKind::ResourceExhausted);
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_an_error() {
    let mut messages = messages_of(vec![one_row()]).into_iter();
    let first = messages.next().unwrap();
    let broken = stream::iter([Err(Status::internal("canary-transport"))]);
    let error = receive(first, broken).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(!error.public_text().contains("canary"));
}

#[tokio::test]
async fn damaged_bytes_get_an_answer_like_any_others() {
    let original = messages_of(vec![one_row()]);
    for message in 0..original.len() {
        for position in 0..original[message].data_header.len() {
            for value in [0x00, 0x01, 0x7f, 0x80, 0xff] {
                let mut messages = original.clone();
                let mut header = messages[message].data_header.to_vec();
                header[position] = value;
                messages[message].data_header = Bytes::from(header);
                // Some damage changes a name or a value only; what counts is that the call gets an answer.
                let _answer = receive_all(messages).await;
            }
        }
    }
    let mut empty = original.clone();
    empty[1].data_body = Bytes::new();
    assert_eq!(refusal(empty).await, ErrorKind::InvalidRequest);
    for cut in 0..original[1].data_body.len() {
        let mut messages = original.clone();
        messages[1].data_body = messages[1].data_body.slice(..cut);
        // Without its padding at the end a body is still whole.
        let _answer = receive_all(messages).await;
    }
}
