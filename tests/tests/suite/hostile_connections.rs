//! Connections, calls and logins that come in numbers, or never end.

use std::collections::BTreeSet;
use std::net::IpAddr;

use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::{CommandPreparedStatementQuery, ProstMessageExt};
use arrow_flight::{FlightData, FlightDescriptor, HandshakeRequest};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::future::join_all;
use futures::{StreamExt, stream};
use lakegate_tests::stack::{self, Server};
use prost::Message;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use crate::http2::{CONTINUATION, DATA, END_STREAM, HEADERS, Http2, PING, RST_STREAM, SETTINGS, headers};
use crate::raw::Raw;
use crate::support::{login, run, server, start_server, until, value};

const REFUSED: &str = "lakegate_refused_connections_total";

async fn refused(server: &Server, reason: &str) -> u64 {
    server.metric(&format!("{REFUSED}{{reason=\"{reason}\"}}")).await.unwrap()
}

async fn channel(server: &Server, from: &str) -> Channel {
    let endpoint = Endpoint::from_shared(server.url().replace("grpc://", "http://")).unwrap();
    endpoint.local_address(Some(from.parse::<IpAddr>().unwrap())).connect().await.unwrap()
}

async fn handshake(channel: Channel, user: &str, password: &str) -> Result<(), Status> {
    let mut request = Request::new(stream::iter([HandshakeRequest::default()]));
    let pair = BASE64_STANDARD.encode(format!("{user}:{password}"));
    request.metadata_mut().insert("authorization", format!("Basic {pair}").parse().unwrap());
    FlightServiceClient::new(channel).handshake(request).await.map(drop)
}

#[test]
fn a_connection_over_which_nobody_logs_in_is_closed_and_others_stay() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[("LAKEGATE__SERVER__LOGIN_TIMEOUT", "2s")]).await;
        let channel = channel(&server, "127.0.0.1").await;
        handshake(channel.clone(), "analyst", "analyst").await.unwrap();
        let mut strangers = Vec::new();
        for _ in 0..5 {
            strangers.push(Http2::connect(&server).await);
        }
        // Whoever keeps talking without a token is no better.
        strangers[0].call(1, "GetFlightInfo", Some("Bearer none")).await.unwrap();
        for stranger in &mut strangers {
            while stranger.next().await.is_some() {}
        }
        until("all are counted", async || refused(&server, "no_login").await == 5).await;
        assert_eq!(server.metric("lakegate_connections").await.unwrap(), 1, "that of the login");
        handshake(channel, "analyst", "analyst").await.unwrap();
    });
}

#[test]
fn one_address_cannot_take_all_places_for_those_who_have_not_logged_in() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let limit = ("LAKEGATE__SERVER__MAX_PENDING_CONNECTIONS_PER_ADDRESS", "4");
        let server = start_server(&sandbox, &[limit, ("LAKEGATE__SERVER__MAX_CONNECTIONS", "16")]).await;
        let mut held = Vec::new();
        for _ in 0..40 {
            // Those that are refused may be closed before they have said anything.
            held.extend(Http2::connect_from(&server, "127.0.0.2").await);
        }
        until("most are refused", async || refused(&server, "too_many_of_address").await >= 36).await;
        let mut logins = Vec::new();
        for _ in 0..6 {
            logins.push(login(&server, "analyst").await);
        }
        assert_eq!(value(&logins[5], "select count(*) from sales.region").await, "5");
        assert_eq!(refused(&server, "too_many").await, 0);
    });
}

/// Waits until so many calls of a connection have their answers, and fails if it ends before.
async fn until_answered(connection: &mut Http2, calls: usize) {
    let mut answered = BTreeSet::new();
    while answered.len() < calls {
        let Some(frame) = connection.next().await else {
            panic!("the connection ended with {} of {calls} calls answered", answered.len());
        };
        if frame.kind == HEADERS {
            answered.insert(frame.stream);
        }
    }
}

/// Many wrong passwords at once; gives how many were turned away.
async fn storm(channels: &[Channel], names: impl Fn(usize) -> String) -> usize {
    let attempts = (0..200).map(|number| {
        let channel = channels[number % channels.len()].clone();
        let name = names(number);
        async move { handshake(channel, &name, "wrong").await.unwrap_err().code() }
    });
    let codes = join_all(attempts).await;
    assert!(codes.iter().all(|code| [Code::Unauthenticated, Code::ResourceExhausted].contains(code)));
    codes.into_iter().filter(|code| *code == Code::ResourceExhausted).count()
}

#[test]
fn a_storm_of_wrong_passwords_turns_no_right_login_away() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[]).await;
        let mut storming = Vec::new();
        for _ in 0..4 {
            storming.push(channel(&server, "127.0.0.2").await);
        }
        let names: [fn(usize) -> String; 3] =
            [|_| "analyst".to_owned(), |_| "nobody".to_owned(), |number| format!("name{number}")];
        for name in names {
            let right = async {
                for _ in 0..5 {
                    for user in ["analyst", "support"] {
                        let channel = channel(&server, "127.0.0.1").await;
                        handshake(channel, user, user).await.unwrap();
                    }
                }
            };
            let (turned_away, ()) = tokio::join!(storm(&storming, name), right);
            assert!(turned_away > 0, "the storm was none");
        }
    });
}

#[test]
fn what_a_client_never_sends_to_its_end_is_ended_in_time() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[("LAKEGATE__SERVER__UPLOAD_TIMEOUT", "2s")]).await;
        let analyst = Raw::login(&server, "analyst").await;
        // Calls of one message, which tonic reads before any handler is asked.
        let mut half = Http2::connect(&server).await;
        let methods = ["DoAction", "GetFlightInfo", "DoGet", "DoPut"];
        for (stream, method) in (1..).step_by(2).zip(methods) {
            half.call(stream, method, Some(&analyst.token)).await.unwrap();
            half.frame(DATA, 0, stream, &[0, 0, 1, 0, 0, 1, 2, 3]).await.unwrap();
        }
        until_answered(&mut half, methods.len()).await;
        // A stream that goes on for ever, byte by byte.
        let command = CommandPreparedStatementQuery { prepared_statement_handle: vec![1].into() };
        let first = FlightData {
            flight_descriptor: Some(FlightDescriptor::new_cmd(command.as_any().encode_to_vec())),
            ..FlightData::default()
        };
        let endless = stream::iter([first]).chain(stream::pending());
        let mut request = Request::new(endless);
        request.metadata_mut().insert("authorization", analyst.token.parse().unwrap());
        let mut client = FlightServiceClient::new(channel(&server, "127.0.0.1").await);
        let status = client.do_put(request).await.err().unwrap();
        assert_eq!(status.code(), Code::PermissionDenied, "the handle is looked at first: {status}");
        let silent = stream::pending::<FlightData>();
        let mut request = Request::new(silent);
        request.metadata_mut().insert("authorization", analyst.token.parse().unwrap());
        let status = client.do_put(request).await.err().unwrap();
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    });
}

#[test]
fn of_a_call_without_a_login_nothing_is_waited_for() {
    run(async {
        let server = server().await;
        for token in [None, Some("Bearer none"), Some("Basic none")] {
            let mut stranger = Http2::connect(&server).await;
            let methods =
                ["DoAction", "GetFlightInfo", "DoGet", "DoPut", "DoExchange", "PollFlightInfo", "Handshake"];
            for (stream, method) in (1..).step_by(2).zip(methods) {
                stranger.call(stream, method, token).await.unwrap();
                // Fifteen megabytes are announced.
                stranger.frame(DATA, 0, stream, &[0, 0, 0xf0, 0, 0, 1]).await.unwrap();
            }
            until_answered(&mut stranger, methods.len()).await;
        }
    });
}

#[test]
fn one_users_open_uploads_leave_room_for_that_users_other_calls_and_for_others() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let limits = [("LAKEGATE__SERVER__MAX_UPLOADS_PER_USER", "2")];
        let server = start_server(&sandbox, &limits).await;
        let mut analyst = Raw::login(&server, "analyst").await;
        let regions = analyst.value("select count(*) from sales.region").await;
        let mut held = Http2::connect(&server).await;
        for stream in (1..).step_by(2).take(50) {
            held.call(stream, "DoPut", Some(&analyst.token)).await.unwrap();
        }
        assert_eq!(analyst.value("select count(*) from sales.region").await, regions);
        let other = login(&server, "eu_analyst").await;
        assert_eq!(value(&other, "select 5").await, "5");
        drop(held);
        let empty = analyst.put_messages(Vec::new()).await.unwrap_err();
        assert_eq!(empty.code(), Code::InvalidArgument, "its turn has come: {empty}");
    });
}

/// Frames that cost the client little: the server may end the connection, and nobody else is to notice.
#[test]
fn floods_of_frames_reach_nobody_else() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let mut server = start_server(&sandbox, &[]).await;
        let neighbour = login(&server, "analyst").await;
        let token = Raw::login(&server, "analyst").await.token;
        for flood in ["resets", "pings", "settings", "empty data", "continuations", "faults"] {
            let mut hostile = Http2::connect(&server).await;
            let sending = async {
                if flood == "continuations" {
                    let mut block = headers("DoGet", None);
                    block.truncate(20);
                    hostile.frame(HEADERS, 0, 1, &block).await?;
                }
                if flood == "empty data" {
                    hostile.call(1, "DoPut", Some(&token)).await?;
                }
                for number in 0..20_000_u32 {
                    let stream = number * 2 + 1;
                    match flood {
                        "resets" => {
                            hostile.call(stream, "DoGet", Some(&token)).await?;
                            hostile.frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()).await?;
                        }
                        "pings" => hostile.frame(PING, 0, 0, &[0; 8]).await?,
                        "settings" => hostile.frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0xff, 0xff]).await?,
                        "empty data" => hostile.frame(DATA, 0, 1, &[]).await?,
                        "continuations" => hostile.frame(CONTINUATION, 0, 1, &[0, 1, b'x', 1, b'y']).await?,
                        _ => {
                            // A window that grows by nothing is a fault, which the server has to answer with a reset.
                            hostile.call(stream, "DoPut", Some(&token)).await?;
                            hostile.frame(8, 0, stream, &0_u32.to_be_bytes()).await?;
                        }
                    }
                }
                hostile.frame(DATA, END_STREAM, 1, &[]).await
            };
            let limited = tokio::time::timeout(std::time::Duration::from_secs(5), sending);
            let asking = async {
                for _ in 0..5 {
                    assert_eq!(value(&neighbour, "select count(*) from sales.region").await, "5", "{flood}");
                }
            };
            // The server may stop reading, or close: both end a flood.
            let (_ended, ()) = tokio::join!(limited, asking);
            assert!(server.is_running(), "{flood}");
            drop(login(&server, "analyst").await);
        }
    });
}
