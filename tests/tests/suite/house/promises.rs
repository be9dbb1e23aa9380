//! The tests that SECURITY.md names for its promises: they exist, they run with `make test`, and they can fail.

use std::fs;

use super::{assert_none, function_length, root};

/// What a test fails by.
const FAILING: [&str; 3] = ["assert", "panic!(", "unwrap_err()"];

/// A promise is kept by a test that runs and can fail, or it is a wish.
#[test]
fn the_tests_that_hold_the_promises_exist_and_run() {
    let promises = fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let (_, table) = promises.split_once("| promise |").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let quoted = table.split('`').skip(1).step_by(2).filter(|word| word.contains("::"));
    let named: Vec<(&str, &str)> = quoted.map(|word| word.split_once("::").unwrap()).collect();
    assert!(named.len() >= 20, "only {} tests are named", named.len());
    let problems = named.iter().filter_map(|(file, name)| {
        let text = fs::read_to_string(root().join(file)).unwrap_or_default();
        let problem = match file.ends_with(".py") {
            true => problem_of_python(file, &text, name),
            false => problem_of_test(&text, name).or_else(|| unreachable_file(file)),
        };
        problem.map(|problem| format!("{file}::{name}: {problem}"))
    });
    assert_none("tests that SECURITY.md names and that hold nothing", &problems.collect::<Vec<_>>());
    let numbers = 1..=9;
    let absent = numbers.filter(|number| !table.contains(&format!("| G{number} ")));
    assert_eq!(absent.collect::<Vec<_>>(), [0; 0], "promises without a test");
}

/// Why a function of a Rust file is no test that `cargo test` runs and that can fail; `None` if it is one.
fn problem_of_test(text: &str, name: &str) -> Option<&'static str> {
    let lines: Vec<&str> = text.lines().collect();
    let is_it =
        |line: &&str| line.trim_start().trim_start_matches("async ").starts_with(&format!("fn {name}("));
    let Some(place) = lines.iter().position(is_it) else { return Some("there is no such function") };
    // Attributes of several lines have none of their own that begin with `#[` and are not attributes.
    let above = lines[..place].iter().rev().map(|line| line.trim());
    let marks: Vec<&str> =
        above.take_while(|line| !line.is_empty() && *line != "}" && *line != "{").collect();
    if !marks.iter().any(|mark| *mark == "#[test]" || mark.starts_with("#[tokio::test")) {
        return Some("it is not marked as a test");
    }
    if marks.iter().any(|mark| mark.starts_with("#[ignore")) {
        return Some("it is ignored");
    }
    if marks.iter().any(|mark| mark.starts_with("#[should_panic")) {
        return Some("it passes by a panic, which may be another");
    }
    let numbered: Vec<(usize, &str)> = lines.iter().copied().enumerate().collect();
    let length = function_length(lines[place], &numbered[place..])?;
    let helpers = failing_functions(&numbered);
    let calls = |line: &str| helpers.iter().any(|helper| line.contains(&format!("{helper}(")));
    let mut body = lines[place + 1..place + length - 1].iter();
    (!body.any(|line| can_fail(line) || calls(line))).then_some("nothing in it can fail")
}

fn can_fail(line: &str) -> bool {
    FAILING.iter().any(|word| line.contains(word))
}

/// The functions of a file in which something can fail: helpers of its tests.
fn failing_functions<'a>(lines: &[(usize, &'a str)]) -> Vec<&'a str> {
    let named = lines.iter().enumerate().filter_map(|(index, (_, line))| {
        let length = function_length(line, &lines[index..])?;
        let fails = lines[index + 1..index + length].iter().any(|(_, line)| can_fail(line));
        let (_, after) = line.split_once("fn ")?;
        fails.then(|| after.split(['(', '<']).next().unwrap_or_default())
    });
    named.collect()
}

/// Why the tests of a file of Rust are not compiled; `None` if every folder on the way to it names the next.
fn unreachable_file(file: &str) -> Option<&'static str> {
    let (crate_root, inside) = match file.strip_prefix("tests/tests/suite/") {
        Some(inside) => ("tests/tests/suite/main.rs", inside),
        None => ("server/src/lib.rs", file.strip_prefix("server/src/")?),
    };
    let folder = crate_root.rsplit_once('/').unwrap().0;
    let path = inside.trim_end_matches(".rs").trim_end_matches("/mod");
    let mut declaring = crate_root.to_owned();
    let mut walked = folder.to_owned();
    for step in path.split('/') {
        let text = fs::read_to_string(root().join(&declaring)).unwrap_or_default();
        let declares = |line: &str| {
            let line = line.trim().trim_start_matches("pub ").trim_start_matches("pub(crate) ");
            line == format!("mod {step};")
        };
        if !text.lines().any(declares) {
            return Some("no module names its file");
        }
        walked = format!("{walked}/{step}");
        let as_folder = format!("{walked}/mod.rs");
        declaring = if root().join(&as_folder).exists() { as_folder } else { format!("{walked}.rs") };
    }
    None
}

/// The same of a function of a Python file.
fn problem_of_python(file: &str, text: &str, name: &str) -> Option<&'static str> {
    let lines: Vec<&str> = text.lines().collect();
    let is_it = |line: &&str| line.starts_with(&format!("def {name}("));
    let Some(place) = lines.iter().position(is_it) else { return Some("there is no such function") };
    let folders = ["tests/python/test_", "tests/clients/test_", "client/python/tests/test_"];
    if !folders.iter().any(|folder| file.starts_with(folder)) || !name.starts_with("test_") {
        return Some("pytest does not collect it");
    }
    let marks = lines[..place].iter().rev().take_while(|line| line.starts_with('@'));
    if marks.into_iter().any(|mark| mark.contains("skip") || mark.contains("xfail")) {
        return Some("it is skipped");
    }
    let body =
        lines[place + 1..].iter().take_while(|line| line.is_empty() || line.starts_with([' ', '\t', ')']));
    (!body.into_iter().any(|line| line.contains("assert") || line.contains("raises(")))
        .then_some("nothing in it can fail")
}

#[test]
fn a_test_that_does_not_run_or_cannot_fail_holds_no_promise() {
    let whole = "#[test]\nfn f() {\n    assert_eq!(1, 1);\n}\n";
    assert_eq!(problem_of_test(whole, "f"), None);
    assert_eq!(problem_of_test(whole, "g"), Some("there is no such function"));
    let marked = |mark: &str| whole.replace("#[test]", mark);
    assert_eq!(problem_of_test(&marked("// #[test]"), "f"), Some("it is not marked as a test"));
    assert_eq!(problem_of_test(&marked("#[cfg(test)]"), "f"), Some("it is not marked as a test"));
    assert_eq!(problem_of_test(&marked("#[test]\n#[ignore = \"slow\"]"), "f"), Some("it is ignored"));
    let neighbour = "#[test]\nfn e() {\n    assert!(true);\n}\nfn f() {\n    assert!(true);\n}\n";
    assert_eq!(problem_of_test(neighbour, "f"), Some("it is not marked as a test"));
    let helped = "fn table() {\n    assert!(true);\n}\n\n#[test]\nfn f() {\n    table();\n}\n";
    assert_eq!(problem_of_test(helped, "f"), None);
    let idle = "#[test]\nfn f() {\n    run();\n}\n";
    assert_eq!(problem_of_test(idle, "f"), Some("nothing in it can fail"));
    assert_eq!(unreachable_file("tests/tests/suite/house.rs"), None);
    assert_eq!(unreachable_file("server/src/guard/rows/tests.rs"), None);
    assert_eq!(unreachable_file("tests/tests/suite/nowhere.rs"), Some("no module names its file"));
    let python = "def test_a():\n    assert 1\n\n@pytest.mark.skip\ndef test_b():\n    assert 1\n";
    let of = |name: &str| problem_of_python("tests/python/test_x.py", python, name);
    assert_eq!(of("test_a"), None);
    assert_eq!(of("test_b"), Some("it is skipped"));
}
