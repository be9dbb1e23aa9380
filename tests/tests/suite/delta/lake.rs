//! An account with the sample lake, a server in front of it, and a database for the tables that tests bring.
//!
//! A table arrives as an administrator would bring it: files below the registered bucket, an entry in Glue as a crawler
//! writes it (columns and partition keys apart, lower-case names, Hive types), grants in Lake Formation.

use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Weak};

use aws_sdk_glue::types::{Column as GlueColumn, DatabaseInput, SerDeInfo, StorageDescriptor, TableInput};
use futures::stream::{self, StreamExt, TryStreamExt};
use lakegate_client::{ClientError, Connection};
use lakegate_sandbox::Sandbox;
use lakegate_tests::stack::{self, Server};
use object_store::ObjectStoreExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use tokio::sync::Mutex;
use tonic::Code;

use super::TableFiles;
use super::grants::{Columns, Rows as GrantedRows, Shown};
use super::rows::Rows;
use super::schema::{Column, TableSchema};
use crate::support::{admin, login, rows, start_server};

/// The database of the tables that tests bring.
pub(crate) const DATABASE: &str = "brought";

/// The bucket of the sample lake, which is registered with Lake Formation.
const BUCKET: &str = "lakegate-demo";

/// What stands in no error text: paths, names of files, buckets and roles.
const INTERNAL: [&str; 12] = [
    "s3:",
    "s3a:",
    "file:",
    "http",
    BUCKET,
    DATABASE,
    "arn:",
    ".parquet",
    ".bin",
    ".json",
    "_delta_log",
    "/",
];

/// Uploads under way at a time.
const CONCURRENT_UPLOADS: usize = 8;

/// The lake that tests share, as long as one of them holds it.
static SHARED: Mutex<Weak<Lake>> = Mutex::const_new(Weak::new());

/// See the file's head.
pub(crate) struct Lake {
    pub(crate) server: Server,
    pub(crate) sandbox: Sandbox,
    glue: aws_sdk_glue::Client,
    lakeformation: aws_sdk_lakeformation::Client,
    bucket: AmazonS3,
}

impl Lake {
    /// A lake of its own, for tests that watch the account.
    pub(crate) async fn start(overrides: &[(&str, &str)]) -> Self {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, overrides).await;
        Self::with_server(sandbox, server).await
    }

    /// A lake of its own, whose server may have so many bytes of address space.
    pub(crate) async fn start_within(bytes: u64, overrides: &[(&str, &str)]) -> Self {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("within");
        let script = format!(
            "#!/bin/sh\nulimit -v {}\nexec {} \"$@\"\n",
            bytes / 1024,
            env!("CARGO_BIN_EXE_lakegate-test-server")
        );
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let server = Server::start(&program, &sandbox.endpoint(), overrides).await.unwrap();
        Self::with_server(sandbox, server).await
    }

    async fn with_server(sandbox: Sandbox, server: Server) -> Self {
        let config = admin(&sandbox).await;
        let glue = aws_sdk_glue::Client::new(&config);
        let database = DatabaseInput::builder().name(DATABASE).build().unwrap();
        glue.create_database().database_input(database).send().await.unwrap();
        let lakeformation = aws_sdk_lakeformation::Client::new(&config);
        let bucket = bucket(&sandbox);
        Self { server, sandbox, glue, lakeformation, bucket }
    }

    /// The lake of all tests that only bring tables of their own.
    pub(crate) async fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().await;
        if let Some(running) = shared.upgrade() {
            return running;
        }
        let settings = [
            ("LAKEGATE__ACCESS__TIME_TRAVEL_FOR_RESTRICTED", "true"),
            ("LAKEGATE__ACCESS__CELL_MASKING", "null"),
        ];
        let started = Arc::new(Self::start(&settings).await);
        *shared = Arc::downgrade(&started);
        started
    }

    /// Brings a table and grants all of it to `analyst`.
    pub(crate) async fn add(&self, name: &str, files: &TableFiles) {
        self.add_with_schema(name, files, &TableSchema::of(files).unwrap()).await;
    }

    /// Brings a table whose log may not tell its schema.
    pub(crate) async fn add_with_schema(&self, name: &str, files: &TableFiles, schema: &TableSchema) {
        self.put(name, files).await;
        self.register(name, schema).await;
        self.grant("analyst", name, Shown::ALL).await;
    }

    /// Writes the table's files.
    pub(crate) async fn put(&self, name: &str, files: &TableFiles) {
        stream::iter(&files.0)
            .map(Ok::<_, object_store::Error>)
            .try_for_each_concurrent(CONCURRENT_UPLOADS, |(path, content)| async move {
                // Parsed, not encoded: the key has the very characters of the path.
                let key = Path::parse(format!("{}/{path}", prefix(name)))?;
                self.bucket.put(&key, content.clone().into()).await.map(drop)
            })
            .await
            .unwrap();
    }

    /// Enters the table into the catalog.
    async fn register(&self, name: &str, schema: &TableSchema) {
        let glue_column = |column: &Column| {
            GlueColumn::builder().name(&column.name).r#type(&column.hive_type).build().unwrap()
        };
        let (keys, columns): (Vec<&Column>, Vec<&Column>) =
            schema.columns.iter().partition(|column| schema.is_partition(column));
        let location = location(name);
        let storage = StorageDescriptor::builder()
            .set_columns(Some(columns.into_iter().map(glue_column).collect()))
            .location(&location)
            .serde_info(SerDeInfo::builder().parameters("path", &location).build())
            .build();
        let table = TableInput::builder()
            .name(name)
            .table_type("EXTERNAL_TABLE")
            .parameters("table_type", "DELTA")
            .storage_descriptor(storage)
            .set_partition_keys(Some(keys.into_iter().map(glue_column).collect()))
            .build()
            .unwrap();
        self.glue.create_table().database_name(DATABASE).table_input(table).send().await.unwrap();
    }

    /// Grants all columns of a table but one.
    pub(crate) async fn grant_all_but(&self, user: &str, name: &str, column: &str) {
        let columns = Columns::AllBut(vec![column.to_owned()]);
        self.grant(user, name, Shown { rows: GrantedRows::All, columns }).await;
    }

    /// Grants a user to know of a table and not to read it.
    pub(crate) async fn grant_to_describe(&self, user: &str, name: &str) {
        Shown::grant_to_describe(&self.lakeformation, user, name).await;
    }

    /// Grants a part of a table.
    pub(crate) async fn grant(&self, user: &str, name: &str, shown: Shown) {
        shown.grant(&self.lakeformation, user, name).await;
    }

    /// Grants another part of a table, beside what is granted already.
    pub(crate) async fn grant_also(&self, user: &str, name: &str, shown: Shown) {
        shown.grant_by(&self.lakeformation, user, name, &format!("{user}_also")).await;
    }

    /// Logs a demo user in.
    pub(crate) async fn login(&self, user: &str) -> Connection {
        login(&self.server, user).await
    }

    /// The rows of a query that must succeed.
    ///
    /// # Arguments
    /// * `sql` - with `{}` in place of the table's name.
    pub(crate) async fn rows(&self, user: &str, table: &str, sql: &str) -> Rows {
        self.try_rows(user, table, sql).await.unwrap_or_else(|problem| panic!("{problem}"))
    }

    /// As [`Self::rows`], or why there are none.
    pub(crate) async fn try_rows(&self, user: &str, table: &str, sql: &str) -> Result<Rows, String> {
        let sql = statement(table, sql);
        match rows(&self.login(user).await, &sql).await {
            Ok(batches) => Ok(Rows::of(&batches)),
            Err(error) => Err(format!("{sql}: {error}; the log says: {}", self.reason(table))),
        }
    }

    /// Asserts what a user gets for some queries, as sorted lines. All failures are told together.
    pub(crate) async fn assert_answers(&self, user: &str, table: &str, queries: &[(&str, &[&str])]) {
        let mut problems = Vec::new();
        for (sql, expected) in queries {
            match self.try_rows(user, table, sql).await {
                Ok(rows) if rows.texts() == **expected => {}
                Ok(rows) => problems.push(format!("{sql}: {:#?}, expected {expected:#?}", rows.texts())),
                Err(problem) => problems.push(problem),
            }
        }
        let (failed, all) = (problems.len(), queries.len());
        assert!(problems.is_empty(), "{table}: {failed} of {all} queries:\n{}", problems.join("\n"));
    }

    /// The rows that `analyst` gets, as sorted lines.
    pub(crate) async fn texts(&self, table: &str, sql: &str) -> Vec<String> {
        self.rows("analyst", table, sql).await.texts()
    }

    /// Asserts that `analyst` gets one clear error, and gives its text.
    pub(crate) async fn assert_refused(&self, table: &str, sql: &str) -> String {
        self.refused(table, sql).await.unwrap_or_else(|problem| panic!("{problem}"))
    }

    /// The text of the one clear error that `analyst` gets, or what is wrong: no error, an unclear one, one that tells what
    /// the server knows and the user need not, or a server that then does not answer about another table.
    pub(crate) async fn refused(&self, table: &str, sql: &str) -> Result<String, String> {
        let sql = statement(table, sql);
        let analyst = self.login("analyst").await;
        let status = match rows(&analyst, &sql).await {
            Ok(batches) => return Err(format!("{sql}: answered with {:#?}", Rows::of(&batches).texts())),
            Err(ClientError::Status(status)) => status,
            Err(other) => return Err(format!("{sql}: no status but {other}")),
        };
        let problem = |what: &str| {
            let (code, text) = (status.code(), status.message());
            Err(format!("{sql}: {what}: {code:?} {text:?}; the log says: {}", self.reason(table)))
        };
        let text = status.message();
        if !matches!(status.code(), Code::DataLoss | Code::Unimplemented) {
            return problem("does not blame the table");
        }
        if text.trim().is_empty() || text.contains('\n') {
            return problem("is not one line");
        }
        // The table's name is the user's own word.
        let ours = text.replace(&format!("{DATABASE}.{table}"), "");
        if let Some(inside) = INTERNAL.iter().find(|inside| ours.contains(**inside)) {
            return problem(&format!("names {inside}"));
        }
        match rows(&analyst, "select count(*) from sales.region").await {
            Ok(batches) if Rows::of(&batches).texts() == ["5"] => Ok(text.to_owned()),
            other => Err(format!("{sql}: the next query fails: {other:?}")),
        }
    }

    /// Why the last statement over a table failed, from the operator's log.
    pub(crate) fn reason(&self, table: &str) -> String {
        let log = self.server.log();
        let failures =
            || log.lines().rev().filter(|line| line.contains("call failed") || line.contains("panicked"));
        let mut told: Vec<&str> = failures().filter(|line| line.contains(table)).take(1).collect();
        if told.is_empty() {
            told = failures().take(3).collect();
        }
        told.join("\n")
    }
}

/// The key of a table's folder.
pub(crate) fn prefix(name: &str) -> String {
    format!("{DATABASE}/{name}")
}

/// The address of a table's folder.
pub(crate) fn location(name: &str) -> String {
    format!("s3://{BUCKET}/{}", prefix(name))
}

/// `{}` becomes the table's qualified name.
fn statement(table: &str, sql: &str) -> String {
    sql.replace("{}", &format!("{DATABASE}.{table}"))
}

fn bucket(sandbox: &Sandbox) -> AmazonS3 {
    AmazonS3Builder::new()
        .with_endpoint(sandbox.endpoint())
        .with_allow_http(true)
        .with_bucket_name(BUCKET)
        .with_region("us-east-1")
        .with_access_key_id(lakegate_sandbox::ADMIN_ACCESS_KEY)
        .with_secret_access_key(lakegate_sandbox::ADMIN_SECRET_KEY)
        .build()
        .unwrap()
}
