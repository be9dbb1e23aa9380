//! The life of a query beside its rows: cancelling, renewing, polling, and what a read-only server answers to the rest.

use arrow::datatypes::{DataType, Field, Schema};
use arrow_flight::sql::{
    ActionBeginTransactionRequest, ActionCancelQueryRequest, ActionCancelQueryResult,
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest, Any, CommandGetCatalogs,
    CommandPreparedStatementQuery, CommandStatementIngest, CommandStatementUpdate,
    DoPutPreparedStatementResult, ProstMessageExt,
};
use arrow_flight::{
    CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, FlightData, FlightDescriptor,
    FlightEndpoint, FlightInfo, RenewFlightEndpointRequest, Ticket,
};
use futures::TryStreamExt;
use lakegate_tests::stack;
use prost::Message;
use std::sync::Arc;
use tonic::{Code, Status, Streaming};

use crate::delta::rows::Rows;
use crate::raw::{Raw, decoded, ticket_of};
use crate::support::{run, server, start_server};

/// Runs until it is ended: more rows than any client takes, so that it waits for its client most of the time.
const ENDLESS: &str = "select a.l_orderkey from sales.lineitem a, sales.lineitem b";

async fn cancel(client: &mut Raw, info: FlightInfo) -> Result<CancelStatus, Status> {
    let body = CancelFlightInfoRequest { info: Some(info) }.encode_to_vec();
    let results = client.action("CancelFlightInfo", body).await?;
    Ok(CancelFlightInfoResult::decode(results[0].clone()).unwrap().status())
}

/// How a stream ends; rows may have been on their way.
async fn end_of(mut running: Streaming<FlightData>) -> Status {
    loop {
        if let Err(status) = running.message().await.transpose().unwrap() {
            return status;
        }
    }
}

#[test]
fn an_owner_cancels_a_running_query_and_nobody_else_does() {
    run(async {
        let server = server().await;
        let mut analyst = Raw::login(&server, "analyst").await;
        let mut other = Raw::login(&server, "support").await;
        let info = analyst.info(ENDLESS).await.unwrap();
        let by_id = FlightInfo { app_metadata: info.app_metadata.clone(), ..FlightInfo::default() };
        for (how, request) in
            [("ticket", FlightInfo { app_metadata: "".into(), ..info.clone() }), ("id", by_id)]
        {
            let mut running = analyst.messages(ticket_of(&info)).await.unwrap();
            assert!(running.message().await.unwrap().is_some(), "the schema comes first");
            let refused = cancel(&mut other, request.clone()).await.unwrap_err();
            assert_eq!(refused.code(), Code::NotFound, "{how}");
            assert_eq!(
                cancel(&mut analyst, request.clone()).await.unwrap(),
                CancelStatus::Cancelled,
                "{how}"
            );
            let status = end_of(running).await;
            assert_eq!(
                (status.code(), status.message()),
                (Code::Cancelled, "the query was cancelled"),
                "{how}"
            );
        }
        // Nothing of it runs here any more; whether it runs on another server, this one does not know.
        assert_eq!(cancel(&mut analyst, info.clone()).await.unwrap(), CancelStatus::Unspecified);
        let forgotten = FlightInfo { endpoint: Vec::new(), ..info };
        assert_eq!(cancel(&mut analyst, forgotten).await.unwrap_err().code(), Code::NotFound);
    });
}

#[test]
fn the_older_action_cancels_too() {
    run(async {
        let server = server().await;
        let mut analyst = Raw::login(&server, "analyst").await;
        let info = analyst.info(ENDLESS).await.unwrap();
        let running = analyst.messages(ticket_of(&info)).await.unwrap();
        let request = ActionCancelQueryRequest { info: info.encode_to_vec().into() };
        let results = analyst.action("CancelQuery", request.as_any().encode_to_vec()).await.unwrap();
        let any = Any::decode(results[0].clone()).unwrap();
        let result = ActionCancelQueryResult::decode(any.value).unwrap();
        assert_eq!(result.result, CancelStatus::Cancelled as i32);
        assert_eq!(decoded(running).await.unwrap_err().code(), Code::Cancelled);
    });
}

#[test]
fn a_query_that_waits_for_its_turn_can_be_cancelled_and_polling_tells_its_place() {
    run(async {
        let sandbox = stack::sandbox(stack::SCALE_FACTOR).await.unwrap();
        let server = start_server(&sandbox, &[("LAKEGATE__SESSION__MAX_CONCURRENT_QUERIES", "1")]).await;
        let mut analyst = Raw::login(&server, "analyst").await;
        let info = analyst.info(ENDLESS).await.unwrap();
        let (poll, _) = analyst.poll("select 1").await.unwrap();
        assert_eq!((poll.flight_descriptor, poll.progress), (None, Some(1.0)));
        let rows = analyst.redeem(ticket_of(&poll.info.unwrap())).await.unwrap();
        assert_eq!(rows[0].num_rows(), 1);

        let running = analyst.messages(ticket_of(&info)).await.unwrap();
        let (poll, headers) = analyst.poll("select 1").await.unwrap();
        assert!(poll.flight_descriptor.is_some(), "the query is not ready");
        assert!(poll.info.unwrap().endpoint.is_empty());
        assert_eq!(headers.get("x-lakegate-queue-position").unwrap(), "1");

        let waiting_info = analyst.info("select 2").await.unwrap();
        let mut waiter = Raw::login(&server, "analyst").await;
        let ticket = ticket_of(&waiting_info);
        let waiting = tokio::spawn(async move { waiter.redeem(ticket).await.map(drop) });
        while cancel(&mut analyst, waiting_info.clone()).await.unwrap() != CancelStatus::Cancelled {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(waiting.await.unwrap().unwrap_err().code(), Code::Cancelled);
        drop(running);
        assert_eq!(analyst.value("select 3").await, "3");
    });
}

#[test]
fn what_is_no_query_of_a_statement_cannot_be_cancelled() {
    run(async {
        let server = server().await;
        let mut analyst = Raw::login(&server, "analyst").await;
        let catalogs = analyst.info_of(&CommandGetCatalogs {}).await.unwrap();
        assert_eq!(cancel(&mut analyst, catalogs).await.unwrap(), CancelStatus::NotCancellable);
        assert_eq!(cancel(&mut analyst, FlightInfo::default()).await.unwrap_err().code(), Code::NotFound);
        let garbage = FlightInfo {
            endpoint: vec![FlightEndpoint::new().with_ticket(Ticket::new("garbage"))],
            app_metadata: vec![0xff, 0xfe].into(),
            ..FlightInfo::default()
        };
        assert_eq!(cancel(&mut analyst, garbage).await.unwrap_err().code(), Code::NotFound);
        for body in [&b"\xff\xff\xff"[..], b""] {
            let status = analyst.action("CancelFlightInfo", body).await.unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument);
        }
    });
}

async fn renew(client: &mut Raw, endpoint: FlightEndpoint) -> Result<FlightEndpoint, Status> {
    let body = RenewFlightEndpointRequest { endpoint: Some(endpoint) }.encode_to_vec();
    let results = client.action("RenewFlightEndpoint", body).await?;
    Ok(FlightEndpoint::decode(results[0].clone()).unwrap())
}

#[test]
fn a_renewed_ticket_lives_longer_and_serves_the_same_owner() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[("LAKEGATE__SERVER__TICKET_TTL", "5s")]).await;
        let mut analyst = Raw::login(&server, "analyst").await;
        let mut other = Raw::login(&server, "support").await;
        let info = analyst.info("select count(*) from hr.employees").await.unwrap();
        let endpoint = info.endpoint[0].clone();
        assert_eq!(renew(&mut other, endpoint.clone()).await.unwrap_err().code(), Code::PermissionDenied);
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        let renewed = renew(&mut analyst, endpoint.clone()).await.unwrap();
        let expiry = |endpoint: &FlightEndpoint| endpoint.expiration_time.as_ref().unwrap().seconds;
        assert!(expiry(&renewed) > expiry(&endpoint));
        tokio::time::sleep(std::time::Duration::from_millis(2200)).await;
        let expired = analyst.redeem(endpoint.ticket.clone().unwrap()).await.unwrap_err();
        assert_eq!(expired.code(), Code::FailedPrecondition);
        assert!(analyst.redeem(renewed.ticket.unwrap()).await.is_ok());
        assert_eq!(renew(&mut analyst, endpoint).await.unwrap_err().code(), Code::FailedPrecondition);
        let status = renew(&mut analyst, FlightEndpoint::new()).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
    });
}

#[test]
fn the_answer_of_planning_tells_order_expiry_and_the_query_id() {
    run(async {
        let server = server().await;
        let mut analyst = Raw::login(&server, "analyst").await;
        for (sql, ordered) in [
            ("select n_name from sales.nation", false),
            ("select n_name from sales.nation order by 1", true),
            ("select * from (select n_name from sales.nation order by 1) x", false),
        ] {
            let info = analyst.info(sql).await.unwrap();
            assert_eq!(info.ordered, ordered, "{sql}");
            assert_eq!((info.total_records, info.total_bytes), (-1, -1));
            assert!(info.endpoint[0].expiration_time.is_some() && info.endpoint[0].location.is_empty());
            assert_eq!(info.app_metadata.len(), 36);
        }
    });
}

#[test]
fn the_listed_actions_are_answered_and_what_would_write_is_refused_in_clear_words() {
    run(async {
        let server = server().await;
        let mut analyst = Raw::login(&server, "analyst").await;
        for name in analyst.actions().await {
            let status = analyst.action(&name, Vec::new()).await.err();
            assert_ne!(status.map(|status| status.code()), Some(Code::Unimplemented), "{name}");
        }
        let begin = ActionBeginTransactionRequest {}.as_any().encode_to_vec();
        for name in ["BeginTransaction", "EndTransaction", "BeginSavepoint", "EndSavepoint"] {
            let status = analyst.action(name, begin.clone()).await.unwrap_err();
            assert_eq!(status.code(), Code::Unimplemented);
            assert!(status.message().contains("no transactions"), "{status}");
        }
        let delete =
            CommandStatementUpdate { query: "delete from hr.employees".to_owned(), transaction_id: None };
        let ingest = CommandStatementIngest { table: "t".to_owned(), ..CommandStatementIngest::default() };
        for status in [analyst.put(&delete).await.unwrap_err(), analyst.put(&ingest).await.unwrap_err()] {
            assert_eq!(
                (status.code(), status.message()),
                (Code::InvalidArgument, "this server is read-only")
            );
        }
        assert_eq!(analyst.info_of(&delete).await.unwrap_err().code(), Code::InvalidArgument);
    });
}

/// Clients differ in which handle they use again and which they close.
#[test]
fn handles_from_before_and_after_a_bind_are_both_good_and_closing_is_nothing() {
    run(async {
        let server = server().await;
        let mut analyst = Raw::login(&server, "analyst").await;
        let sql = "select count(*) n from hr.employees where id < ?".to_owned();
        let request = ActionCreatePreparedStatementRequest { query: sql, transaction_id: None };
        let results =
            analyst.action("CreatePreparedStatement", request.as_any().encode_to_vec()).await.unwrap();
        let any = Any::decode(results[0].clone()).unwrap();
        let created = lakegate_proto::flight::ActionCreatePreparedStatementResult::decode(any.value).unwrap();
        let unbound: bytes::Bytes = created.prepared_statement_handle.into();

        let mut counts = Vec::new();
        let mut handles = vec![unbound.clone()];
        for limit in [3_i64, 6] {
            let bound = bind(&mut analyst, &unbound, limit).await;
            handles.push(bound.clone());
            let info = analyst
                .info_of(&CommandPreparedStatementQuery { prepared_statement_handle: bound })
                .await
                .unwrap();
            let rows = analyst.redeem(ticket_of(&info)).await.unwrap();
            counts.push(arrow::util::display::array_value_to_string(rows[0].column(0), 0).unwrap());
        }
        assert_eq!(counts, ["2", "5"]);
        for handle in handles.iter().chain(&handles) {
            let close = ActionClosePreparedStatementRequest { prepared_statement_handle: handle.clone() };
            analyst.action("ClosePreparedStatement", close.as_any().encode_to_vec()).await.unwrap();
        }
        let bound = bind(&mut analyst, &unbound, 4).await;
        assert_ne!(bound, unbound);
    });
}

async fn bind(client: &mut Raw, handle: &bytes::Bytes, value: i64) -> bytes::Bytes {
    let schema = Arc::new(Schema::new(vec![Field::new("whatever", DataType::Int64, true)]));
    let column = Arc::new(arrow::array::Int64Array::from(vec![value]));
    let row = arrow::array::RecordBatch::try_new(schema, vec![column]).unwrap();
    let encoded =
        arrow_flight::encode::FlightDataEncoderBuilder::new().build(futures::stream::iter([Ok(row)]));
    let mut messages: Vec<arrow_flight::FlightData> = encoded.try_collect().await.unwrap();
    let command = CommandPreparedStatementQuery { prepared_statement_handle: handle.clone() };
    messages[0].flight_descriptor = Some(FlightDescriptor::new_cmd(command.as_any().encode_to_vec()));
    let results = client.put_messages(messages).await.unwrap();
    DoPutPreparedStatementResult::decode(results[0].app_metadata.clone())
        .unwrap()
        .prepared_statement_handle
        .unwrap()
}

#[test]
fn endpoints_share_a_result_of_one_open_table_and_no_other() {
    run(async {
        let server = server().await;
        let plain = Raw::login(&server, "analyst").await;
        let mut analyst = plain.without_cookies().with_header("x-lakegate-endpoints", "3");
        let sql =
            "select o_orderkey, o_comment, upper(o_orderstatus) from sales.orders where o_orderkey % 2 = 0";
        let whole = Rows::of(&plain.without_cookies().rows(sql).await.unwrap()).texts();
        let info = analyst.info(sql).await.unwrap();
        assert_eq!((info.endpoint.len(), info.ordered), (3, false));
        let mut parts = Vec::new();
        for endpoint in info.endpoint {
            let part = plain.without_cookies().redeem(endpoint.ticket.unwrap()).await.unwrap();
            let part = Rows::of(&part).texts();
            assert!(part.len() < whole.len() / 2 && part.len() > whole.len() / 5, "{}", part.len());
            parts.extend(part);
        }
        parts.sort();
        assert_eq!(parts, whole);
        for undivided in [
            "select o_orderkey from sales.orders order by 1",
            "select o_orderkey from sales.orders limit 5",
            "select count(*) from sales.orders",
            "select distinct o_orderstatus from sales.orders",
            "select o_orderkey, random() from sales.orders",
            "select o_orderkey, now() from sales.orders",
            "select o_orderkey from sales.orders where o_orderkey in (select max(o_orderkey) from sales.orders)",
            "select a.o_orderkey from sales.orders a, sales.nation",
            "select row_number() over () from sales.orders",
            "select 1",
            "select * from information_schema.tables",
        ] {
            match analyst.info(undivided).await {
                Ok(info) => assert_eq!(info.endpoint.len(), 1, "{undivided}"),
                Err(status) => assert!(undivided.contains("random"), "{undivided}: {status}"),
            }
        }
        for user in ["eu_analyst", "support", "hr_partner"] {
            let user = Raw::login(&server, user).await;
            let mut user = user.without_cookies().with_header("x-lakegate-endpoints", "3");
            assert_eq!(user.info("select id from hr.employees").await.unwrap().endpoint.len(), 1);
        }
    });
}
