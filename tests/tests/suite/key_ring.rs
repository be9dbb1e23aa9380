//! Sealing keys from a file: replicas that share it answer for each other, and it is exchanged while they run.

use std::path::Path;

use arrow_flight::sql::client::FlightSqlServiceClient;
use lakegate_tests::stack::{self, Server};
use tonic::transport::{Channel, Endpoint};

use crate::support::{flight_client, open_result, run, start_server, until};

const OLD: &str = "b2xkIGtleSBvZiB0aGlydHktdHdvIGJ5dGVzIC4uLi4=";
const NEW: &str = "bmV3IGtleSBvZiB0aGlydHktdHdvIGJ5dGVzIC4uLi4=";

const SQL: &str = "select count(*) from sales.region";

async fn with_token(server: &Server, token: &str) -> FlightSqlServiceClient<Channel> {
    let address = server.url().replace("grpc://", "http://");
    let channel = Endpoint::from_shared(address).unwrap().connect().await.unwrap();
    let mut client = FlightSqlServiceClient::new(channel);
    client.set_token(token.to_owned());
    client
}

async fn is_accepted(server: &Server, token: &str) -> bool {
    with_token(server, token).await.execute(SQL.to_owned(), None).await.is_ok()
}

async fn token(server: &Server) -> String {
    flight_client(server, "analyst").await.token().unwrap().clone()
}

fn overrides(file: &Path) -> [(&str, &str); 1] {
    [("LAKEGATE__IDENTITY__SEALING_KEYS_FILE", file.to_str().unwrap())]
}

#[test]
fn a_ticket_of_one_replica_is_redeemed_by_another_with_the_same_file() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys");
        std::fs::write(&file, OLD).unwrap();
        let one = start_server(&sandbox, &overrides(&file)).await;
        let other = start_server(&sandbox, &overrides(&file)).await;
        let mut client = flight_client(&one, "analyst").await;
        let ticket = client.execute(SQL.to_owned(), None).await.unwrap().endpoint[0].ticket.clone().unwrap();
        let mut elsewhere = with_token(&other, client.token().unwrap()).await;
        assert!(elsewhere.do_get(ticket).await.is_ok());
    });
}

#[test]
fn keys_are_exchanged_in_a_running_server_and_nobody_is_logged_out() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (file, new_only) = (folder.path().join("keys"), folder.path().join("new"));
        std::fs::write(&file, OLD).unwrap();
        std::fs::write(&new_only, NEW).unwrap();
        let server = start_server(&sandbox, &overrides(&file)).await;
        let after_rotation = start_server(&sandbox, &overrides(&new_only)).await;
        let old_token = token(&server).await;
        assert!(!is_accepted(&after_rotation, &old_token).await);

        std::fs::write(&file, format!("{NEW}\n{OLD}\n")).unwrap();
        until("the new key seals", async || is_accepted(&after_rotation, &token(&server).await).await).await;
        assert!(is_accepted(&server, &old_token).await, "the old key still opens");

        std::fs::write(&file, "not a key").unwrap();
        server.signal("HUP").unwrap();
        until("the broken file is in the log", async || server.log().contains("the old value stays")).await;
        assert!(is_accepted(&server, &old_token).await);
        assert!(!server.log().contains("not a key"));

        std::fs::write(&file, NEW).unwrap();
        server.signal("HUP").unwrap();
        until("the old key is gone", async || !is_accepted(&server, &old_token).await).await;
        let mut client = flight_client(&server, "analyst").await;
        open_result(&mut client, SQL).await;
    });
}
