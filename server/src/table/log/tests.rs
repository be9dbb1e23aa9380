//! What the cache of logs weighs.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use url::Url;

use super::*;

const FIRST: &str = concat!(
    r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}"#,
    "\n",
    r#"{"metaData":{"id":"0a7b6f2e-6b8f-4a53-9a53-0d0c5f5d8a01","format":{"provider":"parquet","options":{}},"#,
    r#""schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"id\",\"type\":\"long\",\"nullable\":true,"#,
    r#"\"metadata\":{}}]}","partitionColumns":[],"configuration":{},"createdTime":0}}"#,
);

/// A table of so many files, and how it is read.
async fn log_of(files: usize, budget: &Arc<Budget>) -> (LogReader, Arc<LogState>) {
    let store = Arc::new(InMemory::new());
    let add = |file: usize| {
        format!(
            r#"{{"add":{{"path":"part-{file:0100}.parquet","partitionValues":{{}},"size":1,"modificationTime":0,"dataChange":true,"stats":"{{\"numRecords\":1,\"minValues\":{{\"id\":{file}}},\"maxValues\":{{\"id\":{file}}},\"nullCount\":{{\"id\":0}}}}"}}}}"#
        )
    };
    let lines: Vec<String> = [FIRST.to_owned()].into_iter().chain((0..files).map(add)).collect();
    let commit = Path::from("t/_delta_log/00000000000000000000.json");
    store.put(&commit, lines.join("\n").into_bytes().into()).await.unwrap();
    let root = Url::parse("memory:///t/").unwrap();
    let reader = LogReader::new(store, root, Handle::current(), Arc::clone(budget));
    let log = reader.read(None).await.unwrap();
    assert_eq!(log.files.len(), files);
    let key = LogKey {
        catalog_id: "1".to_owned(),
        table: TableName::new("d", "t"),
        location: TableLocation::parse("s3://bucket/t").unwrap(),
        version: None,
    };
    let state = LogState { log, newest_commit: None, identity: "t".into(), loading: Mutex::new(()), key };
    (reader, Arc::new(state))
}

fn weighed(slots: &Cache<LogKey, Arc<Slot>>) -> u64 {
    slots.run_pending_tasks();
    slots.weighted_size() * WEIGHT_UNIT as u64
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_weighs_what_it_holds_while_somebody_waits_for_it_and_after_it_grew() {
    let budget = Budget::new(1 << 30);
    let (reader, state) = log_of(20_000, &budget).await;
    let logs = Logs {
        max_age: Duration::ZERO,
        slots: slots(1 << 20),
        io: Handle::current(),
        budget: Arc::clone(&budget),
    };
    let slot: Arc<Slot> = Arc::default();
    let _waiting = slot.loading.lock().await;
    slot.hold(&state, Instant::now());
    logs.slots.insert(state.key.clone(), Arc::clone(&slot));
    let before = weighed(&logs.slots);
    assert!(before >= state.log.files.memory() as u64, "{before}");
    let found = reader.statistics(&state.log, vec![0]).await.unwrap();
    let charged = state.log.memory.lock().unwrap().bytes();
    logs.keep_statistics(&state, found).unwrap();
    let after = weighed(&logs.slots);
    assert!(after >= before + 20_000 * 3 * 8, "{before} and then {after}");
    assert!(state.log.memory.lock().unwrap().bytes() >= charged + 20_000 * 3 * 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_outgrows_the_cache_is_given_up() {
    let budget = Budget::new(1 << 30);
    let (reader, state) = log_of(5_000, &budget).await;
    let capacity = (state.memory() + BYTES_PER_TABLE) / WEIGHT_UNIT + 2;
    let slots = slots(capacity as u64);
    let logs = Logs { max_age: Duration::ZERO, slots, io: Handle::current(), budget };
    let slot: Arc<Slot> = Arc::default();
    slot.hold(&state, Instant::now());
    logs.slots.insert(state.key.clone(), slot);
    assert!(weighed(&logs.slots) > 0);
    let found = reader.statistics(&state.log, vec![0]).await.unwrap();
    logs.keep_statistics(&state, found).unwrap();
    assert_eq!(weighed(&logs.slots), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_for_which_there_is_no_memory_is_refused_and_gives_back_what_it_took() {
    let budget = Budget::new(1 << 30);
    drop(log_of(10, &budget).await);
    drop(budget.charge(1 << 30).unwrap());
    let store = Arc::new(InMemory::new());
    let commit = Path::from("t/_delta_log/00000000000000000000.json");
    store.put(&commit, FIRST.into()).await.unwrap();
    let root = Url::parse("memory:///t/").unwrap();
    let small = Budget::new(100);
    let refused = LogReader::new(store, root, Handle::current(), Arc::clone(&small)).read(None).await;
    assert!(refused.err().unwrap().to_string().contains("no memory left"));
    drop(small.charge(100).unwrap());
}
