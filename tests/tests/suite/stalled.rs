//! Disks, pipes and readers that are full, stalled or gone: nothing stops the server, and nothing runs unrecorded.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use lakegate_tests::stack::{self, Server};
use tonic::Code;

use crate::support::{answer, login, refusal, rows, run, start_server, until, value};

/// More lines than a pipe has room for.
const MANY: usize = 600;

async fn is_ready(server: &Server) -> bool {
    let answer = server.admin("/readyz").await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") || answer.starts_with("HTTP/1.1 503"), "{answer}");
    answer.starts_with("HTTP/1.1 200")
}

#[test]
fn a_log_that_nobody_reads_stops_neither_statements_nor_health_nor_signals() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        for signals in [1, 2] {
            let program = Path::new(env!("CARGO_BIN_EXE_lakegate-test-server"));
            let (mut server, unread) = Server::start_with_unread_log(program, &sandbox.endpoint()).unwrap();
            let analyst = login(&server, "analyst").await;
            for _ in 0..MANY {
                assert!(rows(&analyst, "no sql").await.is_err());
            }
            assert_eq!(value(&analyst, "select 1").await, "1");
            assert!(is_ready(&server).await);
            assert!(server.metric("lakegate_log_lines_dropped_total").await.is_ok());
            drop(analyst);
            (0..signals).for_each(|_| server.signal("TERM").unwrap());
            let status = server.ended().await.unwrap().code();
            assert!(matches!(status, Some(0 | 143)), "{status:?}");
            drop(unread);
        }
    });
}

fn fifo(folder: &Path) -> PathBuf {
    let path = folder.join("audit");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

#[test]
fn an_audit_pipe_that_nobody_reads_refuses_statements_and_holds_nothing_else() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = fifo(folder.path());
        // Open at both ends, so that nobody waits for the other one.
        let mut pipe = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        let mut server = start_server(&sandbox, &[("LAKEGATE__AUDIT__PATH", path.to_str().unwrap())]).await;
        let analyst = login(&server, "analyst").await;
        let mut refused = None;
        for _ in 0..MANY {
            if let Err(error) = rows(&analyst, "select 1").await {
                refused = Some(error.to_string());
                break;
            }
        }
        assert!(refused.is_some_and(|text| text.contains("audit trail")), "no statement runs unrecorded");
        until("it is not ready", async || !is_ready(&server).await).await;
        assert!(server.admin("/readyz").await.unwrap().ends_with("the audit trail cannot be written"));
        assert!(server.metric("lakegate_audit_failures_total").await.unwrap() > 0);

        // Somebody reads again.
        let reader =
            std::thread::spawn(move || std::io::copy(&mut pipe, &mut std::io::sink()).unwrap_or_default());
        until("it is ready", async || is_ready(&server).await).await;
        assert_eq!(value(&analyst, "select 1").await, "1");
        drop(analyst);
        server.signal("TERM").unwrap();
        assert_eq!(server.ended().await.unwrap().code(), Some(0));
        // The reader has the pipe open for writing as well, so that it never ends by itself.
        drop(reader);
    });
}

#[test]
fn a_hanging_audit_pipe_does_not_keep_the_server_from_ending() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = fifo(folder.path());
        let _pipe = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        let mut server = start_server(&sandbox, &[("LAKEGATE__AUDIT__PATH", path.to_str().unwrap())]).await;
        let analyst = login(&server, "analyst").await;
        for _ in 0..MANY {
            if rows(&analyst, "select 1").await.is_err() {
                break;
            }
        }
        drop(analyst);
        server.signal("TERM").unwrap();
        assert_eq!(server.ended().await.unwrap().code(), Some(0));
        assert!(server.log().contains("could not be written"), "{}", server.log());
    });
}

#[test]
fn a_full_audit_disk_refuses_statements_until_there_is_room() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let server = start_server(&sandbox, &[("LAKEGATE__AUDIT__PATH", path.to_str().unwrap())]).await;
        let analyst = login(&server, "analyst").await;
        assert_eq!(value(&analyst, "select 1").await, "1");
        std::fs::remove_file(&path).unwrap();
        symlink("/dev/full", &path).unwrap();

        let (code, text) = refusal(&analyst, "select 1").await;
        assert_eq!(code, Code::Unavailable);
        assert!(text.contains("audit trail") && !text.contains("/dev/full"), "{text}");
        until("it is not ready", async || !is_ready(&server).await).await;
        assert!(server.metric("lakegate_audit_failures_total").await.unwrap() > 0);
        assert!(server.connect("analyst", "analyst").await.is_err(), "a login is recorded or refused");

        std::fs::remove_file(&path).unwrap();
        until("it is ready", async || is_ready(&server).await).await;
        assert_eq!(value(&analyst, "select 2").await, "2");
        let written = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<serde_json::Value> =
            written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(lines.iter().any(|record| record["event"] == "audit.interrupted"), "{written}");
        let ran = |record: &serde_json::Value| {
            record["event"] == "query.started" && record["statement"] == "select 1"
        };
        assert!(!lines.iter().any(ran), "what was refused did not run: {written}");
    });
}

/// The file is as a server left it whose disk was full.
#[test]
fn a_line_that_a_full_disk_has_cut_takes_no_other_with_it() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        std::fs::write(&path, "{\"event\":\"query.st").unwrap();
        let server = start_server(&sandbox, &[("LAKEGATE__AUDIT__PATH", path.to_str().unwrap())]).await;
        let analyst = login(&server, "analyst").await;
        let _ = answer(&analyst, "select 1").await;
        let written = std::fs::read_to_string(&path).unwrap();
        assert!(written.lines().skip(1).all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
        assert!(written.lines().count() > 2, "{written}");
    });
}

#[test]
fn a_server_without_aws_credentials_says_so_before_a_user_has_to() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let nothing = tempfile::tempdir().unwrap();
        let file = nothing.path().join("nothing");
        File::create(&file).unwrap();
        let file = file.to_str().unwrap();
        let server = start_server(
            &sandbox,
            &[
                ("AWS_ACCESS_KEY_ID", ""),
                ("AWS_SECRET_ACCESS_KEY", ""),
                ("AWS_SHARED_CREDENTIALS_FILE", file),
                ("AWS_CONFIG_FILE", file),
                ("AWS_EC2_METADATA_DISABLED", "true"),
            ],
        )
        .await;
        until("it is not ready", async || !is_ready(&server).await).await;
        let answer = server.admin("/readyz").await.unwrap();
        assert!(answer.ends_with("the server has no AWS credentials of its own"), "{answer}");
        until("it is in the log", async || server.log().contains("no AWS credentials")).await;
    });
}
