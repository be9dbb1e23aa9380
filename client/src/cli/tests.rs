//! What the argument parser accepts and refuses.
#![expect(clippy::unwrap_used, reason = "a failed parse fails the test")]

use clap::CommandFactory;
use clap::error::ErrorKind;

use super::*;

fn parse(arguments: &[&str]) -> Result<Cli, ErrorKind> {
    let program = std::iter::once(&"lakegate");
    Cli::try_parse_from(program.chain(arguments)).map_err(|error| error.kind())
}

fn plan(arguments: &[&str], stdout_is_terminal: bool) -> Result<OutputPlan, UsageError> {
    let query = [&["query", "select 1"], arguments].concat();
    let screen = Size { columns: 80, rows: 24 };
    match parse(&query).unwrap().command {
        Some(Command::Query { output, .. }) => output.plan(stdout_is_terminal.then_some(screen)),
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn the_definition_of_the_arguments_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn options_of_the_connection_stand_before_or_after_the_command() {
    for arguments in [["-u", "ann", "ping"], ["ping", "-u", "ann"]] {
        assert_eq!(parse(&arguments).unwrap().server.user.as_deref(), Some("ann"));
    }
}

#[test]
fn schemas_is_another_name_for_databases() {
    let command = parse(&["schemas"]).unwrap().command;
    assert!(matches!(command, Some(Command::Databases { .. })));
}

#[test]
fn there_is_no_argument_that_takes_a_password_or_token() {
    for argument in ["--password=x", "--token=x", "-p=x"] {
        let refused = parse(&["ping", argument]).unwrap_err();
        assert_eq!(refused, ErrorKind::UnknownArgument, "{argument}");
    }
}

#[test]
fn a_statement_comes_from_one_place_only() {
    let refused = parse(&["query", "select 1", "-f", "x.sql"]).unwrap_err();
    assert_eq!(refused, ErrorKind::ArgumentConflict);
}

#[test]
fn numbers_that_mean_nothing_are_refused() {
    for arguments in [
        ["--timeout", "0", "ping"].as_slice(),
        &["query", "select 1", "--max-width", "0"],
        &["query", "select 1", "--limit-rows", "-1"],
        &["query", "select 1", "--format", "xml"],
    ] {
        assert!(parse(arguments).is_err(), "{arguments:?}");
    }
}

#[test]
fn the_format_follows_the_name_of_the_output_file() {
    for (file, format) in [
        ("a.csv", Format::Csv),
        ("a.JSON", Format::Json),
        ("a.jsonl", Format::Json),
        ("a.ndjson", Format::Json),
        ("a.parquet", Format::Parquet),
        ("a.arrow", Format::Arrow),
        ("a.md", Format::Markdown),
        ("a.txt", Format::Table),
    ] {
        assert_eq!(plan(&["-o", file], true).unwrap().format, format, "{file}");
    }
    assert_eq!(plan(&["-o", "a"], true).unwrap_err(), UsageError::FormatUnknown);
    let explicit = plan(&["-o", "a.csv", "--format", "json"], true).unwrap();
    assert_eq!(explicit.format, Format::Json);
}

#[test]
fn binary_formats_never_reach_a_terminal() {
    let parquet = plan(&["--format", "parquet"], false).unwrap_err();
    assert_eq!(parquet, UsageError::NeedsOutputFile);
    let arrow = plan(&["--format", "arrow"], true).unwrap_err();
    assert_eq!(arrow, UsageError::BinaryToTerminal);
    assert!(plan(&["--format", "arrow"], false).is_ok());
}

#[test]
fn a_result_for_programs_cannot_be_shortened() {
    for option in [["--limit-rows", "5"], ["--max-width", "5"]] {
        let arguments = ["--format", "csv", option[0], option[1]];
        assert_eq!(plan(&arguments, true).unwrap_err(), UsageError::OnlyForTable);
        assert!(plan(&option, true).is_ok());
    }
}

#[test]
fn only_a_terminal_gets_lines_that_fit_and_a_pager() {
    let shown = plan(&[], true).unwrap();
    assert_eq!(shown.layout.screen_width, Some(80));
    assert_eq!(shown.screen.unwrap().1, 24);
    for plan in [plan(&[], false).unwrap(), plan(&["-o", "a.txt"], true).unwrap()] {
        assert!(plan.layout.screen_width.is_none() && plan.screen.is_none() && !plan.layout.to_terminal);
    }
    let wide = plan(&["--max-width", "500"], true).unwrap();
    assert_eq!((wide.layout.max_width, wide.layout.screen_width), (Some(500), None));
    assert_eq!(plan(&["--no-pager"], true).unwrap().screen.unwrap().0, Pager::None);
}

#[test]
fn a_line_for_each_value_is_asked_for_with_or_without_a_word() {
    for (arguments, expected) in [
        ([].as_slice(), Expanded::Off),
        (&["-x"], Expanded::On),
        (&["--expanded"], Expanded::On),
        (&["--expanded=auto"], Expanded::Auto),
    ] {
        assert_eq!(plan(arguments, true).unwrap().layout.expanded, expected, "{arguments:?}");
    }
}

#[test]
fn without_a_command_there_is_the_shell() {
    assert!(parse(&["-u", "ann"]).unwrap().command.is_none());
}

#[test]
fn a_directory_is_not_an_output_file() {
    let directory = std::env::temp_dir();
    let arguments = ["--format", "csv", "-o", directory.to_str().unwrap()];
    assert_eq!(plan(&arguments, false).unwrap_err(), UsageError::OutputIsDirectory);
}

#[test]
fn a_table_is_named_with_its_database_and_without_regard_to_case() {
    let name = table_name("Sales.Nation").unwrap();
    assert_eq!(name, ("sales".to_owned(), "nation".to_owned()));
    for wrong in ["nation", ".nation", "sales.", "a.b.c", ""] {
        assert_eq!(table_name(wrong).unwrap_err(), UsageError::TableName);
    }
}

#[test]
fn an_empty_statement_is_refused() {
    let refused = statement(Some(" \n".into()), None).unwrap_err();
    assert!(matches!(refused, Failure::Usage(UsageError::EmptyStatement)));
}

#[test]
fn a_statement_file_that_is_missing_is_named_in_the_error() {
    let refused = statement(None, Some(Path::new("/nonexistent/q.sql"))).unwrap_err();
    assert!(refused.to_string().contains("/nonexistent/q.sql"));
    assert_eq!(refused.exit_code(), 2);
}
