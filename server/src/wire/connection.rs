//! An open connection, as tonic serves it: bytes in both directions, a place among those that may be open, and a time until
//! which somebody has to have logged in over it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Sleep, sleep};
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;
use tonic::transport::server::Connected;

use super::opening::PREFACE;
use super::refusals::RefusalLog;
use super::visitors::Visitor;
use crate::telemetry::metrics::{ConnectionRefusal, Entered};

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
    visitor: Arc<Visitor>,
    patience: Patience,
    _place: Place,
}

impl Connection {
    /// A connection from which exactly the preface was read.
    pub(super) fn after_preface(
        transport: Transport,
        visitor: Arc<Visitor>,
        patience: Patience,
        place: Place,
    ) -> Self {
        Self { transport, replayed: 0, visitor, patience, _place: place }
    }

    /// Looked at in both directions: a client that reads nothing keeps its server from reading, too.
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        self.patience.check(&self.visitor, context)
    }
}

/// How long a connection may be open without a login.
pub(super) struct Patience {
    /// Absent once somebody has logged in.
    left: Option<Pin<Box<Sleep>>>,
    is_over: bool,
    refusals: Arc<RefusalLog>,
}

impl Patience {
    pub(super) fn new(duration: Duration, refusals: Arc<RefusalLog>) -> Self {
        Self { left: Some(Box::pin(sleep(duration))), is_over: false, refusals }
    }

    fn check(&mut self, visitor: &Visitor, context: &mut Context<'_>) -> io::Result<()> {
        if let Some(left) = &mut self.left {
            if visitor.is_known() {
                self.left = None;
            } else if left.as_mut().poll(context).is_ready() {
                self.refusals.record(ConnectionRefusal::NoLogin, visitor.peer(), "");
                (self.left, self.is_over) = (None, true);
            }
        }
        if self.is_over { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
    }
}

impl Connected for Connection {
    type ConnectInfo = Arc<Visitor>;

    fn connect_info(&self) -> Self::ConnectInfo {
        Arc::clone(&self.visitor)
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
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
        self.check(context)?;
        Pin::new(&mut self.transport).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.transport).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.transport.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.transport).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_shutdown(context)
    }
}
