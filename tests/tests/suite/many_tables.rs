//! Browsing an account of thousands of tables: patterns, types, comments, and what it costs.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Schema;
use arrow_flight::IpcMessage;
use arrow_flight::sql::{CommandGetDbSchemas, CommandGetTables};
use aws_sdk_glue::types::{Column, DatabaseInput, StorageDescriptor, TableInput};
use aws_sdk_lakeformation::types::{DataLakePrincipal, Permission, Resource, TableResource, TableWildcard};
use futures::{StreamExt, TryStreamExt, stream};
use lakegate_sandbox::Sandbox;
use lakegate_tests::stack;

use crate::raw::{Raw, ticket_of};
use crate::support::{admin, run, server, start_server};

const TABLES: usize = 2_000;
const DATABASES: [&str; 4] = ["wide_a", "wide_b", "wide_c", "wide_d"];
const COLUMNS: usize = 20;

/// Enters tables into the catalog for which there is not one file.
async fn register_tables(sandbox: &Sandbox) {
    let config = admin(sandbox).await;
    let glue = aws_sdk_glue::Client::new(&config);
    let lakeformation = aws_sdk_lakeformation::Client::new(&config);
    for database in DATABASES {
        let input = DatabaseInput::builder().name(database).build().unwrap();
        glue.create_database().database_input(input).send().await.unwrap();
        let all = TableResource::builder()
            .database_name(database)
            .table_wildcard(TableWildcard::builder().build())
            .build()
            .unwrap();
        let role = "arn:aws:iam::123456789012:role/lakegate/analyst";
        let principal = DataLakePrincipal::builder().data_lake_principal_identifier(role).build();
        let grant = lakeformation.grant_permissions().principal(principal);
        let resource = Resource::builder().table(all).build();
        grant.resource(resource).permissions(Permission::Select).send().await.unwrap();
    }
    let per_database = TABLES / DATABASES.len();
    let names =
        DATABASES.into_iter().flat_map(|database| (0..per_database).map(move |number| (database, number)));
    stream::iter(names)
        .map(Ok::<_, aws_sdk_glue::Error>)
        .try_for_each_concurrent(16, |(database, number)| {
            let glue = glue.clone();
            async move {
                let table = table(database, &format!("table_{number:04}"));
                glue.create_table().database_name(database).table_input(table).send().await?;
                Ok(())
            }
        })
        .await
        .unwrap();
}

fn table(database: &str, name: &str) -> TableInput {
    let column = |number| {
        let kind = ["bigint", "string", "decimal(12,2)", "array<struct<a:int,b:date>>"][number % 4];
        Column::builder()
            .name(format!("column_{number}"))
            .r#type(kind)
            .comment("what it means")
            .build()
            .unwrap()
    };
    let storage = StorageDescriptor::builder()
        .set_columns(Some((0..COLUMNS).map(column).collect()))
        .location(format!("s3://lakegate-demo/{database}/{name}"))
        .build();
    TableInput::builder()
        .name(name)
        .description("a table of many")
        .table_type("EXTERNAL_TABLE")
        .parameters("table_type", "DELTA")
        .storage_descriptor(storage)
        .build()
        .unwrap()
}

fn tables(schema: Option<&str>, table: Option<&str>, types: &[&str]) -> CommandGetTables {
    CommandGetTables {
        catalog: None,
        db_schema_filter_pattern: schema.map(str::to_owned),
        table_name_filter_pattern: table.map(str::to_owned),
        table_types: types.iter().map(|name| (*name).to_owned()).collect(),
        include_schema: true,
    }
}

async fn listed(client: &mut Raw, command: &CommandGetTables) -> RecordBatch {
    let info = client.info_of(command).await.unwrap();
    let batches = client.redeem(ticket_of(&info)).await.unwrap();
    match batches.first() {
        Some(first) => arrow::compute::concat_batches(&first.schema(), &batches).unwrap(),
        None => {
            RecordBatch::new_empty(std::sync::Arc::new(Schema::try_from(IpcMessage(info.schema)).unwrap()))
        }
    }
}

#[test]
fn two_thousand_tables_with_their_columns_cost_a_few_listings_and_no_look_at_s3() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        register_tables(&sandbox).await;
        let server = start_server(&sandbox, &[("LAKEGATE__ACCESS__CATALOG_TTL", "10m")]).await;
        let mut analyst = Raw::login(&server, "analyst").await;
        sandbox.record_s3();
        let calls = || sandbox.counters().get("glue:GetTables").copied().unwrap_or_default();
        let before = calls();
        let everything = tables(None, None, &[]);
        let cold = listed(&mut analyst, &everything).await;
        assert!(cold.num_rows() >= TABLES, "{} tables", cold.num_rows());
        let pages = calls() - before;
        assert!(pages <= 40, "{pages} calls for {TABLES} tables");

        // What the deepest search of ADBC asks for.
        let schemas = CommandGetDbSchemas { catalog: None, db_schema_filter_pattern: None };
        let info = analyst.info_of(&schemas).await.unwrap();
        assert!(analyst.redeem(ticket_of(&info)).await.unwrap()[0].num_rows() >= DATABASES.len());
        let began = std::time::Instant::now();
        let warm = listed(&mut analyst, &everything).await;
        println!("{} tables with their columns, warm: {:?}", warm.num_rows(), began.elapsed());
        assert_eq!(warm, cold);
        assert_eq!(calls() - before, pages, "the second time nothing is asked");
        assert!(sandbox.recorded_s3().is_empty());

        let encoded = warm.column_by_name("table_schema").unwrap().as_binary::<i32>();
        let names = warm.column_by_name("table_name").unwrap().as_string::<i32>();
        let row = (0..names.len()).find(|row| names.value(*row) == "table_0007").unwrap();
        let schema = Schema::try_from(IpcMessage(encoded.value(row).to_vec().into())).unwrap();
        assert_eq!(schema.fields().len(), COLUMNS);
        assert_eq!(schema.field(0).metadata()["ARROW:FLIGHT:SQL:REMARKS"], "what it means");
        assert_eq!(schema.metadata()["ARROW:FLIGHT:SQL:REMARKS"], "a table of many");
        assert_eq!(
            listed(&mut analyst, &tables(Some("wide\\_a"), Some("table\\_000_"), &["TABLE"]))
                .await
                .num_rows(),
            10
        );

        let mut stranger = Raw::login(&server, "stranger").await;
        assert_eq!(listed(&mut stranger, &everything).await.num_rows(), 0);
    });
}

#[test]
fn tables_are_found_by_pattern_and_type() {
    run(async {
        let server = server().await;
        let mut analyst = Raw::login(&server, "analyst").await;
        for (schema, table, types, found) in [
            (Some("sales"), Some("nat%"), &[][..], 1),
            (Some("SALES"), Some("NATION"), &[], 1),
            (Some("sal_s"), Some("_ation"), &["TABLE"], 1),
            (Some("sales"), Some("nat\\_on"), &[], 0),
            (Some("sal%"), Some("nation"), &["VIEW"], 0),
            (Some("sales"), Some("nation"), &["VIEW", "table"], 1),
            (Some(""), None, &[], 0),
            (Some("nowhere"), None, &[], 0),
        ] {
            let answer = listed(&mut analyst, &tables(schema, table, types)).await;
            assert_eq!(answer.num_rows(), found, "{schema:?} {table:?} {types:?}");
        }
    });
}
