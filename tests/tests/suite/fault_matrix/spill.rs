//! A disk that has no room for what statements spill.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use lakegate_tests::stack::{self, Server};
use tonic::Code;

use crate::raw::Raw;
use crate::support::{run, until, until_idle};

/// Sorts more than any memory holds, and has nothing else that memory is asked for.
pub(super) const SPILLING: &str =
    "select a.l_comment c, b.l_comment d from sales.lineitem a, sales.lineitem b order by d, c";

/// Enough for a sort to begin with.
pub(super) const LITTLE_MEMORY: (&str, &str) = ("LAKEGATE__ENGINE__QUERY_MEMORY_LIMIT", "64MiB");

/// The disk of [`WITH_SMALL_DISK`].
const DISK_BYTES: u64 = 8 << 20;

/// Starts the server with a file system of eight MiB for what it spills, in namespaces of its own.
const WITH_SMALL_DISK: &str = r#"#!/bin/sh
exec unshare --user --map-root-user --mount sh -c \
    'mount -t tmpfs -o size=8m tmpfs "$LAKEGATE__ENGINE__SPILL_DIRECTORY" && exec "$0" "$@"' "$PROGRAM" "$@"
"#;

/// Whether this machine lets its users mount a file system that nobody else sees.
fn may_mount() -> bool {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

#[test]
fn a_statement_that_finds_the_disk_full_fails_clearly_and_its_bytes_are_given_back() {
    if !may_mount() {
        println!("skipped: this machine does not let its users mount a small file system");
        return;
    }
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let spill = folder.path().join("spill");
        std::fs::create_dir(&spill).unwrap();
        let program = folder.path().join("server.sh");
        std::fs::write(&program, WITH_SMALL_DISK).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let settings = [
            ("PROGRAM", env!("CARGO_BIN_EXE_lakegate-test-server")),
            ("LAKEGATE__ENGINE__SPILL_DIRECTORY", spill.to_str().unwrap()),
            LITTLE_MEMORY,
        ];
        let server = Server::start(&program, &sandbox.endpoint(), &settings).await.unwrap();
        let mut client = Raw::login(&server, "analyst").await;
        let disk = PathBuf::from(format!("/proc/{}/root{}", server.process_id(), spill.display()));
        // Twice: the second finds the disk as empty as the first did.
        for _ in 0..2 {
            let mut other = Raw::login(&server, "analyst").await;
            let sorted = tokio::spawn(async move { other.rows(SPILLING).await.unwrap_err() });
            let mut most = 0;
            while !sorted.is_finished() {
                most = most.max(spilled(&disk));
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let status = sorted.await.unwrap();
            assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
            assert!(most > DISK_BYTES / 2, "{most} bytes were spilled, the disk was not full: {status}");
            until_idle(&server).await;
            until("the files are removed", async || spilled(&disk) == 0).await;
        }
        assert_eq!(client.value("select count(*) from sales.region").await, "5");
    });
}

/// Bytes below a folder.
pub(super) fn spilled(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => spilled(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    sizes.sum()
}
