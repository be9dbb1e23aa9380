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
mod tests;
