//! Which files make a configuration. What it does on a connection is in `tests/tests/suite/tls.rs`.

#![expect(clippy::unwrap_used, reason = "a test that cannot make its certificates should stop")]

use rcgen::CertifiedKey;

use super::*;

struct Pem {
    certificate: String,
    key: String,
}

fn made() -> Pem {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    Pem { certificate: cert.pem(), key: signing_key.serialize_pem() }
}

fn configure(files: &[&str]) -> Result<ServerConfig, Error> {
    let files: Vec<Content> = files.iter().map(|text| Content::new(text.as_bytes().to_vec())).collect();
    configuration(&files)
}

#[test]
fn only_http2_is_spoken_inside() {
    let Pem { certificate, key } = made();
    assert_eq!(configure(&[&certificate, &key]).unwrap().alpn_protocols, [b"h2"]);
    assert!(configure(&[&certificate, &key, &certificate]).is_ok(), "any certificate can be an authority");
}

#[test]
fn files_that_do_not_fit_are_refused_and_a_key_is_not_repeated() {
    let (one, other) = (made(), made());
    let torn = one.key.replace("-----END", "----canary-END");
    for files in [
        [one.certificate.as_str(), other.key.as_str(), one.certificate.as_str()],
        [&one.key, &one.key, &one.certificate],
        [&one.certificate, &one.certificate, &one.certificate],
        [&one.certificate, "", &one.certificate],
        ["", &one.key, &one.certificate],
        [&one.certificate, &torn, &one.certificate],
        [&one.certificate, &one.key, ""],
        [&one.certificate, &one.key, &one.key],
        [&one.certificate, &one.key, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
    ] {
        let error = configure(&files).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(!error.internal_text().contains("canary"), "{}", error.internal_text());
    }
}
