//! From a listening socket to connections whose clients speak HTTP/2, with TLS or without.
//!
//! ```text
//! accept ─▶ place? ─▶ TLS handshake ─▶ preface of HTTP/2 ─▶ Connection ─▶ tonic
//!             │no        │            │  └──── all within HANDSHAKE_TIMEOUT ────┘
//!             ▼          ▼ refused    ▼ something else
//!           closed     closed       answered in its own language, closed
//! ```
//!
//! Invariants
//! - Nothing that a client does, and no error of accepting, ends the loop. Running out of open files is waited out.
//! - Connections are bounded, and those before their login also by address. Whoever says too little for too long gives its
//!   place back: before HTTP/2 has begun by the timeout here, before a login by `server.login_timeout` (`connection`),
//!   afterwards by keep-alive pings.
//! - Each refusal is counted; the log says what it was, once in a while per kind (`refusals`).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::either::Either;
use tokio_util::task::AbortOnDropHandle;

use super::connection::{Connection, Patience, Place, Transport};
use super::opening::{Opening, TLS_HANDSHAKE};
use super::refusals::RefusalLog;
use super::tls::Tls;
use super::visitors::{Visitor, Visitors};
use crate::settings::Networks;
use crate::telemetry::metrics::{ConnectionRefusal, Metrics};

/// How long a client may take to its first HTTP/2 bytes, a TLS handshake included.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Pause after a failed accept: when open files have run out, trying at once again only burns a core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long, and for how many bytes, a refused client is listened to, so that its answer is not lost in a reset.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(1);
const FAREWELL_BYTES: u64 = 64 * 1024;

/// Who may connect, and for how long without a login.
pub(super) struct ConnectionLimits {
    /// Connections at once.
    pub(super) max_connections: usize,
    /// Those of one address that have no login yet.
    pub(super) max_pending_per_address: usize,
    /// Addresses that many clients share.
    pub(super) proxies: Networks,
    /// How long a connection may be without a login.
    pub(super) login_timeout: Duration,
}

/// Accepts connections for as long as the answer lives.
///
/// # Arguments
/// * `tls` - what to show in handshakes; without it, connections are plain text.
pub(super) fn connections(
    listener: TcpListener,
    tls: Option<Tls>,
    limits: ConnectionLimits,
    metrics: Arc<Metrics>,
) -> impl Stream<Item = io::Result<Connection>> {
    let (ready, mut connections) = mpsc::channel(1);
    let reception = Reception {
        tls,
        places: Arc::new(Semaphore::new(limits.max_connections.min(Semaphore::MAX_PERMITS))),
        visitors: Visitors::new(limits.max_pending_per_address, limits.proxies),
        login_timeout: limits.login_timeout,
        refusals: Arc::new(RefusalLog::new(Arc::clone(&metrics))),
        metrics,
        ready,
    };
    let accepting = AbortOnDropHandle::new(tokio::spawn(Arc::new(reception).accept(listener)));
    stream::poll_fn(move |context| {
        // Owned by the stream, so that the socket is closed when nobody wants connections any more.
        let _ = &accepting;
        connections.poll_recv(context).map(|connection| connection.map(Ok))
    })
}

/// What every new connection meets.
struct Reception {
    tls: Option<Tls>,
    places: Arc<Semaphore>,
    visitors: Visitors,
    login_timeout: Duration,
    refusals: Arc<RefusalLog>,
    metrics: Arc<Metrics>,
    ready: mpsc::Sender<Connection>,
}

impl Reception {
    async fn accept(self: Arc<Self>, listener: TcpListener) {
        let mut handshakes = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((socket, peer)) => match self.place(peer) {
                        Ok((visitor, place)) => {
                            drop(handshakes.spawn(Arc::clone(&self).welcome(socket, visitor, place)));
                        }
                        Err(refusal) => self.refusals.record(refusal, peer, ""),
                    },
                    Err(error) => {
                        self.refusals.accept_failed(&error);
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(ended) = handshakes.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a handshake ended abnormally");
                    }
                }
            }
        }
    }

    fn place(&self, peer: SocketAddr) -> Result<(Arc<Visitor>, Place), ConnectionRefusal> {
        let visitor = self.visitors.enter(peer).ok_or(ConnectionRefusal::TooManyOfAddress)?;
        let permit = Arc::clone(&self.places).try_acquire_owned();
        let permit = permit.map_err(|_| ConnectionRefusal::TooMany)?;
        Ok((visitor, Place::new(permit, self.metrics.connections.enter())))
    }

    async fn welcome(self: Arc<Self>, socket: TcpStream, visitor: Arc<Visitor>, place: Place) {
        let peer = visitor.peer();
        let transport = match timeout(HANDSHAKE_TIMEOUT, self.handshake(socket, peer)).await {
            Ok(Some(transport)) => transport,
            Ok(None) => return,
            Err(_elapsed) => return self.refusals.record(ConnectionRefusal::Timeout, peer, ""),
        };
        let patience = Patience::new(self.login_timeout, Arc::clone(&self.refusals));
        // Fails only when the server has stopped.
        let _ = self.ready.send(Connection::after_preface(transport, visitor, patience, place)).await;
    }

    /// A transport from which exactly the preface was read; `None` if the client was refused or has gone.
    async fn handshake(&self, socket: TcpStream, peer: SocketAddr) -> Option<Transport> {
        // Messages are written whole, so waiting for more to fill a packet only delays them.
        socket.set_nodelay(true).ok()?;
        let mut transport = match &self.tls {
            Some(tls) if begins_tls(&socket).await.ok()? => match tls.acceptor().accept(socket).await {
                Ok(stream) => Either::Right(Box::new(stream)),
                Err(error) => {
                    self.tls_failed(&error, peer);
                    return None;
                }
            },
            Some(_) | None => Either::Left(socket),
        };
        let opening = Opening::read(&mut transport).await.ok()?;
        let is_inside_tls = matches!(transport, Either::Right(_));
        if let Some(refusal) = opening.refusal(is_inside_tls, self.tls.is_some()) {
            self.refusals.record(refusal, peer, "");
            say_farewell(transport, &opening.farewell(self.tls.is_some())).await;
            return None;
        }
        (opening == Opening::Http2).then_some(transport)
    }

    fn tls_failed(&self, error: &io::Error, peer: SocketAddr) {
        let has_gone = matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset);
        if !has_gone {
            self.refusals.record(ConnectionRefusal::TlsHandshake, peer, &error.to_string());
        }
    }
}

/// Looks at the first byte and leaves it where it is.
async fn begins_tls(socket: &TcpStream) -> io::Result<bool> {
    let mut first = [0];
    let count = socket.peek(&mut first).await?;
    Ok(count > 0 && first[0] == TLS_HANDSHAKE)
}

/// Whether the client has heard it is its own matter.
async fn say_farewell(mut transport: Transport, last_words: &[u8]) {
    let farewell = async {
        transport.write_all(last_words).await?;
        transport.shutdown().await?;
        tokio::io::copy(&mut transport.take(FAREWELL_BYTES), &mut tokio::io::sink()).await
    };
    let _ = timeout(FAREWELL_TIMEOUT, farewell).await;
}

#[cfg(test)]
mod tests;
