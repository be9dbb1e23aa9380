//! Settings are read, refused and shown as the operator is told.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use super::{ByteSize, LogLevel, Settings, reference};

const ROLE: &str = "arn:aws:iam::123456789012:role/lakegate/analyst";
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$\
                    JwKlv9VqFZJ7V4k6fQ3XyC3bW0y0S4P8m5m8yq5o2mE";

fn read(text: &str, environment: &[(&str, &str)]) -> Result<Settings, String> {
    let environment = environment.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    Settings::from_toml(text, environment).map_err(|error| error.to_string())
}

fn refusal(text: &str, environment: &[(&str, &str)]) -> String {
    read(text, environment).err().unwrap_or_default()
}

#[test]
fn an_empty_file_gives_the_defaults() {
    let settings = read("", &[]).unwrap();
    assert_eq!(settings.server.address.to_string(), "127.0.0.1:32010");
    assert_eq!(settings.access.policy_ttl, Duration::from_secs(30));
    assert_eq!(settings.table.block_cache_bytes, ByteSize::mib(512));
    assert!(settings.users.is_empty());
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_awss_own_variables() {
    let text = "[aws]\nregion = \"eu-west-1\"\n[log]\nlevel = \"warn\"";
    let environment = [
        ("AWS_REGION", "us-west-2"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:4577"),
        ("LAKEGATE__LOG__LEVEL", "debug"),
        ("LAKEGATE_URL", "not a setting"),
    ];
    let settings = read(text, &environment).unwrap();
    assert_eq!(settings.aws.region, "eu-west-1");
    assert_eq!(settings.aws.endpoint_url.unwrap().as_str(), "http://127.0.0.1:4577/");
    assert_eq!(settings.log.level, LogLevel::Debug);
    assert_eq!(read("", &environment).unwrap().aws.region, "us-west-2");
}

#[test]
fn a_user_may_come_from_file_and_environment_together() {
    let text = format!("[users.Ann]\nrole_arn = \"{ROLE}\"");
    let settings = read(&text, &[("LAKEGATE__USERS__Ann__PASSWORD_HASH", HASH)]).unwrap();
    let ann = settings.users.get("Ann").unwrap();
    assert_eq!(ann.role_arn.as_str(), ROLE);
    assert_eq!(ann.password_hash.expose(), HASH);
}

#[test]
fn a_misspelt_key_is_refused_and_the_nearest_one_named() {
    assert_eq!(
        refusal("[access]\npolicy_tll = \"5s\"", &[]),
        "access.policy_tll: unknown key; did you mean access.policy_ttl?"
    );
    assert_eq!(
        refusal("", &[("LAKEGATE__SERVER__MAX_QUEUED_QUERIES", "5")]),
        "LAKEGATE__SERVER__MAX_QUEUED_QUERIES: unknown key; did you mean session.max_queued_queries?"
    );
    assert_eq!(refusal("[acess]\npolicy_ttl = \"5s\"", &[]), "acess: unknown section; did you mean access?");
    assert_eq!(
        refusal("policy_ttl = \"5s\"", &[]),
        "policy_ttl: unknown key; did you mean access.policy_ttl?"
    );
    assert_eq!(refusal("[users.ann]\npassword = \"x\"", &[]), {
        "users.ann.password: unknown key; did you mean password_hash?\n\
         users.ann.password_hash: required and not set\nusers.ann.role_arn: required and not set"
    });
}

#[test]
fn a_section_that_does_not_exist_is_refused_even_when_it_is_empty() {
    assert_eq!(refusal("[acces]", &[]), "acces: unknown section; did you mean access?");
}

#[test]
fn several_problems_are_reported_together_in_the_order_of_their_sources() {
    let text = "[engine]\nbatch_rows = 0\nstatement_timeout = \"soon\"\n[server]\ntls_key = \"/nonexistent\"";
    assert_eq!(
        refusal(text, &[("LAKEGATE__LOG__LEVEL", "loud")]),
        "engine.batch_rows: expected 64 to 65536\n\
         engine.statement_timeout: expected a duration such as \"30s\" or \"1h 30m\"\n\
         LAKEGATE__LOG__LEVEL: expected one of error, warn, info, debug, trace\n\
         server.tls_certificate: required and not set"
    );
}

#[test]
fn a_problem_never_repeats_the_value() {
    let canary = "canary-value";
    for text in [
        format!("[identity]\nsealing_keys = [\"{canary}\"]"),
        format!("[identity]\nsealing_keys = \"{canary}"),
        format!("[server]\naddress = \"{canary}\""),
        format!("[users.ann]\nrole_arn = \"{canary}\"\npassword_hash = \"{canary}\""),
        format!("[users]\nann = \"{canary}\""),
        format!("identity = \"{canary}\""),
        format!("[identity]\nexternal_id = {canary}"),
    ] {
        let refusal = refusal(&text, &[]);
        assert!(!refusal.is_empty() && !refusal.contains(canary), "{text}\n{refusal}");
    }
}

#[test]
fn secrets_are_hidden_wherever_settings_are_shown() {
    let key = "Y2FuYXJ5LWtleS1jYW5hcnkta2V5LWNhbmFyeS1rZXk=";
    let text = format!(
        "[identity]\nsealing_keys = [\"{key}\"]\nexternal_id = \"canary-external\"\n\
         [aws]\ncaller_tag = \"canary-tag\"\n\
         [users.ann]\npassword_hash = \"{HASH}\"\nrole_arn = \"{ROLE}\""
    );
    let settings = read(&text, &[]).unwrap();
    let shown = format!("{settings:?}\n{settings:#?}\n{}", settings.to_toml());
    for secret in [key, "canary", "$argon2id"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    assert!(shown.contains(ROLE));
}

#[test]
fn what_is_shown_reads_back_as_the_same_settings() {
    let text = "[server]\nkeepalive = \"1m 30s\"\nmax_sql_bytes = \"1536KiB\"\n[engine]\nspill_directory = \"/var/\\\"x\\\"\"";
    let shown = read(text, &[]).unwrap().to_toml();
    assert_eq!(read(&shown, &[]).unwrap().to_toml(), shown);
}

#[test]
fn nothing_secret_may_travel_in_clear_text_by_default() {
    assert!(
        refusal("[server]\naddress = \"0.0.0.0:32010\"", &[]).starts_with("server.address: passwords would")
    );
    assert!(read("[server]\naddress = \"0.0.0.0:32010\"\nallow_plaintext = true", &[]).is_ok());
    assert!(
        refusal("[aws]\nendpoint_url = \"http://10.0.0.1\"", &[]).starts_with("aws.endpoint_url: vended")
    );
    assert!(
        refusal("[aws]\ns3_endpoint_url = \"http://localhost.example\"", &[])
            .starts_with("aws.s3_endpoint_url")
    );
    assert!(read("[aws]\nendpoint_url = \"http://[::1]:4577\"", &[]).is_ok());
}

#[test]
fn what_contradicts_itself_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let key = "Y2FuYXJ5LWtleS1jYW5hcnkta2V5LWNhbmFyeS1rZXk=";
    let keys = format!("[identity]\nsealing_keys = [\"{key}\"]\nsealing_keys_file = {file:?}");
    assert_eq!(refusal(&keys, &[]), "identity.sealing_keys_file: identity.sealing_keys is set as well");
    let authorities = format!("[server]\ntls_client_ca = {file:?}");
    assert_eq!(refusal(&authorities, &[]), "server.tls_client_ca: needs server.tls_certificate");
    let both = format!("{authorities}\ntls_certificate = {file:?}\ntls_key = {file:?}");
    assert!(read(&both, &[]).is_ok());
}

#[test]
fn tls_files_must_be_readable_before_the_start() {
    let text = "[server]\ntls_certificate = \"/nonexistent/cert\"\ntls_key = \"/nonexistent/key\"";
    assert_eq!(
        refusal(text, &[]),
        "server.tls_certificate: cannot read /nonexistent/cert: entity not found\n\
         server.tls_key: cannot read /nonexistent/key: entity not found"
    );
}

#[test]
fn a_password_instead_of_its_hash_is_refused() {
    let text = format!("[users.ann]\npassword_hash = \"secret\"\nrole_arn = \"{ROLE}\"");
    assert!(refusal(&text, &[]).starts_with("users.ann.password_hash: expected an Argon2 PHC string"));
}

#[test]
fn sizes_have_binary_units_and_no_guesses() {
    let sql_limit = |size: &str| {
        read("", &[("LAKEGATE__SERVER__MAX_SQL_BYTES", size)]).map(|settings| settings.server.max_sql_bytes)
    };
    assert_eq!(sql_limit("64 kib"), Ok(ByteSize::kib(64)));
    assert_eq!(sql_limit("2048B"), Ok(ByteSize::kib(2)));
    for size in ["1MB", "1.5MiB", "1048576", "-1MiB", "", "99999999999999999999B", "18446744073709551615TiB"]
    {
        assert!(sql_limit(size).is_err(), "{size}");
    }
}

#[test]
fn the_readme_carries_the_reference_of_all_keys() {
    let readme = include_str!("../../README.md");
    let is_current = readme.contains(&reference());
    assert!(
        is_current,
        "server/README.md: replace the reference by the output of `lakegate-server config --reference`"
    );
}
