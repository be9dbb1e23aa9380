//! The program `lakegate` as its users run it: arguments, output, exit codes.
#![expect(clippy::unwrap_used, reason = "a failed call fails the test")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::Ordering;

use lakegate_client_testing::{NOBODY_LISTENS, PASSWORD, TOKEN, TestServer, USER};

/// The program with no environment that could change its behaviour, and no terminal.
fn lakegate(server: &TestServer, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lakegate"));
    command
        .env_clear()
        // Whoever runs the tests may have profiles.
        .env("HOME", "/nonexistent")
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
    let markdown = run(&server, &["query", "select parts", "--format", "markdown"]);
    assert!(stdout(&markdown).starts_with("| id | name |\n| ---: | --- |\n| 1 | x |\n"));
    assert_eq!((stderr(&csv), stderr(&json), stderr(&markdown)), ("", "", ""));
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
    assert_eq!(
        stderr(&login),
        "error: wrong user or password\nhint: check user and password, or get a new token\n"
    );
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
    assert_eq!(
        stderr(&missing),
        "error: no table hr.salaries is visible to you\n\
         hint: `lakegate tables`, in the shell \\d, lists what you may read\n"
    );
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

/// The program with its standard input.
fn run_with_input(server: &TestServer, arguments: &[&str], input: &str) -> Output {
    let mut child = lakegate(server, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program that ended early does not read the rest.
    drop(stdin.write_all(input.as_bytes()));
    drop(stdin);
    child.wait_with_output().unwrap()
}

#[test]
fn without_a_command_statements_and_commands_are_read_from_a_pipe() {
    let server = TestServer::start();
    let output = run_with_input(&server, &[], "\\x\nselect parts; -- first\n\\x off\n select empty");
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("-[ row 1 ]-\nid   | 1\nname | x\n"));
    assert!(stdout(&output).ends_with("\n\nid | name\n---+-----\n"), "{}", stdout(&output));
    assert!(!stdout(&output).contains("lakegate>"));
    let statements = server.seen.statements.lock().unwrap().clone();
    assert_eq!(statements, ["select parts", "select empty"]);
    assert_eq!(server.seen.closed_sessions.load(Ordering::SeqCst), 1);
}

#[test]
fn a_statement_from_a_pipe_is_run_before_the_next_one_is_written() {
    let server = TestServer::start();
    let mut child = lakegate(&server, &["shell", "--format", "csv"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..2 {
        stdin.write_all(b"select parts\n;\n").unwrap();
        assert_eq!(answers.next().unwrap().unwrap(), "id,name");
        // The eight rows of the result.
        assert_eq!(answers.by_ref().take(8).count(), 8);
    }
    drop(stdin);
    assert!(answers.next().is_none());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_first_error_in_a_pipe_ends_the_run_with_its_exit_code() {
    let server = TestServer::start();
    for (input, expected) in [
        ("select parts; selekt; select empty;", 1),
        ("select forbidden; select empty;", 3),
        ("\\nonsense\nselect empty;", 2),
        ("select 'open", 2),
        ("\\i /nonexistent.sql", 2),
    ] {
        let output = run_with_input(&server, &["shell"], input);
        assert_eq!(code(&output), Some(expected), "{input}");
        assert!(stderr(&output).contains("error: "), "{input}");
    }
    assert!(!server.seen.statements.lock().unwrap().contains(&"select empty".to_owned()));
}

#[test]
fn the_shell_quits_where_it_is_told_to() {
    let server = TestServer::start();
    let output = run_with_input(&server, &[], "select parts;\n\\q\nselekt;");
    assert_eq!(code(&output), Some(0));
    assert_eq!(stderr(&output), "8 rows\n");
}

#[test]
fn results_of_the_shell_follow_one_another_in_a_file_and_binary_ones_have_a_file_each() {
    let server = TestServer::start();
    let directory = tempfile::tempdir().unwrap();
    let csv = directory.path().join("rows.csv");
    let parquet = directory.path().join("rows.parquet");
    let input = format!("\\o {}\nselect parts;\nselect empty;\n\\dn", csv.display());
    let output = run_with_input(&server, &[], &input);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert_eq!(fs::read_to_string(&csv).unwrap().lines().filter(|line| *line == "id,name").count(), 2);
    // What is asked of the catalog is for the one who asks.
    assert!(stdout(&output).contains("db_schema_name"));
    let input = format!("\\o {}\nselect parts;\nselect parts;", parquet.display());
    let output = run_with_input(&server, &[], &input);
    assert_eq!(code(&output), Some(2));
    assert!(stderr(&output).contains("one result per file"), "{}", stderr(&output));
}

#[test]
fn a_file_that_includes_itself_is_an_error_and_no_crash() {
    let server = TestServer::start();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("loop.sql");
    fs::write(&file, format!("\\i {}", file.display())).unwrap();
    let output = run_with_input(&server, &[], &format!("\\i {}", file.display()));
    assert_eq!(code(&output), Some(2));
    assert_eq!(stderr(&output), "error: files include each other too deeply\n");
}

/// A file with profiles that only its owner can read.
fn profiles(directory: &tempfile::TempDir, text: &str) -> String {
    let path = directory.path().join("config.toml");
    fs::write(&path, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_profile_gives_server_user_and_secret() {
    let server = TestServer::start();
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("token"), TOKEN).unwrap();
    let url = server.url();
    let config = profiles(
        &directory,
        &format!(
            "[profile.plain]\nurl = \"{url}\"\nuser = \"{USER}\"\npassword = \"{PASSWORD}\"\n\
             [profile.command]\nurl = \"{url}\"\nuser = \"{USER}\"\npassword_command = \"echo {PASSWORD}\"\n\
             [profile.file]\nurl = \"{url}\"\ntoken_file = \"token\"\n\
             [profile.token]\nurl = \"{url}\"\ntoken_command = \"echo {TOKEN}\"\n"
        ),
    );
    for profile in ["plain", "command", "file", "token"] {
        let output = lakegate(&server, &["ping", "--profile", profile])
            .env("LAKEGATE_CONFIG", &config)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            // A profile that is named comes before the environment.
            .env("LAKEGATE_URL", NOBODY_LISTENS)
            .env("LAKEGATE_USER", "eve")
            .env("LAKEGATE_PASSWORD", "guess")
            .output()
            .unwrap();
        assert_eq!(code(&output), Some(0), "{profile}: {}", stderr(&output));
    }
}

#[test]
fn the_default_profile_comes_after_the_environment() {
    let server = TestServer::start();
    let directory = tempfile::tempdir().unwrap();
    let text = format!("default = \"a\"\n[profile.a]\nurl = \"{NOBODY_LISTENS}\"\nuser = \"eve\"");
    let config = profiles(&directory, &text);
    let output = lakegate(&server, &["ping"]).env("LAKEGATE_CONFIG", &config).output().unwrap();
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    let alone = lakegate(&server, &["ping"])
        .env("LAKEGATE_CONFIG", &config)
        .env_remove("LAKEGATE_URL")
        .output()
        .unwrap();
    assert_eq!(code(&alone), Some(4), "{}", stderr(&alone));
}

#[test]
fn the_secret_of_a_profile_goes_to_no_other_server_and_for_no_other_user() {
    let server = TestServer::start();
    let directory = tempfile::tempdir().unwrap();
    let text =
        format!("[profile.a]\nurl = \"{NOBODY_LISTENS}\"\nuser = \"{USER}\"\npassword = \"{PASSWORD}\"");
    let config = profiles(&directory, &text);
    let url = server.url();
    for arguments in
        [["--profile", "a", "--url", url.as_str(), "ping"], ["--profile", "a", "--user", "eve", "ping"]]
    {
        let output = lakegate(&server, &arguments)
            .env("LAKEGATE_CONFIG", &config)
            .env_remove("LAKEGATE_PASSWORD")
            .output()
            .unwrap();
        assert_eq!(code(&output), Some(2), "{arguments:?}");
        assert!(stderr(&output).starts_with("error: no password"), "{}", stderr(&output));
    }
    assert_eq!(server.seen.handshakes.load(Ordering::SeqCst), 0);
}

#[test]
fn a_profile_that_is_missing_or_open_to_others_is_refused() {
    let server = TestServer::start();
    let directory = tempfile::tempdir().unwrap();
    let config = profiles(&directory, "[profile.a]\nurl = \"grpc://h\"\npassword = \"hunter2\"");
    let ask = |name: &str| {
        lakegate(&server, &["ping", "--profile", name]).env("LAKEGATE_CONFIG", &config).output().unwrap()
    };
    assert_eq!(stderr(&ask("b")), "error: no profile b; there are a\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&config, fs::Permissions::from_mode(0o644)).unwrap();
        let open = ask("a");
        assert_eq!(code(&open), Some(2));
        assert!(stderr(&open).contains("can be read by others\nhint: chmod 600"), "{}", stderr(&open));
        assert!(!stderr(&open).contains("hunter2"));
    }
    let missing = lakegate(&server, &["ping"]).env("LAKEGATE_CONFIG", "/nonexistent.toml").output().unwrap();
    assert_eq!(code(&missing), Some(2));
}

#[test]
fn completions_and_manual_pages_need_no_server_and_name_every_command() {
    let program = |arguments: &[&str]| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_lakegate")).env_clear().args(arguments).output().unwrap();
        assert_eq!(code(&output), Some(0), "{arguments:?}");
        stdout(&output).to_owned()
    };
    for shell in ["bash", "zsh", "fish"] {
        let script = program(&["completions", shell]);
        assert!(script.contains("describe") && script.contains("tls-ca"), "{shell}");
    }
    let page = program(&["man"]);
    assert!(page.contains(".TH lakegate") && page.contains("describe") && page.contains("LAKEGATE_PASSWORD"));
    let folder = tempfile::tempdir().unwrap();
    program(&["man", folder.path().to_str().unwrap()]);
    assert!(folder.path().join("lakegate-query.1").exists());
}
