//! Which clients become connections, over real sockets.

#![expect(clippy::unwrap_used, reason = "a test that cannot open its sockets should stop")]

use futures::StreamExt;

use tonic::transport::server::Connected;

use super::super::opening::PREFACE;
use super::*;
use crate::settings::Settings;

struct Port {
    address: SocketAddr,
    metrics: Arc<Metrics>,
    connections: std::pin::Pin<Box<dyn Stream<Item = io::Result<Connection>> + Send>>,
}

async fn open(max_connections: usize) -> Port {
    open_with(ConnectionLimits {
        max_connections,
        max_pending_per_address: max_connections + 1,
        proxies: Networks::default(),
        login_timeout: Duration::from_secs(600),
    })
    .await
}

async fn open_with(limits: ConnectionLimits) -> Port {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let metrics = Arc::new(Metrics::default());
    let connections = connections(listener, None, limits, Arc::clone(&metrics)).boxed();
    Port { address, metrics, connections }
}

impl Port {
    async fn connect(&self, opening: &[u8]) -> TcpStream {
        let mut client = TcpStream::connect(self.address).await.unwrap();
        client.write_all(opening).await.unwrap();
        client
    }

    async fn next(&mut self) -> Connection {
        self.connections.next().await.unwrap().unwrap()
    }

    fn counts(&self, line: &str) -> bool {
        self.metrics.render().lines().any(|found| found == line)
    }
}

/// Everything that the server says until it closes; a reset is an end too.
async fn last_words(mut client: TcpStream) -> Vec<u8> {
    let mut words = Vec::new();
    let _ = client.read_to_end(&mut words).await;
    words
}

#[tokio::test]
async fn the_preface_is_read_again_by_who_serves_the_connection() {
    let mut port = open(1).await;
    let mut client = port.connect(&PREFACE[..7]).await;
    client.write_all(&PREFACE[7..]).await.unwrap();
    client.write_all(b"next").await.unwrap();
    let mut served = port.next().await;
    let mut first = [0; 5];
    served.read_exact(&mut first).await.unwrap();
    let mut rest = [0; PREFACE.len() - 5 + 4];
    served.read_exact(&mut rest).await.unwrap();
    assert_eq!([&first[..], &rest[..]].concat(), [&PREFACE[..], b"next"].concat());
}

#[tokio::test]
async fn a_connection_too_many_is_closed_and_a_closed_one_makes_room() {
    let mut port = open(1).await;
    let _first = port.connect(PREFACE).await;
    let served = port.next().await;
    assert_eq!(last_words(port.connect(PREFACE).await).await, b"");
    assert!(port.counts("lakegate_refused_connections_total{reason=\"too_many\"} 1"));
    assert!(port.counts("lakegate_connections 1"));
    drop(served);
    assert!(port.counts("lakegate_connections 0"));
    let _third = port.connect(PREFACE).await;
    port.next().await;
}

#[tokio::test]
async fn a_client_that_says_nothing_keeps_nobody_waiting() {
    let mut port = open(10).await;
    let _silent = port.connect(b"").await;
    let _half = port.connect(&PREFACE[..3]).await;
    let _whole = port.connect(PREFACE).await;
    port.next().await;
}

#[tokio::test]
async fn clients_of_other_protocols_get_an_answer_and_are_counted() {
    let port = open(10).await;
    for (opening, reason) in
        [(&b"\x16\x03\x01\x00\x05hello"[..], "tls_on_plaintext"), (b"GET / HTTP/1.1\r\n\r\n", "http1")]
    {
        let answer = last_words(port.connect(opening).await).await;
        assert!(answer.starts_with(b"HTTP/1.1 400"), "{reason}: {}", String::from_utf8_lossy(&answer));
        let line = format!("lakegate_refused_connections_total{{reason=\"{reason}\"}} 1");
        assert!(port.counts(&line), "{reason}");
    }
    assert_eq!(last_words(port.connect(b"SSH-2.0-OpenSSH").await).await, b"");
    assert!(port.counts("lakegate_refused_connections_total{reason=\"unknown_protocol\"} 1"));
}

#[tokio::test]
async fn a_probe_that_closes_at_once_is_not_counted() {
    let mut port = open(1).await;
    drop(TcpStream::connect(port.address).await.unwrap());
    let _client = loop {
        // The probe's place is free when the server has seen its end.
        let client = port.connect(PREFACE).await;
        tokio::select! {
            _ = port.connections.next() => break client,
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
    };
    assert!(port.counts("lakegate_refused_connections_total{reason=\"unknown_protocol\"} 0"));
}

#[tokio::test]
async fn one_address_has_so_many_connections_without_a_login_and_any_number_with_one() {
    let limits = |proxies: &str| ConnectionLimits {
        max_connections: 10,
        max_pending_per_address: 1,
        proxies: Settings::from_toml(&format!("server.proxies = [{proxies}]"), std::iter::empty())
            .unwrap()
            .server
            .proxies,
        login_timeout: Duration::from_secs(600),
    };
    let mut port = open_with(limits("")).await;
    let _first = port.connect(PREFACE).await;
    let served = port.next().await;
    assert_eq!(last_words(port.connect(PREFACE).await).await, b"");
    assert!(port.counts("lakegate_refused_connections_total{reason=\"too_many_of_address\"} 1"));
    served.connect_info().logged_in();
    let _second = port.connect(PREFACE).await;
    let other = port.next().await;
    drop(other);
    let _third = port.connect(PREFACE).await;
    port.next().await;

    let mut behind_proxy = open_with(limits("\"127.0.0.0/8\"")).await;
    let _clients = (behind_proxy.connect(PREFACE).await, behind_proxy.connect(PREFACE).await);
    let _served = (behind_proxy.next().await, behind_proxy.next().await);
}

#[tokio::test]
async fn a_connection_without_a_login_ends_and_one_with_a_login_stays() {
    let mut port = open_with(ConnectionLimits {
        max_connections: 10,
        max_pending_per_address: 10,
        proxies: Networks::default(),
        login_timeout: Duration::from_millis(50),
    })
    .await;
    let _silent = port.connect(PREFACE).await;
    let mut stranger = port.next().await;
    let mut bytes = [0; PREFACE.len() + 1];
    let ended = stranger.read_exact(&mut bytes).await.unwrap_err();
    assert_eq!(ended.kind(), io::ErrorKind::TimedOut);
    assert_eq!(stranger.write(b"x").await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert!(port.counts("lakegate_refused_connections_total{reason=\"no_login\"} 1"));

    let mut client = port.connect(PREFACE).await;
    let mut served = port.next().await;
    served.connect_info().logged_in();
    tokio::time::sleep(Duration::from_millis(100)).await;
    client.write_all(b"x").await.unwrap();
    served.read_exact(&mut bytes).await.unwrap();
}
