//! The object store as `object_store` sees it: what Delta relies on.

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{
    GetOptions, GetRange, ObjectStore as _, ObjectStoreExt as _, PutMode, PutOptions, WriteMultipart,
};

use crate::fixture::{Lake, administrator};
use crate::raw::{Call, send};

async fn names(lake: &Lake, prefix: Option<&str>, after: Option<&str>) -> Vec<String> {
    let store = lake.store(&administrator());
    let prefix = prefix.map(Path::from);
    let listing = match after {
        Some(after) => store.list_with_offset(prefix.as_ref(), &Path::from(after)),
        None => store.list(prefix.as_ref()),
    };
    listing.map_ok(|meta| meta.location.to_string()).try_collect().await.unwrap()
}

#[tokio::test]
async fn a_create_only_write_happens_once() {
    let lake = Lake::new().await;
    let store = Arc::new(lake.store(&administrator()));
    let commit = Path::from("t/_delta_log/00000000000000000001.json");
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..8_u8 {
        let (store, commit) = (Arc::clone(&store), commit.clone());
        writers.spawn(async move {
            let body = Bytes::from(vec![number; 100_000]);
            let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
            let outcome = store.put_opts(&commit, body.into(), options).await;
            let lost = matches!(outcome, Err(object_store::Error::AlreadyExists { .. }));
            assert!(lost || outcome.is_ok(), "{outcome:?}");
            outcome.is_ok().then_some(number)
        });
    }
    let winners: Vec<u8> = writers.join_all().await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1);
    let stored = store.get(&commit).await.unwrap().bytes().await.unwrap();
    assert_eq!(stored, vec![winners[0]; 100_000]);
}

#[tokio::test]
async fn ranges_are_read_exactly() {
    let lake = Lake::new().await;
    let store = lake.store(&administrator());
    let key = Path::from("digits");
    store.put(&key, "0123456789".into()).await.unwrap();
    assert_eq!(store.get_range(&key, 2..5).await.unwrap(), "234");
    let suffix = GetOptions { range: Some(GetRange::Suffix(3)), ..GetOptions::default() };
    assert_eq!(store.get_opts(&key, suffix).await.unwrap().bytes().await.unwrap(), "789");
    let offset = GetOptions { range: Some(GetRange::Offset(8)), ..GetOptions::default() };
    assert_eq!(store.get_opts(&key, offset).await.unwrap().bytes().await.unwrap(), "89");
    assert!(store.get_range(&key, 20..30).await.is_err());
}

#[tokio::test]
async fn listings_honour_prefix_offset_and_delimiter() {
    let lake = Lake::new().await;
    let store = lake.store(&administrator());
    for key in ["a/1", "a/2", "a/3", "a/b/4", "ab/5", "c"] {
        store.put(&Path::from(key), key.into()).await.unwrap();
    }
    assert_eq!(names(&lake, None, None).await, ["a/1", "a/2", "a/3", "a/b/4", "ab/5", "c"]);
    assert_eq!(names(&lake, Some("a"), None).await, ["a/1", "a/2", "a/3", "a/b/4"]);
    assert_eq!(names(&lake, Some("a"), Some("a/2")).await, ["a/3", "a/b/4"]);
    let level = store.list_with_delimiter(Some(&Path::from("a"))).await.unwrap();
    assert_eq!(level.common_prefixes, [Path::from("a/b")]);
    assert_eq!(level.objects.len(), 3);
    assert!(level.objects.iter().all(|object| object.e_tag.is_some() && object.size == 3));
}

#[tokio::test]
async fn more_objects_than_a_page_holds_are_all_listed() {
    let lake = Lake::new().await;
    let store = Arc::new(lake.store(&administrator()));
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let store = Arc::clone(&store);
        writers.spawn(async move {
            for number in 0..130 {
                store.put(&Path::from(format!("many/{writer}-{number:04}")), "".into()).await.unwrap();
            }
        });
    }
    writers.join_all().await;
    assert_eq!(names(&lake, Some("many"), None).await.len(), 1040);
}

#[tokio::test]
async fn a_missing_object_and_a_mere_prefix_are_not_found() {
    let lake = Lake::new().await;
    let store = lake.store(&administrator());
    store.put(&Path::from("a/b"), "x".into()).await.unwrap();
    for key in ["a", "a/b/c", "b"] {
        let error = store.head(&Path::from(key)).await.unwrap_err();
        assert!(matches!(error, object_store::Error::NotFound { .. }), "{key}: {error:?}");
    }
    store.delete(&Path::from("a/b")).await.unwrap();
    assert!(store.get(&Path::from("a/b")).await.is_err());
}

#[tokio::test]
async fn large_objects_arrive_in_parts() {
    let lake = Lake::new().await;
    let store = lake.store(&administrator());
    let key = Path::from("large");
    let body: Vec<u8> = (0..12_000_000_u32).map(|at| (at % 251) as u8).collect();
    let mut upload = WriteMultipart::new_with_chunk_size(store.put_multipart(&key).await.unwrap(), 5 << 20);
    upload.write(&body);
    upload.finish().await.unwrap();
    assert_eq!(store.head(&key).await.unwrap().size, 12_000_000);
    let stored = store.get(&key).await.unwrap().bytes().await.unwrap();
    assert!(stored == body);
}

#[tokio::test]
async fn an_aborted_upload_leaves_nothing() {
    let lake = Lake::new().await;
    let store = lake.store(&administrator());
    let mut upload = store.put_multipart(&Path::from("aborted")).await.unwrap();
    upload.put_part(vec![0; 100].into()).await.unwrap();
    upload.abort().await.unwrap();
    assert!(names(&lake, None, None).await.is_empty());
}

#[tokio::test]
async fn deletes_in_bulk_and_copies_work() {
    let lake = Lake::new().await;
    let store = lake.store(&administrator());
    for key in ["a", "b", "c"] {
        store.put(&Path::from(key), key.into()).await.unwrap();
    }
    store.copy(&Path::from("a"), &Path::from("copy")).await.unwrap();
    let doomed = ["a", "b", "never"].map(|key| Ok(Path::from(key)));
    let stream = futures::stream::iter(doomed);
    let deleted: Vec<_> = store.delete_stream(Box::pin(stream)).try_collect().await.unwrap();
    assert_eq!(deleted.len(), 3);
    assert_eq!(names(&lake, None, None).await, ["c", "copy"]);
    assert_eq!(store.get(&Path::from("copy")).await.unwrap().bytes().await.unwrap(), "a");
}

#[tokio::test]
async fn a_reader_is_not_disturbed_by_a_replacement() {
    let lake = Lake::new().await;
    let store = lake.store(&administrator());
    let key = Path::from("k");
    store.put(&key, Bytes::from(vec![1; 8 << 20]).into()).await.unwrap();
    let reading = store.get(&key).await.unwrap();
    store.put(&key, "new".into()).await.unwrap();
    let read = reading.bytes().await.unwrap();
    assert!(read.len() == 8 << 20 && read.iter().all(|byte| *byte == 1));
}

#[tokio::test]
async fn unsupported_operations_are_refused_and_not_ignored() {
    let lake = Lake::new().await;
    let call = Call::s3("PUT", "/lake?versioning");
    let answer = send(&lake.endpoint(), call.signed(&lake.endpoint(), &administrator())).await;
    assert_eq!(answer.code(), "NotImplemented");
}
