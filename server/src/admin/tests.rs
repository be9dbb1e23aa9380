//! The endpoints over a real connection.

#![expect(clippy::unwrap_used, reason = "a test that cannot build its input should stop")]

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::task::AbortOnDropHandle;

use super::*;

struct Running {
    address: SocketAddr,
    draining: CancellationToken,
    _server: AbortOnDropHandle<Result<(), Error>>,
}

async fn start() -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let draining = CancellationToken::new();
    let served = serve(listener, Arc::new(Metrics::default()), draining.clone());
    Running { address, draining, _server: AbortOnDropHandle::new(tokio::spawn(served)) }
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
async fn metrics_are_prometheus_text() {
    let running = start().await;
    let answer = get_text(running.address, "/metrics").await;
    assert!(answer.contains("text/plain; version=0.0.4"), "{answer}");
    assert!(answer.contains("# TYPE"), "{answer}");
}
