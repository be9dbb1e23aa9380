//! The first bytes of a connection: what a client speaks, and the answer to one that speaks something else.
//!
//! The top question of Flight SQL users is TLS on one side only, and the errors that they see say nothing of it. So each
//! such client gets an answer that it can show, in its own language, and the log says what it was.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::telemetry::metrics::ConnectionRefusal;

/// What a client sends first over HTTP/2 (RFC 9113, section 3.4).
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The first byte of a TLS connection: a record with a handshake message (RFC 8446, section 5.1).
pub(super) const TLS_HANDSHAKE: u8 = 0x16;

/// For clients of HTTP/1, and for clients of TLS on a port without: it is no TLS record, so their errors say that the port
/// does not speak TLS; an alert would look like a quarrel about versions or certificates.
const HTTP1_ANSWER: &str = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n\
                            This port speaks gRPC (Arrow Flight SQL) over HTTP/2 without TLS.\n";
const HTTP1_ANSWER_WITH_TLS: &str = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n\
                                     This port speaks gRPC (Arrow Flight SQL) over HTTP/2 with TLS.\n";

/// Shown by gRPC clients next to the code.
const GOAWAY_TEXT: &[u8] = b"this port speaks TLS";

/// What a client began with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Opening {
    /// The whole preface of HTTP/2.
    Http2,
    /// A TLS handshake.
    Tls,
    /// A request line of HTTP/1, or its beginning.
    Http1,
    /// The connection was closed before it said anything: a load balancer that wanted to know whether the port is open.
    Nothing,
    /// Something else.
    Unknown,
}

impl Opening {
    /// Reads as far as the answer is open and never beyond the preface.
    ///
    /// # Errors
    /// The connection's.
    pub(super) async fn read(connection: &mut (impl AsyncRead + Unpin)) -> io::Result<Self> {
        let mut bytes = [0; PREFACE.len()];
        let mut filled = 0;
        loop {
            let count = connection.read(&mut bytes[filled..]).await?;
            filled += count;
            match Self::of(&bytes[..filled]) {
                Some(opening) => return Ok(opening),
                None if count == 0 && filled == 0 => return Ok(Self::Nothing),
                None if count == 0 => return Ok(Self::Unknown),
                None => {}
            }
        }
    }

    /// `None` if these bytes may still become the preface.
    fn of(bytes: &[u8]) -> Option<Self> {
        if bytes == PREFACE {
            return Some(Self::Http2);
        }
        if PREFACE.starts_with(bytes) {
            return None;
        }
        let is_method = |word: &[u8]| word.iter().all(u8::is_ascii_uppercase);
        let first_word = bytes.split(|byte| *byte == b' ').next().unwrap_or_default();
        Some(match bytes.first() {
            Some(&TLS_HANDSHAKE) => Self::Tls,
            Some(_) if !first_word.is_empty() && is_method(first_word) => Self::Http1,
            Some(_) | None => Self::Unknown,
        })
    }

    /// Why a port does not serve this opening; `None` if it does, or if there is nobody to refuse.
    ///
    /// # Arguments
    /// * `is_inside_tls` - the bytes were read from within TLS.
    /// * `wants_tls` - the port speaks TLS.
    pub(super) fn refusal(self, is_inside_tls: bool, wants_tls: bool) -> Option<ConnectionRefusal> {
        match self {
            Self::Nothing => None,
            Self::Http2 if is_inside_tls == wants_tls => None,
            Self::Http2 => Some(ConnectionRefusal::PlaintextOnTls),
            Self::Tls if wants_tls => Some(ConnectionRefusal::UnknownProtocol),
            Self::Tls => Some(ConnectionRefusal::TlsOnPlaintext),
            Self::Http1 => Some(ConnectionRefusal::Http1),
            Self::Unknown => Some(ConnectionRefusal::UnknownProtocol),
        }
    }

    /// The last words to a client that is refused, in a form that its kind can show.
    pub(super) fn farewell(self, wants_tls: bool) -> Vec<u8> {
        match self {
            Self::Http2 => goaway(),
            Self::Http1 if wants_tls => HTTP1_ANSWER_WITH_TLS.into(),
            Self::Http1 | Self::Tls => HTTP1_ANSWER.into(),
            Self::Nothing | Self::Unknown => Vec::new(),
        }
    }
}

/// An empty SETTINGS frame, with which a server has to begin, and a GOAWAY that asks for more security (RFC 9113, sections
/// 6.5, 6.8 and 7).
fn goaway() -> Vec<u8> {
    const SETTINGS: u8 = 4;
    const GOAWAY: u8 = 7;
    const INADEQUATE_SECURITY: u32 = 0xc;
    let mut last_words = 0_u32.to_be_bytes().to_vec();
    last_words.extend(INADEQUATE_SECURITY.to_be_bytes());
    last_words.extend(GOAWAY_TEXT);
    let mut bytes = Vec::new();
    for (kind, payload) in [(SETTINGS, &[][..]), (GOAWAY, &last_words[..])] {
        // Three bytes of length, kind, no flags, stream 0.
        bytes.extend(&(payload.len() as u64).to_be_bytes()[5..]);
        bytes.extend([kind, 0, 0, 0, 0, 0]);
        bytes.extend(payload);
    }
    bytes
}

#[cfg(test)]
mod tests {
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
        for other in ["\0\0\0", "SSH-2.0-OpenSSH", "get /", " ", "PRI * HTTP/1.0\r\n", "PRI * HT", "\x15\x03"]
        {
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
}
