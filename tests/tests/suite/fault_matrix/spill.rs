//! A disk that has no room for what statements spill.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use lakegate_tests::stack::{self, Server};
use tonic::Code;

use crate::raw::Raw;
use crate::support::{run, until_idle};

/// Sorts more than any memory holds.
const SPILLING: &str =
    "select a.l_comment || b.l_comment c from sales.lineitem a, sales.lineitem b order by c";

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
            ("LAKEGATE__ENGINE__QUERY_MEMORY_LIMIT", "32MiB"),
        ];
        let server = Server::start(&program, &sandbox.endpoint(), &settings).await.unwrap();
        let mut client = Raw::login(&server, "analyst").await;
        // Twice: the second finds the disk as empty as the first did.
        for _ in 0..2 {
            let status = client.rows(SPILLING).await.unwrap_err();
            assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
            until_idle(&server).await;
            let disk = format!("/proc/{}/root{}", server.process_id(), spill.display());
            assert_eq!(files_below(Path::new(&disk)), ["in-use"]);
        }
        assert_eq!(client.value("select count(*) from sales.region").await, "5");
    });
}

fn files_below(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        match entry.path() {
            path if path.is_dir() => names.extend(files_below(&path)),
            path => names.extend(path.file_name().map(|name| name.to_string_lossy().into_owned())),
        }
    }
    names
}
