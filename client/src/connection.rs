//! One logged-in connection to a Flight SQL server.
//!
//! ```text
//! connect ── Handshake (Basic) ──▶ bearer token ── GetFlightInfo ──▶ endpoints ── DoGet ──▶ rows
//! ```
//!
//! The Handshake is made here and not by `FlightSqlServiceClient::handshake`, which turns every
//! refusal into a text and so loses the gRPC code that tells a wrong password from a dead server.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use arrow::datatypes::Schema;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::client::FlightSqlServiceClient;
use arrow_flight::sql::{CommandGetDbSchemas, SqlInfo};
use arrow_flight::{Action, HandshakeRequest};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::{TryStreamExt, stream};
use tonic::Request;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use crate::call::{Caller, unless_unknown};
use crate::catalog::{self, ServerInfo, TableFilter, TableInfo};
use crate::cookies::CookieChannel;
use crate::error::ClientError;
use crate::options::{ConnectOptions, Credentials, Secret};
use crate::prepared::PreparedStatement;
use crate::rows::RowStream;

/// Largest message accepted. gRPC's usual 4 MiB is too little for one wide row.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024 * 1024;

/// The receiver's windows decide how fast a result can flow: bytes in flight ≤ window. Frames of
/// 1 MiB instead of 16 KiB save a hundred small reads per batch.
const STREAM_WINDOW_BYTES: u32 = 8 * 1024 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 16 * 1024 * 1024;
const FRAME_BYTES: u32 = 1024 * 1024;

/// A server that vanished without closing the connection is noticed by an unanswered ping.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// A connection, shared by any number of concurrent queries.
pub struct Connection {
    caller: Caller,
    /// A session that came with a token belongs to whoever made the token.
    owns_session: bool,
}

impl Connection {
    /// Connects and, with a password, logs in.
    ///
    /// # Errors
    /// [`ClientError::Connect`] and [`ClientError::ConnectTimeout`] if there is no server,
    /// [`ClientError::Status`] with `Unauthenticated` if it refuses the login.
    pub async fn connect(options: &ConnectOptions) -> Result<Self, ClientError> {
        let channel = open_channel(options).await?;
        let service = FlightServiceClient::new(CookieChannel::new(channel))
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES);
        let mut client = FlightSqlServiceClient::new_from_inner(service);
        let owns_session = match &options.credentials {
            Credentials::Token(token) => {
                client.set_token(token.expose().to_owned());
                false
            }
            Credentials::Password { user, password } => {
                let login = log_in(client.inner_mut(), user, password);
                let token = within(options.connect_timeout, login).await?;
                client.set_token(token);
                true
            }
        };
        let connection =
            Self { caller: Caller { client, query_timeout: options.query_timeout }, owns_session };
        // A server offers its session cookie with an answer, and lets nobody change a session without it. The first
        // statement may be such a change.
        within(options.connect_timeout, connection.act("GetSessionOptions")).await?;
        Ok(connection)
    }

    /// Runs one SQL statement and returns its rows as they arrive.
    ///
    /// Dropping the rows cancels the query. To cancel it while another task reads the rows:
    ///
    /// ```
    /// # use futures::TryStreamExt;
    /// # use lakegate_client::{ClientError, ConnectOptions, Connection, Credentials};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), lakegate_client::ClientError> {
    /// # let server = lakegate_client_testing::TestServer::start();
    /// # let credentials = Credentials::password("ann", "secret")?;
    /// # let options = ConnectOptions::new(server.url().parse()?, credentials);
    /// # let connection = Connection::connect(&options).await?;
    /// # let sql = "select endless";
    /// let mut rows = connection.query(sql).await?;
    /// let canceller = rows.canceller();
    /// let reader = tokio::spawn(async move {
    ///     while rows.try_next().await?.is_some() {}
    ///     Ok::<_, ClientError>(())
    /// });
    /// canceller.cancel().await?;
    /// # let ended = reader.await.map_err(|_| ClientError::Cancelled)?;
    /// assert!(matches!(ended, Err(ClientError::Cancelled)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError::Status`] as the server decides, [`ClientError::QueryTimeout`], and errors
    /// of the protocol. Errors after the first rows come as an item of the stream.
    pub async fn query(&self, sql: &str) -> Result<RowStream, ClientError> {
        let mut call = self.caller.begin();
        let info = call.deadline.wait(call.client.execute(sql.to_owned(), None)).await?;
        RowStream::open(call, info).await
    }

    /// Lets the server plan a statement, to be run any number of times with values for its placeholders.
    ///
    /// ```
    /// # use arrow::array::RecordBatch;
    /// # use futures::TryStreamExt;
    /// # use lakegate_client::{ConnectOptions, Connection, Credentials, Parameters};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), lakegate_client::ClientError> {
    /// # let server = lakegate_client_testing::TestServer::start();
    /// # let credentials = Credentials::password("ann", "secret")?;
    /// # let options = ConnectOptions::new(server.url().parse()?, credentials);
    /// # let connection = Connection::connect(&options).await?;
    /// let statement = connection.prepare("select id, name from sales.nation where id >= $1").await?;
    /// assert_eq!(statement.parameter_schema().fields().len(), 1);
    /// for first in [3_i64, 5] {
    ///     let rows: Vec<RecordBatch> = statement.query([first]).await?.try_collect().await?;
    ///     println!("{} rows", rows.iter().map(RecordBatch::num_rows).sum::<usize>());
    /// }
    /// // Values of different types, and NULL:
    /// let values = Parameters::new().bind(3_i64);
    /// let rows = statement.query(values).await?;
    /// # drop(rows);
    /// statement.close().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Connection::query`].
    pub async fn prepare(&self, sql: &str) -> Result<PreparedStatement, ClientError> {
        PreparedStatement::create(self.caller.clone(), sql).await
    }

    /// Lists the catalogs that the user can see: column `catalog_name`.
    ///
    /// # Errors
    /// As [`Connection::query`].
    pub async fn catalogs(&self) -> Result<RowStream, ClientError> {
        let mut call = self.caller.begin();
        let info = call.deadline.wait(call.client.get_catalogs()).await?;
        RowStream::open(call, info).await
    }

    /// Lists databases: columns `catalog_name`, `db_schema_name`. `pattern` is a LIKE pattern.
    ///
    /// # Errors
    /// As [`Connection::query`].
    pub async fn schemas(&self, pattern: Option<&str>) -> Result<RowStream, ClientError> {
        let command =
            CommandGetDbSchemas { catalog: None, db_schema_filter_pattern: pattern.map(str::to_owned) };
        let mut call = self.caller.begin();
        let info = call.deadline.wait(call.client.get_db_schemas(command)).await?;
        RowStream::open(call, info).await
    }

    /// Lists tables: columns `catalog_name`, `db_schema_name`, `table_name`, `table_type`, and
    /// `table_schema` if the filter asks for it.
    ///
    /// # Errors
    /// As [`Connection::query`].
    pub async fn tables(&self, filter: TableFilter) -> Result<RowStream, ClientError> {
        let mut call = self.caller.begin();
        let info = call.deadline.wait(call.client.get_tables(filter.into())).await?;
        RowStream::open(call, info).await
    }

    /// Lists tables as [`Connection::tables`] does, decoded.
    ///
    /// ```
    /// # use lakegate_client::{ConnectOptions, Connection, Credentials, TableFilter};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), lakegate_client::ClientError> {
    /// # let server = lakegate_client_testing::TestServer::start();
    /// # let credentials = Credentials::password("ann", "secret")?;
    /// # let options = ConnectOptions::new(server.url().parse()?, credentials);
    /// # let connection = Connection::connect(&options).await?;
    /// let filter = TableFilter { include_schema: true, ..TableFilter::default() };
    /// for table in connection.list_tables(filter).await? {
    ///     let columns = table.schema.map_or(0, |schema| schema.fields().len());
    ///     println!("{}.{}: {columns} columns", table.database, table.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Connection::query`].
    pub async fn list_tables(&self, filter: TableFilter) -> Result<Vec<TableInfo>, ClientError> {
        let mut rows = self.tables(filter).await?;
        let mut tables = Vec::new();
        while let Some(batch) = rows.try_next().await? {
            tables.extend(catalog::table_infos(&batch)?);
        }
        Ok(tables)
    }

    /// Columns of one table that the user can see, or `None` if there is no such table for them.
    ///
    /// # Errors
    /// As [`Connection::query`].
    pub async fn table_schema(
        &self,
        schema_name: &str,
        table_name: &str,
    ) -> Result<Option<Schema>, ClientError> {
        let filter = TableFilter {
            schema_pattern: Some(schema_name.to_owned()),
            table_pattern: Some(table_name.to_owned()),
            include_schema: true,
            ..TableFilter::default()
        };
        let tables = self.list_tables(filter).await?;
        let is_wanted = |table: &TableInfo| table.database == schema_name && table.name == table_name;
        Ok(tables.into_iter().find(is_wanted).and_then(|table| table.schema))
    }

    /// Name and version of the server; also a cheap check that the login works.
    ///
    /// # Errors
    /// As [`Connection::query`].
    pub async fn server_info(&self) -> Result<ServerInfo, ClientError> {
        let wanted = vec![SqlInfo::FlightSqlServerName, SqlInfo::FlightSqlServerVersion];
        let mut call = self.caller.begin();
        let info = call.deadline.wait(call.client.get_sql_info(wanted)).await?;
        let rows = RowStream::open(call, info).await?;
        let batches: Vec<_> = rows.try_collect().await?;
        catalog::server_info(&batches)
    }

    /// Ends the session that the login opened. A session that came with a token stays open.
    ///
    /// # Errors
    /// [`ClientError::Status`] if the server fails; a server without sessions is no error.
    pub async fn close(self) -> Result<(), ClientError> {
        if self.owns_session { self.act("CloseSession").await } else { Ok(()) }
    }

    /// Performs an action on the session, if the server knows it. Its request has no fields, and so no bytes.
    async fn act(&self, name: &str) -> Result<(), ClientError> {
        let mut client = self.caller.client.clone();
        let result = async {
            let replies = client.do_action(Action::new(name, Vec::new())).await?;
            replies.try_for_each(async |_| Ok(())).await?;
            Ok(())
        };
        unless_unknown(result.await)
    }
}

impl fmt::Debug for Connection {
    /// Written by hand: the inner client's `Debug` prints the bearer token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("query_timeout", &self.caller.query_timeout)
            .finish_non_exhaustive()
    }
}

async fn open_channel(options: &ConnectOptions) -> Result<Channel, ClientError> {
    let failed = |source| ClientError::Connect { url: options.url.to_string(), source };
    let mut endpoint = Endpoint::from_shared(options.url.http_uri())
        .and_then(|endpoint| endpoint.user_agent(concat!("lakegate/", env!("CARGO_PKG_VERSION"))))
        .map_err(failed)?
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT);
    if options.url.uses_tls() {
        // A program that links two implementations of TLS's cryptography must choose one, or rustls panics. Fails if the
        // program has chosen already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let trust = match &options.ca_pem {
            Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
            None => ClientTlsConfig::new().with_native_roots(),
        };
        endpoint = endpoint.tls_config(trust).map_err(failed)?;
    }
    let connect = async { endpoint.connect().await.map_err(failed) };
    within(options.connect_timeout, connect).await
}

/// Exchanges user name and password for the bearer token of a new session.
async fn log_in(
    service: &mut FlightServiceClient<CookieChannel>,
    user: &str,
    password: &Secret,
) -> Result<String, ClientError> {
    let pair = BASE64_STANDARD.encode(format!("{user}:{}", password.expose()));
    let mut basic: MetadataValue<Ascii> =
        format!("Basic {pair}").parse().map_err(|_| ClientError::UserName)?;
    // Keeps the header out of HPACK's dynamic table and out of debug output.
    basic.set_sensitive(true);
    let mut request = Request::new(stream::iter([HandshakeRequest::default()]));
    request.metadata_mut().insert("authorization", basic);

    let response = service.handshake(request).await?;
    let token = bearer_token(response.metadata());
    // A refusal may come as the status that ends the stream, after the headers.
    response.into_inner().try_for_each(async |_| Ok(())).await?;
    token.ok_or(ClientError::NoBearerToken)
}

fn bearer_token(headers: &MetadataMap) -> Option<String> {
    let authorization = headers.get("authorization")?.to_str().ok()?;
    let token = authorization.strip_prefix("Bearer ")?;
    (!token.is_empty()).then(|| token.to_owned())
}

async fn within<T>(
    limit: Duration,
    step: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, ClientError> {
    match tokio::time::timeout(limit, step).await {
        Ok(result) => result,
        Err(_) => Err(ClientError::ConnectTimeout(limit)),
    }
}
