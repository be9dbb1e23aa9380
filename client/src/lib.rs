//! Client library for Lakegate, or for any Arrow Flight SQL server that logs in with
//! `authorization: Basic` and continues with `authorization: Bearer`.
//!
//! ```
//! use futures::TryStreamExt;
//! use lakegate_client::{ConnectOptions, Connection, Credentials};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), lakegate_client::ClientError> {
//! # let server = lakegate_client_testing::TestServer::start();
//! # let url = server.url(); // In a program: "grpc+tls://lake.example.com"
//! let credentials = Credentials::password("ann", "secret")?;
//! let options = ConnectOptions::new(url.parse()?, credentials);
//! let connection = Connection::connect(&options).await?;
//! let mut rows = connection.query("select id, name from sales.nation").await?;
//! while let Some(batch) = rows.try_next().await? {
//!     println!("{} rows", batch.num_rows());
//! }
//! connection.close().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Prepared statements: [`Connection::prepare`]. What there is to query: [`Connection::list_tables`]. Cancelling:
//! [`RowStream`] and [`Canceller`].
//!
//! Invariants
//! - A result ends with `None` only after the server said that it is complete. Everything else
//!   that can end a stream (error, lost connection, deadline) is an `Err`.
//! - Credentials are sent to the server that the caller named and to no other: an endpoint that
//!   points elsewhere is refused, not followed. So are the server's cookies, which are kept in memory.
//! - No type of this crate prints a password or a token.
//! - Dropping a [`RowStream`] resets its HTTP/2 stream, which is how a query is cancelled.

mod call;
mod catalog;
mod connection;
mod cookies;
mod deadline;
mod error;
mod options;
mod parameters;
mod prepared;
mod rows;

pub use catalog::{ServerInfo, TableFilter, TableInfo};
pub use connection::{Connection, MAX_MESSAGE_BYTES};
pub use error::{ClientError, ErrorKind, UrlError};
pub use options::{ConnectOptions, Credentials, DEFAULT_PORT, Secret, ServerUrl};
pub use parameters::{Parameter, Parameters};
pub use prepared::PreparedStatement;
pub use rows::{Canceller, RowStream};
