//! Sessions: options from headers, cookies and SET, and who keeps them.

use arrow_flight::IpcMessage;
use arrow_flight::sql::{
    ActionCreatePreparedStatementRequest, Any, CommandPreparedStatementQuery, CommandPreparedStatementUpdate,
    CommandStatementUpdate, DoPutUpdateResult, ProstMessageExt,
};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lakegate_proto::flight::ActionCreatePreparedStatementResult;
use lakegate_tests::stack;
use prost::Message;
use tonic::Code;

use crate::raw::{Raw, ticket_of};
use crate::support::{run, server, start_server};

const NATIONS: &str = "select count(*) from nation";

async fn refused(client: &mut Raw, sql: &str) -> (Code, String) {
    let status = client.rows(sql).await.err().unwrap_or_else(|| panic!("not refused: {sql}"));
    (status.code(), status.message().to_owned())
}

#[test]
fn a_table_without_a_database_is_found_in_the_schema_of_a_header_or_of_the_session() {
    run(async {
        let server = server().await;
        let mut client = Raw::login(&server, "analyst").await;
        let unnamed = (Code::NotFound, "table not found or not granted: nation".to_owned());
        assert_eq!(refused(&mut client, NATIONS).await, unnamed);
        let mut with_header = client.without_cookies().with_header("schema", "Sales");
        assert_eq!(with_header.value(NATIONS).await, "25");
        assert_eq!(with_header.value("select count(nation.n_name) from nation").await, "25");

        assert!(client.set_options(&[("schema", "sales")]).await.unwrap().is_empty());
        assert_eq!(client.value(NATIONS).await, "25");
        assert_eq!(
            client.value("with nation as (select * from nation limit 3) select count(*) from nation").await,
            "3"
        );
        assert_eq!(client.options().await["schema"], "sales");
        assert_eq!(client.value("show schema").await, "sales");
        assert_eq!(client.rows("describe nation").await.unwrap()[0].num_rows(), 4);

        client.rows("use hr").await.unwrap();
        assert_eq!(refused(&mut client, NATIONS).await.1, "table not found or not granted: hr.nation");
        client.rows("reset schema").await.unwrap();
        assert_eq!(refused(&mut client, NATIONS).await, unnamed);
    });
}

#[test]
fn what_is_hidden_stays_hidden_behind_a_default_schema() {
    run(async {
        let server = server().await;
        let client = Raw::login(&server, "stranger").await;
        let mut client = client.without_cookies().with_header("schema", "hr");
        let (_, hidden) = refused(&mut client, "select * from employees").await;
        let (_, unknown) = refused(&mut client, "select * from nobody").await;
        assert_eq!(hidden.replace("employees", "nobody"), unknown);
        let partner = Raw::login(&server, "hr_partner").await;
        let mut named = partner.without_cookies();
        let expected = named.value("select count(*) from hr.employees").await;
        let mut unnamed = partner.without_cookies().with_header("schema", "hr");
        assert_eq!(unnamed.value("select count(*) from employees").await, expected);
    });
}

#[test]
fn a_client_that_keeps_no_cookie_is_told_which_header_to_send() {
    run(async {
        let server = server().await;
        let mut client = Raw::login(&server, "analyst").await.without_cookies();
        for sql in ["set schema = sales", "use sales"] {
            let (code, text) = refused(&mut client, sql).await;
            assert_eq!(code, Code::InvalidArgument);
            assert!(text.contains("no cookie") && text.ends_with(": schema"), "{text}");
        }
        let status = client.set_options(&[("as_of", "2026-01-31")]).await.unwrap_err();
        assert!(status.message().ends_with(": x-lakegate-as-of"), "{status}");
        // Drivers set the catalog of their connection string, and there is only one.
        assert!(client.set_options(&[("catalog", "AwsDataCatalog")]).await.unwrap().is_empty());
        client.rows("reset schema").await.unwrap();
    });
}

#[test]
fn an_option_that_is_unknown_or_malformed_is_refused_by_name() {
    run(async {
        let server = server().await;
        let mut client = Raw::login(&server, "analyst").await;
        let errors = client
            .set_options(&[("schema", "sales"), ("batch_size", "1"), ("statement_timeout", "soon")])
            .await
            .unwrap();
        assert_eq!((errors.len(), errors["batch_size"], errors["statement_timeout"]), (2, 1, 2));
        assert_eq!(client.value(NATIONS).await, "25");
        assert_eq!(refused(&mut client, "set batch_size = 1").await.0, Code::Unimplemented);
        assert_eq!(refused(&mut client, "set statement_timeout = 30").await.0, Code::InvalidArgument);
        let status = client.action("SetSessionOptions", &b"\xff\xff"[..]).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
    });
}

#[test]
fn a_header_wins_over_the_session_and_is_not_undone_in_silence() {
    run(async {
        let server = server().await;
        let mut client = Raw::login(&server, "analyst").await;
        client.set_options(&[("schema", "hr")]).await.unwrap();
        let mut client = client.with_header("schema", "sales");
        assert_eq!(client.value(NATIONS).await, "25");
        let (code, text) = refused(&mut client, "set schema = hr").await;
        assert_eq!(code, Code::InvalidArgument);
        assert!(text.contains("header"), "{text}");
    });
}

#[test]
fn a_session_serves_its_owner_on_every_replica_and_nobody_else() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let key = BASE64_STANDARD.encode([7_u8; 32]);
        let keys = [("LAKEGATE__IDENTITY__SEALING_KEYS", key.as_str())];
        let (first, second) = (start_server(&sandbox, &keys).await, start_server(&sandbox, &keys).await);
        let mut at_first = Raw::login(&first, "analyst").await;
        at_first.rows("use sales").await.unwrap();
        let info = at_first.info(NATIONS).await.unwrap();

        let mut at_second = Raw::login(&second, "analyst").await;
        at_second.cookie = at_first.cookie.clone();
        at_second.token = at_first.token.clone();
        assert_eq!(at_second.value(NATIONS).await, "25");
        assert_eq!(at_second.redeem(ticket_of(&info)).await.unwrap()[0].num_rows(), 1);

        let mut other = Raw::login(&second, "support").await;
        other.cookie = at_first.cookie.clone();
        let (code, text) = refused(&mut other, "select 1").await;
        assert_eq!(code, Code::PermissionDenied, "{text}");
        at_first.action("CloseSession", Vec::new()).await.unwrap();
        assert_eq!(at_first.cookie, None);
        assert_eq!(refused(&mut at_first, NATIONS).await.0, Code::NotFound);
    });
}

#[test]
fn a_ticket_and_a_handle_run_with_the_options_that_they_were_made_with() {
    run(async {
        let server = server().await;
        let plain = Raw::login(&server, "analyst").await;
        let mut with_schema = plain.without_cookies().with_header("schema", "sales");
        let mut other = plain.without_cookies().with_header("schema", "hr");
        let info = with_schema.info(NATIONS).await.unwrap();
        assert_eq!(other.redeem(ticket_of(&info)).await.unwrap()[0].num_rows(), 1);
        let prepared = prepare(&mut with_schema, NATIONS).await;
        let command = CommandPreparedStatementQuery {
            prepared_statement_handle: prepared.prepared_statement_handle.into(),
        };
        let info = other.info_of(&command).await.unwrap();
        assert_eq!(other.redeem(ticket_of(&info)).await.unwrap()[0].num_rows(), 1);
    });
}

async fn prepare(client: &mut Raw, sql: &str) -> ActionCreatePreparedStatementResult {
    let request = ActionCreatePreparedStatementRequest { query: sql.to_owned(), transaction_id: None };
    let results = client.action("CreatePreparedStatement", request.as_any().encode_to_vec()).await.unwrap();
    let any = Any::decode(results[0].clone()).unwrap();
    ActionCreatePreparedStatementResult::decode(any.value).unwrap()
}

/// The ways of drivers: JDBC prepares everything and updates, ADBC prepares and reads, ODBC reads at once.
#[test]
fn every_driver_can_send_a_set_in_its_own_way() {
    run(async {
        let server = server().await;
        let mut client = Raw::login(&server, "analyst").await;
        let prepared = prepare(&mut client, "set schema = sales").await;
        assert_eq!(prepared.is_update, Some(true));
        assert!(prepared.dataset_schema.is_empty());
        let handle: bytes::Bytes = prepared.prepared_statement_handle.into();
        let update = CommandPreparedStatementUpdate { prepared_statement_handle: handle.clone() };
        let results = client.put(&update).await.unwrap();
        let result = DoPutUpdateResult::decode(results[0].app_metadata.clone()).unwrap();
        assert_eq!(result.record_count, 0);
        assert_eq!(client.value("show schema").await, "sales");

        client
            .put(&CommandStatementUpdate { query: "use hr".to_owned(), transaction_id: None })
            .await
            .unwrap();
        assert_eq!(client.value("show schema").await, "hr");

        let info = client
            .info_of(&CommandPreparedStatementQuery { prepared_statement_handle: handle })
            .await
            .unwrap();
        assert_eq!(client.value("show schema").await, "sales");
        let schema = arrow::datatypes::Schema::try_from(IpcMessage(info.schema.clone())).unwrap();
        assert!(schema.fields().is_empty());
        assert!(client.redeem(ticket_of(&info)).await.unwrap().is_empty());

        let query = prepare(&mut client, "select 1").await;
        assert_eq!(query.is_update, Some(false));
        let update = CommandPreparedStatementUpdate {
            prepared_statement_handle: query.prepared_statement_handle.into(),
        };
        let status = client.put(&update).await.unwrap_err();
        assert_eq!(status.message(), "this server is read-only");
    });
}

#[test]
fn all_options_are_shown_with_what_they_do() {
    run(async {
        let server = server().await;
        let mut client = Raw::login(&server, "analyst").await;
        client.rows("set as_of = '2099-01-31 10:00:00'").await.unwrap();
        client.rows("set statement_timeout = '90s'").await.unwrap();
        let shown = client.rows("show all").await.unwrap();
        let table = arrow::util::pretty::pretty_format_batches(&shown).unwrap().to_string();
        for cell in
            ["| catalog ", "| awsdatacatalog ", "| 2099-01-31T10:00:00Z ", "| 1m 30s ", "| compression "]
        {
            assert!(table.contains(cell), "{cell} in {table}");
        }
        assert_eq!(client.value("select count(*) from sales.nation").await, "25");
        client.rows("set as_of = '1970-01-01'").await.unwrap();
        assert!(client.rows("select count(*) from sales.nation").await.is_err());
        client.rows("set as_of = default").await.unwrap();
        assert_eq!(client.value("select count(*) from sales.nation").await, "25");
    });
}

#[test]
fn a_statement_timeout_ends_a_statement() {
    run(async {
        let server = server().await;
        let client = Raw::login(&server, "analyst").await;
        let mut client = client.without_cookies().with_header("x-lakegate-statement-timeout", "300ms");
        let endless =
            "select count(*) from sales.lineitem a, sales.lineitem b where a.l_orderkey + b.l_orderkey < 0";
        assert_eq!(refused(&mut client, endless).await.0, Code::DeadlineExceeded);
    });
}

#[test]
fn results_are_compressed_for_clients_that_ask_and_for_no_others() {
    run(async {
        let server = server().await;
        let plain = Raw::login(&server, "analyst").await;
        let sql = "select * from sales.orders order by o_orderkey limit 2000";
        let mut expected = None;
        let mut sizes = Vec::new();
        for compression in ["none", "lz4", "zstd"] {
            let mut client = plain.without_cookies().with_header("x-lakegate-compression", compression);
            let info = client.info(sql).await.unwrap();
            // The ticket knows how its result travels.
            let mut other = plain.without_cookies();
            let rows = other.redeem(ticket_of(&info)).await.unwrap();
            assert_eq!(*expected.get_or_insert_with(|| rows.clone()), rows, "{compression}");
            let messages = other.messages(ticket_of(&info)).await.unwrap();
            let messages: Vec<_> = futures::TryStreamExt::try_collect(messages).await.unwrap();
            sizes.push(
                messages
                    .iter()
                    .map(|message: &arrow_flight::FlightData| message.data_body.len())
                    .sum::<usize>(),
            );
        }
        assert!(sizes[1] < sizes[0] && sizes[2] < sizes[0], "{sizes:?}");
    });
}

#[test]
fn a_token_is_accepted_as_the_password_of_the_user_token() {
    run(async {
        let server = server().await;
        let client = Raw::login(&server, "analyst").await;
        let token = client.token.strip_prefix("Bearer ").unwrap();
        let mut again = Raw::login_as(&server, "token", token).await.unwrap();
        assert_eq!(again.value("select 1").await, "1");
        for wrong in ["", "token", &token[1..]] {
            let status = Raw::login_as(&server, "token", wrong).await.err().unwrap();
            assert_eq!(status.code(), Code::Unauthenticated, "{wrong}");
        }
    });
}
