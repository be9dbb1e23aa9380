//! Rules that look at more than one key, or at the world outside: files, addresses, URLs.
//!
//! All of them run before any port is bound. Each refusal says what to do, and why where it is about secrecy.

use std::net::SocketAddr;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::{Host, Url};

use super::problem::Problem;
use super::{AwsSettings, IdentitySettings, ServerSettings, Settings};

/// Length of a sealing key in bytes (XChaCha20-Poly1305).
const SEALING_KEY_BYTES: usize = 32;

/// Lengths that STS accepts for an external id
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>).
const EXTERNAL_ID_LENGTHS: std::ops::RangeInclusive<usize> = 2..=1224;

/// Longest session tag value that STS accepts.
const TAG_VALUE_LIMIT: usize = 256;

/// What is wrong with settings that were read without a problem.
pub(super) fn check(settings: &Settings) -> Vec<Problem> {
    let mut problems = Vec::new();
    check_server(&settings.server, &mut problems);
    check_admin(settings, &mut problems);
    check_identity(&settings.identity, &mut problems);
    check_aws(&settings.aws, &mut problems);
    problems
}

fn check_server(server: &ServerSettings, problems: &mut Vec<Problem>) {
    match (&server.tls_certificate, &server.tls_key) {
        (Some(certificate), Some(key)) => {
            problems.extend(unreadable("server.tls_certificate", certificate));
            problems.extend(unreadable("server.tls_key", key));
        }
        (Some(_), None) => problems.push(Problem::Missing { key: "server.tls_key".to_owned() }),
        (None, Some(_)) => problems.push(Problem::Missing { key: "server.tls_certificate".to_owned() }),
        (None, None) if is_loopback(server.address) || server.allow_plaintext => {}
        (None, None) => problems.push(refused(
            "server.address",
            "passwords would travel in clear text: set server.tls_certificate and server.tls_key, \
             or server.allow_plaintext behind a proxy that terminates TLS",
        )),
    }
    if let Some(authorities) = &server.tls_client_ca {
        problems.extend(unreadable("server.tls_client_ca", authorities));
        if server.tls_certificate.is_none() {
            problems.push(refused("server.tls_client_ca", "needs server.tls_certificate"));
        }
    }
    if server.max_sql_bytes > server.max_message_bytes {
        problems.push(refused("server.max_sql_bytes", "larger than server.max_message_bytes"));
    }
}

fn check_admin(settings: &Settings, problems: &mut Vec<Problem>) {
    let uses_a_fixed_port = settings.server.address.port() != 0;
    if settings.admin.enabled && uses_a_fixed_port && settings.admin.address == settings.server.address {
        problems.push(refused("admin.address", "the same as server.address"));
    }
}

fn check_identity(identity: &IdentitySettings, problems: &mut Vec<Problem>) {
    let is_sound = |key: &str| STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == SEALING_KEY_BYTES);
    if !identity.sealing_keys.iter().all(|key| is_sound(key.expose())) {
        let reason = "expected 32 bytes in Base64 each, for example from `openssl rand -base64 32`";
        problems.push(refused("identity.sealing_keys", reason));
    }
    if let Some(file) = &identity.sealing_keys_file {
        problems.extend(unreadable("identity.sealing_keys_file", file));
        if !identity.sealing_keys.is_empty() {
            problems.push(refused("identity.sealing_keys_file", "identity.sealing_keys is set as well"));
        }
    }
    let length = identity.external_id.as_ref().map(|id| id.expose().len());
    if length.is_some_and(|length| !EXTERNAL_ID_LENGTHS.contains(&length)) {
        problems.push(refused("identity.external_id", "expected 2 to 1224 letters"));
    }
}

fn check_aws(aws: &AwsSettings, problems: &mut Vec<Problem>) {
    let is_region = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    if !is_region(&aws.region) {
        problems.push(refused("aws.region", "expected a region such as \"eu-central-1\""));
    }
    if aws.caller_tag.expose().len() > TAG_VALUE_LIMIT {
        problems.push(refused("aws.caller_tag", "expected at most 256 letters"));
    }
    let endpoints = [("aws.endpoint_url", &aws.endpoint_url), ("aws.s3_endpoint_url", &aws.s3_endpoint_url)];
    for (key, url) in endpoints {
        if url.as_ref().is_some_and(|url| !protects_credentials(url)) {
            let reason = "vended credentials would travel in clear text: use https, or http on loopback only";
            problems.push(refused(key, reason));
        }
    }
}

fn protects_credentials(url: &Url) -> bool {
    let is_loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    url.scheme() == "https" || is_loopback
}

fn is_loopback(address: SocketAddr) -> bool {
    address.ip().is_loopback()
}

fn unreadable(key: &str, path: &Path) -> Option<Problem> {
    let kind = std::fs::read(path).err()?.kind();
    Some(Problem::Unreadable { origin: key.to_owned(), path: path.to_owned(), kind })
}

fn refused(key: &str, reason: &'static str) -> Problem {
    Problem::Refused { key: key.to_owned(), reason }
}
