//! Bound parameters that are small when they are sent and would be huge, or endless, once they are looked at.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryViewArray, DictionaryArray, FixedSizeBinaryArray, FixedSizeListArray, Int8Array,
    Int32Array, Int64Array, ListArray, NullArray, RecordBatch, RunArray, StringArray, StringViewArray,
    StructArray, new_empty_array,
};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Int8Type, Int32Type, Schema};
use arrow::ipc::writer::IpcWriteOptions;
use arrow::ipc::{CompressionType, root_as_message};
use arrow_flight::encode::{DictionaryHandling, FlightDataEncoderBuilder};
use arrow_flight::sql::{
    ActionCreatePreparedStatementRequest, Any, CommandPreparedStatementQuery, DoPutPreparedStatementResult,
    ProstMessageExt,
};
use arrow_flight::{FlightData, FlightDescriptor, PutResult};
use bytes::Bytes;
use futures::{TryStreamExt, stream};
use lakegate_proto::flight::ActionCreatePreparedStatementResult;
use lakegate_tests::stack::{self, Server};
use prost::Message;
use tonic::{Code, Status};

use crate::raw::Raw;
use crate::support::{login, run, start_server, value};

/// Rows that one bind may have.
const MOST_ROWS: usize = 1000;

/// Memory that the server may hold more of after a hostile bind than before, in bytes.
const MOST_GROWTH: u64 = 256 * 1024 * 1024;

/// A bind, and how it has to be refused; `None` if it is a good one.
struct Case {
    name: &'static str,
    messages: Vec<FlightData>,
    refusal: Option<Code>,
}

fn batch(columns: Vec<ArrayRef>) -> RecordBatch {
    let fields = columns.iter().enumerate();
    let fields =
        fields.map(|(number, column)| Field::new(number.to_string(), column.data_type().clone(), true));
    RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns).unwrap()
}

fn encoded(batches: Vec<RecordBatch>) -> Vec<FlightData> {
    encoded_with(batches, IpcWriteOptions::default())
}

fn encoded_with(batches: Vec<RecordBatch>, options: IpcWriteOptions) -> Vec<FlightData> {
    let encoder = FlightDataEncoderBuilder::new()
        .with_options(options)
        .with_max_flight_data_size(usize::MAX)
        .with_dictionary_handling(DictionaryHandling::Resend);
    run(encoder.build(stream::iter(batches.into_iter().map(Ok))).try_collect()).unwrap()
}

fn one(column: ArrayRef) -> Vec<FlightData> {
    encoded(vec![batch(vec![column])])
}

fn dictionary(keys: Int8Array, values: ArrayRef) -> ArrayRef {
    Arc::new(DictionaryArray::<Int8Type>::new(keys, values))
}

/// So many views of the same long text.
fn same_view(rows: usize, length: usize) -> StringViewArray {
    let long = StringViewArray::from(vec!["x".repeat(length)]);
    let views: ScalarBuffer<u128> = vec![long.views()[0]; rows].into();
    StringViewArray::try_new(views, long.data_buffers().to_vec(), None).unwrap()
}

/// Writes over bytes of a message's head.
fn patched(message: &mut FlightData, at: usize, bytes: &[u8]) {
    let mut head = message.data_header.to_vec();
    head[at..at + bytes.len()].copy_from_slice(bytes);
    message.data_header = Bytes::from(head);
}

/// Where in a message's head a part of it lies.
fn place(message: &FlightData, part: &[u8]) -> usize {
    part.as_ptr() as usize - message.data_header.as_ptr() as usize
}

/// Columns whose buffers were made those of the first one.
fn shared_buffers(columns: usize) -> Vec<FlightData> {
    let wide: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(400_000)]));
    let narrow: ArrayRef = Arc::new(StringArray::from(vec![String::new()]));
    let columns = std::iter::once(wide).chain(std::iter::repeat_n(narrow, columns - 1)).collect();
    let mut messages = encoded(vec![batch(columns)]);
    let message = &mut messages[1];
    let (start, count, first) = {
        let head = root_as_message(&message.data_header).unwrap();
        let buffers = head.header_as_record_batch().unwrap().buffers().unwrap();
        (
            place(message, buffers.bytes()),
            buffers.len(),
            (1..3).map(|at| *buffers.get(at)).collect::<Vec<_>>(),
        )
    };
    for column in 1..count / 3 {
        for (position, buffer) in first.iter().enumerate() {
            let at = start + (column * 3 + 1 + position) * 16;
            let parts = [buffer.offset().to_le_bytes(), buffer.length().to_le_bytes()].concat();
            patched(message, at, &parts);
        }
    }
    messages
}

/// Columns that are all the same field of the head, with a long name.
fn shared_fields(columns: usize, name: usize) -> Vec<FlightData> {
    let fields: Vec<Field> = (0..columns)
        .map(|number| {
            let name = if number == 0 { "x".repeat(name) } else { String::new() };
            Field::new(name, DataType::Null, true)
        })
        .collect();
    let column: ArrayRef = Arc::new(NullArray::new(1));
    let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![column; columns]).unwrap();
    let mut messages = encoded(vec![rows]);
    let message = &mut messages[0];
    let (start, target) = {
        let head = root_as_message(&message.data_header).unwrap();
        let fields = head.header_as_schema().unwrap().fields().unwrap();
        let start = place(message, fields.bytes());
        let first = u32::from_le_bytes(fields.bytes()[..4].try_into().unwrap());
        (start, start + usize::try_from(first).unwrap())
    };
    for number in 1..columns {
        let at = start + number * 4;
        let distance = u32::try_from(target.wrapping_sub(at) & 0xffff_ffff).unwrap();
        // Offsets point forwards only: fields that lie before the first one's keep their own.
        if target > at {
            patched(message, at, &distance.to_le_bytes());
        }
    }
    messages
}

/// A batch that says it has so many rows.
fn claimed_rows(rows: i64) -> Vec<FlightData> {
    let marked = 7_919;
    let mut messages = one(Arc::new(NullArray::new(marked)));
    let message = &mut messages[1];
    let claim = i64::try_from(marked).unwrap().to_le_bytes();
    let places: Vec<usize> = message
        .data_header
        .windows(8)
        .enumerate()
        .filter(|(_, eight)| *eight == claim)
        .map(|(at, _)| at)
        .collect();
    assert!(!places.is_empty());
    for at in places {
        patched(message, at, &rows.to_le_bytes());
    }
    messages
}

/// A fixed width that was sent as another.
fn claimed_width(width: i32) -> Vec<FlightData> {
    let marked = 7_919;
    let column = FixedSizeBinaryArray::new(marked, Buffer::from(vec![0_u8; 7_919]), None);
    let mut messages = one(Arc::new(column));
    let message = &mut messages[0];
    let claim = marked.to_le_bytes();
    let at = message.data_header.windows(4).position(|four| four == claim).unwrap();
    patched(message, at, &width.to_le_bytes());
    messages
}

fn nested() -> Vec<(&'static str, ArrayRef)> {
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let item = Arc::new(Field::new("item", DataType::Int64, true));
    let struct_of = |inner: ArrayRef| -> ArrayRef {
        let field = Arc::new(Field::new("inner", inner.data_type().clone(), true));
        Arc::new(StructArray::from(vec![(Arc::clone(&field), Arc::clone(&inner))]))
    };
    let deep = (0..6).fold(Arc::clone(&numbers), |inner, _| {
        let field = |name: &str| Arc::new(Field::new(name, inner.data_type().clone(), true));
        let twice = vec![(field("a"), Arc::clone(&inner)), (field("b"), Arc::clone(&inner))];
        Arc::new(StructArray::from(twice))
    });
    let list =
        ListArray::new(Arc::clone(&item), OffsetBuffer::from_lengths([1, 1]), Arc::clone(&numbers), None);
    let empty_item = Arc::new(Field::new("item", DataType::Null, true));
    let wide = FixedSizeListArray::new(empty_item, 1_000_000, Arc::new(NullArray::new(2_000_000)), None);
    let runs =
        RunArray::<Int32Type>::try_new(&Int32Array::from(vec![1000]), &StringArray::from(vec!["x"])).unwrap();
    vec![
        ("struct", struct_of(Arc::clone(&numbers))),
        ("structs-that-double", deep),
        ("list", Arc::new(list)),
        ("fixed-size-list-of-nothing", Arc::new(wide)),
        ("run-end-encoded", Arc::new(runs)),
    ]
}

fn good() -> Vec<(&'static str, Vec<FlightData>)> {
    let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("one"), None, Some("three")]));
    let keys = Int8Array::from(vec![Some(0), None, Some(2)]);
    let views = StringViewArray::from(vec![Some("short"), None, Some("longer than twelve bytes")]);
    let binary = BinaryViewArray::from_iter_values([&b"short"[..], b"longer than twelve bytes"]);
    let fixed = FixedSizeBinaryArray::new(3, Buffer::from(*b"onetwo"), None);
    vec![
        ("good-numbers", one(Arc::new(Int64Array::from(vec![Some(1), None, Some(3)])))),
        ("good-texts", one(Arc::clone(&texts))),
        ("good-views", one(Arc::new(views.clone()))),
        ("good-binary-views", one(Arc::new(binary))),
        ("good-fixed-binary", one(Arc::new(fixed))),
        ("good-dictionary", one(dictionary(keys.clone(), texts))),
        ("good-dictionary-of-views", one(dictionary(keys, Arc::new(views)))),
        ("good-nulls", one(Arc::new(NullArray::new(3)))),
        ("good-null-keys", one(dictionary(Int8Array::new_null(3), new_empty_array(&DataType::Int64)))),
        ("good-same-view-few-times", one(Arc::new(same_view(3, 1000)))),
    ]
}

fn too_large() -> Vec<(&'static str, Vec<FlightData>)> {
    let nulls = |wide: DataType| one(dictionary(Int8Array::new_null(MOST_ROWS), new_empty_array(&wide)));
    let long: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(500_000)]));
    let first = || Int8Array::from(vec![0; MOST_ROWS]);
    let null_keys_of_long_view = dictionary(first(), Arc::new(same_view(1, 500_000)));
    let in_many = dictionary(Int8Array::from(vec![0]), Arc::new(same_view(1, 100_000)));
    let in_many = encoded(vec![batch(vec![in_many]); MOST_ROWS]);
    let (schema, dictionary_message) = (in_many[0].clone(), in_many[1].clone());
    let row = in_many
        .iter()
        .skip(2)
        .find(|message| root_as_message(&message.data_header).unwrap().header_as_record_batch().is_some());
    let rows = std::iter::repeat_n(row.unwrap().clone(), 100);
    vec![
        ("dictionary-null-keys-of-huge-width", nulls(DataType::FixedSizeBinary(i32::MAX))),
        ("dictionary-null-keys-of-large-width", nulls(DataType::FixedSizeBinary(100_000))),
        ("dictionary-long-text-many-rows", one(dictionary(first(), long))),
        ("dictionary-long-view-many-rows", one(null_keys_of_long_view)),
        ("dictionary-long-view-many-batches", [schema, dictionary_message].into_iter().chain(rows).collect()),
        ("same-view-many-times", one(Arc::new(same_view(MOST_ROWS, 500_000)))),
        ("columns-that-share-a-buffer", shared_buffers(1000)),
        ("columns-without-bytes", encoded(vec![batch(vec![Arc::new(NullArray::new(1)) as ArrayRef; 9_000])])),
        ("rows-without-bytes", one(Arc::new(NullArray::new(MOST_ROWS + 1)))),
        ("rows-claimed", claimed_rows(i64::MAX)),
    ]
}

fn malformed() -> Vec<(&'static str, Vec<FlightData>)> {
    let mut cut = one(Arc::new(Int64Array::from(vec![1, 2, 3])));
    cut[1].data_body = cut[1].data_body.slice(..8);
    let compressed =
        IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME)).unwrap();
    let text = Arc::new(StringArray::from(vec!["x".repeat(10_000)]));
    vec![
        ("width-claimed", claimed_width(i32::MAX)),
        ("width-negative", claimed_width(-1)),
        ("rows-negative", claimed_rows(-1)),
        ("fields-that-are-one", shared_fields(2_000, 100_000)),
        ("body-cut-short", cut),
        ("compressed", encoded_with(vec![batch(vec![text])], compressed)),
        ("no-message", Vec::new()),
        ("no-rows", one(Arc::new(Int64Array::from(Vec::<i64>::new())))),
    ]
}

fn cases() -> Vec<Case> {
    let case = |refusal: Option<Code>| move |(name, messages)| Case { name, messages, refusal };
    let nested = nested().into_iter().map(|(name, column)| (name, one(column)));
    let invalid = malformed().into_iter().chain(nested);
    let cases = good().into_iter().map(case(None));
    let cases = cases.chain(too_large().into_iter().map(case(Some(Code::ResourceExhausted))));
    cases.chain(invalid.map(case(Some(Code::InvalidArgument)))).collect()
}

async fn bind(client: &mut Raw, handle: &Bytes, messages: &[FlightData]) -> Result<Vec<PutResult>, Status> {
    let command = CommandPreparedStatementQuery { prepared_statement_handle: handle.clone() };
    let descriptor = FlightDescriptor::new_cmd(command.as_any().encode_to_vec());
    let mut messages = messages.to_vec();
    if messages.is_empty() {
        messages.push(FlightData::default());
    }
    messages[0].flight_descriptor = Some(descriptor);
    client.put_messages(messages).await
}

async fn prepared(client: &mut Raw, sql: &str) -> Bytes {
    let request = ActionCreatePreparedStatementRequest { query: sql.to_owned(), transaction_id: None };
    let results = client.action("CreatePreparedStatement", request.as_any().encode_to_vec()).await.unwrap();
    let any = Any::decode(results[0].clone()).unwrap();
    let created = ActionCreatePreparedStatementResult::decode(any.value).unwrap();
    created.prepared_statement_handle.into()
}

fn resident(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process_id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn parameters_that_decode_to_more_than_they_are_harm_nobody() {
    let cases = cases();
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let mut server = start_server(&sandbox, &[]).await;
        let mut hostile = Raw::login(&server, "stranger").await;
        let neighbour = login(&server, "analyst").await;
        let nations = value(&neighbour, "select count(*) from sales.nation").await;
        let handle = prepared(&mut hostile, "select $1").await;
        let before = resident(&server);
        let mut problems = Vec::new();
        for Case { name, messages, refusal } in &cases {
            let outcome = bind(&mut hostile, &handle, messages).await;
            let code = outcome.as_ref().err().map(Status::code);
            if code != *refusal {
                problems.push(format!("{name}: {outcome:?}"));
            }
            assert!(server.is_running(), "the server ended: {name}");
            assert_eq!(value(&neighbour, "select count(*) from sales.nation").await, nations, "{name}");
            let growth = resident(&server).saturating_sub(before);
            assert!(growth < MOST_GROWTH, "{name}: {growth} bytes more");
        }
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    });
}

/// NULLs without a byte of their own take the width of the type that the statement wants of them.
#[test]
fn nulls_are_counted_in_the_type_that_the_statement_takes() {
    let nulls = |rows: usize| encoded(vec![batch(vec![Arc::new(NullArray::new(rows)) as ArrayRef; 2_200])]);
    let (few, many) = (nulls(2), nulls(MOST_ROWS));
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[]).await;
        let mut client = Raw::login(&server, "analyst").await;
        let marks = vec!["?"; 2_200].join(", ");
        let sql = format!("select count(*) from sales.nation where n_nationkey in ({marks})");
        let handle = prepared(&mut client, &sql).await;
        for (messages, refusal) in [(few, None), (many, Some(Code::ResourceExhausted))] {
            let bound = bind(&mut client, &handle, &messages).await.unwrap();
            let bound = DoPutPreparedStatementResult::decode(bound[0].app_metadata.clone()).unwrap();
            let handle = bound.prepared_statement_handle.unwrap();
            let command = CommandPreparedStatementQuery { prepared_statement_handle: handle };
            let code = client.info_of(&command).await.err().map(|status| status.code());
            assert_eq!(code, refusal);
        }
    });
}

/// The largest bind that is taken, in all parts of a result at once.
#[test]
fn a_large_bind_is_not_repeated_in_every_ticket() {
    let large = one(Arc::new(StringArray::from(vec!["x".repeat(1_000_000)])));
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[]).await;
        let client = Raw::login(&server, "analyst").await;
        let mut client = client.with_header("x-lakegate-endpoints", "16");
        let handle = prepared(&mut client, "select count(*) from sales.nation where n_name <> $1").await;
        let bound = bind(&mut client, &handle, &large).await.unwrap();
        let bound = DoPutPreparedStatementResult::decode(bound[0].app_metadata.clone()).unwrap();
        let handle = bound.prepared_statement_handle.unwrap();
        let command = CommandPreparedStatementQuery { prepared_statement_handle: handle };
        let info = client.info_of(&command).await.unwrap();
        assert!(info.encoded_len() < 5 * 1024 * 1024, "{} bytes", info.encoded_len());
        let ticket = info.endpoint[0].ticket.clone().unwrap();
        assert_eq!(client.redeem(ticket).await.unwrap().len(), 1);
    });
}

/// Binds of the same names are where the fuzz target begins.
#[test]
fn the_hostile_binds_are_seeds_of_the_fuzz_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/parameters");
    for Case { name, messages, .. } in cases() {
        let mut seed = Vec::new();
        for message in &messages {
            for part in [&message.data_header, &message.data_body] {
                seed.extend(u32::try_from(part.len()).unwrap().to_le_bytes());
            }
            seed.extend_from_slice(&message.data_header);
            seed.extend_from_slice(&message.data_body);
        }
        // Long ones say nothing to a mutator that a short one does not.
        seed.truncate(64 * 1024);
        let path = folder.join(name);
        let writes = std::env::var_os("LAKEGATE_GOLDEN").is_some_and(|mode| mode == "write");
        if writes && !path.exists() {
            std::fs::write(&path, &seed).unwrap();
        }
        assert!(path.exists(), "no seed {name}: LAKEGATE_GOLDEN=write makes one");
    }
}
