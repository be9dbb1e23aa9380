//! The house rules of the code base, read from its sources: who may import whom, and how large things may get.
//!
//! The compiler keeps most promises of the architecture; these are the ones it cannot see. A rule that fails names the
//! file and the line. Sources are read as text, which is enough because they are formatted by rustfmt.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the sources has failed")]

mod promises;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold production code.
const PRODUCTION: [&str; 5] = ["server/src", "client/src", "proto/src", "deploy/sandbox/src", "tests/src"];

/// All folders that hold Rust code.
const ALL: [&str; 5] = ["server", "client", "proto", "deploy/sandbox", "tests"];

/// Rooms of `server/src` with their ranks: a room imports only from its own rank and those below, as in the
/// architecture's table of rooms. Neighbours of one rank may not import each other both ways.
const RANKS: [(&str, u8); 29] = [
    ("main", 10),
    ("cli", 10),
    ("app", 10),
    ("fuzzing", 10),
    ("wire", 9),
    ("admin", 9),
    ("pipeline", 8),
    ("session", 7),
    ("engine", 6),
    ("guard", 5),
    ("table", 4),
    ("planner", 4),
    ("identity", 3),
    ("catalog", 3),
    ("access", 3),
    ("aws", 2),
    ("sql", 2),
    ("settings", 1),
    ("telemetry", 1),
    ("context", 1),
    ("audit", 1),
    ("reload", 1),
    ("functions", 1),
    ("stop", 1),
    ("clock", 0),
    ("ids", 0),
    ("error", 0),
    ("mutant", 0),
    ("lib", 10),
];

/// Words that may stand only under one path of `server/src`, and why.
const FENCED: [(&str, &str, &str); 8] = [
    ("aws_sdk_", "aws/", "one owner of retries, timeouts and error codes"),
    ("aws_config", "aws/", "one owner of the server's own credentials"),
    ("delta_kernel::", "table/", "paths are jailed and stores bound to one grant there"),
    ("delta_kernel_engine::", "table/", "paths are jailed and stores bound to one grant there"),
    ("object_store::", "table/", "stores are jailed and bound to one grant there"),
    ("AmazonS3Builder::", "table/", "stores are bound to one grant there"),
    (
        "SessionStateBuilder::",
        "guard/session.rs",
        "a state made elsewhere sees unchecked tables and functions",
    ),
    (
        "SessionContext::new",
        "guard/session.rs",
        "a context made elsewhere sees unchecked tables and functions",
    ),
];

const FILE_LIMIT: usize = 400;
const MEDIAN_LIMIT: usize = 150;
const FUNCTION_LIMIT: usize = 70;

/// One source file.
struct Source {
    /// Path from the repository's root, with forward slashes.
    path: String,
    text: String,
}

impl Source {
    fn is_test(&self) -> bool {
        self.path.starts_with("server/src/limits")
            || self.path.ends_with("tests.rs")
            || self.path.contains("/tests/")
            || self.path.contains("/benches/")
    }

    /// Lines of production code with their numbers: no comments, and nothing from an inline test module on.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines: Vec<&str> = self.text.lines().collect();
        let is_test_module = |pair: &[&str]| {
            pair[0].trim() == "#[cfg(test)]"
                && pair[1].trim_start().starts_with("mod ")
                && pair[1].ends_with('{')
        };
        let end = lines.windows(2).position(is_test_module).unwrap_or(lines.len());
        let numbered = lines.into_iter().take(end).enumerate().map(|(index, line)| (index + 1, line));
        numbered.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// The room of a file of `server/src`.
    fn room(&self) -> &str {
        let inside = self.path.strip_prefix("server/src/").unwrap();
        inside.split('/').next().unwrap().trim_end_matches(".rs")
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn sources(folders: &[&str]) -> Vec<Source> {
    let root = root();
    let mut found = Vec::new();
    for folder in folders {
        collect(&root, &root.join(folder), &mut found);
    }
    assert!(!found.is_empty(), "no sources under {folders:?}");
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<Source>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let is_build_output = path.ends_with("target");
        if path.is_dir() && !is_build_output {
            collect(root, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
            found.push(Source { path: name, text: fs::read_to_string(&path).unwrap() });
        }
    }
}

fn server_code() -> Vec<Source> {
    sources(&["server/src"]).into_iter().filter(|source| !source.is_test()).collect()
}

fn assert_none(rule: &str, violations: &[String]) {
    assert!(violations.is_empty(), "{rule}:\n{}", violations.join("\n"));
}

/// The rooms that a source names after `crate::`, with line numbers; `crate::{a, b::c}` names two.
fn imported_rooms(source: &Source) -> Vec<(usize, String)> {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let first_word =
        |text: &str| text.trim_start().chars().take_while(|letter| is_word(*letter)).collect::<String>();
    let (numbers, lines): (Vec<usize>, Vec<&str>) = source.code().unzip();
    // As one text, because rustfmt breaks long groups.
    let text = lines.join("\n");
    let mut rooms = Vec::new();
    for (start, _) in text.match_indices("crate::") {
        // `$crate::` and `lakegate_crate::` are other things.
        let before = text[..start].chars().next_back();
        if before.is_some_and(|letter| is_word(letter) || letter == '$') {
            continue;
        }
        let number = numbers[text[..start].matches('\n').count()];
        let rest = &text[start + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => rooms.extend(split_group(group).map(|item| (number, first_word(item)))),
            None => rooms.push((number, first_word(rest))),
        }
    }
    rooms.retain(|(_, room)| !room.is_empty());
    rooms
}

/// The items of an import group, up to the brace that closes it: in `a::{b, c}, d}; …` these are `a::{b, c}` and `d`.
fn split_group(group: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_i32;
    let end = group.find(|letter| {
        depth += i32::from(letter == '{') - i32::from(letter == '}');
        depth < 0
    });
    let mut depth = 0_i32;
    group[..end.unwrap_or(group.len())].split(move |letter| {
        depth += i32::from(letter == '{') - i32::from(letter == '}');
        letter == ',' && depth == 0
    })
}

#[test]
fn every_room_has_a_rank() {
    let ranks: BTreeMap<&str, u8> = RANKS.into_iter().collect();
    let files = server_code();
    let rooms: BTreeSet<&str> = files.iter().map(Source::room).collect();
    let unranked: Vec<String> =
        rooms.iter().filter(|room| !ranks.contains_key(*room)).map(|room| (*room).to_owned()).collect();
    assert_none("rooms without a rank: give them one here and in the architecture", &unranked);
}

#[test]
fn a_room_imports_only_from_rooms_below_it() {
    let ranks: BTreeMap<&str, u8> = RANKS.into_iter().collect();
    let mut violations = Vec::new();
    let mut neighbours: BTreeMap<(String, String), String> = BTreeMap::new();
    for source in server_code() {
        let own = source.room();
        for (number, room) in imported_rooms(&source) {
            let Some(rank) = ranks.get(room.as_str()) else {
                continue;
            };
            let place = format!("{}:{number}: {own} imports {room}", source.path);
            if *rank > ranks[own] {
                violations.push(place);
            } else if *rank == ranks[own] && room != own && own != "lib" {
                neighbours.insert((own.to_owned(), room), place);
            }
        }
    }
    for ((own, room), place) in &neighbours {
        if neighbours.contains_key(&(room.clone(), own.clone())) {
            violations.push(format!("{place}, and the other way round"));
        }
    }
    assert_none("upward or circular imports", &violations);
}

#[test]
fn no_room_is_left_by_its_back_door() {
    let mut violations = Vec::new();
    for source in server_code() {
        let inside =
            source.path.strip_prefix("server/src/").unwrap().trim_end_matches(".rs").trim_end_matches("/mod");
        let depth = inside.split('/').count();
        for (number, line) in source.code() {
            let steps = line.matches("super::").count();
            let is_one_path = line.contains(&"super::".repeat(steps));
            if steps >= depth && is_one_path {
                violations.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    assert_none("`super::` that leaves the room: write `crate::…`, so that its rank is checked", &violations);
}

#[test]
fn what_one_room_owns_is_used_nowhere_else() {
    let mut violations = Vec::new();
    for source in server_code() {
        let inside = source.path.strip_prefix("server/src/").unwrap();
        for (number, line) in source.code() {
            let broken =
                FENCED.iter().filter(|(word, home, _)| line.contains(word) && !inside.starts_with(home));
            violations.extend(broken.map(|(word, home, why)| {
                format!("{}:{number}: {word} belongs to {home}: {why}", source.path)
            }));
        }
    }
    assert_none("fenced words outside their room", &violations);
}

#[test]
fn every_file_says_what_it_holds() {
    let files = sources(&ALL);
    let silent =
        files.iter().filter(|source| !source.text.starts_with("//!")).map(|source| source.path.clone());
    assert_none("files that do not open with `//!`", &silent.collect::<Vec<_>>());
}

#[test]
fn files_stay_small() {
    let files = sources(&PRODUCTION);
    let lines = |source: &Source| source.text.lines().count();
    let production: Vec<&Source> = files.iter().filter(|source| !source.is_test()).collect();
    let large = production.iter().filter(|source| lines(source) > FILE_LIMIT);
    let large = large.map(|source| format!("{}: {} lines", source.path, lines(source)));
    assert_none("files that want to be two rooms", &large.collect::<Vec<_>>());

    let mut sizes: Vec<usize> = production.iter().map(|source| lines(source)).collect();
    sizes.sort_unstable();
    let median = sizes[sizes.len() / 2];
    assert!(median <= MEDIAN_LIMIT, "the median file has {median} lines, at most {MEDIAN_LIMIT} are allowed");
}

#[test]
fn functions_stay_short() {
    let mut violations = Vec::new();
    for source in sources(&PRODUCTION).iter().filter(|source| !source.is_test()) {
        let lines: Vec<(usize, &str)> = source.code().collect();
        for (index, (number, line)) in lines.iter().enumerate() {
            let Some(length) = function_length(line, &lines[index..]) else {
                continue;
            };
            if length > FUNCTION_LIMIT {
                violations.push(format!("{}:{number}: {length} lines", source.path));
            }
        }
    }
    assert_none("functions that tell more than one thing", &violations);
}

/// Lines from a function's first to the brace that closes it at the same indentation; `None` if `line` begins none.
fn function_length(line: &str, rest: &[(usize, &str)]) -> Option<usize> {
    let words = line.trim_start();
    let without_visibility = words.strip_prefix("pub").map_or(words, |after| {
        after.trim_start_matches("(crate)").trim_start_matches("(super)").trim_start()
    });
    let without_qualifiers = without_visibility.trim_start_matches("const ").trim_start_matches("async ");
    if !without_qualifiers.starts_with("fn ") {
        return None;
    }
    let opens = rest.iter().position(|(_, line)| line.ends_with('{') || line.ends_with('}'))?;
    let declares = rest.iter().position(|(_, line)| line.ends_with(';'));
    if declares.is_some_and(|declares| declares < opens) || rest[opens].1.ends_with('}') {
        return None;
    }
    let indentation = &line[..line.len() - words.len()];
    let closing = format!("{indentation}}}");
    let last = rest.iter().find(|(_, line)| *line == closing)?;
    Some(last.0 - rest[0].0 + 1)
}

#[test]
fn production_code_has_no_shortcut_to_a_panic() {
    // Clippy denies these; this holds even where somebody silences it.
    let shortcuts =
        [".unwrap()", ".expect(\"", "panic!(", "todo!(", "unimplemented!(", "#[allow(", "#![allow("];
    let mut violations = Vec::new();
    for source in sources(&PRODUCTION).iter().filter(|source| !source.is_test()) {
        for (number, line) in source.code() {
            if shortcuts.iter().any(|shortcut| line.contains(shortcut)) {
                violations.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    assert_none("a remote panic is an outage", &violations);
}

/// Switched-on faults of the guard must not get into a release, nor into the server that people run.
#[test]
fn nothing_but_the_test_server_enables_the_faults_of_the_guard_and_each_has_its_place() {
    let list = fs::read_to_string(root().join("server/src/mutant.rs")).unwrap();
    for fenced in
        ["static ON: ", "pub fn switch_on(", "impl Mutant {\n    /// Whether the fault is switched on.\n"]
    {
        let place = list.find(fenced).unwrap_or_else(|| panic!("no {fenced}"));
        let item = list[..place].rsplit("\n\n").next().unwrap();
        assert!(item.contains("#[cfg(debug_assertions)]"), "a release could have faults: {fenced}");
    }
    let all = sources(&ALL);
    let callers = all.iter().filter(|source| source.text.contains("mutant::switch_on"));
    let callers: Vec<&str> = callers
        .map(|source| source.path.as_str())
        .filter(|path| *path != "tests/tests/suite/house.rs")
        .collect();
    assert_eq!(callers, ["tests/src/bin/lakegate-test-server.rs"]);
    let calls = server_code().iter().map(|source| source.text.matches("switch_on(").count()).sum::<usize>();
    assert_eq!(calls, 1, "the server itself switches a fault on");
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(!manifest.contains("debug-assertions"), "a release could be built with the faults");

    let code = server_code();
    let places = |name: &str| {
        let word = format!("Mutant::{name}.");
        code.iter().filter(|source| source.text.contains(&word)).count()
    };
    let faults = crate::mutants::faults();
    let placeless = faults.iter().filter(|fault| places(fault.name) == 0).map(|fault| fault.name.to_owned());
    assert_none("faults that break nothing", &placeless.collect::<Vec<_>>());
}

#[test]
fn the_readers_of_this_file_find_what_they_look_for() {
    let source = Source {
        path: "server/src/x/mod.rs".to_owned(),
        text: "use crate::guard::A;\n// use crate::no::B;\nuse crate::{\n    wire::{C, D},\n    app,\n};\nfn f() { crate::sql::g() }\n\
               #[cfg(test)]\nmod tests {\n    use crate::never::E;\n}\n"
            .to_owned(),
    };
    let expected =
        [(1, "guard"), (3, "wire"), (3, "app"), (7, "sql")].map(|(number, room)| (number, room.to_owned()));
    assert_eq!(imported_rooms(&source), expected);

    let text = "    pub(crate) async fn f(\n        a: u8,\n    ) -> u8 {\n        a\n    }";
    let lines: Vec<(usize, &str)> = text.lines().enumerate().collect();
    assert_eq!(function_length(lines[0].1, &lines), Some(5));
    assert_eq!(
        function_length("    fn g();", &[(0, "    fn g();"), (1, "    fn h() {"), (2, "    }")]),
        None
    );
}
