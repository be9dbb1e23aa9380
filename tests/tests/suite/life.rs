//! How a running query ends before its own end: the client goes, vanishes, is late, or takes nothing.

use std::sync::Arc;
use std::time::Duration;

use arrow_flight::decode::FlightRecordBatchStream;
use futures::StreamExt;
use lakegate_tests::stack::{self, Server};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Notify};
use tonic::Code;
use tonic::transport::Endpoint;

use crate::support::{broken_off, flight_client, open_result, run, start_server, until, until_idle};

/// More than any test reads: the square of `lineitem`, ten gigabytes at the smallest scale.
const ENDLESS: &str =
    "select a.*, b.l_comment c, b.l_shipinstruct i, b.l_shipdate d from sales.lineitem a, sales.lineitem b";

/// What one unread result may take from the plan: windows, sockets, encoded messages and batches ahead.
const AHEAD_BYTES: u64 = 24 * 1024 * 1024;

async fn first_batch(result: &mut FlightRecordBatchStream) {
    assert!(result.next().await.unwrap().unwrap().num_rows() > 0);
}

#[test]
fn a_client_that_drops_its_result_or_its_connection_ends_the_query() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[]).await;
        let mut client = flight_client(&server, "analyst").await;
        let mut dropped = open_result(&mut client, ENDLESS).await;
        first_batch(&mut dropped).await;
        let mut other = flight_client(&server, "analyst").await;
        let mut disconnected = open_result(&mut other, ENDLESS).await;
        first_batch(&mut disconnected).await;
        assert_eq!(server.metric("lakegate_running_statements").await.unwrap(), 2);
        drop(dropped);
        until("one of two has ended", async || {
            server.metric("lakegate_running_statements").await.unwrap() == 1
        })
        .await;
        drop((disconnected, other));
        until_idle(&server).await;
        assert_eq!(server.metric("lakegate_open_streams").await.unwrap(), 0);
        let cancelled = "\"outcome\":\"cancelled\"";
        until("both are recorded", async || server.audit().matches(cancelled).count() == 2).await;
    });
}

/// One place for queries: who holds it without being there locks out everyone else.
#[test]
fn a_client_that_vanishes_without_a_word_gives_its_place_back() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let overrides = [
            ("LAKEGATE__SESSION__MAX_CONCURRENT_QUERIES", "1"),
            ("LAKEGATE__SESSION__MAX_QUEUED_QUERIES", "0"),
            ("LAKEGATE__SERVER__KEEPALIVE", "1s"),
        ];
        let server = start_server(&sandbox, &overrides).await;
        let wire = Wire::to(&server).await;
        let channel = Endpoint::from_shared(wire.url()).unwrap().connect().await.unwrap();
        let mut client = arrow_flight::sql::client::FlightSqlServiceClient::new(channel);
        client.handshake("analyst", "analyst").await.unwrap();
        let mut result = open_result(&mut client, ENDLESS).await;
        first_batch(&mut result).await;
        wire.cut();
        let mut other = flight_client(&server, "analyst").await;
        until_idle(&server).await;
        let mut small = open_result(&mut other, "select count(*) from sales.nation").await;
        first_batch(&mut small).await;
    });
}

/// Opens a result of which the server knows that nobody will wait for it longer than ten seconds. The client library does
/// not end it: it only knows limits up to the first message.
async fn ten_seconds(server: &Server) -> FlightRecordBatchStream {
    let mut client = flight_client(server, "analyst").await;
    let info = client.execute(ENDLESS.to_owned(), None).await.unwrap();
    client.set_header("grpc-timeout", "10S");
    let mut result = client.do_get(info.endpoint[0].ticket.clone().unwrap()).await.unwrap();
    first_batch(&mut result).await;
    result
}

#[test]
fn the_clients_deadline_holds_for_the_whole_stream() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[]).await;
        let (read, unread) = (ten_seconds(&server).await, ten_seconds(&server).await);
        assert_eq!(broken_off(read).await.code(), Code::DeadlineExceeded);
        until_idle(&server).await;
        assert_eq!(broken_off(unread).await.code(), Code::DeadlineExceeded);
    });
}

#[test]
fn clients_that_take_nothing_cost_a_bounded_amount_of_memory() {
    run(async {
        const CLIENTS: u64 = 8;
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[]).await;
        let mut results = Vec::new();
        let mut before = 0;
        // The first one is warm-up. Each has its own connection: unread results of one would take each other's window.
        for _ in 0..=CLIENTS {
            let mut client = flight_client(&server, "analyst").await;
            let mut result = open_result(&mut client, ENDLESS).await;
            first_batch(&mut result).await;
            if results.is_empty() {
                before = resident_bytes(&server);
            }
            results.push(result);
        }
        let mut sent = 0;
        until("the queries wait for their clients", async || {
            let before =
                std::mem::replace(&mut sent, server.metric("lakegate_bytes_sent_total").await.unwrap());
            tokio::time::sleep(Duration::from_secs(1)).await;
            before == sent
        })
        .await;
        assert_eq!(server.metric("lakegate_running_statements").await.unwrap(), CLIENTS + 1);
        assert!(sent <= (CLIENTS + 1) * AHEAD_BYTES, "{sent} bytes were taken from the plans");
        let grown = resident_bytes(&server).saturating_sub(before);
        // Each of them also holds a copy of one table for its join.
        assert!(grown <= 2 * CLIENTS * AHEAD_BYTES, "memory has grown by {grown} bytes");
    });
}

#[test]
fn a_client_that_takes_nothing_for_too_long_loses_its_query_and_is_told_when_it_comes_back() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[("LAKEGATE__SERVER__STALL_TIMEOUT", "1s")]).await;
        let mut client = flight_client(&server, "analyst").await;
        let mut result = open_result(&mut client, ENDLESS).await;
        first_batch(&mut result).await;
        until_idle(&server).await;
        let status = broken_off(result).await;
        assert_eq!(status.code(), Code::Cancelled);
        assert!(status.message().contains("taken nothing"), "{}", status.message());
    });
}

fn resident_bytes(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process_id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// A wire between client and server that can be cut: afterwards nothing arrives, and nobody is told.
struct Wire {
    port: u16,
    cut: Arc<Notify>,
    /// Open as long as the wire exists, also when it is cut.
    _ends: Arc<Mutex<Vec<TcpStream>>>,
}

impl Wire {
    async fn to(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let target = server.url().trim_start_matches("grpc://").to_owned();
        let (cut, ends) = (Arc::new(Notify::new()), Arc::new(Mutex::new(Vec::new())));
        let (is_cut, kept) = (Arc::clone(&cut), Arc::clone(&ends));
        tokio::spawn(async move {
            let (mut near, _) = listener.accept().await.unwrap();
            let mut far = TcpStream::connect(target).await.unwrap();
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                () = is_cut.notified() => kept.lock().await.extend([near, far]),
            }
        });
        Self { port, cut, _ends: ends }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn cut(&self) {
        self.cut.notify_one();
    }
}
