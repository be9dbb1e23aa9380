//! Tables whose catalog entry or log is not what it should be: each is refused with one clear error, without a path.

use std::sync::Arc;

use aws_sdk_glue::types::{Column, SerDeInfo, StorageDescriptor, TableInput};
use aws_sdk_lakeformation::types::{DataLakePrincipal, Permission, Resource, TableResource};
use lakegate_sandbox::Sandbox;
use lakegate_tests::stack;
use object_store::ObjectStoreExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use tonic::Code;

use crate::support::{admin, login, refusal, run, start_server, value};

const PROTOCOL: &str = r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}"#;
const METADATA: &str = r#"{"metaData":{"id":"6f1e4a0c-0000-4000-8000-000000000001","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"id\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}}]}","partitionColumns":[],"configuration":{},"createdTime":0}}"#;

/// A table of the account: name, log entries, parameters of its catalog entry, location.
struct Hostile {
    name: &'static str,
    log: Vec<String>,
    parameters: Vec<(&'static str, &'static str)>,
    location: String,
}

fn add(path: &str) -> String {
    format!(
        r#"{{"add":{{"path":"{path}","partitionValues":{{}},"size":1000,"modificationTime":0,"dataChange":true,"stats":"{{\"numRecords\":3}}"}}}}"#
    )
}

fn delta(name: &'static str, log: Vec<String>) -> Hostile {
    Hostile {
        name,
        log,
        parameters: vec![("table_type", "DELTA")],
        location: format!("s3://lakegate-demo/hostile/{name}"),
    }
}

fn with_file(name: &'static str, path: &str) -> Hostile {
    delta(name, vec![PROTOCOL.to_owned(), METADATA.to_owned(), add(path)])
}

#[test]
fn tables_that_are_not_what_they_should_be_are_refused_in_clear_words() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[]).await;
        let analyst = login(&server, "analyst").await;
        let unreadable = r#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["somethingNew"],"writerFeatures":["somethingNew"]}}"#;
        let cases = [
            (
                with_file("absolute", "s3://lakegate-demo/hr/employees/part.parquet"),
                "outside the table's folder",
            ),
            (with_file("other_bucket", "s3://another-bucket/part.parquet"), "outside the table's folder"),
            (with_file("parent", "../../hr/employees/part.parquet"), ""),
            (with_file("local_file", "file:///etc/passwd"), "outside the table's folder"),
            (with_file("missing_file", "part-00000.parquet"), "a file of the table is missing"),
            (
                delta("new_feature", vec![unreadable.to_owned(), METADATA.to_owned()]),
                "a Delta feature that this server does not read",
            ),
            (delta("broken_log", vec!["{not json".to_owned()]), ""),
            (delta("no_log", vec![]), "no Delta log"),
            (
                Hostile { parameters: vec![("classification", "parquet")], ..delta("not_delta", vec![]) },
                "not a Delta table",
            ),
            (
                Hostile {
                    parameters: vec![("table_type", "ICEBERG"), ("classification", "delta")],
                    ..delta("iceberg", vec![])
                },
                "not a Delta table",
            ),
            (
                Hostile {
                    location: "s3://lakegate-demo/hostile/../hr/employees".to_owned(),
                    ..delta("dots", vec![])
                },
                "location in the data catalog cannot be used",
            ),
        ];
        for (table, expected) in cases {
            create(&sandbox, &table).await;
            let (code, text) = refusal(&analyst, &format!("select * from hostile.{}", table.name)).await;
            assert!(text.contains(expected), "{}: {code:?} {text}\n{}", table.name, server.log());
            assert!(matches!(code, Code::DataLoss | Code::Unimplemented), "{}: {code:?} {text}", table.name);
            for inside in ["s3://", "lakegate-demo", "/hr/", "part-", "passwd", "arn:", "AccessDenied"] {
                assert!(!text.contains(inside), "{}: {text}", table.name);
            }
        }
        assert_eq!(value(&analyst, "select count(*) from sales.region").await, "5");
    });
}

async fn create(sandbox: &Sandbox, table: &Hostile) {
    let config = admin(sandbox).await;
    let glue = aws_sdk_glue::Client::new(&config);
    let lakeformation = aws_sdk_lakeformation::Client::new(&config);
    let database = aws_sdk_glue::types::DatabaseInput::builder().name("hostile").build().unwrap();
    // Exists from the second table on.
    let _ = glue.create_database().database_input(database).send().await;
    let serde = SerDeInfo::builder().parameters("path", &table.location).build();
    let storage = StorageDescriptor::builder()
        .columns(Column::builder().name("id").r#type("bigint").build().unwrap())
        .location(&table.location)
        .serde_info(serde)
        .build();
    let mut input =
        TableInput::builder().name(table.name).table_type("EXTERNAL_TABLE").storage_descriptor(storage);
    for (key, text) in &table.parameters {
        input = input.parameters(*key, *text);
    }
    glue.create_table().database_name("hostile").table_input(input.build().unwrap()).send().await.unwrap();
    let analyst = DataLakePrincipal::builder()
        .data_lake_principal_identifier("arn:aws:iam::123456789012:role/lakegate/analyst")
        .build();
    let resource = TableResource::builder().database_name("hostile").name(table.name).build().unwrap();
    lakeformation
        .grant_permissions()
        .principal(analyst)
        .resource(Resource::builder().table(resource).build())
        .permissions(Permission::Select)
        .send()
        .await
        .unwrap();
    if !table.log.is_empty() {
        let commit = Path::from(format!("hostile/{}/_delta_log/00000000000000000000.json", table.name));
        bucket(sandbox).put(&commit, table.log.join("\n").into_bytes().into()).await.unwrap();
    }
}

fn bucket(sandbox: &Sandbox) -> Arc<AmazonS3> {
    let store = AmazonS3Builder::new()
        .with_endpoint(sandbox.endpoint())
        .with_allow_http(true)
        .with_bucket_name("lakegate-demo")
        .with_region("us-east-1")
        .with_access_key_id(lakegate_sandbox::ADMIN_ACCESS_KEY)
        .with_secret_access_key(lakegate_sandbox::ADMIN_SECRET_KEY)
        .build()
        .unwrap();
    Arc::new(store)
}
