//! An open connection, as tonic serves it: bytes in both directions, and a place among those that may be open.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;
use tonic::transport::server::{Connected, TcpConnectInfo};

use super::opening::PREFACE;
use crate::telemetry::metrics::Entered;

/// With or without TLS. The state of TLS is a kilobyte.
pub(super) type Transport = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// One of the connections that may be open, until dropped.
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    _counted: Entered,
}

impl Place {
    pub(super) fn new(permit: OwnedSemaphorePermit, counted: Entered) -> Self {
        Self { _permit: permit, _counted: counted }
    }
}

/// A connection whose client has proved that it speaks HTTP/2.
pub(super) struct Connection {
    transport: Transport,
    /// How much of the preface was read again by who serves this connection.
    replayed: usize,
    peer: SocketAddr,
    _place: Place,
}

impl Connection {
    /// A connection from which exactly the preface was read.
    pub(super) fn after_preface(transport: Transport, peer: SocketAddr, place: Place) -> Self {
        Self { transport, replayed: 0, peer, _place: place }
    }
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        TcpConnectInfo { local_addr: None, remote_addr: Some(self.peer) }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let unread = &PREFACE[self.replayed..];
        if unread.is_empty() {
            return Pin::new(&mut self.transport).poll_read(context, buffer);
        }
        let count = unread.len().min(buffer.remaining());
        buffer.put_slice(&unread[..count]);
        self.replayed += count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.transport).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.transport).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.transport.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_shutdown(context)
    }
}
