//! HTTP/2 by hand: frames as a broken or hostile client sends them.

use std::net::SocketAddr;

use lakegate_tests::stack::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const CONTINUATION: u8 = 9;

/// Flags of a frame.
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const FRAME_HEAD: usize = 9;

/// A frame that the server has sent.
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) stream: u32,
}

/// A connection that has begun with preface and settings.
pub(crate) struct Http2(TcpStream);

impl Http2 {
    /// From any address of this machine.
    pub(crate) async fn connect(server: &Server) -> Self {
        Self::connect_from(server, "127.0.0.1").await.unwrap()
    }

    /// From one of this machine's own addresses, of which Linux has a whole block.
    pub(crate) async fn connect_from(server: &Server, address: &str) -> std::io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(address.parse().unwrap(), 0))?;
        let target = server.url().trim_start_matches("grpc://").parse().unwrap();
        let mut connection = Self(socket.connect(target).await?);
        connection.0.write_all(PREFACE).await?;
        connection.frame(SETTINGS, 0, 0, &[]).await?;
        Ok(connection)
    }

    pub(crate) async fn frame(
        &mut self,
        kind: u8,
        flags: u8,
        stream: u32,
        payload: &[u8],
    ) -> std::io::Result<()> {
        let mut bytes = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
        bytes.extend([kind, flags]);
        bytes.extend(stream.to_be_bytes());
        bytes.extend_from_slice(payload);
        self.0.write_all(&bytes).await
    }

    /// The headers of a call of the Flight service.
    pub(crate) async fn call(
        &mut self,
        stream: u32,
        method: &str,
        token: Option<&str>,
    ) -> std::io::Result<()> {
        self.frame(HEADERS, END_HEADERS, stream, &headers(method, token)).await
    }

    /// The next frame; `None` if the server has closed the connection.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        let mut head = [0; FRAME_HEAD];
        self.0.read_exact(&mut head).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut payload).await.ok()?;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        Some(Frame { kind: head[3], stream })
    }
}

/// Headers of a call as HPACK without its tables.
pub(crate) fn headers(method: &str, token: Option<&str>) -> Vec<u8> {
    let path = format!("/arrow.flight.protocol.FlightService/{method}");
    let mut block = Vec::new();
    for (name, value) in [
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "localhost"),
        (":path", path.as_str()),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
    ]
    .into_iter()
    .chain(token.map(|token| ("authorization", token)))
    {
        block.push(0);
        text(&mut block, name);
        text(&mut block, value);
    }
    block
}

/// A text with its length, which takes seven bits and then as many sevens as it needs.
fn text(block: &mut Vec<u8>, value: &str) {
    const PREFIX: usize = 127;
    match value.len().checked_sub(PREFIX) {
        None => block.push(u8::try_from(value.len()).unwrap()),
        Some(mut rest) => {
            block.push(127);
            while rest >= 128 {
                block.push(u8::try_from(rest % 128 + 128).unwrap());
                rest /= 128;
            }
            block.push(u8::try_from(rest).unwrap());
        }
    }
    block.extend_from_slice(value.as_bytes());
}
