//! Tokens, tickets and handles in the wrong hands, with the stock Flight SQL client of the arrow crates.

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use arrow_flight::Ticket;
use arrow_flight::error::FlightError;
use arrow_flight::sql::client::FlightSqlServiceClient;
use futures::TryStreamExt;
use lakegate_tests::stack;
use lakegate_tests::stack::Server;
use std::sync::Arc;
use std::time::Duration;
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

use crate::support::{run, server, start_server};

const SQL: &str = "select count(*) n from hr.employees";

async fn connect(server: &Server) -> FlightSqlServiceClient<Channel> {
    let address = server.url().replace("grpc://", "http://");
    FlightSqlServiceClient::new(Endpoint::from_shared(address).unwrap().connect().await.unwrap())
}

pub(crate) async fn login(server: &Server, user: &str) -> FlightSqlServiceClient<Channel> {
    let mut client = connect(server).await;
    client.handshake(user, user).await.unwrap();
    client
}

pub(crate) async fn ticket(client: &mut FlightSqlServiceClient<Channel>, sql: &str) -> Ticket {
    let info = client.execute(sql.to_owned(), None).await.unwrap();
    info.endpoint[0].ticket.clone().unwrap()
}

/// Redeems a ticket: the rows, or the code of the refusal.
pub(crate) async fn redeem(
    client: &mut FlightSqlServiceClient<Channel>,
    ticket: Ticket,
) -> Result<Vec<RecordBatch>, Code> {
    let code = |error: FlightError| match error {
        FlightError::Tonic(status) => status.code(),
        other => panic!("{other}"),
    };
    match client.do_get(ticket).await {
        Ok(stream) => stream.try_collect().await.map_err(code),
        Err(error) => Err(code(error)),
    }
}

#[test]
fn a_ticket_serves_its_owner_and_nobody_else() {
    run(async {
        let server = server().await;
        let mut analyst = login(&server, "analyst").await;
        let mut partner = login(&server, "hr_partner").await;
        let of_analyst = ticket(&mut analyst, SQL).await;
        assert_eq!(redeem(&mut partner, of_analyst.clone()).await.unwrap_err(), Code::PermissionDenied);
        assert!(redeem(&mut analyst, of_analyst).await.is_ok());
    });
}

#[test]
fn a_ticket_that_was_changed_is_refused() {
    run(async {
        let server = server().await;
        let mut analyst = login(&server, "analyst").await;
        let whole = ticket(&mut analyst, SQL).await;
        for position in [0, 20, whole.ticket.len() / 2, whole.ticket.len() - 1] {
            let mut bytes = whole.ticket.to_vec();
            bytes[position] ^= 1;
            let code = redeem(&mut analyst, Ticket::new(bytes)).await.unwrap_err();
            assert!(
                matches!(code, Code::PermissionDenied | Code::InvalidArgument | Code::Unimplemented),
                "{position}: {code:?}"
            );
        }
        let cut = Ticket::new(whole.ticket.slice(0..whole.ticket.len() / 2));
        assert!(redeem(&mut analyst, cut).await.is_err());
        assert!(redeem(&mut analyst, whole).await.is_ok());
    });
}

#[test]
fn without_a_valid_token_no_call_is_answered() {
    run(async {
        let server = server().await;
        let mut analyst = login(&server, "analyst").await;
        let whole = ticket(&mut analyst, SQL).await;
        let token = analyst.token().unwrap().to_owned();
        let mut changed = token.clone().into_bytes();
        let last = changed.len() - 5;
        changed[last] = if changed[last] == b'A' { b'B' } else { b'A' };
        for token in [None, Some("nonsense".to_owned()), Some(String::from_utf8(changed).unwrap())] {
            let mut client = connect(&server).await;
            if let Some(token) = &token {
                client.set_token(token.clone());
            }
            assert_eq!(redeem(&mut client, whole.clone()).await.unwrap_err(), Code::Unauthenticated);
            for answer in
                [client.execute(SQL.to_owned(), None).await.err(), client.get_catalogs().await.err()]
            {
                let text = answer.unwrap().to_string();
                assert!(text.to_lowercase().contains("token") || text.contains("Unauthenticated"), "{text}");
            }
        }
    });
}

#[test]
fn an_expired_ticket_says_that_it_has_expired() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[("LAKEGATE__SERVER__TICKET_TTL", "1s")]).await;
        let mut analyst = login(&server, "analyst").await;
        let short_lived = ticket(&mut analyst, SQL).await;
        tokio::time::sleep(Duration::from_millis(2100)).await;
        assert_eq!(redeem(&mut analyst, short_lived).await.unwrap_err(), Code::FailedPrecondition);
    });
}

#[test]
fn parameters_are_bound_by_position_and_row_filters_hold_for_them() {
    run(async {
        let server = server().await;
        let mut partner = login(&server, "hr_partner").await;
        let mut prepared = partner
            .prepare("select count(*) n from hr.employees where id < ? and id >= ?".to_owned(), None)
            .await
            .unwrap();
        let fields = vec![Field::new("a", DataType::Int64, true), Field::new("b", DataType::Int64, true)];
        let row = RecordBatch::try_new(
            Arc::new(Schema::new(fields)),
            vec![Arc::new(Int64Array::from(vec![8])), Arc::new(Int64Array::from(vec![1]))],
        );
        prepared.set_parameters(row.unwrap()).unwrap();
        let info = prepared.execute().await.unwrap();
        let rows = redeem(&mut partner, info.endpoint[0].ticket.clone().unwrap()).await.unwrap();
        let visible = rows[0].column(0).as_any().downcast_ref::<Int64Array>().unwrap().value(0);
        // Of the first seven employees two are active and in France.
        assert_eq!(visible, 2);
    });
}
