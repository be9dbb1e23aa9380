//! The gRPC server: its limits, its TLS and its end.
//!
//! On shutdown no new connection is taken and clients are told to open no new stream, while running results go on for
//! `drain_timeout`. What runs longer is then ended with an error, so that a rolling restart never hangs on one client.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow_flight::flight_service_server::FlightServiceServer;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity as TlsIdentity, Server, ServerTlsConfig};

use super::front_door::FrontDoor;
use crate::error::{Error, ErrorKind};
use crate::identity::Identity;
use crate::pipeline::Pipeline;
use crate::settings::ServerSettings;
use crate::telemetry::metrics::Metrics;

/// Room for uploads; how fast results flow is up to the client's window.
const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 4 * 1024 * 1024;

/// Streams of one connection at once. BI tools share one connection among many sheets.
const MAX_STREAMS_PER_CONNECTION: u32 = 256;

/// Headers of one call. Drivers pass on unknown connection properties and tokens of identity providers.
const MAX_HEADER_BYTES: u32 = 64 * 1024;

/// How long a client may leave a keep-alive ping unanswered.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a TLS handshake may take.
const TLS_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long connections may take to close once their streams were ended.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// What the front door needs to know.
pub(crate) struct WireOptions {
    /// Certificate chain and key for TLS; without them connections are plain text.
    pub(crate) tls: Option<TlsIdentity>,
    /// Time between keep-alive pings.
    pub(crate) keepalive: Duration,
    /// How long running results may go on after shutdown began.
    pub(crate) drain_timeout: Duration,
    /// Lifetime of a ticket.
    pub(crate) ticket_ttl: Duration,
    /// Lifetime of a prepared statement's handle.
    pub(crate) prepared_ttl: Duration,
    /// Longest SQL text in bytes.
    pub(crate) max_sql_bytes: usize,
    /// Largest message from a client in bytes.
    pub(crate) max_message_bytes: usize,
    /// Names of all functions that SQL may call.
    pub(crate) function_names: Vec<String>,
}

impl WireOptions {
    /// Takes the settings and reads the certificate and key that they name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] if one of the files cannot be read.
    pub(crate) fn new(settings: &ServerSettings, function_names: Vec<String>) -> Result<Self, Error> {
        let tls = match (&settings.tls_certificate, &settings.tls_key) {
            (Some(certificate), Some(key)) => Some(TlsIdentity::from_pem(read(certificate)?, read(key)?)),
            _ => None,
        };
        Ok(Self {
            tls,
            keepalive: settings.keepalive,
            drain_timeout: settings.drain_timeout,
            ticket_ttl: settings.ticket_ttl,
            prepared_ttl: settings.prepared_ttl,
            max_sql_bytes: settings.max_sql_bytes.as_usize(),
            max_message_bytes: settings.max_message_bytes.as_usize(),
            function_names,
        })
    }
}

/// Two implementations of TLS's cryptography are linked, one for the AWS SDK and one for the rest; rustls refuses to choose
/// and panics at the first handshake unless somebody has.
fn choose_cryptography() {
    // Fails if a choice was made before, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|error| {
        let text = "a TLS file cannot be read";
        Error::new(ErrorKind::InvalidRequest, text).because(format!("{}: {error}", path.display()))
    })
}

/// Serves Flight SQL on `listener` until `shutdown` is cancelled and the running results have ended or had their time.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] if certificate and key do not fit together; [`ErrorKind::Internal`] if the server
/// cannot run.
pub(crate) async fn serve(
    options: WireOptions,
    pipeline: Arc<Pipeline>,
    identity: Arc<Identity>,
    metrics: Arc<Metrics>,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let mut server = Server::builder()
        .http2_keepalive_interval(Some(options.keepalive))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .http2_max_header_list_size(MAX_HEADER_BYTES)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_concurrent_streams(MAX_STREAMS_PER_CONNECTION);
    if let Some(identity) = &options.tls {
        choose_cryptography();
        let tls = ServerTlsConfig::new().identity(identity.clone()).timeout(TLS_HANDSHAKE_TIMEOUT);
        server = server.tls_config(tls).map_err(|error| {
            let text = "the TLS certificate and key cannot be used";
            Error::new(ErrorKind::InvalidRequest, text).because(error.to_string())
        })?;
    }
    let drain_timeout = options.drain_timeout;
    let max_message_bytes = options.max_message_bytes;
    let draining_ended = CancellationToken::new();
    let front_door = FrontDoor::new(options, pipeline, identity, metrics, draining_ended.clone())?;
    let service = FlightServiceServer::new(front_door).max_decoding_message_size(max_message_bytes);

    // Messages are written whole, so waiting for more to fill a packet only delays them.
    let connections = TcpIncoming::from(listener).with_nodelay(Some(true));
    let signal = shutdown.clone().cancelled_owned();
    let serving = server.add_service(service).serve_with_incoming_shutdown(connections, signal);
    let time_is_up = async {
        shutdown.cancelled().await;
        tokio::time::sleep(drain_timeout).await;
        draining_ended.cancel();
        tokio::time::sleep(CLOSE_TIMEOUT).await;
    };
    tokio::select! {
        outcome = serving => outcome.map_err(|error| Error::internal(format!("the server ended: {error}"))),
        () = time_is_up => Ok(()),
    }
}
