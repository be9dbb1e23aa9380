//! Which URLs and credentials are accepted, and that nothing prints a secret.
#![expect(clippy::unwrap_used, reason = "a failed parse fails the test")]

use super::*;

fn url_error(text: &str) -> UrlError {
    match text.parse::<ServerUrl>() {
        Err(ClientError::Url(error)) => error,
        other => unreachable!("{text}: {other:?}"),
    }
}

#[test]
fn a_grpc_url_is_plain_and_defaults_to_the_lakegate_port() {
    let url: ServerUrl = "grpc://example.com".parse().unwrap();
    assert!(!url.uses_tls());
    assert_eq!(url.to_string(), "grpc://example.com:32010");
    assert_eq!(url.http_uri(), "http://example.com:32010");
}

#[test]
fn both_tls_schemes_encrypt() {
    for text in ["grpc+tls://example.com:443", "grpcs://example.com:443/"] {
        let url: ServerUrl = text.parse().unwrap();
        assert!(url.uses_tls(), "{text}");
        assert_eq!(url.http_uri(), "https://example.com:443");
    }
}

#[test]
fn ipv6_addresses_keep_their_brackets() {
    let url: ServerUrl = "grpc://[::1]:4000".parse().unwrap();
    assert_eq!(url.http_uri(), "http://[::1]:4000");
    assert!(url.is_loopback());
}

#[test]
fn only_addresses_of_this_machine_are_loopback() {
    for (text, loopback) in [
        ("grpc://127.0.0.1", true),
        ("grpc://LOCALHOST:1", true),
        ("grpc://10.0.0.1", false),
        ("grpc://localhost.example.com", false),
        ("grpc://127.0.0.1.example.com", false),
    ] {
        let url: ServerUrl = text.parse().unwrap();
        assert_eq!(url.is_loopback(), loopback, "{text}");
    }
}

#[test]
fn unusable_urls_are_refused_for_their_reason() {
    for (text, reason) in [
        ("", UrlError::Malformed),
        ("127.0.0.1:32010", UrlError::Malformed),
        ("grpc://host:port", UrlError::Malformed),
        ("https://example.com", UrlError::Scheme),
        ("localhost:32010", UrlError::Scheme),
        ("grpc://", UrlError::Host),
        ("grpc://example.com/db", UrlError::Trailing),
        ("grpc://example.com?x=1", UrlError::Trailing),
        ("grpc://ann:pw@example.com", UrlError::Credentials),
        ("grpc://ann@example.com", UrlError::Credentials),
    ] {
        assert_eq!(url_error(text), reason, "{text}");
    }
}

#[test]
fn an_error_about_a_url_does_not_repeat_the_password_in_it() {
    let error = "grpc://ann:hunter2@example.com".parse::<ServerUrl>().unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[test]
fn user_names_that_basic_authentication_cannot_carry_are_refused() {
    for user in ["", "a:b"] {
        let refused = Credentials::password(user, "pw");
        assert!(matches!(refused, Err(ClientError::UserName)), "{user}");
    }
}

#[test]
fn tokens_that_no_header_can_carry_are_refused() {
    for token in ["", "a\nb"] {
        assert!(matches!(Credentials::token(token), Err(ClientError::Token)));
    }
    assert!(Credentials::token("abc.def-123").is_ok());
}

#[test]
fn debug_output_shows_neither_password_nor_token() {
    let password = Credentials::password("ann", "hunter2").unwrap();
    let token = Credentials::token("hunter2").unwrap();
    let options = ConnectOptions::new("grpc://example.com".parse().unwrap(), password);
    assert!(!format!("{options:?} {token:?}").contains("hunter2"));
}
