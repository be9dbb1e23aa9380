//! Accepting connections until told to stop; open connections then finish their current request.

use std::error::Error as _;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Front, Reset};

/// How long open requests may take after the stop.
const GRACE: Duration = Duration::from_secs(2);
/// How long to wait after a failed accept (no file handles left, for instance) before trying again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves `front` on `listener` until `stop` changes or its sender is dropped.
pub(crate) async fn serve(listener: TcpListener, front: Arc<Front>, mut stop: watch::Receiver<bool>) {
    // Dropping the set, when this future is dropped, ends the connections with it.
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => break,
            Some(_) = connections.join_next() => continue,
        };
        let Ok((stream, peer)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // Small answers must not wait for more data; a socket without the option is merely slower.
        let _ = stream.set_nodelay(true);
        let front = Arc::clone(&front);
        let service = service_fn(move |request| {
            let front = Arc::clone(&front);
            async move { front.handle(request, peer).await }
        });
        let mut http = hyper::server::conn::http1::Builder::new();
        let mut connection = http.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
        let mut stopped = stop.clone();
        connections.spawn(async move {
            let ended = tokio::select! {
                ended = &mut connection => Some(ended),
                _ = stopped.changed() => None,
            };
            let ended = match ended {
                Some(ended) => ended,
                None => {
                    Pin::new(&mut connection).graceful_shutdown();
                    (&mut connection).await
                }
            };
            // A connection that fails has nobody left to tell.
            let is_reset = |error: hyper::Error| error.source().is_some_and(|source| source.is::<Reset>());
            if ended.is_err_and(is_reset) {
                // Closing a socket that does not linger sends RST.
                let _ = connection.into_parts().io.into_inner().set_zero_linger();
            }
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(GRACE, connections.join_all()).await;
}
