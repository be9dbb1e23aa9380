//! The program `lakegate` as its users run it: arguments, output, exit codes.
#![expect(clippy::unwrap_used, reason = "a failed call fails the test")]
#![expect(dead_code, reason = "each test program uses a part of the server's observations")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::Ordering;

use support::{NOBODY_LISTENS, PASSWORD, TOKEN, TestServer, USER};

/// The program with no environment that could change its behaviour, and no terminal.
fn lakegate(server: &TestServer, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lakegate"));
    command
        .env_clear()
        .env("LAKEGATE_URL", server.url())
        .env("LAKEGATE_USER", USER)
        .env("LAKEGATE_PASSWORD", PASSWORD)
        .args(arguments)
        .stdin(Stdio::null());
    command
}

fn run(server: &TestServer, arguments: &[&str]) -> Output {
    lakegate(server, arguments).output().unwrap()
}

fn stdout(output: &Output) -> &str {
    str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    str::from_utf8(&output.stderr).unwrap()
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

#[test]
fn a_query_prints_a_table_and_counts_its_rows_on_standard_error() {
    let server = TestServer::start();
    let output = run(&server, &["query", "select parts"]);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("id | name\n---+-----\n 1 | x\n 2 | NULL\n"));
    assert_eq!(stdout(&output).lines().count(), 2 + 8);
    assert_eq!(stderr(&output), "8 rows\n");
}

#[test]
fn output_that_no_terminal_shows_has_no_colors() {
    let server = TestServer::start();
    for arguments in [["query", "select parts"], ["query", "selekt"]] {
        let output = run(&server, &arguments);
        assert!(!stdout(&output).contains('\u{1b}'));
        assert!(!stderr(&output).contains('\u{1b}'));
    }
}

#[test]
fn formats_for_programs_leave_standard_error_empty() {
    let server = TestServer::start();
    let csv = run(&server, &["query", "select parts", "--format", "csv"]);
    assert!(stdout(&csv).starts_with("id,name\n1,x\n2,\n"));
    let json = run(&server, &["query", "select parts", "--format", "json"]);
    assert!(stdout(&json).starts_with("{\"id\":1,\"name\":\"x\"}\n"));
    assert_eq!((stderr(&csv), stderr(&json)), ("", ""));
}

#[test]
fn the_statement_comes_from_a_file_or_from_standard_input() {
    let server = TestServer::start();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("q.sql");
    fs::write(&file, "select parts\n").unwrap();
    let from_file = run(&server, &["query", "-f", file.to_str().unwrap()]);
    assert_eq!(stderr(&from_file), "8 rows\n");

    let mut child = lakegate(&server, &["query"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"select parts").unwrap();
    drop(stdin);
    let from_stdin = child.wait_with_output().unwrap();
    assert_eq!(stderr(&from_stdin), "8 rows\n");
}

#[test]
fn a_failed_query_exits_with_one_and_one_line() {
    let server = TestServer::start();
    let output = run(&server, &["query", "selekt"]);
    assert_eq!(code(&output), Some(1));
    assert_eq!(stdout(&output), "");
    assert_eq!(stderr(&output), "error: unknown statement\n");
}

#[test]
fn an_error_after_the_first_rows_is_no_success_in_any_format() {
    let server = TestServer::start();
    for format in ["table", "csv", "json", "arrow"] {
        let output = run(&server, &["query", "select broken", "--format", format]);
        assert_eq!(code(&output), Some(1), "{format}");
        assert_eq!(stderr(&output), "error: disk read failed\n", "{format}");
    }
}

#[test]
fn an_error_after_the_first_rows_leaves_no_file_behind() {
    let server = TestServer::start();
    let directory = tempfile::tempdir().unwrap();
    for name in ["rows.txt", "rows.csv", "rows.json", "rows.parquet", "rows.arrow"] {
        let file = directory.path().join(name);
        let arguments = ["query", "select broken", "-o", file.to_str().unwrap()];
        assert_eq!(code(&run(&server, &arguments)), Some(1), "{name}");
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_file_is_written_whole_and_its_rows_are_counted() {
    let server = TestServer::start();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("rows.csv");
    let path = file.to_str().unwrap();
    let output = run(&server, &["query", "select parts", "-o", path]);
    assert_eq!(stderr(&output), format!("8 rows written to {path}\n"));
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 1 + 8);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn refused_logins_and_permissions_exit_with_three() {
    let server = TestServer::start();
    let forbidden = run(&server, &["query", "select forbidden"]);
    assert_eq!(code(&forbidden), Some(3));
    let login = lakegate(&server, &["ping"]).env("LAKEGATE_PASSWORD", "guess").output().unwrap();
    assert_eq!(code(&login), Some(3));
    assert_eq!(stderr(&login), "error: wrong user or password\n");
}

#[test]
fn an_unreachable_server_exits_with_four() {
    let server = TestServer::start();
    let output = run(&server, &["--url", NOBODY_LISTENS, "ping"]);
    assert_eq!(code(&output), Some(4));
    let expected = "error: cannot reach grpc://127.0.0.1:1: Connection refused";
    assert!(stderr(&output).starts_with(expected), "{}", stderr(&output));
}

#[test]
fn wrong_usage_exits_with_two() {
    let server = TestServer::start();
    for arguments in [
        ["query", "  "].as_slice(),
        &["query", "select parts", "--format", "parquet"],
        &["query", "-f", "/nonexistent.sql"],
        &["describe", "nation"],
        &["--url", "http://example.com", "ping"],
        &["nonsense"],
    ] {
        assert_eq!(code(&run(&server, arguments)), Some(2), "{arguments:?}");
    }
    let no_password = lakegate(&server, &["ping"]).env_remove("LAKEGATE_PASSWORD").output().unwrap();
    assert_eq!(code(&no_password), Some(2));
}

#[test]
fn a_url_with_a_password_is_refused_without_repeating_it() {
    let server = TestServer::start();
    let output = run(&server, &["--url", "grpc://ann:hunter2@localhost", "ping"]);
    assert_eq!(code(&output), Some(2));
    assert!(!stderr(&output).contains("hunter2"));
}

#[test]
fn a_token_comes_from_a_file_or_from_the_environment() {
    let server = TestServer::start();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let from_file = lakegate(&server, &["--token-file", file.to_str().unwrap(), "ping"])
        .env_remove("LAKEGATE_PASSWORD")
        .output()
        .unwrap();
    let from_environment = lakegate(&server, &["ping"])
        .env_remove("LAKEGATE_PASSWORD")
        .env("LAKEGATE_TOKEN", TOKEN)
        .output()
        .unwrap();
    assert_eq!(code(&from_file), Some(0), "{}", stderr(&from_file));
    assert_eq!(code(&from_environment), Some(0));
    assert_eq!(server.seen.handshakes.load(Ordering::SeqCst), 0);
}

#[test]
fn the_catalog_commands_list_what_the_server_shows() {
    let server = TestServer::start();
    let csv = ["--format", "csv"];
    let databases = run(&server, &[&["databases"], csv.as_slice()].concat());
    assert_eq!(stdout(&databases), "catalog_name,db_schema_name\nlake,hr\nlake,sales\n");
    let tables = run(&server, &[&["tables", "hr"], csv.as_slice()].concat());
    assert_eq!(
        stdout(&tables),
        "catalog_name,db_schema_name,table_name,table_type\nlake,hr,employees,TABLE\n"
    );
    let columns = run(&server, &[&["describe", "HR.Employees"], csv.as_slice()].concat());
    assert_eq!(stdout(&columns), "column,type,nullable,comment\nid,Int64,false,\nname,Utf8,true,\n");
    let missing = run(&server, &["describe", "hr.salaries"]);
    assert_eq!(code(&missing), Some(1));
    assert_eq!(stderr(&missing), "error: no table hr.salaries is visible to you\n");
}

#[test]
fn ping_names_the_server_and_every_command_ends_its_session() {
    let server = TestServer::start();
    let output = run(&server, &["ping"]);
    assert!(stdout(&output).starts_with("Test 9.8.7 at grpc://127.0.0.1:"));
    assert_eq!(server.seen.closed_sessions.load(Ordering::SeqCst), 1);
}

#[test]
fn version_needs_no_server_and_no_login() {
    let output = Command::new(env!("CARGO_BIN_EXE_lakegate")).env_clear().arg("version").output().unwrap();
    let expected = concat!("lakegate ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(stdout(&output), expected);
}

#[test]
fn a_row_limit_stops_an_endless_result_and_says_so() {
    let server = TestServer::start();
    let arguments = ["query", "select endless", "--limit-rows", "3"];
    let output = run(&server, &arguments);
    assert_eq!(code(&output), Some(0));
    assert_eq!(stdout(&output).lines().count(), 2 + 3);
    assert_eq!(stderr(&output), "3 rows shown, more exist\n");
}

#[test]
fn a_reader_that_closes_the_pipe_ends_the_program_quietly() {
    let server = TestServer::start();
    for format in ["table", "csv", "json", "arrow"] {
        let mut child = lakegate(&server, &["query", "select endless", "--format", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        assert!(!reader.fill_buf().unwrap().is_empty());
        drop(reader);
        let output = child.wait_with_output().unwrap();
        assert_eq!(code(&output), Some(0), "{format}");
        assert_eq!(stderr(&output), "", "{format}");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_cancels_the_query_removes_the_partial_file_and_exits_with_130() {
    let server = TestServer::start();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("rows.csv");
    let arguments = ["query", "select slow", "-o", file.to_str().unwrap()];
    let mut child = lakegate(&server, &arguments).stderr(Stdio::piped()).spawn().unwrap();
    // The partial file shows that rows have begun to arrive, and so that the handler is set.
    while fs::read_dir(directory.path()).unwrap().count() == 0 {
        assert!(child.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), Some(130), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    while server.seen.dropped_streams.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_the_program_also_while_nobody_reads_its_output() {
    let server = TestServer::start();
    let mut child = lakegate(&server, &["query", "select endless", "--format", "csv"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    assert!(!reader.fill_buf().unwrap().is_empty());
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[cfg(unix)]
fn interrupt(child: &std::process::Child) {
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}
