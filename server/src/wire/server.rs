//! The gRPC server: its limits, its TLS and its end.
//!
//! ```text
//! stop ──▶ health and readiness say so ──▶ no new connections, no new streams ──▶ what still runs is ended ──▶ closed
//!            for drain_delay                 for at most drain_timeout               with an error, for CLOSE_TIMEOUT
//! ```
//!
//! So a rolling restart neither loses a running result nor hangs on one client. Who is in a hurry skips the waiting.

use std::sync::Arc;
use std::time::Duration;

use arrow_flight::flight_service_server::FlightServiceServer;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use super::front_door::FrontDoor;
use super::gate::{Gate, HealthGate};
use super::health::Health;
use super::listener::{self, ConnectionLimits};
use super::tls::Tls;
use super::uploads::Uploads;
use crate::error::Error;
use crate::identity::Identity;
use crate::pipeline::Pipeline;
use crate::settings::{Networks, ServerSettings};
use crate::telemetry::metrics::Metrics;

/// Room for uploads, held also while nobody reads them, in bytes; how fast results flow is up to the client's window.
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;

/// Streams of one connection at once. BI tools share one connection among many sheets.
const MAX_STREAMS_PER_CONNECTION: u32 = 256;

/// Headers of one call. Drivers pass on unknown connection properties and tokens of identity providers.
const MAX_HEADER_BYTES: u32 = 64 * 1024;

/// Streams of one connection that its client has opened and reset before the server looked at them; a client that does so
/// more often is cut off (CVE-2023-44487).
const MAX_PENDING_RESETS: usize = 128;

/// Streams of one connection that the server had to reset for a fault of the client (CVE-2025-8671).
const MAX_FAULTY_STREAMS: usize = 256;

/// How long a client may leave a keep-alive ping unanswered.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// How long connections may take to close once their streams were ended.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// The same for who is in a hurry: enough for the error to be sent.
const HURRIED_CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// How a server is told to stop.
#[derive(Clone, Default)]
pub(crate) struct Stop {
    /// Take no new work and let running results end.
    pub(crate) drain: CancellationToken,
    /// End them now.
    pub(crate) at_once: CancellationToken,
}

impl Stop {
    /// Waits so long, or until somebody is in a hurry.
    async fn wait(&self, duration: Duration) {
        tokio::select! {
            () = tokio::time::sleep(duration) => {}
            () = self.at_once.cancelled() => {}
        }
    }
}

/// What the front door needs to know.
pub(crate) struct WireOptions {
    /// TLS; without it connections are plain text.
    pub(crate) tls: Option<Tls>,
    /// Connections at once.
    pub(crate) max_connections: usize,
    /// Those of one address without a login.
    pub(crate) max_pending_per_address: usize,
    /// Addresses that many clients share.
    pub(crate) proxies: Networks,
    /// How long a connection may be without a login.
    pub(crate) login_timeout: Duration,
    /// How long a call may take to be sent.
    pub(crate) upload_timeout: Duration,
    /// Calls of one user at once that are being sent.
    pub(crate) max_uploads_per_user: usize,
    /// Time between keep-alive pings.
    pub(crate) keepalive: Duration,
    /// How long a client may take nothing of a result.
    pub(crate) stall_timeout: Duration,
    /// How long work is taken after the server was told to stop.
    pub(crate) drain_delay: Duration,
    /// How long running results may go on after that.
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
    /// Takes the settings and reads the files of TLS that they name. Needs a Tokio runtime.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::InvalidRequest`] if one of the files cannot be read or used.
    pub(crate) fn new(settings: &ServerSettings, function_names: Vec<String>) -> Result<Self, Error> {
        Ok(Self {
            tls: Tls::follow(settings)?,
            max_connections: settings.max_connections,
            max_pending_per_address: settings.max_pending_connections_per_address,
            proxies: settings.proxies.clone(),
            login_timeout: settings.login_timeout,
            upload_timeout: settings.upload_timeout,
            max_uploads_per_user: settings.max_uploads_per_user,
            keepalive: settings.keepalive,
            stall_timeout: settings.stall_timeout,
            drain_delay: settings.drain_delay,
            drain_timeout: settings.drain_timeout,
            ticket_ttl: settings.ticket_ttl,
            prepared_ttl: settings.prepared_ttl,
            max_sql_bytes: settings.max_sql_bytes.as_usize(),
            max_message_bytes: settings.max_message_bytes.as_usize(),
            function_names,
        })
    }
}

/// Serves Flight SQL and health on `listener` until `stop` says so and the running results have ended or had their time.
///
/// # Arguments
/// * `can_run` - whether statements can run now, for health.
///
/// # Errors
/// [`crate::error::ErrorKind::Internal`] if the server cannot run.
pub(crate) async fn serve(
    mut options: WireOptions,
    pipeline: Arc<Pipeline>,
    identity: Arc<Identity>,
    metrics: Arc<Metrics>,
    listener: TcpListener,
    stop: Stop,
    can_run: impl Fn() -> bool,
) -> Result<(), Error> {
    let health = Health::serving().await;
    let health_service = health.service();
    let tls = options.tls.take();
    let limits = ConnectionLimits {
        max_connections: options.max_connections,
        max_pending_per_address: options.max_pending_per_address,
        proxies: options.proxies.clone(),
        login_timeout: options.login_timeout,
    };
    let connections = listener::connections(listener, tls, limits, Arc::clone(&metrics));
    let mut server = Server::builder()
        .http2_keepalive_interval(Some(options.keepalive))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .http2_max_header_list_size(MAX_HEADER_BYTES)
        .http2_max_pending_accept_reset_streams(Some(MAX_PENDING_RESETS))
        .http2_max_local_error_reset_streams(Some(MAX_FAULTY_STREAMS))
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_concurrent_streams(MAX_STREAMS_PER_CONNECTION);
    let (drain_delay, drain_timeout) = (options.drain_delay, options.drain_timeout);
    let max_message_bytes = options.max_message_bytes;
    let uploads = Uploads::new(options.upload_timeout, options.max_uploads_per_user, max_message_bytes);
    let draining_ended = CancellationToken::new();
    let audit = pipeline.audit.clone();
    let front_door =
        FrontDoor::new(options, pipeline, Arc::clone(&identity), metrics, draining_ended.clone())?;
    let service = FlightServiceServer::new(front_door).max_decoding_message_size(max_message_bytes);

    let no_new_work = async {
        tokio::select! {
            () = stop.drain.cancelled() => {}
            () = health.follow(can_run) => {}
        }
        health.not_serving().await;
        stop.wait(drain_delay).await;
        health.close().await;
    };
    let serving = server
        .add_service(HealthGate(health_service))
        .add_service(Gate::new(service, identity, uploads))
        .serve_with_incoming_shutdown(connections, no_new_work);
    let time_is_up = async {
        stop.drain.cancelled().await;
        stop.wait(drain_delay.saturating_add(drain_timeout)).await;
        audit.stopping();
        draining_ended.cancel();
        let is_hurried = stop.at_once.is_cancelled();
        tokio::time::sleep(if is_hurried { HURRIED_CLOSE_TIMEOUT } else { CLOSE_TIMEOUT }).await;
    };
    tokio::select! {
        outcome = serving => outcome.map_err(|error| Error::internal(format!("the server ended: {error}"))),
        () = time_is_up => Ok(()),
    }
}
