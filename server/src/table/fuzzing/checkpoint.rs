//! Fuzz target of a table's log.
//!
//! ```text
//! kind of file (decimal) ⏎ bytes
//! ```
//!
//! The bytes are the second commit of a table, or its checkpoint, or what says where the checkpoint is. The log is read as a
//! query does: whatever they are, there is an index of files, each with a path and a size, or an error.

use std::sync::{Arc, LazyLock};

use arrow::array::Array;
use futures::FutureExt;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::runtime::{Builder, Runtime};

use super::must;
use crate::table::budget::Budget;
use crate::table::kernel::LogReader;

/// Memory that a log may take, in bytes.
const MEMORY: u64 = 256 << 20;

const FIRST: &str = concat!(
    r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}"#,
    "\n",
    r#"{"metaData":{"id":"0a7b6f2e-6b8f-4a53-9a53-0d0c5f5d8a01","format":{"provider":"parquet","options":{}},"#,
    r#""schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"id\",\"type\":\"long\",\"nullable\":true,"#,
    r#"\"metadata\":{}},{\"name\":\"p\",\"type\":\"string\",\"nullable\":true,\"metadata\":{}}]}","#,
    r#""partitionColumns":["p"],"configuration":{},"createdTime":0}}"#,
);

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| must(Builder::new_multi_thread().worker_threads(1).enable_all().build()));

/// See the file's head.
pub(crate) fn checkpoint(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (kind, bytes) = data.split_at(end);
    let bytes = bytes.get(1..).unwrap_or_default().to_vec();
    let kind: usize = String::from_utf8_lossy(kind).parse().unwrap_or_default();
    let path = [
        "t/_delta_log/00000000000000000001.json",
        "t/_delta_log/00000000000000000000.checkpoint.parquet",
        "t/_delta_log/_last_checkpoint",
    ][kind % 3];
    RUNTIME.block_on(read(path, bytes));
}

async fn read(path: &str, bytes: Vec<u8>) {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let first = "t/_delta_log/00000000000000000000.json";
    must(store.put(&first.into(), FIRST.into()).await);
    must(store.put(&path.into(), bytes.into()).await);
    let root = must(url::Url::parse("memory:///t/"));
    let reader = LogReader::new(store, root, RUNTIME.handle().clone(), Budget::new(MEMORY));
    // The kernel panics on some logs, which a query tells as an error.
    let Ok(Ok(log)) = std::panic::AssertUnwindSafe(reader.read(None)).catch_unwind().await else { return };
    let files = &log.files;
    for file in 0..files.len() {
        assert!(files.paths.value(file).len() <= 4096, "a path that is too long");
        let _ = files.deletion_vector(file);
    }
    assert_eq!(files.paths.len(), files.sizes.len());
    assert_eq!(files.paths.len(), files.rows.len());
    let held = must(log.memory.lock()).bytes();
    assert!(held >= files.memory() as u64 && held <= MEMORY, "{held} bytes");
    if let Ok(found) = reader.statistics(&log, vec![0]).await {
        found.values().for_each(|column| assert!(column.memory() < 256 << 20));
    }
}
