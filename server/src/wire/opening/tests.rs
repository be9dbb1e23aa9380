//! The first bytes of clients of all kinds.

#![expect(clippy::unwrap_used, reason = "reading from memory does not fail")]

use super::*;

async fn read(bytes: &[u8]) -> Opening {
    Opening::read(&mut &*bytes).await.unwrap()
}

#[tokio::test]
async fn each_protocol_is_told_by_its_first_bytes() {
    assert_eq!(read(PREFACE).await, Opening::Http2);
    assert_eq!(read(b"\x16\x03\x01\x02\x00").await, Opening::Tls);
    for request in ["GET / HTTP/1.1\r\n", "POST /x HTTP/1.1\r\n", "PUT", "G", "OPTIONS * HTTP/1.1\r\n"] {
        assert_eq!(read(request.as_bytes()).await, Opening::Http1, "{request}");
    }
    for other in ["\0\0\0", "SSH-2.0-OpenSSH", "get /", " ", "PRI * HTTP/1.0\r\n", "PRI * HT", "\x15\x03"] {
        assert!(matches!(read(other.as_bytes()).await, Opening::Unknown | Opening::Http1), "{other}");
    }
    assert_eq!(read(b"SSH-2.0-OpenSSH").await, Opening::Unknown);
    assert_eq!(read(b"").await, Opening::Nothing);
}

#[tokio::test]
async fn what_follows_the_preface_stays_unread() {
    let mut connection = &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nSETTINGS"[..];
    assert_eq!(Opening::read(&mut connection).await.unwrap(), Opening::Http2);
    assert_eq!(connection, b"SETTINGS");
}

#[test]
fn a_port_serves_http2_with_its_own_security_only() {
    for (is_inside_tls, wants_tls) in [(false, false), (true, true)] {
        assert_eq!(Opening::Http2.refusal(is_inside_tls, wants_tls), None);
    }
    let refused = Opening::Http2.refusal(false, true);
    assert_eq!(refused, Some(ConnectionRefusal::PlaintextOnTls));
    assert_eq!(Opening::Tls.refusal(false, false), Some(ConnectionRefusal::TlsOnPlaintext));
}

#[test]
fn the_goaway_is_two_frames_of_the_length_that_they_say() {
    let bytes = goaway();
    assert_eq!(bytes[..9], [0, 0, 0, 4, 0, 0, 0, 0, 0]);
    assert_eq!(bytes[9..18], [0, 0, 8 + 20, 7, 0, 0, 0, 0, 0]);
    assert_eq!(bytes.len(), 18 + 8 + 20);
    assert!(bytes.ends_with(b"this port speaks TLS"));
}
