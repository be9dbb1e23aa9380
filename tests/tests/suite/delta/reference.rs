//! The reference tables: archives of Delta tables that Spark and other writers made, some with the rows to expect.
//!
//! They are not part of this repository. They are looked for in `shared/data` beside the checkout, or where
//! `LAKEGATE_REFERENCE_DATA` says; without them a test says so and ends well.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

use super::TableFiles;
use super::rows::Rows;

const VARIABLE: &str = "LAKEGATE_REFERENCE_DATA";

/// One unpacked archive.
pub(crate) struct Archive {
    root: PathBuf,
    _folder: tempfile::TempDir,
}

impl Archive {
    /// Unpacks an archive; `None`, after a line that says why, on a machine without reference data.
    pub(crate) fn open(name: &str) -> Option<Self> {
        let archives = data_folder().join("delta-golden");
        if !archives.is_dir() {
            say_skipped(&archives);
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let unpacked = Command::new("tar")
            .args(["--zstd", "--no-same-owner", "-xf"])
            .arg(archives.join(format!("{name}.tar.zst")))
            .arg("-C")
            .arg(folder.path())
            .output()
            .unwrap();
        assert!(unpacked.status.success(), "{name}: {}", String::from_utf8_lossy(&unpacked.stderr));
        Some(Self { root: folder.path().join(name), _folder: folder })
    }

    /// The table's files, without the checksums that Hadoop's local file system leaves beside them.
    pub(crate) fn table(&self) -> TableFiles {
        let nested = self.root.join("delta");
        let root = if nested.is_dir() { nested } else { self.root.clone() };
        let mut files = TableFiles::default();
        collect(&root, &root, &mut files);
        assert!(files.0.keys().any(|path| path.starts_with("_delta_log/")), "no log in {}", root.display());
        files
    }

    /// The rows that a correct reader returns.
    pub(crate) fn expected(&self) -> Rows {
        let mut files = TableFiles::default();
        collect(&self.root.join("expected"), &self.root, &mut files);
        let parquet = files.0.into_iter().filter(|(path, _)| path.ends_with(".parquet"));
        Rows::of_parquet(parquet.map(|(_, content)| content))
    }
}

fn data_folder() -> PathBuf {
    match std::env::var_os(VARIABLE) {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
    }
}

/// Once for all tests, and past the capture of passing tests' output: what was not tested must be seen.
fn say_skipped(folder: &Path) {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        let line = format!(
            "\nskipped: tests over the reference Delta tables, because there is no folder {}; {VARIABLE} names another\n",
            folder.display()
        );
        // Nobody may be listening; the tests are skipped all the same.
        let _ = std::io::stderr().write_all(line.as_bytes());
    });
}

fn collect(folder: &Path, root: &Path, files: &mut TableFiles) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_hidden = path.file_name().unwrap().to_string_lossy().starts_with('.');
        if path.is_dir() {
            collect(&path, root, files);
        } else if !is_hidden {
            let key = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            files.0.insert(key, fs::read(&path).unwrap());
        }
    }
}
