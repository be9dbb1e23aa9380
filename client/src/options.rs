//! Where to connect and as whom: server URL, credentials, time limits, trusted certificates.
//!
//! A URL that carries a user name or a password is refused, because URLs end up in process lists,
//! shell histories and logs; the error for it does not repeat the URL.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use tonic::metadata::{Ascii, MetadataValue};
use url::Url;

use crate::error::{ClientError, UrlError};

/// Port of a Lakegate server when the URL names none.
pub const DEFAULT_PORT: u16 = 32010;

/// Time limit for reaching the server and for logging in, unless the caller sets another.
const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A password or token. It has no `Display`, and its `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes ownership of a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

/// How the client proves who it is.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// Exchanged in the Handshake for a bearer token of a new session.
    Password {
        /// User name; contains no colon, which HTTP Basic uses as its separator.
        user: String,
        /// The user's password.
        password: Secret,
    },
    /// Sent as it is with every call; there is no Handshake.
    Token(Secret),
}

impl Credentials {
    /// User name and password.
    ///
    /// # Errors
    /// [`ClientError::UserName`] if the name is empty or holds a colon (RFC 7617, section 2).
    pub fn password(user: impl Into<String>, password: impl Into<String>) -> Result<Self, ClientError> {
        let user = user.into();
        if user.is_empty() || user.contains(':') {
            return Err(ClientError::UserName);
        }
        Ok(Self::Password { user, password: Secret::new(password) })
    }

    /// A bearer token.
    ///
    /// # Errors
    /// [`ClientError::Token`] if the token is empty or cannot stand in an HTTP header.
    pub fn token(token: impl Into<String>) -> Result<Self, ClientError> {
        let token = token.into();
        let is_header_text = token.parse::<MetadataValue<Ascii>>().is_ok();
        if token.is_empty() || !is_header_text {
            return Err(ClientError::Token);
        }
        Ok(Self::Token(Secret::new(token)))
    }
}

/// Address of a Flight SQL server: `grpc://host:port`, or with TLS `grpc+tls://host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUrl {
    host: String,
    port: u16,
    tls: bool,
}

impl ServerUrl {
    /// Whether the connection is encrypted.
    pub fn uses_tls(&self) -> bool {
        self.tls
    }

    /// Host name or address; an IPv6 address stands in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether nothing that is sent leaves this machine.
    pub fn is_loopback(&self) -> bool {
        let address = self.host.trim_start_matches('[').trim_end_matches(']');
        match address.parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => self.host.eq_ignore_ascii_case("localhost"),
        }
    }

    /// The address in the form that the HTTP/2 transport understands.
    pub(crate) fn http_uri(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}:{}", self.host, self.port)
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "grpc+tls" } else { "grpc" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

impl FromStr for ServerUrl {
    type Err = ClientError;

    /// Reads `grpc://`, `grpc+tcp://` (plain) or `grpc+tls://`, `grpcs://` (TLS), a host, and a
    /// port (default [`DEFAULT_PORT`]). Nothing may follow.
    fn from_str(text: &str) -> Result<Self, ClientError> {
        let url = Url::parse(text).map_err(|_| UrlError::Malformed)?;
        let tls = match url.scheme() {
            "grpc" | "grpc+tcp" => false,
            "grpc+tls" | "grpcs" => true,
            _ => return Err(UrlError::Scheme.into()),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::Credentials.into());
        }
        let has_path = !matches!(url.path(), "" | "/");
        if has_path || url.query().is_some() || url.fragment().is_some() {
            return Err(UrlError::Trailing.into());
        }
        let host = url.host_str().unwrap_or_default();
        if host.is_empty() {
            return Err(UrlError::Host.into());
        }
        Ok(Self { host: host.to_owned(), port: url.port().unwrap_or(DEFAULT_PORT), tls })
    }
}

/// Everything that [`Connection::connect`](crate::Connection::connect) needs to know.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    pub(crate) url: ServerUrl,
    pub(crate) credentials: Credentials,
    pub(crate) connect_timeout: Duration,
    pub(crate) query_timeout: Option<Duration>,
    pub(crate) ca_pem: Option<Vec<u8>>,
}

impl ConnectOptions {
    /// Options with a 10 s limit for connecting, no limit for queries, and the machine's own
    /// trusted certificates.
    pub fn new(url: ServerUrl, credentials: Credentials) -> Self {
        Self { url, credentials, connect_timeout: DEFAULT_CONNECT_TIMEOUT, query_timeout: None, ca_pem: None }
    }

    /// The server that will be connected to.
    pub fn url(&self) -> &ServerUrl {
        &self.url
    }

    /// Limits reaching the server, and separately the login that follows.
    #[must_use]
    pub fn with_connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Limits each query from its start to its last row. The server is told about it too.
    #[must_use]
    pub fn with_query_timeout(mut self, limit: Duration) -> Self {
        self.query_timeout = Some(limit);
        self
    }

    /// Trusts these certificates (PEM) instead of those that the machine trusts.
    #[must_use]
    pub fn with_ca_certificates(mut self, pem: Vec<u8>) -> Self {
        self.ca_pem = Some(pem);
        self
    }
}

#[cfg(test)]
mod tests;
