//! When a changed file becomes the value, and when it does not.

#![expect(clippy::unwrap_used, reason = "a test that cannot write its files should stop")]

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use super::*;

/// The texts of two files, joined; refused if one of them is `broken`.
fn joined(contents: &[Content]) -> Result<String, Error> {
    let texts: Vec<&str> = contents.iter().map(|content| std::str::from_utf8(content).unwrap()).collect();
    if texts.contains(&"broken") {
        return Err(Error::new(ErrorKind::InvalidRequest, "broken"));
    }
    Ok(texts.join("+"))
}

struct Files {
    folder: TempDir,
    follower: Follower<String>,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["a", "b"].map(|name| folder.path().join(name));
        paths.iter().for_each(|path| fs::write(path, "1").unwrap());
        let found = Found::look(&paths).map_err(|_| ()).unwrap();
        let follower = Follower {
            what: "test",
            current: Arc::new(ArcSwap::from_pointee(joined(&found.contents).unwrap())),
            paths: paths.to_vec().into(),
            make: Box::new(joined),
            last_tried: found.fingerprint,
            complaint: None,
        };
        Self { folder, follower }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    /// Looks until nothing waits for confirmation.
    async fn settle(&mut self) -> String {
        let mut unconfirmed = None;
        loop {
            unconfirmed = self.follower.look(unconfirmed, false).await;
            if unconfirmed.is_none() {
                return self.value();
            }
        }
    }

    fn value(&self) -> String {
        self.follower.current.load_full().to_string()
    }
}

#[tokio::test]
async fn a_change_is_taken_when_a_second_look_confirms_it() {
    let mut files = Files::new();
    files.write("a", "2");
    let first = files.follower.look(None, false).await;
    assert_eq!((first.is_some(), files.value().as_str()), (true, "1+1"), "the other file may follow");
    files.write("b", "2");
    let second = files.follower.look(first, false).await;
    assert_eq!((second.is_some(), files.value().as_str()), (true, "1+1"));
    assert!(files.follower.look(second, false).await.is_none());
    assert_eq!(files.value(), "2+2");
}

#[tokio::test]
async fn a_change_that_is_asked_for_is_taken_at_once() {
    let mut files = Files::new();
    files.write("a", "2");
    assert!(files.follower.look(None, true).await.is_none());
    assert_eq!(files.value(), "2+1");
}

#[tokio::test]
async fn files_that_are_broken_or_gone_leave_the_old_value() {
    let mut files = Files::new();
    files.write("a", "broken");
    assert_eq!(files.settle().await, "1+1");
    fs::remove_file(files.path().join("b")).unwrap();
    assert_eq!(files.settle().await, "1+1");
    files.write("a", "2");
    assert_eq!(files.settle().await, "1+1", "one of them is still gone");
    files.write("b", "3");
    assert_eq!(files.settle().await, "2+3");
}

#[tokio::test]
async fn broken_files_are_tried_once_and_not_at_each_look() {
    let mut files = Files::new();
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tries);
    files.follower.make = Box::new(move |contents| {
        counted.fetch_add(1, Ordering::Relaxed);
        joined(contents)
    });
    files.write("a", "broken");
    for _ in 0..3 {
        files.settle().await;
    }
    assert_eq!(tries.load(Ordering::Relaxed), 1);
}

/// As Kubernetes updates a mounted secret: the files' names stay links, and the folder behind them is swapped.
#[tokio::test]
async fn a_folder_that_is_swapped_by_its_link_is_noticed() {
    let mut files = Files::new();
    for version in ["v1", "v2"] {
        fs::create_dir(files.path().join(version)).unwrap();
        ["a", "b"].iter().for_each(|name| files.write(&format!("{version}/{name}"), version));
    }
    let (fresh, data) = (files.path().join("fresh"), files.path().join("data"));
    let swap = |version: &str| {
        std::os::unix::fs::symlink(version, &fresh).unwrap();
        fs::rename(&fresh, &data).unwrap();
    };
    swap("v1");
    files.follower.paths = ["a", "b"].map(|name| data.join(name)).to_vec().into();
    assert_eq!(files.settle().await, "v1+v1");
    swap("v2");
    assert_eq!(files.settle().await, "v2+v2");
}

#[tokio::test]
async fn a_file_that_is_missing_at_the_start_is_an_error() {
    let started = Followed::start("test", vec![PathBuf::from("/no/such/file")], joined);
    assert_eq!(started.err().unwrap().kind(), ErrorKind::InvalidRequest);
}
