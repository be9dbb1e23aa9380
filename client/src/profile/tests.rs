//! What a file with profiles may hold, and that its errors do not repeat it.
#![expect(clippy::unwrap_used, reason = "a failed call fails the test")]

use super::*;

fn content(text: &str) -> Result<Content, ProfileError> {
    parse(Path::new("/config.toml"), text)
}

fn chosen(text: &str, name: Option<&str>) -> Result<Option<Profile>, ProfileError> {
    choose(content(text)?, name, Path::new("/folder"))
}

fn refusal(text: &str, name: Option<&str>) -> String {
    match chosen(text, name) {
        Err(error) => error.to_string(),
        Ok(_) => unreachable!("{text} was accepted"),
    }
}

const TWO: &str = "
default = \"near\"
[profile.near]
url = \"grpc://127.0.0.1\"
user = \"ann\"
[profile.far]
url = \"grpc+tls://lake.example.com\"
tls_ca = \"ca.pem\"
token_file = \"/run/token\"
timeout = 60
";

#[test]
fn a_profile_is_chosen_by_its_name_or_is_the_default() {
    let near = chosen(TWO, None).unwrap().unwrap();
    assert_eq!((near.name.as_str(), near.user.as_deref()), ("near", Some("ann")));
    let far = chosen(TWO, Some("far")).unwrap().unwrap();
    assert_eq!((far.url.as_str(), far.timeout), ("grpc+tls://lake.example.com", Some(60)));
    assert!(matches!(far.secret, Some(SecretSource::TokenFile(file)) if file == Path::new("/run/token")));
    assert!(chosen("", None).unwrap().is_none());
}

#[test]
fn paths_stand_beside_the_file() {
    let far = chosen(TWO, Some("far")).unwrap().unwrap();
    assert_eq!(far.tls_ca.unwrap(), Path::new("/folder/ca.pem"));
}

#[test]
fn a_name_that_no_profile_has_is_answered_with_those_that_there_are() {
    assert_eq!(refusal(TWO, Some("fra")), "no profile fra; there are far, near");
    assert_eq!(refusal("default = \"x\"", None), "no profile x: there are none");
}

#[test]
fn a_profile_has_one_secret() {
    let text = "[profile.a]\nurl = \"grpc://h\"\npassword = \"hunter2\"\ntoken_file = \"t\"";
    assert!(refusal(text, Some("a")).starts_with("profile a has more than one of"));
}

#[test]
fn an_error_names_the_line_and_never_shows_what_stands_there() {
    for (text, line) in [
        ("[profile.a]\nurl = \"grpc://h\"\npasword = \"hunter2\"", 3),
        ("[profile.a]\nurl = \"grpc://h\"\npassword = \"hunter2", 3),
        ("[profile.a]\npassword = \"hunter2\"", 1),
    ] {
        let problem = refusal(text, Some("a"));
        assert!(problem.starts_with(&format!("/config.toml, line {line}: ")), "{problem}");
        assert!(!problem.contains("hunter2"), "{problem}");
    }
}

#[cfg(unix)]
#[test]
fn a_password_needs_a_file_that_only_its_owner_reads_and_a_command_one_that_only_its_owner_writes() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    std::fs::write(&path, "").unwrap();
    let password = content("[profile.a]\nurl = \"grpc://h\"\npassword = \"x\"").unwrap();
    let command = content("[profile.a]\nurl = \"grpc://h\"\npassword_command = \"x\"").unwrap();
    for (mode, for_password, for_command) in
        [(0o600, true, true), (0o640, false, true), (0o644, false, true), (0o664, false, false)]
    {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(check_access(&path, &password).is_ok(), for_password, "{mode:o}");
        assert_eq!(check_access(&path, &command).is_ok(), for_command, "{mode:o}");
    }
}

#[test]
fn a_command_gives_the_first_line_that_it_prints() {
    assert_eq!(run_command("a", "printf 'secret\\nmore\\n'").unwrap(), "secret");
    for (command, text) in [("exit 3", "failed: exit status: 3"), ("true", "printed no text")] {
        let error = run_command("a", command).unwrap_err().to_string();
        assert!(error.starts_with("the command of profile a") && error.ends_with(text), "{error}");
    }
}
