//! The endpoints over a real connection.

#![expect(clippy::unwrap_used, reason = "a test that cannot build its input should stop")]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::task::AbortOnDropHandle;

use super::*;

struct Running {
    address: SocketAddr,
    draining: CancellationToken,
    is_blocked: Arc<AtomicBool>,
    _server: AbortOnDropHandle<Result<(), Error>>,
}

async fn start() -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let draining = CancellationToken::new();
    let is_blocked = Arc::<AtomicBool>::default();
    let blocked = Arc::clone(&is_blocked);
    let obstacle = Arc::new(move || blocked.load(Ordering::Relaxed).then_some("no room"));
    let served = serve(listener, Arc::new(Metrics::default()), draining.clone(), obstacle);
    Running { address, draining, is_blocked, _server: AbortOnDropHandle::new(tokio::spawn(served)) }
}

async fn get_text(address: SocketAddr, path: &str) -> String {
    let mut connection = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_draining_server_is_healthy_and_not_ready() {
    let running = start().await;
    assert!(get_text(running.address, "/readyz").await.starts_with("HTTP/1.1 200"));
    running.draining.cancel();
    assert!(get_text(running.address, "/readyz").await.starts_with("HTTP/1.1 503"));
    assert!(get_text(running.address, "/healthz").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_server_on_which_no_statement_can_run_says_why_it_is_not_ready() {
    let running = start().await;
    running.is_blocked.store(true, Ordering::Relaxed);
    let answer = get_text(running.address, "/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.ends_with("no room"), "{answer}");
    running.is_blocked.store(false, Ordering::Relaxed);
    assert!(get_text(running.address, "/readyz").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn metrics_are_prometheus_text() {
    let running = start().await;
    let answer = get_text(running.address, "/metrics").await;
    assert!(answer.contains("text/plain; version=0.0.4"), "{answer}");
    assert!(answer.contains("# TYPE"), "{answer}");
}
