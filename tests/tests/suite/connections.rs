//! What a server does with connections that are too many, or speak what the port does not.

use std::os::unix::fs::PermissionsExt;

use lakegate_tests::stack::{self, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{run, server, start_server, until, value};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.url().trim_start_matches("grpc://")).await.unwrap()
}

#[test]
fn a_client_of_another_protocol_is_told_and_logged_as_what_it_is() {
    run(async {
        let server = server().await;
        let mut browser = connect(&server).await;
        browser.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        browser.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("gRPC"), "{answer}");
        until("it is in the log", async || server.log().contains("the client speaks HTTP/1")).await;
        let refused = "lakegate_refused_connections_total{reason=\"http1\"}";
        assert!(server.metric(refused).await.unwrap() >= 1);
    });
}

#[test]
fn connections_are_bounded_and_those_that_close_make_room() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[("LAKEGATE__SERVER__MAX_CONNECTIONS", "8")]).await;
        let mut held = Vec::new();
        for _ in 0..8 {
            let mut connection = connect(&server).await;
            connection.write_all(PREFACE).await.unwrap();
            held.push(connection);
        }
        until("all places are taken", async || server.metric("lakegate_connections").await.unwrap() == 8)
            .await;
        assert!(server.connect("analyst", "analyst").await.is_err());
        until("it is in the log", async || server.log().contains("server.max_connections are open")).await;
        drop(held);
        until("there is room again", async || server.connect("analyst", "analyst").await.is_ok()).await;
    });
}

#[test]
fn running_out_of_open_files_does_not_end_the_server() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("with-few-files");
        let script =
            format!("#!/bin/sh\nulimit -n 150\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_lakegate-test-server"));
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut server = Server::start(&program, &sandbox.endpoint(), &[]).await.unwrap();
        until("it is in the log", async || server.log().contains("too few open files")).await;
        let mut held = Vec::new();
        // More than there are files, and not more than the operating system accepts on the server's behalf: whoever comes after
        // those waits for a minute.
        for _ in 0..200 {
            let mut connection = connect(&server).await;
            // Fails for connections that only the operating system has accepted.
            let _ = connection.write_all(PREFACE).await;
            held.push(connection);
        }
        until("it is in the log", async || server.log().contains("no connection can be accepted")).await;
        drop(held);
        until("it serves again", async || server.connect("analyst", "analyst").await.is_ok()).await;
        let analyst = server.connect("analyst", "analyst").await.unwrap();
        assert_eq!(value(&analyst, "select count(*) from sales.region").await, "5");
        assert!(server.is_running());
    });
}
