//! Accepting connections until told to stop; open connections then finish their current request.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Front;

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
            async move { Ok::<_, Infallible>(front.handle(request, peer).await) }
        });
        let mut http = hyper::server::conn::http1::Builder::new();
        let connection = http.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
        let mut stopped = stop.clone();
        connections.spawn(async move {
            let mut connection = pin!(connection);
            // A connection that fails has nobody left to tell.
            let ended = tokio::select! {
                ended = connection.as_mut() => Some(ended),
                _ = stopped.changed() => None,
            };
            if ended.is_none() {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(GRACE, connections.join_all()).await;
}
