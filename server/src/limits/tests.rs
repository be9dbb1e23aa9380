//! That the table is complete, and the README says what it says.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the sources has failed")]

use super::*;

/// Words of which one is in the name of each limit.
const WORDS: [&str; 4] = ["MOST", "LIMIT", "MAX_", "LONGEST"];

#[test]
fn the_readme_carries_every_limit() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    if env::var_os("LAKEGATE_GOLDEN").is_some_and(|mode| mode == "write") {
        let (before, rest) = readme.split_once(BEGIN).unwrap();
        let after = rest.split_once("\n## ").map(|(_, after)| format!("## {after}")).unwrap_or_default();
        fs::write(&path, format!("{before}{}{after}", section())).unwrap();
        return;
    }
    assert!(
        readme.contains(&section()),
        "server/README.md: `LAKEGATE_GOLDEN=write cargo test --lib limits` writes the section Limits anew"
    );
}

#[test]
fn no_constant_that_is_called_like_a_limit_is_missing() {
    let listed = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with("# "));
    let listed = listed.filter_map(|line| columns(line)[0].split_once(' '));
    let known: Vec<(&str, &str)> = listed.chain(NO_LIMITS.iter().copied()).collect();
    let mut missing = Vec::new();
    let mut folders = vec![sources()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let file = path.strip_prefix(sources()).unwrap().to_string_lossy().replace('\\', "/");
            let is_test = file.contains("tests") || file.contains("fuzzing") || file.starts_with("limits");
            if path.is_dir() {
                folders.push(path);
            } else if file.ends_with(".rs") && !is_test {
                let text = fs::read_to_string(&path).unwrap();
                let names =
                    text.lines().filter_map(name).filter(|name| WORDS.iter().any(|word| name.contains(word)));
                missing.extend(
                    names
                        .filter(|name| !known.contains(&(file.as_str(), *name)))
                        .map(|name| format!("{file} {name}")),
                );
            }
        }
    }
    assert!(missing.is_empty(), "give each a line in a table of limits.rs, or in NO_LIMITS: {missing:#?}");
}

/// The name of a constant that is a number or a time.
fn name(line: &str) -> Option<&str> {
    let declaration = line.split_once("const ").filter(|(before, _)| !before.contains(['/', '"']))?.1;
    let (name, rest) = declaration.split_once(": ")?;
    let kind = rest.split_once(" = ")?.0;
    ["usize", "u64", "u32", "i64", "i32", "f64", "Duration"].contains(&kind).then_some(name)
}

#[test]
fn values_are_shown_as_people_write_them() {
    assert_eq!(in_words("16 * 1024 * 1024", "bytes"), "16 MiB");
    assert_eq!(in_words("1 << 31", "steps"), "2,147,483,648 steps");
    assert_eq!(in_words("512 << 20", "bytes"), "512 MiB");
    assert_eq!(in_words("Duration::from_secs(5)", ""), "5 s");
    assert_eq!(in_words("4_096", "columns"), "4,096 columns");
    assert_eq!(in_words("64", "levels"), "64 levels");
}
