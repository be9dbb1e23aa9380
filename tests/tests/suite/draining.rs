//! The end of a server: what is told to whom, what may end, and what a second signal does.

use arrow_flight::decode::FlightRecordBatchStream;
use futures::{StreamExt, TryStreamExt};
use lakegate_tests::stack::{self, Server};
use tonic::Code;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::support::{broken_off, flight_client, open_result, run, start_server, until, value};

const SERVICES: [&str; 2] = ["", "arrow.flight.protocol.FlightService"];

/// More than what waits between server and client, so that it runs for as long as the client does not read.
const LONG: &str =
    "select a.*, n_comment, number from sales.lineitem a, sales.nation, (values (1), (2)) v(number)";

async fn health(server: &Server) -> HealthClient<Channel> {
    let address = server.url().replace("grpc://", "http://");
    HealthClient::new(Endpoint::from_shared(address).unwrap().connect().await.unwrap())
}

fn of(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

async fn is_serving(server: &Server, service: &str) -> bool {
    let answer = health(server).await.check(of(service)).await.unwrap();
    answer.get_ref().status() == ServingStatus::Serving
}

async fn started(server: &Server) -> FlightRecordBatchStream {
    let mut client = flight_client(server, "analyst").await;
    let mut result = open_result(&mut client, LONG).await;
    assert!(result.next().await.unwrap().unwrap().num_rows() > 0);
    result
}

#[test]
fn a_running_query_ends_in_good_order_while_new_work_goes_elsewhere() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let mut server = start_server(&sandbox, &[("LAKEGATE__SERVER__DRAIN_TIMEOUT", "10m")]).await;
        for service in SERVICES {
            assert!(is_serving(&server, service).await, "{service}");
        }
        let unknown = health(&server).await.check(of("no.such.Service")).await.unwrap_err();
        assert_eq!(unknown.code(), Code::NotFound);
        let mut watching = health(&server).await.watch(of("")).await.unwrap().into_inner();
        assert_eq!(watching.message().await.unwrap().unwrap().status(), ServingStatus::Serving);

        let mut client = flight_client(&server, "analyst").await;
        let mut result = open_result(&mut client, LONG).await;
        let first = result.next().await.unwrap().unwrap().num_rows();
        server.signal("TERM").unwrap();

        let told = watching.message().await.unwrap().unwrap();
        assert_eq!(told.status(), ServingStatus::NotServing);
        assert!(watching.message().await.unwrap().is_none(), "a watch does not hold up the drain");
        assert!(server.admin("/readyz").await.unwrap().starts_with("HTTP/1.1 503"));
        assert!(server.admin("/healthz").await.unwrap().starts_with("HTTP/1.1 200"));
        until("new connections are refused", async || server.connect("analyst", "analyst").await.is_err())
            .await;
        assert!(server.is_running(), "a query runs");

        let rest: Vec<_> = result.try_collect().await.unwrap();
        let rows = first + rest.iter().map(|batch| batch.num_rows()).sum::<usize>();
        assert_eq!(rows % (25 * 2), 0, "every row of lineitem has met every nation and number");
        assert!(rows > 5000 * 25 * 2);
        drop(client);
        assert_eq!(server.ended().await.unwrap().code(), Some(0));
        assert!(server.audit().contains("\"outcome\":\"ok\""), "{}", server.audit());
    });
}

#[test]
fn what_outlasts_the_drain_is_ended_with_an_error_and_the_server_ends() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let mut server = start_server(&sandbox, &[("LAKEGATE__SERVER__DRAIN_TIMEOUT", "1s")]).await;
        let result = started(&server).await;
        server.signal("TERM").unwrap();
        let running = "lakegate_running_statements";
        until("the time is up", async || server.metric(running).await.is_ok_and(|count| count == 0)).await;
        assert_eq!(broken_off(result).await.code(), Code::Unavailable);
        assert_eq!(server.ended().await.unwrap().code(), Some(0));
        assert!(server.audit().contains("\"outcome\":\"shutdown\""), "{}", server.audit());
    });
}

#[test]
fn before_the_drain_there_is_time_to_notice_and_a_second_signal_ends_it_all() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        for (signal, status) in [("TERM", 128 + 15), ("INT", 128 + 2)] {
            let mut server = start_server(&sandbox, &[("LAKEGATE__SERVER__DRAIN_DELAY", "10m")]).await;
            let result = started(&server).await;
            server.signal("TERM").unwrap();
            for service in SERVICES {
                until("health says so on new connections too", async || !is_serving(&server, service).await)
                    .await;
            }
            assert!(server.admin("/readyz").await.unwrap().starts_with("HTTP/1.1 503"));
            let late = server.connect("analyst", "analyst").await.unwrap();
            assert_eq!(value(&late, "select 1").await, "1");

            server.signal(signal).unwrap();
            // With the server's own status if the client reads in time, else with that of a broken connection.
            broken_off(result).await;
            assert_eq!(server.ended().await.unwrap().code(), Some(status));
            assert!(server.audit().contains("\"outcome\":\"shutdown\""), "{}", server.audit());
        }
    });
}

#[test]
fn a_hangup_stops_nothing() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let mut server = start_server(&sandbox, &[]).await;
        server.signal("HUP").unwrap();
        let analyst = server.connect("analyst", "analyst").await.unwrap();
        assert_eq!(value(&analyst, "select 1").await, "1");
        assert!(server.is_running());
    });
}
