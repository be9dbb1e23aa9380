//! Wiring: the only place that builds components, starts them, and stops them again.
//!
//! Settings were checked before anything here runs; ports are bound only after every component could be built, so a server
//! that answers is a server that works.

mod open_files;
mod signals;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle};
use tokio_util::task::AbortOnDropHandle;

use self::signals::{StopSignal, StopSignals};
use crate::access::Access;
use crate::admin::{self, Obstacle};
use crate::audit::AuditTrail;
use crate::aws::Aws;
use crate::catalog::Catalog;
use crate::engine::Engine;
use crate::error::Error;
use crate::guard::Guard;
use crate::identity::Identity;
use crate::pipeline::Pipeline;
use crate::session::Sessions;
use crate::settings::Settings;
use crate::table::Tables;
use crate::telemetry;
use crate::telemetry::metrics::Metrics;
use crate::wire::{self, Stop, WireOptions};

/// A running server. Dropping it ends it at once.
struct Server {
    stop: Stop,
    flight: AbortOnDropHandle<Result<(), Error>>,
    _admin: Option<AbortOnDropHandle<Result<(), Error>>>,
}

impl Server {
    /// Builds the components, binds the ports and begins to serve, on the multi-threaded runtime of the caller, which
    /// becomes the I/O runtime.
    ///
    /// # Errors
    /// If a component cannot be built or a port cannot be bound.
    async fn start(settings: Settings, records: Records) -> Result<Self, Error> {
        let stop = Stop::default();
        let Records { metrics, audit } = records;
        let identity = Arc::new(Identity::new(&settings)?);
        let external_id = settings.identity.external_id.as_ref();
        let aws = Arc::new(Aws::connect(&settings.aws, external_id, Arc::clone(&metrics)).await);
        let obstacle = obstacle(audit.clone(), Arc::clone(&aws));
        let pipeline = Arc::new(pipeline(settings.clone(), aws, audit, Arc::clone(&metrics)).await?);
        let options = WireOptions::new(&settings.server, pipeline.guard.function_names().to_vec())?;

        let listener = bind(settings.server.address).await?;
        let flight_address = local_address(&listener)?;
        let (admin, admin_address) = if settings.admin.enabled {
            let listener = bind(settings.admin.address).await?;
            let address = local_address(&listener)?;
            let served =
                admin::serve(listener, Arc::clone(&metrics), stop.drain.clone(), Arc::clone(&obstacle));
            (Some(AbortOnDropHandle::new(tokio::spawn(served))), Some(address))
        } else {
            (None, None)
        };
        let can_run = move || obstacle().is_none();
        let served = wire::serve(options, pipeline, identity, metrics, listener, stop.clone(), can_run);
        let admin_address = admin_address.map(tracing::field::display);
        tracing::info!(%flight_address, admin_address, "serving");
        Ok(Self { stop, flight: AbortOnDropHandle::new(tokio::spawn(served)), _admin: admin })
    }

    /// Waits for the end of serving. Health and metrics are served until then, and a little longer than readiness.
    async fn ended(self) -> Result<(), Error> {
        let abnormal = |error: tokio::task::JoinError| {
            Error::internal(format!("a server task ended abnormally: {error}"))
        };
        self.flight.await.map_err(abnormal)?
    }
}

/// How a server that was told to stop has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stopped {
    /// Running results have ended, or had their time.
    Drained,
    /// A second signal of this number did not let them.
    AtOnce(u8),
}

/// What outlives the server, so that its end is recorded too.
struct Records {
    metrics: Arc<Metrics>,
    audit: AuditTrail,
}

/// How long tasks may take to end with the server: cancelled statements write their audit records.
const TASKS_TIMEOUT: Duration = Duration::from_secs(1);

/// Stack of a thread that serves connections, in bytes. It reads short SQL, and the parser follows its nesting by recursion.
const IO_STACK_BYTES: usize = 16 * 1024 * 1024;

/// Starts logging, serves until the process is told to stop, and drains; a second signal ends it at once. What is to be
/// written of that is written when this returns, unless writing it hangs.
///
/// # Errors
/// If the server cannot start, or serving fails.
pub fn serve(settings: Settings) -> Result<Stopped, Error> {
    telemetry::start(&settings.log, settings.audit.log_statements)?;
    let metrics = Arc::new(Metrics::default());
    let audit = AuditTrail::new(&settings.audit, Arc::clone(&metrics))?;
    let runtime = Builder::new_multi_thread()
        .thread_name("lakegate-io")
        .thread_stack_size(IO_STACK_BYTES)
        .enable_all()
        .build()
        .map_err(|error| Error::internal(format!("I/O runtime: {error}")))?;
    let stopped = runtime.block_on(run(settings, Records { metrics, audit: audit.clone() }));
    runtime.shutdown_timeout(TASKS_TIMEOUT);
    audit.flush();
    telemetry::flush();
    stopped
}

async fn run(settings: Settings, records: Records) -> Result<Stopped, Error> {
    open_files::raise_limit(settings.server.max_connections);
    let mut signals = StopSignals::listen()?;
    let audit = records.audit.clone();
    let on_hangup = || audit.reopen();
    let server = tokio::select! {
        started = Server::start(settings, records) => started?,
        _ = signals.next(on_hangup) => return Ok(Stopped::Drained),
    };
    let stop = server.stop.clone();
    let mut ended = std::pin::pin!(server.ended());
    tokio::select! {
        outcome = &mut ended => return outcome.map(|()| Stopped::Drained),
        signal = signals.next(on_hangup) => {
            tracing::info!(?signal, "draining; a second signal ends the server at once");
        }
    }
    stop.drain.cancel();
    let second: StopSignal = tokio::select! {
        outcome = &mut ended => return outcome.map(|()| Stopped::Drained),
        signal = signals.next(on_hangup) => signal,
    };
    tracing::warn!(signal = ?second, "a second signal: running results are ended");
    stop.at_once.cancel();
    ended.await.map(|()| Stopped::AtOnce(second.number()))
}

/// Why no statement can run: what readiness tells.
fn obstacle(audit: AuditTrail, aws: Arc<Aws>) -> Obstacle {
    Arc::new(move || {
        if audit.is_failing() {
            Some("the audit trail cannot be written")
        } else if aws.has_no_identity() {
            Some("the server has no AWS credentials of its own")
        } else {
            None
        }
    })
}

async fn pipeline(
    settings: Settings,
    aws: Arc<Aws>,
    audit: AuditTrail,
    metrics: Arc<Metrics>,
) -> Result<Pipeline, Error> {
    let engine = Engine::start(&settings.engine, Arc::clone(&metrics))?;
    let runtime = Arc::clone(engine.base());
    let guard =
        Guard::new(&settings.engine, &settings.access, engine.threads(), runtime, Arc::clone(&metrics));
    Ok(Pipeline {
        sessions: Sessions::new(&settings.session, engine.threads()),
        access: Access::new(Arc::clone(&aws), &settings.access),
        catalog: Arc::new(Catalog::new(aws, &settings.access)),
        tables: Tables::new(&settings.table, &settings.aws, Handle::current(), Arc::clone(&metrics)).await?,
        guard: Arc::new(guard),
        engine,
        audit,
        metrics,
        settings,
    })
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address)
        .await
        .map_err(|error| Error::internal(format!("cannot listen on {address}: {error}")))
}

fn local_address(listener: &TcpListener) -> Result<SocketAddr, Error> {
    listener.local_addr().map_err(|error| Error::internal(format!("listener without an address: {error}")))
}
